"""The certificate as a PDF, in Vietnamese and then in English; the same facts, the same bytes."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import segno

from gateway.bundle.certificate import NOBODY, Code, Language, Paper, Signed, Told, paper_of, qr_text
from gateway.bundle.facts import Facts
from gateway.bundle.pdf import Sheets

_LANGUAGES: Final[tuple[Language, ...]] = ("vi", "en")
_QR_SIDE: Final = 110.0
_INDENT: Final = 14.0


def pdf(facts: Facts, signed: Signed = NOBODY) -> bytes:
    """The file."""
    papers = [paper_of(facts, language, signed) for language in _LANGUAGES]
    sheets = Sheets(
        title=f"{papers[0].title} / {papers[1].title}",
        language=_LANGUAGES[0],
        made_at=datetime.fromisoformat(facts.made_at),
        foot=f"SHA-256 {facts.document.sha256}",
    )
    code = [list(row) for row in segno.make(qr_text(facts), error="m", micro=False).matrix]
    for paper in papers:
        _set(sheets, paper, code)
    return sheets.file()


def _set(sheets: Sheets, paper: Paper, code: list[list[int]]) -> None:
    sheets.begin()
    sheets.text(paper.title, size=17, is_bold=True)
    sheets.space(8)
    for name, lines in paper.rows:
        sheets.text(name, is_bold=True)
        for line in lines:
            sheets.text(_plain(line), indent=_INDENT)
        sheets.space(4)
    for ladder in paper.ladders:
        sheets.rule()
        sheets.text(ladder.recipient, size=11.5, is_bold=True)
        sheets.text(ladder.state)
        for number, rung in enumerate(ladder.rungs, 1):
            sheets.text(_plain(rung), indent=2 * _INDENT, mark=f"{number}.")
    sheets.rule()
    if paper.log:
        sheets.text(_plain(paper.log))
    sheets.space(6)
    sheets.text(paper.limits_title, size=11.5, is_bold=True)
    for each in paper.limits:
        sheets.text(each, indent=_INDENT, mark="•")
    sheets.space(6)
    sheets.text(paper.how)
    sheets.space(10)
    sheets.squares(code, _QR_SIDE)


def _plain(told: Told) -> str:
    return "".join(each.text if isinstance(each, Code) else each for each in told)
