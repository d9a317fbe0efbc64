"""What is added to a seal after it was made: XAdES unsigned properties [ETSI EN 319 132-1 5.3].

Written one way only:

    SignatureTimeStamp     a stamp over the signature value: B-T
    CertificateValues      the CAs' certificates
    RevocationValues       CRLs and OCSP answers about the certificates: with the two before it B-LT
    ArchiveTimeStamp       a stamp over the seal, all that it seals and the three before it: B-LTA
    ArchiveTimeStamp …     renewals: each a stamp over the same and every archive stamp before it

They stand in one line before the end of QualifyingProperties. `split` takes them out again, byte for byte: what
is left is the seal as it was made, so a receipt keeps its digest in the log. No signature covers them but the
archive stamp. A reader writes what it read again and compares; nothing else is parsed. Each property declares
its namespaces itself, so that it stands there in its canonical form, as the seal's own parts do
(`gateway.seal.writer`).
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final

from gateway.errors import SealError
from gateway.seal.profile import ASIC, C14N, DS, XADES
from gateway.seal.shape import canonical_parts

XADES141: Final = "http://uri.etsi.org/01903/v1.4.1#"
_BEGIN: Final = b"<xades:UnsignedProperties>"
_END: Final = b"</xades:UnsignedProperties>"
_AFTER: Final = b"</xades:QualifyingProperties>"
_BASE64: Final = r"([A-Za-z0-9+/]+={0,2})"
_ENCAPSULATED: Final = {
    name: re.compile(rf"<xades:{name}>{_BASE64}</xades:{name}>")
    for name in (
        "EncapsulatedTimeStamp",
        "EncapsulatedX509Certificate",
        "EncapsulatedCRLValue",
        "EncapsulatedOCSPValue",
    )
}
_PARTS: Final = ("SignedProperties", "SignedInfo", "SignatureValue", "KeyInfo")
#: Certificates, CRLs and OCSP answers in one seal.
_MOST_VALUES: Final = 60
#: Archive stamps of one seal: a renewal every few years lasts for a century.
MOST_ARCHIVE_STAMPS: Final = 20
_ARCHIVE: Final = b"<xades141:ArchiveTimeStamp"


@dataclass(frozen=True, kw_only=True, slots=True)
class Unsigned:
    """The properties of one seal; every value is DER, b"" or empty where it is not there."""

    #: TimeStampToken over the signature value.
    signature_stamp: bytes = b""
    certificates: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()
    ocsps: tuple[bytes, ...] = ()
    #: TimeStampToken over all of it.
    archive_stamp: bytes = b""
    #: TimeStampTokens over all of it and the archive stamps before, made later.
    renewals: tuple[bytes, ...] = ()

    @property
    def archive_stamps(self) -> tuple[bytes, ...]:
        """The archive stamp and its renewals, oldest first."""
        return (self.archive_stamp, *self.renewals) if self.archive_stamp else ()

    def __bool__(self) -> bool:
        """Whether there is any."""
        return self != Unsigned()


def split(xades: bytes) -> tuple[bytes, bytes]:
    """The seal as it was made, and what was added; b"" where nothing was."""
    begin, end = xades.find(_BEGIN), xades.rfind(_END + _AFTER)
    if begin < 0 or end < begin:
        return xades, b""
    end += len(_END)
    return xades[:begin] + xades[end:], xades[begin:end]


def extended(seal: bytes, properties: Unsigned) -> bytes:
    """The seal with these properties and no others."""
    core, _ = split(seal)
    head, found, tail = core.rpartition(_AFTER)
    if not found:
        raise SealError("this is no seal of ours")
    return head + _written(properties, is_export=_is_export(core)) + found + tail


def read_unsigned(xades: bytes) -> Unsigned | None:
    """The properties of a seal; None where what stands there is not of the one form."""
    core, added = split(xades)
    if not added:
        return Unsigned()
    text = added.decode("ascii", "replace")
    found = {
        "signature_stamp": _values("SignatureTimeStamp", "EncapsulatedTimeStamp", text),
        "certificates": _values("CertificateValues", "EncapsulatedX509Certificate", text),
        "crls": _values("CRLValues", "EncapsulatedCRLValue", text),
        "ocsps": _values("OCSPValues", "EncapsulatedOCSPValue", text),
    }
    stamps, archive = found.pop("signature_stamp"), _values("ArchiveTimeStamp", "EncapsulatedTimeStamp", text)
    is_too_much = len(archive) > MOST_ARCHIVE_STAMPS or sum(map(len, found.values())) > _MOST_VALUES
    if len(stamps) > 1 or is_too_much:
        return None
    first = {"signature_stamp": b"".join(stamps), "archive_stamp": b"".join(archive[:1])}
    unsigned = Unsigned(**found, **first, renewals=archive[1:])  # type: ignore[arg-type]
    return unsigned if unsigned and _written(unsigned, is_export=_is_export(core)) == added else None


def signature_imprint(xades: bytes) -> bytes:
    """What a SignatureTimeStamp is over: SHA-256 of the canonical SignatureValue; b"" where there is none."""
    value = _parts(split(xades)[0])[_PARTS.index("SignatureValue")]
    return sha256(value).digest() if value else b""


def archive_imprint(xades: bytes, content: Any, number: int = 0) -> bytes:
    """What an ArchiveTimeStamp is over [ETSI EN 319 132-1 5.5.2.2]; b"" where the seal cannot be read.

    `number`: how many archive stamps stand before it, over which it is as well.
    `content`: a SHA-256 that was fed with the bytes of every sealed file, in the order of the seal's references.
    """
    core, added = split(xades)
    parts = _parts(core)
    if not all(parts):
        return b""
    digest = content.copy()
    for each in (*parts, _before_archive(added, number)):
        digest.update(each)
    return bytes(digest.digest())


@lru_cache(maxsize=1)  # both stamps of a seal are over some of them
def _parts(core: bytes) -> tuple[bytes, ...]:
    """The canonical parts of a seal in the order of an archive stamp; b"" for what is not there once."""
    tags = (f"{{{XADES if name == 'SignedProperties' else DS}}}{name}" for name in _PARTS)
    return canonical_parts(core, *tags) or (b"",) * len(_PARTS)


def _before_archive(added: bytes, number: int) -> bytes:
    """The properties that an archive stamp covers: those before it, as they stand there, which is canonical."""
    inner = added.removeprefix(_BEGIN + b"<xades:UnsignedSignatureProperties>")
    before = _ARCHIVE.join(inner.split(_ARCHIVE)[: number + 1])
    return before.removesuffix(b"</xades:UnsignedSignatureProperties>" + _END)


def _is_export(core: bytes) -> bool:
    return f'xmlns:asic="{ASIC}"'.encode() in core[:300]


def _written(unsigned: Unsigned, *, is_export: bool) -> bytes:
    spaces = (f' xmlns:asic="{ASIC}"' if is_export else "") + f' xmlns:ds="{DS}" xmlns:xades="{XADES}"'
    parts = []
    if unsigned.signature_stamp:
        stamp = _stamp(unsigned.signature_stamp)
        parts.append(f"<xades:SignatureTimeStamp{spaces}>{stamp}</xades:SignatureTimeStamp>")
    if unsigned.certificates:
        values = _encapsulated("EncapsulatedX509Certificate", unsigned.certificates)
        parts.append(f"<xades:CertificateValues{spaces}>{values}</xades:CertificateValues>")
    if unsigned.crls or unsigned.ocsps:
        crls = _encapsulated("EncapsulatedCRLValue", unsigned.crls)
        ocsps = _encapsulated("EncapsulatedOCSPValue", unsigned.ocsps)
        values = (f"<xades:CRLValues>{crls}</xades:CRLValues>" if crls else "") + (
            f"<xades:OCSPValues>{ocsps}</xades:OCSPValues>" if ocsps else ""
        )
        parts.append(f"<xades:RevocationValues{spaces}>{values}</xades:RevocationValues>")
    for each in unsigned.archive_stamps:
        stamp = _stamp(each)
        parts.append(f'<xades141:ArchiveTimeStamp xmlns:xades141="{XADES141}">{stamp}</xades141:ArchiveTimeStamp>')
    properties = "".join(parts)
    return (
        _BEGIN
        + f"<xades:UnsignedSignatureProperties>{properties}</xades:UnsignedSignatureProperties>".encode()
        + _END
    )


def _stamp(token: bytes) -> str:
    return (
        f'<ds:CanonicalizationMethod Algorithm="{C14N}"></ds:CanonicalizationMethod>'
        f"{_encapsulated('EncapsulatedTimeStamp', (token,))}"
    )


def _encapsulated(name: str, values: Sequence[bytes]) -> str:
    return "".join(f"<xades:{name}>{b64encode(each).decode()}</xades:{name}>" for each in values)


def _values(outer: str, inner: str, text: str) -> tuple[bytes, ...]:
    # found from mark to mark: a pattern over foreign bytes would look for the end again and again
    begin, end = text.find(f":{outer}"), text.rfind(f":{outer}>")
    found = _ENCAPSULATED[inner].findall(text, begin, end) if 0 <= begin < end else []
    try:
        return tuple(b64decode(each, validate=True) for each in found)
    except ValueError:
        return ()
