"""The data keys of bodies in the ledger: encrypted ones only, and each change of them an event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.clock import instant, micros
from gateway.events import Event
from gateway.ledger import history
from gateway.storage.body_keys import WrappedKey
from gateway.storage.pump import Transaction
from gateway.storage.readers import Readers


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownKey:
    """A row with its instants."""

    key: WrappedKey
    made_at: datetime
    #: Since when it is encrypted under this key.
    wrapped_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class PutBodyKeys:
    """Every data key as it is from now on; the last one is new and serves new bodies."""

    keys: Sequence[WrappedKey]
    now: datetime
    actor: str
    note: str = ""


class PutBodyKeysOperation:
    """Writes them and the event in one transaction: after a crash all are under the old key, or under the new."""

    name = "put_body_keys"

    async def apply(self, tx: Transaction, payloads: Sequence[PutBodyKeys]) -> Sequence[None]:
        """Nothing to give back."""
        for ask in payloads:
            now = micros(ask.now)
            rows = [(each.id, now, each.wrapper, each.wrapped) for each in ask.keys]
            await tx.execute_many("body_key_put", rows)
            newest = ask.keys[-1]
            facts: dict[str, object] = {"key": newest.id, "wrapper": newest.wrapper, "keys": len(rows)}
            kind = Event.ENCRYPTION_BEGUN if len(rows) == 1 else Event.ENCRYPTION_REKEYED
            await history.append(
                tx, [history.EventRow(kind=kind, at=ask.now, actor=ask.actor, facts=facts, note=ask.note)]
            )
        return [None] * len(payloads)


async def known_keys(readers: Readers) -> list[KnownKey]:
    """The rows, oldest first."""
    return [
        KnownKey(
            key=WrappedKey(id=row[0], wrapper=row[1], wrapped=bytes(row[2])),
            made_at=instant(row[3]),
            wrapped_at=instant(row[4]),
        )
        for row in await readers.fetch("body_key_list")
    ]
