"""What was refused or given up lately, by channel and by office. Reading alone.

One refusal among many arrivals says nothing of an office. It *refuses* where nothing has got through to it since,
or of several as many were refused as got through.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from gateway.clock import VIETNAM, instant, micros
from gateway.foundation import Foundation
from gateway.ledger.params import as_json
from gateway.model import AgencyId

#: What is older by whole days of Vietnam is history.
LATELY: Final = timedelta(days=7)
#: Of each kind, the newest that are looked at; of an office, what got through.
_MOST: Final = 10_000
_THROUGH: Final = 50
_SEVERAL: Final = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """What was refused or given up."""

    count: int
    #: There may be more.
    least: bool
    #: From which day on, in Vietnam.
    day: date
    first_at: datetime
    last_at: datetime
    #: Since when nothing else happens; None: one among others.
    since: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusals:
    """Those of the last days."""

    by_channel: Mapping[str, Refused] = field(default_factory=dict)
    by_office: Mapping[AgencyId, Refused] = field(default_factory=dict)


def first_day(now: datetime) -> date:
    """The first of the last days, in Vietnam; it counts whole, as the ledger's filter by day has it."""
    return now.astimezone(VIETNAM).date() - LATELY


async def refusals(base: Foundation, now: datetime) -> Refusals:
    """All of them."""
    day = first_day(now)
    since = micros(datetime.combine(day, time(), VIETNAM))
    rows = await base.readers.fetch("delivery_group_refused", {"since": since, "limit": _MOST})
    if not rows:
        return Refusals()
    least = sum(row[2] for row in rows) >= _MOST
    params = {"offices": as_json(sorted({row[1] for row in rows})), "since": since, "limit": _THROUGH}
    through = {row[0]: row[1:] for row in await base.readers.fetch("delivery_count_through", params)}
    channels, offices = dict[str, list[Any]](), dict[str, list[Any]]()
    for row in rows:
        channels.setdefault(row[0], []).append(row)
        offices.setdefault(row[1], []).append(row)
    return Refusals(
        by_channel={key: _together(those, day, least) for key, those in channels.items()},
        by_office={
            AgencyId(key): _together(those, day, least, through.get(key, (0, 0))) for key, those in offices.items()
        },
    )


def _together(rows: Iterable[Any], day: date, least: bool, through: tuple[int, int] | None = None) -> Refused:  # noqa: FBT001
    counts, firsts, lasts = zip(*(row[2:5] for row in rows), strict=True)
    count, first, last = sum(counts), instant(min(firsts)), max(lasts)
    is_all = through is not None and (last > through[1] or count >= max(through[0], _SEVERAL))
    return Refused(
        count=count, least=least, day=day, first_at=first, last_at=instant(last), since=first if is_all else None
    )
