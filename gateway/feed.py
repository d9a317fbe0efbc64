"""Events as a stream per caller: resumable by sequence number, woken by commits, read in bounded batches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import msgspec

from gateway.api import models
from gateway.clock import instant
from gateway.ledger.params import as_json
from gateway.model import AgencyId, Caller
from gateway.storage.readers import Readers

_BATCH = 200
#: Events that one statement looks at, so that a stream from long ago holds no reader, and no snapshot, for long.
_SPAN = 5000
#: Commits come by the hundred a second; a feed looks at most this often.
_BREATH_SECONDS = 0.2
#: Of more events at once nobody asks whom they concern: each may have hundreds of recipients.
_MOST_NAMED = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Changes:
    """That something happened, not what: for whoever shows pages and looks anew."""

    #: The number of the newest event.
    newest: int
    #: The kinds of all of them.
    kinds: frozenset[str]
    #: Of those about documents, by the offices that sent or get these; None: of too many to tell.
    concerned: Mapping[AgencyId, Collection[str]] | None

    def of(self, offices: Iterable[AgencyId]) -> frozenset[str]:
        """The kinds of those that may be about documents of some offices."""
        if self.concerned is None:
            return self.kinds
        return frozenset(kind for office in offices for kind in self.concerned.get(office, ()))


class Feed:
    """Hands committed events to whoever may see them."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers
        self._committed = asyncio.Event()

    def notify(self) -> None:
        """Something was committed."""
        self._committed.set()
        # a new one for the next commit: no feed can clear what another has not seen
        self._committed = asyncio.Event()

    async def events(self, caller: Caller, since: int | None) -> AsyncGenerator[models.EventOut, None]:
        """Events about what the caller's agencies send or receive, after `since` (None: from now), without end.

        A number that we never gave, as after a restored backup, is taken as now: what comes is not hidden by it.
        """
        newest = await self._newest()
        after = newest if since is None else min(since, newest)
        agencies = as_json(sorted(caller.speaks_for))
        while True:
            committed = self._committed
            upto, count = await self._span(after)
            params = {"after": after, "upto": upto, "agencies": agencies, "limit": _BATCH}
            rows = await self._readers.fetch("event_list_since", params)
            for row in rows:
                after = row[0]
                yield _event(row)
            if len(rows) == _BATCH:
                continue
            after = max(after, upto)  # other agencies' events are looked at once, not at every commit
            if count < _SPAN:
                await asyncio.sleep(_BREATH_SECONDS)
                with suppress(TimeoutError):
                    async with asyncio.timeout(30):
                        await committed.wait()

    async def newest(self) -> int:
        """The number of the newest event."""
        return await self._newest()

    async def changes(self, since: int) -> AsyncGenerator[Changes, None]:
        """What kinds of events came after `since`, and up to which number, without end."""
        after = since
        while True:
            committed = self._committed
            rows = await self._readers.fetch("event_list_kinds", {"after": after, "span": _SPAN})
            if rows:
                newest = max(row[1] for row in rows)
                yield await self._changes(after, newest, frozenset(row[0] for row in rows))
                after = newest
                await asyncio.sleep(_BREATH_SECONDS)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(30):
                    await committed.wait()

    async def _changes(self, after: int, newest: int, kinds: frozenset[str]) -> Changes:
        if newest - after > _MOST_NAMED:
            return Changes(newest=newest, kinds=kinds, concerned=None)
        rows = await self._readers.fetch("event_list_concerned", {"after": after, "upto": newest})
        concerned: dict[AgencyId, set[str]] = {}
        for kind, office in rows:
            concerned.setdefault(AgencyId(office), set()).add(kind)
        return Changes(newest=newest, kinds=kinds, concerned=concerned)

    async def _span(self, after: int) -> tuple[int, int]:
        """Up to which event to look, and how many there are until there."""
        row = await self._readers.fetch_one("event_read_span", {"after": after, "span": _SPAN})
        return row if row is not None and row[0] is not None else (after, 0)

    async def _newest(self) -> int:
        row = await self._readers.fetch_one("event_last_seq")
        return row[0] if row else 0


def _event(row: tuple[Any, ...]) -> models.EventOut:
    leaf = msgspec.json.decode(row[5])
    return models.EventOut(
        seq=row[0],
        kind=row[1],
        at=instant(row[2]),
        message_id=row[3],
        delivery_id=row[4],
        facts=leaf["facts"],
    )
