"""Registers of days: what is in them, when they are closed, that nothing gets into a closed one. Real SQLite."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import VIETNAM, micros
from gateway.errors import LogRaceError, ProofError
from gateway.evidence.registering import Window, worked_out
from gateway.evidence.sequencer import Sequencer
from gateway.ledger.readdress import Readdress, ReaddressOperation
from gateway.ledger.registers import Book, CloseDay, CloseDayOperation, RegisterReads
from gateway.maintenance.registrar import MARGIN, Registrar
from gateway.observe import Metrics
from gateway.transparency.commitment import Opening, bits_of, commitment, is_of, opening, position_of, salts_of
from gateway.transparency.merkle import leaf_hash
from gateway.transparency.registers import Closing, Line, Register, entries_of, number_text
from tests.ledger.lab import DAY, HOUR, MINUTE, START, Lab, message, open_lab
from tests.transparency.closing import Clock
from tests.transparency.growing import root_by_the_book

SEED = bytes(range(32))
FIRST = date(2026, 11, 22)
#: Midnight in Vietnam at the end of it.
MIDNIGHT = datetime(2026, 11, 23, tzinfo=VIETNAM).astimezone(UTC)


@pytest.fixture
async def lab(tmp_path: Path) -> AsyncIterator[Lab]:
    async with open_lab(tmp_path) as opened:
        yield opened


async def send(
    lab: Lab,
    *recipients: str,
    at: datetime,
    number: str = "1",
    sender: str = "sender",
    kind: Literal["document", "status"] = "document",
) -> str:
    item = message(*recipients, at=at, kind=kind)
    row = replace(item.message, code_number=number, sender_id=sender)
    await lab.record(replace(item, message=row))
    return row.id


async def grown(lab: Lab) -> None:
    await Sequencer(lab.readers, lab.pump).catch_up()


def duty(lab: Lab, clock: Clock) -> Registrar:
    return Registrar(lab.readers, lab.pump, clock=clock, metrics=Metrics())


async def closed(lab: Lab) -> dict[str, Closing]:
    """Day -> what its event says."""
    found = await RegisterReads(lab.readers).days(date(2000, 1, 1), date(2100, 1, 1))
    told = [Closing.parse(json.loads(leaf)["facts"]) for _, leaf in found]
    assert all(told)
    return {each.day: each for each in told if each is not None}


async def entries(lab: Lab, day: date) -> dict[str, int]:
    """Agency -> entries."""
    return {book.agency: len(book.leaves) for book in await RegisterReads(lab.readers).books(day)}


@given(st.text(max_size=20), st.text(max_size=20), st.binary(min_size=32, max_size=32))
def test_one_bit_tells_two_values_apart_and_no_bit_can_be_invented(a: str, b: str, seed: bytes) -> None:
    """Whatever the values are; equal ones cannot be told apart."""
    bits, others, salts = bits_of("number", a), bits_of("number", b), salts_of(seed, "number", 7)
    root = commitment(bits, salts)
    assert is_of(root, "number", a, salts)
    assert is_of(root, "number", b, salts) == (a == b)
    position = position_of(bits, others, salts)
    assert (position is None) == (a == b)
    if position is None:
        return
    shown = opening(bits, salts, position)
    shown.verify(root)
    assert shown.tells_apart(others)
    assert not shown.tells_apart(bits)
    for wrong in (
        replace(shown, bit=1 - shown.bit),
        replace(shown, position=(position + 1) % 64),
        replace(shown, salt=bytes(16)),
        replace(shown, path=shown.path[1:]),
        replace(shown, bit=2),
        Opening(64, 0, bytes(16), ()),
    ):
        with pytest.raises(ProofError):
            wrong.verify(root)


def test_numbers_are_compared_as_people_write_them() -> None:
    """Case, white space, leading zeros and composed letters do not make another number; anything else does."""
    assert number_text("012", "UBND-VP") == number_text("12", " ubnd-vp ") == "12/ubnd-vp"
    assert number_text("12", "QĐ-UBND") == number_text("12", "QĐ-UBND".lower())
    assert number_text("0", "VB") == "0/vb"
    assert number_text("", "VB") == "/vb"
    assert len({number_text(*each) for each in (("12", "A"), ("1", "2A"), ("12", "A1"), ("12A", ""))}) == 4


def test_register_is_the_tree_by_the_book() -> None:
    """Entry, register and day as the page says; equal documents have entries that do not look alike."""
    lines = [Line(4, "1/vb", "a"), Line(4, "1/vb", "b"), Line(9, "1/vb", "a")]
    made = list(entries_of(SEED, lines))
    digests = [leaf_hash(each.leaf.to_bytes(8, "big") + each.number + each.recipient) for each in made]
    register = Register.of([each.leaf for each in made], digests)
    assert register == Register(documents=2, entries=3, first=4, last=9, root=root_by_the_book(digests))
    assert made[0].number == made[1].number != made[2].number
    assert len({each.recipient for each in made}) == 3


async def test_day_is_closed_once_after_its_midnight(lab: Lab) -> None:
    """Its documents by sender, those added later too; statuses and what came after midnight are not in it."""
    clock = Clock(START)
    registrar = duty(lab, clock)
    first = await send(lab, "a1", "a2", at=START)
    await send(lab, "a1", at=START + MINUTE, sender="b1", number="2")
    await lab.record(message("a1", at=START + MINUTE, kind="status"))
    more = message("a3", name=first, at=START + HOUR)
    ask = Readdress(message_id=first, dispatches=more.dispatches, deliveries=more.deliveries,
                    usage=("sender", "2026-11-22", 1), actor="agency:sender", now=START + HOUR)  # fmt: skip
    await lab.pump.submit(ReaddressOperation(), ask)
    await send(lab, "a2", at=MIDNIGHT + MINUTE, number="3")
    await grown(lab)
    clock.go(MIDNIGHT + MARGIN - timedelta(seconds=1) - START)
    await registrar.run_once()
    assert await closed(lab) == {}
    clock.go(timedelta(seconds=1))
    await registrar.run_once()
    await registrar.run_once()
    assert await entries(lab, FIRST) == {"sender": 3, "b1": 1}
    (told,) = (await closed(lab)).values()
    assert (told.day, told.registers, told.documents, told.entries, told.late) == ("2026-11-22", 2, 3, 4, 0)
    assert (told.after, told.until) == (0, await leaves(lab) - 1)
    clock.go(DAY)
    await grown(lab)
    await registrar.run_once()
    assert await entries(lab, FIRST + DAY) == {"sender": 1}
    assert (await closed(lab))["2026-11-23"].after == told.until


async def leaves(lab: Lab) -> int:
    return int((await lab.rows("SELECT MAX(seq) FROM event"))[0][0])


async def test_day_waits_for_its_acceptances_to_be_leaves(lab: Lab) -> None:
    """What is accepted and not sequenced keeps it open."""
    clock = Clock(START)
    registrar = duty(lab, clock)
    await send(lab, "a1", at=START)
    clock.go(DAY)
    await registrar.run_once()
    assert await closed(lab) == {}
    assert "no leaves yet" in registrar.condition.words
    await grown(lab)
    await registrar.run_once()
    assert await entries(lab, FIRST) == {"sender": 1}


async def test_what_comes_late_is_of_the_open_day_whatever_the_clock_says(lab: Lab) -> None:
    """A clock that goes back after the closing, and one that was years ahead for a moment."""
    clock = Clock(START)
    registrar = duty(lab, clock)
    await send(lab, "a1", at=START)
    await send(lab, "a1", at=START + 900 * DAY)
    clock.go(DAY)
    await grown(lab)
    await registrar.run_once()
    before = (await lab.rows("SELECT day, entries FROM register"), await closed(lab))
    assert await entries(lab, FIRST) == {"sender": 1}
    await send(lab, "a1", at=START + MINUTE)
    clock.go(DAY)
    await grown(lab)
    await registrar.run_once()
    assert await entries(lab, FIRST + DAY) == {"sender": 2}
    told = await closed(lab)
    assert told["2026-11-23"].late == 1
    assert told["2026-11-22"] == before[1]["2026-11-22"]
    assert (await lab.rows("SELECT day, entries FROM register WHERE day = '2026-11-22'")) == before[0]


async def test_week_without_a_server_is_closed_afterwards_each_day_once(lab: Lab) -> None:
    """Once the clock has gone evenly for an hour; what came after the start is of its own day."""
    await send(lab, "a1", at=START)
    await send(lab, "a1", at=START + DAY)
    clock = Clock(START + 8 * DAY)
    registrar = duty(lab, clock)
    await send(lab, "a1", at=clock.now())
    await grown(lab)
    await registrar.run_once()
    assert await closed(lab) == {}
    assert "watched" in registrar.condition.words
    clock.go(HOUR)
    clock.at += 3 * DAY  # a jump: it is watched anew, and is back before it is believed
    await registrar.run_once()
    clock.at -= 3 * DAY
    await registrar.run_once()
    assert await closed(lab) == {}
    clock.go(HOUR)
    await registrar.run_once()
    told = await closed(lab)
    assert list(told) == [str(FIRST + number * DAY) for number in range(8)]
    assert [each.entries for each in told.values()] == [1, 1, 0, 0, 0, 0, 0, 0]
    clock.go(DAY)
    await grown(lab)
    await registrar.run_once()
    assert (await closed(lab))["2026-11-30"].entries == 1


async def test_state_and_metric_tell_how_far_it_is_from_the_first_event_on(lab: Lab) -> None:
    """An acceptance that is no leaf keeps the first day open: waiting, late twelve hours after its end."""
    clock, metrics = Clock(START), Metrics()
    registrar = Registrar(lab.readers, lab.pump, clock=clock, metrics=metrics)

    async def until() -> float | None:
        await registrar.run_once()
        return metrics.registry.get_sample_value("gateway_registers_until_timestamp_seconds")

    await send(lab, "a1", at=START)
    assert await until() == (MIDNIGHT - DAY).timestamp()
    clock.go(MIDNIGHT + HOUR - START)
    assert await until() == (MIDNIGHT - DAY).timestamp()
    assert registrar.condition.words.startswith("waiting: none closed yet: ")
    clock.go(12 * HOUR)
    await until()
    assert registrar.condition.words.startswith("late: none closed yet: ")
    await grown(lab)
    assert await until() == MIDNIGHT.timestamp()
    assert registrar.condition.words == "closed until 2026-11-22"


async def test_two_that_close_the_same_day_close_it_once(lab: Lab) -> None:
    """Also a day that lies before a closed one is refused, and closed days cannot be changed."""
    clock = Clock(START)
    registrar = duty(lab, clock)
    await send(lab, "a1", at=START)
    await grown(lab)
    clock.go(DAY)
    await registrar.run_once()
    (told,) = (await closed(lab)).values()
    for day, before in (("2026-11-22", None), ("2026-11-22", FIRST), ("2026-11-21", FIRST), ("2026-11-23", None)):
        again = CloseDay(closing=replace(told, day=day), until_seq=1, seed=SEED, books=[], before=before, now=START)
        with pytest.raises(LogRaceError):
            await lab.pump.submit(CloseDayOperation(), again)
    assert list(await closed(lab)) == ["2026-11-22"]
    for statement in ("UPDATE register SET entries = zeroblob(40)", "DELETE FROM register_day"):
        with pytest.raises(Exception, match="append-only"):
            await lab.writer.fetch(statement)


@pytest.mark.parametrize(("point", "left"), [("before", 1), ("after", 2)])
async def test_kill_in_the_middle_leaves_a_day_closed_or_not(tmp_path: Path, point: str, left: int) -> None:
    """The second of four days, at its commit; the next run closes what is missing, each day once."""
    async with open_lab(tmp_path) as lab:
        for number in range(4):
            await send(lab, "a1", at=START + number * DAY)
        await grown(lab)
    command = [sys.executable, "-m", "tests.transparency.closing", str(tmp_path), (START + 4 * DAY).isoformat()]
    killed = {"GATEWAY_FAILPOINTS": f"pump.commit.{point}=kill:2"}
    done = await asyncio.to_thread(subprocess.run, command, env=os.environ | killed, check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert len(events_of(tmp_path)) == left
    await asyncio.to_thread(subprocess.run, command, check=True, timeout=60)
    told = [Closing.parse(json.loads(leaf)["facts"]) for leaf in events_of(tmp_path)]
    days = [f"2026-11-{day}" for day in (22, 23, 24, 25)]
    assert [(each.day, each.entries) for each in told if each] == [(day, 1) for day in days]


def events_of(folder: Path) -> list[bytes]:
    with closing(sqlite3.connect(folder / "gateway.sqlite")) as connection:
        rows = connection.execute("SELECT leaf FROM event WHERE kind = 'register.closed' ORDER BY seq")
        return [row[0] for row in rows]


async def test_portions_of_a_large_day_make_the_register_of_all_of_it(lab: Lab) -> None:
    """More events than are read at a time, with statuses between them."""
    sending = []
    for number in range(230):
        sending.append(send(lab, "a1", at=START + number * timedelta(seconds=1), number=str(number)))
        sending.append(send(lab, "a1", at=START, kind="status"))
    await asyncio.gather(*sending)
    await grown(lab)
    ((until,),) = await lab.rows("SELECT MAX(seq) FROM event")
    window = Window(day=FIRST, before=0, since=0, until=until)
    worked = await worked_out(RegisterReads(lab.readers), window, SEED)
    (book,) = worked.books
    numbers = [f"{number}/vb" for number in range(230)]
    lines = [Line(leaf, number, "a1") for leaf, number in zip(book.leaves, numbers, strict=True)]
    assert list(book.digests) == [each.digest for each in entries_of(SEED, lines)]
    assert Book.parse("sender", book.packed()) == book
    assert micros(START) < micros(MIDNIGHT)
