"""What witnesses say of the log: their lines below checkpoints, and that they have seen another history.

A contradiction is an event when it begins and when it ends, in the transaction that notes it; while it lasts it is
a row, so that neither a repeat nor a restart tells it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.clock import instant, micros
from gateway.events import Event
from gateway.ledger import history
from gateway.storage.pump import Transaction
from gateway.storage.readers import Readers


@dataclass(frozen=True, kw_only=True, slots=True)
class NewCosignature:
    """A line that was verified, about to be kept."""

    #: Leaves of its checkpoint.
    size: int
    #: Name of the witness.
    witness: str
    #: By the witness's clock.
    at: datetime
    #: With its newline.
    line: str
    #: Ours.
    now: datetime


class KeepCosignatureOperation:
    """Keeps it, and ends what the witness had against the log."""

    name = "keep_cosignature"

    async def apply(self, tx: Transaction, payloads: Sequence[NewCosignature]) -> Sequence[None]:
        """Nothing to give back."""
        for each in payloads:
            await tx.execute_many("cosignature_insert", [(each.size, each.witness, micros(each.at), each.line)])
            if await tx.fetch("witness_contradiction_delete", (each.witness,)):
                facts: dict[str, object] = {"witness": each.witness, "size": each.size}
                agreed = history.EventRow(kind=Event.WITNESS_AGREED, at=each.now, actor="gateway", facts=facts)
                await history.append(tx, [agreed])
        return [None] * len(payloads)


@dataclass(frozen=True, kw_only=True, slots=True)
class Contradiction:
    """A witness has seen another history of the log."""

    witness: str
    since: datetime
    #: Of `gateway.errors.WitnessContradictsError`.
    code: str
    #: Leaves that it knows, and of the checkpoint that it was asked about.
    known: int
    asked: int


class ContradictionOperation:
    """Notes it; whether it is new."""

    name = "note_contradiction"

    async def apply(self, tx: Transaction, payloads: Sequence[Contradiction]) -> Sequence[bool]:
        """For each."""
        return [await self._note(tx, each) for each in payloads]

    async def _note(self, tx: Transaction, it: Contradiction) -> bool:
        row = (it.witness, micros(it.since), it.code, it.known, it.asked)
        if not await tx.fetch("witness_contradiction_insert", row):
            return False
        facts: dict[str, object] = {
            "witness": it.witness,
            "reason": it.code,
            "known": it.known,
            "asked": it.asked,
        }
        event = history.EventRow(kind=Event.WITNESS_CONTRADICTED, at=it.since, actor="gateway", facts=facts)
        await history.append(tx, [event])
        return True


class WitnessReads:
    """How witnesses stand."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    async def last(self, witness: str) -> tuple[int, datetime] | None:
        """Leaves of what it cosigned last, and when; None: nothing."""
        row = await self._readers.fetch_one("cosignature_find_last", (witness,))
        return None if row is None else (row[0], instant(row[1]))

    async def waiting_since(self, size: int) -> datetime | None:
        """When the first checkpoint of more leaves was signed; None: there is none."""
        row = await self._readers.fetch_one("checkpoint_find_uncosigned", (size,))
        return None if row is None else instant(row[0])

    async def contradictions(self) -> list[Contradiction]:
        """Those that last."""
        rows: Sequence[Sequence[Any]] = await self._readers.fetch("witness_contradiction_list")
        return [
            Contradiction(witness=name, since=instant(since), code=code, known=known, asked=asked)
            for name, since, code, known, asked in rows
        ]
