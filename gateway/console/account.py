"""A person's own account: password, second factor, open sessions."""

from __future__ import annotations

from datetime import datetime
from typing import Final, TypedDict

import segno
from aiohttp import web
from markupsafe import Markup

from gateway.accounts.passwords import check_choice, new_totp, totp_step, totp_uri
from gateway.accounts.roles import Permission
from gateway.accounts.sign_in import digest_of
from gateway.console import cookies
from gateway.console.parts import Flash
from gateway.console.route import Route
from gateway.console.sign_in import signed_in
from gateway.console.visit import Visit
from gateway.errors import RefusedError
from gateway.ratelimit import site_of

_ISSUER: Final = "Trục văn bản"


async def show(visit: Visit) -> web.StreamResponse:
    """Who one is here, and where one is signed in."""
    sessions = await visit.base.sign_in.sessions(visit.user.id, visit.at)
    agencies = await visit.base.directory.agencies(visit.offices)
    offices = sorted(agency.name for agency in agencies.values())
    return visit.page("account.html", sessions=sessions, offices=offices)


async def show_password(visit: Visit) -> web.StreamResponse:
    """The form for another one."""
    return visit.page("password.html")


async def choose_password(visit: Visit) -> web.StreamResponse:
    """From now on another one counts; other sessions end."""
    form, user, users = visit.form, visit.user, visit.base.users
    # paid like a try to sign in: whoever sits down at an open browser shall not guess it
    visit.parts.tries.take(user.id, visit.base.clock.monotonic())
    await visit.base.sign_in.prove_password(user, form.get("old", ""), **_tried(visit))
    chosen = form.get("new", "")
    check_choice(chosen, user.login)
    if chosen == form.get("old", "") or chosen != form.get("again", ""):
        raise RefusedError("password_weak", visit.gettext("The new password is the old one, or was not repeated."))
    await users.choose_password(user, chosen, session=visit.session.id, now=visit.at)
    return await _anew(visit, visit.gettext("Your password is changed."))


async def show_second_factor(visit: Visit) -> web.StreamResponse:
    """A new secret as a QR code and in letters, to be proved by a code of it."""
    secret = new_totp()
    uri = totp_uri(secret, visit.user.login, _ISSUER)
    picture = Markup(segno.make(uri, error="m").svg_inline(scale=5, border=2, light="#fff", svgclass="qr"))  # noqa: S704
    return visit.page("second_factor.html", secret=secret, picture=picture)


async def set_second_factor(visit: Visit) -> web.StreamResponse:
    """Take the secret that was shown, if a code of it comes with it; or take the present one away.

    Where there is a second factor, a code of it is asked for in both cases. Whoever has lost it asks an
    administrator, whose reset takes it away, as an event.
    """
    form, user = visit.form, visit.user
    visit.parts.tries.take(user.id, visit.base.clock.monotonic())
    await visit.base.sign_in.prove(
        user,
        form.get("password", ""),
        form.get("present", ""),
        **_tried(visit),
    )
    secret = "".join(form.get("secret", "").split())
    step = _step(secret, form.get("code", ""), visit.at)
    if secret and not step:
        raise RefusedError("sign_in_failed", visit.gettext("The code is not of this secret."))
    await visit.base.users.set_totp(user, secret, session=visit.session.id, now=visit.at)
    told = visit.gettext("One-time codes are on.") if secret else visit.gettext("One-time codes are off.")
    return await _anew(visit, told, step=step)


class _Tried(TypedDict):
    """Where somebody tries from, and when."""

    address: str
    now: datetime
    device: str


def _tried(visit: Visit) -> _Tried:
    request = visit.request
    return _Tried(address=site_of(request.remote or ""), now=visit.at, device=cookies.held(request, cookies.DEVICE))


def _step(secret: str, code: str, now: datetime) -> int:
    """The step of a code; 0 where it is none, or the secret none of ours."""
    try:
        return totp_step(secret, code, now)
    except ValueError:
        return 0


async def _anew(visit: Visit, told: str, *, step: int = 0) -> web.StreamResponse:
    """On with a session of another id: whoever had got hold of the one before the change has nothing any more.

    `step`: the code that was given for the new secret is used up.
    """
    held = await visit.base.sign_in.open(
        visit.user,
        step=step,
        address=site_of(visit.request.remote or ""),
        agent=visit.request.headers.get("User-Agent", ""),
        now=visit.at,
    )
    response = await signed_in(visit, held, "/account")
    visit.parts.flashes.put(digest_of(held), [Flash(text=told)])
    return response


async def end_session(visit: Visit) -> web.StreamResponse:
    """Sign another browser out."""
    chosen = visit.form.get("session", "")
    await visit.base.sign_in.end(visit.user.id, chosen, actor=visit.actor, now=visit.at)
    return visit.redirect("/account", flash=visit.gettext("The session has ended."))


ROUTES: Final = (
    Route("GET", "/account", show, Permission.SELF),
    Route("GET", "/account/password", show_password, Permission.SELF, before_ready=True),
    Route("POST", "/account/password", choose_password, Permission.SELF, before_ready=True),
    Route("GET", "/account/second-factor", show_second_factor, Permission.SELF, before_ready=True),
    Route("POST", "/account/second-factor", set_second_factor, Permission.SELF, before_ready=True),
    Route("POST", "/account/sessions/end", end_session, Permission.SELF),
)
