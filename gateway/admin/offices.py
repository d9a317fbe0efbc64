"""The offices that we reach ourselves: how each is, where it lies, what waits for it. Reading alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.admin import watching
from gateway.channel_health import ChannelHealth
from gateway.data.places import Place, place_of
from gateway.foundation import Foundation
from gateway.model import Agency, AgencyId

#: Offices that one page shows.
MOST: Final = 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Office:
    """One of them."""

    agency: Agency
    #: The one above it, "" where there is none.
    above: str
    channel: watching.Channel
    place: Place | None


async def offices(base: Foundation) -> list[Office]:
    """Those with a channel of ours, the worst first, then by the office above and name."""
    channels = await watching.channels(base)
    by_id = {each.state.endpoint.id: each for each in channels}
    rows = await base.readers.fetch("agency_list_offices", (MOST,))
    agencies = await base.directory.agencies([AgencyId(row[0]) for row in rows])
    parents = await base.directory.agencies({each.parent_id for each in agencies.values() if each.parent_id})
    found = []
    for agency in agencies.values():
        known = by_id.get(agency.endpoint.id) if agency.endpoint is not None else None
        if known is None:
            continue
        parent = parents.get(agency.parent_id) if agency.parent_id else None
        above = parent.name if parent is not None else ""
        office = Office(agency=agency, above=above, channel=known, place=place_of(agency.name, above))
        found.append((list(ChannelHealth).index(known.judgement.health), above, agency.name, office))
    return [each[-1] for each in sorted(found, key=lambda each: each[:3])]
