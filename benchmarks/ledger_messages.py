"""New messages for the ledgers that are compared: one of each ledger's own documents, again and again."""

from __future__ import annotations

import secrets
from contextlib import closing
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from benchmarks.ledger_fill import Ledger
from gateway.clock import instant
from gateway.ids import uuid7
from gateway.ledger.rows import DeliveryRow, DispatchRow, IdempotencyRow, MessageRow, NewMessage, ReceiptRow
from gateway.model import Agency
from gateway.storage.driver import choose_driver

#: Bytes of a real receipt's parts, which the copies in the ledgers have not.
_TRANSFER, _XADES, _ANSWER = 940, 5700, 770
_NUMBERS = 10**6


@dataclass(frozen=True, kw_only=True, slots=True)
class Numbered:
    """What a document of the province is known by."""

    number: str
    notation: str


class Post:
    """Makes them, one recipient each, in turn for every office."""

    def __init__(self, ledger: Ledger, offices: list[Agency]) -> None:
        self._offices = offices
        self._numbers = count()
        self._row = _message(ledger)

    def new(self, now: datetime) -> NewMessage:
        """One that no other is like."""
        message_id = uuid7()
        office = self._offices[next(self._numbers) % len(self._offices)]
        assert office.endpoint is not None
        dispatch = DispatchRow(
            id=uuid7(),
            message_id=message_id,
            endpoint_id=office.endpoint.id,
            recipient_id=office.id,
            state="ready",
            lane=2,
            after_id=None,
            created_at=now,
            due_at=now,
            give_up_at=now + timedelta(days=3),
        )
        delivery = DeliveryRow(
            id=uuid7(),
            message_id=message_id,
            recipient_id=office.id,
            recipient_code=office.organ_id,
            endpoint_id=office.endpoint.id,
            dispatch_id=dispatch.id,
            expects_status=True,
            in_inbox=False,
            created_at=now,
        )
        row = replace(
            self._row,
            id=message_id,
            sha256=secrets.token_hex(32),
            fingerprint=secrets.token_hex(32),
            content_key=secrets.token_hex(32),
            document_ref=secrets.token_hex(16),
            # none of the ledger has so many digits
            code_number=str(secrets.randbelow(_NUMBERS) + _NUMBERS),
            received_at=now,
            accepted_at=now,
        )
        return NewMessage(
            message=row,
            receipt=ReceiptRow(
                transfer=bytes(_TRANSFER), xades=bytes(_XADES), sha256=secrets.token_hex(32), answer=bytes(_ANSWER)
            ),
            dispatches=(dispatch,),
            deliveries=(delivery,),
            actor=f"agency:{row.sender_id}",
            idempotency=IdempotencyRow(agency_id=row.sender_id, key=uuid7(), expires_at=now + timedelta(days=7)),
            usage_bytes=row.size,
            usage_agency_id=row.sender_id,
            usage_day=now.date().isoformat(),
        )


def newest_numbers(ledger: Ledger, sender_id: str, how_many: int) -> list[Numbered]:
    """Of the documents that a sender had sent when the ledger was filled."""
    found = rows_of(
        ledger,
        "SELECT code_number, code_notation FROM message WHERE sender_id = ? AND kind = 'document'"
        " AND accepted_at < ? ORDER BY accepted_at DESC LIMIT ?",
        (sender_id, ledger.filled.end, how_many),
    )
    return [Numbered(number=number, notation=notation) for number, notation in found]


def _message(ledger: Ledger) -> MessageRow:
    names = [each.name for each in fields(MessageRow)]
    (row,) = rows_of(ledger, f"SELECT {', '.join(names)} FROM message WHERE id = ?", (ledger.models.single,))
    found: dict[str, Any] = dict(zip(names, row, strict=True))
    instants = {name: instant(found[name]) for name in ("received_at", "accepted_at")}
    return MessageRow(**(found | instants | {"sandbox": bool(found["sandbox"])}))


def rows_of(ledger: Ledger, sql: str, params: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
    """What a statement of ours finds."""
    driver = choose_driver().module
    with closing(driver.connect(f"file:{ledger.database}?mode=ro", uri=True)) as connection:
        return list(connection.execute(sql, params).fetchall())
