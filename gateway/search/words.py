"""A filter as an expression of the index of lines [SQLite FTS5]: pure code.

The index has what does not change about a line (`search_text` in the schema): facts as one word each, the number in
several forms, words. Only letters a to z and digits get into an expression, each word quoted, so that nobody writes
in the language of the index.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from gateway.directory.fold import fold, words
from gateway.search.filter import Filter

_MARKS: Final = re.compile(r"[^a-z0-9]+")
#: Digits first, then perhaps a letter (`12a`), then what separates them from the notation.
_CODE: Final = re.compile(r"(?:so\s+)?(\d[\d\s]*[a-z]?)(?![a-z0-9])[\s/.,–—-]*(.*)")


def match_of(wanted: Filter, scope: Iterable[str] | None) -> str:
    """The expression; "" where the index need not be asked. `scope`: agencies of whose lines some are shown."""
    parts = [
        _facts("s", wanted.sender),
        _facts("r", wanted.recipient),
        _facts("e", wanted.channel),
        _facts("t", wanted.type),
        _facts("u", wanted.urgency),
        *_code(wanted.code),
        *(_word("subject", each) for each in words(wanted.subject)),
        *(_word("{number subject extra}", each) for each in words(wanted.text)),
    ]
    if scope is not None:
        keys = sorted(map(key, scope))
        parts.append(_any("facts", [f"{letter}{each}" for each in keys for letter in "sr"]))
    asked = [each for each in parts if each]
    if asked and wanted.kind != "all":
        asked.append(_word("facts", f"k{wanted.kind}"))
    return " AND ".join(asked)


def key(text: str) -> str:
    """An id or a name as the index has it: one word."""
    return _MARKS.sub("", fold(text))


def _facts(letter: str, values: Iterable[str]) -> str:
    return _any("facts", [f"{letter}{key(each)}" for each in values])


def _code(code: str) -> list[str]:
    folded = fold(code)
    if not folded:
        return []
    found = _CODE.match(folded)
    number, notation = (found[1], found[2]) if found else ("", folded)
    parts = []
    if number:
        parts.append(_word("number", f"n{_MARKS.sub('', number).lstrip('0')}"))
    if notation and (whole := key(notation)):
        parts.append(f'number : ("k{whole}" OR ({_quoted(words(notation), " AND ")}))')
    return parts


def _word(column: str, word: str) -> str:
    return f'{column} : "{word}"'


def _any(column: str, values: list[str]) -> str:
    return f"{column} : ({_quoted(values, ' OR ')})" if values else ""


def _quoted(values: list[str], between: str) -> str:
    return between.join(f'"{each}"' for each in values)
