"""The one task that writes: group commit.

Whatever is submitted while a commit runs waits, and shares the next one: no artificial delay, the last sync
is the batching window. A batch goes like this:

1. Take up to `max_batch` waiting payloads: no more, since on SQLite the statements hold the event loop.
2. BEGIN IMMEDIATE; per operation, in order of first appearance, one `apply` with all its payloads; COMMIT.
3. If an `apply` raised: ROLLBACK, and once more with each payload alone behind a savepoint, so that one bad
   row fails alone and the others still share one commit.
4. Resolve the futures, then call `on_commit`.

Guarantees: `submit` returns only after the commit is synced. A cancelled submitter either never had its
payload taken (it is dropped) or the write runs to its end; nothing is applied by half. A failed commit, or a
disk error inside a batch, fails every payload of the batch with StorageError and marks the pump `broken`:
the connection is reopened and a probe transaction must succeed before anything else is tried, because a
second sync after a failed one may lie. While broken, `submit` raises StorageError at once.

It does NOT judge payloads: validate before submitting. `apply` may run twice for one payload (only the last
run counts), so it holds no effect outside its transaction. Constraints must be immediate: a deferred one
fails at COMMIT, where it can no longer be laid at one payload's door.
"""

from __future__ import annotations

import asyncio
import contextlib
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol, TypeVar

from gateway.clock import Clock
from gateway.errors import StorageBusyError, StorageClosedError, StorageError
from gateway.failpoints import failpoint
from gateway.storage.driver import is_damage, is_engine_failure, translate, words_of
from gateway.storage.sqlite import ENGINE, Writer
from gateway.storage.statements import Statements

#: Upper bounds in seconds of the commit histogram; the last bucket takes what is longer.
COMMIT_BOUNDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

P = TypeVar("P")
R = TypeVar("R")
P_contra = TypeVar("P_contra", contravariant=True)
R_co = TypeVar("R_co", covariant=True)


class Transaction:
    """What an operation gets: named statements inside the pump's transaction, and only until it ends."""

    def __init__(self, writer: Writer, statements: Statements) -> None:
        self._writer = writer
        self._statements = statements
        self._open = True

    async def execute_many(self, name: str, rows: Sequence[Sequence[object]]) -> None:
        """Run the statement once per row."""
        if rows:
            await self._live().execute_many(self._statements.get(name), rows)

    async def fetch(self, name: str, params: Sequence[object] | Mapping[str, object] = ()) -> list[tuple[Any, ...]]:
        """All rows of a SELECT or of a `... RETURNING`."""
        return await self._live().fetch(self._statements.get(name), params)

    def end(self) -> None:
        """From now on every call is refused."""
        self._open = False

    def _live(self) -> Writer:
        if not self._open:
            raise StorageClosedError("The transaction has ended.")
        return self._writer


class Operation(Protocol[P_contra, R_co]):
    """A kind of write, set-based: one instance, made once, takes the payloads of many callers."""

    name: str

    async def apply(self, tx: Transaction, payloads: Sequence[P_contra]) -> Sequence[R_co | Exception]:
        """One result per payload, in order; an Exception instance fails only its payload."""
        ...


@dataclass(kw_only=True, slots=True)
class PumpCounters:
    """Plain numbers since start, for the metrics."""

    #: Batches committed.
    batches: int = 0
    #: Payloads in them.
    payloads: int = 0
    #: Payloads that failed alone.
    refused: int = 0
    #: Batches that ran a second time, payload by payload.
    reruns: int = 0
    #: Batches lost to the machine.
    failures: int = 0
    #: Of them, those that came by a damaged page of the database.
    damaged: int = 0
    #: Commits by duration, one count per bound of COMMIT_BOUNDS and one for the rest.
    commit_seconds: list[int] = field(default_factory=lambda: [0] * (len(COMMIT_BOUNDS) + 1))

    def committed(self, payloads: int, seconds: float) -> None:
        """Count one commit."""
        self.batches += 1
        self.payloads += payloads
        self.commit_seconds[bisect_left(COMMIT_BOUNDS, seconds)] += 1


@dataclass(eq=False, kw_only=True, slots=True)
class _Intent:
    operation: Operation[Any, Any]
    payload: Any
    future: asyncio.Future[Any]


#: What each payload of a batch came to: a result, or the exception its submitter gets.
_Outcomes = list[tuple[_Intent, Any]]


class Pump:
    """Takes payloads from many tasks and writes them in batches."""

    def __init__(
        self,
        connection: Writer,
        statements: Statements,
        *,
        clock: Clock,
        max_waiting: int = 2000,
        max_batch: int = 64,
        on_commit: Callable[[], None] | None = None,
        idle_after: timedelta = timedelta(seconds=1),
        probe_every: timedelta = timedelta(seconds=1),
    ) -> None:
        self._writer = connection
        self._statements = statements
        self._clock = clock
        self._max_waiting = max_waiting
        self._max_batch = max_batch
        self._on_commit = on_commit
        self._idle_after = idle_after.total_seconds()
        self._probe_every = probe_every.total_seconds()
        self._waiting: deque[_Intent] = deque()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        #: Why nothing can be written at present; None when all is well.
        self.broken: str | None = None
        self.counters = PumpCounters()

    @property
    def waiting(self) -> int:
        """Payloads no batch has taken yet."""
        return len(self._waiting)

    @property
    def is_cut_due(self) -> bool:
        """Whether `cut_log` has not come to its end yet."""
        return self._writer.is_cut_due

    def cut_log(self) -> None:
        """After the next commit, leave nothing of what was overwritten in the WAL; tried again until it is done."""
        self._writer.is_cut_due = True

    async def start(self) -> None:
        """Begin to write."""
        self._task = asyncio.create_task(self._run(), name="pump")

    async def submit(self, operation: Operation[P, R], payload: P) -> R:
        """The payload's result, once it is synced.

        Raises StorageBusyError (queue full), StorageClosedError, StorageError (the machine or the database
        refused it) or what `apply` raised for this payload.
        """
        if self._closing or self._task is None or self._task.done():
            raise StorageClosedError
        if self.broken is not None:
            raise StorageError(self.broken)
        if len(self._waiting) >= self._max_waiting:
            raise StorageBusyError(waiting=len(self._waiting))
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        intent = _Intent(operation=operation, payload=payload, future=future)
        self._waiting.append(intent)
        self._wake.set()
        try:
            return await future
        except asyncio.CancelledError:
            # not in the queue: a batch has taken it and carries it to its end without us
            with contextlib.suppress(ValueError):
                self._waiting.remove(intent)
            raise

    async def close(self) -> None:
        """Take nothing more, write what waits, stop. The connection stays open for its owner to close."""
        self._closing = True
        self._wake.set()
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        try:
            while await self._work_is_there():
                if self.broken is not None and not await self._recovered():
                    continue
                # one turn for the tasks that the last batch has woken: they submit into this batch
                await asyncio.sleep(0)
                await self._write_batch(self._take())
        finally:
            self._fail(self._drain(), StorageClosedError())

    async def _work_is_there(self) -> bool:
        """Wait for something to do; False when closing and nothing is left."""
        while not self._waiting:
            if self._closing:
                return False
            self._wake.clear()
            try:
                async with asyncio.timeout(self._probe_every if self.broken else self._idle_after):
                    await self._wake.wait()
            except TimeoutError:
                if self.broken is not None:
                    return True
                await self._guarded(self._writer.checkpoint_if_due(idle=True))
                if self.broken is None:  # else nobody wakes us: who submits is refused at once
                    await self._wake.wait()
        return True

    def _take(self) -> list[_Intent]:
        batch: list[_Intent] = []
        while self._waiting and len(batch) < self._max_batch:
            intent = self._waiting.popleft()
            if not intent.future.cancelled():  # cancelled in this very turn of the loop
                batch.append(intent)
        return batch

    def _drain(self) -> list[_Intent]:
        drained = list(self._waiting)
        self._waiting.clear()
        return drained

    async def _write_batch(self, batch: list[_Intent]) -> None:
        if not batch:
            return
        try:
            outcomes = await self._transact(batch)
        except Exception as error:  # noqa: BLE001 - the task boundary: no batch may stop the pump
            await self._give_up(batch, error)
            return
        except BaseException:
            self._fail(batch, StorageClosedError("The pump was stopped inside a batch."))
            raise
        for intent, outcome in outcomes:
            self.counters.refused += isinstance(outcome, Exception)
            _resolve(intent, outcome)
        if self._on_commit is not None:
            asyncio.get_running_loop().call_soon(self._on_commit)  # its errors are the loop's, not ours
        await self._guarded(self._writer.checkpoint_if_due())

    async def _transact(self, batch: list[_Intent]) -> _Outcomes:
        """Steps 2 and 3; raises only for what concerns the whole batch."""
        await self._writer.begin()
        tx = Transaction(self._writer, self._statements)
        try:
            try:
                outcomes = await self._apply_together(tx, batch)
            except Exception as error:
                if is_engine_failure(error):
                    raise
                await self._writer.rollback()
                await self._writer.begin()
                self.counters.reruns += 1
                outcomes = await self._apply_alone(tx, batch)
        finally:
            tx.end()
        started = self._clock.monotonic()
        failpoint("pump.commit.before")
        await self._writer.commit()
        failpoint("pump.commit.after")
        self.counters.committed(len(batch), self._clock.monotonic() - started)
        return outcomes

    async def _apply_together(self, tx: Transaction, batch: list[_Intent]) -> _Outcomes:
        groups: dict[int, list[_Intent]] = {}
        for intent in batch:
            groups.setdefault(id(intent.operation), []).append(intent)
        outcomes: _Outcomes = []
        for intents in groups.values():
            outcomes += await _apply(tx, intents)
        return outcomes

    async def _apply_alone(self, tx: Transaction, batch: list[_Intent]) -> _Outcomes:
        outcomes: _Outcomes = []
        for intent in batch:
            await self._writer.fetch(ENGINE.get("savepoint_open_payload"))
            try:
                outcomes += await _apply(tx, [intent])
            except Exception as error:
                if is_engine_failure(error):
                    raise
                outcomes.append((intent, translate(error)))
                await self._writer.fetch(ENGINE.get("savepoint_undo_payload"))
            await self._writer.fetch(ENGINE.get("savepoint_keep_payload"))
        return outcomes

    async def _give_up(self, batch: list[_Intent], error: Exception) -> None:
        """The machine failed: nobody in the batch was written, nobody else is until a probe succeeds."""
        self.counters.failures += 1
        self.counters.damaged += is_damage(error)
        self.broken = words_of(error)
        for intent in batch:
            failure = StorageError(f"The batch was not written: {self.broken}")
            failure.__cause__ = error
            _resolve(intent, failure)
        await self._recovered()

    async def _recovered(self) -> bool:
        """Reopen and probe; while that fails, everything that waits fails too."""
        try:
            await self._writer.reopen()
            await self._writer.probe()
        except Exception as error:  # noqa: BLE001 - the task boundary: tried again at the next turn
            self.broken = words_of(error)
            self._fail(self._drain(), StorageError(self.broken))
            return False
        self.broken = None
        return True

    async def _guarded(self, checkpoint: Any) -> None:
        """A checkpoint that fails loses nothing: the WAL still holds it, but the connection is suspect."""
        try:
            await checkpoint
        except Exception as error:  # noqa: BLE001 - the task boundary
            await self._give_up([], error)

    def _fail(self, intents: list[_Intent], error: StorageError) -> None:
        for intent in intents:
            _resolve(intent, type(error)(str(error)))


async def _apply(tx: Transaction, intents: list[_Intent]) -> _Outcomes:
    operation = intents[0].operation
    results = await operation.apply(tx, [intent.payload for intent in intents])
    if len(results) != len(intents):
        raise StorageError(f"{operation.name} gave {len(results)} results for {len(intents)} payloads")
    return list(zip(intents, results, strict=True))


def _resolve(intent: _Intent, outcome: Any) -> None:
    if intent.future.done():  # its submitter was cancelled
        return
    if isinstance(outcome, Exception):
        intent.future.set_exception(outcome)
    else:
        intent.future.set_result(outcome)
