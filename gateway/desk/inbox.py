"""What waits for the offices of a clerk: documents, and requests of their senders.

Listing consumes nothing. Who was shown what is recorded as for any reader, and the first list answers 01
(`gateway.desk.arrivals`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.clock import Clock
from gateway.desk.arrivals import Arrivals
from gateway.desk.clerk import Clerk
from gateway.desk.register import twin_of
from gateway.errors import RefusedError
from gateway.ledger.desk import FIRST_PLACE, DeskReads, Entry, Item, Place
from gateway.ledger.drafts_kept import KeepDesk, KeepDeskOperation
from gateway.listings import Listings
from gateway.model import AgencyId
from gateway.storage.pump import Pump


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """A page of the desk."""

    items: list[Item]
    #: Whose senders want them back, changed or replaced.
    asked: list[Item]
    #: After it the next page begins; None: there is none.
    cursor: Place | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """One document with what a clerk must know before it is registered."""

    item: Item
    #: Its line, where it is registered.
    entry: Entry | None
    #: The line of the same document, which came before.
    twin: Entry | None
    #: The số đến that it would get now.
    next_number: int
    #: Whether it has no line and may get one.
    may_register: bool


class DeskInbox:
    """Lists, and shows one."""

    def __init__(self, reads: DeskReads, listings: Listings, arrivals: Arrivals, pump: Pump, clock: Clock) -> None:
        self._reads, self._listings, self._arrivals = reads, listings, arrivals
        self._pump, self._clock, self._keep = pump, clock, KeepDeskOperation()

    async def waiting(
        self, clerk: Clerk, office: AgencyId | None = None, *, limit: int = 100, after: Place = FIRST_PLACE
    ) -> Waiting:
        """Of one office, or of all that the clerk serves."""
        offices = clerk.reach_of(office)
        rows = await self._reads.waiting(offices, limit=limit + 1, after=after)
        asked = await self._reads.asked_back(offices, limit=limit)
        items = rows[:limit]
        self._note(clerk, [*items, *asked])
        self._arrivals.listed(clerk, offices, items)
        last = Place(priority=items[-1].priority, seq=items[-1].seq) if len(rows) > limit else None
        return Waiting(items=items, asked=asked, cursor=last)

    async def opened(self, clerk: Clerk, delivery_id: str, year: int) -> Opened:
        """One of them; that of another office does not exist."""
        item = await self._reads.item(clerk.reach, delivery_id)
        if item is None:
            raise RefusedError("not_found")
        entry = await self._reads.entry_of(clerk.reach, delivery_id)
        home = clerk.home(item.recipient_id)
        twin = await self._reads.twin(home, "in", twin_of(item))
        return Opened(
            item=item,
            entry=entry,
            twin=None if twin is None or twin.delivery_id == delivery_id else twin,
            next_number=await self._reads.next_number(home, "in", "", year),
            may_register=entry is None and (not item.is_handled or await self._reads.was_struck(delivery_id)),
        )

    async def keep_desk(self, clerk: Clerk, office: AgencyId, *, is_kept: bool) -> None:
        """Whether an own office that documents are brought to has what comes from now on at its desk, too."""
        own_of(clerk, office)
        ask = KeepDesk(office_id=office, is_kept=is_kept, actor=clerk.actor, now=self._clock.now())
        await self._pump.submit(self._keep, ask)

    def _note(self, clerk: Clerk, items: Iterable[Item]) -> None:
        by_office: dict[AgencyId, list[Item]] = {}
        for item in items:
            by_office.setdefault(item.recipient_id, []).append(item)
        for office, shown in by_office.items():
            self._listings.note(clerk.for_office(office), shown)


def own_of(clerk: Clerk, office: AgencyId | None) -> frozenset[AgencyId]:
    """All offices of the clerk, or one of them; `not_found` for one of others."""
    if office is None:
        return clerk.offices
    if office not in clerk.offices:
        raise RefusedError("not_found")
    return frozenset({office})
