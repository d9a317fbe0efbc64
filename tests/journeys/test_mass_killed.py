"""SIGKILL while an act of two persons is carried out: nothing lost, nothing done twice."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

from gateway.admin import mass
from gateway.admin.mass import GiveAnswer
from gateway.config import settings as config
from gateway.eligibility import ActName
from gateway.failpoints import VARIABLE
from gateway.foundation import open_foundation
from tests.backup.lab import query
from tests.journeys.installation import PUSHED, prepare
from tests.journeys.proposal_killed import PORTION, Folder
from tests.journeys.test_mass_acts import FIRST, SECOND, WHY, asking, sent

CANCELLED, FORWARDED = 2 * PORTION + 1, 2
#: Where runs die, one after the other, each where the one before left off: inside a portion, before its commit,
#: after it; then between the forwarding of a document and its mark, and before the last mark.
POINTS = (
    "event.append.after=kill:2",
    "pump.commit.before=kill:2",
    "pump.commit.after=kill:1",
    "delivery.move.after=kill:1",
    "pump.commit.after=kill:2",
    "pump.commit.before=kill:2",
)


def run(folder: Path, armed: str = "") -> int:
    """The duty in a process of its own; how it ended."""
    command = [sys.executable, "-m", "tests.journeys.proposal_killed", str(folder)]
    done = subprocess.run(
        command, env=os.environ | {VARIABLE: armed}, timeout=120, check=False, capture_output=True
    )
    assert done.returncode in {0, -signal.SIGKILL}, done.stderr.decode()
    return done.returncode


def whole(folder: Path) -> int:
    """Marks and deliveries say the same, and no document went twice; how many deliveries have their mark."""
    marked = query(folder, "SELECT delivery_id, result FROM proposal_line WHERE result IS NOT NULL")
    moved = {key for key, result in marked if result == "moved"}
    events = query(folder, "SELECT delivery_id FROM event WHERE kind = 'delivery.withdrawn'")
    assert len(events) == len(set(events))
    cancelled = (
        "SELECT delivery_id FROM proposal_line AS l JOIN proposal AS p ON p.id = l.proposal_id WHERE act = 'cancel'"
    )
    of_cancelling = {row[0] for row in query(folder, cancelled)}
    assert {row[0] for row in events} == moved & of_cancelling
    forwarded = query(folder, f"SELECT message_id FROM delivery WHERE recipient_code = '{PUSHED}'")
    assert len(forwarded) == len(set(forwarded))
    return len(marked)


async def test_killed_anywhere_an_act_of_two_persons_goes_on_where_it_was(tmp_path: Path, pki_folder: Path) -> None:
    """Cancelling in portions, then forwarding one by one: at the end each delivery has what was asked for, once."""
    folder = tmp_path / "site"
    folder.mkdir()
    made = await prepare(folder, pki_folder)
    async with made.running():
        ids = await sent(made, CANCELLED + FORWARDED)
    async with open_foundation(config.load(folder / "config.toml"), purpose="test") as base:
        desk = Folder(foundation=base)
        cancel = asking(ActName.CANCEL, ids[:CANCELLED])
        forward = asking(ActName.FORWARD, ids[CANCELLED:], to=PUSHED)
        for request in (cancel, forward):
            proposed = (await mass.propose(desk, request, FIRST))["proposal"]
            await mass.answer(desk, GiveAnswer(proposal=proposed, answer="consented", reason=WHY), SECOND)
    done = [0]
    for point in POINTS:
        ended = await asyncio.to_thread(run, folder, point)
        assert ended == -signal.SIGKILL, f"{point} was not reached"
        done.append(whole(folder))
    assert done == sorted(done)
    assert await asyncio.to_thread(run, folder) == 0
    assert whole(folder) == CANCELLED + FORWARDED
    assert query(folder, "SELECT COUNT(*) FROM proposal WHERE ended_at IS NULL") == [(0,)]
    stands = "SELECT state, COUNT(*) FROM delivery WHERE recipient_code <> '{PUSHED}' GROUP BY state ORDER BY state"
    assert query(folder, stands.replace("{PUSHED}", PUSHED)) == [
        ("handed_over", FORWARDED),
        ("withdrawn", CANCELLED),
    ]
    there = f"SELECT COUNT(*) FROM delivery WHERE recipient_code = '{PUSHED}'"
    assert query(folder, there) == [(FORWARDED,)]
