"""Verifies every signature of a PDF: who, over what of the file, and what was changed later [ISO 32000-2 12.8].

Reading, byte ranges and the difference analysis of later revisions are pyHanko's. A signature that does not cover a
whole revision proves nothing of what a reader shows and FAILS. What was added later is told apart: more signatures
and what goes with them are in order; anything else is INDETERMINATE where a later signature covers it (somebody
vouches for it, not this signer) and FAILED where none does, since that is how shadow contents reach a reader.

The file is opened strictly; pyHanko takes no hybrid cross-references then. Anything that it raises is a finding.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, BinaryIO, Final

from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import DiffResult, ModificationLevel, SuspiciousModification
from pyhanko.sign.fields import SigSeedSubFilter, enumerate_sig_fields
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.status import SignatureCoverageLevel

from gateway.seal.report import Check, Indication, Verdict, failed, passed, undecided
from gateway.signatures.cms import SignerCheck
from gateway.signatures.model import Found, Gathered, Kind
from gateway.signatures.path import Brought, Trust, failure
from gateway.signatures.stamps import read_stamp

# it tells of every finding by a traceback; here each is a check of the report
logging.getLogger("pyhanko").setLevel(logging.CRITICAL)

MAGIC: Final = b"%PDF-"
#: Where readers look for it.
MAGIC_WITHIN: Final = 1024
MOST_SIGNATURES: Final = 20
_FORMS: Final = frozenset({"adbe.pkcs7.detached", "ETSI.CAdES.detached"})
_STAMP: Final = "ETSI.RFC3161"
_COVERAGE: Final = {
    SignatureCoverageLevel.ENTIRE_FILE: "whole",
    SignatureCoverageLevel.ENTIRE_REVISION: "revision",
}


def verify_pdf(
    stream: BinaryIO, *, where: str, trust: Trust, gathered: Gathered, agencies: tuple[str, ...] = ()
) -> tuple[Found, ...]:
    """Every signature, in the order of their making; () when there is none."""
    try:
        reader = PdfFileReader(stream, strict=True)
        if reader.encrypted:
            return (_unreadable(where, "the file is encrypted"),)
        embedded = [each for _, each in zip(range(MOST_SIGNATURES + 1), _embedded(reader), strict=False)]
        unknown = _unknown(reader, where)
        brought = _security_store(reader)
    except Exception as error:  # noqa: BLE001 - a foreign file may raise anything; it is a finding
        return (_unreadable(where, _sentence(error)),)
    work = _Work(where=where, trust=trust, gathered=gathered, agencies=agencies, brought=brought)
    found: list[Found] = []
    not_later_than: datetime | None = None
    vouched = False
    # the newest first: it vouches for what was added before it, and a document time stamp for when that was
    for each in reversed(embedded[:MOST_SIGNATURES]):
        one = work.found(each, vouched=vouched, not_later_than=not_later_than)
        vouched = vouched or _vouches(one)
        if one.form == _STAMP and one.proven_at is not None:
            not_later_than = one.proven_at
        found.insert(0, one)
    found += unknown
    if len(embedded) > MOST_SIGNATURES:
        found.append(_unreadable(where, f"there are more than {MOST_SIGNATURES} signatures"))
    return tuple(found)


def _embedded(reader: PdfFileReader) -> Iterator[EmbeddedPdfSignature]:
    yield from reader.embedded_signatures


def _unknown(reader: PdfFileReader, where: str) -> list[Found]:
    """Signatures of forms that pyHanko passes over in silence."""
    taken = {form.value for form in SigSeedSubFilter}
    found: list[Found] = []
    for name, value, _ in enumerate_sig_fields(reader, filled_status=True):
        form = str(value.get_object().get("/SubFilter", ""))
        if form not in taken and len(found) < MOST_SIGNATURES:
            check = _unverified(form[1:])
            found.append(Found(kind=Kind.PDF, where=where, name=str(name), form=form[1:61], checks=(check,)))
    return found


def _unverified(form: str) -> Check:
    reason = f"signatures of the form {form[:60] or 'none'} are not verified"
    return undecided("signature.form", Indication.SIG_CONSTRAINTS_FAILURE, reason)


def _unreadable(where: str, reason: str) -> Found:
    return Found(kind=Kind.PDF, where=where, checks=(failure("pdf.readable", reason),))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Work:
    where: str
    trust: Trust
    gathered: Gathered
    agencies: tuple[str, ...]
    brought: Brought

    def found(self, each: EmbeddedPdfSignature, *, vouched: bool, not_later_than: datetime | None) -> Found:
        form = str(each.sig_object.get("/SubFilter", ""))[1:]
        checks: list[Check] = []
        coverage = ""
        try:
            each.compute_integrity_info()  # type: ignore[no-untyped-call]
            level: Any = each.coverage
            coverage = _COVERAGE.get(level, "part")
            checks += [_covers(level), _changes(each.diff_result, vouched=vouched)]
        except Exception as error:  # noqa: BLE001 - as above
            checks.append(failure("pdf.readable", _sentence(error)))
        if form == _STAMP:
            return self._stamp(each, checks, coverage)
        if form not in _FORMS:
            checks.append(_unverified(form))
            return Found(kind=Kind.PDF, where=self.where, name=str(each.fq_name), form=form, checks=tuple(checks))
        judged = SignerCheck(
            digest=each.compute_digest,
            trust=self.trust,
            gathered=self.gathered,
            agencies=self.agencies,
            brought=self.brought,
            not_later_than=not_later_than,
        ).of(each.signed_data)
        return Found(
            kind=Kind.PDF,
            where=self.where,
            name=str(each.fq_name),
            form=form,
            signer=judged.signer,
            claimed_at=judged.claimed_at or _written(each),
            proven_at=judged.proven_at,
            coverage=coverage,
            checks=(*checks, *judged.checks),
            not_examined=judged.notes,
        )

    def _stamp(self, each: EmbeddedPdfSignature, checks: list[Check], coverage: str) -> Found:
        stamp = read_stamp(
            each.pkcs7_content, each.compute_digest, trust=self.trust, gathered=self.gathered, brought=self.brought
        )
        sound = stamp.proven_at is not None and all(check.verdict is Verdict.PASSED for check in checks)
        return Found(
            kind=Kind.PDF,
            where=self.where,
            name=str(each.fq_name),
            form=_STAMP,
            proven_at=stamp.proven_at if sound else None,
            coverage=coverage,
            checks=(*checks, stamp.check),
        )


def _vouches(found: Found) -> bool:
    """Whether it holds, and covers all that there is."""
    held = {check.name for check in found.checks if check.verdict is Verdict.PASSED}
    return {"pdf.changes", "signature.value"} <= held


def _written(each: EmbeddedPdfSignature) -> datetime | None:
    """What the signature dictionary says of its time."""
    try:
        claimed = each.self_reported_timestamp
        return claimed.astimezone(UTC) if claimed is not None and claimed.tzinfo else None
    except (ValueError, TypeError, KeyError, OverflowError):
        return None


def _covers(level: Any) -> Check:
    name = "pdf.coverage"
    if level in _COVERAGE:
        return passed(name, level=_COVERAGE[level])
    reason = "the signed byte range leaves out a part of its own revision"
    return failed(name, Indication.FORMAT_FAILURE, reason, level=level.name.lower())


def _changes(result: DiffResult | SuspiciousModification | None, *, vouched: bool) -> Check:
    name = "pdf.changes"
    if isinstance(result, DiffResult) and result.modification_level <= ModificationLevel.FORM_FILLING:
        return passed(name, level=result.modification_level.name.lower())
    reason = "the file was changed after this signature"
    facts = {"level": "other", "change": str(result)[:200] if isinstance(result, SuspiciousModification) else ""}
    if isinstance(result, DiffResult):
        facts["level"] = result.modification_level.name.lower()
    if not vouched:
        reason = f"{reason}, and nobody signed the change"
        return failed(name, Indication.SIG_CONSTRAINTS_FAILURE, reason, **facts)
    return undecided(name, Indication.SIG_CONSTRAINTS_FAILURE, f"{reason}; a later one covers the change", **facts)


def _security_store(reader: PdfFileReader) -> Brought:
    """Certificates, lists and answers of the document security store [ETSI EN 319 142-1 5.4.2]."""
    store = reader.root.get("/DSS")
    if store is None:
        return Brought()
    kinds = [
        tuple(each.get_object().data for each in list(store.get(name, ()))[:MOST_SIGNATURES])
        for name in ("/Certs", "/CRLs", "/OCSPs")
    ]
    return Brought(certificates=kinds[0], crls=kinds[1], ocsps=kinds[2])


def _sentence(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:200]
