"""Where a CA tells whether one of its certificates was revoked, and whether what came from there may be kept.

The addresses stand in certificates [RFC 5280 4.2.1.13, 4.2.2.1], so this names them and fetches nothing. An answer
is worth keeping if the certificate's own issuer signed it (an OCSP responder that the issuer certified will do
[RFC 6960 4.2.2.2]) and it has not ended: anything else would stand in the way of the right one. Indirect CRLs,
lists of some reasons only, and addresses other than HTTP are left out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID

from gateway.errors import RevocationError
from gateway.seal.embedded import certificates_of_stamp
from gateway.seal.ocsp import is_authorised, names_issuer, read_ocsp
from gateway.seal.path import issued_lists
from gateway.seal.profile import UNREADABLE_CERTIFICATE
from gateway.seal.revocation import Answer, list_subject, ocsp_subject, read_answer
from gateway.signatures.model import Lookup

_MOST_URLS: Final = 3
_LONGEST_URL: Final = 500
#: How far a CA's clock may be ahead of ours.
_AHEAD: Final = timedelta(minutes=5)
_UNREADABLE = (*UNREADABLE_CERTIFICATE, x509.ExtensionNotFound)


@dataclass(frozen=True, kw_only=True, slots=True)
class Described:
    """What a fetched answer turned out to be."""

    sha256: str
    kind: str
    subject: str
    this_update: datetime
    next_update: datetime | None


@lru_cache(maxsize=256)
def lookup_of(certificate: x509.Certificate, issuer: x509.Certificate) -> Lookup:
    """Where this CA tells about this certificate."""
    ocsps, request = _responders(certificate), b""
    subjects = [list_subject(issuer.subject)]
    try:
        if ocsps:
            request = _request(certificate, issuer)
            subjects.append(ocsp_subject(_key_hash(issuer), certificate.serial_number))
    except _UNREADABLE:  # a key or a name that no request can be made of
        ocsps = ()
    return Lookup(
        certificate=hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest(),
        authority=_name_of(issuer),
        issuer=issuer.public_bytes(Encoding.DER),
        crls=_lists(certificate),
        ocsps=ocsps,
        request=request if ocsps else b"",
        subjects=tuple(subjects),
    )


def lookups_among(files: Sequence[str], folders: Sequence[str], stamps: Sequence[bytes] = ()) -> bytes:
    """Encoded lookups of the certificates in PEM files whose issuers are beside them, or in folders of anchors.

    Likewise of those in time stamps (TimeStampResp), as far as they lead to these folders.
    """
    certificates = [each for name in files for each in _read_pem(Path(name))]
    authorities = [*certificates, *authorities_in(folders)]
    stamping = _leading_to([each for reply in stamps for each in certificates_of_stamp(reply)], authorities)
    certificates, authorities = [*certificates, *stamping], [*authorities, *stamping]
    found = {}
    for certificate in certificates:
        issuer = next((each for each in authorities if is_issued_by(certificate, each)), None)
        if issuer is not None and issuer != certificate:
            lookup = lookup_of(certificate, issuer)
            found[lookup.certificate] = lookup
    return msgspec.json.encode(list(found.values()))


def _leading_to(
    certificates: Iterable[x509.Certificate], authorities: Sequence[x509.Certificate]
) -> list[x509.Certificate]:
    """Those that one of these CAs issued, or one of the others that it issued.

    The stamp's signature does not cover what lies beside it: anybody between us and the server may have added it.
    """
    found, rest = list[x509.Certificate](), list(dict.fromkeys(certificates))
    while more := [each for each in rest if any(is_issued_by(each, by) for by in (*authorities, *found))]:
        found += more
        rest = [each for each in rest if each not in more]
    return found


def describe(path: str, issuer: bytes, folders: Sequence[str], at: datetime) -> bytes:
    """Encoded `Described` of the DER answer in a file; RevocationError unless its issuer signed it.

    `issuer` is the certificate of the CA; b"" for any in the folders of anchors.
    """
    raw = Path(path).read_bytes()
    try:
        issuers = [x509.load_der_x509_certificate(issuer)] if issuer else authorities_in(folders)
        answer = require_signed(read_answer(raw), issuers, at)
    except _UNREADABLE as error:
        raise RevocationError(f"it cannot be read: {str(error)[:200]}") from error
    described = Described(
        sha256=hashlib.sha256(raw).hexdigest(),
        kind=answer.kind,
        subject=answer.subject,
        this_update=answer.this_update,
        next_update=answer.next_update,
    )
    return msgspec.json.encode(described)


def require_signed(answer: Answer, issuers: Iterable[x509.Certificate], at: datetime) -> Answer:
    """The answer; RevocationError unless one of these issuers signed it and it is in force at `at`."""
    if answer.this_update > at + _AHEAD:
        raise RevocationError(f"it is of a later time than now: {answer.this_update.isoformat()}")
    if answer.next_update is not None and answer.next_update < at:
        raise RevocationError(f"it ended on {answer.next_update.isoformat()}")
    is_by, authorities = _is_list_by if answer.kind == "crl" else _is_ocsp_by, tuple(issuers)
    if any(is_by(answer.der, issuer, is_sha1_taken=False) for issuer in authorities):
        return answer
    # kept, it would keep a better one from being asked for
    if any(is_by(answer.der, issuer, is_sha1_taken=True) for issuer in authorities):
        raise RevocationError("it is signed with SHA-1, which proves nothing")
    raise RevocationError("the certificate's issuer did not sign it")


def _is_list_by(der: bytes, issuer: x509.Certificate, *, is_sha1_taken: bool) -> bool:
    return bool(issued_lists((x509.load_der_x509_crl(der),), issuer, is_sha1_taken=is_sha1_taken))


def _is_ocsp_by(der: bytes, issuer: x509.Certificate, *, is_sha1_taken: bool) -> bool:
    try:
        found = read_ocsp(der)
        return names_issuer(found, issuer) and is_authorised(found, issuer, is_sha1_taken=is_sha1_taken)
    except _UNREADABLE:
        return False


def is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether this CA's key signed it."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (*_UNREADABLE, InvalidSignature):
        return False
    return True


def _key_hash(issuer: x509.Certificate, algorithm: hashes.HashAlgorithm | None = None) -> bytes:
    """Of the issuer's key as OCSP names it: SHA-1 unless an answer says otherwise [RFC 6960 4.1.1]."""
    request = ocsp.OCSPRequestBuilder().add_certificate(issuer, issuer, algorithm or hashes.SHA1()).build()  # noqa: S303
    return request.issuer_key_hash


def _request(certificate: x509.Certificate, issuer: x509.Certificate) -> bytes:
    # SHA-1 names the issuer here and proves nothing; many responders know no other [RFC 5019 2.1.1]
    built = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, hashes.SHA1()).build()  # noqa: S303
    return built.public_bytes(Encoding.DER)


def _lists(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except _UNREADABLE:
        return ()
    whole = [each for each in points if each.full_name and not each.reasons and not each.crl_issuer]
    return _usable(name for each in whole for name in each.full_name or ())


def _responders(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except _UNREADABLE:
        return ()
    ways = [each for each in access if each.access_method == AuthorityInformationAccessOID.OCSP]
    return _usable(each.access_location for each in ways)


def _usable(names: Iterable[x509.GeneralName]) -> tuple[str, ...]:
    found = (name.value for name in names if isinstance(name, x509.UniformResourceIdentifier))
    return tuple(url for url in found if is_usable(url))[:_MOST_URLS]


def is_usable(url: str) -> bool:
    """Whether an address is a plain HTTP one."""
    if len(url) > _LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.username is None


def _name_of(certificate: x509.Certificate) -> str:
    names = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(names[0].value) if names else certificate.subject.rfc4514_string()


def authorities_in(folders: Sequence[str]) -> list[x509.Certificate]:
    """The CAs of folders of anchors."""
    paths = (path for folder in folders for path in sorted(Path(folder).glob("*.pem")))
    return [each for path in paths for each in _read_pem(path)]


def _read_pem(path: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError):
        return []
