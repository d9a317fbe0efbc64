"""What offices' systems are known by and that ends soon, or has ended these days, and has no successor.

For whoever tells people of them. How urgent an end is, is judged as with the gateway's own certificates
(`gateway.endings`). What an agency renewed, or got anew under the same label, is not told of: the old one only
lapses. Nor is what was revoked, or belongs to an agency of tests or to one that was closed. Reading alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gateway.clock import instant, micros
from gateway.directory.directory import Directory
from gateway.endings import LEVELS, level_of
from gateway.model import Agency, AgencyId
from gateway.storage.readers import Readers

#: Level 2 of `gateway.endings`; one whose end is further off is not read.
SOON: Final = LEVELS[1][0]
#: Level 3, and for how long what has ended is told of.
NOW: Final = LEVELS[2][0]
#: Up to this level, an end that comes can wait.
_LATER: Final = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class EndingCredential:
    """One of them."""

    id: str
    agency_id: AgencyId
    #: None where the directory holds it no more.
    agency: Agency | None
    #: `certificate`, `token`, or the protocol of a shared secret.
    sort: str
    label: str
    begins: datetime
    ends: datetime
    #: 3: now, it ends within days or has ended; 2: its successor should lie there.
    level: int

    @property
    def is_now(self) -> bool:
        """Whether it cannot wait for the next working day."""
        return self.level > _LATER


async def ending_credentials(readers: Readers, directory: Directory, now: datetime) -> list[EndingCredential]:
    """Those that are worth telling, the next end first."""
    params = {"since": micros(now - NOW), "until": micros(now + SOON)}
    rows = await readers.fetch("credential_list_ending", params)
    agencies = await directory.agencies({AgencyId(row[1]) for row in rows}) if rows else {}
    found = [
        EndingCredential(
            id=key,
            agency_id=AgencyId(agency_id),
            agency=agencies.get(AgencyId(agency_id)),
            sort=sort,
            label=label,
            begins=instant(begins),
            ends=instant(ends),
            level=level_of(instant(begins), instant(ends), now),
        )
        for key, agency_id, sort, label, begins, ends in rows
    ]
    return [each for each in found if each.level > 1]
