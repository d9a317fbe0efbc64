"""What a month of the ledger is: its events, and what belongs to them, a portion at a time in the order of the log.

`Span` says which events; `ArchiveReads.lines` gives the lines of a part of the archive (`gateway.bundle.archive`).
Everything in it was committed and does not change any more, so no snapshot is held: memory does not grow with the
month, and the writer is not held up.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from itertools import groupby
from typing import Any, Final

import msgspec

from gateway.bundle import archive as shapes
from gateway.bundle.format import MAX_SMALL_BYTES
from gateway.clock import instant, rfc3339
from gateway.ledger.own_keys import own_certificates
from gateway.ledger.params import as_json
from gateway.ledger.registers import RegisterReads
from gateway.ledger.renewals import RenewalReads
from gateway.seal.revocation import read_answer
from gateway.storage.readers import Readers
from gateway.transparency.merkle import consistency_proof, frontier_at

#: Rows read at a time: leaves, and papers of some KB each.
MANY: Final = 2000
FEW: Final = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """The events of a month: after one, up to another; and their leaves, from one to, without, another."""

    after: int
    until: int
    first: int
    end: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """An archive that was made."""

    at: datetime
    actor: str
    month: str
    first: int
    until: int
    #: Digest of its export seal.
    seal: str
    #: `folder`: by the duty, into [archive] folder; `command`.
    place: str


#: Lines with the number of leaves up to which the part is done.
Portion = tuple[list[bytes], int]


class ArchiveReads:
    """Reads parts of archives."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers
        #: Digests of revocation answers that the reports read so far rest on.
        self.answers: set[str] = set()

    async def made(self) -> list[Made]:
        """All that were made, oldest first."""
        found = []
        for _, at, actor, leaf in await self._readers.fetch("archive_list_made"):
            facts = json.loads(leaf)["facts"]
            told = {name: facts[name] for name in ("month", "first", "until", "seal", "place")}
            found.append(Made(at=instant(at), actor=actor, **told))
        return found

    async def first_day(self) -> date | None:
        """The first day that was closed."""
        row = await self._readers.fetch_one("register_day_read_first")
        return None if row is None else date.fromisoformat(row[0])

    async def leaves(self, span: Span) -> AsyncIterator[Portion]:
        """Every event."""
        after, index = span.after, span.first
        while rows := await self._readers.fetch("archive_list_leaves", _page(after, span.until, MANY)):
            lines = [
                shapes.leaf_line(index + number, bytes(digest), bytes(leaf))
                for number, (_, leaf, digest) in enumerate(rows)
            ]
            after, index = rows[-1][0], index + len(rows)
            yield lines, index

    async def receipts(self, span: Span) -> AsyncIterator[Portion]:
        """Every acceptance."""
        after = span.after
        while rows := await self._readers.fetch("archive_list_receipts", _page(after, span.until, FEW)):
            yield [_receipt(row) for row in rows], rows[-1][1]
            after = rows[-1][0]

    async def receipt_stamps(self, span: Span) -> AsyncIterator[Portion]:
        """Time stamps over receipts."""
        after = span.after
        while rows := await self._readers.fetch("archive_list_receipt_stamps", _page(after, span.until, FEW)):
            yield [_receipt_stamp(row) for row in rows], rows[-1][1]
            after = rows[-1][0]

    async def reports(self, span: Span) -> AsyncIterator[Portion]:
        """Verdicts about signatures of others."""
        after = span.after
        while rows := await self._readers.fetch("archive_list_reports", _page(after, span.until, FEW)):
            lines = []
            for _, leaf, message, digest, report in rows:
                self.answers |= msgspec.json.decode(report, type=_Rests).revocations.keys()
                lines.append(
                    shapes.line_of(shapes.Report(leaf=leaf, message=message, sha256=digest, report=bytes(report)))
                )
            yield lines, rows[-1][1]
            after = rows[-1][0]

    async def revocations(self, _span: Span) -> AsyncIterator[Portion]:
        """What CAs said that those rest on."""
        names = sorted(self.answers)
        for start in range(0, len(names), FEW):
            asked = (as_json(names[start : start + FEW]), MAX_SMALL_BYTES)
            rows = await self._readers.fetch("revocation_answer_list", asked)
            yield sorted(_answer(bytes(der)) for (der,) in rows), 0

    async def proofs(self, span: Span) -> AsyncIterator[Portion]:
        """What receivers proved."""
        after = span.after
        while rows := await self._readers.fetch("archive_list_proofs", _page(after, span.until, FEW)):
            yield [_proof(row) for row in rows], rows[-1][1]
            after = rows[-1][0]

    async def checkpoints(self, span: Span) -> AsyncIterator[Portion]:
        """What was signed, with what others added."""
        after = span.first
        while rows := await self._readers.fetch("archive_list_checkpoints", _page(after, span.end, FEW)):
            sizes = {"after": after, "until": rows[-1][0]}
            cosigned = await self._readers.fetch("archive_list_cosignatures", sizes)
            stamped = await self._readers.fetch("archive_list_stamps", sizes)
            lines = {size: [row[1] for row in found] for size, found in groupby(cosigned, lambda row: row[0])}
            tokens = {size: list(found) for size, found in groupby(stamped, lambda row: row[0])}
            yield [_signed(row, lines.get(row[0], []), tokens.get(row[0], [])) for row in rows], rows[-1][0]
            after = rows[-1][0]

    async def renewals(self, span: Span) -> AsyncIterator[Portion]:
        """Of the log's head, with what leads from the month's leaves to those that are over them."""
        reads = RenewalReads(self._readers)
        for each in await reads.all():
            before, path = list[bytes](), list[bytes]()
            if (size := each.renewal.size) >= span.end:
                node = each.renewal.hash.node
                before = list((await reads.proved(each, partial(frontier_at, span.first))).hashes)
                path = await reads.proved(each, partial(consistency_proof, span.end, size, node=node))
            line = shapes.Renewed(kept=each.kept, before=before, path=path)
            yield [shapes.line_of(line)], 0

    async def registers(self, span: Span, days: Sequence[tuple[date, int, bytes]]) -> AsyncIterator[Portion]:
        """The registers of closed days: day, closing leaf, secret."""
        reads = RegisterReads(self._readers)
        for day, leaf, seed in days:
            books = [shapes.Book(agency=book.agency, entries=book.packed()) for book in await reads.books(day)]
            line = shapes.Day(leaf=leaf, day=day.isoformat(), seed=seed.hex(), books=books)
            yield [shapes.line_of(line)], min(leaf, span.end)

    async def agencies(self, _span: Span) -> AsyncIterator[Portion]:
        """The whole directory, as it is now."""
        after = ""
        while rows := await self._readers.fetch("archive_list_agencies", {"after": after, "limit": FEW}):
            yield [_agency(row) for row in rows], 0
            after = rows[-1][0]

    async def certificates(self, _span: Span) -> AsyncIterator[Portion]:
        """Those that the gateway ever signed with."""
        yield (
            [
                shapes.line_of(shapes.OwnCertificate(purpose=each.purpose, since=rfc3339(each.since), der=each.der))
                for each in await own_certificates(self._readers)
            ],
            0,
        )


class _Rests(msgspec.Struct):
    revocations: dict[str, str] = msgspec.field(default_factory=dict)


def _page(after: int, until: int, limit: int) -> dict[str, int]:
    return {"after": after, "until": until, "limit": limit}


def _receipt(row: Sequence[Any]) -> bytes:
    _, leaf, message, number, notation, promulgated_on, transfer, receipt = row
    found = shapes.Receipt(
        leaf=leaf, message=message, number=number, notation=notation, promulgated_on=promulgated_on,
        transfer=bytes(transfer), receipt=bytes(receipt),
    )  # fmt: skip
    return shapes.line_of(found)


def _receipt_stamp(row: Sequence[Any]) -> bytes:
    _, leaf, last, form, hashes, server, at, token = row
    found = shapes.ReceiptStamp(
        leaf=leaf, last=last, form=form, hashes=bytes(hashes), server=server, at=rfc3339(instant(at)),
        token=bytes(token),
    )  # fmt: skip
    return shapes.line_of(found)


def _proof(row: Sequence[Any]) -> bytes:
    _, leaf, message, digest, file, certificate = row
    found = shapes.Proof(
        leaf=leaf, message=message, sha256=digest, file=bytes(file),
        certificate=None if certificate is None else bytes(certificate),
    )  # fmt: skip
    return shapes.line_of(found)


def _signed(row: Sequence[Any], cosignatures: list[str], stamps: Sequence[Sequence[Any]]) -> bytes:
    size, note, institution = row
    tokens = [
        shapes.Token(server=server, at=rfc3339(instant(at)), token=bytes(token)) for _, server, at, token in stamps
    ]
    found = shapes.Signed(
        size=size, note=bytes(note).decode(), cosignatures=cosignatures, stamps=tokens,
        institution=None if institution is None else bytes(institution),
    )  # fmt: skip
    return shapes.line_of(found)


def _answer(der: bytes) -> bytes:
    answer = read_answer(der)
    return shapes.line_of(shapes.Answer(sha256=answer.sha256, kind=answer.kind, der=der))


def _agency(row: Sequence[Any]) -> bytes:
    key, kind, opened_at, closed_at, successor, codes, names = row
    found = shapes.Agency(
        id=key, kind=kind, opened_at=rfc3339(instant(opened_at)),
        closed_at=None if closed_at is None else rfc3339(instant(closed_at)), successor=successor,
        codes=_named(codes), names=_named(names),
    )  # fmt: skip
    return shapes.line_of(found)


def _named(rows: str) -> list[shapes.Named]:
    return [
        shapes.Named(text=text, since=rfc3339(instant(since)), until=None if end is None else rfc3339(instant(end)))
        for text, since, end in json.loads(rows)
    ]
