"""By when an answer is due, as pages show it: the day, the last day of its term, and who is late."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from gateway.clock import VIETNAM
from gateway.console.document_story import Story
from gateway.console.visit import Visit
from gateway.ledger.calendar import workdays
from gateway.ledger.desk import Item
from gateway.ledger.figures import due_of
from gateway.workdays import Workdays


@dataclass(frozen=True, kw_only=True, slots=True)
class Term:
    """Of one document."""

    day: date
    #: The day itself or, where that is a day off, the next working day.
    last: date
    #: Recipients that have not answered: the term is over; it is not.
    overdue: int
    open: int

    @property
    def is_moved(self) -> bool:
        """Whether it ends later than the sender wrote."""
        return self.last != self.day


async def term_of(visit: Visit, story: Story, day: date | None) -> Term | None:
    """Of a document, for the recipients that are shown; None where no answer is due."""
    if day is None:
        return None
    calendar, today = await workdays(visit.base.readers), _today(visit)
    shown = {each.agency_id for each in story.recipients}
    lines = [each for each in await due_of(visit.base.readers, story.summary[0]) if each.recipient in shown]
    outcomes = [calendar.outcome(each.day, each.answered_at, today) for each in lines]
    return Term(day=day, last=calendar.end_of(day), overdue=outcomes.count("overdue"), open=outcomes.count("open"))


async def terms_of(visit: Visit, items: Iterable[Item]) -> Mapping[str, Term]:
    """Of what waits at a desk, by delivery."""
    due = [each for each in items if each.due_on]
    if not due:
        return {}
    calendar, today = await workdays(visit.base.readers), _today(visit)
    return {each.delivery_id: term for each in due if (term := _waiting(calendar, each.due_on, today)) is not None}


def _waiting(calendar: Workdays, text: str, today: date) -> Term | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    is_late = calendar.outcome(day, None, today) == "overdue"
    return Term(day=day, last=calendar.end_of(day), overdue=int(is_late), open=int(not is_late))


def _today(visit: Visit) -> date:
    return visit.at.astimezone(VIETNAM).date()
