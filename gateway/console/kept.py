"""A form that came when its session had ended: shown in words, to be sent now or left.

What a person filled in stands there under the names that pages have for it, and can still be changed. What pages
put into forms by themselves (ids, marks) goes along unseen: the act and the page it was on say what it is about.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from aiohttp import web

from gateway.accounts.roles import Permission
from gateway.console.acts import NAMES
from gateway.console.parts import Kept
from gateway.console.route import Route
from gateway.console.visit import Visit
from gateway.console.words import N_

#: What people fill in, as pages call it.
_FIELDS: Final[Mapping[str, str]] = {
    "reason": N_("Reason"),
    "preset": N_("Reason"),
    "receiver": N_("Unit or person who gets it"),
    "passed_on": N_("Passed on"),
    "due_on": N_("Due"),
    "copies": N_("Copies"),
    "note": N_("Note"),
    "name": N_("Name"),
    "members": N_("Members"),
    "spoke_to": N_("With whom you spoke"),
    "hours": N_("Hours"),
    "until": N_("Until (Vietnam's time)"),
    "starts": N_("Begins (Vietnam's time)"),
    "ends": N_("Ends (Vietnam's time)"),
    "most": N_("At most so many transmissions at once"),
    "day": N_("Day"),
    "first": N_("First day"),
    "last": N_("Last day"),
    "login": N_("Login"),
    "offices": N_("Offices of a clerk (codes)"),
    "label": N_("Label"),
    "days": N_("Days"),
    "networks": N_("Networks"),
    "agent": N_("Agent (code)"),
    "successor": N_("Successor (code)"),
    "channel": N_("Channel"),
    "host": N_("Name of this machine for the vendor's (empty: only this machine)"),
    "to": N_("Code of the other office"),
}
#: Fields that are called otherwise in one form, by its address and name.
_OTHERWISE: Final[Mapping[tuple[str, str], str]] = {
    ("answer", "reason"): N_("In your own words"),
    ("telephoned", "reason"): N_("What was said"),
    ("run", "organ_id"): N_("Office (code)"),
    ("run", "receiver"): N_("Where to push (webhook)"),
    ("run", "networks"): N_("Networks that the vendor's system comes from"),
    ("run", "hours"): N_("Hours at most"),
    ("groups", "name"): N_("Groups of recipients"),
    ("views", "name"): N_("Keep this search as"),
    ("calendar", "name"): N_("Name of the day"),
}
_DAYS: Final = frozenset({"passed_on", "due_on", "day", "first", "last"})
#: What a form does: by its act, the status that it gives, or the end of its address.
_DOES: Final[Mapping[str, str]] = {
    **{str(act): name for act, name in NAMES.items()},
    "02": N_("Return it (02)"),
    "04": N_("Assigned (04)"),
    "05": N_("In progress (05)"),
    "06": N_("Finished (06)"),
    "15": N_("Agree (15)"),
    "16": N_("Decline (16)"),
    "register": N_("Register (03)"),
    "duplicate": N_("answer that it is a duplicate"),
    "void": N_("Strike the line out"),
    "groups": N_("Groups of recipients"),
    "acknowledge": N_("Acknowledge"),
    "snooze": N_("Put off"),
    "telephoned": N_("Heard by telephone"),
    "pause": N_("Pause the channel"),
    "resume": N_("Use the channel again"),
    "pace": N_("Pace"),
    "order": N_("Set the order"),
    "compare": N_("Compare with its books"),
    "poll": N_("Read its list now"),
    "test": N_("Send a test document"),
    "maintenance": N_("Announce maintenance"),
    "rights": N_("Rights"),
    "reset": N_("New first password"),
    "unlock": N_("Unlock"),
    "enable": N_("Let in again"),
    "disable": N_("Let in no more"),
    "sessions": N_("End all sessions"),
    "users": N_("Somebody new"),
    "token": N_("Issue a token"),
    "enrol": N_("One-time code for a certificate"),
    "revoke": N_("Revoke"),
    "route": N_("Set the channel"),
    "represent": N_("Who speaks for it"),
    "close": N_("Close the agency"),
    "calendar": N_("Enter days"),
    "run": N_("Start a run"),
}
_LONG: Final = 60


async def show(visit: Visit) -> web.StreamResponse:
    """It stays until it was sent or left."""
    kept = visit.parts.kept_of(visit.user.id, visit.at)
    if kept is None:
        return visit.redirect("/")
    end = kept.path.rpartition("/")[2]
    names = {name: _OTHERWISE.get((end, name), _FIELDS.get(name, "")) for name, _ in kept.fields}
    return visit.page(
        "kept.html", kept=kept, names=names, days=_DAYS, long=_LONG, does=_does(kept), page=await _page(visit, kept)
    )


async def leave(visit: Visit) -> web.StreamResponse:
    """It is not wanted any more."""
    visit.parts.kept.pop(visit.user.id)
    return visit.redirect("/", flash=visit.gettext("The form is gone; nothing of it was done."))


def _does(kept: Kept) -> str:
    """In words; nothing where there are none."""
    fields, end = dict(kept.fields), kept.path.rpartition("/")[2]
    asked = (fields.get("act", ""), fields.get("code", "") if end == "answer" else "", end)
    return next((_DOES[each] for each in asked if each in _DOES), "")


async def _page(visit: Visit, kept: Kept) -> str:
    """The page it was on, as far as its address tells."""
    path, router = kept.path, visit.request.app.router
    while path:
        found = await router.resolve(visit.request.clone(method="GET", rel_url=path))
        if found.http_exception is None:
            return path
        path = path.rpartition("/")[0]
    return ""


ROUTES: Final = (
    Route("GET", "/kept", show, Permission.SELF),
    Route("POST", "/kept/leave", leave, Permission.SELF),
)
