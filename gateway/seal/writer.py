"""Writes the seals, XAdES-BASELINE-B: over a document and its transfer manifest; over the entries of a bundle.

The text is built so that SignedProperties and SignedInfo stand in the file byte for byte in their canonical
form (inclusive Canonical XML 1.0, in the context of this very document): namespaces are declared again where
the canonical form of the subtree shows them, empty elements have an end tag, attributes are in canonical
order, there is no white space between elements. What is hashed and signed is therefore a slice of the file;
no tree is built, and a seal costs two short SHA-256 and one private-key operation. Tests prove the claim
against a canonicaliser and three foreign verifiers.

Guarantees: same inputs and an RSA key give the same bytes; every identifier comes from the document's digest.
It does NOT read the document (the caller hashed it while receiving), does not escape (names outside a narrow
alphabet are refused), and does not verify what it wrote.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.errors import SealError
from gateway.seal.profile import (
    ASIC,
    C14N,
    DOCUMENT_NAME,
    DOCUMENT_TYPE,
    DS,
    MAX_RECEIPT_BYTES,
    SHA256,
    SIGNED_PROPERTIES,
    TRANSFER_NAME,
    TRANSFER_TYPE,
    XADES,
    fingerprint,
)

if TYPE_CHECKING:
    from gateway.seal.keys import Certified  # whoever verifies reads no keys

_DIGEST_BYTES = 32
#: Characters that mean the same in a relative URI, an XML attribute and a file name; with folders, in a container.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_PATH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}(?:/[A-Za-z0-9][A-Za-z0-9._-]{0,99}){0,4}")
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9.+-]{1,60}/[A-Za-z0-9.+-]{1,60}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """A receipt that lacks its signature value."""

    #: What is to be signed.
    signed_info: bytes
    before: str
    after: str

    def signed(self, value: bytes) -> bytes:
        """The receipt as a complete XML file; `value` as XML signatures carry it."""
        return f"{self.before}<ds:SignatureValue>{_base64(value)}</ds:SignatureValue>{self.after}".encode()


class Sealer:
    """Drafts the receipts of one key; may be used from several threads at once."""

    def __init__(self, key: Certified) -> None:
        certificates = (key.certificate, *key.chain)
        self._key_info = _key_info(certificates)
        self._signing_certificate = _signing_certificate(key.certificate)
        self._signed_info_head = _signed_info_head(key.algorithm)
        if len(self._key_info) > MAX_RECEIPT_BYTES // 2:
            raise SealError("the seal certificate and its chain are too large for a receipt")

    def draft(
        self,
        *,
        document_sha256: bytes,
        document_name: str = DOCUMENT_NAME,
        document_type: str = DOCUMENT_TYPE,
        transfer: bytes,
        transfer_name: str = TRANSFER_NAME,
        signed_at: datetime,
    ) -> Draft:
        """The receipt up to its signature value; `signed_at` is cut to whole seconds."""
        _refuse_unfit(document_sha256, document_name, document_type, transfer_name, signed_at)
        identifier = f"S-{document_sha256.hex()[:32]}"
        properties = self._signed_properties(identifier, document_type, signed_at)
        signed_info = (
            self._signed_info_head
            + _reference(f"{identifier}-D", document_name, document_sha256)
            + _reference(f"{identifier}-T", transfer_name, hashlib.sha256(transfer).digest())
            + _properties_reference(f"{identifier}-P", hashlib.sha256(properties.encode()).digest())
            + "</ds:SignedInfo>"
        )
        return Draft(
            signed_info=signed_info.encode(),
            before=(
                '<?xml version="1.0" encoding="UTF-8"?>\n'
                f'<ds:Signature xmlns:ds="{DS}" Id="{identifier}">'
                f"{signed_info}"
            ),
            after=_ending(self._key_info, identifier, properties) + "\n",
        )

    def _signed_properties(self, identifier: str, document_type: str, signed_at: datetime) -> str:
        return (
            f'<xades:SignedProperties xmlns:ds="{DS}" xmlns:xades="{XADES}" Id="{identifier}-P">'
            "<xades:SignedSignatureProperties>"
            f"{_signing_time(signed_at)}{self._signing_certificate}"
            "</xades:SignedSignatureProperties><xades:SignedDataObjectProperties>"
            f"{_data_object_format(f'{identifier}-D', document_type)}"
            f"{_data_object_format(f'{identifier}-T', TRANSFER_TYPE)}"
            "</xades:SignedDataObjectProperties></xades:SignedProperties>"
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class SealedEntry:
    """One file of a container."""

    #: Its name from the container's root.
    name: str
    sha256: bytes
    media_type: str


def draft_export(key: Certified, entries: Sequence[SealedEntry], signed_at: datetime) -> Draft:
    """The seal over a container's entries up to its signature value [ETSI EN 319 162-1 4.4.4], in their order.

    What is canonical declares `asic` too, since the root does: inclusive canonicalisation takes it along.
    """
    for entry in entries:
        if not _PATH.fullmatch(entry.name) or not _MEDIA_TYPE.fullmatch(entry.media_type):
            raise SealError(f"{entry.name} is no name or type of a sealed file")
        if len(entry.sha256) != _DIGEST_BYTES:
            raise SealError("sha256 is the digest itself, 32 bytes")
    if signed_at.tzinfo is None:
        raise SealError("signed_at needs a time zone")
    listed = "".join(f"{entry.name} {entry.sha256.hex()}\n" for entry in entries)
    identifier = f"E-{hashlib.sha256(listed.encode()).hexdigest()[:32]}"
    formats = "".join(
        _data_object_format(f"{identifier}-{number}", entry.media_type) for number, entry in enumerate(entries)
    )
    properties = (
        f'<xades:SignedProperties xmlns:asic="{ASIC}" xmlns:ds="{DS}" xmlns:xades="{XADES}" Id="{identifier}-P">'
        f"<xades:SignedSignatureProperties>{_signing_time(signed_at)}{_signing_certificate(key.certificate)}</xades:SignedSignatureProperties>"
        f"<xades:SignedDataObjectProperties>{formats}</xades:SignedDataObjectProperties></xades:SignedProperties>"
    )
    references = "".join(
        _reference(f"{identifier}-{number}", entry.name, entry.sha256) for number, entry in enumerate(entries)
    )
    signed_info = (
        _signed_info_head(key.algorithm).replace("<ds:SignedInfo ", f'<ds:SignedInfo xmlns:asic="{ASIC}" ')
        + references
        + _properties_reference(f"{identifier}-P", hashlib.sha256(properties.encode()).digest())
        + "</ds:SignedInfo>"
    )
    return Draft(
        signed_info=signed_info.encode(),
        before=(
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<asic:XAdESSignatures xmlns:asic="{ASIC}">'
            f'<ds:Signature xmlns:ds="{DS}" Id="{identifier}">{signed_info}'
        ),
        after=(
            _ending(_key_info((key.certificate, *key.chain)), identifier, properties) + "</asic:XAdESSignatures>\n"
        ),
    )


def _signing_time(at: datetime) -> str:
    return f"<xades:SigningTime>{at.astimezone(UTC).strftime('%Y-%m-%dT%H:%M:%SZ')}</xades:SigningTime>"


def _ending(key_info: str, identifier: str, properties: str) -> str:
    """What follows the signature value, up to the signature's end."""
    return (
        f'{key_info}<ds:Object><xades:QualifyingProperties xmlns:xades="{XADES}" Target="#{identifier}">'
        f"{properties}</xades:QualifyingProperties></ds:Object></ds:Signature>"
    )


def _refuse_unfit(
    document_sha256: bytes, document_name: str, document_type: str, transfer_name: str, signed_at: datetime
) -> None:
    if len(document_sha256) != _DIGEST_BYTES:
        raise SealError("document_sha256 is the digest itself, 32 bytes")
    for name in (document_name, transfer_name):
        if not _NAME.fullmatch(name):
            raise SealError("a sealed file's name may hold ASCII letters, digits, '.', '_' and '-' only")
    if document_name == transfer_name:
        raise SealError("document and transfer manifest need different names")
    if not _MEDIA_TYPE.fullmatch(document_type):
        raise SealError("document_type is not a media type")
    if signed_at.tzinfo is None:
        raise SealError("signed_at needs a time zone")


def _base64(value: bytes) -> str:
    return b64encode(value).decode("ascii")


def _signed_info_head(algorithm: str) -> str:
    return (
        f'<ds:SignedInfo xmlns:ds="{DS}">'
        f'<ds:CanonicalizationMethod Algorithm="{C14N}"></ds:CanonicalizationMethod>'
        f'<ds:SignatureMethod Algorithm="{algorithm}"></ds:SignatureMethod>'
    )


def _digest(value: bytes) -> str:
    return (
        f'<ds:DigestMethod Algorithm="{SHA256}"></ds:DigestMethod><ds:DigestValue>{_base64(value)}</ds:DigestValue>'
    )


def _reference(identifier: str, name: str, digest: bytes) -> str:
    return f'<ds:Reference Id="{identifier}" URI="{name}">{_digest(digest)}</ds:Reference>'


def _properties_reference(target: str, digest: bytes) -> str:
    return (
        f'<ds:Reference Type="{SIGNED_PROPERTIES}" URI="#{target}">'
        f'<ds:Transforms><ds:Transform Algorithm="{C14N}"></ds:Transform></ds:Transforms>'
        f"{_digest(digest)}</ds:Reference>"
    )


def _data_object_format(reference: str, media_type: str) -> str:
    return (
        f'<xades:DataObjectFormat ObjectReference="#{reference}">'
        f"<xades:MimeType>{media_type}</xades:MimeType></xades:DataObjectFormat>"
    )


def _key_info(certificates: tuple[x509.Certificate, ...]) -> str:
    encoded = (_base64(each.public_bytes(Encoding.DER)) for each in certificates)
    inner = "".join(f"<ds:X509Certificate>{each}</ds:X509Certificate>" for each in encoded)
    return f"<ds:KeyInfo><ds:X509Data>{inner}</ds:X509Data></ds:KeyInfo>"


def _signing_certificate(certificate: x509.Certificate) -> str:
    return (
        "<xades:SigningCertificateV2><xades:Cert>"
        f"<xades:CertDigest>{_digest(fingerprint(certificate))}</xades:CertDigest>"
        f"<xades:IssuerSerialV2>{_base64(issuer_serial(certificate))}</xades:IssuerSerialV2>"
        "</xades:Cert></xades:SigningCertificateV2>"
    )


def issuer_serial(certificate: x509.Certificate) -> bytes:
    """DER of IssuerSerial [RFC 5035 5]: SEQUENCE of GeneralNames (one directoryName) and the serial number."""
    # [4] is explicit around Name, which is a CHOICE.
    directory_name = _der(0xA4, certificate.issuer.public_bytes())
    number = certificate.serial_number
    serial = number.to_bytes(number.bit_length() // 8 + 1, "big", signed=True)
    return _der(0x30, _der(0x30, directory_name) + _der(0x02, serial))


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:  # noqa: PLR2004 - the short form of a DER length
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content
