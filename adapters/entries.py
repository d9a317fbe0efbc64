"""A peer's list, entry by entry: one that cannot be read is set apart and keeps no other from being taken. Pure.

A list is decoded as a whole where all of it is as agreed. Else each entry is looked at alone: a field of another
type counts as not said, as long as the entry has the peer's id, by which its document is fetched and judged. An
entry without one, or with one that cannot be asked for, is `Listed` with the reason, under an id that is made of
what identifies it there, so that it is the same entry at the next look.

What is no array, or holds more than `most` entries or UNREADABLE_MOST that cannot be read, is no list and raises
SourceError.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable
from typing import Any, Final, Literal, TypeVar

import msgspec

from adapters.webhook_reply import words_of
from gateway.errors import SourceError
from gateway.ports import Listed

#: A list with more of them is of another shape than we know, and not of this one with mistakes.
UNREADABLE_MOST: Final = 1000

#: Commas an entry may have, recipients among them, before the list is taken for one made to fill the memory.
_COMMAS = 20
_SHOWN = 200


class Entry(msgspec.Struct):
    """What an entry of any list has."""

    #: The peer's id.
    doc_id: str | int = msgspec.field(name="docId")


E = TypeVar("E", bound=Entry)


def read_entries(
    data: bytes,
    shape: type[E],
    listed: Callable[[E], Listed | None],
    *,
    kind: Literal["document", "status"],
    most: int,
) -> tuple[Listed, ...]:
    """The entries of a JSON array; `listed` gives None for one that does not wait, SourceError for a useless id."""
    try:
        found = [_listed(entry, listed, kind) for entry in msgspec.json.decode(data, type=list[shape])]  # type: ignore[valid-type]
    except (msgspec.DecodeError, UnicodeDecodeError):
        found = [_alone(raw, shape, listed, kind) for raw in _apart(data, most)]
    waiting = tuple(item for item in found if item is not None)
    unreadable = sum(1 for item in waiting if item.unreadable)
    if unreadable > UNREADABLE_MOST:
        raise SourceError("peer_reply_invalid", f"the list has {unreadable} entries that cannot be read")
    return waiting


def _apart(data: bytes, most: int) -> list[msgspec.Raw]:
    """Each entry as it stands there."""
    if data.count(b",") > most * _COMMAS:
        raise SourceError("peer_reply_invalid", f"the list has more than {most} entries")
    entries = msgspec.json.decode(data, type=list[msgspec.Raw])
    if len(entries) > most:
        raise SourceError("peer_reply_invalid", f"the list has more than {most} entries")
    return entries


def _alone(
    raw: msgspec.Raw, shape: type[E], listed: Callable[[E], Listed | None], kind: Literal["document", "status"]
) -> Listed | None:
    try:
        fields = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _set_apart(bytes(raw), bytes(raw), kind)
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(shape):
        if field.encode_name in fields:
            with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
                values[field.name] = msgspec.json.decode(fields[field.encode_name], type=field.type)
    if "doc_id" not in values:
        return _set_apart(bytes(raw), bytes(fields.get("docId", b"")), kind)
    return _listed(shape(**values), listed, kind)


def _listed(entry: E, listed: Callable[[E], Listed | None], kind: Literal["document", "status"]) -> Listed | None:
    try:
        return listed(entry)
    except SourceError:
        ref = msgspec.json.encode(entry.doc_id)
        return _set_apart(ref, ref, kind)


def _set_apart(raw: bytes, ref: bytes, kind: Literal["document", "status"]) -> Listed:
    """`ref`: the peer's id as it writes it; where it writes none, all of the entry identifies it."""
    identity = ref if ref not in {b"", b"null", b'""'} else raw
    return Listed(
        ref=f"unreadable {hashlib.sha256(identity).hexdigest()[:32]}",
        kind=kind,
        unreadable=words_of(raw, _SHOWN) or "empty",
    )
