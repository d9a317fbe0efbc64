"""Which offices a sentence names: what an office says that returned a document, "thuộc thẩm quyền của UBND xã Hai".

By whole names, the longest first, and by codes; capitals, diacritics and "Ủy ban nhân dân" for UBND make no
difference. A name that several open offices bear names none. It decides nothing: a person reads the sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from gateway.directory.directory import Directory
from gateway.directory.fold import fold
from gateway.model import Agency, AgencyId

_PAGE: Final = 500
_LONGEST: Final = 1_000
_WORD: Final = re.compile(r"\w+")
_CODE: Final = re.compile(r"\w+(?:\.\w+){2,}")
_Names = Mapping[tuple[str, ...], Agency | None]


async def offices_named(
    directory: Directory, texts: Iterable[str], now: datetime
) -> Mapping[str, Mapping[AgencyId, Agency]]:
    """Open agencies with a channel that each of some texts names."""
    names = await _names(directory, now)
    longest = max((len(key) for key in names), default=0)
    found: dict[str, dict[AgencyId, Agency]] = {}
    for text in texts:
        codes = await directory.resolve(_CODE.findall(text[:_LONGEST]), now)
        agencies = [*_by_name(_words(text[:_LONGEST]), names, longest), *codes.values()]
        found[text] = {each.id: each for each in agencies if _can_get(each, now)}
    return found


async def _names(directory: Directory, now: datetime) -> _Names:
    names: dict[tuple[str, ...], Agency | None] = {}
    after: AgencyId | None = None
    while page := await directory.page(limit=_PAGE, after=after):
        after = page[-1].id
        for each in page:
            key = _words(each.name)
            if len(key) > 1 and _can_get(each, now):  # one word alone may be any
                names[key] = None if key in names else each
    return names


def _by_name(words: Sequence[str], names: _Names, longest: int) -> Iterable[Agency]:
    at = 0
    while at < len(words):
        for end in range(min(len(words), at + longest), at + 1, -1):
            if (key := tuple(words[at:end])) in names:
                if (agency := names[key]) is not None:
                    yield agency
                at = end
                break
        else:
            at += 1


def _words(text: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(fold(text).replace("uy ban nhan dan", "ubnd")))


def _can_get(agency: Agency, now: datetime) -> bool:
    return agency.endpoint is not None and (agency.closed_at is None or agency.closed_at > now)
