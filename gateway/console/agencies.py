"""Agencies as people name them in a search: by code, by name, by words of it; several apart by semicolons.

And channels, which people know by the agencies that they lead to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.console.visit import Visit
from gateway.directory.directory import Directory
from gateway.directory.endpoints import called
from gateway.errors import RefusedError
from gateway.model import Agency, AgencyId

#: Agencies that words may mean in a search.
_MOST = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelName:
    """What a channel is called."""

    id: str
    #: Its own name.
    name: str
    #: The agency that it leads to, where that is one alone; else its own name.
    label: str

    @property
    def called(self) -> str:
        """Both, where they are not the same."""
        return called(self.name, self.label)


async def channel_names(directory: Directory) -> dict[str, ChannelName]:
    """Of all channels, by their ids, in the order of what they are called."""
    leads_to = await directory.of_one_agency()
    found = [
        ChannelName(id=each.id, name=each.name, label=leads_to[each.id].name if each.id in leads_to else each.name)
        for each in await directory.endpoints()
    ]
    return {each.id: each for each in sorted(found, key=lambda each: each.called)}


async def meant(visit: Visit, text: str) -> tuple[str, ...]:
    """Ids of all agencies that somebody may mean; RefusedError where there is none."""
    found: dict[str, None] = {}
    for part in filter(None, (each.strip() for each in text.split(";"))):
        directory = visit.base.directory
        held = (await directory.resolve([part], visit.at)).get(part)
        agencies = [held] if held is not None else await directory.search(part, limit=_MOST)
        same = [each for each in agencies if each.name == part]
        if not agencies:
            raise RefusedError("agency_unknown", part[:100])
        found.update((each.id, None) for each in same or agencies)
    return tuple(found)[:_MOST]


async def known(visit: Visit, ids: Iterable[str]) -> Mapping[AgencyId, Agency]:
    """What is known of some agencies."""
    return await visit.base.directory.agencies({AgencyId(each) for each in ids})


def names_of(agencies: Mapping[AgencyId, Agency], ids: Iterable[str]) -> str:
    """Their names, as `meant` reads them again."""
    return "; ".join(agencies[AgencyId(each)].name if each in agencies else each for each in ids)
