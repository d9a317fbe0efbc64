"""What operators do to the keys of channels: give one a new key with an overlap, and ask its receiver for a proof.

See `gateway.admin.acts`. A new secret leaves in the reply, once, and lies in the secrets folder with mode 0600; of
a private key only the public half leaves. Nothing here logs.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from msgspec import Meta

from gateway import channels
from gateway.admin.acts import Change, Desk, Reply, endpoint_named
from gateway.clock import VIETNAM, rfc3339
from gateway.directory.endpoint_changes import UpsertEndpoint, UpsertEndpointOperation
from gateway.errors import ConfigError, RefusedError
from gateway.events import Event
from gateway.fsio import make_private_dir, write_durably
from gateway.model import Endpoint, OutcomeKind
from gateway.ports import Provable
from gateway.verification import Proofs, ask

_SECRET_BYTES = 32


class RekeyChannel(Change, kw_only=True):
    """A new key for a channel; the old one goes on signing beside it for a while."""

    name: str
    #: How long, in seconds; as `webhook.secret_overlap` says by default, 0: not at all.
    overlap_seconds: Annotated[int, Meta(ge=0, le=90 * 86_400)] | None = None


class VerifyChannel(Change, kw_only=True):
    """Ask a channel's receiver for its proof now."""

    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _Made:
    """A new key."""

    content: bytes
    #: What the receiver needs: the secret itself, or the public key.
    told: dict[str, str]


async def rekey_channel(desk: Desk, request: RekeyChannel, actor: str) -> Reply:
    """The new secret (shown once) or public key, and when the old one ends."""
    base, now = desk.foundation, desk.foundation.clock.now()
    endpoint = await endpoint_named(base, request.name)
    if endpoint.kind != "webhook":
        raise RefusedError("parameter_invalid", f"{endpoint.name} is no webhook")
    settings = dict(endpoint.settings)
    _end_last(settings, now)
    overlap = base.settings.webhook.secret_overlap
    if request.overlap_seconds is not None:
        overlap = timedelta(seconds=request.overlap_seconds)
    ends = now + overlap
    made = _make(str(settings.get("algorithm", "hmac-sha256")))
    folder = base.settings.storage.secrets
    make_private_dir(folder)
    file = f"{endpoint.name}.{now.astimezone(VIETNAM):%Y%m%d%H%M%S}.{secrets.token_hex(3)}"
    write_durably(folder / file, made.content)
    try:
        settings |= {"next_secret_file": file, "next_secret_at": rfc3339(ends)}
        change = _change(endpoint, settings, actor, now, request.reason, ends)
        await base.directory.apply(base.pump, UpsertEndpointOperation(), change)
    except BaseException:
        (folder / file).unlink(missing_ok=True)
        raise
    desk.requeued(())
    old = str(settings.get("secret_file", ""))
    return {
        "name": endpoint.name,
        "secret_file": file,
        **made.told,
        "old_secret_file": old,
        "old_ends_at": rfc3339(ends),
    }


async def verify_channel(desk: Desk, request: VerifyChannel, actor: str) -> Reply:
    """Whether it is proved, and why not."""
    base = desk.foundation
    endpoint = await endpoint_named(base, request.name)
    surroundings = channels.surroundings_of(base.settings, base.clock, base.settings.delivery.timeout)
    adapter = channels.make_adapters(surroundings).get(endpoint.kind)
    if adapter is None or not isinstance(adapter, Provable):
        raise RefusedError("parameter_invalid", f"{endpoint.name}: nobody there is asked for a proof")
    try:
        mark = adapter.mark(endpoint)
        outcome = await ask(adapter, Proofs(base.readers, base.pump, base.clock), endpoint, mark, actor=actor)
    except ConfigError as error:
        raise RefusedError("parameter_invalid", f"{endpoint.name}: {error}") from error
    finally:
        await adapter.close()
    proved = outcome.kind is OutcomeKind.DELIVERED
    if proved:
        desk.requeued(())
    return {"name": endpoint.name, "verified": proved, "reason": outcome.reason, "detail": outcome.detail}


def _end_last(settings: dict[str, object], now: datetime) -> None:
    """Take over the key of a rotation that is done; refuse another one while it lasts."""
    following, at = settings.pop("next_secret_file", None), settings.pop("next_secret_at", None)
    if following is None:
        return
    if now < datetime.fromisoformat(str(at)):
        raise RefusedError("state_forbids", f"the last new key is still in its overlap, until {at}")
    settings["secret_file"] = following


def _make(algorithm: str) -> _Made:
    if algorithm == "hmac-sha256":
        secret = secrets.token_urlsafe(_SECRET_BYTES)
        return _Made(content=f"{secret}\n".encode(), told={"secret": secret})
    is_edwards = algorithm == "ed25519"
    key = ed25519.Ed25519PrivateKey.generate() if is_edwards else ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return _Made(
        content=key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        told={"public_key": public.decode()},
    )


def _change(
    endpoint: Endpoint, settings: dict[str, object], actor: str, now: datetime, why: str, ends: datetime
) -> UpsertEndpoint:
    return UpsertEndpoint(
        name=endpoint.name,
        kind=endpoint.kind,
        settings=settings,
        capabilities=msgspec.to_builtins(endpoint.capabilities),
        is_relay=endpoint.is_relay,
        actor=actor,
        now=now,
        why=why,
        event=Event.ENDPOINT_REKEYED,
        facts={"old_ends_at": rfc3339(ends)},
    )
