"""Planned outages, in memory: every page and every answer of REST asks for them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from gateway.clock import Clock, instant, micros
from gateway.outage import Outage
from gateway.storage.readers import Readers


class Outages:
    """Those that are not over; read again whenever one is announced or called off."""

    def __init__(self, readers: Readers, clock: Clock) -> None:
        self._readers, self._clock = readers, clock
        self._known: tuple[Outage, ...] = ()

    @classmethod
    async def opened(cls, readers: Readers, clock: Clock) -> Outages:
        """With what the ledger has."""
        found = cls(readers, clock)
        await found.reload()
        return found

    async def reload(self) -> None:
        """As the ledger has them now."""
        rows = await self._readers.fetch("outage_list_open", (micros(self._clock.now()),))
        self._known = tuple(
            Outage(
                id=row[0],
                endpoint_id=row[1],
                name=row[2],
                starts_at=instant(row[3]),
                ends_at=instant(row[4]),
                why=row[5],
                by=row[6],
            )
            for row in rows
        )

    def known(self, now: datetime) -> Sequence[Outage]:
        """All that are not over, the next first."""
        return [each for each in self._known if now < each.ends_at] if self._known else ()

    def told(self, now: datetime) -> Sequence[Outage]:
        """Those that people and systems are to know of."""
        return [each for each in self._known if each.is_told(now)] if self._known else ()
