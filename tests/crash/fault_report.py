"""What came of the faults, as a page and as one line of JSON."""

from __future__ import annotations

import platform
from datetime import datetime
from pathlib import Path

import msgspec

from gateway import __version__
from gateway.clock import VIETNAM
from gateway.storage.driver import choose_driver
from tests.crash.fault_sweep import Tally

_HEAD = """# A disk that fails

Written by `make diskfaults`, not by hand. A real `gateway serve` works for real clients over TLS while calls on the
files of its data folder fail with ENOSPC (disk full), EIO (disk broken) or EROFS (read-only): one kind of call on
one kind of file, all changes at once, the first such call or a later one, once or until the disk is well again, at
work and at its start. A preloaded library (`tests/crash/faults.c`) makes them fail in every process of the gateway.

Looked for: a 202 whose bytes or rows are missing at the end; an answer that is neither a success nor a 503 with
a reason and `Retry-After`; reading that does not go on though only writing fails; a gateway that is not well again
by itself within half a minute, unless it ended with exit code 3 and a line that says why, and starts on the sound
disk; at the end of each data folder all that is looked for after kills ([crash.md](crash.md)), `fsck` with all
contents included. How is told in `tests/crash/fault_sweep.py` and `fault_probe.py`.
"""


def last_line(tally: Tally) -> str:
    """For scripts."""
    found = {
        "runs": tally.runs,
        "violations": len(tally.violations),
        "lost": len(tally.lost),
        "duplicated": len(tally.duplicated),
        "seconds": round(tally.seconds, 1),
    }
    return msgspec.json.encode(found).decode()


def write_report(path: Path, tally: Tally, *, seed: int) -> None:
    """The whole page."""
    parts = [_HEAD, _summary(tally, seed), _rows(tally), _answers(tally), _violations(tally)]
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(parts), encoding="utf-8")


def _summary(tally: Tally, seed: int) -> str:
    longest = max((row.recovery for row in tally.rows.values()), default=0.0)
    sqlite = ".".join(map(str, choose_driver().version))
    rows = (
        ("day", f"{datetime.now(VIETNAM):%Y-%m-%d}"),
        ("versions", f"gateway {__version__}, Python {platform.python_version()}, SQLite {sqlite}"),
        ("machine", f"{platform.system()} {platform.release()}, {platform.machine()}"),
        ("seed", seed),
        ("faults", tally.runs),
        ("of them struck", sum(row.struck for row in tally.rows.values())),
        ("violations", len(tally.violations)),
        ("lost / duplicated", f"{len(tally.lost)} / {len(tally.duplicated)}"),
        ("gateways that ended themselves, with exit code 3", sum(row.ended for row in tally.rows.values())),
        ("longest until all was well again, seconds", f"{longest:.1f}"),
        ("messages accepted, deliveries", f"{tally.messages}, {tally.deliveries}"),
        ("data folders", tally.folders),
        ("duration", f"{tally.seconds / 60:.0f} min"),
    )
    return "\n".join(["## Result\n", "| what | value |", "| --- | --- |", *(f"| {a} | {b} |" for a, b in rows), ""])


def _rows(tally: Tally) -> str:
    lines = [
        "## Faults\n",
        "*Struck*: such a call failed; *not reached*: none came in time. *Accepted* are documents of the probing",
        "client while the fault lasted, *refused* its requests; *well again* is in seconds.\n",
        "| fault | struck | not reached | ended itself | accepted | refused | well again |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, r in sorted(tally.rows.items()):
        counts = (r.struck, r.unreached or "", r.ended or "", r.accepted, r.refused, f"{r.recovery:.1f}")
        lines.append(f"| {name} | {' | '.join(map(str, counts))} |")
    return "\n".join([*lines, ""])


def _answers(tally: Tally) -> str:
    lines = ["## What clients were answered while a disk failed\n"]
    lines += [f"- {what}: {count}" for what, count in tally.answers.most_common()]
    lines += ["\n## Lines with which gateways ended\n", *(f"- `{each}`" for each in sorted(tally.words))]
    return "\n".join([*lines, ""])


def _violations(tally: Tally) -> str:
    found = [f"- {each[:500]}" for each in tally.violations[:50]] or ["None."]
    return "\n".join(["## Violations\n", *found, ""])
