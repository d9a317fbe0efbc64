"""A filter as conditions on what the index holds of a line, and those as an expression [SQLite FTS5]: pure code.

The index has what does not change about a line (`search_text` in the schema): facts as one word each, the number in
several forms, words. Only letters a to z and digits get into an expression, each word quoted, so that nobody writes
in the language of the index. Where few lines are left, the same conditions are asked of their texts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.directory.fold import fold, number_parts, squeezed, words
from gateway.search.filter import Filter

#: Columns of the index.
COLUMNS: Final = ("facts", "number", "subject", "extra")

_MARKS: Final = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Condition:
    """One of the alternatives, each of several words, stands in some columns."""

    columns: tuple[str, ...]
    any_of: tuple[tuple[str, ...], ...]

    def __str__(self) -> str:
        columns = self.columns[0] if len(self.columns) == 1 else f"{{{' '.join(self.columns)}}}"
        alternatives = (" AND ".join(f'"{word}"' for word in each) for each in self.any_of)
        return f"{columns} : ({' OR '.join(f'({each})' for each in alternatives)})"

    @property
    def loosely(self) -> str:
        """What the index is asked to see how often it can hold at most: one word of each alternative, anywhere."""
        return " OR ".join(f'"{max(each, key=len)}"' for each in self.any_of)

    def holds(self, found: Mapping[str, frozenset[str]]) -> bool:
        """Whether it holds of the words of each column."""
        here = frozenset().union(*(found[column] for column in self.columns))
        return any(here.issuperset(each) for each in self.any_of)


def expression_of(conditions: Iterable[Condition]) -> str:
    """What the index is asked; "" for no condition."""
    return " AND ".join(map(str, conditions))


def worded(wanted: Filter) -> list[Condition]:
    """The conditions that only the index, or the texts of a line, can tell: type, number, words."""
    return [
        *_facts("t", wanted.type),
        *_code(wanted.code),
        *(Condition(("subject",), ((each,),)) for each in words(wanted.subject)),
        *(Condition(("number", "subject", "extra"), ((each,),)) for each in words(wanted.text)),
    ]


def plain(wanted: Filter, scope: Iterable[str] | None) -> list[Condition]:
    """Those that columns of the ledger tell as well. `scope`: agencies of whose lines some are shown."""
    found = [
        *_facts("s", wanted.sender),
        *_facts("r", wanted.recipient),
        *_facts("e", wanted.channel),
        *_facts("u", wanted.urgency),
    ]
    if scope is not None:
        keys = sorted(map(squeezed, scope)) or ["nobody"]
        found.append(Condition(("facts",), tuple((f"{letter}{each}",) for each in keys for letter in "sr")))
    return found


def kind_of(wanted: Filter) -> list[Condition]:
    """Documents or statuses; alone it is no reason to ask the index, since half of all lines fit."""
    return [] if wanted.kind == "all" else [Condition(("facts",), ((f"k{wanted.kind}",),))]


def tokens(text: str) -> frozenset[str]:
    """The words of a text as the index has them."""
    return frozenset(_MARKS.split(fold(text)))


def _facts(letter: str, values: Sequence[str]) -> list[Condition]:
    return [Condition(("facts",), tuple((f"{letter}{squeezed(each)}",) for each in values))] if values else []


def _code(code: str) -> list[Condition]:
    number, notation = number_parts(code)
    conditions = []
    if number:
        conditions.append(Condition(("number",), ((f"n{number}",),)))
    if whole := squeezed(notation):
        conditions.append(Condition(("number",), ((f"k{whole}",), tuple(words(notation)))))
    return conditions
