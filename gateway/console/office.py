"""One office: whom to call, how it is reached and how that goes, what its systems are known by, what waits for it.

What people do here is done to its channel (`channels`), which it may share with others; then the page says so.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from aiohttp import web

from gateway.accounts.credentials import Credential, credential_of
from gateway.accounts.roles import Permission
from gateway.accounts.shared_secrets import SharedSecret, secret_of
from gateway.admin import watching
from gateway.admin.offices import standing_of
from gateway.clock import VIETNAM
from gateway.console.channels import HEALTH, contact_of, joined, turn_told
from gateway.console.document_words import FACTS, OUTCOMES
from gateway.console.route import Route
from gateway.console.visit import Visit
from gateway.errors import RefusedError
from gateway.model import Agency, AgencyId
from gateway.reasons import REASONS
from gateway.search.filter import Filter
from gateway.search.lines import Search
from gateway.states import State

_WAITING: Final = (State.QUEUED, State.DEFERRED, State.IN_FLIGHT, State.HELD)
_LINES: Final = 30
_TURNS: Final = 15
#: An end so near is told in another colour.
_SOON: Final = timedelta(days=30)


async def show(visit: Visit) -> web.StreamResponse:
    """The page."""
    newest = await visit.parts.live.newest()
    return visit.page("office.html", newest=newest, **await _values(visit))


async def now(visit: Visit) -> web.StreamResponse:
    """What changes of it, for a page that is open."""
    return visit.page("office_part.html", **await _values(visit))


async def _values(visit: Visit) -> dict[str, Any]:
    base = visit.base
    office = await _named(visit)
    endpoint = office.endpoint
    found, standing = (await standing_of(base, {office.id: office})).get(office.id, (None, None))
    record = (await base.directory.records([office.id]))[office.id]
    waiting = Filter(recipient=(office.id,), state=_WAITING, kind="all")
    page = await Search(base.readers).page(waiting, visit.scope, limit=_LINES)
    turns = [("", each) for each in await watching.history(base, endpoint.id)] if endpoint is not None else []
    told = watching.shortened(turns)
    history = told[:_TURNS]
    actors = {each.actor for _, each, _ in history} | ({found.state.paused_by} if found is not None else set())
    people = await visit.names(actors - {"", "gateway"})
    return {
        "office": office,
        "above": await _name(visit, office.parent_id),
        "contact": contact_of(record),
        "channel": found,
        "standing": standing,
        "health": HEALTH,
        "line": visit.parts.server.line_view(endpoint.id) if endpoint is not None else None,
        "sharing": await _sharing(visit, endpoint.id) if endpoint is not None else 0,
        "known_by": await _known_by(visit, office.id),
        "soon": visit.at + _SOON,
        "waiting": page.lines,
        "more": page.older is not None,
        "everything": f"/ledger?{waiting.address}",
        "history": [(each.at, turn_told(visit, each, people, times)) for _, each, times in history],
        "turns_left": len(told) - len(history),
        "replies": joined(await watching.replies(base, endpoint.id)) if endpoint is not None else [],
        "outcomes": OUTCOMES,
        "facts": FACTS,
        "reasons": REASONS,
        "people": people,
        "may": visit.may(Permission.OPERATE),
        "until": (visit.at + timedelta(hours=2)).astimezone(VIETNAM).strftime("%Y-%m-%dT%H:%M"),
        "now": visit.at,
    }


async def _named(visit: Visit) -> Agency:
    key = AgencyId(visit.request.match_info["id"])
    found = (await visit.base.directory.agencies([key])).get(key)
    if found is None or (visit.scope is not None and key not in visit.scope):
        raise RefusedError("not_found")
    return found


async def _name(visit: Visit, key: AgencyId | None) -> str:
    found = (await visit.base.directory.agencies([key])).get(key) if key is not None else None
    return found.name if found is not None else ""


async def _sharing(visit: Visit, endpoint_id: str) -> int:
    """How many other offices the channel serves."""
    row = await visit.base.readers.fetch_one("agency_count_of_endpoint", (endpoint_id,))
    return max(row[0] - 1, 0) if row else 0


async def _known_by(visit: Visit, key: AgencyId) -> list[Credential | SharedSecret]:
    """What its systems are known by and that has not been revoked, the next end first."""
    rows = await visit.base.readers.fetch("credential_list_of_agency", (key,))
    secrets = await visit.base.readers.fetch("shared_secret_list_of_agency", (key,))
    found: list[Credential | SharedSecret] = [*map(credential_of, rows), *map(secret_of, secrets)]
    return sorted((each for each in found if each.revoked_at is None), key=lambda each: each.expires_at)


ROUTES: Final = (
    Route("GET", "/offices/{id}", show, Permission.VIEW),
    Route("GET", "/offices/{id}/now", now, Permission.VIEW),
)
