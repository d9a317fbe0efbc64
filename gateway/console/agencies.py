"""Agencies as people name them: by code, by name, by words of it; several in a form (`written`) or a search.

And channels, which people know by the agencies that they lead to.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.console.visit import Visit
from gateway.directory.directory import Directory
from gateway.directory.endpoints import called, label_of
from gateway.directory.fold import fold
from gateway.errors import RefusedError
from gateway.model import Agency, AgencyId

#: Agencies that words may mean in a search, and of those how many a refusal names.
_MOST = 20
_NAMED = 10
#: What is a code and no word of a name: `000.00.01.H33`, in the directory or not.
CODE: Final = re.compile(r"(?=.*\d)[\w-]+(\.[\w-]+)+")
#: Between agencies of a form; between codes alone, since a name may have commas.
_LINES: Final = re.compile(r"[\n;]+")
_WORDS: Final = re.compile(r"[\s,]+")
#: A code behind a name, as `with_code` writes it.
_BEHIND: Final = re.compile(r"\(([^()]{1,100})\)$")


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelName:
    """What a channel is called."""

    id: str
    #: Its own name.
    name: str
    #: The agency that it leads to, where that is one alone; else its own name.
    label: str

    @property
    def called(self) -> str:
        """Both, where they are not the same."""
        return called(self.name, self.label)


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """An agency as a form has it."""

    text: str
    #: A code of the directory, or what has the shape of one; else a name, or words of one.
    is_code: bool


async def channel_names(directory: Directory) -> dict[str, ChannelName]:
    """Of all channels, by their ids, in the order of what they are called."""
    leads_to = await directory.of_one_agency()
    found = [
        ChannelName(id=each.id, name=each.name, label=label_of(each, leads_to))
        for each in await directory.endpoints()
    ]
    return {each.id: each for each in sorted(found, key=lambda each: each.called)}


async def meant(visit: Visit, text: str) -> tuple[str, ...]:
    """Ids of all agencies that somebody may mean; RefusedError where there is none, or more than a search takes."""
    found: dict[str, Agency] = {}
    for part in filter(None, (each.strip() for each in text.split(";"))):
        found |= {each.id: each for each in await _fitting(visit, part)}
    if len(found) > _MOST:
        raise RefusedError("agency_ambiguous", _several(list(found.values())))
    return tuple(found)


async def written(visit: Visit, text: str) -> list[Written]:
    """Agencies of a form, each once: names, one a line or between semicolons; codes also by commas and spaces."""
    lines = [(" ".join(line.split()), [word for word in _WORDS.split(line) if word]) for line in _LINES.split(text)]
    known = await visit.base.directory.resolve({word for _, words in lines for word in words}, visit.at)
    found: list[Written] = []
    for name, words in lines:
        if all(word in known or CODE.fullmatch(word) for word in words):
            found += [Written(text=word, is_code=True) for word in words]
        else:
            found.append(Written(text=name, is_code=False))
    return list(dict.fromkeys(found))


async def one(visit: Visit, text: str, *, is_open: bool = False) -> Agency:
    """The one agency that somebody means by a code or a name; RefusedError that lists them where several may be.

    `is_open`: one that has closed is meant only where no other is.
    """
    found = await _fitting(visit, text.strip())
    if is_open:
        found = [each for each in found if each.closed_at is None or each.closed_at > visit.at] or found
    if len(found) > 1:
        raise RefusedError("agency_ambiguous", _several(found))
    return found[0]


def _several(found: Sequence[Agency]) -> str:
    """The first of those that may be meant."""
    return "; ".join(map(with_code, found[:_NAMED])) + (" …" if len(found) > _NAMED else "")


async def is_code(visit: Visit, text: str) -> bool:
    """Whether it is the code of an agency."""
    return text in await visit.base.directory.resolve([text], visit.at)


async def _fitting(visit: Visit, text: str) -> Sequence[Agency]:
    """By the code, alone or behind a name; by the whole name; by words of it. RefusedError where there is none."""
    directory = visit.base.directory
    behind = _BEHIND.search(text)
    codes = [text, behind[1]] if behind else [text]
    known = await directory.resolve(codes, visit.at)
    held = next((known[code] for code in codes if code in known), None)
    agencies = [held] if held is not None else await directory.search(text, limit=_MOST + 1)
    if not agencies:
        raise RefusedError("agency_unknown", text[:100])
    return [each for each in agencies if fold(each.name) == fold(text)] or agencies


async def known(visit: Visit, ids: Iterable[str]) -> Mapping[AgencyId, Agency]:
    """What is known of some agencies."""
    return await visit.base.directory.agencies({AgencyId(each) for each in ids})


def names_of(agencies: Mapping[AgencyId, Agency], ids: Iterable[str]) -> str:
    """Their names with their codes, as `meant` reads them again: several may bear one name."""
    return "; ".join(with_code(agencies[AgencyId(each)]) if each in agencies else each for each in ids)


def with_code(agency: Agency) -> str:
    """What an agency is called where its name is not enough."""
    return f"{agency.name} ({agency.organ_id})"


async def told_apart(visit: Visit, agencies: Mapping[AgencyId, Agency]) -> dict[AgencyId, str]:
    """What each is called in a list: by its name; with its code, where others bear that name, too."""
    shared = await visit.base.directory.shared_names()
    return {key: with_code(each) if fold(each.name) in shared else each.name for key, each in agencies.items()}
