"""Makes RFC 3161 answers, right ones and each with one flaw.

Written with asn1crypto and without the gateway's own verifier, so that the two are opinions about the same
standard; `openssl ts` is the third. The same key, request, serial number and time give the same bytes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from asn1crypto import cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

#: Below the enterprise number for examples [RFC 5612].
POLICY: Final = "1.3.6.1.4.1.32473.1.1"
#: Hash that was asked for -> the one it signs with; else SHA-256.
_SIGNING: Final = {"sha384": "sha384", "sha512": "sha512", "sha3_256": "sha512", "sha3_512": "sha512"}
_HASHES: Final[dict[str, type[hashes.HashAlgorithm]]] = {
    "sha1": hashes.SHA1,  # a flaw to order
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}
OTHER_POLICY: Final = "1.3.6.1.4.1.32473.1.2"


class Flaw(StrEnum):
    """What is wrong with an answer."""

    NONE = ""
    WRONG_IMPRINT = "wrong_imprint"
    WRONG_NONCE = "wrong_nonce"
    NO_NONCE = "no_nonce"
    WRONG_POLICY = "wrong_policy"
    GRANTED_WITH_MODS = "granted_with_mods"
    REJECTED = "rejected"
    #: Granted, without a token.
    UNSTAMPED = "unstamped"
    #: Named by ESSCertIDv2 is another certificate, or none.
    WRONG_CERTIFICATE_ID = "wrong_certificate_id"
    NO_CERTIFICATE_ID = "no_certificate_id"
    NO_CERTIFICATES = "no_certificates"
    BROKEN_SIGNATURE = "broken_signature"
    #: The signature is over another TSTInfo.
    OTHER_CONTENT = "other_content"
    SHA1 = "sha1"


class Answer(core.Sequence):  # type: ignore[misc]
    """TimeStampResp; asn1crypto's own lets nobody leave the token out."""

    _fields = [  # noqa: RUF012  # as asn1crypto asks for it
        ("status", tsp.PKIStatusInfo),
        ("time_stamp_token", cms.ContentInfo, {"optional": True}),
    ]


@dataclass(frozen=True, kw_only=True, slots=True)
class Stamper:
    """Who stamps."""

    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...] = ()
    #: The older ESSCertID, of SHA-1, instead of ESSCertIDv2.
    old_certificate_id: bool = False
    #: RSASSA-PSS instead of PKCS #1 v1.5.
    pss: bool = False


def make_reply(
    request: bytes, stamper: Stamper, *, now: datetime, serial: int, flaw: Flaw = Flaw.NONE, policy: str = POLICY
) -> bytes:
    """The answer, a TimeStampResp in DER; ValueError for what is no request."""
    asked = tsp.TimeStampReq.load(request, strict=True)
    if flaw is Flaw.REJECTED:
        status = {"status": "rejection", "status_string": ["ordered"], "fail_info": {"system_failure"}}
        return bytes(Answer({"status": status}).dump())
    status = {"status": "granted_with_mods" if flaw is Flaw.GRANTED_WITH_MODS else "granted"}
    if flaw is Flaw.UNSTAMPED:
        return bytes(Answer({"status": status}).dump())
    content = _info(asked, flaw, now, serial, policy).dump()
    asked_for = asked["message_imprint"]["hash_algorithm"]["algorithm"].native
    algorithm = "sha1" if flaw is Flaw.SHA1 else _SIGNING.get(asked_for, "sha256")
    token = _token(content, stamper, flaw, algorithm, sends_chain=bool(asked["cert_req"].native))
    return bytes(Answer({"status": status, "time_stamp_token": token}).dump())


def _info(asked: Any, flaw: Flaw, now: datetime, serial: int, policy: str) -> tsp.TSTInfo:
    imprint, nonce = asked["message_imprint"].native, asked["nonce"].native
    if flaw is Flaw.WRONG_IMPRINT:
        imprint["hashed_message"] = hashlib.sha256(imprint["hashed_message"]).digest()
    if flaw is Flaw.WRONG_POLICY:
        policy = OTHER_POLICY
    elif asked["req_policy"].native is not None:
        policy = asked["req_policy"].dotted
    values: dict[str, Any] = {
        "version": "v1",
        "policy": policy,
        "message_imprint": asked["message_imprint"] if flaw is not Flaw.WRONG_IMPRINT else _imprint(imprint),
        "serial_number": serial,
        "gen_time": now.replace(microsecond=0),
        "accuracy": {"seconds": 1},
    }
    if nonce is not None and flaw is not Flaw.NO_NONCE:
        values["nonce"] = nonce ^ 2 if flaw is Flaw.WRONG_NONCE else nonce
    return tsp.TSTInfo(values)


def _imprint(values: Any) -> Any:
    return {
        "hash_algorithm": {"algorithm": values["hash_algorithm"]["algorithm"]},
        "hashed_message": values["hashed_message"],
    }


def _token(content: bytes, stamper: Stamper, flaw: Flaw, algorithm: str, *, sends_chain: bool) -> cms.ContentInfo:
    signed = content + b"\0" if flaw is Flaw.OTHER_CONTENT else content
    attributes = [
        {"type": "content_type", "values": ["tst_info"]},
        {"type": "message_digest", "values": [hashlib.new(algorithm, signed).digest()]},
    ]
    if flaw is not Flaw.NO_CERTIFICATE_ID:
        named = stamper.chain[0] if flaw is Flaw.WRONG_CERTIFICATE_ID else stamper.certificate
        attributes.append(_certificate_id(named, is_old=stamper.old_certificate_id))
    packed = cms.CMSAttributes(attributes)
    value, method = _signed(packed.dump(), stamper, algorithm)
    if flaw is Flaw.BROKEN_SIGNATURE:
        value = value[:-1] + bytes((value[-1] ^ 1,))
    own = _asn1(stamper.certificate)
    sent = () if flaw is Flaw.NO_CERTIFICATES or not sends_chain else (stamper.certificate, *stamper.chain)
    signer = {
        "version": "v1",
        "sid": {"issuer_and_serial_number": {"issuer": own.issuer, "serial_number": own.serial_number}},
        "digest_algorithm": {"algorithm": algorithm},
        "signed_attrs": packed,
        "signature_algorithm": method,
        "signature": value,
    }
    data: dict[str, Any] = {
        "version": "v3",
        "digest_algorithms": [{"algorithm": algorithm}],
        "encap_content_info": {"content_type": "tst_info", "content": cms.ParsableOctetString(content)},
        "signer_infos": [signer],
    }
    if sent:
        data["certificates"] = [
            cms.CertificateChoices("certificate", _asn1(each))
            for each in sorted(sent, key=lambda each: each.public_bytes(Encoding.DER))  # DER's order of sets
        ]
    return cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(data)})


def _certificate_id(certificate: x509.Certificate, *, is_old: bool) -> dict[str, Any]:
    own = _asn1(certificate)
    issuer = asn1_x509.GeneralNames([asn1_x509.GeneralName("directory_name", own.issuer)])
    named = {"issuer": issuer, "serial_number": own.serial_number}
    if is_old:
        first = {"cert_hash": hashlib.sha1(own.dump(), usedforsecurity=False).digest(), "issuer_serial": named}
        return {"type": "signing_certificate", "values": [{"certs": [first]}]}
    second = {
        "hash_algorithm": {"algorithm": "sha256"},
        "cert_hash": hashlib.sha256(own.dump()).digest(),
        "issuer_serial": named,
    }
    return {"type": "signing_certificate_v2", "values": [{"certs": [second]}]}


def _signed(data: bytes, stamper: Stamper, algorithm: str) -> tuple[bytes, dict[str, Any]]:
    chosen = _HASHES[algorithm]()
    if isinstance(stamper.key, ec.EllipticCurvePrivateKey):
        value = stamper.key.sign(data, ec.ECDSA(chosen, deterministic_signing=True))
        return value, {"algorithm": f"{algorithm}_ecdsa"}
    if stamper.pss:
        salt = chosen.digest_size
        value = stamper.key.sign(data, padding.PSS(padding.MGF1(chosen), salt), chosen)
        mask = {"algorithm": "mgf1", "parameters": {"algorithm": algorithm}}
        parameters = {
            "hash_algorithm": {"algorithm": algorithm},
            "mask_gen_algorithm": mask,
            "salt_length": salt,
        }
        return value, {"algorithm": "rsassa_pss", "parameters": parameters}
    return stamper.key.sign(data, padding.PKCS1v15(), chosen), {"algorithm": "rsassa_pkcs1v15"}


def _asn1(certificate: x509.Certificate) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))
