"""Vectors of certificates, revocation and time stamps, in detached CMS signatures, and of CMS itself."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from asn1crypto import cms

from tests.unit.signatures.cms_made import CmsPlan, cms_signature
from tests.unit.signatures.vector_cases import Case, Faults

_CONTENT: Final = "Quyết định số 125/QĐ-UBND\n".encode()
_UNSURE: Final = "INDETERMINATE"
_CHAIN: Final = "CHAIN_CONSTRAINTS_FAILURE"
_WEAK: Final = "CRYPTO_CONSTRAINTS_FAILURE"
_REVOKED: Final = {"certificate.revocation": "REVOKED_NO_POE"}
_EXPIRED: Final = {"certificate.validity": "OUT_OF_BOUNDS_NO_POE"}


def cases() -> Iterator[Case]:
    """Every vector of this file."""
    yield from _paths()
    yield from _times()
    yield from _cms()


def _case(name: str, why: str, plan: CmsPlan, faults: Faults, *, verdict: str = _UNSURE) -> Case:
    data = cms_signature(hashlib.new(plan.hash_name, _CONTENT, usedforsecurity=False).digest(), plan)
    return Case(name=name, why=why, data=data, kind="p7s", content=_CONTENT, faults=(faults,), verdict=verdict)


def _paths() -> Iterator[Case]:
    yield _case("cms-accepted", "a detached signature", CmsPlan(), {}, verdict="PASSED")
    later = CmsPlan(member="person-revoked-later")
    yield _case("certificate-revoked-later", "revoked after the check: in order then", later, {}, verdict="PASSED")
    path, unknown = "certificate.path", {"certificate.path": "NO_CERTIFICATE_CHAIN_FOUND"}
    for name, why, member, faults in (
        ("certificate-expired", "expired, and no stamp says that it signed before", "person-expired", _EXPIRED),
        ("certificate-not-yet-valid", "not valid yet", "person-not-yet-valid", _EXPIRED),
        ("certificate-revoked", "revoked before the check, and no stamp", "person-revoked", _REVOKED),
        ("certificate-of-revoked-ca", "its CA was revoked", "person-of-fallen-ca",
         {"certificate.revocation": "REVOKED_CA_NO_POE"}),
        ("certificate-without-list", "no revocation list of its CA: never shown as valid", "person-unlisted",
         {"certificate.revocation": "TRY_LATER"}),
        ("certificate-list-ended", "its CA's list had ended", "person-of-late-ca",
         {"certificate.revocation": "TRY_LATER"}),
        ("certificate-wrong-usage", "keyUsage allows no signing", "person-wrong-usage",
         {"certificate.usage": _CHAIN}),
        ("certificate-server-purpose", "a TLS server's certificate", "person-server-purpose",
         {"certificate.usage": _CHAIN}),
        ("certificate-unknown-critical", "demands what no verifier knows", "person-critical", {path: _CHAIN}),
        ("certificate-by-leaf", "issued by somebody who is no CA", "person-by-leaf", {path: _CHAIN}),
        ("certificate-path-length", "more CAs than the path length allows", "person-too-deep", {path: _CHAIN}),
        ("certificate-name-constraint", "outside the names its CA may certify", "person-outside-constraint",
         {path: _CHAIN}),
        ("certificate-weak-ca", "its CA has an RSA key of 1024 bits", "person-by-weak-ca", {path: _WEAK}),
        ("certificate-weak-key", "an RSA key of 1024 bits", "person-weak", {"signature.algorithms": _WEAK}),
        ("certificate-of-stranger", "from a CA that nobody trusts", "foreign-person", unknown),
        ("certificate-of-impostor", "from a CA that bears a trusted one's name", "impostor", unknown),
    ):  # fmt: skip
        yield _case(name, why, CmsPlan(member=member), faults)
    for name, member in (("brainpool", "person-brainpool"), ("koblitz", "person-koblitz")):
        why, plan = "a curve that is not on the list: it is not computed", CmsPlan(member=member)
        yield _case(f"certificate-{name}-curve", why, plan, {"signature.algorithms": _WEAK}, verdict="FAILED")


def _times() -> Iterator[Case]:
    before, after = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)
    expired = CmsPlan(member="person-expired", stamper="stamper", signed_at=before)
    revoked = CmsPlan(member="person-revoked", stamper="stamper", signed_at=before)
    for name, why, plan in (
        ("stamp-before-expiry", "expired now, but a stamp proves that it signed before", expired),
        ("stamp-before-revocation", "revoked now, but a stamp proves that it signed before", revoked),
    ):
        good = _case(name, why, replace(plan, stamped_at=before), {}, verdict="PASSED")
        yield replace(good, proven_at=before)
    late = _case("stamp-after-expiry", "the stamp came after the end", replace(expired, stamped_at=after), _EXPIRED)
    yield replace(late, proven_at=after)
    late = _case(
        "stamp-after-revocation",
        "the stamp came after the revocation",
        replace(revoked, stamped_at=after),
        _REVOKED,
    )
    yield replace(late, proven_at=after)
    stamped = replace(expired, stamped_at=before)
    for name, why, plan in (
        ("stamp-about-something-else", "the stamp is about another signature",
         replace(stamped, stamp_about=b"another")),
        ("stamp-usage-not-critical", "the stamp's certificate has timeStamping, but not critical",
         replace(stamped, stamper="stamper-not-critical")),
        ("stamp-certificate-expired", "the stamp's certificate had expired",
         replace(stamped, stamper="stamper-expired")),
        ("stamp-by-a-person", "the stamp was made by a person", replace(stamped, stamper="person")),
    ):  # fmt: skip
        yield _case(name, why, plan, _EXPIRED)


def _cms() -> Iterator[Case]:
    good = _case(
        "cms-content-altered", "the file differs", CmsPlan(), {"signature.digest": "HASH_FAILURE"}, verdict="FAILED"
    )
    yield replace(good, content=_CONTENT.replace(b"125", b"126"))
    form: Faults = {"signature.form": "FORMAT_FAILURE"}
    yield _case(
        "cms-content-inside", "it signs a text of its own", CmsPlan(inside=b"another"), form, verdict="FAILED"
    )
    garbage = _case("cms-garbage", "no CMS at all", CmsPlan(), form, verdict="FAILED")
    yield replace(garbage, data=b"\x30\x03\x02\x01\x01")
    cut = _case("cms-cut-short", "the end is missing", CmsPlan(), form, verdict="FAILED")
    yield replace(cut, data=cut.data[:-100])
    two = cms.ContentInfo.load(_case("", "", CmsPlan(), {}).data)
    infos = two["content"]["signer_infos"]
    infos.append(cms.SignerInfo.load(infos[0].dump()))
    yield replace(
        _case("cms-two-signers", "two signers in one signature", CmsPlan(), form, verdict="FAILED"),
        data=two.dump(force=True),
    )
    yield _case(
        "cms-names-another", "the signature names another certificate than it was made with",
        CmsPlan(member="agency", shown="person-revoked-later"), {"signature.value": "SIG_CRYPTO_FAILURE"},
        verdict="FAILED",
    )  # fmt: skip
    yield _case(
        "cms-sha1", "SHA-1 proves nothing any more", CmsPlan(hash_name="sha1"), {"signature.algorithms": _WEAK}
    )
