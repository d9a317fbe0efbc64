"""What operators do for peers of other protocols: issue secrets, and close the tasks that peers opened.

A secret without a list of networks is refused, and so is one for a protocol that this gateway does not serve: what
is printed must work. In the development profile this machine is the list, so that the demo's commands stay short.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from cryptography import x509
from msgspec import Meta, field

from gateway.accounts.shared_secrets import MOST_CHARACTERS, Wish, loopback
from gateway.admin.acts import Change, Desk, Reply
from gateway.channels import served_bindings
from gateway.clock import rfc3339
from gateway.config.settings import Settings
from gateway.errors import RefusedError
from gateway.ledger.tasks import CloseTask, CloseTaskOperation
from gateway.pki import server_key_pin

_CLOSE = CloseTaskOperation()


class IssueSecret(Change, kw_only=True):
    """A secret that a system of an agency and we both know."""

    organ_id: Annotated[str, Meta(min_length=1, max_length=100)]
    #: One of `channels.served_bindings`.
    binding: Annotated[str, Meta(min_length=1, max_length=40)]
    #: What it calls itself; its agency's organ id by default.
    system_id: Annotated[str, Meta(max_length=MOST_CHARACTERS)] = ""
    label: Annotated[str, Meta(max_length=200)] = ""
    days: Annotated[int, Meta(ge=1, le=1830)] = 365
    #: How long the secrets before it still count.
    overlap_seconds: Annotated[float, Meta(ge=0, le=90 * 86_400)] = 7 * 86_400.0
    #: Networks it may be used from.
    networks: list[str] = field(default_factory=list)


class CloseOperatorTask(Change, kw_only=True):
    """A task is done, or will not be."""

    task: str


def base_url(settings: Settings, binding: str) -> str:
    """What peers of a protocol are given; RefusedError where it is not served."""
    chosen = settings.bindings
    if not chosen.port:
        raise RefusedError("state_forbids", f"{binding} is not served: set [bindings] port, and restart")
    return (chosen.public_url.rstrip("/") or f"https://localhost:{chosen.port}") + served_bindings()[binding].path


async def issue_secret(desk: Desk, request: IssueSecret, actor: str) -> Reply:
    """The secret, shown once."""
    base = desk.foundation
    served = served_bindings().get(request.binding)
    if served is None:
        raise RefusedError("parameter_invalid", f"binding is one of {', '.join(sorted(served_bindings()))}")
    url, now = base_url(base.settings, request.binding), base.clock.now()
    agency = await base.directory.require(request.organ_id, now)
    if served.is_vouched and not request.system_id:
        raise RefusedError("parameter_invalid", "give --system-id INSTANCE/CLASS/MEMBER/SUBSYSTEM")
    networks = request.networks or (loopback() if base.settings.profile == "development" else ())
    wish = Wish(
        agency_id=agency.id,
        binding=request.binding,
        system_id=request.system_id or agency.organ_id,
        lifetime=timedelta(days=request.days),
        overlap=timedelta(seconds=request.overlap_seconds),
        networks=tuple(networks),
        label=request.label,
        actor=actor,
        why=request.reason,
        secret=not served.is_vouched,
    )
    issued = await base.shared_secrets.issue(wish, now)
    certificate = x509.load_pem_x509_certificate(base.settings.tls.certificate.read_bytes())
    return {
        "base_url": url,
        "system_id": wish.system_id,
        "secret": issued.secret,
        "organ_id": agency.organ_id,
        "binding": request.binding,
        # of another kind than inbox: it sends here, and what is for it goes there
        "channel": agency.endpoint.kind if agency.endpoint else None,
        "credential": issued.id,
        "expires_at": rfc3339(issued.expires_at),
        "networks": list(networks),
        "server_key_pin": f"sha256//{server_key_pin(certificate)}",
        "earlier_end_at": rfc3339(now + wish.overlap) if issued.ending else None,
    }


async def close_task(desk: Desk, request: CloseOperatorTask, actor: str) -> Reply:
    """Close it, with the reason."""
    base = desk.foundation
    ask = CloseTask(id=request.task, actor=actor, why=request.reason, now=base.clock.now())
    return {"task": request.task, "kind": await base.pump.submit(_CLOSE, ask)}
