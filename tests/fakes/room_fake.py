"""Disk that a fake promises."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(kw_only=True, eq=False)
class FakeRoom:
    """Disk that never ends."""

    size: int

    def grow(self, size: int) -> None:
        self.size = max(self.size, size)

    def take(self, size: int) -> None:
        self.size = size

    def shrink(self, size: int) -> None:
        self.size = min(self.size, size)
