"""What belongs to a document: what it recalls, updates, replaces or answers, and what does that to it.

All of it links to documents of the ledger, and only to those that the reader may see: a clerk, what the own offices
sent or were sent. Replies are found by what they name first: its DocumentId, else its number with issuer and day as
the document bears them, or without; such a one counts where it means no other document as well. It decides nothing:
who names a document may be mistaken.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from gateway.edxml.envelope import BusinessType, ResponseFor
from gateway.ledger.params import as_json
from gateway.mailbox import NOT_FOR_RECIPIENTS
from gateway.model import AgencyId
from gateway.status import split_code
from gateway.storage.readers import Reader

#: Documents that one says it answers: so many are looked for and shown at once.
MOST_NAMED: Final = 50
#: Replies that are shown, the earliest first; and that are counted.
MOST_REPLIES: Final = 200
MOST_COUNTED: Final = 2_000
#: Ways to write one number with issuer and day that are looked into.
MOST_SPELLINGS: Final = 10
_NEW: Final = str(BusinessType.NEW)


@dataclass(frozen=True, kw_only=True, slots=True)
class Linked:
    """Another document."""

    id: str
    business_type: str
    sender_id: AgencyId
    sender_code: str
    number: str
    notation: str
    document_ref: str
    promulgated_on: str

    @property
    def code(self) -> str:
        """Number and notation."""
        return f"{self.number}/{self.notation}" if self.notation else self.number


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered:
    """A document that this one says it answers; None where there is none that the reader may see."""

    named: ResponseFor
    document: Linked | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Links:
    """Both directions."""

    #: What it recalls, updates, replaces or takes back, the earliest first.
    originals: tuple[Linked, ...]
    answers: tuple[Answered, ...]
    #: What recalls, updates or replaces it, the earliest first.
    changed_by: tuple[Linked, ...]
    #: The replies to it, the earliest first.
    answered_by: tuple[Linked, ...]
    #: How many more there are, and whether there may be more than these.
    more_answers: int = 0
    or_more: bool = False
    #: How many documents it names as those that it answers, and how many of them come before the ones shown.
    named: int = 0
    named_before: int = 0

    def __bool__(self) -> bool:
        return bool(self.originals or self.answers or self.changed_by or self.answered_by or self.named_before)

    @property
    def named_after(self) -> int:
        """Up to which of those that it names they are shown."""
        return min(self.named_before + MOST_NAMED, self.named)

    @property
    def senders(self) -> frozenset[AgencyId]:
        """Whose documents they are."""
        found = (*(each.document for each in self.answers), *self.originals, *self.changed_by, *self.answered_by)
        return frozenset(each.sender_id for each in found if each is not None)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Loose:
    """A reply by number, and all documents that it may mean."""

    named: ResponseFor
    meant: Sequence[str]

    def is_of(self, key: str, seen: Mapping[str, Linked]) -> bool:
        """Whether it means this one, as its own page has it."""
        found = _one(self.named, [seen[each] for each in self.meant if each in seen])
        return found is not None and found.id == key


class _Naming(msgspec.Struct, frozen=True):
    """Of an envelope as the ledger keeps it."""

    responses_for: tuple[ResponseFor, ...] = ()


async def read_links(
    reader: Reader, summary: Sequence[Any], scope: frozenset[AgencyId] | None, *, named_before: int = 0
) -> Links:
    """Of a message (`message_get_summary`); `named_before`: so many of those that it answers are passed over."""
    named = msgspec.json.decode(summary[12], type=_Naming).responses_for
    named_before = named_before if named_before < len(named) else 0
    key, kind, document_ref, original_id = summary[0], summary[1], summary[4], summary[15]
    originals = {row[0] for row in await reader.fetch("request_original_list_of_message", (key,))}
    originals |= {original_id} - {None}
    about = [row[0] for row in await reader.fetch("message_list_about", (key,))]
    replies: list[str] = []
    if kind == "document" and document_ref:
        params = {"document_ref": document_ref, "limit": MOST_COUNTED}
        replies = [row[0] for row in await reader.fetch("message_list_answering", params)]
    loose = await _by_number(reader, summary) if kind == "document" else {}
    meant = [
        (each, await _meant(reader, each))
        for each in named[named_before:][:MOST_NAMED]
        if each.document_id or each.code
    ]
    ids = {*originals, *about, *replies, *loose, *(found for _, those in meant for found in those)} - {key}
    ids |= {found for each in loose.values() for found in each.meant}
    seen = await _visible(reader, ids, scope)
    answering = {*replies, *(reply for reply, each in loose.items() if each.is_of(key, seen))}
    seen.pop(key, None)
    changes = {each for each in about if each in seen}
    answered_by = [each for each in seen.values() if each.id in answering - changes]
    return Links(
        originals=tuple(each for each in seen.values() if each.id in originals),
        answers=tuple(
            Answered(named=each, document=_one(each, [seen[found] for found in those if found in seen]))
            for each, those in meant
            if not originals & set(those)
        ),
        changed_by=tuple(each for each in seen.values() if each.id in changes),
        answered_by=tuple(answered_by[:MOST_REPLIES]),
        more_answers=len(answered_by[MOST_REPLIES:]),
        or_more=MOST_COUNTED in {len(replies), len(loose)},
        named=len(named),
        named_before=named_before,
    )


async def _by_number(reader: Reader, summary: Sequence[Any]) -> Mapping[str, _Loose]:
    """Replies that bear no DocumentId, and what each may mean."""
    key, sender, number, notation = summary[0], summary[3], summary[5], summary[6]
    if not number:
        return {}
    row = await reader.fetch_one("message_read_promulgated", (key,))
    code = f"{number}/{notation}".replace(" ", "")
    codes = {code} if notation else {code, code.removesuffix("/")}
    days = {"", (row[0] if row is not None else None) or ""}
    texts = [f"{each}|{issuer}|{day}" for each in codes for issuer in (sender, "") for day in days]
    params = {"named": as_json(texts), "limit": MOST_COUNTED}
    found, meant = dict[str, _Loose](), dict[tuple[object, ...], list[str]]()
    for reply, raw in await reader.fetch("message_list_answering_number", params):
        named = msgspec.json.decode(raw, type=ResponseFor)
        same = (*split_code(named.code), named.organ_id, named.promulgation_date)
        if same not in meant:
            if len(meant) == MOST_SPELLINGS:
                continue
            meant[same] = await _meant(reader, named)
        found[reply] = _Loose(named=named, meant=meant[same])
    return found


async def _meant(reader: Reader, named: ResponseFor) -> list[str]:
    """Ids of all documents that may be meant."""
    number, notation = split_code(named.code)
    params = {
        "document_ref": named.document_id,
        "number": number,
        "notation": notation,
        "day": named.promulgation_date.isoformat() if named.promulgation_date else "%",
    }
    return list(dict.fromkeys(row[0] for row in await reader.fetch("message_list_named", params)))


def _one(named: ResponseFor, found: Sequence[Linked]) -> Linked | None:
    """By the DocumentId, else by number and day where that leaves one alone."""
    by_ref = [each for each in found if named.document_id and each.document_ref == named.document_id]
    if by_ref:
        # an update may bear the id of what it updates, and anybody may write one
        return min(by_ref, key=lambda each: (each.sender_code != named.organ_id, each.business_type != _NEW))
    same = [each for each in found if each.sender_code == named.organ_id] or found
    first = [each for each in same if each.business_type == _NEW] or same
    return first[0] if len(first) == 1 else None


async def _visible(reader: Reader, ids: Iterable[str], scope: frozenset[AgencyId] | None) -> dict[str, Linked]:
    """Those that the reader may see, the earliest first."""
    params = {
        "ids": as_json(sorted(ids)),
        "agencies": None if scope is None else as_json(sorted(scope)),
        "hidden": as_json(sorted(NOT_FOR_RECIPIENTS)),
    }
    rows = await reader.fetch("message_list_relations", params)
    return {row[0]: Linked(**dict(zip(Linked.__dataclass_fields__, row, strict=True))) for row in rows}
