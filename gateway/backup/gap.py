"""What a restore may have lost, as far as it can be known: listed, never guessed.

Known here: what the copy says was waiting, and is held now. Not known here: what became of it after the copy, and
what was accepted after it. Others know: a receiver's journal holds the ids that it was sent (transmission,
delivery, document), and ids of ours begin with the millisecond in which they were made. So each id of a journal is
one of

- `arrived`: held here, and the receiver has it: nothing has to be sent, and sending again is deduped by its id;
- `through`: known here and not held: nothing to do;
- `lost`: unknown here and made after the copy, or while it began (an id is older than its commit by as long as the
  request takes): it was accepted in the gap and is not in this ledger any more;
- `foreign`: unknown here and older than that: not of this ledger.

What is held and in no journal that was given is `unconfirmed`: nobody can say more than that.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from gateway.audit.leaves import facts_of
from gateway.clock import instant
from gateway.ledger.params import as_json
from gateway.storage.readers import Readers

#: A UUIDv7 as we write it, and nothing longer.
_ID = re.compile(
    rb"(?<![0-9A-Fa-f-])[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}(?![0-9A-Fa-f-])"
)
_AT_ONCE = 1000
#: No request takes so long from its id to its commit.
_MARGIN = timedelta(minutes=10)


@dataclass(frozen=True, kw_only=True, slots=True)
class Epoch:
    """The restore that opened the present epoch."""

    number: int
    first: int
    #: The copy: its name, instant and last event.
    copy: str
    taken_at: datetime
    after: int
    opened_at: datetime
    actor: str
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldLine:
    """One delivery that a restore held and nobody has released."""

    delivery: str
    message: str
    dispatch: str
    recipient: str
    channel: str
    sender: str
    document: str
    number: str
    #: What its receiver has reported since; "" when nothing.
    business_status: str
    #: Attempts that the copy knows, and the state that it was in.
    attempts: int
    in_inbox: bool
    was: str


@dataclass(kw_only=True, slots=True)
class Compared:
    """Journals against the ledger; ids, each once."""

    arrived: list[str] = field(default_factory=list)
    through: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    unconfirmed: list[str] = field(default_factory=list)
    #: Held deliveries that `arrived` names, by themselves or by their transmission.
    confirmable: list[str] = field(default_factory=list)


async def read_epoch(readers: Readers) -> Epoch | None:
    """The present epoch; None when no restore opened it."""
    ((first,),) = await readers.fetch("epoch_read_first")
    rows = await readers.fetch("event_read_opening", (first,)) if first else []
    if not rows:
        return None
    at, actor, leaf, why = rows[0]
    facts: dict[str, Any] = facts_of(leaf)
    return Epoch(
        number=facts["epoch"],
        first=first,
        copy=facts["copy"],
        taken_at=instant(facts["taken_at"]),
        after=facts["after"],
        opened_at=instant(at),
        actor=actor,
        why=why,
    )


async def held_lines(readers: Readers) -> list[HeldLine]:
    """What waits for a person, in the ledger's order."""
    return [
        HeldLine(
            delivery=row[0],
            message=row[1],
            dispatch=row[2],
            recipient=row[3],
            channel=row[4],
            sender=row[5],
            document=row[6],
            number=f"{row[7]}/{row[8]}".strip("/"),
            business_status=row[9],
            attempts=row[10],
            in_inbox=bool(row[11]),
            was=row[12],
        )
        for row in await readers.fetch("delivery_list_held_after_restore")
    ]


def ids_in(journals: Iterable[Path]) -> list[str]:
    """Every id of our kind that stands in some files, each once, in order of appearance."""
    return list(dict.fromkeys(name for file in journals for name in _ids_of(file)))


def _ids_of(file: Path) -> Iterator[str]:
    if file.stat().st_size == 0:
        return
    # a journal may be a database of many gigabytes: the kernel pages it in and out again
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as text:
        for found in _ID.finditer(text):
            yield found[0].decode()


async def compare(readers: Readers, epoch: Epoch, held: Sequence[HeldLine], ids: Sequence[str]) -> Compared:
    """What journals tell that the ledger does not."""
    found = Compared()
    known: set[str] = set()
    for start in range(0, len(ids), _AT_ONCE):
        rows = await readers.fetch("id_find_known", (as_json(list(ids[start : start + _AT_ONCE])),))
        known |= {row[0] for row in rows}
    waiting = {name for line in held for name in (line.delivery, line.dispatch)}
    given = set(ids)
    for name in ids:
        if name in waiting:
            found.arrived.append(name)
        elif name in known:
            found.through.append(name)
        else:
            (found.lost if made_at(name) >= epoch.taken_at - _MARGIN else found.foreign).append(name)
    for line in held:
        named = bool(given & {line.delivery, line.dispatch})
        (found.confirmable if named else found.unconfirmed).append(line.delivery)
    return found


def made_at(name: str) -> datetime:
    """The instant that a UUIDv7 begins with."""
    return instant(int(name[:8] + name[9:13], 16) * 1000)
