"""The demo's look at the gateway's ledger: read-only, beside the running gateway, one snapshot at a time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gateway.simulate.reckoning import LedgerDelivery, LedgerMessage, LedgerView
from gateway.storage.readers import Readers
from gateway.storage.statements import Statements


class LedgerReader:
    """An open database; close it before the folder goes."""

    def __init__(self, database: Path) -> None:
        self._readers = Readers(database, Statements.load("gateway.simulate.sql"), count=1)

    async def open(self) -> None:
        """The database must exist."""
        await self._readers.start()

    async def close(self) -> None:
        """Give the connection back."""
        await self._readers.close()

    async def offers(self, endpoint: str) -> Sequence[tuple[Any, ...]]:
        """What was listed by a channel, oldest first."""
        return await self._readers.fetch("ledger_list_offers", (endpoint,))

    async def view(self) -> LedgerView:
        """Everything the comparison needs, as of one instant."""
        async with self._readers.snapshot() as reader:
            messages = await reader.fetch("ledger_list_messages")
            deliveries = await reader.fetch("ledger_list_deliveries")
            attempts = await reader.fetch("ledger_count_attempts")
        return LedgerView(
            messages={
                row[0]: LedgerMessage(
                    id=row[0],
                    kind=row[1],
                    sender_code=row[2],
                    document_ref=row[3],
                    business_type=row[4],
                    sha256=row[5],
                )
                for row in messages
            },
            deliveries={
                row[0]: LedgerDelivery(
                    id=row[0],
                    message_id=row[1],
                    recipient_code=row[2],
                    dispatch_id=row[3],
                    state=row[4],
                    business_status=row[5],
                    reason=row[6],
                )
                for row in deliveries
            },
            attempts={row[0]: row[1] for row in attempts},
        )
