"""Which certificates an agency and its people sign with: what operators bind, and end.

See `gateway.admin.acts`. Whoever binds a certificate has it from the agency itself: a CA says who somebody is, not
for whom they sign.
"""

from __future__ import annotations

from typing import Annotated, Literal

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from msgspec import Meta

from gateway.admin.acts import Change, Desk, Instant, Reply
from gateway.clock import rfc3339
from gateway.directory.signers import Bind, BindOperation, EndBinding, EndBindingOperation, bindings_of
from gateway.errors import RefusedError
from gateway.signatures.model import SignerKind
from gateway.signatures.signer import signer_of

_BIND, _END = BindOperation(), EndBindingOperation()
_Code = Annotated[str, Meta(min_length=1, max_length=50)]


class BindCertificate(Change, kw_only=True):
    """An agency, or a person of it, signs with this certificate."""

    organ_id: _Code
    #: DER.
    certificate: Annotated[bytes, Meta(max_length=20_000)]
    #: Whose it is; "": as its subject says.
    kind: Literal["person", "agency", ""] = ""
    #: From when, and until when; the certificate's own begin by default, and until it is ended.
    valid_from: Instant | None = None
    valid_until: Instant | None = None


class EndCertificate(Change, kw_only=True):
    """It signs with it no longer."""

    organ_id: _Code
    #: SHA-256, hex, or its beginning.
    certificate: Annotated[str, Meta(pattern="^[0-9a-fA-F]{6,64}$")]
    at: Instant | None = None


async def bind_certificate(desk: Desk, request: BindCertificate, actor: str) -> Reply:
    """Whose it is from now on."""
    base = desk.foundation
    now = base.clock.now()
    agency = await base.directory.require(request.organ_id, now)
    try:
        certificate = x509.load_der_x509_certificate(request.certificate)
        signer = signer_of(certificate, (agency.name,))
    except ValueError as error:
        raise RefusedError("parameter_invalid", f"this is no certificate: {error}"[:300]) from error
    kind = SignerKind(request.kind) if request.kind else signer.kind
    if kind is SignerKind.UNKNOWN:
        raise RefusedError("parameter_invalid", "its subject does not tell whose it is: give --kind")
    begin = request.valid_from or certificate.not_valid_before_utc
    if request.valid_until is not None and request.valid_until <= begin:
        raise RefusedError("parameter_invalid", "it would end before it begins")
    ask = Bind(
        agency_id=agency.id,
        sha256=signer.sha256,
        der=certificate.public_bytes(Encoding.DER),
        kind=kind,
        name=signer.name[:300],
        valid_from=begin,
        valid_until=request.valid_until,
        actor=actor,
        now=now,
        why=request.reason,
    )
    await base.pump.submit(_BIND, ask)
    return {
        "organ_id": agency.organ_id,
        "certificate": signer.sha256,
        "holder": signer.name,
        "kind": kind.value,
        "from": rfc3339(begin),
        "until": None if request.valid_until is None else rfc3339(request.valid_until),
    }


async def end_certificate(desk: Desk, request: EndCertificate, actor: str) -> Reply:
    """From when it is not the agency's any more."""
    base = desk.foundation
    now = base.clock.now()
    agency = await base.directory.require(request.organ_id, now)
    at = request.at or now
    known = await bindings_of(base.readers, agency.id)
    named = {each.sha256 for each in known if each.sha256.startswith(request.certificate.lower())}
    if len(named) != 1:
        raise RefusedError("parameter_invalid", f"{len(named)} certificates of {agency.organ_id} begin like this")
    ask = EndBinding(agency_id=agency.id, sha256=named.pop(), at=at, actor=actor, now=now, why=request.reason)
    await base.pump.submit(_END, ask)
    return {"organ_id": agency.organ_id, "certificate": ask.sha256, "until": rfc3339(at)}
