"""Reads what an RFC 3161 server answered: a TimeStampResp, into values that `timestamp` judges; and bare tokens.

The values are taken from the very bytes that the signature covers, so that nothing is judged that was not signed.
Nothing here is verified. StampError for whatever is no answer of such a server.

It is the one reader of time stamps, those on foreign signatures included. asn1crypto would read them as well, and
takes as long to be imported as a bundle takes to be verified; it is the second opinion of the tests. So is
rfc3161-client, which wants the certificates of a token in the order of DER sets: CMS does not ask for that and
`openssl ts` does not keep it.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509

from gateway.errors import StampError
from gateway.seal import der
from gateway.seal.profile import UNREADABLE_CERTIFICATE, load_certificate

#: A token with its chain is 2 to 8 KB.
MAX_REPLY_BYTES: Final = 64 * 1024
_MOST_CERTIFICATES: Final = 12
#: What reading ASN.1 and certificates raises over bytes that are not what they seem; asn1crypto's, too.
UNREADABLE = (*UNREADABLE_CERTIFICATE, KeyError, IndexError, AttributeError, OverflowError)

_STATUS: Final = (
    "granted", "granted_with_mods", "rejection", "waiting", "revocation_warning", "revocation_notification",
)  # fmt: skip
_FAILURES: Final = {
    0: "bad_alg", 2: "bad_request", 5: "bad_data_format", 14: "time_not_available", 15: "unaccepted_policy",
    16: "unaccepted_extensions", 17: "add_info_not_available", 25: "system_failure",
}  # fmt: skip
SHA256: Final = "2.16.840.1.101.3.4.2.1"
_SIGNED_DATA: Final = "1.2.840.113549.1.7.2"
_CONTENT_TYPE: Final = "1.2.840.113549.1.9.3"
_MESSAGE_DIGEST: Final = "1.2.840.113549.1.9.4"
_CERTIFICATE_ID: Final = "1.2.840.113549.1.9.16.2.12"
_CERTIFICATE_ID_V2: Final = "1.2.840.113549.1.9.16.2.47"
_TYPES: Final = {"1.2.840.113549.1.9.16.1.4": "tst_info", "1.2.840.113549.1.7.1": "data"}
_HASHES: Final = {
    "1.2.840.113549.2.5": "md5",
    "1.3.14.3.2.26": "sha1",
    "2.16.840.1.101.3.4.2.4": "sha224",
    SHA256: "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
    "2.16.840.1.101.3.4.2.8": "sha3_256",
    "2.16.840.1.101.3.4.2.10": "sha3_512",
}
_RSA: Final = "1.2.840.113549.1.1.1"
_RSA_PSS: Final = "1.2.840.113549.1.1.10"
_PSS: Final = "rsassa_pss"
#: How it is signed, and the hash that goes with it.
_METHODS: Final = {
    "1.2.840.113549.1.1.5": ("rsassa_pkcs1v15", "sha1"),
    "1.2.840.113549.1.1.11": ("rsassa_pkcs1v15", "sha256"),
    "1.2.840.113549.1.1.12": ("rsassa_pkcs1v15", "sha384"),
    "1.2.840.113549.1.1.13": ("rsassa_pkcs1v15", "sha512"),
    "1.2.840.10045.4.1": ("ecdsa", "sha1"),
    "1.2.840.10045.4.3.2": ("ecdsa", "sha256"),
    "1.2.840.10045.4.3.3": ("ecdsa", "sha384"),
    "1.2.840.10045.4.3.4": ("ecdsa", "sha512"),
}
_KEY_ID: Final = 0x80
_DIRECTORY_NAME: Final = 0xA4
_MILLIS, _MICROS = 0x80, 0x81


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
        status, token = _answer(raw)
        number = der.integer(status.next())
        return Reply(
            status=_STATUS[number] if 0 <= number < len(_STATUS) else str(number),
            told=_told(status),
            token=None if token is None else _token(token),
        )
    except UNREADABLE as error:
        raise StampError(f"this is no RFC 3161 answer: {str(error)[:200]}") from error


def read_token(raw: bytes) -> Token:
    """A token by itself, as signatures hold it; StampError when it is none."""
    try:
        return _token(der.read(raw))
    except UNREADABLE as error:
        raise StampError(f"this is no time stamp: {str(error)[:200]}") from error


def token_of(raw: bytes) -> bytes:
    """The token of an answer as it stands there: a ContentInfo. StampError without one."""
    try:
        _, token = _answer(raw)
    except UNREADABLE as error:
        raise StampError(f"this is no RFC 3161 answer: {str(error)[:200]}") from error
    if token is None:
        raise StampError("an answer without a token")
    return token.raw


def reply_with(token: bytes) -> bytes:
    """An answer that grants this token, as it is read where stamps are verified; StampError when it is none."""
    try:
        der.read(token).of(der.SEQUENCE)
    except ValueError as error:
        raise StampError(f"this is no time stamp: {str(error)[:200]}") from error
    return der.written(der.SEQUENCE, der.written(der.SEQUENCE, der.written_integer(0)), token)


def _answer(raw: bytes) -> tuple[der.Fields, der.Value | None]:
    """PKIStatusInfo and the token of a TimeStampResp [RFC 3161 2.4.2]."""
    found = der.parts_of(der.read(raw))
    status, token = der.parts_of(found.next()), found.optional(der.SEQUENCE)
    found.end()
    return status, token


def _told(status: der.Fields) -> str:
    texts, info = status.optional(der.SEQUENCE), status.optional(der.BITS)
    status.end()
    words = [each.of(der.UTF8).decode() for each in texts.parts()] if texts else []
    bits = der.bits(info) if info else ()
    return "; ".join([*words, *sorted(_FAILURES.get(bit, str(bit)) for bit in bits)])[:300]


def _token(found: der.Value) -> Token:
    kind, held = found.parts()
    if der.oid(kind) != _SIGNED_DATA:
        raise StampError("the token is no SignedData")
    signed = der.parts_of(der.inside(held))
    der.integer(signed.next())  # version
    listed = {_hash(each) for each in signed.next().parts(der.SET)}
    encapsulated = der.parts_of(signed.next())
    content_type, content = der.oid(encapsulated.next()), der.octets(der.inside(encapsulated.next()))
    encapsulated.end()
    certificates, _ = signed.optional(der.FIRST), signed.optional(der.SECOND)
    signers = signed.next().parts(der.SET)
    signed.end()
    if len(signers) != 1:
        raise StampError(f"the token has {len(signers)} signatures instead of one")
    with warnings.catch_warnings(action="ignore"):  # of names that are merely too long for X.520
        signature = _signature(signers[0], _certificates(certificates))
    if signature.digest_algorithm not in listed:  # nobody signs this list, so a changed one is refused here
        raise StampError("the token does not list the hash that its signer uses [RFC 5652 5.1]")
    return _info(content, _TYPES.get(content_type, content_type), signature)


def _info(content: bytes, content_type: str, signature: Signature) -> Token:
    """TSTInfo [RFC 3161 2.4.2]."""
    info = der.parts_of(der.read(content))
    version, policy = der.integer(info.next()), der.oid(info.next())
    algorithm, imprint = info.next().parts()
    serial, gen_time = der.integer(info.next()), der.instant(info.next())
    accuracy = _accuracy(info.optional(der.SEQUENCE))
    info.optional(der.BOOLEAN)  # ordering
    nonce = info.optional(der.INTEGER)
    for tag in (der.FIRST, der.SECOND):  # its name, extensions
        info.optional(tag)
    info.end()
    return Token(
        content=content,
        content_type=content_type,
        version=f"v{version}",
        policy=policy,
        imprint_algorithm=_hash(algorithm),
        imprint=der.octets(imprint),
        serial=serial,
        gen_time=gen_time,
        accuracy=accuracy,
        nonce=None if nonce is None else der.integer(nonce),
        signature=signature,
    )


def _accuracy(told: der.Value | None) -> timedelta:
    if told is None:
        return timedelta()
    parts = der.parts_of(told)
    tags = (der.INTEGER, _MILLIS, _MICROS)
    found = [(tag, parts.optional(tag)) for tag in tags]
    parts.end()
    seconds, millis, micros = (0 if value is None else der.integer(value, tag) for tag, value in found)
    return timedelta(seconds=seconds, milliseconds=millis, microseconds=micros)


def _hash(algorithm: der.Value) -> str:
    name = der.oid(algorithm.parts()[0])
    return _HASHES.get(name, name)


def _certificates(chosen: der.Value | None) -> tuple[x509.Certificate, ...]:
    values = chosen.parts(der.FIRST) if chosen else []
    if len(values) > _MOST_CERTIFICATES:
        raise StampError(f"the token holds {len(values)} certificates")
    found = tuple(load_certificate(each.raw) for each in values)
    for each in found:  # the parts are decoded when they are asked for
        _ = each.public_key(), each.extensions
    return found


def _signature(signer: der.Value, certificates: tuple[x509.Certificate, ...]) -> Signature:
    """SignerInfo [RFC 5652 5.3]."""
    parts = der.parts_of(signer)
    der.integer(parts.next())  # version
    certificate = _named(parts.next(), certificates)
    digest, attributes = _hash(parts.next()), parts.next()
    method, method_hash, salt_bytes = _method(parts.next(), digest)
    value = der.octets(parts.next())
    parts.optional(der.SECOND)  # unsigned attributes
    parts.end()
    told = _attributes(attributes)
    kind = _single(told, _CONTENT_TYPE)
    content_type = None if kind is None else der.oid(kind)
    message_digest = _single(told, _MESSAGE_DIGEST)
    return Signature(
        certificate=certificate,
        chain=tuple(each for each in certificates if each != certificate),
        digest_algorithm=digest,
        method=method,
        method_hash=method_hash,
        salt_bytes=salt_bytes,
        value=value,
        signed_attributes=der.written(der.SET, attributes.content),
        content_type=None if content_type is None else _TYPES.get(content_type, content_type),
        message_digest=None if message_digest is None else der.octets(message_digest),
        certificate_ids=tuple(_certificate_ids(told)),
    )


def _method(algorithm: der.Value, digest: str) -> tuple[str, str, int]:
    """How it is signed, the hash that goes with it, bytes of salt."""
    parts = der.parts_of(algorithm)
    name = der.oid(parts.next())
    if name == _RSA:  # names no hash: then it is that of the digest [RFC 5754 3.2]
        return "rsassa_pkcs1v15", digest, 0
    if name != _RSA_PSS:
        return *_METHODS.get(name, (name, "")), 0
    chosen = der.parts_of(parts.next())
    hashed, _, salt = (chosen.optional(each) for each in (der.FIRST, der.SECOND, der.THIRD))
    return (
        _PSS,
        "sha1" if hashed is None else _hash(der.inside(hashed)),
        20 if salt is None else der.integer(der.inside(salt, der.THIRD)),
    )


def _named(sid: der.Value, certificates: tuple[x509.Certificate, ...]) -> x509.Certificate | None:
    """By issuer and serial number, or by the key's identifier."""
    for each in certificates:
        if sid.tag == der.SEQUENCE:
            issuer, serial = sid.parts()
            if each.serial_number == der.integer(serial) and each.issuer.public_bytes() == issuer.raw:
                return each
        elif sid.of(_KEY_ID) == _key_id(each):
            return each
    return None


def _key_id(certificate: x509.Certificate) -> bytes | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except x509.ExtensionNotFound:
        return None


def _attributes(found: der.Value) -> Mapping[str, Sequence[der.Value]]:
    """What is signed, by its type; the values of all attributes of a type together."""
    told: dict[str, list[der.Value]] = {}
    for each in found.parts(der.FIRST):
        kind, values = each.parts()
        told.setdefault(der.oid(kind), []).extend(values.parts(der.SET))
    return told


def _single(told: Mapping[str, Sequence[der.Value]], kind: str) -> der.Value | None:
    values = told.get(kind, ())
    return values[0] if len(values) == 1 else None


def _certificate_ids(told: Mapping[str, Sequence[der.Value]]) -> list[CertificateId]:
    """Of the signer: the first of each attribute [RFC 5035 3]."""
    found = []
    for kind in (_CERTIFICATE_ID, _CERTIFICATE_ID_V2):
        for each in told.get(kind, ()):
            parts = der.parts_of(each.parts()[0].parts()[0])
            algorithm = "sha1"
            if kind == _CERTIFICATE_ID_V2:
                named = parts.optional(der.SEQUENCE)
                algorithm = "sha256" if named is None else _hash(named)
            digest, place = der.octets(parts.next()), parts.optional(der.SEQUENCE)
            parts.end()
            found.append(_certificate_id(algorithm, digest, place))
    return found


def _certificate_id(algorithm: str, digest: bytes, place: der.Value | None) -> CertificateId:
    if place is None:
        return CertificateId(algorithm=algorithm, digest=digest)
    names, serial = place.parts()
    issuer = names.parts()[0].of(_DIRECTORY_NAME)
    return CertificateId(algorithm=algorithm, digest=digest, issuer=issuer, serial=der.integer(serial))
