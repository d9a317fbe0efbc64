"""What operators do to agencies, channels and credentials: typed requests, and the acts behind them.

See `gateway.admin.acts`. A code or token leaves in the reply, once, and is stored as a hash; nothing here logs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated

import msgspec
from cryptography import x509
from msgspec import Meta, field
from yarl import URL

from gateway.admin.acts import Change, Desk, Instant, Reply, endpoint_named
from gateway.channels import problems_of
from gateway.clock import rfc3339
from gateway.directory.changes import (
    AddRepresentation,
    AddRepresentationOperation,
    CloseAgency,
    CloseAgencyOperation,
    EndRepresentation,
    EndRepresentationOperation,
    SetEndpoint,
    SetEndpointOperation,
)
from gateway.directory.endpoint_changes import UpsertEndpoint, UpsertEndpointOperation
from gateway.directory.endpoints import capabilities_of
from gateway.directory.importer import Progress, import_agencies
from gateway.errors import ConfigError, RefusedError
from gateway.foundation import Foundation
from gateway.model import Endpoint, EndpointId
from gateway.pki import server_key_pin
from gateway.seal.profile import UNREADABLE_CERTIFICATE, fingerprint

_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")

Code = Annotated[str, Meta(min_length=1, max_length=50)]
Label = Annotated[str, Meta(max_length=100)]


class ImportAgencies(Change, kw_only=True):
    """A CSV file (`gateway/directory/README.md`)."""

    #: The file's text.
    csv: str
    #: Take the good rows of a file with bad ones.
    partial: bool = False


class OfferEnrolment(Change, kw_only=True):
    """A one-time code for a system of an agency."""

    organ_id: Code


class IssueToken(Change, kw_only=True):
    """A bearer token for a system of an agency."""

    organ_id: Code
    label: Label
    days: Annotated[int, Meta(ge=1, le=1830)] = 365
    #: Networks it may be used from; none: anywhere.
    networks: list[str] = field(default_factory=list)


class RecordCertificate(Change, kw_only=True):
    """A client certificate of another CA."""

    organ_id: Code
    #: PEM.
    certificate: Annotated[str, Meta(max_length=20_000)]
    label: Label = ""
    networks: list[str] = field(default_factory=list)


class RevokeCredential(Change, kw_only=True):
    """A credential by id or fingerprint with all its renewals, or everything an agency holds."""

    credential: str = ""
    organ_id: str = ""


class RestrictCredential(Change, kw_only=True):
    """From where a credential (by id or fingerprint) or a shared secret may be used."""

    credential: Annotated[str, Meta(min_length=1, max_length=100)]
    #: None: from anywhere, which a shared secret never is.
    networks: list[str]


class EndAgency(Change, kw_only=True):
    """An agency closes."""

    organ_id: Code
    successor: str = ""
    #: When; now by default.
    at: Instant | None = None


class RouteAgency(Change, kw_only=True):
    """An agency's deliveries take another channel; "" takes it away."""

    organ_id: Code
    endpoint: str


class Represent(Change, kw_only=True):
    """One agency speaks for another, or (with `end`) no longer."""

    agent: Code
    principal: Code
    until: Instant | None = None
    end: bool = False


class ConfigureEndpoint(Change, kw_only=True):
    """A channel by its name: what is given is set, the rest stays."""

    name: Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9._-]{0,63}$")]
    kind: str | None = None
    settings: dict[str, str | int | float | bool] = field(default_factory=dict)
    capabilities: dict[str, object] = field(default_factory=dict)
    is_relay: bool | None = None


async def import_file(desk: Desk, request: ImportAgencies, actor: str, progress: Progress | None = None) -> Reply:
    """Bring the directory to what the file says; nothing is written when it has problems (unless partial)."""
    base = desk.foundation
    report = await import_agencies(
        base.directory,
        base.pump,
        base.readers,
        request.csv.encode(),
        actor=actor,
        now=base.clock.now(),
        partial=request.partial,
        why=request.reason,
        progress=progress,
    )
    reply: Reply = msgspec.to_builtins(report)
    return reply


async def offer_enrolment(desk: Desk, request: OfferEnrolment, actor: str) -> Reply:
    """The code, and what its holder needs beside it: the address and the pin of the server's key."""
    base = desk.foundation
    now = base.clock.now()
    agency = await base.directory.require(request.organ_id, now)
    code = await base.accounts.new_enrolment(agency.id, actor, now, why=request.reason)
    certificate = x509.load_pem_x509_certificate(base.settings.tls.certificate.read_bytes())
    return {
        "organ_id": agency.organ_id,
        "name": agency.name,
        "code": code,
        "expires_at": rfc3339(now + base.settings.enrolment.code_lifetime),
        "url": base.settings.server.public_url,
        "server_key_pin": f"sha256//{server_key_pin(certificate)}",
    }


async def issue_token(desk: Desk, request: IssueToken, actor: str) -> Reply:
    """The token, shown once."""
    base = desk.foundation
    now = base.clock.now()
    agency = await base.directory.require(request.organ_id, now)
    lifetime = timedelta(days=request.days)
    token, key = await base.accounts.issue_token(
        agency.id,
        label=request.label,
        lifetime=lifetime,
        networks=request.networks,
        actor=actor,
        now=now,
        why=request.reason,
    )
    return {
        "organ_id": agency.organ_id,
        "credential": key,
        "token": token,
        "expires_at": rfc3339(now + lifetime),
    }


async def record_certificate(desk: Desk, request: RecordCertificate, actor: str) -> Reply:
    """Take a certificate that the TLS listener's anchors lead to."""
    base = desk.foundation
    now = base.clock.now()
    agency = await base.directory.require(request.organ_id, now)
    try:
        certificate = x509.load_pem_x509_certificate(request.certificate.encode())
    except UNREADABLE_CERTIFICATE as error:
        raise RefusedError("parameter_invalid", "the file holds no PEM certificate") from error
    digest = fingerprint(certificate).hex()
    key = await base.accounts.record_certificate(
        agency.id,
        digest,
        expires_at=certificate.not_valid_after_utc,
        label=request.label,
        networks=request.networks,
        actor=actor,
        now=now,
        why=request.reason,
    )
    ends = rfc3339(certificate.not_valid_after_utc)
    return {"organ_id": agency.organ_id, "credential": key, "fingerprint": digest, "expires_at": ends}


async def revoke_credential(desk: Desk, request: RevokeCredential, actor: str) -> Reply:
    """End it; the next request with it is refused."""
    base = desk.foundation
    now = base.clock.now()
    if bool(request.credential) == bool(request.organ_id):
        raise RefusedError("parameter_invalid", "name either a credential or an agency")
    if request.credential:
        ended = await base.accounts.revoke(_named(request.credential), actor, now, why=request.reason)
    else:
        agency = await base.directory.require(request.organ_id, now)
        ended = await base.accounts.revoke_all(agency.id, actor, now, why=request.reason)
    base.shared_secrets.forget()
    return {"revoked": list(ended)}


async def restrict_credential(desk: Desk, request: RestrictCredential, actor: str) -> Reply:
    """It counts from the next request on."""
    base = desk.foundation
    key = await base.accounts.set_networks(
        _named(request.credential), request.networks, actor, base.clock.now(), why=request.reason
    )
    base.shared_secrets.forget()
    return {"credential": key, "networks": request.networks}


def _named(credential: str) -> str:
    """An id, or a fingerprint as it is written anywhere."""
    return credential.replace(":", "").lower()


async def end_agency(desk: Desk, request: EndAgency, actor: str) -> Reply:
    """Close it; what is addressed to it goes to the successor."""
    base = desk.foundation
    now = base.clock.now()
    agency = await base.directory.require(request.organ_id, now)
    successor = await base.directory.require(request.successor, now) if request.successor else None
    if successor is not None and successor.id == agency.id:
        raise RefusedError("parameter_invalid", "an agency does not succeed itself")
    change = CloseAgency(
        agency_id=agency.id,
        at=request.at or now,
        successor_id=successor.id if successor else None,
        actor=actor,
        now=now,
        why=request.reason,
    )
    version = await base.directory.apply(base.pump, CloseAgencyOperation(), change)
    base.credentials.forget()
    base.shared_secrets.forget()
    return {
        "organ_id": agency.organ_id,
        "closed_at": rfc3339(change.at),
        "successor": successor.organ_id if successor else None,
        "directory_version": version,
    }


async def route_agency(desk: Desk, request: RouteAgency, actor: str) -> Reply:
    """Set the channel of an agency for what is accepted from now on."""
    base = desk.foundation
    now = base.clock.now()
    agency = await base.directory.require(request.organ_id, now)
    endpoint = await endpoint_named(base, request.endpoint) if request.endpoint else None
    change = SetEndpoint(
        agency_id=agency.id, endpoint_id=endpoint.id if endpoint else None, actor=actor, now=now, why=request.reason
    )
    version = await base.directory.apply(base.pump, SetEndpointOperation(), change)
    return {
        "organ_id": agency.organ_id,
        "endpoint": endpoint.name if endpoint else None,
        "directory_version": version,
    }


async def represent(desk: Desk, request: Represent, actor: str) -> Reply:
    """Let one agency speak for another, or end that."""
    base = desk.foundation
    now = base.clock.now()
    agent = await base.directory.require(request.agent, now)
    principal = await base.directory.require(request.principal, now)
    if request.end:
        ended = EndRepresentation(
            agent_id=agent.id, principal_id=principal.id, at=now, actor=actor, now=now, why=request.reason
        )
        version = await base.directory.apply(base.pump, EndRepresentationOperation(), ended)
    else:
        added = AddRepresentation(
            agent_id=agent.id,
            principal_id=principal.id,
            start=now,
            end=request.until,
            actor=actor,
            now=now,
            why=request.reason,
        )
        version = await base.directory.apply(base.pump, AddRepresentationOperation(), added)
    return {
        "agent": agent.organ_id,
        "principal": principal.organ_id,
        "ends_at": _text(now if request.end else request.until),
        "directory_version": version,
    }


async def configure_endpoint(desk: Desk, request: ConfigureEndpoint, actor: str) -> Reply:
    """Make a channel, or change what is given of one."""
    base = desk.foundation
    old = next((each for each in await base.directory.endpoints() if each.name == request.name), None)
    kind = request.kind or (old.kind if old else None)
    if kind is None:
        raise RefusedError("parameter_invalid", f"there is no channel {request.name} yet: say its kind")
    settings = (old.settings if old else {}) | request.settings
    for name in [name for name, value in settings.items() if value == "" and name != "source"]:
        del settings[name]  # "" for a source means that there is none; elsewhere, that nothing is set
    if kind == "webhook":
        _require_reachable(request.name, settings)
    relay = request.is_relay if request.is_relay is not None else bool(old and old.is_relay)
    capabilities = (msgspec.to_builtins(old.capabilities) if old else {}) | request.capabilities
    _require_sound(base, request.name, kind, settings, capabilities, is_relay=relay)
    if settings.get("source"):
        _require_source(request.name, settings)
    change = UpsertEndpoint(
        name=request.name,
        kind=kind,
        settings=settings,
        capabilities=capabilities,
        is_relay=relay,
        actor=actor,
        now=base.clock.now(),
        why=request.reason,
    )
    key = await base.directory.apply(base.pump, UpsertEndpointOperation(), change)
    desk.requeued(())
    return {"id": key, "name": request.name, "kind": kind, "is_relay": relay, "made": old is None}


def _require_reachable(name: str, settings: Mapping[str, object]) -> None:
    """Refuse a channel that no attempt could use, or whose secret lies elsewhere than the others."""
    try:
        url = URL(str(settings.get("url", "")))
    except ValueError as error:
        raise RefusedError("parameter_invalid", f"{name}: --url: {error}") from error
    plain = url.scheme == "http" and settings.get("allow_plain") is True
    if not (url.scheme == "https" or plain) or not url.host or url.user or url.password:
        raise RefusedError("parameter_invalid", f"{name}: give --url such as https://qlvb.example.vn/nhan")
    secret = settings.get("secret_file")
    if secret is not None and not _FILE_NAME.fullmatch(str(secret)):
        raise RefusedError("parameter_invalid", f"{name}: --secret-file is a bare name in the secrets folder")


def _require_sound(
    base: Foundation,
    name: str,
    kind: str,
    settings: dict[str, object],
    capabilities: dict[str, object],
    *,
    is_relay: bool,
) -> None:
    """Refuse a channel of which can be said already that no attempt could use it, or no look."""
    try:
        able = capabilities_of(capabilities)
    except ConfigError as error:
        raise RefusedError("parameter_invalid", f"{name}: {error}") from error
    trial = Endpoint(
        id=EndpointId(""), name=name, kind=kind, settings=settings, capabilities=able, is_relay=is_relay
    )
    problems = problems_of(base.settings, trial, base.clock)
    if problems:
        raise RefusedError("parameter_invalid", f"{trial.name}: {'; '.join(problems)}")


def _require_source(name: str, settings: Mapping[str, object]) -> None:
    """Refuse a source that could never be read; its kind is checked where it is made."""
    try:
        url = URL(str(settings.get("source_url", "")))
    except ValueError as error:
        raise RefusedError("parameter_invalid", f"{name}: source_url: {error}") from error
    if url.scheme != "https" or not url.host or url.user or url.password or url.query_string:
        raise RefusedError("parameter_invalid", f"{name}: source_url is https://host/path without name or password")
    if not _FILE_NAME.fullmatch(str(settings.get("source_secret_file", ""))):
        raise RefusedError("parameter_invalid", f"{name}: source_secret_file is a bare name in the secrets folder")
    if not settings.get("source_system_id"):
        raise RefusedError("parameter_invalid", f"{name}: give source_system_id")


def _text(at: datetime | None) -> str | None:
    return None if at is None else rfc3339(at)
