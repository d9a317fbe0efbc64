"""What was changed of agencies, users, channels and settings: when, by whom, why, and what about.

For administrators and auditors. The ledger's history holds ids, codes and instants; names are those of today. Here
nothing is changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from aiohttp import web

from gateway.accounts.roles import Permission
from gateway.accounts.users import User
from gateway.clock import instant
from gateway.console import formats
from gateway.console.agencies import ChannelName, channel_names, known, names_of, one, with_code
from gateway.console.change_rows import Change, list_changes
from gateway.console.document_words import actors_of
from gateway.console.roles import ROLES
from gateway.console.route import Route
from gateway.console.visit import Visit
from gateway.console.words import N_
from gateway.model import Agency, AgencyId
from gateway.reasons import REASONS

_PAGE: Final = 50
#: On the page of an agency, or of a user.
NEWEST: Final = 8
#: Characters of a digest, of any other fact, and offices that are shown.
_DIGEST, _LONGEST, _OFFICES = 16, 120, 20

EVENTS: Final[Mapping[str, str]] = {
    "agency.imported": N_("Agencies taken from a file or form"),
    "agency.closed": N_("Agency closed"),
    "agency.registered": N_("Agency entered in a peer's catalogue"),
    "agency.deregistered": N_("Agency taken out of a peer's catalogue"),
    "agency.rerouted": N_("Channel of the agency set"),
    "agency.taken": N_("Served by the gateway from then on"),
    "agency.watched": N_("Served by another system; the gateway watches"),
    "agency.returned": N_("Served by another system from then on"),
    "agency.certificate_bound": N_("Certificate for signing bound"),
    "agency.certificate_ended": N_("Certificate for signing ended"),
    "agency.encryption_published": N_("Certificate for encryption published"),
    "agency.encryption_ended": N_("Certificate for encryption ended"),
    "catalogue.synced": N_("Directory brought to a peer's catalogue"),
    "catalogue.held": N_("A peer's catalogue waits for a person"),
    "representation.added": N_("One agency may speak for another"),
    "representation.ended": N_("One agency speaks for another no longer"),
    "enrolment.offered": N_("One-time code for a certificate given"),
    "credential.issued": N_("Token, certificate or secret issued"),
    "credential.renewed": N_("Certificate renewed"),
    "credential.restricted": N_("Networks of a credential set"),
    "credential.revoked": N_("Token, certificate or secret revoked"),
    "user.added": N_("User added"),
    "user.changed": N_("Rights or name of a user changed"),
    "user.reset": N_("New first password given"),
    "user.rekeyed": N_("Password chosen"),
    "user.secured": N_("One-time codes set or taken away"),
    "user.disabled": N_("User let in no more"),
    "user.enabled": N_("User let in again"),
    "user.locked": N_("User locked after wrong passwords"),
    "user.unlocked": N_("User unlocked"),
    "session.ended": N_("Session of a user ended"),
    "key.registered": N_("Key of an office for receipts counts"),
    "key.ended": N_("Key of an office for receipts ended"),
    "alerting.set": N_("How an office is told was set"),
    "desk.opened": N_("Desk in the browser opened for an office"),
    "desk.closed": N_("Desk in the browser closed for an office"),
    "endpoint.configured": N_("Channel made or changed"),
    "endpoint.rekeyed": N_("Key of a channel replaced"),
    "outage.announced": N_("Maintenance announced"),
    "outage.ended": N_("Maintenance called off or over"),
    "calendar.changed": N_("Days off or working days changed"),
    "configuration.reloaded": N_("Settings read again"),
    "key.taken": N_("The gateway signs with another key"),
    "revocation.loaded": N_("Revocation lists loaded"),
    "encryption.begun": N_("Encryption of stored documents begun"),
    "encryption.rekeyed": N_("Key of stored documents replaced"),
    "ledger.taken": N_("Ledger of another gateway taken over"),
    "log.declared": N_("Loss in the log declared"),
}
#: What a fact is called. Those of `_ABOUT` stand beside what was done; what is in neither is for programs.
_FACTS: Final[Mapping[str, str]] = {
    "agent": N_("speaks for it"),
    "successor": N_("Successor"),
    "endpoint": N_("Channel"),
    "kind": N_("Sort"),
    "role": N_("Role"),
    "preview": N_("May look into documents"),
    "offices": N_("Offices"),
    "networks": N_("Networks"),
    "from": N_("from"),
    "until": N_("until"),
    "expires_at": N_("Ends"),
    "closed_at": N_("from"),
    "first": N_("First day"),
    "last": N_("Last day"),
    "as": N_("counts as"),
    "addresses": N_("addresses"),
    "code": N_("Code"),
    "outcome": N_("Outcome"),
    "created": N_("new"),
    "changed": N_("changed"),
    "closed": N_("agencies closed"),
    "refused": N_("rows refused"),
    "purpose": N_("Purpose"),
    "fingerprint": N_("Fingerprint"),
    "certificate": N_("Certificate"),
    "origin": N_("origin"),
    "credential": N_("Id"),
}
_ABOUT: Final = ("agency", "principal", "office")
_INSTANTS: Final = frozenset({"from", "until", "expires_at", "closed_at"})
_WORDS: Final[Mapping[str, str]] = {
    "certificate": N_("certificate"),
    "token": N_("token"),
    "off": N_("day off"),
    "work": N_("working day"),
    "rule": N_("by the rule again"),
    "revoked": N_("revoked"),
    "replaced": N_("replaced"),
    "done": N_("done"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """A change, in the person's language."""

    at: datetime
    what: str
    #: The agency or the user, and its page; "" where it is about neither.
    about: str
    page: str
    details: Sequence[tuple[str, str]]
    who: str
    why: str


async def show(visit: Visit) -> web.StreamResponse:
    """All, or those of an agency or of a user."""
    query, base = visit.request.query, visit.base
    text, login = query.get("agency", "").strip()[:200], query.get("user", "").strip()[:64]
    agency = await _agency(visit, text) if text else None
    user = await _user(visit, login) if login else None
    found = await list_changes(
        base.readers,
        limit=_PAGE + 1,
        before=formats.small_number(query.get("before", "")) or None,
        agency=agency.id if agency else None,
        user=user.id if user else None,
    )
    asked = {"agency": agency.id if agency else "", "user": user.login if user else ""}
    more = {"before": str(found[_PAGE - 1].seq), **asked} if len(found) > _PAGE else {}
    return visit.page(
        "admin_changes.html",
        changes=await told(visit, found[:_PAGE]),
        agency=with_code(agency) if agency else "",
        user=user.login if user else "",
        users=await base.users.all(),
        older=visit.address("/administration/changes", **more) if more else "",
    )


async def newest(visit: Visit, *, agency: str | None = None, user: str | None = None) -> list[Told]:
    """The last few of an agency, or of a user."""
    return await told(visit, await list_changes(visit.base.readers, limit=NEWEST, agency=agency, user=user))


async def _agency(visit: Visit, text: str) -> Agency:
    """By the id that pages link, or as people name it."""
    return (await known(visit, [text])).get(AgencyId(text)) or await one(visit, text)


async def _user(visit: Visit, text: str) -> User:
    return await visit.base.users.get(text) or await visit.base.users.require(text)


async def told(visit: Visit, changes: Sequence[Change]) -> list[Told]:
    """In words, with the names of whom and what they are about."""
    agencies = await known(visit, {key for each in changes for key in _agencies_of(each)})
    users = await visit.names({f"user:{each.facts['user']}" for each in changes if "user" in each.facts})
    words = _Words(visit, agencies, users, await channel_names(visit.base.directory))
    actors = await actors_of(visit, {each.actor for each in changes})
    return [words.told(each, actors) for each in changes]


def _agencies_of(change: Change) -> Iterable[str]:
    for name in (*_ABOUT, "agent", "successor"):
        if name in change.facts:
            yield str(change.facts[name])
    offices = change.facts.get("offices")
    yield from map(str, offices[:_OFFICES] if isinstance(offices, list) else ())


@dataclass(frozen=True, slots=True)
class _Words:
    visit: Visit
    agencies: Mapping[AgencyId, Agency]
    users: Mapping[str, str]
    channels: Mapping[str, ChannelName]

    def told(self, change: Change, actors: Mapping[str, str]) -> Told:
        about, page = self._about(change.facts)
        return Told(
            at=change.at,
            what=self.visit.gettext(EVENTS.get(change.kind, change.kind)),
            about=about,
            page=page,
            details=list(self._details(change.facts)),
            who=actors.get(change.actor, change.actor),
            why=change.note,
        )

    def _about(self, facts: Mapping[str, object]) -> tuple[str, str]:
        key = next((str(facts[name]) for name in _ABOUT if facts.get(name)), "")
        if key:
            return self._names([key]), f"/administration/agencies/{key}"
        user = str(facts.get("user", ""))
        return self.users.get(f"user:{user}", user), f"/administration/users/{user}" if user else ""

    def _details(self, facts: Mapping[str, object]) -> Iterable[tuple[str, str]]:
        for name, label in _FACTS.items():
            if name in facts and (text := self._text(name, facts[name])):
                yield self.visit.gettext(label), text

    def _text(self, name: str, value: Any) -> str:
        """Of one fact; "" where it says nothing."""
        if value is None:
            return "–" if name == "endpoint" else ""
        _, language = self.visit.gettext, self.visit.preferences.language
        forms: Mapping[str, Callable[[], str]] = {
            "agent": lambda: self._names([value]),
            "successor": lambda: self._names([value]),
            "offices": lambda: self._names(value[:_OFFICES]) + (" …" if len(value) > _OFFICES else ""),
            "endpoint": lambda: self.channels[value].called if value in self.channels else value,
            "networks": lambda: ", ".join(value) or _("anywhere"),
            "preview": lambda: _("yes") if value else _("no"),
            "role": lambda: _(ROLES.get(value, value)),
            "first": lambda: formats.day(date.fromisoformat(value), language),
            "last": lambda: formats.day(date.fromisoformat(value), language),
            "fingerprint": lambda: value[:_DIGEST],
            "certificate": lambda: value[:_DIGEST],
            "outcome": lambda: self.visit.of(REASONS[value]) if value in REASONS else _(_WORDS.get(value, value)),
        }
        if name in _INSTANTS and isinstance(value, int):
            return self.visit.instant(instant(value))
        text = str(value)
        return forms[name]() if name in forms else _(_WORDS[text]) if text in _WORDS else text[:_LONGEST]

    def _names(self, ids: Iterable[str]) -> str:
        return names_of(self.agencies, ids)


ROUTES: Final = (Route("GET", "/administration/changes", show, Permission.VIEW_ADMINISTRATION),)
