"""What a person is told of the signatures on a document: in the clerk's words, beside a sign that is no better.

The sign is good only where a person and the agency signed and nothing is wrong or open; all else is for
information only, and says why. It judges nothing: `gateway.signatures.judgement` does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from gateway.api.signatures import SignaturesOut
from gateway.clock import instant, micros
from gateway.console.visit import Visit
from gateway.console.words import N_
from gateway.inquiry.check_words import PARTS
from gateway.inquiry.finding_words import KINDS, sentence
from gateway.ledger.params import as_json
from gateway.seal.indications import MEANINGS
from gateway.seal.report import Check, Verdict
from gateway.signatures.judgement import OF_VERDICT, WORDS, Judgement, Standing, judge
from gateway.signatures.model import Examined, Found
from gateway.views import signatures_out

_TONES: Final = {Standing.VALID: "good", Standing.UNDECIDED: "wait", Standing.INVALID: "bad"}


_CAME_TO: Final = {
    Verdict.PASSED: ("đạt", "passed"),
    Verdict.INDETERMINATE: ("chưa xác định được", "undecided"),
    Verdict.FAILED: ("không đạt", "failed"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Sign:
    """In a list."""

    tone: str
    text: str
    as_the_law_asks: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Word:
    """In both languages."""

    vi: str
    en: str
    tone: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What is wrong of one signature, or open."""

    vi: str
    en: str
    #: What programs call it.
    code: str


@dataclass(frozen=True, kw_only=True, slots=True)
class One:
    """One signature, or what stands where one would."""

    signer: str
    where: str
    #: Its form as the signature says, else what is there in words.
    form: Word
    worth: Word
    findings: tuple[Finding, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Waits:
    """A verdict that hangs on what CAs have not said about revocation."""

    since: datetime
    authorities: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Signed:
    """All that is known of a document's signatures."""

    #: None before the first verdict.
    sign: Sign | None
    told: SignaturesOut | None
    waits: Waits | None
    each: tuple[One, ...] = ()


async def signed_of(visit: Visit, message_id: str, verdict: Sequence[Any] | None) -> Signed:
    """Of a document, by its newest verdict."""
    row = await visit.base.readers.fetch_one("check_due_find_waiting", (message_id,))
    waits = None if row is None else Waits(since=instant(row[0]), authorities=row[1] or "")
    if verdict is None:
        return Signed(sign=None, told=None, waits=waits)
    return _signed(Examined.decode(verdict[3]), tuple(verdict), waits)


def signed_as(report: Examined, at: datetime) -> Signed:
    """Of what no verdict is kept of: it was looked at a moment ago."""
    return _signed(report, (micros(at), report.verdict.value, "", report.encode()), None)


def _signed(report: Examined, row: tuple[Any, ...], waits: Waits | None) -> Signed:
    return Signed(
        sign=sign_of(judge(report)),
        told=signatures_out(row),
        waits=waits,
        each=tuple(_one(found) for found in report.signatures),
    )


def finding_of(check: Check) -> Finding:
    """What was looked at, what it came to, and why."""
    assert check.indication is not None, "it did not pass"
    subject = PARTS.get(check.name, (check.name, check.name))
    standing = _CAME_TO[check.verdict]
    why_vi, meaning = sentence(check.reason, "vi"), MEANINGS[check.indication]
    if why_vi == check.reason:  # what a library said
        why_vi = f"{meaning[0]} {check.reason}".strip()
    return Finding(
        vi=f"{subject[0]}: {standing[0]} – {why_vi}",
        en=f"{subject[1]}: {standing[1]} – {check.reason or meaning[1]}",
        code=f"{check.name} {check.indication}",
    )


def _one(found: Found) -> One:
    standing = OF_VERDICT[found.verdict]
    vi, en = WORDS[standing]
    kind_vi, kind_en = KINDS[found.kind]
    return One(
        signer=found.signer.name if found.signer is not None else "",
        where=found.where,
        form=Word(vi=found.form or kind_vi, en=found.form or kind_en),
        worth=Word(tone=_TONES[standing], vi=vi, en=en),
        findings=tuple(finding_of(check) for check in found.faults),
    )


async def signs_of(visit: Visit, messages: Iterable[str]) -> Mapping[str, Sign]:
    """Of the documents of a list that have a verdict."""
    rows = await visit.base.readers.fetch("verdict_list_newest", (as_json(sorted(set(messages))),))
    return await asyncio.to_thread(lambda: {key: sign_of(judge(Examined.decode(report))) for key, report in rows})


def sign_of(judgement: Judgement) -> Sign:
    """The shortest that is true."""
    found = {judgement.person, judgement.agency, judgement.others}
    if judgement.as_the_law_asks:
        return Sign(tone="good", text=N_("signatures valid"), as_the_law_asks=True)
    if Standing.INVALID in found:
        return Sign(tone="bad", text=N_("a signature is not valid"))
    if Standing.UNDECIDED in found:
        return Sign(tone="wait", text=N_("signatures not decided"))
    if judgement.unseen:
        return Sign(tone="wait", text=N_("signatures cannot all be seen"))
    if Standing.VALID in found:
        return Sign(tone="wait", text=N_("a signature is missing"))
    return Sign(tone="wait", text=N_("no digital signature"))
