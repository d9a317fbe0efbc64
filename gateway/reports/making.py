"""Makes a report: reads a period from the ledger, adds it up, and gives agencies and channels their names.

The names are those of today; an agency that was closed keeps the one it had. It changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import date, datetime
from types import MappingProxyType

import msgspec

from gateway.clock import VIETNAM
from gateway.directory.directory import Directory
from gateway.ledger.calendar import workdays
from gateway.ledger.figures import portions
from gateway.model import AgencyId
from gateway.reports.figures import Day, Figures, Sum, Summed
from gateway.reports.periods import Period
from gateway.storage.readers import Readers


class AgencyFigures(msgspec.Struct, frozen=True, kw_only=True):
    """An agency with its figures: `documents` and `sent` as sender, all else as recipient."""

    agency: str
    code: str
    name: str
    figures: Figures


class NamedFigures(msgspec.Struct, frozen=True, kw_only=True):
    """A type, a business type, an urgency or a channel; `key` is its code, or the channel's name; "" : not told."""

    key: str
    #: Of a channel that leads to one agency alone: the agency's name.
    label: str = ""
    figures: Figures


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """What was refused or given up, by reason code (`docs/reasons.md`)."""

    state: str
    reason: str
    lines: int


class Returned(msgspec.Struct, frozen=True, kw_only=True):
    """What recipients said that refused a document (02)."""

    said: str
    lines: int


class Earlier(msgspec.Struct, frozen=True, kw_only=True):
    """What the period is held against, as it stands at the same time."""

    first: date
    last: date
    total: Figures


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All of it."""

    #: Days of Vietnam, both included.
    first: date
    last: date
    made_at: datetime
    total: Figures
    earlier: Earlier | None = None
    agencies: list[AgencyFigures]
    types: list[NamedFigures]
    business_types: list[NamedFigures]
    priorities: list[NamedFigures]
    channels: list[NamedFigures]
    states: dict[str, int]
    statuses: dict[str, int]
    refusals: list[Refusal]
    returned: list[Returned]
    #: What else was said, less often: how many sentences, and lines of those.
    other_sentences: int = 0
    other_returned: int = 0
    days: list[Day]
    #: The slowest first: by median time to arrival, to registration.
    slowest: list[AgencyFigures]
    slowest_registering: list[AgencyFigures]
    #: With answers that are late or overdue, the most of them first.
    late: list[AgencyFigures]
    #: To which lines went, none of which arrived; none of which was answered by a status.
    unreached: list[AgencyFigures]
    unanswered: list[AgencyFigures]


async def make_report(
    readers: Readers,
    directory: Directory,
    period: Period,
    *,
    now: datetime,
    against: Period | None = None,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Report:
    """The report of a period, held against another, as the ledger stands now; `progress` hears of days."""
    days = period.days + (against.days if against else 0)
    report = await _named(
        directory, period, await _summed(readers, period, now, lambda done: progress(done, days)), now
    )
    if against is None:
        return report
    earlier = await _summed(readers, against, now, lambda done: progress(period.days + done, days))
    return msgspec.structs.replace(
        report, earlier=Earlier(first=against.first, last=against.last, total=earlier.total)
    )


async def _summed(readers: Readers, period: Period, now: datetime, progress: Callable[[int], None]) -> Summed:
    total = Sum(now.astimezone(VIETNAM).date(), await workdays(readers))
    async for portion in portions(readers, period.first, period.last):
        await asyncio.to_thread(total.add, portion)
        progress((portion.last - period.first).days + 1)
    return await asyncio.to_thread(total.summed)


async def _named(directory: Directory, period: Period, summed: Summed, now: datetime) -> Report:
    known = await directory.agencies([AgencyId(key) for key in summed.agencies])
    told = {}
    for key, figures in summed.agencies.items():
        agency = known.get(AgencyId(key))
        code, name = (agency.organ_id, agency.name) if agency else ("", key)
        told[key] = AgencyFigures(agency=key, code=code, name=name, figures=figures)
    channels = {str(endpoint.id): endpoint.name for endpoint in await directory.endpoints()}
    leads_to = await directory.of_one_agency()
    labels = {channels[key]: agency.name for key, agency in leads_to.items() if key in channels}
    named = {channels.get(key, key): figures for key, figures in summed.channels.items()}
    return Report(
        first=period.first,
        last=period.last,
        made_at=now,
        total=summed.total,
        agencies=sorted(told.values(), key=lambda each: (each.code, each.agency)),
        types=_listed(summed.types),
        business_types=_listed(summed.business_types),
        priorities=_listed({str(key): figures for key, figures in summed.priorities.items()}),
        channels=_listed(named, labels),
        states=dict(sorted(summed.states.items())),
        statuses=dict(sorted(summed.statuses.items())),
        refusals=[Refusal(state=state, reason=reason, lines=lines) for state, reason, lines in summed.refusals],
        returned=[Returned(said=said, lines=lines) for said, lines in summed.returned],
        other_sentences=summed.other_sentences,
        other_returned=summed.other_returned,
        days=list(summed.days),
        slowest=[told[key] for key in summed.slowest],
        slowest_registering=[told[key] for key in summed.slowest_registering],
        late=[told[key] for key in summed.late],
        unreached=[told[key] for key in summed.unreached],
        unanswered=[told[key] for key in summed.unanswered],
    )


def _listed(figures: Mapping[str, Figures], labels: Mapping[str, str] = MappingProxyType({})) -> list[NamedFigures]:
    return [NamedFigures(key=key, label=labels.get(key, ""), figures=each) for key, each in sorted(figures.items())]
