"""Importing agencies from a CSV file (columns: README.md): all rows, or none.

1. Read every row and gather every problem: cells, codes given twice, agencies above themselves.
2. Compare every row with the directory for what only it can tell: references that lead nowhere, codes of two
   agencies in one row, new agencies without a name. If there are problems, stop; with `partial`, go on with
   the rows that are good and do not refer to a bad one.
3. Write what differs, some hundred rows in a transaction, so that documents are accepted meanwhile. What
   refers to rows further down is set in a second round.
4. The last transaction carries the one event `agency.imported` with counts and the file's digest.

A file that says nothing new writes nothing, not even an event. An import that was cut off between two
transactions is finished by running it again: each leaves the directory whole. The file's rows are never all
in memory. It does NOT delete or close agencies that the file does not name.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from gateway.clock import micros
from gateway.directory.changes import WriteRows, WriteRowsOperation
from gateway.directory.diff import DirectoryRows, Links, add_agency, change_agency, match_row
from gateway.directory.directory import Directory, find_holders, record_of
from gateway.directory.index import FileIndex
from gateway.directory.planned import PlannedRow, planned
from gateway.directory.records import Holder, Period, Record, holder_at
from gateway.directory.rows import AgencyRow, RowProblem, read_rows
from gateway.edxml.organ_ids import canonical
from gateway.events import Event
from gateway.ids import uuid7_series
from gateway.ledger.history import EventRow
from gateway.model import AgencyId, EndpointId
from gateway.storage.pump import Pump
from gateway.storage.readers import Readers

_WRITE = WriteRowsOperation()
_ROWS_AT_ONCE = 500
_ROUNDS = 2
#: With more problems a file is none of agencies; rows that refer to bad ones, of which each refers to another.
MOST_PROBLEMS = 5_000
_DEEPEST = 12

#: Called with what is done ("check", "write"), rows done, rows in all.
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportReport:
    """What came of a file."""

    #: SHA-256 of the file.
    digest: str
    #: Rows read, good or bad.
    rows: int
    #: Whether the rows (with `partial`: the good ones) are in the directory now.
    applied: bool
    created: int = 0
    changed: int = 0
    closed: int = 0
    unchanged: int = 0
    problems: tuple[RowProblem, ...] = ()


@dataclass(kw_only=True, slots=True)
class _Batch:
    """Some rows and what the directory knows about their codes."""

    rows: list[AgencyRow]
    holders: dict[str, list[Holder]]
    periods: dict[AgencyId, Period]
    #: Empty while rows are only checked.
    records: dict[AgencyId, Record]


@dataclass(kw_only=True, slots=True)
class _Written:
    """What has been written, or waits to be."""

    created: set[AgencyId] = field(default_factory=set)
    changed: set[AgencyId] = field(default_factory=set)
    closed: set[AgencyId] = field(default_factory=set)
    #: Written with the next part, or with the event.
    waiting: DirectoryRows = field(default_factory=DirectoryRows)
    #: Codes of agencies that wait; no look-up finds them yet.
    fresh: dict[str, list[Holder]] = field(default_factory=dict)

    def note(self, rows: DirectoryRows) -> None:
        self.created.update(rows.created)
        self.changed.update(rows.changed)
        self.closed.update(rows.closed)
        self.waiting = rows


async def import_agencies(
    directory: Directory,
    pump: Pump,
    readers: Readers,
    data: bytes,
    *,
    actor: str,
    now: datetime,
    partial: bool = False,
    why: str = "",
    progress: Progress | None = None,
) -> ImportReport:
    """Bring the directory to what the file's bytes say; `why` is kept with the event."""
    endpoints = {endpoint.name: endpoint.id for endpoint in await directory.endpoints()}
    work = _Import(pump, readers, data, endpoints, progress or _silent, now=micros(now))
    async with directory.writing:
        await work.check()
        good = (partial or not work.problems) and not work.given_up
        if good:
            try:
                await work.write()
                await work.finish(actor, now, why)
            finally:
                await directory.reload()
    return work.report(applied=good)


async def preview_agencies(
    directory: Directory, pump: Pump, readers: Readers, data: bytes, *, now: datetime
) -> tuple[ImportReport, list[PlannedRow]]:
    """What `import_agencies` would do, row by row; it writes nothing."""
    endpoints = {endpoint.name: endpoint.id for endpoint in await directory.endpoints()}
    work = _Import(pump, readers, data, endpoints, _silent, now=micros(now))
    await work.check()
    planned = await work.plan() if not work.problems else []
    return work.report(applied=False), planned


class _Import:
    def __init__(
        self,
        pump: Pump,
        readers: Readers,
        data: bytes,
        endpoints: dict[str, EndpointId],
        progress: Progress,
        *,
        now: int,
    ) -> None:
        self._pump = pump
        self._readers = readers
        self._data = data
        self._endpoints = endpoints
        self._progress = progress
        self._now = now
        self._index = FileIndex()
        self._total = 0
        #: Of new agencies; in a row, as they are written.
        self._ids: Iterator[str] = iter(())
        self._written = _Written()
        self._fresh: dict[str, list[Holder]] = {}
        self._digest = sha256(data).hexdigest()
        self.problems: list[RowProblem] = []
        #: Whether there were too many of them, or too many that follow from each other, to go on.
        self.given_up = False

    async def check(self) -> None:
        """Steps 1 and 2."""
        await self._check_rows()
        for line in await asyncio.to_thread(self._index.circles):
            self._refuse([_circle(line)])
        bad, depth, end = -1, 0, _too_many
        while bad < len(self._index.bad) and not self.given_up:  # a row that refers to a bad one is bad itself
            bad, depth = len(self._index.bad), depth + 1
            described: dict[AgencyId, int] = {}
            async for batch in self._batches("check"):
                for row in batch.rows:
                    self._refuse(self._check_row(row, batch, described))
            if depth > _DEEPEST and bad < len(self._index.bad) and not self.given_up:
                self.given_up, end = True, _too_deep
        given_up = [end(self.problems[-1].line)] if self.given_up else []
        self.problems = sorted(self.problems, key=lambda problem: problem.line) + given_up

    async def write(self) -> None:
        """Step 3."""
        self._ids = uuid7_series(self._total)
        for _ in range(_ROUNDS):
            complete = True
            async for batch in self._batches("write"):
                rows = DirectoryRows()
                for row in batch.rows:
                    complete &= self._apply_row(row, batch, rows)
                if not rows.empty:
                    await self._flush(None)
                    self._written.note(rows)
            if complete:
                return
            await self._flush(None)

    async def plan(self) -> list[PlannedRow]:
        """Step 3 without writing: the second round is for rows that refer to what comes later in the file."""
        self._ids = uuid7_series(self._total)
        found: dict[int, PlannedRow] = {}
        for _ in range(_ROUNDS):
            async for batch in self._batches("check", whole=True):
                for row in batch.rows:
                    if row.line in found and found[row.line].what == "created":
                        continue
                    rows = DirectoryRows()
                    self._apply_row(row, batch, rows)
                    self._written.note(rows)
                    if not rows.empty:
                        found[row.line] = planned(row, rows, batch.records)
                self._written.fresh = self._fresh  # nothing is in the directory, so all of it is kept
        return [found[line] for line in sorted(found)]

    async def finish(self, actor: str, now: datetime, why: str) -> None:
        """Step 4."""
        written = self._written
        if not written.created and not written.changed:
            return
        facts: dict[str, object] = {
            "file": self._digest,
            "rows": self._total,
            "created": len(written.created),
            "changed": len(written.changed - written.created),
            "closed": len(written.closed),
            "refused": len(self._index.bad),
        }
        if len(touched := written.created | written.changed) == 1:
            (facts["agency"],) = touched
        await self._flush(EventRow(kind=Event.AGENCY_IMPORTED, at=now, actor=actor, facts=facts, note=why))

    def report(self, *, applied: bool) -> ImportReport:
        written = self._written
        touched = written.created | written.changed
        return ImportReport(
            digest=self._digest,
            rows=self._total,
            applied=applied,
            created=len(written.created),
            changed=len(written.changed - written.created),
            closed=len(written.closed),
            unchanged=self._total - len(self._index.bad) - len(touched) if applied else 0,
            problems=tuple(self.problems),
        )

    async def _check_rows(self) -> None:
        for place, item in enumerate(read_rows(self._data)):
            if place % _ROWS_AT_ONCE == 0:
                await asyncio.sleep(0)
            if item == []:
                continue
            self._total += 1
            self._refuse(item if isinstance(item, list) else self._index.add(item))
            if self.given_up:
                return

    def _refuse(self, problems: Sequence[RowProblem]) -> None:
        self.problems += problems[: MOST_PROBLEMS - len(self.problems)]
        self.given_up |= len(self.problems) == MOST_PROBLEMS
        self._index.bad.update(problem.line for problem in problems)

    def _check_row(self, row: AgencyRow, batch: _Batch, described: dict[AgencyId, int]) -> list[RowProblem]:
        line, problems = row.line, []
        found = match_row(row, batch.holders, batch.periods, self._index.ended_before)
        known = next(iter(found), None)
        if len(found) > 1:
            problems.append(
                _problem(
                    line,
                    "organ_id",
                    "Các mã trên dòng này thuộc về hai cơ quan khác nhau; tách thành hai dòng.",
                    "The codes of this row belong to two different agencies; make it two rows.",
                )
            )
        elif known is None and row.name is None:
            problems.append(
                _problem(line, "name", "Cơ quan mới phải có tên; điền name.", "A new agency needs a name.")
            )
        elif known is not None:
            if described.setdefault(known, line) != line:
                problems.append(
                    _problem(
                        line,
                        "organ_id",
                        f"Dòng {described[known]} đã nói về cơ quan này; gộp hai dòng.",
                        f"Line {described[known]} is about the same agency; merge the two rows.",
                    )
                )
            if row.closed is not None and row.closed <= batch.periods[known].start:
                problems.append(
                    _problem(
                        line,
                        "closed",
                        "Ngày đóng phải sau ngày mở đang lưu trong danh bạ.",
                        "The closing day must be after the opening day that the directory holds.",
                    )
                )
        return problems + self._check_references(row, batch)

    def _check_references(self, row: AgencyRow, batch: _Batch) -> list[RowProblem]:
        problems = []
        if row.endpoint and row.endpoint not in self._endpoints:
            problems.append(
                _problem(
                    row.line,
                    "endpoint",
                    f"Chưa có kênh tên {row.endpoint}; tạo kênh trước.",
                    f"There is no endpoint named {row.endpoint}; make it first.",
                )
            )
        for column, code, at in (
            ("parent_organ_id", row.parent, None),
            ("successor_organ_id", row.successor, row.closed),
        ):
            if not code:
                continue
            form = canonical(code)
            known = any(at is None or holder.period.holds(at) for holder in batch.holders.get(form, ()))
            if not known and not self._index.holds(form, at):
                problems.append(
                    _problem(
                        row.line,
                        column,
                        f"Không có cơ quan nào mang mã {code} vào lúc đó trong tệp (dòng đúng) hay danh bạ.",
                        f"No agency has the code {code} at that time, in the file's good rows or the directory; "
                        "correct it or add the agency.",
                    )
                )
        return problems

    def _apply_row(self, row: AgencyRow, batch: _Batch, rows: DirectoryRows) -> bool:
        """Whether all its references could be followed."""
        opened = row.opened if row.opened is not None else self._now
        links = Links(
            parent_id=_follow(batch, row.parent, opened),
            successor_id=_follow(batch, row.successor, row.closed or self._now),
            endpoint_id=self._endpoints.get(row.endpoint or ""),
        )
        found = match_row(row, batch.holders, batch.periods, self._index.ended_before)
        if found:
            change_agency(rows, batch.records[next(iter(found))], row, links, self._now)
        else:
            key = AgencyId(next(self._ids))
            add_agency(rows, key, row, links, self._now)
            for form in row.canonicals:
                holder = Holder(key, row.opened or 0, row.closed)
                batch.holders.setdefault(form, []).append(holder)
                self._fresh.setdefault(form, []).append(holder)
        return _settled(batch, row.parent, opened) and _settled(batch, row.successor, row.closed or self._now)

    async def _batches(self, doing: str, *, whole: bool = False) -> AsyncIterator[_Batch]:
        rows: list[AgencyRow] = []
        done = 0
        for place, item in enumerate(read_rows(self._data)):
            if place % _ROWS_AT_ONCE == 0:
                await asyncio.sleep(0)
            done += item != []
            if not isinstance(item, list) and item.line not in self._index.bad:
                rows.append(item)
            if len(rows) == _ROWS_AT_ONCE:
                yield await self._look_up(rows, whole=whole or doing == "write")
                self._progress(doing, done, self._total)
                rows = []
        if rows:
            yield await self._look_up(rows, whole=whole or doing == "write")
        self._progress(doing, done, self._total)

    async def _look_up(self, rows: list[AgencyRow], *, whole: bool) -> _Batch:
        own = {form for row in rows for form in row.canonicals}
        named = {canonical(code) for row in rows for code in (row.parent, row.successor) if code}
        found = await find_holders(self._readers, own | named)
        holders = {form: list(held) for form, held in found.items()}
        ids = json.dumps(sorted({holder.agency_id for form in own for holder in holders.get(form, ())}))
        records: dict[AgencyId, Record] = {}
        if whole:
            rows_read = await self._readers.fetch("agency_read_by_ids", (ids,))
            records = {record.id: record for record in map(record_of, rows_read)}
            periods = {key: record.period for key, record in records.items()}
        else:
            rows_read = await self._readers.fetch("agency_read_periods", (ids,))
            periods = {AgencyId(key): Period(start, end) for key, start, end in rows_read}
        for form in own | named:
            holders.setdefault(form, []).extend(self._written.fresh.get(form, ()))
        return _Batch(rows=rows, holders=holders, periods=periods, records=records)

    async def _flush(self, event: EventRow | None) -> None:
        waiting, self._written.waiting = self._written.waiting, DirectoryRows()
        self._written.fresh = self._fresh
        self._fresh = {}
        if event is not None or not waiting.empty:
            await self._pump.submit(_WRITE, WriteRows(rows=waiting, event=event))


def _circle(line: int) -> RowProblem:
    return _problem(
        line,
        "parent_organ_id",
        "Cơ quan này nằm trên chính nó qua chuỗi cấp trên; sửa cấp trên.",
        "The agency would be above itself through its parents; correct one of them.",
    )


def _too_many(line: int) -> RowProblem:
    return _problem(
        line,
        "",
        "Quá nhiều lỗi, phần còn lại không xem nữa; sửa các lỗi trên, hoặc chọn đúng tệp, rồi nhập lại.",
        "There are too many problems, and the rest was not looked at; mend those above, or take the right file.",
    )


def _too_deep(line: int) -> RowProblem:
    return _problem(
        line,
        "",
        f"Hơn {_DEEPEST} dòng sai nối tiếp nhau, dòng này trỏ đến dòng kia; chưa xem còn dòng nào khác trỏ "
        "đến chúng không, nên không nhập dòng nào. Sửa các lỗi trên rồi nhập lại.",
        f"More than {_DEEPEST} bad rows refer one to the next; whether further rows refer to them was not looked "
        "at, so that no row is taken in. Mend those above, then import again.",
    )


def _follow(batch: _Batch, code: str | None, at: int) -> AgencyId | None:
    """Who is meant by a reference: the code's holder at the time, else any it ever had."""
    holders = batch.holders.get(canonical(code), []) if code else []
    return holder_at(holders, at) or (holders[-1].agency_id if holders else None)


def _settled(batch: _Batch, code: str | None, at: int) -> bool:
    """Whether a reference leads to the code's holder at the time, so that no later row can change it."""
    return not code or any(holder.period.holds(at) for holder in batch.holders.get(canonical(code), ()))


def _problem(line: int, column: str, vi: str, en: str) -> RowProblem:
    return RowProblem(line=line, column=column, vi=vi, en=en)


def _silent(_doing: str, _done: int, _total: int) -> None:
    """No progress is shown."""
