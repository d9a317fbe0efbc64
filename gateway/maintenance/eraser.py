"""Carries confirmed orders out: destroys bodies wherever the gateway knows of them, and says what is left.

For each order, oldest first:

1. Each document that nothing holds back is purged in the ledger: nobody is given a byte of it from then on.
2. It is written into the list beside the log's mark, so that no restore brings it back.
3. Files go: bodies and copies in other dialects, what was set aside of them, whole uploads that nobody submitted,
   and the bodies in the backup folder. Not those that something else needs, which the order says.
4. What could not be removed stays with the order, is told by metrics and doctor, and is tried again. When nothing
   is left the order is completed.

Killed anywhere, the next run does the rest: each step is done again without harm. At the start, what the list has
and the ledger has not (it was restored from an older copy) is recorded again. Now and then all that was ever
destroyed is looked for: bytes that came back with a repeated request go again, unless a message needs them; what
clerks dropped is freed (`loose`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Protocol

import structlog

from gateway.backup.erasing import erase_from_shelf, older_copies
from gateway.backup.sealed import BackupKey
from gateway.backup.shelf import Shelf
from gateway.clock import instant, micros
from gateway.condition import Condition, Health
from gateway.errors import GatewayError, StorageError
from gateway.failpoints import failpoint
from gateway.foundation import Foundation
from gateway.ledger.purge_answers import is_answered, list_digest
from gateway.ledger.purged import (
    NoteRemainsOperation,
    Purge,
    Purged,
    PurgeOperation,
    Remain,
    Remains,
    Repeat,
    RepeatOperation,
    needers_of,
)
from gateway.ledger.purged_papers import PurgePaper, PurgePaperOperation
from gateway.ledger.purges import EndPurge, EndPurgeOperation
from gateway.maintenance.loose import free_loose
from gateway.observe import Metrics
from gateway.purging.listed import append_list, list_of, read_list
from gateway.purging.rules import lapsing

#: Between two tries at what remains of an order, and two looks at all that was destroyed.
_REST_SECONDS: Final = 600.0
_SWEEP_SECONDS: Final = 3600.0
_AT_ONCE: Final = 500
#: Documents that are destroyed with one commit or a few.
_A_COMMIT: Final = 50
#: Remains of one order that are kept one by one.
_MOST_REMAINS: Final = 200

_log = structlog.get_logger(__name__)
_NOTHING = Condition.fine("nothing is ordered")


class Pieces(Protocol):
    """The resumable uploads."""

    async def erase(self, digests: Collection[str]) -> int:
        """Remove whole ones with these digests that nobody submitted; how many."""
        ...


class Eraser:
    """One per server."""

    name = "eraser"
    every = timedelta(seconds=5)

    def __init__(self, base: Foundation, uploads: Pieces, metrics: Metrics) -> None:
        self._base, self._uploads, self._metrics = base, uploads, metrics
        self._list = list_of(base.settings.log)
        self._purge, self._repeat = PurgeOperation(), RepeatOperation()
        self._note, self._end, self._purge_paper = (
            NoteRemainsOperation(),
            EndPurgeOperation(),
            PurgePaperOperation(),
        )
        self._is_begun = False
        #: Lines of the list that no order and no restore explains.
        self._strange = 0
        self._turn = asyncio.Lock()
        #: Order -> before when it is not tried again; of all that was destroyed likewise.
        self._rest: dict[str, float] = {}
        self._sweep_at = 0.0
        #: How it is.
        self.condition = _NOTHING

    def try_again(self) -> None:
        """At the next run, all that remains and all that was destroyed: a disk may be back."""
        self._rest.clear()
        self._sweep_at = 0.0

    async def run_once(self) -> None:
        """All of it, as far as it is due."""
        async with self._turn:
            try:
                await self._run()
            except GatewayError as error:
                self.condition = Condition(
                    Health.DEGRADED, f"remains: {error}"[:300], f"chưa xóa hết: {error}"[:300]
                )
                raise

    async def _run(self) -> None:
        base = self._base
        if not self._is_begun:
            await self._begin()
        await self._lapse()
        for order, _, with_envelope, _ in await base.readers.fetch("purge_list_confirmed"):
            if self._rest.get(order, 0.0) <= base.clock.monotonic():
                await self._carry_out(order, with_envelope=bool(with_envelope))
        if self._sweep_at <= base.clock.monotonic():
            await self._sweep()
            self._sweep_at = base.clock.monotonic() + _SWEEP_SECONDS
        await self._tell()

    async def _begin(self) -> None:
        """What was destroyed and this ledger does not know."""
        base, count, strange = self._base, 0, 0
        for part in _parts(await asyncio.to_thread(read_list, self._list)):
            found = await base.pump.submit(self._repeat, Repeat(purged=part, now=base.clock.now()))
            count, strange = count + found.documents, strange + found.strange
        if count:
            _log.warning("purge.repeated", documents=count)
        if strange:
            _log.error("purge.list_strange", documents=strange, file=str(self._list))
        self._strange, self._is_begun = strange, True

    async def _lapse(self) -> None:
        base = self._base
        before = lapsing(base.clock.now(), base.settings.retention.confirm_within)
        for (order,) in await base.readers.fetch("purge_list_unconfirmed_before", (micros(before),)):
            await base.pump.submit(
                self._end, EndPurge(id=order, outcome="lapsed", actor="gateway", now=base.clock.now())
            )
            _log.warning("purge.lapsed", order=order)

    async def _carry_out(self, order: str, *, with_envelope: bool) -> None:
        base = self._base
        # 1
        left = await self._purge_all(order)
        # 2
        bodies = await base.readers.fetch("purge_body_list", {"purge": order})
        await self._list_all(order, with_envelope=with_envelope)
        # 3
        digests = sorted({row[1] for row in bodies} - {""})
        left += await self._erase(digests)
        contents = await base.readers.fetch("purge_content_list", (order,))
        await self._uploads.erase({*digests, *(row[0] for row in contents)})
        purged_at = max((instant(row[2]) for row in bodies), default=None)
        left += await self._erase_copies(digests, purged_at if with_envelope else None)
        if with_envelope:
            left += await self._cut(order, left)
        # 4
        now = base.clock.now()
        await base.pump.submit(self._note, Remains(order=order, found=_few(left), now=now))
        if left:
            self._rest[order] = base.clock.monotonic() + _REST_SECONDS
            _log.warning("purge.remains", order=order, places=len(left))
            return
        self._rest.pop(order, None)
        await base.pump.submit(self._end, EndPurge(id=order, outcome="completed", actor="gateway", now=now))
        _log.warning("purge.completed", order=order, bodies=len(digests))

    async def _purge_all(self, order: str) -> list[Remain]:
        """What is held back; all of it where the log does not say that two persons answered for this very list."""
        base, left = self._base, list[Remain]()
        documents = await base.readers.fetch("purge_document_list", (order,))
        papers = await base.readers.fetch("purge_paper_list", (order,))
        due = [(row[0], row[1]) for row in documents if row[3] is None]
        due_papers = [row[0] for row in papers if row[2] is None]
        is_due = bool(due or due_papers)
        leaves = [row[0] for row in await base.readers.fetch("purge_list_answers", (order,))] if is_due else []
        is_over = is_due and bool(await base.readers.fetch("purge_find_cancelled", (order,)))
        named = list_digest(row[0] for row in [*documents, *papers])
        if is_due and (is_over or not is_answered(leaves, named)):
            _log.error("purge.unanswered", order=order, documents=len(due) + len(due_papers))
            return [
                Remain(
                    place="log",
                    sha256="",
                    why="no leaves of two persons answer for this list, or one ended it: gateway fsck",
                )
            ]
        for key in due_papers:
            await base.pump.submit(self._purge_paper, PurgePaper(order=order, entry_id=key, now=base.clock.now()))
        for start in range(0, len(due), _A_COMMIT):
            part, now = due[start : start + _A_COMMIT], base.clock.now()
            asks = [Purge(order=order, message_id=message_id, now=now) for message_id, _ in part]
            failpoint("purge.record.before")
            done = await asyncio.gather(*(base.pump.submit(self._purge, ask) for ask in asks))
            failpoint("purge.record.after")
            left += [
                Remain(place="ledger", sha256=sha256, why=f"{message_id} is held back")
                for (message_id, sha256), is_done in zip(part, done, strict=True)
                if not is_done
            ]
        return left

    async def _cut(self, order: str, left: Sequence[Remain]) -> list[Remain]:
        """The write-ahead log, which else keeps what was blanked until its place is needed."""
        pump, now = self._base.pump, self._base.clock.now()
        pump.cut_log()
        for _ in range(2):  # it is cut after the first commit, which is over when the second one is
            await pump.submit(self._note, Remains(order=order, found=_few(left), now=now))
        if not pump.is_cut_due:
            return []
        return [
            Remain(place="gateway.sqlite-wal", sha256="", why="somebody reads the database: it still holds titles")
        ]

    async def _list_all(self, order: str, *, with_envelope: bool) -> None:
        """Those of the order that are purged; a repeated one stands in the list already."""
        rows = await self._base.readers.fetch("purge_document_list", (order,))
        purged = [
            Purged(message=row[0], sha256=row[1], order=order, at=row[3], envelope=with_envelope)
            for row in rows
            if row[3] is not None
        ]
        purged += [
            Purged(message=row[0], sha256=row[1], order=order, at=row[2], envelope=with_envelope, paper=True)
            for row in await self._base.readers.fetch("purge_paper_list", (order,))
            if row[2] is not None
        ]
        failpoint("purge.list.before")
        await asyncio.to_thread(append_list, self._list, purged)
        failpoint("purge.list.after")

    async def _erase(self, digests: Sequence[str]) -> list[Remain]:
        """From the data folder; what something else needs stays, and so does what cannot be removed."""
        base, left = self._base, list[Remain]()
        for sha256 in digests:
            with base.bodies.claims.alone(sha256) as is_alone:
                if not is_alone:
                    left.append(Remain(place="bodies", sha256=sha256, why="it is being accepted anew"))
                    continue
                # inside: a message that is accepted from now on keeps its body after this one is gone
                needers = (await needers_of(base.readers, [sha256])).get(sha256)
                if needers is not None:
                    continue
                try:
                    failpoint("purge.erase.before")
                    await base.bodies.erase(sha256)
                    failpoint("purge.erase.after")
                except StorageError as error:
                    left.append(Remain(place="bodies", sha256=sha256, why=str(error)[:300]))
        return left

    async def _erase_copies(self, digests: Sequence[str], blanked_at: datetime | None) -> list[Remain]:
        backup = self._base.settings.backup
        if backup.folder is None:
            return []
        needed = await needers_of(self._base.readers, digests)
        gone = [each for each in digests if each not in needed]

        return await asyncio.to_thread(_erased_copies, backup.folder, backup.key, gone, blanked_at)

    async def _sweep(self) -> None:
        """Whatever was destroyed and lies there again, and what clerks dropped."""
        base, after = self._base, ""
        await free_loose(base)
        while rows := await base.readers.fetch("purged_list_page", {"after": after, "limit": _AT_ONCE}):
            after = rows[-1][0]
            # the list may have been left behind on another machine, or taken away: nothing it lacks stays lacking
            purged = [
                Purged(
                    message=row[0],
                    sha256=row[1],
                    order=row[2],
                    at=row[3],
                    envelope=bool(row[4]),
                    paper=bool(row[5]),
                )
                for row in rows
            ]
            await asyncio.to_thread(append_list, self._list, purged)
            back = await asyncio.to_thread(self._present, [row[1] for row in rows if row[1]])
            if back:
                await self._erase(back)

    def _present(self, digests: Sequence[str]) -> list[str]:
        return [each for each in dict.fromkeys(digests) if self._base.bodies.path_of(each).exists()]

    async def _tell(self) -> None:
        readers = self._base.readers
        ((waiting, confirmed),) = await readers.fetch("purge_count_open")
        ((remains,),) = await readers.fetch("purge_remain_count")
        self._metrics.purges_waiting.set(waiting)
        self._metrics.purge_remains.set(remains)
        if self._strange:
            told = f"remains: {self._strange} lines of {self._list.name} are of no order that was ever made here"
            told_vi = f"{self._strange} dòng của {self._list.name} không thuộc lệnh nào từng lập ở đây"
            self.condition = Condition(Health.DEGRADED, told, told_vi)
        elif remains:
            told = f"remains: {remains} places of {confirmed} orders; gateway purge list"
            told_vi = f"còn {remains} chỗ của {confirmed} lệnh; gateway purge list"
            self.condition = Condition(Health.DEGRADED, told, told_vi)
        elif waiting:
            told, told_vi = f"waiting: {waiting} orders for a person", f"{waiting} lệnh chờ người xác nhận"
            self.condition = Condition(Health.WAITING, told, told_vi)
        else:
            self.condition = _NOTHING


def _erased_copies(
    folder: Path, key: Path | None, digests: Sequence[str], blanked_at: datetime | None
) -> list[Remain]:
    try:
        shelf = Shelf(folder, BackupKey.load(key) if key else None)
    except GatewayError as error:
        return [Remain(place=str(folder), sha256="", why=str(error)[:300])]
    left = erase_from_shelf(shelf, digests)
    return left + (older_copies(shelf, blanked_at) if blanked_at and not left else [])


def _parts(purged: list[Purged]) -> Iterator[tuple[Purged, ...]]:
    for start in range(0, len(purged), _AT_ONCE):
        yield tuple(purged[start : start + _AT_ONCE])


def _few(left: Sequence[Remain]) -> tuple[Remain, ...]:
    if len(left) <= _MOST_REMAINS:
        return tuple(left)
    more = Remain(place="…", sha256="", why=f"and {len(left) - _MOST_REMAINS} more")
    return (*left[:_MOST_REMAINS], more)
