"""The verdict on large documents, and its page: `docs/large.md`."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gateway import __version__
from gateway.clock import VIETNAM

MEMORY_GOAL_MB = 300.0


_HEAD = (
    "Written by `make large`, not by hand. A file of random bytes goes through every way that the gateway has,",
    "over TLS, on one machine; what arrives is hashed and compared. Small documents are sent beside it, one after",
    "the other. Memory is that of all gateway processes together (PSS), looked at five times a second.",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Phase:
    """One way that the document went."""

    name: str
    seconds: float
    #: MB, the most of all gateway processes together (PSS).
    memory: float
    #: The 202 of small documents meanwhile, in milliseconds, and how many.
    small_p50: float
    small_p99: float
    small: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """All that was measured."""

    bytes: int
    phases: list[Phase]
    #: What arrived otherwise than it was sent.
    wrong: list[str]
    seconds: float

    @property
    def memory(self) -> float:
        """MB, the most of all phases."""
        return max(each.memory for each in self.phases)

    def faults(self) -> list[str]:
        """What is not as it should be, each a sentence."""
        over = [f"{self.memory:.0f} MB of memory, more than {MEMORY_GOAL_MB:.0f}"]
        return self.wrong + (over if self.memory > MEMORY_GOAL_MB else [])

    def verdict(self) -> dict[str, object]:
        """For scripts."""
        return {
            "megabytes": self.bytes >> 20,
            "memory_mb": round(self.memory, 1),
            "violations": len(self.faults()),
            "seconds": round(self.seconds, 1),
        }


def write(run: Run, page: Path) -> None:
    """The page."""
    day = datetime.now(VIETNAM).date().isoformat()
    rows = [
        f"| {each.name} | {each.seconds:.1f} s | {each.memory:.0f} MB | {each.small} | {each.small_p50:.0f} ms "
        f"| {each.small_p99:.0f} ms |"
        for each in run.phases
    ]
    about = (
        f"{day}, gateway {__version__}, Python {platform.python_version()}, {os.cpu_count()} cores; a file of "
        f"{run.bytes >> 20} MiB, which is {run.bytes * 4 / 3 / 2**20:.0f} MiB in base64."
    )
    lines = [
        "# Large documents",
        "",
        *_HEAD,
        "",
        about,
        "",
        "| what | took | memory, most | small documents beside it | their 202, p50 | p99 |",
        "|---|---:|---:|---:|---:|---:|",
        *rows,
        "",
        *([f"- {each}" for each in run.faults()] or ["Every byte arrived as it was sent."]),
        "",
    ]
    page.write_text("\n".join(lines), encoding="utf-8")
