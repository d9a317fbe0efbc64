"""Offices at a glance: a strip of all of them, and a map of those whose place is known, drawn here as SVG.

The picture needs no script and nothing from outside; every mark is a link with its name and state in words, and
bears a sign beside its colour. The table below says the same.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from aiohttp import web

from gateway.accounts.roles import Permission
from gateway.admin.offices import MOST, Office, offices
from gateway.channel_health import ChannelHealth
from gateway.console.channels import HEALTH
from gateway.console.formats import office
from gateway.console.route import Route
from gateway.console.visit import Visit
from gateway.data.places import Place

#: What stands on a mark, for whoever does not go by colours.
SIGNS: Final[Mapping[ChannelHealth, str]] = {
    ChannelHealth.PAUSED: "॥",
    ChannelHealth.DOWN: "!",
    ChannelHealth.UNREADABLE: "×",
    ChannelHealth.SILENT: "?",
    ChannelHealth.REFUSING: "≠",
    ChannelHealth.FAILING: "½",
    ChannelHealth.SLOW: "~",
    ChannelHealth.FINE: "",
}
#: Of a strip: marks in a row, and the side of one.
ROW: Final = 16
SIDE: Final = 18
#: Of the map: its width, and the room around it.
_WIDTH: Final = 1000.0
_ROOM: Final = 20.0
#: Between offices of which one point is known: wards of a town.
_ASIDE: Final = 19.0
#: Of names: how far above the middle, a letter, a line, and the lines by which one gives way to another.
_ABOVE: Final = 13.0
_LETTER: Final = 7.0
_LINE: Final = 16.0
_ASTRAY: Final = (0, 1, -1, 2, -2, 3, -3)


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """An office in a picture."""

    office: Office
    x: float
    y: float


async def show(visit: Visit) -> web.StreamResponse:
    """The page."""
    newest = await visit.parts.live.newest()
    return visit.page("offices.html", newest=newest, **await _values(visit))


async def now(visit: Visit) -> web.StreamResponse:
    """The same, for a page that is open."""
    return visit.page("offices_part.html", **await _values(visit))


async def _values(visit: Visit) -> dict[str, Any]:
    found = await offices(visit.base)
    marks, height = on_map([each for each in found if each.place is not None])
    counts = Counter(each.standing.judgement.health for each in found)
    return {
        "offices": found,
        "is_cut": len(found) >= MOST,
        "strips": strips(found),
        "names": names_on_map(marks),
        "row": ROW,
        "side": SIDE,
        "marks": marks,
        "height": height,
        "counts": {health: counts[health] for health in ChannelHealth},
        "health": HEALTH,
        "signs": SIGNS,
    }


def strips(found: Sequence[Office]) -> list[tuple[str, list[Mark], int]]:
    """One for each office with those below it, itself first: its name, the marks row by row, the height."""
    heads = {each.above for each in found}
    below: dict[str, list[Office]] = {}
    for each in sorted(found, key=lambda each: (each.agency.name not in heads, each.agency.name)):
        name = each.agency.name
        below.setdefault(name if name in heads else each.above or name, []).append(each)
    return [
        (
            head,
            [Mark(office=each, x=place % ROW * SIDE, y=place // ROW * SIDE) for place, each in enumerate(those)],
            math.ceil(len(those) / ROW) * SIDE,
        )
        for head, those in sorted(below.items())
    ]


def names_on_map(marks: Sequence[Mark]) -> list[tuple[str, float, float]]:
    """The offices above those on the map, each above the middle of its own; names give way to each other."""
    below: dict[str, list[Mark]] = {}
    for mark in marks:
        below.setdefault(mark.office.above, []).append(mark)
    middles = [
        (median(each.y for each in those) - _ABOVE, median(each.x for each in those), office(above))
        for above, those in below.items()
        if above
    ]
    placed: list[tuple[str, float, float]] = []
    for y, x, name in sorted((y, x, name.removeprefix("UBND ")) for y, x, name in middles):
        steps = (y + step * _LINE for step in _ASTRAY)
        free = (at for at in steps if not any(_overlap((name, x, at), other) for other in placed))
        placed.append((name, round(x, 1), round(next(free, y), 1)))
    return placed


def _overlap(one: tuple[str, float, float], other: tuple[str, float, float]) -> bool:
    """Whether two names stand on each other."""
    room = (len(one[0]) + len(other[0])) * _LETTER / 2
    return abs(one[1] - other[1]) < room and abs(one[2] - other[2]) < _LINE


def on_map(found: Sequence[Office]) -> tuple[list[Mark], int]:
    """North is up; a degree of longitude is as wide as it is at that latitude. Marks, and the picture's height."""
    places = [each.place for each in found if each.place is not None]
    if not places:
        return [], 0
    west, east = min(each.lon for each in places), max(each.lon for each in places)
    south, north = min(each.lat for each in places), max(each.lat for each in places)
    shrink = math.cos(math.radians((south + north) / 2))
    scale = (_WIDTH - 2 * _ROOM) / max((east - west) * shrink, 0.01)
    marks: list[Mark] = []
    taken: Counter[Place] = Counter()
    for each in found:
        if each.place is None:
            continue
        aside = taken[each.place] * _ASIDE
        taken[each.place] += 1
        marks.append(
            Mark(
                office=each,
                x=round(_ROOM + (each.place.lon - west) * shrink * scale + aside, 1),
                y=round(_ROOM + (north - each.place.lat) * scale, 1),
            )
        )
    return marks, round(2 * _ROOM + (north - south) * scale)


ROUTES: Final = (
    Route("GET", "/offices", show, Permission.VIEW),
    Route("GET", "/offices/now", now, Permission.VIEW),
)
