"""The overview: what needs a person now, and how the exchange goes."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from gateway.accounts.roles import Permission
from gateway.console.route import Route
from gateway.console.visit import Visit


async def show(visit: Visit) -> web.StreamResponse:
    """The page."""
    newest = await visit.parts.live.newest()
    states = await visit.base.directory.endpoint_states() if visit.may(Permission.VIEW) else []
    return visit.page("overview.html", newest=newest, states=states)


ROUTES: Final = (Route("GET", "/", show, Permission.SELF),)
