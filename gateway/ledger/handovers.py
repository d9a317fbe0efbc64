"""Ledgers that were taken over: kept with their event; and what a ledger that ends tells its successor."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from gateway.bundle.handover import OpenDelivery, TakenFile, list_digest
from gateway.clock import instant, micros, rfc3339
from gateway.errors import RefusedError
from gateway.events import Event
from gateway.ledger import history
from gateway.ledger.params import as_json
from gateway.states import State
from gateway.storage.pump import Transaction
from gateway.storage.readers import Readers
from gateway.transparency.registers import number_text

_PAGE: Final = 500
#: Nothing more is awaited from us.
_CLOSED: Final = frozenset(state for state in State if state.is_final(expects_status=False))


@dataclass(frozen=True, kw_only=True, slots=True)
class ForeignDocument:
    """Where an acceptance stands."""

    origin: str
    leaf: int
    file: str
    message: str
    document_ref: str
    number: str


class KeepForeignDocuments:
    """Keeps them; those that are there already stay."""

    name = "keep_foreign_documents"

    async def apply(self, tx: Transaction, payloads: Sequence[Sequence[ForeignDocument]]) -> Sequence[None]:
        """Nothing to give back."""
        for payload in payloads:
            rows = [
                (each.origin, each.leaf, each.file, each.message, each.document_ref, each.number)
                for each in payload
            ]
            await tx.execute_many("foreign_document_insert", rows)
        return [None] * len(payloads)


@dataclass(frozen=True, kw_only=True, slots=True)
class TakeLedger:
    """A ledger that was verified, and whose files are in their place."""

    origin: str
    gateway: str
    size: int
    root: str
    folder: str
    files: Sequence[TakenFile]
    now: datetime
    actor: str
    note: str


class TakeLedgerOperation:
    """Records it: the final checkpoint becomes a leaf here; refused for one that was taken before."""

    name = "take_ledger"

    async def apply(self, tx: Transaction, payloads: Sequence[TakeLedger]) -> Sequence[Exception | None]:
        """None, or why not."""
        return [await self._take(tx, payload) for payload in payloads]

    async def _take(self, tx: Transaction, ask: TakeLedger) -> Exception | None:
        if ask.origin in {row[0] for row in await tx.fetch("foreign_ledger_list")}:
            return RefusedError("state_forbids", f"{ask.origin} was taken over before")
        row = (ask.origin, ask.gateway, ask.size, ask.root, micros(ask.now), ask.folder)
        await tx.execute_many("foreign_ledger_insert", [row])
        rows = [(ask.origin, each.name, each.size, each.sha256) for each in ask.files]
        await tx.execute_many("foreign_file_insert", rows)
        facts: dict[str, object] = {
            "origin": ask.origin, "gateway": ask.gateway, "size": ask.size, "root": ask.root,
            "files": list_digest(ask.files),
        }  # fmt: skip
        event = history.EventRow(kind=Event.LEDGER_TAKEN, at=ask.now, actor=ask.actor, facts=facts, note=ask.note)
        await history.append(tx, [event])
        return None


class HandoverReads:
    """What is asked of them."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    async def open_deliveries(self) -> AsyncIterator[list[OpenDelivery]]:
        """Those that are not closed, a portion at a time."""
        after, states = 0, as_json(sorted(str(state) for state in State if state not in _CLOSED))
        while True:
            page: dict[str, Any] = {"after": after, "states": states, "limit": _PAGE}
            rows = await self._readers.fetch("delivery_list_open", page)
            if not rows:
                return
            after = rows[-1][0]
            yield [
                OpenDelivery(
                    delivery=row[1], message=row[2], document_id=row[3], sha256=row[4], sender=row[5],
                    recipient=row[6], state=row[7], accepted_at=rfc3339(instant(row[8])),
                )
                for row in rows
            ]  # fmt: skip

    async def last_event(self) -> tuple[int, str, bytes] | None:
        """Number, kind and leaf of the newest."""
        row = await self._readers.fetch_one("event_read_newest")
        return None if row is None else (int(row[0]), str(row[1]), bytes(row[2]))

    async def successor(self) -> str | None:
        """For whom the ledger ended; None where it goes on, or its server has run since."""
        row = await self._readers.fetch_one("event_read_end")
        return None if row is None else str(json.loads(row[0])["facts"]["successor"])

    async def ledgers(self) -> list[dict[str, Any]]:
        """Those that were taken over, for a person."""
        names = ("origin", "gateway", "size", "root", "taken_at", "folder")
        rows = await self._readers.fetch("foreign_ledger_list")
        return [dict(zip(names, row, strict=True)) | {"taken_at": rfc3339(instant(row[4]))} for row in rows]

    async def find(self, text: str) -> list[dict[str, Any]]:
        """Documents of theirs, by id, DocumentId or number/notation."""
        number, slash, notation = text.partition("/")
        asked = {"text": text, "number": number_text(number, notation) if slash else ""}
        names = ("origin", "gateway", "leaf", "folder", "file", "message", "document_id", "number")
        rows = await self._readers.fetch("foreign_document_find", asked)
        return [dict(zip(names, row, strict=True)) for row in rows]
