"""Renewals of the log's head in the ledger: kept with their event, read with what they were made over."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, TypeVar

import msgspec

from gateway.clock import instant, micros, rfc3339
from gateway.errors import LogRaceError
from gateway.events import Event
from gateway.ledger import history
from gateway.ledger.params import as_json
from gateway.ledger.tree import LogReads
from gateway.storage.pump import Transaction
from gateway.storage.readers import Readers
from gateway.transparency.merkle import Get
from gateway.transparency.renewal import CHUNK, ChunkHashes, Kept, Renewal, chunks_needed

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredRenewal:
    """One of them."""

    renewal: Renewal
    at: datetime
    #: Roots of complete subtrees of 256 leaves.
    chunks: tuple[bytes, ...]
    stamped_at: datetime
    kept: Kept


@dataclass(frozen=True, kw_only=True, slots=True)
class NewRenewal:
    """A renewal that was stamped, about to be kept."""

    renewal: Renewal
    chunks: Sequence[bytes]
    #: Those over its checkpoint.
    stamps: Sequence[bytes]
    server: str
    stamped_at: datetime
    token: bytes
    now: datetime
    actor: str
    note: str


class KeepRenewalOperation:
    """Keeps it with its event; LogRaceError for a number that is taken."""

    name = "keep_renewal"

    async def apply(self, tx: Transaction, payloads: Sequence[NewRenewal]) -> Sequence[Exception | None]:
        """None, or why not."""
        return [await self._keep(tx, payload) for payload in payloads]

    async def _keep(self, tx: Transaction, ask: NewRenewal) -> Exception | None:
        renewal, text = ask.renewal, ask.renewal.text()
        if len(await tx.fetch("log_renewal_list")) + 1 != renewal.number:
            return LogRaceError(size=renewal.size)
        row = (
            renewal.number, micros(ask.now), renewal.size, text, b"".join(ask.chunks), as_json(list(ask.stamps)),
            ask.server, micros(ask.stamped_at), ask.token,
        )  # fmt: skip
        await tx.execute_many("log_renewal_insert", [row])
        facts: dict[str, object] = {
            "number": renewal.number,
            "algorithm": renewal.algorithm,
            "size": renewal.size,
            "root": renewal.root,
            "text": sha256(text).hexdigest(),
            "token": sha256(ask.token).hexdigest(),
        }
        event = history.EventRow(kind=Event.LOG_RESTAMPED, at=ask.now, actor=ask.actor, facts=facts, note=ask.note)
        await history.append(tx, [event])
        return None


class RenewalReads:
    """What is known of them."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    async def all(self) -> list[StoredRenewal]:
        """Oldest first."""
        found = []
        rows = await self._readers.fetch("log_renewal_list")
        for _, at, text, chunks, stamps, server, stamped_at, token, note in rows:
            renewal = Renewal.parse(bytes(text))
            width = len(renewal.hash.digest(b""))
            kept = Kept(
                text=bytes(text), token=bytes(token), server=server, at=rfc3339(instant(stamped_at)),
                note=bytes(note), stamps=msgspec.json.decode(stamps, type=list[bytes]),
            )  # fmt: skip
            found.append(
                StoredRenewal(
                    renewal=renewal,
                    at=instant(at),
                    chunks=tuple(chunks[start : start + width] for start in range(0, len(chunks), width)),
                    stamped_at=instant(stamped_at),
                    kept=kept,
                )
            )
        return found

    async def proved(self, stored: StoredRenewal, make: Callable[[Get], T]) -> T:
        """What `make` makes of subtrees by the renewal's hash; leaves are read where it takes some."""
        numbers = chunks_needed(make)
        hash_ = stored.renewal.hash
        leaves: Mapping[int, Iterable[bytes]] = {
            number: await self._leaves(number, stored.renewal.size) for number in sorted(numbers)
        }
        hashed = {number: [hash_.leaf(leaf) for leaf in found] for number, found in leaves.items()}
        return make(ChunkHashes(hash=hash_, roots=stored.chunks, leaves=hashed))

    async def _leaves(self, chunk: int, size: int) -> list[bytes]:
        first = chunk * CHUNK
        seq = await LogReads(self._readers).seq_of(first)
        if seq is None:
            return []
        page: dict[str, Any] = {"after": seq - 1, "until": 2**62, "limit": min(CHUNK, size - first)}
        return [bytes(row[1]) for row in await self._readers.fetch("archive_list_leaves", page)]

    async def first_stamp(self) -> datetime | None:
        """When the first checkpoint was stamped."""
        row = await self._readers.fetch_one("checkpoint_read_first_stamped")
        return None if row is None else instant(row[0])

    async def stamped_size(self) -> int | None:
        """Leaves of the newest checkpoint with a stamp."""
        row = await self._readers.fetch_one("checkpoint_read_latest_stamped")
        return None if row is None else int(row[0])
