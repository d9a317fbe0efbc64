"""Forms that came when their session had ended: shown in words, each to be sent now or left.

What a person filled in stands there under the names that pages have for it, and can still be changed. What pages
put into forms by themselves (ids, marks) goes along unseen: the act and the page it was on say what it is about.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from aiohttp import web

from gateway.accounts.late_forms import LateForm
from gateway.accounts.roles import Permission
from gateway.console.acts import NAMES
from gateway.console.gate import page_of, page_of_form
from gateway.console.roles import ROLES
from gateway.console.route import Route
from gateway.console.visit import KEPT_FIELD, Visit
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
    "above": N_("Above it"),
    "members": N_("Members"),
    "add": N_("Add"),
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
    "endpoint": N_("Channel"),
    "host": N_("Name of this machine for the vendor's (empty: only this machine)"),
    "to": N_("The other office (name or code)"),
    "organ_id": N_("Office (code)"),
    "issuer": N_("Issuer"),
    "number": N_("Number"),
    "by": N_("By whom"),
    "at": N_("When (Vietnam's time)"),
    "binding": N_("Protocol"),
}
#: Fields that are called otherwise in one form, by its address and name.
_OTHERWISE: Final[Mapping[tuple[str, str], str]] = {
    ("answer", "reason"): N_("In your own words"),
    ("telephoned", "reason"): N_("What was said"),
    ("do", "number"): N_("Number of the letter or receipt"),
    ("match", "delivery"): N_("Id of the delivery"),
    ("run", "receiver"): N_("Where to push (webhook)"),
    ("run", "networks"): N_("Networks that the vendor's system comes from"),
    ("run", "hours"): N_("Hours at most"),
    ("groups", "name"): N_("Groups of recipients"),
    ("views", "name"): N_("Keep this search as"),
    ("calendar", "name"): N_("Name of the day"),
}
#: What is chosen of a few.
_CHOICES: Final[Mapping[str, Mapping[str, str]]] = {
    "role": {str(role): name for role, name in ROLES.items()},
    "preview": {"1": N_("May look into documents")},
    "end": {"1": N_("no longer")},
    "even_so": {"1": N_("It is another document: register it all the same")},
    "keep": {"1": N_("Here as well"), "0": N_("No longer here")},
    "order": {"urgency": N_("the more urgent"), "oldest": N_("express, then the oldest")},
    "what": {"off": N_("day off"), "work": N_("working day"), "rule": N_("Take out")},
    "how": {"propose": N_("Ask a second person")},
    "answer": {
        "withdrawn": N_("Withdraw the proposal"),
        "consented": N_("Consent"),
        "refused": N_("Refuse"),
        "confirm": N_("Confirm the destruction"),
        "cancel": N_("Cancel the order"),
    },
}
#: What pages put into forms by themselves; whatever is not named here is shown.
_UNSEEN: Final = frozenset({
    "act", "answers", "back", "code", "columns", "credential", "delivery", "document", "filter", "how", "ids",
    "kept", "kind", "line", "mark", "message", "next", "office", "once", "one", "session", "status", "subject",
    "then",
})  # fmt: skip
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
    "run": N_("Start a run"),
}
_LONG: Final = 60


async def show(visit: Visit) -> web.StreamResponse:
    """They stay until they were sent or left."""
    forms = [_renewed(visit, kept) for kept in await visit.base.late_forms.of(visit.user.id, visit.at)]
    if not forms:
        return visit.redirect("/")
    pages = [page_of_form(await page_of(visit.request, kept.path), dict(kept.fields)) for kept in forms]
    told = [(kept, _names(kept), _does(kept), page) for kept, page in zip(forms, pages, strict=True)]
    return visit.page("kept.html", forms=told, days=_DAYS, long=_LONG, field=KEPT_FIELD)


def called(end: str, name: str, value: str = "") -> str:
    """What a field is called in the form whose address ends so; nothing where it is not shown as a field."""
    if value in _CHOICES.get(name, {}):
        return ""
    known = _OTHERWISE.get((end, name)) or _FIELDS.get(name, "")
    return known or ("" if name in _UNSEEN else name)


async def leave(visit: Visit) -> web.StreamResponse:
    """It is not wanted any more."""
    late_forms = visit.base.late_forms
    await late_forms.leave(visit.user.id, visit.form.get("kept", ""), visit.at)
    following = "/kept" if late_forms.count(visit.user.id, visit.at) else "/"
    return visit.redirect(following, flash=visit.gettext("The form is gone; nothing of it was done."))


def _renewed(visit: Visit, kept: LateForm) -> LateForm:
    """As it counts now: one that was kept over a restart has a mark (`once`) of the run before."""
    once = visit.parts.once
    fields = tuple((name, once.renewed(value) if name == "once" else value) for name, value in kept.fields)
    return replace(kept, fields=fields)


def _names(kept: LateForm) -> dict[str, str]:
    end = kept.path.rpartition("/")[2]
    return {name: called(end, name, value) for name, value in kept.fields}


def _does(kept: LateForm) -> list[str]:
    """In words, with what was chosen of a few; nothing where there are none."""
    fields, end = dict(kept.fields), kept.path.rpartition("/")[2]
    asked = (fields.get("act", ""), fields.get("code", "") if end == "answer" else "", end)
    act = next((_DOES[each] for each in asked if each in _DOES), "")
    chosen = [_CHOICES[name][value] for name, value in kept.fields if value in _CHOICES.get(name, {})]
    return [*filter(None, [act]), *chosen]


ROUTES: Final = (
    Route("GET", "/kept", show, Permission.SELF),
    Route("POST", "/kept/leave", leave, Permission.SELF),
)
