"""Pages whose forms with files came when the session had ended: named in a cookie, so that each says so once.

The files are kept by nobody; whoever comes back is told to choose them again, over a restart of the server, too. In
a browser that several share each is told of the own forms alone.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from aiohttp import web

from gateway.accounts.late_forms import KEPT_FOR
from gateway.console import cookies

COOKIE: Final = "__Host-late"
#: Pages that are remembered, and characters of one; a longer address is none of ours.
_MOST: Final = 5
_LONGEST: Final = 300


def remember(request: web.Request, response: web.StreamResponse, user_id: str, page: str) -> None:
    """One more, of somebody's."""
    name = _name(user_id, page)
    if len(name) <= _LONGEST:
        _set(response, [name, *(each for each in _held(request) if each != name)][:_MOST])


def is_remembered(request: web.Request, user_id: str, page: str) -> bool:
    """Whether it is one of these."""
    return _name(user_id, page) in _held(request)


def forget(request: web.Request, response: web.StreamResponse, user_id: str, page: str) -> None:
    """It was told."""
    _set(response, [each for each in _held(request) if each != _name(user_id, page)])


def _held(request: web.Request) -> list[str]:
    return cookies.held(request, COOKIE).split("|")[:_MOST]


def _set(response: web.StreamResponse, names: list[str]) -> None:
    if value := "|".join(filter(None, names)):
        cookies.set_lasting(response, COOKIE, value, seconds=int(KEPT_FOR.total_seconds()))
    else:
        cookies.forget(response, COOKIE)


def _name(user_id: str, page: str) -> str:
    return f"{quote(user_id, safe='')}:{quote(page, safe='')}"
