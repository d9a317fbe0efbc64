"""Takes lines into the index that the ledger is searched by, a portion at a time.

Recording a document does not touch the index: a line gets there up to a second later, which keeps acceptance as
cheap as it was. New lines come before old ones, of which a ledger that was there before the index has as many as it
has lines; `search_extent` says how far it is. What is blanked by an order to destroy leaves the index by a trigger
of the schema, in the transaction that blanks it.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.storage.pump import Transaction


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexLines:
    """Take the next portion."""

    #: Lines at most.
    limit: int
    #: Lines that cannot be read: the index goes on without them.
    without: tuple[int, ...] = ()


class IndexLinesOperation:
    """How many places the index grew by; 0 where nothing waits."""

    name = "index_lines"

    async def apply(self, tx: Transaction, payloads: Sequence[IndexLines]) -> Sequence[int]:
        """One result per payload."""
        return [await self._add(tx, payload) for payload in payloads]

    async def _add(self, tx: Transaction, payload: IndexLines) -> int:
        portion = await next_portion(tx.fetch, payload.limit)
        if portion is None:
            return 0
        span = {"first": portion.first, "last": portion.last}
        await tx.fetch("search_add_lines", span | {"without": json.dumps(payload.without)})
        await tx.fetch("search_set_extent", {"low": portion.low, "high": portion.high})
        return portion.last - portion.first + 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Portion:
    """Lines that come into the index next, and how far it goes then."""

    first: int
    last: int
    low: int
    high: int


async def next_portion(
    fetch: Callable[[str, Mapping[str, object]], Awaitable[list[tuple[Any, ...]]]], limit: int
) -> Portion | None:
    """As a reader or the writer sees it; None where nothing waits."""
    ((low, high, newest),) = await fetch("search_read_extent", {})
    if low <= 1 and high >= newest:
        return None
    ((last,),) = await fetch("search_last_to_add", {"high": high, "limit": limit})
    if last is not None:
        return Portion(first=high + 1, last=last, low=low, high=last)
    ((first,),) = await fetch("search_first_to_add", {"low": low, "limit": limit})
    return None if first is None else Portion(first=first, last=low - 1, low=first, high=high)
