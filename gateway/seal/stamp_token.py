"""Reads what an RFC 3161 server answered: a TimeStampResp in DER, into values that `timestamp` judges.

The values are taken from the very bytes that the signature covers, so that nothing is judged that was not signed.
Nothing here is verified. StampError for whatever is no answer of such a server.

asn1crypto reads it, as it reads every CMS here. rfc3161-client does not: it wants the certificates of a token in
the order of DER sets, which CMS does not ask for and `openssl ts` does not keep, so it refuses good stamps. It is
an oracle of the tests.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from asn1crypto import cms, core, tsp
from cryptography import x509

from gateway.errors import StampError
from gateway.seal.profile import UNREADABLE_CERTIFICATE

#: A token with its chain is 2 to 8 KB.
MAX_REPLY_BYTES: Final = 64 * 1024
_MOST_CERTIFICATES: Final = 12
#: What asn1crypto and cryptography raise over bytes that are not what they seem.
UNREADABLE = (*UNREADABLE_CERTIFICATE, KeyError, IndexError, AttributeError, OverflowError)


class _Answer(core.Sequence):  # type: ignore[misc]
    """TimeStampResp [RFC 3161 2.4.2]; in asn1crypto's own the token is not optional."""

    _fields = [  # noqa: RUF012  # as asn1crypto asks for it
        ("status", tsp.PKIStatusInfo),
        ("time_stamp_token", cms.ContentInfo, {"optional": True}),
    ]


@dataclass(frozen=True, kw_only=True, slots=True)
class CertificateId:
    """ESSCertID or ESSCertIDv2 of the signer [RFC 2634 5.4.1, RFC 5035 4]."""

    #: Of the hash; `sha1` in the older form.
    algorithm: str
    digest: bytes
    #: Issuer's name in DER and serial number; None where only the hash is there.
    issuer: bytes | None = None
    serial: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Signature:
    """The one SignerInfo of a token."""

    #: The certificate that it names, if the token holds it.
    certificate: x509.Certificate | None
    #: The others in the token.
    chain: tuple[x509.Certificate, ...]
    #: As `sha256`.
    digest_algorithm: str
    #: As `rsassa_pkcs1v15`, `ecdsa`; the hash that goes with it, and the bytes of salt for RSASSA-PSS.
    method: str
    method_hash: str
    salt_bytes: int
    value: bytes
    #: The signed attributes as they are signed: a SET in DER.
    signed_attributes: bytes
    #: What they say; None for an attribute that is not there exactly once.
    content_type: str | None
    message_digest: bytes | None
    #: What they name as the signer's certificate.
    certificate_ids: tuple[CertificateId, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Token:
    """A TSTInfo and its signature [RFC 3161 2.4.2]."""

    #: The signed bytes.
    content: bytes
    content_type: str
    version: str
    policy: str
    imprint_algorithm: str
    imprint: bytes
    serial: int
    gen_time: datetime
    accuracy: timedelta
    nonce: int | None
    signature: Signature


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """A TimeStampResp."""

    #: As `granted`, `granted_with_mods`, `rejection`.
    status: str
    #: What it says about a refusal.
    told: str
    token: Token | None


def read_reply(raw: bytes) -> Reply:
    """The parts of an answer; StampError when it is none."""
    if len(raw) > MAX_REPLY_BYTES:
        raise StampError(f"the answer has {len(raw)} bytes, more than any time stamp")
    try:
        found = _Answer.load(raw, strict=True)
        status, told = found["status"]["status"].native, _told(found["status"])
        if not isinstance(found["time_stamp_token"], cms.ContentInfo):
            return Reply(status=status, told=told, token=None)
        return Reply(status=status, told=told, token=_token(found["time_stamp_token"]))
    except UNREADABLE as error:
        raise StampError(f"this is no RFC 3161 answer: {str(error)[:200]}") from error


def token_of(raw: bytes) -> bytes:
    """The token of an answer as it stands there: a ContentInfo in DER. StampError without one."""
    try:
        token = _Answer.load(raw, strict=True)["time_stamp_token"]
        if isinstance(token, cms.ContentInfo):
            return bytes(token.dump())
    except UNREADABLE as error:
        raise StampError(f"this is no RFC 3161 answer: {str(error)[:200]}") from error
    raise StampError("an answer without a token")


def reply_with(token: bytes) -> bytes:
    """An answer that grants this token, as it is read where stamps are verified; StampError when it is none."""
    try:
        found = cms.ContentInfo.load(token, strict=True)
        return bytes(_Answer({"status": {"status": "granted"}, "time_stamp_token": found}).dump())
    except UNREADABLE as error:
        raise StampError(f"this is no time stamp: {str(error)[:200]}") from error


def _told(status: Any) -> str:
    texts = status["status_string"].native or ()
    info = status["fail_info"].native or ()
    return "; ".join([*map(str, texts), *sorted(map(str, info))])[:300]


def _token(found: Any) -> Token:
    if found["content_type"].native != "signed_data":
        raise StampError("the token is no SignedData")
    signed = found["content"]
    encapsulated = signed["encap_content_info"]
    content = bytes(encapsulated["content"])
    info = tsp.TSTInfo.load(content, strict=True)
    with warnings.catch_warnings(action="ignore"):  # of names that are merely too long for X.520
        certificates = _certificates(signed)
        signature = _signature(signed, certificates)
    return Token(
        content=content,
        content_type=encapsulated["content_type"].native,
        version=info["version"].native,
        policy=info["policy"].dotted,
        imprint_algorithm=info["message_imprint"]["hash_algorithm"]["algorithm"].native,
        imprint=info["message_imprint"]["hashed_message"].native,
        serial=info["serial_number"].native,
        gen_time=info["gen_time"].native,
        accuracy=_accuracy(info["accuracy"].native),
        nonce=info["nonce"].native,
        signature=signature,
    )


def _accuracy(told: Any) -> timedelta:
    told = told or {}
    return timedelta(
        seconds=told.get("seconds") or 0, milliseconds=told.get("millis") or 0, microseconds=told.get("micros") or 0
    )


def _certificates(signed: Any) -> tuple[x509.Certificate, ...]:
    chosen = signed["certificates"] or ()
    if len(chosen) > _MOST_CERTIFICATES:
        raise StampError(f"the token holds {len(chosen)} certificates")
    found = tuple(x509.load_der_x509_certificate(each.chosen.dump()) for each in chosen)
    for each in found:  # the parts are decoded when they are asked for
        _ = each.public_key(), each.issuer, each.subject, each.extensions
    return found


def _signature(signed: Any, certificates: tuple[x509.Certificate, ...]) -> Signature:
    if len(signed["signer_infos"]) != 1:
        raise StampError(f"the token has {len(signed['signer_infos'])} signatures instead of one")
    signer = signed["signer_infos"][0]
    attributes = signer["signed_attrs"]
    certificate = _named(signer["sid"], certificates)
    method = signer["signature_algorithm"]
    digest = signer["digest_algorithm"]["algorithm"].native
    name = method.signature_algo
    is_pss = name == "rsassa_pss"
    return Signature(
        certificate=certificate,
        chain=tuple(each for each in certificates if each != certificate),
        digest_algorithm=digest,
        method=name,
        # the plain OID of RSA names no hash: then it is that of the digest [RFC 5754 3.2]
        method_hash=digest if method["algorithm"].native == "rsassa_pkcs1v15" else method.hash_algo,
        salt_bytes=method["parameters"]["salt_length"].native if is_pss else 0,
        value=signer["signature"].native,
        signed_attributes=attributes.untag().dump(),
        content_type=_single(attributes, "content_type"),
        message_digest=_single(attributes, "message_digest"),
        certificate_ids=tuple(_certificate_ids(attributes)),
    )


def _named(sid: Any, certificates: tuple[x509.Certificate, ...]) -> x509.Certificate | None:
    if sid.name != "issuer_and_serial_number":
        return None
    issuer, serial = sid.chosen["issuer"].dump(), sid.chosen["serial_number"].native
    for each in certificates:
        if each.serial_number == serial and each.issuer.public_bytes() == issuer:
            return each
    return None


def _single(attributes: Any, name: str) -> Any:
    values = [value.native for each in attributes if each["type"].native == name for value in each["values"]]
    return values[0] if len(values) == 1 else None


def _certificate_ids(attributes: Any) -> list[CertificateId]:
    """Of the signer: the first of each attribute [RFC 5035 3]."""
    found = []
    for each in attributes:
        kind = each["type"].native
        if kind not in {"signing_certificate", "signing_certificate_v2"}:
            continue
        first = each["values"][0]["certs"][0]
        algorithm = "sha1" if kind == "signing_certificate" else first["hash_algorithm"]["algorithm"].native
        digest, named = first["cert_hash"].native, first["issuer_serial"]
        if named.native is None:
            found.append(CertificateId(algorithm=algorithm, digest=digest))
        else:
            issuer, serial = named["issuer"][0].chosen.untag().dump(), named["serial_number"].native
            found.append(CertificateId(algorithm=algorithm, digest=digest, issuer=issuer, serial=serial))
    return found
