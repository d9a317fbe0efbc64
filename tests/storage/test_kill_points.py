"""SIGKILL at every failpoint of the storage engine: what was promised is there, and the work goes on."""

from __future__ import annotations

import os
import signal
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.failpoints import ACTS, VARIABLE
from gateway.storage.bodies import Bodies
from gateway.storage.migrations import migrate
from gateway.storage.sqlite import connect_writer
from tests.forking import run_forked
from tests.storage.conftest import TABLE, names, some_keys

#: Every point on the storage engine's way; `tests.crash` goes through the others.
POINTS = [
    f"{act}.{side}"
    for act in ACTS
    if act.startswith(("fsio.", "spool.", "body.", "pump.", "migrate.", "checkpoint"))
    for side in ("before", "after")
]
#: Hits before the kill: late enough that promises exist, where the point comes often. The process that keeps
#: small bodies counts its own and kills both.
HITS = {
    "body.keep": 5,
    "spool.write": 2,
    "body.set_aside": 2,
    "fsio.sync": 30,
    "fsio.sync_dir": 30,
    "fsio.link": 20,
    "fsio.replace": 5,
    "pump.commit": 7,
}


def run_victim(folder: Path, point: str) -> list[tuple[str, str]]:
    """Let the process run into the point; the promises it made."""
    hits = HITS.get(point.rpartition(".")[0], 2)
    environment = os.environ | {VARIABLE: f"{point}=kill:{hits}"}
    code, said = run_forked("tests.storage.victim", str(folder), environment=environment)
    assert code == -signal.SIGKILL, said
    lines = [line.partition(" ") for line in said.splitlines()]
    return [(kind, what) for kind, _, what in lines]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder whose program knows two migrations."""
    (tmp_path / "migrations").mkdir()
    (tmp_path / "migrations" / "0001_item.sql").write_text(f"{TABLE};\n")
    (tmp_path / "migrations" / "0002_item_size.sql").write_text("CREATE INDEX item_size ON item (size);\n")
    return tmp_path


@pytest.mark.parametrize("point", POINTS)
async def test_what_was_promised_before_a_kill_is_there_after_it(folder: Path, point: str) -> None:
    """Rows, bodies and replaced files that were acknowledged survive; no row lacks its body."""
    promises = run_victim(folder, point)
    if not point.startswith("migrate."):
        assert {kind for kind, _ in promises} >= {"row", "body"}
    writer = await connect_writer(folder / "gateway.db")
    bodies = Bodies(folder, some_keys())
    try:
        await migrate(writer, folder / "migrations")
        assert (await writer.fetch("PRAGMA integrity_check"))[0][0] == "ok"
        rows, stored = set(await names(writer)), set(bodies.iterate())
        assert {what for kind, what in promises if kind == "row"} <= rows
        assert {what for kind, what in promises if kind == "body"} | rows <= stored
        # a body that was damaged beforehand is replaced when it is kept anew, and not before
        damaged = {what for kind, what in promises if kind == "damaged"}
        for digest in stored - (damaged - rows - {what for kind, what in promises if kind == "body"}):
            assert await bodies.verify(digest)
        await bodies.sweep(SystemClock().now() + timedelta(days=1))
        assert list((folder / "spool").iterdir()) == []
    finally:
        await bodies.close()
        await writer.close()
    replaced = [int(what) for kind, what in promises if kind == "file"]
    if replaced:
        found = (folder / "counter").read_text()
        assert found in {f"{number}" * 1000 for number in (replaced[-1], replaced[-1] + 1)}
