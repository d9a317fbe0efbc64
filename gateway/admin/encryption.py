"""Certificates that agencies let others encrypt to: what operators publish, and end. See `gateway.admin.acts`."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from gateway.admin.acts import Change, Desk, Reply
from gateway.clock import rfc3339
from gateway.directory.encryption import (
    EndPublished,
    EndPublishedOperation,
    Publish,
    PublishOperation,
    encryption_certificates,
)
from gateway.enveloped.certificates import read_certificate
from gateway.errors import EnvelopedError, RefusedError

_Code = Annotated[str, Meta(min_length=1, max_length=50)]


class PublishEncryption(Change, kw_only=True):
    """Senders may encrypt to this certificate of an agency from now on."""

    organ_id: _Code
    #: PEM or DER.
    certificate: Annotated[bytes, Meta(max_length=20_000)]


class EndEncryption(Change, kw_only=True):
    """They may not any more."""

    organ_id: _Code
    #: SHA-256, hex, or its beginning.
    certificate: Annotated[str, Meta(pattern="^[0-9a-fA-F]{6,64}$")]
    #: `revoked`: its key is lost, or known to others.
    ended_as: Literal["replaced", "revoked"] = "replaced"


async def publish_encryption(desk: Desk, request: PublishEncryption, actor: str) -> Reply:
    """It is given to the next who asks."""
    base = desk.foundation
    now = base.clock.now()
    agency = await base.directory.require(request.organ_id, now)
    try:
        found = read_certificate(request.certificate)
    except EnvelopedError as error:
        raise RefusedError("parameter_invalid", str(error)) from error
    if found.not_after <= now:
        raise RefusedError("parameter_invalid", f"the certificate expired on {found.not_after:%Y-%m-%d}")
    ask = Publish(agency_id=agency.id, certificate=found, actor=actor, now=now, why=request.reason)
    await base.pump.submit(PublishOperation(), ask)
    return {
        "organ_id": agency.organ_id,
        "certificate": found.sha256,
        "name": found.name,
        "algorithm": found.algorithm,
        "from": rfc3339(max(now, found.not_before)),
        "until": rfc3339(found.not_after),
    }


async def end_encryption(desk: Desk, request: EndEncryption, actor: str) -> Reply:
    """It is given to nobody; what was encrypted to it stays what it is."""
    base = desk.foundation
    now = base.clock.now()
    agency = await base.directory.require(request.organ_id, now)
    known = (await encryption_certificates(base.readers, [agency.id])).get(agency.id, ())
    digests = [each.certificate.sha256 for each in known]
    named = [each for each in digests if each.startswith(request.certificate.lower())]
    if len(named) != 1:
        raise RefusedError("parameter_invalid", f"{len(named)} certificates of {agency.organ_id} begin like this")
    ask = EndPublished(
        agency_id=agency.id, sha256=named[0], ended_as=request.ended_as, actor=actor, now=now, why=request.reason
    )
    await base.pump.submit(EndPublishedOperation(), ask)
    return {"organ_id": agency.organ_id, "certificate": named[0], "ended_as": request.ended_as}
