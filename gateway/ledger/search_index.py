"""Takes lines into the index that the ledger is searched by, a portion at a time.

Recording a document does not touch the index: a line gets there up to a second later, which keeps acceptance as
cheap as it was. New lines come before old ones, of which a ledger that was there before the index has as many as it
has lines; `search_extent` says how far it is. What is blanked by an order to destroy leaves the index by a trigger
of the schema, in the transaction that blanks it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

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
        limit, without = payload.limit, json.dumps(payload.without)
        ((low, high, _),) = await tx.fetch("search_read_extent")
        ((last,),) = await tx.fetch("search_last_to_add", {"high": high, "limit": limit})
        if last is not None:
            await tx.fetch("search_add_lines", {"first": high + 1, "last": last, "without": without})
            return await _reaches(tx, low=low, high=last, by=last - high)
        ((first,),) = await tx.fetch("search_first_to_add", {"low": low, "limit": limit})
        if first is not None:
            await tx.fetch("search_add_lines", {"first": first, "last": low - 1, "without": without})
            return await _reaches(tx, low=first, high=high, by=low - first)
        return 0


async def _reaches(tx: Transaction, *, low: int, high: int, by: int) -> int:
    await tx.fetch("search_set_extent", {"low": low, "high": high})
    return by
