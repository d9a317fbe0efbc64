"""The simulators' journals: durable, deduping, and readable after a crash."""

from __future__ import annotations

import asyncio
from pathlib import Path

from gateway.simulate.journal import Accepted, Journal, Received, Sent, read_journal


def arrival(delivery: str = "d1", *, attempt: int = 1) -> Received:
    """One delivery as a receiver notes it."""
    return Received(
        delivery=delivery,
        recipient="000.01.21.H33",
        dispatch="x1",
        message="m1",
        kind="document",
        sha256="0" * 64,
        attempt=attempt,
        document_id="000.00.00.H33,2018/11/05,1/UBND-VP",
        first=True,
    )


async def test_second_arrival_of_a_delivery_is_noted_as_a_repetition(tmp_path: Path) -> None:
    """Dedupe is on the delivery id, and the repetition stays visible."""
    journal = Journal(tmp_path / "j.jsonl")
    assert await journal.receive(arrival())
    assert not await journal.receive(arrival(attempt=2))
    await journal.close()
    records = read_journal(tmp_path / "j.jsonl")
    assert [(record.first, record.attempt) for record in records if isinstance(record, Received)] == [
        (True, 1),
        (False, 2),
    ]


async def test_concurrent_arrivals_of_one_delivery_are_handed_over_once(tmp_path: Path) -> None:
    """Two retries that overlap cannot both be the first."""
    journal = Journal(tmp_path / "j.jsonl")
    answers = await asyncio.gather(*(journal.receive(arrival(attempt=n)) for n in range(20)))
    await journal.close()
    assert answers.count(True) == 1
    assert len(read_journal(tmp_path / "j.jsonl")) == 20


async def test_reopened_journal_remembers_what_it_has_seen(tmp_path: Path) -> None:
    """The dedupe set is rebuilt from the file."""
    journal = Journal(tmp_path / "j.jsonl")
    await journal.receive(arrival())
    await journal.close()
    again = Journal(tmp_path / "j.jsonl")
    assert not await again.receive(arrival())
    await again.close()


async def test_line_cut_off_by_a_crash_is_dropped_and_overwritten(tmp_path: Path) -> None:
    """A torn last line was never acknowledged, so it does not count."""
    path = tmp_path / "j.jsonl"
    journal = Journal(path)
    await journal.receive(arrival())
    await journal.close()
    whole = path.read_bytes()
    path.write_bytes(whole + whole[: len(whole) // 2])
    again = Journal(path)
    assert await again.receive(arrival("d2"))
    await again.close()
    assert [record.delivery for record in read_journal(path) if isinstance(record, Received)] == ["d1", "d2"]


async def test_submission_keeps_every_line_of_its_202(tmp_path: Path) -> None:
    """What a sender was promised can be checked later."""
    sent = Sent(
        key="circular",
        idempotency_key="circular",
        kind="document",
        path="/documents",
        http_status=202,
        tries=3,
        message="m1",
        sha256="0" * 64,
        deliveries=(Accepted("d1", "a"), Accepted("d2", "b")),
    )
    journal = Journal(tmp_path / "j.jsonl")
    await journal.send(sent)
    await journal.close()
    assert read_journal(tmp_path / "j.jsonl") == [sent]


def test_journal_of_a_system_that_never_ran_is_empty(tmp_path: Path) -> None:
    """The comparison may ask for every system."""
    assert read_journal(tmp_path / "none.jsonl") == []
