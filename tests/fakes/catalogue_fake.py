"""A catalogue whose entries a test writes down; `axis` makes those of a whole nation."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import msgspec

from gateway.errors import SourceError
from gateway.ports import CatalogueEntry

_AT_ONCE = 100


def entry(code: str, name: str = "", **more: Any) -> CatalogueEntry:
    """One of the list `units`; its ref is its code, so that parents are named by codes."""
    given: dict[str, Any] = {"listing": "units", "ref": code, "parent_ref": "", "code": code, "name": name or code}
    return CatalogueEntry(**given | more)


@dataclass
class CatalogueFake:
    """What a peer would say."""

    said: list[CatalogueEntry] = field(default_factory=list)
    #: Raised by `fetch`, or after this many entries.
    fails: SourceError | None = None
    fails_after: int | None = None
    reads: int = 0

    async def fetch(self) -> str:
        """A digest of what is said."""
        if self.fails is not None and self.fails_after is None:
            raise self.fails
        return sha256(msgspec.json.encode(self.said)).hexdigest()

    async def entries(self) -> AsyncIterator[Sequence[CatalogueEntry]]:
        """In parts."""
        self.reads += 1
        for start in range(0, len(self.said), _AT_ONCE):
            if self.fails is not None and self.fails_after is not None and start >= self.fails_after:
                raise self.fails
            yield self.said[start : start + _AT_ONCE]
        if self.fails is not None:
            raise self.fails

    async def close(self) -> None:
        """Nothing to give back."""


def nation(count: int) -> list[CatalogueEntry]:
    """So many agencies below one."""
    return [entry("G22", "Chính phủ")] + [
        entry(f"H01.{number}", f"Xã số {number}", parent_ref="G22") for number in range(1, count)
    ]
