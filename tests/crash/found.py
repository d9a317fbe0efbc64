"""What sweeps of every kind find, and how they say it while they run."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field

from tests.crash.kill_check import Ledger
from tests.crash.kill_verdict import Verdict


@dataclass(kw_only=True, slots=True)
class Found:
    """Over all data folders of a sweep."""

    lost: set[str] = field(default_factory=set)
    duplicated: set[str] = field(default_factory=set)
    other: set[str] = field(default_factory=set)
    folders: int = 0
    messages: int = 0
    deliveries: int = 0
    seconds: float = 0.0

    @property
    def violations(self) -> list[str]:
        """All of them, in words."""
        return sorted(self.lost | self.duplicated | self.other)

    def add(self, verdict: Verdict) -> None:
        """Each violation counts once, however often it is seen."""
        self.lost.update(verdict.lost)
        self.duplicated.update(verdict.duplicated)
        self.other.update(verdict.other)

    def count(self, ledger: Ledger) -> None:
        """A folder is done with."""
        self.messages += len(ledger.messages)
        self.deliveries += len(ledger.deliveries)


class Violations:
    """Says each as soon as it is seen, once."""

    def __init__(self, of: str) -> None:
        self._of = of
        self._said: set[str] = set()

    def say(self, found: Found, runs: int) -> None:
        """Those that are new after so many runs."""
        for violation in found.violations:
            if violation not in self._said:
                self._said.add(violation)
                say(f"violation after {runs} {self._of}: {violation}")


def say(line: str) -> None:
    """To whoever waits for the end."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
