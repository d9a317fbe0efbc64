"""Reminding offices from a document's page: who would be told, told by one button, and what their desks show of it.

Whoever acts on deliveries may remind of any document, a clerk of those that the own offices sent. Offices that are
reached by a system of their own or an intermediary are named with their telephone numbers instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from aiohttp import web

from gateway.accounts.roles import Permission
from gateway.admin import reminding
from gateway.clock import instant
from gateway.console.document_story import Story, read_story
from gateway.console.document_words import actors_of
from gateway.console.route import Route
from gateway.console.visit import Visit
from gateway.errors import RefusedError
from gateway.ledger.params import as_json
from gateway.ledger.reminders import EVERY, Line, Unreminded
from gateway.model import AgencyId


@dataclass(frozen=True, kw_only=True, slots=True)
class Rehearsed:
    """What the button would come to now."""

    lines: Mapping[str, Line]
    #: Delivery -> why its office is not reminded; None: it is.
    why: Mapping[str, Unreminded | None]
    phones: Mapping[AgencyId, str]
    #: What those who reminded are called.
    people: Mapping[str, str]
    #: Hours between two reminders.
    hours: int = EVERY // timedelta(hours=1)

    def count(self, why: str | None) -> int:
        """Of how many that is so."""
        return sum(each == why for each in self.why.values())

    @property
    def owes(self) -> bool:
        """Whether one of those that would be reminded has registered it and owes an answer."""
        return any(self.lines[key].is_answered for key, why in self.why.items() if why is None)

    @property
    def last_at(self) -> datetime | None:
        """When somebody of those that were reminded lately was reminded last."""
        instants = (line.reminded_at for key, line in self.lines.items() if self.why[key] is Unreminded.LATELY)
        return max((each for each in instants if each is not None), default=None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Last:
    """The last reminder of a delivery, and by whom."""

    at: datetime
    by: str


def may_remind(visit: Visit, story: Story) -> bool:
    """Whether this person may remind of this document."""
    return story.whole and visit.may(Permission.REMIND) and story.destroyed_at is None


async def rehearsed(visit: Visit, story: Story) -> Rehearsed | None:
    """Of a document; None where this person may not, or it is none."""
    if not may_remind(visit, story):
        return None
    lines = {each.delivery_id: each for each in await reminding.lines_of(visit.base, story.summary[0])}
    if not lines:
        return None
    why = {key: each.why_not(visit.at) for key, each in lines.items()}
    called = {line.agency_id for key, line in lines.items() if why[key] is Unreminded.ELSEWHERE}
    return Rehearsed(
        lines=lines,
        why=why,
        phones=await visit.base.directory.phones(called),
        people=await actors_of(visit, {each.reminded_by for each in lines.values()}),
    )


async def last_of(visit: Visit, deliveries: Iterable[str]) -> Mapping[str, Last]:
    """The last reminders of some deliveries."""
    rows = await visit.base.readers.fetch("reminder_list_last", (as_json(list(deliveries)),))
    people = await actors_of(visit, {row[2] for row in rows})
    return {key: Last(at=instant(at), by=people[by]) for key, at, by in rows}


async def remind(visit: Visit) -> web.StreamResponse:
    """All that have not registered it, or the one whose button was pressed."""
    key, delivery = visit.request.match_info["id"], visit.form.get("delivery", "")[:80]
    story = await read_story(visit.base.readers, visit.base.directory, key, visit.scope)
    if story.destroyed_at is not None:
        raise RefusedError("body_purged", key)
    if not may_remind(visit, story):
        raise RefusedError("not_permitted")
    done = await reminding.remind(visit.parts.server, key, visit.actor, delivery_id=delivery)
    count = len(done.deliveries)
    if not count:
        visit.flash(visit.gettext("Nobody is left to be reminded now."), "note")
    else:
        text = visit.ngettext("%(count)s office is reminded.", "%(count)s offices are reminded.", count)
        visit.flash(text % {"count": visit.number(count)})
    if count > done.told:
        text = visit.ngettext(
            "%(count)s has given no address: it sees it at its desk and in its inbox.",
            "%(count)s have given no address: they see it at their desk and in their inbox.",
            count - done.told,
        )
        visit.flash(text % {"count": visit.number(count - done.told)}, "note")
    line = visit.form.get("line", "")[:80]
    return visit.redirect(visit.address(f"/documents/{story.summary[0]}", **({"line": line} if line else {})))


ROUTES: Final = (Route("POST", "/documents/{id}/remind", remind, Permission.REMIND),)
