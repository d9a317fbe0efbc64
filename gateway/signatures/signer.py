"""For whom a certificate speaks: a person or an agency.

No field says so plainly, so this reads what Vietnamese CAs write: the prefix of the subject's userId (CCCD, CMND,
CMT and HC number people; MST and MNS organisations), organizationIdentifier (ETSI EN 319 412-3) for organisations,
serialNumber with the prefixes of ETSI EN 319 412-1 or a givenName or surname for people. The Government's own CA
writes none of these: there a commonName that is an agency's name, told by the caller, means that agency, and the
rest is left UNKNOWN rather than guessed. It judges no trust: that is the path.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from functools import lru_cache

from cryptography import x509
from cryptography.x509.oid import NameOID

from gateway.seal.profile import fingerprint
from gateway.signatures.model import Signer, SignerKind

_PEOPLE = re.compile(r"^(CCCD|CMND|CMT|HC|PASSPORT|PNO|IDC|PAS|TIN)[A-Z]{0,2}[:\-]", re.IGNORECASE)
_ORGANISATIONS = re.compile(r"^(MST|MNS|MSDN|VAT|NTR)[A-Z]{0,2}[:\-]", re.IGNORECASE)
#: How an agency's own name begins; a person's never does.
_OFFICES = (
    "ủy ban", "uỷ ban", "ubnd", "hội đồng", "hđnd", "văn phòng", "sở ", "bộ ", "cục ", "chi cục", "tổng cục",
    "ban ", "phòng ", "trung tâm", "công an", "tòa án", "toà án", "viện ", "thanh tra", "trường ", "bệnh viện",
    "kho bạc", "bảo hiểm xã hội", "đảng ủy", "đảng uỷ", "tỉnh ủy", "tỉnh uỷ", "chi nhánh", "công ty",
)  # fmt: skip


@lru_cache(maxsize=512)
def signer_of(certificate: x509.Certificate, agencies: tuple[str, ...] = ()) -> Signer:
    """The holder; `agencies` are names of agencies that are known to the caller."""
    names = _texts(certificate, NameOID.COMMON_NAME)
    subject = certificate.subject.rfc4514_string()
    name = names[0] if names else subject
    return Signer(
        sha256=fingerprint(certificate).hex(),
        name=name,
        subject=subject,
        issuer=certificate.issuer.rfc4514_string(),
        serial=f"{certificate.serial_number:x}",
        kind=_kind(certificate, name, agencies),
    )


def _kind(certificate: x509.Certificate, name: str, agencies: Collection[str]) -> SignerKind:
    numbers = _texts(certificate, NameOID.USER_ID) + _texts(certificate, NameOID.SERIAL_NUMBER)
    if any(_PEOPLE.match(each) for each in numbers):
        return SignerKind.PERSON
    if any(_ORGANISATIONS.match(each) for each in numbers) or _texts(certificate, NameOID.ORGANIZATION_IDENTIFIER):
        return SignerKind.AGENCY
    if _texts(certificate, NameOID.GIVEN_NAME) or _texts(certificate, NameOID.SURNAME):
        return SignerKind.PERSON
    folded = _folded(name)
    if folded in {_folded(each) for each in agencies} or folded.startswith(_OFFICES):
        return SignerKind.AGENCY
    return SignerKind.UNKNOWN


def _texts(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> list[str]:
    return [str(each.value) for each in certificate.subject.get_attributes_for_oid(oid)]


def _folded(name: str) -> str:
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())
