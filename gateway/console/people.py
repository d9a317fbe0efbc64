"""Users of the console: who they are, what they may do, and their sessions. A first password is shown once."""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from gateway.accounts.roles import Permission
from gateway.accounts.users import User
from gateway.admin import users as acts
from gateway.admin.users import ActOnUser, AddUser, EndSessions, SetUser
from gateway.console import agencies
from gateway.console.acts import converted
from gateway.console.changes import newest
from gateway.console.once import counted_once
from gateway.console.roles import ROLES
from gateway.console.route import Route
from gateway.console.visit import Visit
from gateway.errors import RefusedError


async def show(visit: Visit) -> web.StreamResponse:
    """Everybody, and the form for somebody new."""
    return visit.page("admin_users.html", users=await visit.base.users.all(), roles=ROLES, once={})


async def add(visit: Visit) -> web.StreamResponse:
    """Somebody new; the password is in this answer alone."""
    form = visit.form
    given = {
        "login": form.get("login", ""),
        "name": form.get("name", "").strip(),
        "role": form.get("role", ""),
        "may_preview": form.get("preview") == "1",
        "offices": await _offices(visit),
        "reason": form.get("reason", "").strip(),
    }
    once = await acts.add_user(visit.parts.server, converted(given, AddUser), visit.actor)
    return visit.page("admin_users.html", users=await visit.base.users.all(), roles=ROLES, once=once)


async def one(visit: Visit) -> web.StreamResponse:
    """Rights and sessions of one of them."""
    return visit.page("admin_user.html", **await _values(visit, await _named(visit)))


async def change(visit: Visit) -> web.StreamResponse:
    """Rights, a lock, a password, or sessions of one of them; a form for a new password counts once."""
    if visit.form.get("act") != "reset":
        return await _change(visit)
    return await counted_once(visit, f"/administration/users/{(await _named(visit)).id}", _change)


async def _change(visit: Visit) -> web.StreamResponse:
    user, form, server = await _named(visit), visit.form, visit.parts.server
    act, given = form.get("act", ""), {"login": user.login, "reason": form.get("reason", "").strip()}
    if act == "rights":
        rights: dict[str, object] = {"name": form.get("name", "").strip() or user.name}
        if user.id != visit.user.id or "role" in form:  # the own page asks for the name alone
            rights |= {"role": form.get("role", ""), "may_preview": form.get("preview") == "1"}
            rights |= {"offices": await _offices(visit)}
        await acts.set_user(server, converted(given | rights, SetUser), visit.actor)
    elif act == "sessions":
        await acts.end_sessions(server, converted(given, EndSessions), visit.actor)
    else:
        once = await acts.act_on_user(server, converted(given | {"act": act}, ActOnUser), visit.actor)
        if "password" in once:
            return visit.page("admin_user.html", **(await _values(visit, user) | {"once": once}))
    return visit.redirect(f"/administration/users/{user.id}", flash=visit.gettext("Done."))


async def _offices(visit: Visit) -> list[str]:
    """Codes of the offices that the form names."""
    found = [
        each.text if each.is_code else (await agencies.one(visit, each.text, is_open=True)).organ_id
        for each in await agencies.written(visit, visit.form.get("offices", ""))
    ]
    return list(dict.fromkeys(found))


async def _named(visit: Visit) -> User:
    found = await visit.base.users.get(visit.request.match_info["id"])
    if found is None:
        raise RefusedError("not_found")
    return found


async def _values(visit: Visit, user: User) -> dict[str, Any]:
    base = visit.base
    offices = await base.directory.agencies(await base.users.offices(user.id))
    return {
        "user": await base.users.get(user.id),
        "offices": (served := sorted(offices.values(), key=lambda each: each.organ_id)),
        "served": "\n".join(map(agencies.with_code, served)),
        "sessions": await base.sign_in.sessions(user.id, visit.at),
        "changes": await newest(visit, user=user.id),
        "roles": ROLES,
        "once": {},
    }


_SEES, _CHANGES = Permission.VIEW_ADMINISTRATION, Permission.ADMINISTER
ROUTES: Final = (
    Route("GET", "/administration/users", show, _SEES),
    Route("POST", "/administration/users", add, _CHANGES),
    Route("GET", "/administration/users/{id}", one, _SEES),
    Route("POST", "/administration/users/{id}", change, _CHANGES),
)
