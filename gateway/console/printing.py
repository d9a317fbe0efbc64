"""Reports as PDF, by the writer of the printable certificate: the same facts, the same bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from aiohttp import web

from gateway.bundle.pdf import Sheets
from gateway.console.headers import SECURITY


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A heading with its lines; a line that has a name is a fact."""

    title: str
    lines: Sequence[tuple[str, str]]
    #: What stands there where it has no lines.
    nothing: str = ""


#: A rule, a heading and the first line below it, which no page's end parts; a line; signatures with their names.
_HEAD: Final = 50.0
_LINE: Final = 20.0
_SIGNED: Final = 110.0


def pdf(
    title: str,
    parts: Sequence[Part],
    *,
    language: str,
    made_at: datetime,
    foot: str,
    signed: Sequence[tuple[str, str, str]] = (),
) -> bytes:
    """The file; `signed` is who signs it below, two beside each other: as what, how, and the name."""
    sheets = Sheets(title=title, language=language, made_at=made_at, foot=foot)
    sheets.begin()
    sheets.text(title, size=17, is_bold=True)
    sheets.space(8)
    for part in parts:
        # signatures alone on a sheet would be of nothing
        sheets.keep(_HEAD + _SIGNED if signed and part is parts[-1] else _HEAD)
        sheets.rule()
        sheets.text(part.title, size=11.5, is_bold=True)
        for place, (name, value) in enumerate(part.lines):
            if signed and part is parts[-1] and place == len(part.lines) - 1:
                sheets.keep(_LINE + _SIGNED)
            sheets.text(f"{name}: {value}" if name else value, indent=14, mark="•")
        if not part.lines:
            sheets.text(part.nothing or "–", indent=14)
        sheets.space(4)
    if signed:
        sheets.keep(_SIGNED)
        sheets.space(14)
        left, right = (_signature(sheets, *each, place=place) for place, each in enumerate(signed))
        sheets.beside(left, right)
    return sheets.file()


def _signature(sheets: Sheets, part: str, how: str, name: str, *, place: int) -> Callable[[], None]:
    """Room for one, in the left or right half."""
    room = sheets.width / 2

    def write() -> None:
        sheets.text(part, is_bold=True, is_centred=True, indent=place * room, room=room)
        sheets.text(how, size=8, is_centred=True, indent=place * room, room=room)
        sheets.space(44)
        sheets.text(name or " ", is_centred=True, indent=place * room, room=room)

    return write


def answer_pdf(content: bytes, name: str) -> web.Response:
    """A file to open or to keep."""
    headers = {**SECURITY, "Content-Disposition": f'inline; filename="{name}.pdf"'}
    return web.Response(body=content, content_type="application/pdf", headers=headers)
