"""Texts that a spreadsheet would take for formulas, as CSV has them: with an apostrophe before them. Pure code.

What is written by `defused` is read back by `meant`, whatever the text: one that looks as if it had such an
apostrophe already gets one more.
"""

from __future__ import annotations

from typing import Final

#: What begins a formula in one spreadsheet or another.
_BEGINS: Final = frozenset("=+-@|%\t\r\n＝＋－＠")
_APOSTROPHE: Final = "'"


def defused(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"{_APOSTROPHE}{text}" if _is_formula(text) else text


def meant(cell: str) -> str:
    """The text of a cell that `defused` wrote."""
    return cell[1:] if cell.startswith(_APOSTROPHE) and _is_formula(cell) else cell


def _is_formula(text: str) -> bool:
    """Whether it begins as one, behind whatever apostrophes and spaces."""
    return text.lstrip(_APOSTROPHE).lstrip(" ")[:1] in _BEGINS
