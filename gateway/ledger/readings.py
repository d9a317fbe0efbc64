"""Who has read what: rows that count by the hour, and an event where it is the first time.

A download or a look of an operator's is an event, hence a leaf, the first time that this actor does it to this
delivery or document; where the act has an event of its own (`delivery.fetched`, `document.exported`), that one is
the leaf. Repeats count in their row. `Listed` are listings that showed something new; they are rows alone.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from gateway.clock import micros
from gateway.events import Event
from gateway.ledger import history
from gateway.ledger.params import as_json
from gateway.storage.pump import Transaction

_HOUR: Final = 3_600_000_000


class ReadAct(StrEnum):
    """How something was read."""

    #: Its envelope was shown.
    OPENED = "opened"
    #: Its bytes, or an attachment, were handed out.
    DOWNLOADED = "downloaded"
    #: An operator looked at its timeline.
    SHOWN = "shown"
    #: Its bundle of evidence was made for somebody.
    EXPORTED = "exported"
    #: Somebody took the proof that it is in the log.
    PROVED = "proved"


#: Whose first time is a leaf.
_LEAVES: Final = frozenset({ReadAct.DOWNLOADED, ReadAct.SHOWN})


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """One reading."""

    message_id: str
    #: "" for its sender and for operators.
    delivery_id: str = ""
    actor: str
    act: ReadAct
    #: Of a download: `content`, or `attachment 3`.
    part: str = ""
    channel: str
    at: datetime
    #: Its own event, recorded whether it is the first time or not.
    event: history.EventRow | None = None

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What its first time is looked for by."""
        return self.message_id, self.delivery_id, self.actor, str(self.act)


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """A list that was shown to a reader, with lines that were new to it."""

    recipient_id: str
    seqs: tuple[int, ...]
    actor: str
    channel: str
    at: datetime


def hour_of(at: datetime) -> int:
    """Hours since 1970."""
    return micros(at) // _HOUR


async def note(
    tx: Transaction, readings: Sequence[Reading], *, told: Collection[tuple[str, str, str, str]] = ()
) -> None:
    """Count them; `told` are the keys of those that an event of the same transaction tells already."""
    if not readings:
        return
    asked = {each.key: each for each in readings if each.act in _LEAVES and each.event is None}
    for key in told:
        asked.pop(key, None)
    known = set(map(tuple, await tx.fetch("reading_find_known", (as_json(sorted(asked)),)))) if asked else set()
    await tx.execute_many("reading_add", [_row(each) for each in readings])
    own = [each.event for each in readings if each.event is not None]
    await history.append(tx, own + [_event(each) for key, each in asked.items() if key not in known])


class RecordReadings:
    """The operation; nothing to give back."""

    name = "record_readings"

    async def apply(self, tx: Transaction, payloads: Sequence[Reading]) -> Sequence[None]:
        """All of them at once."""
        await note(tx, payloads)
        return [None] * len(payloads)


class RecordListings:
    """The operation for lists; nothing to give back."""

    name = "record_listings"

    async def apply(self, tx: Transaction, payloads: Sequence[Listed]) -> Sequence[None]:
        """A row each."""
        rows = [
            (
                each.recipient_id, min(each.seqs), max(each.seqs), as_json(list(each.seqs)), each.actor,
                each.channel, micros(each.at),
            )
            for each in payloads
        ]  # fmt: skip
        await tx.execute_many("listing_insert", rows)
        return [None] * len(payloads)


def _row(each: Reading) -> tuple[object, ...]:
    return (
        each.message_id, each.delivery_id, each.actor, str(each.act), each.part, each.channel, hour_of(each.at),
        micros(each.at),
    )  # fmt: skip


def _event(each: Reading) -> history.EventRow:
    return history.EventRow(
        kind=Event.DOCUMENT_READ,
        at=each.at,
        actor=each.actor,
        facts={"act": str(each.act), "channel": each.channel},
        message_id=each.message_id,
        delivery_id=each.delivery_id or None,
    )
