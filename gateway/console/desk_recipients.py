"""Recipients as clerks write them, one a line: codes, names, or words of a name; and names while they are typed.

A name that is one agency's is read as its code. What may be several, or nobody, stays as it was written: a draft is
kept however unfinished, and its page says what is in the directory.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from gateway.accounts.roles import Permission
from gateway.console.agencies import one, written
from gateway.console.route import Route
from gateway.console.visit import Visit
from gateway.directory.fold import shortened, written_out
from gateway.errors import RefusedError
from gateway.model import Agency

#: Names that are looked for in one form; agencies that are suggested.
_MOST_NAMES: Final = 200
_SUGGESTED: Final = 10
_LONGEST: Final = 300


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipients:
    """What was read."""

    #: Each once; what is nobody's code is as it was written.
    codes: tuple[str, ...]
    #: Names of those that were found by words of the name alone.
    guessed: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Named:
    """Recipients with their names."""

    unknown: tuple[str, ...]
    known: tuple[tuple[str, str], ...]


async def recipients_of(visit: Visit, text: str) -> Recipients:
    """Those of a form; to look for names in it takes the turn of a heavy page, which readers wait for otherwise."""
    codes, guessed, names = list[str](), list[str](), 0
    async with AsyncExitStack() as stack:
        for each in await written(visit, text):
            if each.is_code:
                codes.append(each.text)
                continue
            name = each.text[:_LONGEST]
            names += 1
            if names == 1:
                await stack.enter_async_context(visit.parts.turns.one(visit.user.id))
            found = await _called(visit, name) if names <= _MOST_NAMES else None
            codes.append(found.organ_id if found else name)
            if found and written_out(found.name) != written_out(name):
                guessed.append(found.name)
    return Recipients(codes=tuple(dict.fromkeys(codes)), guessed=tuple(dict.fromkeys(guessed)))


async def _called(visit: Visit, name: str) -> Agency | None:
    """The one agency that is called so, abbreviated or not."""
    for text in dict.fromkeys((name, written_out(name), shortened(name))):
        try:
            return await one(visit, text, is_open=True)
        except RefusedError as error:
            if error.code == "agency_ambiguous":
                return None
    return None


async def named(visit: Visit, codes: Iterable[str]) -> Named:
    """Those that are in the directory, and what is not."""
    codes = tuple(codes)
    found = await visit.base.directory.resolve(codes, visit.at)
    return Named(
        unknown=tuple(code for code in codes if code not in found),
        known=tuple((code, found[code].name) for code in codes if code in found),
    )


async def suggest(visit: Visit) -> web.StreamResponse:
    """Agencies for a field in which somebody types."""
    text = visit.request.query.get("q", "")[:_LONGEST]
    return visit.page("desk_suggested.html", found=await visit.base.directory.search(text, limit=_SUGGESTED))


ROUTES: Final = (Route("GET", "/desk/agencies", suggest, Permission.DESK),)
