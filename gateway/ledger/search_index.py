"""Takes lines into the index that the ledger is searched by, a portion at a time.

Recording a document does not touch the index: a line gets there up to a second later, which keeps acceptance as
cheap as it was. New lines come before old ones, of which a ledger that was there before the index has as many as it
has lines; `search_extent` says how far it is. What is blanked by an order to destroy leaves the index by a trigger
of the schema, in the transaction that blanks it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.storage.pump import Transaction


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexLines:
    """Take the next portion."""

    #: Lines at most.
    limit: int


class IndexLinesOperation:
    """How many places the index grew by; 0 where nothing waits."""

    name = "index_lines"

    async def apply(self, tx: Transaction, payloads: Sequence[IndexLines]) -> Sequence[int]:
        """One result per payload."""
        return [await self._add(tx, payload.limit) for payload in payloads]

    async def _add(self, tx: Transaction, limit: int) -> int:
        ((low, high, _),) = await tx.fetch("search_read_extent")
        ((last,),) = await tx.fetch("search_last_to_add", {"high": high, "limit": limit})
        if last is not None:
            return await _take(tx, first=high + 1, last=last, low=low, high=last)
        ((first,),) = await tx.fetch("search_first_to_add", {"low": low, "limit": limit})
        if first is not None:
            return await _take(tx, first=first, last=low - 1, low=first, high=high)
        return 0


async def _take(tx: Transaction, *, first: int, last: int, low: int, high: int) -> int:
    await tx.fetch("search_add_lines", {"first": first, "last": last})
    await tx.fetch("search_set_extent", {"low": low, "high": high})
    return last - first + 1
