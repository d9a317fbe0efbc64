"""The parts of a month archive, a line at a time in step with its leaves; and findings that stay few."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Generic, TypeVar

import msgspec

from gateway.bundle.archive import lines_of
from gateway.bundle.container import Container
from gateway.errors import BundleError
from gateway.verifying.findings import Check, failed, passed

T = TypeVar("T")

#: Findings of one kind that are told one by one.
_SHOWN: Final = 50


class Findings:
    """What was found, no more than some of each kind one by one; and how much was looked at."""

    def __init__(self) -> None:
        self._faults: dict[str, list[Check]] = {}
        self._more: dict[str, int] = {}
        self._seen: dict[str, int] = {}

    def seen(self, kind: str, count: int = 1) -> None:
        """So many of a kind were looked at."""
        self._seen[kind] = self._seen.get(kind, 0) + count

    def add(self, check: Check) -> None:
        """A fault; its kind is the first word of its name."""
        kind = check.name.split(".", 1)[0]
        shown = self._faults.setdefault(kind, [])
        if len(shown) < _SHOWN:
            shown.append(check)
        else:
            self._more[kind] = self._more.get(kind, 0) + 1

    def checks(self) -> Iterator[Check]:
        """All of it: a line for each kind without fault, the faults of the others."""
        for kind in dict.fromkeys([*self._seen, *self._faults]):
            faults = self._faults.get(kind, [])
            yield from faults
            if more := self._more.get(kind, 0):
                yield failed(kind, faults[0].reason or "leaf_paper_wrong", f"and {more} more")
            if not any(each.counts for each in faults):
                yield passed(kind, f"{self._seen.get(kind, 0)} looked at")


class Lines(Generic[T]):
    """A part, a line at a time, in step with the leaves."""

    def __init__(self, container: Container, name: str, kind: type[T], findings: Findings) -> None:
        self._name, self._kind, self._findings = name, kind, findings
        self._lines = lines_of(container, name) if name in container.entries else iter(())
        self._next: T | None = None
        self.count = 0
        self._advance()

    @property
    def next(self) -> T | None:
        """The line that comes next."""
        return self._next

    def take(self) -> T | None:
        """That line, gone from here."""
        found = self._next
        self._advance()
        return found

    def at(self, leaf: int, word: str) -> T | None:
        """The line of a leaf; those before it, which no leaf tells of, are findings."""
        while self._next is not None and self._leaf < leaf:
            self._findings.add(failed(f"{word}.{self._leaf}", "paper_without_leaf", self._name))
            self._advance()
        return self.take() if self._next is not None and self._leaf == leaf else None

    def rest(self, word: str) -> None:
        """What is left belongs to no leaf."""
        self.at(2**63, word)

    @property
    def _leaf(self) -> int:
        found: int = self._next.leaf  # type: ignore[union-attr]
        return found

    def _advance(self) -> None:
        line = next(self._lines, None)
        if line is None:
            self._next = None
            return
        self.count += 1
        try:
            self._next = msgspec.json.decode(line, type=self._kind)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise BundleError(f"{self._name}, line {self.count}: {error}", code="archive_unreadable") from error
