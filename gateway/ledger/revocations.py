"""What CAs said about revocation, kept with what rests on it; where their lists are fetched; who waits for them.

An answer is kept once. One that somebody fetched or loaded has a subject and is looked up for later documents. One
that came with a signature is evidence of that signature's verdict only, since a stranger might put a false one in
the place of a right one. What a verdict rests on is never deleted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.clock import instant, micros
from gateway.events import Event
from gateway.ledger import history
from gateway.ledger.params import as_json
from gateway.seal.revocation import Answer, file_name
from gateway.storage.pump import Transaction
from gateway.storage.readers import Readers


@dataclass(frozen=True, kw_only=True, slots=True)
class KeepAnswers:
    """What CAs said; of one batch."""

    answers: tuple[Answer, ...]
    now: datetime
    #: Who loaded them, and why; "" for what was fetched, which is no event: it may come every hour.
    actor: str = ""
    why: str = ""


class KeepAnswersOperation:
    """How many are kept with their names."""

    name = "keep_answers"

    async def apply(self, tx: Transaction, payloads: Sequence[KeepAnswers]) -> Sequence[int]:
        """Each by its digest."""
        for each in payloads:
            rows = [
                (
                    answer.sha256,
                    micros(each.now),
                    answer.der,
                    answer.subject,
                    answer.kind,
                    micros(answer.this_update),
                    None if answer.next_update is None else micros(answer.next_update),
                )
                for answer in each.answers
            ]
            await tx.execute_many("revocation_answer_put", rows)
            if each.actor:
                event = history.EventRow(
                    kind=Event.REVOCATION_LOADED,
                    at=each.now,
                    actor=each.actor,
                    facts={"answers": [answer.sha256 for answer in each.answers]},
                    note=each.why,
                )
                await history.append(tx, [event])
        return [len(each.answers) for each in payloads]


@dataclass(frozen=True, kw_only=True, slots=True)
class Placed:
    """The files of these subjects are where signatures are judged."""

    subjects: tuple[str, ...]
    now: datetime


class PlacedOperation:
    """Examine again what waits for them; how many documents."""

    name = "answers_placed"

    async def apply(self, tx: Transaction, payloads: Sequence[Placed]) -> Sequence[int]:
        """One after the other."""
        return [await self._placed(tx, as_json(list(each.subjects)), micros(each.now)) for each in payloads]

    async def _placed(self, tx: Transaction, subjects: str, now: int) -> int:
        await tx.fetch("revocation_answer_mark_placed", (now, subjects))
        return len(await tx.fetch("check_due_wake_by_subjects", (subjects,)))


class WakeOverdueChecks:
    """Examine again what has waited long enough at that instant; how many documents."""

    name = "wake_overdue_checks"

    async def apply(self, tx: Transaction, payloads: Sequence[datetime]) -> Sequence[int]:
        """One after the other."""
        return [len(await tx.fetch("check_due_wake_overdue", (micros(each),))) for each in payloads]


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Where a CA publishes its list, and how fetching it goes."""

    url: str
    #: Of the certificate of the CA that must have signed it, and the certificate; empty: any that is trusted here.
    issuer_sha256: str
    issuer: bytes
    #: Its name, for people.
    authority: str
    #: When a signature was last judged by it.
    wanted_at: datetime
    answered_at: datetime | None = None
    #: When the list at hand ends.
    until: datetime | None = None
    failing_since: datetime | None = None
    fault: str = ""


class PutSources:
    """Fetch lists from now on, or say how that went."""

    name = "put_sources"

    async def apply(
        self, tx: Transaction, payloads: Sequence[tuple[datetime, tuple[Source, ...]]]
    ) -> Sequence[None]:
        """Now, and the sources."""
        for now, sources in payloads:
            for each in sources:
                await tx.fetch("revocation_source_put", _params(each, now))
        return [None] * len(payloads)


def _params(source: Source, now: datetime) -> dict[str, object]:
    def at(value: datetime | None) -> int | None:
        return None if value is None else micros(value)

    return {
        "url": source.url,
        "issuer_sha256": source.issuer_sha256,
        "issuer": source.issuer,
        "authority": source.authority,
        "now": micros(now),
        "wanted_at": micros(source.wanted_at),
        "answered_at": at(source.answered_at),
        "until": at(source.until),
        "failing_since": at(source.failing_since),
        "fault": source.fault,
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class Forget:
    """Sources that nobody wants any more, and of before an instant: answers with successors, decided waits."""

    sources: tuple[tuple[str, str], ...]
    before: datetime


class ForgetOperation:
    """How many answers went."""

    name = "forget_answers"

    async def apply(self, tx: Transaction, payloads: Sequence[Forget]) -> Sequence[int]:
        """What a verdict rests on stays."""
        gone = []
        for each in payloads:
            for key in each.sources:
                await tx.fetch("revocation_source_delete", key)
            await tx.fetch("check_due_delete_decided", (micros(each.before),))
            gone.append(len(await tx.fetch("revocation_answer_delete_superseded", (micros(each.before),))))
        return gone


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """An answer that is looked up, without its bytes."""

    sha256: str
    subject: str
    kind: str
    this_update: datetime
    next_update: datetime | None
    size: int

    @property
    def name(self) -> str:
        """Of its file."""
        return file_name(self.subject, self.this_update, self.sha256, self.kind)


class RevocationReads:
    """Looks."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    async def kept(self) -> list[Kept]:
        """All that are looked up."""
        return [
            Kept(
                sha256=row[0],
                subject=row[1],
                kind=row[2],
                this_update=instant(row[3]),
                next_update=None if row[4] is None else instant(row[4]),
                size=row[5],
            )
            for row in await self._readers.fetch("revocation_answer_list_named")
        ]

    async def answer(self, kept: Kept) -> Answer | None:
        """With its bytes; None where it has gone since."""
        row = await self._readers.fetch_one("revocation_answer_read", (kept.sha256,))
        if row is None:
            return None
        return Answer(
            kind=kept.kind,
            subject=kept.subject,
            this_update=kept.this_update,
            next_update=kept.next_update,
            der=row[0],
        )

    async def sources(self) -> list[Source]:
        """Where lists are fetched."""
        return [
            Source(
                url=row[0],
                issuer_sha256=row[1],
                issuer=row[2],
                authority=row[3],
                wanted_at=instant(row[4]),
                answered_at=_instant(row[5]),
                until=_instant(row[6]),
                failing_since=_instant(row[7]),
                fault=row[8],
            )
            for row in await self._readers.fetch("revocation_source_list_all")
        ]


def _instant(value: int | None) -> datetime | None:
    return None if value is None else instant(value)
