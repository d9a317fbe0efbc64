"""What administrators do with users of the console. See `gateway.admin.acts`.

The first administrator is made by the command: whoever may use the socket owns the machine. A reply holds a
password once, and is never logged.
"""

from __future__ import annotations

from typing import Literal

from msgspec import field

from gateway.accounts.roles import Role
from gateway.admin.acts import Change, Desk, Reply
from gateway.clock import rfc3339
from gateway.errors import RefusedError


class AddUser(Change, kw_only=True):
    """Somebody who may use the console from now on."""

    login: str
    name: str = ""
    role: Role
    may_preview: bool = False
    #: Codes of the offices that a clerk acts for.
    offices: list[str] = field(default_factory=list)
    #: Who it is at the provider of [console.oidc]; then there is no password.
    subject: str = ""


class SetUser(Change, kw_only=True):
    """What is given is set, the rest stays."""

    login: str
    name: str | None = None
    role: Role | None = None
    may_preview: bool | None = None
    offices: list[str] | None = None


class ActOnUser(Change, kw_only=True):
    """Disable, enable, unlock, or give another first password."""

    act: Literal["disable", "enable", "unlock", "reset"]
    login: str


class EndSessions(Change, kw_only=True):
    """Sign somebody out."""

    login: str
    #: The beginning of the session's id; empty: all of them.
    session: str = ""


async def add_user(desk: Desk, request: AddUser, actor: str) -> Reply:
    """The user, with the first password in clear."""
    base = desk.foundation
    user, password = await base.users.add(
        request.login,
        name=request.name,
        role=request.role,
        may_preview=request.may_preview,
        offices=request.offices,
        subject=request.subject,
        actor=actor,
        now=base.clock.now(),
        why=request.reason,
    )
    ends_at = "" if user.password_ends_at is None else rfc3339(user.password_ends_at)
    return {"login": user.login, "id": user.id, "role": str(user.role), "password": password, "until": ends_at}


async def set_user(desk: Desk, request: SetUser, actor: str) -> Reply:
    """Name, role and rights; the person signs in again. Nobody gives any to the own user: another one must."""
    base = desk.foundation
    user = await base.users.require(request.login)
    if user.actor == actor and (request.role, request.may_preview, request.offices) != (None, None, None):
        raise RefusedError("own_rights")
    await base.users.set_rights(
        user,
        name=request.name,
        role=request.role,
        may_preview=request.may_preview,
        offices=request.offices,
        actor=actor,
        now=base.clock.now(),
        why=request.reason,
    )
    return {"login": user.login, "changed": True}


async def act_on_user(desk: Desk, request: ActOnUser, actor: str) -> Reply:
    """One of the acts; a reset gives the password in clear."""
    base, now = desk.foundation, desk.foundation.clock.now()
    user = await base.users.require(request.login)
    if request.act == "reset":
        password = await base.users.reset(user, actor=actor, now=now, why=request.reason)
        return {"login": user.login, "act": request.act, "password": password}
    act = {"disable": base.users.disable, "enable": base.users.enable, "unlock": base.users.unlock}[request.act]
    await act(user, actor=actor, now=now, why=request.reason)
    return {"login": user.login, "act": request.act}


async def end_sessions(desk: Desk, request: EndSessions, actor: str) -> Reply:
    """One session, or all of them; how many ended."""
    base, now = desk.foundation, desk.foundation.clock.now()
    user = await base.users.require(request.login)
    chosen = [request.session] if request.session else [one.id for one in await base.sign_in.sessions(user.id, now)]
    for session in chosen:
        await base.sign_in.end(user.id, session, actor=actor, now=now, why=request.reason)
    return {"login": user.login, "ended": len(chosen)}
