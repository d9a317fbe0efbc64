"""Verifies one signer of a CMS signature [RFC 5652]: what PDF signatures and detached `.p7s` files have in common.

Digest, signature value, signed attributes and the attribute that binds the certificate (ESS signing-certificate,
RFC 5035) are pyHanko's; which algorithms count, time stamps, path and revocation are judged as for XML signatures.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from asn1crypto import cms
from cryptography import x509
from pyhanko.sign.general import (
    CMSExtractionError,
    CMSStructuralError,
    MultivaluedAttributeError,
    NonexistentAttributeError,
    extract_certificate_info,
    find_unique_cms_attribute,
)
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.generic_cms import extract_self_reported_ts, validate_sig_integrity

from gateway.seal.report import Check, Indication, failed, passed, undecided
from gateway.signatures import asn1
from gateway.signatures.algorithms import HASHES, LEGACY_HASHES, judge
from gateway.signatures.model import Found, Gathered, Kind, Signer
from gateway.signatures.path import Brought, Trust, check_signer, failure
from gateway.signatures.signer import signer_of
from gateway.signatures.stamps import Stamp, read_stamp
from gateway.signatures.usage import signing_faults

#: A signature with its certificates and revocation answers; a larger file is none.
MOST_BYTES: Final = 8 * 1024**2
_FAMILIES: Final = frozenset({"rsassa_pkcs1v15", "rsassa_pss", "ecdsa"})
_MOST_STAMPS: Final = 4

#: What reading a foreign signature raises.
UNREADABLE: Final = (*asn1.UNREADABLE, CMSExtractionError, CMSStructuralError, SignatureValidationError)


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """One signer's part of a report."""

    signer: Signer | None = None
    claimed_at: datetime | None = None
    proven_at: datetime | None = None
    checks: tuple[Check, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(kw_only=True, slots=True)
class SignerCheck:
    """How a signer of SignedData is verified; `digest` gives the digest of what was signed, by the hash's name."""

    digest: Callable[[str], bytes]
    trust: Trust
    gathered: Gathered
    agencies: tuple[str, ...] = ()
    #: Beside what the signature itself holds.
    brought: Brought = field(default_factory=Brought)
    #: A time by which the whole signature existed, proved from outside.
    not_later_than: datetime | None = None

    def of(self, signed: cms.SignedData) -> Judged:
        """Verify SignedData with one signer; never raises for what it holds."""
        try:
            return self._judged(signed)
        except UNREADABLE as error:
            return Judged(checks=(failure("signature.form", f"the signature cannot be read: {_sentence(error)}"),))

    def _judged(self, signed: cms.SignedData) -> Judged:
        if len(signed["signer_infos"]) != 1:
            reason = f"there are {len(signed['signer_infos'])} signers in one signature"
            return Judged(checks=(failure("signature.form", reason),))
        info = signed["signer_infos"][0]
        try:
            certificates = extract_certificate_info(signed)
        except CMSExtractionError as error:
            name = "certificate.present"
            return Judged(checks=(undecided(name, Indication.NO_SIGNING_CERTIFICATE_FOUND, _sentence(error)),))
        certificate = x509.load_der_x509_certificate(certificates.signer_cert.dump())
        checks = [passed("certificate.present")]
        lists, answers = _archived(info)
        brought = Brought(
            certificates=(*(each.dump() for each in certificates.other_certs), *self.brought.certificates),
            crls=(*_lists(signed), *lists, *self.brought.crls),
            ocsps=(*answers, *self.brought.ocsps),
        )
        check, may = _algorithms(info, certificate)
        checks.append(check)
        proven, notes = self.not_later_than, []
        if may:
            value = self._value(info, certificates.signer_cert)
            checks.append(value)
            stamps = self._stamps(info, brought)
            checks += [each.check for each in stamps if each.proven_at is not None]
            notes += [each.note for each in stamps if each.note]
            times = [each.proven_at for each in stamps if each.proven_at is not None]
            proven = min([*times, *([proven] if proven else [])], default=None)
        checks += check_signer(
            certificate,
            brought,
            store=self.trust.signers,
            at=proven or self.trust.at,
            gathered=self.gathered,
            usage=signing_faults,
            answers=self.trust.answers,
        )
        return Judged(
            signer=signer_of(certificate, self.agencies),
            claimed_at=_claimed(info),
            proven_at=proven,
            checks=tuple(checks),
            notes=tuple(notes),
        )

    def _value(self, info: cms.SignerInfo, certificate: Any) -> Check:
        try:
            intact, valid = validate_sig_integrity(
                info,
                certificate,
                expected_content_type="data",
                actual_digest=self.digest(info["digest_algorithm"]["algorithm"].native),
            )
        except SignatureValidationError as error:
            found = str(getattr(error.ades_subindication, "name", ""))
            indication = Indication(found) if found in set(Indication) else Indication.SIG_CONSTRAINTS_FAILURE
            return failed("signature.value", indication, _sentence(error))
        if not intact:
            reason = "the digest in the signature is not that of the file"
            return failed("signature.digest", Indication.HASH_FAILURE, reason)
        if not valid:
            reason = "the signature value does not hold under the certificate's key"
            return failed("signature.value", Indication.SIG_CRYPTO_FAILURE, reason)
        return passed("signature.value")

    def _stamps(self, info: cms.SignerInfo, brought: Brought) -> list[Stamp]:
        tokens = [
            each.dump()
            for attribute in info["unsigned_attrs"] or ()
            if attribute["type"].native == "signature_time_stamp_token"
            for each in attribute["values"]
        ]
        value: bytes = info["signature"].native
        return [
            read_stamp(token, digest_of(value), trust=self.trust, gathered=self.gathered, brought=brought)
            for token in tokens[:_MOST_STAMPS]
        ]


def _algorithms(info: cms.SignerInfo, certificate: x509.Certificate) -> tuple[Check, bool]:
    digest = str(info["digest_algorithm"]["algorithm"].native)
    method = info["signature_algorithm"]
    family, named = str(method.signature_algo), str(method["algorithm"].native)
    hashes = {digest}
    if named not in {"rsassa_pkcs1v15", "ecdsa"}:
        hashes.add(str(method.hash_algo))
    known = family in _FAMILIES
    return judge(
        current=known and hashes <= HASHES,
        legacy=known and hashes <= HASHES | LEGACY_HASHES,
        named=f"{named} {digest}",
        key=certificate.public_key(),
    )


def _claimed(info: cms.SignerInfo) -> datetime | None:
    claimed = extract_self_reported_ts(info)
    return claimed.astimezone(UTC) if isinstance(claimed, datetime) and claimed.tzinfo else None


def _lists(signed: cms.SignedData) -> list[bytes]:
    return [each.dump() for each in signed["crls"] or () if each.name == ""] if signed["crls"] else []


def _archived(info: cms.SignerInfo) -> tuple[list[bytes], list[bytes]]:
    """Lists and answers in the attribute that Adobe's products write [ISO 32000-1 12.8.3.3.2]."""
    lists: list[bytes] = []
    answers: list[bytes] = []
    for attribute in info["signed_attrs"] or ():
        if attribute["type"].native == "adobe_revocation_info_archival":
            for value in attribute["values"]:
                lists += [each.dump() for each in value["crl"] or ()]
                answers += [each.dump() for each in value["ocsp"] or ()]
    return lists, answers


def verify_detached(
    signature: bytes,
    content: Callable[[str], bytes],
    *,
    where: str,
    trust: Trust,
    gathered: Gathered,
    agencies: tuple[str, ...] = (),
) -> Found:
    """A `.p7s` beside a file; `content` gives the file's digest by the hash's name. One signer each."""
    try:
        signed = cms.ContentInfo.load(signature, strict=True)["content"]
        if not isinstance(signed, cms.SignedData):
            raise TypeError("it is no SignedData")
        held = signed["encap_content_info"]["content"].native is not None
    except UNREADABLE as error:
        check = failure("signature.form", f"the signature cannot be read: {_sentence(error)}")
        return Found(kind=Kind.CMS, where=where, checks=(check,))
    if held:
        check = failure("signature.form", "the signature holds a text of its own and is not about the file")
        return Found(kind=Kind.CMS, where=where, checks=(check,))
    judged = SignerCheck(digest=content, trust=trust, gathered=gathered, agencies=agencies).of(signed)
    return Found(
        kind=Kind.CMS,
        where=where,
        form=_form(signed),
        signer=judged.signer,
        claimed_at=judged.claimed_at,
        proven_at=judged.proven_at,
        coverage="whole",
        checks=judged.checks,
        not_examined=judged.notes,
    )


def _form(signed: cms.SignedData) -> str:
    try:
        find_unique_cms_attribute(signed["signer_infos"][0]["signed_attrs"], "signing_certificate_v2")
    except (NonexistentAttributeError, MultivaluedAttributeError, *UNREADABLE):
        return "CMS"
    return "CAdES"


def digest_of(data: bytes) -> Callable[[str], bytes]:
    """The digests of bytes at hand."""
    return lambda name: hashlib.new(name, data, usedforsecurity=False).digest()


def _sentence(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
