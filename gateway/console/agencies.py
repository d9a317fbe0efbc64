"""Agencies as people name them in a search: by code, by name, by words of it; several apart by semicolons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gateway.console.visit import Visit
from gateway.errors import RefusedError
from gateway.model import Agency, AgencyId

#: Agencies that words may mean in a search.
_MOST = 20


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
