"""Diagrams as SVG, made by the server: they need no script, print as they are, and follow the page's colours.

What a diagram shows stands in a table of the same page too; so it is one picture with one name to a screen reader.
Those as broad as a page are drawn twice, the second time for a telephone: the style shows one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final

from markupsafe import Markup

_WIDTH: Final = 900
#: Of one beside a table, of one on a telephone.
_NARROW, _SLIM = 460, 340
_HEIGHT: Final = 150
#: Room for the scale, for the names below.
_LEFT, _BELOW, _ABOVE = 44, 16, 14
_ROW: Final = 20
#: What the name of a column takes, and a letter of the name of a row.
_NAME, _LETTER = 60, 6
#: Of a bar that is cut into parts: its height, and the narrowest part.
_THICK, _SEEN = 18, 6.0
_HOURS_NAMED: Final = 3
#: Columns that a diagram has at most; more are added up.
MOST: Final = 62


@dataclass(frozen=True, slots=True)
class Column:
    """A bar: the part of `value` that `share` is stands out."""

    name: str
    value: int
    share: int = 0


def columns(title: str, bars: Sequence[Column], number: Callable[[int], str] = str) -> Markup:
    """Upright bars in the order given, neighbours added up where there are too many; numbers where they fit."""
    bars = _joined(bars)
    return _columns(title, bars, number, _WIDTH, "broad") + _columns(title, bars, number, _SLIM, "slim")


def _columns(title: str, bars: Sequence[Column], number: Callable[[int], str], whole: int, kind: str) -> Markup:
    top = max((bar.value for bar in bars), default=0) or 1
    room = (whole - _LEFT) / max(1, len(bars))
    drawn, step = [_scale(number(top), whole)], max(1, ceil(_NAME / room))
    has_numbers = (len(number(top)) + 1) * _LETTER <= room
    for place, bar in enumerate(bars):
        left, width = _LEFT + place * room, min(40.0, max(1.0, room * 0.8))
        drawn += [_upright("then", left, width, bar.value / top), _upright("", left, width, bar.share / top)]
        if has_numbers and bar.value:
            y = _HEIGHT - _BELOW - (_HEIGHT - _BELOW - _ABOVE) * bar.value / top - 3
            drawn.append(Markup('<text x="{:.1f}" y="{:.1f}">{}</text>').format(left, y, number(bar.value)))
        if place % step == 0 and left + _NAME / 2 < whole:
            drawn.append(Markup('<text x="{:.1f}" y="{}">{}</text>').format(left, _HEIGHT - 4, bar.name))
    return _picture(title, _HEIGHT, drawn, width=whole, kind=kind)


def hours(today: Sequence[int], then: Sequence[int], title: str) -> Markup:
    """Two bars for each hour, before and now, on a scale of whole numbers."""
    top = max(*today, *then, 1)
    room = (_NARROW - _LEFT) / len(today)
    drawn = [_scale(str(top), _NARROW)]
    for hour, (now, before) in enumerate(zip(today, then, strict=True)):
        left = _LEFT + hour * room
        drawn.append(Markup("<g><title>{}:00 – {} ({})</title>").format(hour, now, before))
        drawn.append(_upright("then", left + room * 0.12, room * 0.36, before / top))
        drawn.append(_upright("now", left + room * 0.5, room * 0.36, now / top))
        drawn.append(Markup("</g>"))
        if hour % _HOURS_NAMED == 0:
            drawn.append(Markup('<text x="{:.1f}" y="{}">{}:00</text>').format(left, _HEIGHT - 3, hour))
    return _picture(title, _HEIGHT, drawn, width=_NARROW)


def shares(parts: Sequence[tuple[str, int]], title: str) -> Markup:
    """One bar, cut into what it is made of: (tone, value); what is there at all can be seen."""
    whole = sum(value for _, value in parts)
    drawn, left = [], 0.0
    for tone, value in parts:
        if value:
            width = max(_SEEN, value / whole * _NARROW)
            drawn.append(_rect(tone, left, 0, width - 2, _THICK))
            left += width
    return _picture(title, _THICK, drawn or [_rect("then", 0, 0, _NARROW, _THICK)], width=left or _NARROW)


def rows(title: str, bars: Sequence[Column], number: Callable[[int], str] = str) -> Markup:
    """Bars from left to right, each with its name beside it, on a telephone above it, and its value."""
    told = [(bar, number(bar.value)) for bar in bars]
    broad = _rows(title, told, _WIDTH, "broad", left=_WIDTH * 0.4, below=0)
    return broad + _rows(title, told, _SLIM, "slim", left=0, below=_ROW - 4)


def _rows(
    title: str, bars: Sequence[tuple[Column, str]], whole: int, kind: str, *, left: float, below: int
) -> Markup:
    top = max((bar.value for bar, _ in bars), default=0) or 1
    room, letters = whole - left - _NAME, int((left or whole) / _LETTER)
    drawn = []
    for place, (bar, number) in enumerate(bars):
        y, width = place * (_ROW + below), room * bar.value / top
        name = bar.name if len(bar.name) <= letters else f"{bar.name[: letters - 1]}…"
        drawn.append(Markup('<text x="0" y="{}">{}</text>').format(y + 13, name))
        y += below
        drawn.append(_rect("then", left, y + 3, width, _ROW - 6))
        drawn.append(_rect("", left, y + 3, room * bar.share / top, _ROW - 6))
        drawn.append(Markup('<text x="{:.1f}" y="{}">{}</text>').format(left + width + 5, y + 13, number))
    return _picture(title, max(1, len(bars)) * (_ROW + below), drawn, width=whole, kind=kind)


def _joined(bars: Sequence[Column]) -> list[Column]:
    step = -(-len(bars) // MOST) or 1
    groups = [bars[at : at + step] for at in range(0, len(bars), step)]
    return [Column(each[0].name, sum(b.value for b in each), sum(b.share for b in each)) for each in groups]


def _scale(top: str, width: int) -> Markup:
    lines = Markup("").join(
        Markup('<line x1="{}" x2="{}" y1="{}" y2="{}"/>').format(_LEFT, width, y, y)
        for y in (_ABOVE, (_HEIGHT - _BELOW + _ABOVE) / 2, _HEIGHT - _BELOW)
    )
    return lines + Markup('<text x="0" y="{}">{}</text><text x="0" y="{}">0</text>').format(
        _ABOVE + 6, top, _HEIGHT - _BELOW
    )


def _upright(kind: str, left: float, width: float, share: float) -> Markup:
    height = (_HEIGHT - _BELOW - _ABOVE) * share
    return _rect(kind, left, _HEIGHT - _BELOW - height, width, height)


def _rect(kind: str, x: float, y: float, width: float, height: float) -> Markup:
    return Markup('<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>').format(
        kind or "now", x, y, max(0.0, width), max(0.0, height)
    )


def _picture(title: str, height: int, drawn: Sequence[Markup], *, width: float, kind: str = "") -> Markup:
    head = Markup('<svg class="{}" viewBox="0 0 {} {}" role="img" aria-label="{}">').format(
        f"bars {kind}".strip(), round(width), height, title
    )
    return head + Markup("").join(drawn) + Markup("</svg>")
