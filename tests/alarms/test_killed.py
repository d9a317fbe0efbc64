"""SIGKILL while an alarm is opened and told: none is lost, none is open twice."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gateway.config import settings as config
from gateway.failpoints import VARIABLE
from gateway.foundation import database_of
from gateway.storage.sqlite import connect_lookup
from tests.alarms.victim import ADDRESSES
from tests.forking import run_forked
from tests.journeys.installation import prepare

#: Inside and after the look that opens, before a mail is handed over, and before that is settled.
POINTS = (
    "event.append.after=kill:1",
    "pump.commit.after=kill:2",
    "pump.commit.after=kill:3",
    "pump.commit.before=kill:4",
)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, pki_folder: Path) -> Path:
    """A data folder that no server has open."""
    folder = tmp_path_factory.mktemp("filled")
    asyncio.run(prepare(folder, pki_folder))
    return folder


def run(folder: Path, armed: str = "") -> tuple[int, list[str]]:
    """The victim in a process of its own: how it ended, and what it said."""
    code, said = run_forked("tests.alarms.victim", str(folder), environment=os.environ | {VARIABLE: armed})
    assert code in {0, -signal.SIGKILL}, said
    return code, said.splitlines()


def rows(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    """What the tables hold."""
    with closing(connect_lookup(database_of(config.load(folder / "config.toml")))) as connection:
        return list(connection.execute(sql).fetchall())


def whole(folder: Path) -> int:
    """Each alarm has its event, and a row for everybody who is to be told; how many there are."""
    alarms = rows(folder, "SELECT id, rule, subject FROM alarm WHERE closed_at IS NULL")
    assert len({each[1:] for each in alarms}) == len(alarms)
    recorded = rows(folder, "SELECT leaf ->> '$.facts.alarm' FROM event WHERE kind = 'alarm.opened'")
    assert sorted(each[0] for each in recorded) == sorted(each[0] for each in alarms)
    told = rows(folder, "SELECT alarm_id, target FROM alarm_notice ORDER BY 1, 2")
    assert told == sorted((each[0], target) for each in alarms for target in ADDRESSES)
    return len(alarms)


@pytest.mark.parametrize("point", POINTS)
def test_killed_anywhere_everybody_is_told_in_the_end(tmp_path: Path, filled: Path, point: str) -> None:
    """What was open stays open; whoever may have been told before is told so."""
    folder = tmp_path / "site"
    shutil.copytree(filled, folder)
    text = (folder / "config.toml").read_text()
    (folder / "config.toml").write_text(text.replace(str(filled), str(folder)))
    ended, said = run(folder, point)
    assert ended == -signal.SIGKILL
    count = whole(folder)
    assert count or "open" not in said
    ended, more = run(folder)
    assert ended == 0
    assert whole(folder) >= max(count, 1)
    assert rows(folder, "SELECT DISTINCT state FROM alarm_notice") == [("sent",)]
    mails = [line.split()[1:] for line in [*said, *more] if line.startswith("mail ")]
    assert {address for address, _ in mails} == set(ADDRESSES)
    for address in ADDRESSES:
        told = [again for to, again in mails if to == address]
        assert told in (["False"], ["True"], ["False", "True"])
