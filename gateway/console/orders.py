"""Orders to destroy: what waits for whom, which documents each is for, and what became of it.

Orders are made by a rule of retention or at the server (`gateway purge order`), never here. A person sees the very
documents before answering; `gateway.ledger.purges` decides whether this one may be the first or the second.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from aiohttp import web

from gateway.accounts.roles import Permission
from gateway.admin import purges
from gateway.admin.purges import CancelPurge, ConfirmPurge
from gateway.clock import instant
from gateway.console.acts import converted
from gateway.console.document_words import actors_of
from gateway.console.route import Route
from gateway.console.visit import Visit
from gateway.errors import RefusedError
from gateway.foundation import Foundation
from gateway.ledger.params import as_json

#: Answered ones that the list shows, open ones, and documents of one page.
RECENT: Final = 20
MOST: Final = 200
_LINES: Final = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """One of them."""

    id: str
    ref: str
    reason: str
    with_envelope: bool
    #: Papers of registers, too.
    documents: int
    made_at: datetime
    made_by: str
    #: Who answered for it first; "" while nobody did for what a rule made.
    asked_by: str
    asked_at: datetime | None
    confirmed_by: str
    confirmed_at: datetime | None
    confirmed_why: str
    ended_by: str
    ended_at: datetime | None
    outcome: str
    destroyed: int
    held: int
    lapses_at: datetime

    @property
    def is_waiting(self) -> bool:
        """Nothing of it is destroyed yet."""
        return not self.confirmed_by and not self.outcome

    @property
    def is_of_machine(self) -> bool:
        """A user of the server's own answered for it first: the second one does so there, too."""
        return bool(self.asked_by) and not self.asked_by.startswith("user:")

    @property
    def actors(self) -> set[str]:
        """Who had to do with it."""
        return {self.made_by, self.asked_by, self.confirmed_by, self.ended_by} - {""}


async def orders(base: Foundation, *, waiting: bool) -> list[Order]:
    """Those that wait for a person, or the newest of the others."""
    asked = {"waiting": int(waiting), "limit": MOST if waiting else RECENT}
    rows = await base.readers.fetch("purge_list_newest", asked)
    return await _orders(base, (row[0] for row in rows))


async def _orders(base: Foundation, ids: Iterable[str]) -> list[Order]:
    rows = await base.readers.fetch("purge_list_shown", (as_json(list(ids)),))
    names, within = tuple(Order.__dataclass_fields__)[:-1], base.settings.retention.confirm_within
    found = []
    for row in rows:
        fields = dict(zip(names, row, strict=True))
        fields |= {
            name: instant(fields[name]) for name in names if name.endswith("_at") and fields[name] is not None
        }
        fields["with_envelope"] = bool(fields["with_envelope"])
        found.append(Order(**fields, lapses_at=fields["made_at"] + within))
    return sorted(found, key=lambda each: (each.made_at, each.id), reverse=True)


async def show(visit: Visit) -> web.StreamResponse:
    """One order with its documents."""
    newest = await visit.parts.live.newest()
    return visit.page("order.html", newest=newest, **await _values(visit))


async def part(visit: Visit) -> web.StreamResponse:
    """The same, for a page that is open."""
    return visit.page("order_part.html", **await _values(visit))


async def _values(visit: Visit) -> dict[str, Any]:
    base, key = visit.base, visit.request.match_info["id"]
    found = await _orders(base, [key])
    if not found:
        raise RefusedError("not_found", key)
    [order] = found
    # pages go on in the documents, or in the papers, which the first page shows both
    place = {name: visit.request.query.get(name, "")[:40] for name in ("beyond", "after")}
    page = {"order": key, "limit": _LINES + 1}
    documents, papers = list[tuple[Any, ...]](), list[tuple[Any, ...]]()
    if not place["after"]:
        documents = await base.readers.fetch("purge_document_shown", page | {"beyond": place["beyond"]})
    if not place["beyond"]:
        papers = await base.readers.fetch("purge_paper_shown", page | {"beyond": place["after"]})
    known = await base.directory.agencies({row[2] for row in (*documents, *papers)})
    return {
        "order": order,
        "place": {name: text for name, text in place.items() if text},
        "documents": documents[:_LINES],
        "more": documents[_LINES - 1][0] if len(documents) > _LINES else "",
        "papers": papers[:_LINES],
        "more_papers": papers[_LINES - 1][0] if len(papers) > _LINES else "",
        "offices": {row[2]: known[row[2]].name if row[2] in known else row[2] for row in (*documents, *papers)},
        "people": await actors_of(visit, order.actors),
        "instant": instant,
        "may": visit.may(Permission.ADMINISTER),
        "has_lapsed": visit.at >= order.lapses_at,
    }


async def answer(visit: Visit) -> web.StreamResponse:
    """Answer for an order to destroy, or cancel it."""
    key = visit.request.match_info["id"]
    given, server = {"order": key, "reason": visit.form.get("reason", "")}, visit.parts.server
    said = visit.form.get("answer", "")
    if said not in {"confirm", "cancel"}:  # what cannot be undone is asked for by its name
        raise RefusedError("parameter_invalid", "answer")
    if said == "cancel":
        done = await purges.cancel_purge(server, converted(given, CancelPurge), visit.actor)
        told = visit.gettext("The order is cancelled: nothing is destroyed.")
        if done["destroyed"]:
            told = visit.gettext("The order is cancelled: no more is destroyed than was before.")
        return visit.redirect(f"/requests/orders/{key}", flash=told)
    done = await purges.confirm_purge(server, converted(given, ConfirmPurge), visit.actor)
    told = visit.gettext("The order is confirmed: it is carried out now.")
    if not done["confirmed"]:
        told = visit.gettext("You have answered for the order; a second person must confirm it.")
    return visit.redirect(f"/requests/orders/{key}", flash=told)


ROUTES: Final = (
    Route("GET", "/requests/orders/{id}", show, Permission.OPERATE),
    Route("GET", "/requests/orders/{id}/now", part, Permission.OPERATE),
    Route("POST", "/requests/orders/{id}", answer, Permission.ADMINISTER),
)
