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
from gateway.clock import instant
from gateway.console.visit import Visit
from gateway.console.words import N_
from gateway.ledger.params import as_json
from gateway.seal.report import Verdict
from gateway.signatures.judgement import OF_VERDICT, WORDS, Judgement, Standing, judge
from gateway.signatures.model import Examined
from gateway.views import signatures_out

_TONES: Final = {Standing.VALID: "good", Standing.UNDECIDED: "wait", Standing.INVALID: "bad"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Sign:
    """In a list."""

    tone: str
    text: str
    as_the_law_asks: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Word:
    """What one signature is worth."""

    tone: str
    vi: str
    en: str


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

    def worth(self, verdict: str) -> Word:
        """The verdict on one signature, in words."""
        standing = OF_VERDICT[Verdict(verdict)]
        vi, en = WORDS[standing]
        return Word(tone=_TONES[standing], vi=vi, en=en)


async def signed_of(visit: Visit, message_id: str, verdict: Sequence[Any] | None) -> Signed:
    """Of a document, by its newest verdict."""
    row = await visit.base.readers.fetch_one("check_due_find_waiting", (message_id,))
    return Signed(
        sign=None if verdict is None else sign_of(judge(Examined.decode(verdict[3]))),
        told=None if verdict is None else signatures_out(tuple(verdict)),
        waits=None if row is None else Waits(since=instant(row[0]), authorities=row[1] or ""),
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
