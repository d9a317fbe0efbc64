"""The pump: group commit, bad rows, cancellation, failures of the machine, bounds."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.errors import StorageBusyError, StorageClosedError, StorageError
from gateway.storage.driver import choose_driver
from gateway.storage.lock import FolderLock
from gateway.storage.pump import Pump, Transaction
from gateway.storage.sqlite import Writer
from tests.storage.conftest import STATEMENTS, Insert, names, open_writer, running

OperationalError = choose_driver().module.OperationalError


def make_pump(writer: Writer, *, max_waiting: int = 2000, max_batch: int = 256) -> Pump:
    return Pump(
        writer,
        STATEMENTS,
        clock=SystemClock(),
        max_waiting=max_waiting,
        max_batch=max_batch,
        probe_every=timedelta(0),
    )


async def gated(pump: Pump) -> tuple[Insert, asyncio.Task[str]]:
    """An operation whose first payload is inside a batch and waits at its gate."""
    insert = Insert()
    insert.gate = asyncio.Event()
    first = asyncio.create_task(pump.submit(insert, ("first", 1)))
    await insert.entered.wait()
    return insert, first


def open_gate(insert: Insert) -> None:
    assert insert.gate is not None
    insert.gate.set()


async def turn(reached: Callable[[], bool]) -> None:
    """Let the loop turn until the state is reached; the test's own timeout ends a wait in vain."""
    async with asyncio.timeout(60):
        while not reached():  # noqa: ASYNC110 - a state without a signal of its own
            await asyncio.sleep(0)


async def submit_later(pump: Pump, insert: Insert, *payloads: tuple[str, int]) -> list[asyncio.Task[str]]:
    tasks = [asyncio.create_task(pump.submit(insert, payload)) for payload in payloads]
    await turn(lambda: pump.waiting >= len(payloads))
    return tasks


async def test_payloads_waiting_during_a_batch_share_the_next_commit(pump: Pump, writer: Writer) -> None:
    """Group commit: whatever waits while the last commit runs shares the next."""
    insert, first = await gated(pump)
    later = await submit_later(pump, insert, *((f"n{number:02}", number) for number in range(20, 40)))
    open_gate(insert)
    assert await asyncio.gather(first, *later) == ["first", *(f"n{number}" for number in range(20, 40))]
    assert insert.calls == [1, 20]
    assert pump.counters.batches == 2
    assert pump.counters.payloads == 21
    assert sum(pump.counters.commit_seconds) == 2
    assert len(await names(writer)) == 21


async def test_batch_is_bounded_by_max_batch(writer: Writer) -> None:
    """No commit carries more payloads than allowed."""
    async with running(make_pump(writer, max_batch=3)) as pump:
        insert, first = await gated(pump)
        later = await submit_later(pump, insert, *((f"n{number}", number) for number in range(7)))
        open_gate(insert)
        await asyncio.gather(first, *later)
        assert insert.calls == [1, 3, 3, 1]


async def test_operations_run_in_order_of_first_appearance(pump: Pump) -> None:
    """Inside a batch each operation runs once, in the order in which the first of its payloads came."""
    order: list[str] = []

    class Noting(Insert):
        async def apply(self, tx: Transaction, payloads):  # type: ignore[no-untyped-def]
            order.append(self.name)
            return await super().apply(tx, payloads)

    late, early = Noting(), Noting()
    late.name, early.name = "late", "early"
    insert, first = await gated(pump)
    tasks = [
        asyncio.create_task(pump.submit(operation, (name, 1)))
        for operation, name in ((early, "a"), (late, "b"), (early, "c"))
    ]
    open_gate(insert)
    await asyncio.gather(first, *tasks)
    assert order == ["early", "late"]


async def test_bad_row_fails_alone_and_the_rest_of_its_batch_is_written(pump: Pump, writer: Writer) -> None:
    """One row that breaks a constraint cannot sink a batch, and the others still share one commit."""
    insert, first = await gated(pump)
    later = await submit_later(pump, insert, ("a", 1), ("bad", -1), ("b", 2), ("a", 3))
    open_gate(insert)
    results = await asyncio.gather(first, *later, return_exceptions=True)
    assert [result for result in results if isinstance(result, str)] == ["first", "a", "b"]
    assert [type(results[2]), type(results[4])] == [StorageError, StorageError]
    assert await names(writer) == ["a", "b", "first"]
    assert pump.counters.batches == 2
    assert pump.counters.reruns == 1
    assert pump.counters.refused == 2
    assert pump.broken is None


async def test_exception_as_result_fails_only_its_payload(pump: Pump, writer: Writer) -> None:
    """An operation refuses one payload by returning an exception; nothing is run twice."""
    insert = Insert()
    good, refused = await asyncio.gather(
        pump.submit(insert, ("good", 1)), pump.submit(insert, ("bad", 13)), return_exceptions=True
    )
    assert good == "good"
    assert isinstance(refused, LookupError)
    assert insert.calls == [2]
    assert await names(writer) == ["good"]


async def test_operation_that_returns_too_few_results_is_refused(pump: Pump, writer: Writer) -> None:
    """A result that cannot be laid at a payload's door is never handed out, and its write is undone."""

    class Short(Insert):
        async def apply(self, tx: Transaction, payloads):  # type: ignore[no-untyped-def]
            await super().apply(tx, payloads)
            return []

    with pytest.raises(StorageError, match="0 results for 1"):
        await pump.submit(Short(), ("lost", 1))
    assert await names(writer) == []


async def test_returning_statement_gives_its_rows(pump: Pump) -> None:
    """`fetch` runs a writing statement with named parameters and reads what it returns."""

    class Returning(Insert):
        async def apply(self, tx: Transaction, payloads):  # type: ignore[no-untyped-def]
            rows = [await tx.fetch("item_insert_returning", {"name": n, "size": s}) for n, s in payloads]
            return [str(found) for found in rows]

    assert await pump.submit(Returning(), ("x", 5)) == "[('x', 5)]"


async def test_transaction_kept_beyond_its_batch_is_refused(pump: Pump) -> None:
    """Nobody can write through a transaction that has ended."""
    kept: list[Transaction] = []

    class Keeping(Insert):
        async def apply(self, tx: Transaction, payloads):  # type: ignore[no-untyped-def]
            kept.append(tx)
            return await super().apply(tx, payloads)

    await pump.submit(Keeping(), ("x", 1))
    with pytest.raises(StorageClosedError):
        await kept[0].fetch("item_list_all")


async def test_submitter_cancelled_before_its_batch_leaves_no_trace(pump: Pump, writer: Writer) -> None:
    """A payload that no batch has taken goes with its submitter."""
    insert, first = await gated(pump)
    dropped, stays = await submit_later(pump, insert, ("dropped", 1), ("stays", 2))
    dropped.cancel()
    open_gate(insert)
    await asyncio.gather(first, stays)
    assert dropped.cancelled()
    assert await names(writer) == ["first", "stays"]


async def test_submitter_cancelled_inside_its_batch_does_not_stop_the_write(pump: Pump, writer: Writer) -> None:
    """A payload that a batch has taken is written whole, whoever still waits for it."""
    insert, first = await gated(pump)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    open_gate(insert)
    await pump.submit(insert, ("next", 2))
    assert await names(writer) == ["first", "next"]


async def test_cancelled_submitter_of_a_refused_payload_leaves_no_noise(pump: Pump, writer: Writer) -> None:
    """A failure nobody waits for any more is not reported by the event loop as forgotten."""
    insert = Insert()
    insert.gate = asyncio.Event()
    task = asyncio.create_task(pump.submit(insert, ("bad", -1)))
    await insert.entered.wait()
    task.cancel()
    open_gate(insert)
    assert await pump.submit(insert, ("good", 1)) == "good"
    assert await names(writer) == ["good"]


async def test_full_queue_refuses_with_busy(writer: Writer) -> None:
    """The intake is bounded; the caller is told at once."""
    async with running(make_pump(writer, max_waiting=2)) as pump:
        insert, first = await gated(pump)
        waiting = await submit_later(pump, insert, ("a", 1), ("b", 2))
        with pytest.raises(StorageBusyError):
            await pump.submit(insert, ("c", 3))
        open_gate(insert)
        await asyncio.gather(first, *waiting)


async def test_cancelled_submitters_give_their_places_back(writer: Writer) -> None:
    """A queue full of cancelled payloads is not full."""
    async with running(make_pump(writer, max_waiting=1)) as pump:
        insert, first = await gated(pump)
        (gone,) = await submit_later(pump, insert, ("gone", 1))
        gone.cancel()
        await asyncio.wait([gone])
        (kept,) = await submit_later(pump, insert, ("kept", 1))
        open_gate(insert)
        await asyncio.gather(first, kept)


async def test_close_writes_what_waits_and_refuses_what_comes(writer: Writer) -> None:
    """Closing drains: accepted work is finished, new work is refused."""
    pump = make_pump(writer)
    await pump.start()
    insert, first = await gated(pump)
    later = await submit_later(pump, insert, ("a", 1), ("b", 2))
    closing = asyncio.create_task(pump.close())
    await asyncio.sleep(0)
    with pytest.raises(StorageClosedError):
        await pump.submit(insert, ("late", 3))
    open_gate(insert)
    await closing
    await asyncio.gather(first, *later)
    assert await names(writer) == ["a", "b", "first"]


async def test_pump_that_never_started_refuses(writer: Writer) -> None:
    """Nothing waits for ever in a pump without a task."""
    with pytest.raises(StorageClosedError):
        await make_pump(writer).submit(Insert(), ("a", 1))


async def test_stopped_event_loop_task_fails_what_waits(writer: Writer) -> None:
    """A pump killed by its loop tells its submitters instead of leaving them waiting."""
    pump = make_pump(writer)
    await pump.start()
    insert, first = await gated(pump)
    (later,) = await submit_later(pump, insert, ("a", 1))
    (task,) = [each for each in asyncio.all_tasks() if each.get_name() == "pump"]
    task.cancel()
    results = await asyncio.gather(first, later, return_exceptions=True)
    assert [type(result) for result in results] == [StorageClosedError, StorageClosedError]
    await writer.rollback()


async def test_failing_commit_fails_the_whole_batch_and_the_pump_recovers(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody of a batch whose commit failed is told yes; a fresh connection and a probe come before the next."""
    sound_commit = writer.commit
    opened = writer.connection
    failures = iter([True, True])  # the batch, then the first probe

    async def commit() -> None:
        if next(failures, False):
            raise OperationalError("disk I/O error")
        await sound_commit()

    monkeypatch.setattr(writer, "commit", commit)
    async with running(make_pump(writer)) as pump:
        insert, first = await gated(pump)
        later = await submit_later(pump, insert, ("a", 1))
        open_gate(insert)
        results = await asyncio.gather(first, *later, return_exceptions=True)
        assert [type(result) for result in results] == [StorageError, StorageError]
        assert pump.counters.failures == 1
        while pump.broken is not None:
            with pytest.raises(StorageError):
                await pump.submit(insert, ("refused", 1))
            await asyncio.sleep(0)
        assert writer.connection is not opened
        assert await pump.submit(insert, ("after", 1)) == "after"
        assert await names(writer) == ["after"]


async def test_commit_on_a_disk_that_takes_nothing_more_is_not_believed(
    pump: Pump, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite said yes, but the folder's file system refuses even a write of nothing: nobody is told yes."""

    def given_up(_: FolderLock) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(FolderLock, "refuse_if_given_up", given_up)
    with pytest.raises(StorageError, match="Read-only file system"):
        await pump.submit(Insert(), ("a", 1))
    monkeypatch.undo()
    await turn(lambda: pump.broken is None)
    assert await pump.submit(Insert(), ("b", 1)) == "b"


async def test_full_disk_inside_a_batch_fails_all_and_is_not_run_again(pump: Pump, writer: Writer) -> None:
    """SQLITE_FULL is the machine's failure, not a bad row: nothing is retried on that connection."""
    pages = (await writer.fetch("PRAGMA page_count"))[0][0]
    await writer.fetch(f"PRAGMA max_page_count = {pages}")
    insert = Insert()
    results = await asyncio.gather(
        *(pump.submit(insert, (f"{number}" * 3000, number)) for number in range(3)), return_exceptions=True
    )
    assert {type(result) for result in results} == {StorageError}
    assert insert.calls == [3]
    assert pump.counters.reruns == 0
    await turn(lambda: pump.broken is None)  # reopening lifts the limit, so the probe succeeds
    assert await pump.submit(insert, ("after", 1)) == "after"
    assert await names(writer) == ["after"]


async def test_on_commit_is_called_once_per_batch(writer: Writer) -> None:
    """Whoever waits for new work hears of each commit, after it."""
    heard = asyncio.Event()
    pump = Pump(writer, STATEMENTS, clock=SystemClock(), on_commit=heard.set)
    async with running(pump):
        await pump.submit(Insert(), ("a", 1))
        await heard.wait()


async def test_idle_pump_checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the WAL holds is copied into the database when nothing is to be done."""
    checkpoints: list[bool] = []

    async with open_writer(tmp_path) as writer:
        sound_checkpoint = writer.checkpoint_if_due

        async def noting(*, idle: bool = False) -> bool:
            done = await sound_checkpoint(idle=idle)
            if idle:
                checkpoints.append(done)
            return done

        monkeypatch.setattr(writer, "checkpoint_if_due", noting)
        pump = Pump(writer, STATEMENTS, clock=SystemClock(), idle_after=timedelta(0))
        async with running(pump):
            await pump.submit(Insert(), ("a", 1))
            await turn(lambda: checkpoints == [True])


async def test_checkpoint_that_fails_while_nothing_is_to_be_done_is_recovered_from(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody who submits wakes a broken pump, so it must look by itself."""
    pump = Pump(
        writer, STATEMENTS, clock=SystemClock(), idle_after=timedelta(0), probe_every=timedelta(milliseconds=1)
    )
    failures = iter([True, True, True])
    real = writer.reopen

    async def fails(*, idle: bool = False) -> bool:
        raise OperationalError("disk I/O error")

    async def fails_at_first() -> None:
        if next(failures, False):
            raise OperationalError("disk I/O error")
        await real()

    monkeypatch.setattr(writer, "checkpoint_if_due", fails)
    monkeypatch.setattr(writer, "reopen", fails_at_first)
    async with running(pump):
        await turn(lambda: pump.counters.failures > 0 and pump.broken is None)
        monkeypatch.undo()
        assert await pump.submit(Insert(), ("after", 1)) == "after"
