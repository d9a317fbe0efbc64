"""Reports as PDF, by the writer of the printable certificate: the same facts, the same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

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


def pdf(title: str, parts: Sequence[Part], *, language: str, made_at: datetime, foot: str) -> bytes:
    """The file."""
    sheets = Sheets(title=title, language=language, made_at=made_at, foot=foot)
    sheets.begin()
    sheets.text(title, size=17, is_bold=True)
    sheets.space(8)
    for part in parts:
        sheets.rule()
        sheets.text(part.title, size=11.5, is_bold=True)
        for name, value in part.lines:
            sheets.text(f"{name}: {value}" if name else value, indent=14, mark="•")
        if not part.lines:
            sheets.text(part.nothing or "–", indent=14)
        sheets.space(4)
    return sheets.file()


def answer_pdf(content: bytes, name: str) -> web.Response:
    """A file to open or to keep."""
    headers = {**SECURITY, "Content-Disposition": f'inline; filename="{name}.pdf"'}
    return web.Response(body=content, content_type="application/pdf", headers=headers)
