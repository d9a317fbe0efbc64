"""Signing in at the provider of [console.oidc]: there, and back with a code."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from gateway.accounts.provider import AWAY, Leaving
from gateway.accounts.roles import Permission
from gateway.accounts.users import User
from gateway.console.gate import page_that_exists
from gateway.console.route import Route
from gateway.console.sign_in import signed_in, take_try
from gateway.console.visit import Visit
from gateway.errors import RefusedError
from gateway.ratelimit import site_of

_BACK: Final = "/login/back"


async def leave(visit: Visit) -> web.StreamResponse:
    """Off to the provider."""
    parts = visit.parts
    if not parts.provider.is_set:
        raise RefusedError("not_found")
    take_try(visit)
    leaving = Leaving.drawn(
        following=await page_that_exists(visit.request, visit.request.query.get("next", "/")),
        held=visit.held,
        at=visit.at,
    )
    address = await parts.provider.address(leaving, _back(visit))
    parts.leaving.put(leaving.state, leaving)
    return visit.redirect(address)


async def come_back(visit: Visit) -> web.StreamResponse:
    """With a code, once, in the same browser, within minutes."""
    try:
        user, following = await _returned(visit)
    except RefusedError:
        visit.base.sign_in.heard("provider")
        raise
    held = await visit.base.sign_in.open(
        user,
        address=site_of(visit.request.remote or ""),
        agent=visit.request.headers.get("User-Agent", ""),
        now=visit.at,
    )
    return await signed_in(visit, held, following)


async def _returned(visit: Visit) -> tuple[User, str]:
    """Who it is, and where to go on."""
    parts, query = visit.parts, visit.request.query
    leaving = parts.leaving.pop(query.get("state", ""))
    if leaving is None or leaving.held != visit.held or visit.at - leaving.at > AWAY or "code" not in query:
        raise RefusedError("sign_in_failed")
    subject = await parts.provider.subject(leaving, query["code"], _back(visit), visit.at)
    user = await visit.base.users.find_subject(subject)
    if user is None or user.disabled_at is not None:
        raise RefusedError("sign_in_failed")
    return user, leaving.following


def _back(visit: Visit) -> str:
    settings = visit.base.settings.console
    return (settings.public_url or f"https://localhost:{settings.port}").rstrip("/") + _BACK


ROUTES: Final = (
    Route("GET", "/login/provider", leave, Permission.OPEN, before_ready=True),
    Route("GET", _BACK, come_back, Permission.OPEN, before_ready=True),
)
