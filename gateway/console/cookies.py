"""The cookies of the console; `__Host-` binds each to this very host, over TLS, for all paths."""

from __future__ import annotations

from typing import Final

from aiohttp import web

#: What a session is known by.
SESSION: Final = "__Host-session"
#: What forms of somebody who is not signed in are bound to.
STRANGER: Final = "__Host-stranger"
#: What shows that somebody signed in with this browser lately.
DEVICE: Final = "__Host-device"
_YEAR: Final = 365 * 86_400


def held(request: web.BaseRequest, name: str) -> str:
    """What a browser sent of one of ours; "" for what we never give: bytes that are no text, for example."""
    value = request.cookies.get(name, "")
    return value if value.isascii() else ""


def set_session(response: web.StreamResponse, held: str) -> None:
    """From now on this browser is signed in; what it was before is forgotten."""
    _set(response, SESSION, held)
    forget(response, STRANGER)


def set_stranger(response: web.StreamResponse, held: str) -> None:
    """Somebody who may sign in."""
    _set(response, STRANGER, held)


def set_lasting(response: web.StreamResponse, name: str, value: str, *, seconds: int = _YEAR) -> None:
    """What opens nothing, and is kept for a year, or as long as is said."""
    _set(response, name, value, max_age=seconds)


def forget(response: web.StreamResponse, name: str) -> None:
    """Take a cookie away."""
    _set(response, name, "", max_age=0)


def _set(response: web.StreamResponse, name: str, value: str, *, max_age: int | None = None) -> None:
    response.set_cookie(name, value, max_age=max_age, path="/", secure=True, httponly=True, samesite="Lax")
