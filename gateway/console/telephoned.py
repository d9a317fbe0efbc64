"""What somebody heard by telephone: that an office has an urgent document of which its system reports nothing.

It is written down at the alarm, for all the documents that were asked about, or on a document's page for one of its
recipients. It ends the alarm and changes no delivery; for an office nobody answers but its own clerk.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from aiohttp import web

from gateway.accounts.roles import Permission
from gateway.admin.alarms import Telephoned, telephoned, unconfirmed_of
from gateway.clock import instant
from gateway.console.acts import converted
from gateway.console.document_story import Story
from gateway.console.document_words import actors_of
from gateway.console.route import Route
from gateway.console.visit import Visit
from gateway.errors import RefusedError
from gateway.ledger.heard import MOST
from gateway.ledger.params import as_json
from gateway.states import State


@dataclass(frozen=True, kw_only=True, slots=True)
class HeardOf:
    """What was heard of one delivery."""

    at: datetime
    by: str
    spoke_to: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Calls:
    """Of the recipients of a document."""

    heard: Mapping[str, HeardOf]
    #: Deliveries of which this person may write down that somebody said so.
    may: frozenset[str]


async def calls_of(visit: Visit, story: Story) -> Calls:
    """Of a document's page."""
    rows = await visit.base.readers.fetch("heard_list_of_message", (story.summary[0],))
    shown = {each.id for each in story.recipients}
    people = await actors_of(visit, {by for _, _, by, _ in rows})
    heard = {key: HeardOf(at=instant(at), by=people[by], spoke_to=who) for key, at, by, who in rows if key in shown}
    may = frozenset[str]()
    if visit.may(Permission.OPERATE):
        waiting = [
            each.id for each in story.recipients if each.state is State.DELIVERED and not each.business_status
        ]
        fit = await visit.base.readers.fetch("delivery_list_to_hear_of", (as_json(waiting),)) if waiting else []
        may = frozenset(row[0] for row in fit if row[4])
    return Calls(heard=heard, may=may)


async def show(visit: Visit) -> web.StreamResponse:
    """What the alarm is about, to be ticked."""
    key = visit.request.match_info["id"]
    office, about = await unconfirmed_of(visit.base, key, visit.at)
    phones = await visit.base.directory.phones({office})
    agencies = await visit.base.directory.agencies({office})
    return visit.page(
        "alarm_telephoned.html",
        alarm=key,
        office=office,
        name=agencies[office].name if office in agencies else office,
        phone=phones[office],
        about=about,
        most=MOST,
    )


async def write_down(visit: Visit) -> web.StreamResponse:
    """Of those that are ticked."""
    key, ticked = visit.request.match_info["id"], visit.form.getall("delivery", [])
    if not ticked:
        raise RefusedError("parameter_invalid", "no document is chosen")
    await _heard(visit, alarm=key, deliveries=ticked)
    return visit.redirect("/alerts")


async def write_down_one(visit: Visit) -> web.StreamResponse:
    """Of one recipient of a document."""
    key, line = visit.request.match_info["id"], visit.form.get("delivery", "")[:80]
    rows = await visit.base.readers.fetch("delivery_list_to_hear_of", (as_json([line]),))
    if [row[1] for row in rows] != [key]:
        raise RefusedError("not_found")
    await _heard(visit, deliveries=[line])
    return visit.redirect(visit.address(f"/documents/{key}", line=line))


async def _heard(visit: Visit, **of: object) -> None:
    said = {name: visit.form.get(name, "").strip() for name in ("spoke_to", "reason")}
    done = await telephoned(visit.parts.server, converted({**of, **said}, Telephoned), visit.actor)
    text = visit.ngettext(
        "Written down for %(count)s document. It is no status of the office.",
        "Written down for %(count)s documents. It is no status of the office.",
        done["heard"],
    )
    visit.flash(text % {"count": visit.number(done["heard"])})
    if done["over"]:
        visit.flash(visit.gettext("The alarm is over."))


_MAY: Final = Permission.OPERATE
ROUTES: Final = (
    Route("GET", "/alarms/{id}/telephoned", show, _MAY),
    Route("POST", "/alarms/{id}/telephoned", write_down, _MAY),
    Route("POST", "/documents/{id}/telephoned", write_down_one, _MAY),
)
