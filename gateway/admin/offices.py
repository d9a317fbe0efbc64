"""The offices that we reach ourselves: how each is, where it lies, what waits for it. Reading alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gateway.admin import watching
from gateway.admin.refusals import refusals
from gateway.admin.standings import Standing, standings
from gateway.channel_health import ChannelHealth
from gateway.data.places import Place, place_of
from gateway.foundation import Foundation
from gateway.ledger.calendar import workdays
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
    #: Its own, which need not be its channel's.
    standing: Standing
    place: Place | None


async def offices(base: Foundation) -> list[Office]:
    """Those with a channel of ours, the worst first, then by the office above and name."""
    agencies = await reached(base, MOST)
    parents = await base.directory.agencies({each.parent_id for each in agencies.values() if each.parent_id})
    found = []
    for key, (channel, standing) in (await standing_of(base, agencies)).items():
        agency = agencies[key]
        parent = parents.get(agency.parent_id) if agency.parent_id else None
        above = parent.name if parent is not None else ""
        office = Office(
            agency=agency, above=above, channel=channel, standing=standing, place=place_of(agency.name, above)
        )
        found.append((list(ChannelHealth).index(standing.judgement.health), above, agency.name, office))
    return [each[-1] for each in sorted(found, key=lambda each: each[:3])]


async def reached(base: Foundation, most: int) -> dict[AgencyId, Agency]:
    """Those with a channel of ours."""
    rows = await base.readers.fetch("agency_list_offices", (most,))
    return await base.directory.agencies([AgencyId(row[0]) for row in rows])


async def standing_of(
    base: Foundation, agencies: Mapping[AgencyId, Agency]
) -> dict[AgencyId, tuple[watching.Channel, Standing]]:
    """How some are, and the channel of each; nothing of one that has none."""
    calendar, refused = await workdays(base.readers), await refusals(base, base.clock.now())
    channels = {each.state.endpoint.id: each for each in await watching.channels(base, calendar, refused)}
    found = await standings(base, list(agencies.values()), channels.values(), refused, calendar)
    ids = {key: each.endpoint.id for key, each in agencies.items() if each.endpoint is not None}
    return {key: (channels[ids[key]], each) for key, each in found.items()}
