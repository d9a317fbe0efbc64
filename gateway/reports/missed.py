"""Answers that have not come though their term is over, by the day on which it ended: a day off ends none.

The one measure for alarms, the overview and the page that it leads to. What owes no answer any more is not among
them (the view `owed`); no day with a crowd of them hides another, so each is counted up to a limit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from gateway.ledger.figures import Unanswered, unanswered, unanswered_of
from gateway.model import AgencyId
from gateway.storage.readers import Readers
from gateway.workdays import Workdays

#: For so many days an answer is missed.
MISSED_DAYS: Final = 30
#: Lines that were due on one day and are counted.
_MOST: Final = 2_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Missed:
    """What is missed."""

    #: The last day of the term -> offices -> lines; no day is without any.
    by_day: Mapping[date, Counter[AgencyId]]
    #: Days of which there may be more.
    cut: frozenset[date]

    @property
    def count(self) -> int:
        """All of them."""
        return sum(offices.total() for offices in self.by_day.values())

    @property
    def offices(self) -> Counter[AgencyId]:
        """Of whom."""
        return sum(self.by_day.values(), Counter())


async def missed_answers(readers: Readers, calendar: Workdays, today: date) -> Missed:
    """By the day on which the term ended, of those that were due within MISSED_DAYS."""
    by_day: dict[date, Counter[AgencyId]] = {}
    cut = set[date]()
    for day, counts in (await unanswered(readers, _over(calendar, today), limit=_MOST)).items():
        if counts:
            by_day.setdefault(calendar.end_of(day), Counter()).update(counts)
        if sum(counts.values()) >= _MOST:
            cut.add(calendar.end_of(day))
    return Missed(by_day=by_day, cut=frozenset(cut))


async def missed_by(
    readers: Readers, calendar: Workdays, today: date, office: AgencyId, *, limit: int
) -> list[Unanswered]:
    """What one office misses, the earliest first."""
    return await unanswered_of(readers, office, _over(calendar, today), limit=limit)


def _over(calendar: Workdays, today: date) -> list[date]:
    """Days, within MISSED_DAYS, on which an answer was due whose term is over."""
    days = (today - timedelta(days=ago) for ago in range(1, MISSED_DAYS + 1))
    return [day for day in days if calendar.end_of(day) < today]
