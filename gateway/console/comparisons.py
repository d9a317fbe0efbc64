"""A comparison of a day with a channel's own books: what differs, which document it is, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
from aiohttp import web

from gateway.accounts.roles import Permission
from gateway.admin.reconcile import KINDS, Meaning
from gateway.console.channels import channel_of
from gateway.console.route import Route
from gateway.console.visit import Visit
from gateway.console.words import N_
from gateway.errors import RefusedError
from gateway.model import Agency
from gateway.reasons import REASONS
from gateway.reconcile import Item, Report
from gateway.states import State

#: What the numbers of both directions are called.
NUMBERS: Final = {
    "transmissions_here": N_("Sent by us"),
    "transmissions_there": N_("Sent by its books"),
    "recipients_here": N_("Recipients, by us"),
    "recipients_there": N_("Recipients, by its books"),
    "answered": N_("Answered by a status"),
    "came": N_("Entries that came"),
    "accepted": N_("Accepted from it"),
    "acknowledged": N_("Confirmed to it"),
    "listed_now": N_("Listed by it now"),
}
_STATES: Final = frozenset(State)


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One document, or one entry of its list."""

    item: Item
    #: Who is to have it, by name where the directory knows it.
    recipient: str
    at: datetime | None
    #: When, in the peer's own words, where they are no time.
    said_at: str
    #: A state, or "".
    state: str
    #: What is said of it otherwise.
    words: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """All cases of a kind."""

    kind: str
    meaning: Meaning
    next_step: str
    count: int
    cases: list[Case]


async def show(visit: Visit) -> web.StreamResponse:
    """The page; `not_found` where it is no comparison of this channel."""
    channel = await channel_of(visit)
    key = visit.request.match_info["key"]
    row = await visit.base.readers.fetch_one("reconciliation_get", (key,)) if _is_id(key) else None
    if row is None or row[0] != key:
        raise RefusedError("not_found")
    report = msgspec.json.decode(row[1], type=Report)
    if report.channel != channel.state.endpoint.name:
        raise RefusedError("not_found")
    return visit.page(
        "comparison.html",
        channel=channel,
        report=report,
        made_at=datetime.fromisoformat(report.made_at),
        numbers={
            N_("What went out on the day"): report.outgoing.numbers,
            N_("What came in on the day"): report.incoming.numbers,
        },
        called=NUMBERS,
        differences=await _differences(visit, report),
    )


def _is_id(key: str) -> bool:
    return key.replace("-", "").isalnum()


async def _differences(visit: Visit, report: Report) -> list[Difference]:
    found = {**report.outgoing.findings, **report.incoming.findings}
    codes = {item.recipient for kind in found.values() for item in kind.items} - {""}
    agencies = await visit.base.directory.resolve(codes, visit.at)
    is_vi = visit.preferences.language == "vi"
    return [
        Difference(
            kind=name,
            meaning=meaning,
            next_step=meaning.next_vi if is_vi else meaning.next_en,
            count=found[name].count,
            cases=[_case(visit, item, agencies) for item in found[name].items],
        )
        for name, meaning in KINDS.items()
        if name in found and found[name].count
    ]


def _case(visit: Visit, item: Item, agencies: dict[str, Agency]) -> Case:
    reason: Any = REASONS.get(item.words)
    is_state, at = item.words in _STATES, _instant(item.at)
    return Case(
        item=item,
        recipient=agencies[item.recipient].name if item.recipient in agencies else item.recipient,
        at=at,
        said_at=item.at if at is None else "",
        state=item.words if is_state else "",
        words="" if is_state else visit.of(reason) if reason else item.words,
    )


def _instant(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else None


ROUTES: Final = (Route("GET", "/channels/{id}/comparisons/{key}", show, Permission.VIEW),)
