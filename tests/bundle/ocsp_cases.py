"""OCSP answers about seals' certificates, the same bytes every time, and vectors of bundles that bring them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from asn1crypto import core
from asn1crypto import ocsp as asn1
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from gateway.bundle.build import Material
from tests.bundle.making import AT, MADE_AT, answers, crl, made, story
from tests.pki.build import build
from tests.pki.weak import answer_with_sha1
from tests.unit.seal.sealing import SIGNED_AT

_DER: Final = Encoding.DER
_DAY: Final = timedelta(days=1)


def ocsp_answer(
    member: str = "seal-rsa",
    *,
    by: str = "seal-ocsp",
    issuer: str = "seal-ca",
    at: datetime = MADE_AT - timedelta(hours=4),
    until: datetime = MADE_AT + 7 * _DAY,
    status: ocsp.OCSPCertStatus = ocsp.OCSPCertStatus.GOOD,
    is_sha1: bool = False,
) -> bytes:
    """What `by` says of a member's certificate; a responder's own certificate comes along."""
    signer = build()[by]
    is_revoked = status is ocsp.OCSPCertStatus.REVOKED
    builder = ocsp.OCSPResponseBuilder().add_response(
        cert=build()[member].certificate,
        issuer=build()[issuer].certificate,
        algorithm=hashes.SHA1(),
        cert_status=status,
        this_update=at,
        next_update=until,
        revocation_time=SIGNED_AT - _DAY if is_revoked else None,
        revocation_reason=None,
    )
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, signer.certificate)
    if by != issuer:
        builder = builder.certificates([signer.certificate])
    response = asn1.OCSPResponse.load(builder.sign(signer.key, hashes.SHA256()).public_bytes(_DER))
    basic = response["response_bytes"]["response"].parsed
    basic["tbs_response_data"]["produced_at"] = at  # the builder knows its own clock only
    signed = basic["tbs_response_data"].dump(force=True)
    assert isinstance(signer.key, ec.EllipticCurvePrivateKey)
    basic["signature"] = signer.key.sign(signed, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
    response["response_bytes"]["response"] = core.ParsableOctetString(basic.dump(force=True))
    found = bytes(response.dump(force=True))
    return answer_with_sha1(found, signer.key) if is_sha1 else found


def ocsp_cases() -> Iterator[dict[str, Any]]:
    """The fields of each case."""
    good = ocsp_answer()
    why = "the CA's responder says that the seal's certificate is good"
    yield _case("ocsp-answer", why, good)
    yield _case("ocsp-answer-by-the-ca", "the CA itself says so", ocsp_answer(by="seal-ca"))
    revoked = ocsp_answer(status=ocsp.OCSPCertStatus.REVOKED)
    yield _case("ocsp-seal-revoked", "the CA's responder says that it was revoked before", revoked)
    why = "revoked, says the responder; the CA's list, which is as new, does not say so yet: the worst counts"
    yield _case("ocsp-seal-revoked-not-listed", why, revoked, more=answers(crl("seal-ca")))
    why = "the CA's responder does not know the certificate"
    yield _case("ocsp-answer-unknown", why, ocsp_answer(status=ocsp.OCSPCertStatus.UNKNOWN))
    why = "signed by somebody whom the CA certified, but not for this"
    yield _case("ocsp-answer-by-no-responder", why, ocsp_answer(by="seal-p256"))
    why = "signed by a responder whom another CA certified"
    yield _case("ocsp-answer-by-responder-of-another-ca", why, ocsp_answer(by="root-ocsp"))
    why = "signed by a responder whose certificate had ended before"
    yield _case("ocsp-answer-by-ended-responder", why, ocsp_answer(by="seal-ocsp-ended"))
    why = "signed with SHA-1, as some responders still do: it says nothing"
    yield _case("ocsp-answer-sha1", why, ocsp_answer(is_sha1=True))
    why = "signed with SHA-1, and by a responder of another CA: weakness is no excuse for a stranger"
    yield _case("ocsp-answer-sha1-of-another-ca", why, ocsp_answer(by="root-ocsp", is_sha1=True))
    why = "an answer that had ended before says nothing: revocation was not examined"
    old = ocsp_answer(at=SIGNED_AT - 9 * _DAY, until=SIGNED_AT - 2 * _DAY)
    yield _case("ocsp-answer-ended", why, old)
    yield _case("ocsp-answer-about-another", "about a certificate that is not here", ocsp_answer("seal-p256"))
    yield _case("ocsp-answer-of-a-stranger", "of a CA that is not here", _foreign())
    changed = good[:-9] + bytes([good[-9] ^ 1]) + good[-8:]
    yield _case("ocsp-answer-changed", "a byte of its last certificate's signature was changed", changed)
    yield _case("ocsp-answer-unreadable", "it is no OCSP answer", b"x")
    why = "it tells of an error"
    error = ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER).public_bytes(_DER)
    yield _case("ocsp-answer-of-an-error", why, error)


def _foreign() -> bytes:
    return ocsp_answer("foreign-seal", by="foreign-root", issuer="foreign-root")


def _case(name: str, why: str, answer: bytes, *, more: dict[str, bytes] | None = None) -> dict[str, Any]:
    entry = f"evidence/revocation/{sha256(answer).hexdigest()}.ocsp"

    def change(material: Material) -> Material:
        return replace(material, others=dict(material.others) | {entry: answer} | (more or {}))

    return {"name": name, "why": why, "bundle": made(story(), change=change), "at": AT}
