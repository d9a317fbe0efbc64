"""The report of a kill sweep: `docs/crash.md`, written by the script and by nobody else.

The sweep and the measurement over a large ledger may run apart: each leaves its result in `build/`, and the report
is made of what is there.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import msgspec

from gateway import __version__
from gateway.clock import VIETNAM
from gateway.failpoints import FAILPOINTS
from gateway.storage.driver import choose_driver
from tests.crash.kill_million import Large
from tests.crash.kill_sweep import RANDOM, Tally

_MOST_SHOWN = 50

T = TypeVar("T")

_HEAD = """# Kill sweep

Written by `make crash`, not by hand. A real `gateway serve` works for real clients over TLS (documents in memory
and in the spool, repeated requests, statuses, an inbox that is read, an office that is pushed) and as a member of
an axis ([the simulator](axis-simulator.md), a process that is not killed), which it sends to and whose list it
polls. Bodies are encrypted, as is the default; between kills their key is turned now and then, documents are
destroyed by order of two persons or by the rules of retention, and a month ends and is archived. It is killed by
SIGKILL at a random instant or at a named failpoint, and is started again on the same folder, which `fsck` examines
and which is compared with what the clients, the pushed office and the axis wrote down for themselves. What is
looked for stands in `tests/crash/kill_check.py`, `kill_axis.py`, `kill_orders.py` and `kill_months.py`, what is
done in `tests/crash/kill_sweep.py`.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """The results of the last runs."""

    #: Of the sweep: day, versions, machine, seed.
    about: dict[str, str]
    tally: Tally
    large: Large | None


def last_line(tally: Tally, large: Large | None) -> str:
    """For scripts."""
    found = {
        "runs": tally.runs,
        "violations": len(_found(tally, large)),
        "lost": len(tally.lost),
        "duplicated": len(tally.duplicated),
        "seconds": round(tally.seconds, 1),
    }
    return json.dumps(found)


def keep(folder: Path, tally: Tally | None, large: Large | None, *, seed: int) -> Kept:
    """Put the new results beside the old ones; what there is of both."""
    folder.mkdir(exist_ok=True)
    if tally is not None:
        _write(folder / "crash-sweep.json", tally)
        _write(folder / "crash-about.json", _about(seed))
    if large is not None:
        _write(folder / "crash-large.json", large)
    return Kept(
        about=_read(folder / "crash-about.json", dict[str, str]) or {},
        tally=_read(folder / "crash-sweep.json", Tally) or Tally(),
        large=_read(folder / "crash-large.json", Large),
    )


def write_report(path: Path, kept: Kept) -> None:
    """The whole page."""
    tally, large = kept.tally, kept.large
    found = (_summary(tally, large, kept.about), _times(tally, large), _points(tally), _violations(tally, large))
    path.write_text("\n".join((_HEAD, *found)), encoding="utf-8")


def _write(file: Path, value: object) -> None:
    file.write_bytes(msgspec.json.encode(value))


def _read(file: Path, kind: type[T]) -> T | None:
    return msgspec.json.decode(file.read_bytes(), type=kind) if file.exists() else None


def _about(seed: int) -> dict[str, str]:
    sqlite = ".".join(map(str, choose_driver().version))
    cores = len(os.sched_getaffinity(0))
    return {
        "day": f"{datetime.now(VIETNAM):%Y-%m-%d}",
        "versions": f"gateway {__version__}, Python {platform.python_version()}, SQLite {sqlite}",
        "machine": f"{platform.system()} {platform.release()}, {platform.machine()}, {cores} cores",
        "seed": str(seed),
    }


def _summary(tally: Tally, large: Large | None, about: dict[str, str]) -> str:
    rows = [
        *about.items(),
        ("kills", str(tally.runs)),
        ("violations", str(len(_found(tally, large)))),
        ("lost / duplicated", f"{len(tally.lost)} / {len(tally.duplicated)}"),
        ("messages accepted, deliveries", f"{tally.messages}, {tally.deliveries}"),
        ("entries listed by the axis, messages it took", f"{tally.listed}, {tally.taken}"),
        ("bodies destroyed by order, turns of their key", f"{tally.destroyed}, {tally.turned}"),
        ("orders that rules of retention made, months archived", f"{tally.by_rule}, {tally.archived}"),
        ("examinations by `fsck`", str(tally.examined)),
        ("arrivals again that dedupe caught", str(tally.repeated)),
        ("data folders, each killed some twenty times", str(tally.folders)),
        ("duration", f"{tally.seconds / 60:.0f} min"),
    ]
    return "\n".join(["## Result\n", *_table(("what", "value"), rows)])


def _times(tally: Tally, large: Large | None) -> str:
    rows = [
        ("READY after a kill, seconds from the process's start", *_spread(tally.ready), ""),
        ("processor that took, without the helpers', seconds", *_spread(tally.ready_cpu), ""),
        (
            "in flight at the kill until it reached its receiver again, seconds after READY",
            *_spread(tally.resumed),
            "1",
        ),
    ]
    text = (
        f"\n{tally.untimed} starts and runs were examined but not timed: the machine stood still for 0.15 s or more"
        " meanwhile. A negative time lies before READY.\n"
    )
    if large is not None:
        name = f"over {large.deliveries} deliveries ({large.bytes / 1e9:.1f} GB)"
        rows += [
            (f"READY after a kill, {name}", *_spread(large.ready), "3"),
            (f"processor that took, {name}", *_spread(large.ready_cpu), ""),
            (f"in flight until received again, {name}", *_spread(large.resumed), "1"),
        ]
        text += f"Over the large ledger {large.untimed} runs were not timed for the same reason.\n"
    return "\n".join(["\n## Times\n", *_table(("what", "n", "p50", "max", "at most"), rows), text])


def _spread(values: Sequence[float]) -> tuple[str, str, str]:
    if not values:
        return "0", "–", "–"
    return str(len(values)), f"{statistics.median(values):.2f}", f"{max(values):.2f}"


def _points(tally: Tally) -> str:
    rows = [(RANDOM, str(tally.kills.get(RANDOM, 0)), "")]
    rows += [
        (f"`{point}`", str(tally.kills.get(point, 0)), str(tally.unreached.get(point, ""))) for point in FAILPOINTS
    ]
    text = (
        "\n*Not reached* counts runs in which the armed point was not come by in time; they were killed at a random"
        " instant instead.\n"
    )
    return "\n".join(["## Kills by point\n", *_table(("point", "kills", "not reached"), rows), text])


def _found(tally: Tally, large: Large | None) -> list[str]:
    return [*tally.violations, *(large.violations if large else [])]


def _violations(tally: Tally, large: Large | None) -> str:
    found = _found(tally, large)
    lines = [f"- {each}" for each in found[:_MOST_SHOWN]] or ["None."]
    if len(found) > _MOST_SHOWN:
        lines.append(f"- and {len(found) - _MOST_SHOWN} more")
    return "\n".join(["## Violations\n", *lines, ""])


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]
