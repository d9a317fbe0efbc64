"""What is set aside for a damaged page, and what is not: a disk that fails between two reads."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, cast

import pytest

from gateway.clock import SystemClock
from gateway.errors import LedgerDamagedError
from gateway.ledger.damage import Unreadable
from gateway.maintenance.unreadable import UnreadableFinder
from gateway.observe import Metrics
from gateway.storage.pump import Pump
from gateway.storage.readers import Readers

LINES = [("one", "sound"), ("two", "damaged"), ("three", "damaged")]


class _Readers:
    """Some messages fail so often."""

    damaged = 1

    def __init__(self, **failures: int) -> None:
        self._failures = Counter(failures)

    async def fetch(self, name: str, parameters: tuple[str, ...] = ()) -> list[Any]:
        if name == "delivery_list_waiting":
            return list(LINES)
        if self._failures[parameters[0]]:
            self._failures[parameters[0]] -= 1
            raise LedgerDamagedError("a page is damaged")
        return [parameters]


class _Pump:
    """Remembers what it was given."""

    class counters:  # noqa: N801 - an attribute of the real one
        damaged = 0

    def __init__(self) -> None:
        self.given: list[Unreadable] = []

    async def submit(self, _operation: object, given: Unreadable) -> int:
        self.given.append(given)
        return len(given.delivery_ids)


@pytest.mark.parametrize(
    ("failures", "set_aside"),
    [
        ({"damaged": 9}, ("two", "three")),
        ({"damaged": 1}, ()),
        ({"sound": 1, "damaged": 9}, ("two", "three")),
        ({}, ()),
    ],
)
async def test_line_is_set_aside_that_cannot_be_read_twice(
    tmp_path: Path, failures: dict[str, int], set_aside: tuple[str, ...]
) -> None:
    """The files of the database can be read as a whole, so the disk is well."""
    for name in ("db", "db-wal"):
        (tmp_path / name).write_bytes(b"x" * 100)
    pump = _Pump()
    readers, metrics = cast("Readers", _Readers(**failures)), Metrics()
    finder = UnreadableFinder(readers, cast("Pump", pump), tmp_path / "db", clock=SystemClock(), metrics=metrics)
    await finder.run_once()
    assert [each.delivery_ids for each in pump.given] == [set_aside]


async def test_nothing_is_set_aside_while_the_disk_cannot_be_read(tmp_path: Path) -> None:
    """Here it has no such file."""
    pump = _Pump()
    readers, metrics = cast("Readers", _Readers(damaged=9)), Metrics()
    finder = UnreadableFinder(readers, cast("Pump", pump), tmp_path / "db", clock=SystemClock(), metrics=metrics)
    await finder.run_once()
    assert not pump.given
