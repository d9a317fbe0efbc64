"""Signing in and out."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from gateway.accounts.roles import Permission
from gateway.console import cookies
from gateway.console.gate import browser_or_address, page_that_exists
from gateway.console.headers import in_time, own_address
from gateway.console.route import Route
from gateway.console.visit import Visit
from gateway.errors import RefusedError
from gateway.ratelimit import site_of
from gateway.reasons import REASONS


async def show(visit: Visit) -> web.StreamResponse:
    """The form; who is signed in has no need of it."""
    following = await page_that_exists(visit.request, visit.request.query.get("next", "/"))
    if visit.signed_in is not None:
        return visit.redirect(following)
    return visit.page("login.html", following=following, login="", reason=None)


async def sign_in(visit: Visit) -> web.StreamResponse:
    """A new session, whatever the browser held before."""
    address, form = site_of(visit.request.remote or ""), visit.form
    take_try(visit)
    following = own_address(form.get("next", "/"))
    try:
        held = await visit.base.sign_in.sign_in(
            form.get("login", ""),
            form.get("password", ""),
            form.get("code", ""),
            address=address,
            device=cookies.held(visit.request, cookies.DEVICE),
            agent=visit.request.headers.get("User-Agent", ""),
            now=visit.at,
        )
    except RefusedError as error:
        reason = REASONS[error.code]
        response = visit.page(
            "login.html", status=reason.http, following=following, login=form.get("login", ""), reason=reason
        )
        return in_time(response, error)
    return await signed_in(visit, held, following)


def take_try(visit: Visit) -> None:
    """One try less: of the person in whose browser it is, else of the address, which many may share."""
    visit.parts.tries.take(browser_or_address(visit), visit.base.clock.monotonic())


async def signed_in(visit: Visit, held: str, following: str) -> web.StreamResponse:
    """Go on with a new session; the one that the browser had ends."""
    if visit.signed_in is not None:
        await visit.base.sign_in.end(visit.user.id, visit.session.id, actor=visit.actor, now=visit.at)
    session = await visit.base.sign_in.find(held)
    assert session is not None, "it was opened a moment ago"
    response = visit.redirect("/kept" if visit.base.late_forms.count(session.user_id, visit.at) else following)
    cookies.set_session(response, held)
    mark = visit.base.sign_in.devices.mark(session.user_id, visit.at)
    cookies.set_lasting(response, cookies.DEVICE, mark)
    return response


async def sign_out(visit: Visit) -> web.StreamResponse:
    """The session ends here and now."""
    await visit.base.sign_in.end(visit.user.id, visit.session.id, actor=visit.actor, now=visit.at)
    response = visit.redirect("/login")
    cookies.forget(response, cookies.SESSION)
    return response


ROUTES: Final = (
    Route("GET", "/login", show, Permission.OPEN, before_ready=True),
    Route("POST", "/login", sign_in, Permission.OPEN, before_ready=True),
    Route("POST", "/logout", sign_out, Permission.SELF, before_ready=True),
)
