"""What is read from the ledger outside the pump: small records, one per question.

Everything goes through the read-only connections, so nothing here can hold up a commit. The statements are
in `sql/reads.sql`; rows become records here and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.clock import instant, micros
from gateway.ledger import pages
from gateway.ledger.pages import OPEN_STATES, SentMessage, SentQuery
from gateway.ledger.params import as_json
from gateway.ledger.purged import gone_of, is_destroyed
from gateway.model import AgencyId, DeliveryId, DeliveryView, EndpointId, MessageId
from gateway.states import State
from gateway.storage.readers import Readers


@dataclass(frozen=True, kw_only=True, slots=True)
class InboxRow:
    """An item of the inbox."""

    seq: int
    id: str
    message_id: str
    kind: str
    recipient_id: AgencyId
    recipient_code: str
    sender_code: str
    document_ref: str
    code_number: str
    code_notation: str
    subject: str
    business_type: str
    priority: int
    sha256: str
    size: int
    accepted_at: datetime
    fetched_at: datetime | None
    leased_until: datetime | None
    state: State
    sender_id: AgencyId
    status_code: str
    leased_by: str | None
    #: When a person last had its office reminded.
    reminded_at: datetime | None
    #: JSON of the envelope; only from `inbox_item`.
    envelope: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Match:
    """A line that a status may be about."""

    delivery_id: str
    message_id: str
    recipient_id: AgencyId
    sender_id: AgencyId
    sender_code: str
    business_type: str
    request_id: str | None
    state: State
    #: Whether its recipient can have seen it: it was fetched, or went out at least once.
    seen: bool


class Reads:
    """Questions about the ledger."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    async def verdict(self, message_id: str) -> tuple[Any, ...] | None:
        """The newest verdict on a message's signatures: time, verdict, digest of the report, report."""
        return await self._readers.fetch_one("verdict_get_newest", (message_id,))

    async def receipt(self, message_id: str) -> tuple[bytes, bytes, bytes] | None:
        """transfer.json, the XAdES file and the stored 202."""
        row = await self._readers.fetch_one("receipt_get_by_message", (message_id,))
        return None if row is None else (row[0], row[1], row[2])

    async def idempotent_answer(self, agency_id: str, key: str) -> tuple[str, bytes] | None:
        """(fingerprint, stored 202) of a caller's key."""
        row = await self._readers.fetch_one("idempotency_read", (agency_id, key))
        return None if row is None else (row[0], row[2])

    def same_business(self, document_ref: str, sender_id: str, business_type: str) -> list[tuple[str, str, str]]:
        """(id, content key, digest) of earlier documents with this business key, newest first."""
        rows = self._readers.look_up("message_list_same_business", (document_ref, sender_id, business_type))
        return [(row[0], row[1], row[2]) for row in rows]

    async def sent(self, query: SentQuery) -> list[SentMessage]:
        """A page of what agencies sent, newest first."""
        return await pages.sent(self._readers, query)

    async def sent_message(self, message_id: str, agencies: frozenset[AgencyId]) -> SentMessage | None:
        """One message that one of the agencies sent."""
        found = await pages.of_ids(self._readers, [message_id], agencies)
        return found[0] if found else None

    async def sent_messages(self, message_ids: list[str], agencies: frozenset[AgencyId]) -> list[SentMessage]:
        """Those of these messages that one of the agencies sent, newest first."""
        return await pages.of_ids(self._readers, message_ids, agencies)

    async def sender_of(self, message_id: str) -> AgencyId:
        """Who sent a message that is there."""
        row = await self._readers.fetch_one("message_read_sender", (message_id,))
        assert row is not None, "the caller has seen the message"
        return AgencyId(row[0])

    async def message_of_fingerprint(self, fingerprint: str) -> str:
        """The message that a request became; "" when none did."""
        row = await self._readers.fetch_one("message_find_by_fingerprint", (fingerprint,))
        return str(row[0]) if row else ""

    async def is_purged(self, message_id: str) -> bool:
        """Whether its bytes were destroyed by order."""
        return bool(await gone_of(self._readers, [message_id]))

    async def is_destroyed(self, sha256: str) -> bool:
        """Whether some bytes were, and nothing needs them any more."""
        return await is_destroyed(self._readers, sha256)

    async def deliveries(self, message_id: str) -> list[DeliveryView]:
        """The lines of one message."""
        rows = await self._readers.fetch("delivery_list_of_message", (message_id,))
        return [_delivery(row) for row in rows]

    async def may_read(self, message_id: str, agencies: frozenset[AgencyId]) -> bool:
        """Whether one of the agencies sent or receives it."""
        params = {"id": message_id, "agencies": as_json(sorted(agencies))}
        row = await self._readers.fetch_one("message_may_be_read_by", params)
        return bool(row and row[0])

    def epoch_first(self) -> int:
        """The number of the first event of this epoch; 0 in the one that no restore opened."""
        return int(self._readers.look_up("epoch_read_first", ())[0][0])

    async def inbox(
        self,
        agencies: frozenset[AgencyId],
        *,
        after: int,
        limit: int,
        reader: str,
        now: int,
        kind: str = "",
        skip: int = 0,
    ) -> list[InboxRow]:
        """Open items after a cursor; of one kind where it is named."""
        params = {
            "agencies": as_json(sorted(agencies)),
            "after": after,
            "limit": limit,
            "reader": reader,
            "now": now,
            "kind": kind,
            "skip": skip,
        }
        return [_inbox(row) for row in await self._readers.fetch("inbox_list_waiting", params)]

    async def inbox_item(self, delivery_id: str, agencies: frozenset[AgencyId]) -> InboxRow | None:
        """One item with its envelope."""
        return await self._item(delivery_id, agencies, pushed=False)

    async def received(self, delivery_id: str, agencies: frozenset[AgencyId]) -> InboxRow | None:
        """One line of some agencies, whether they fetch it or it is brought to them."""
        return await self._item(delivery_id, agencies, pushed=True)

    async def _item(self, delivery_id: str, agencies: frozenset[AgencyId], *, pushed: bool) -> InboxRow | None:
        params = {"id": delivery_id, "agencies": as_json(sorted(agencies)), "pushed": int(pushed)}
        row = await self._readers.fetch_one("inbox_get_item", params)
        return None if row is None else _inbox(row)

    async def match_by_document_ref(
        self, document_ref: str, senders: list[AgencyId] | None, reporters: list[AgencyId]
    ) -> list[Match]:
        """Lines by exact DocumentId."""
        params = {
            "document_ref": document_ref,
            "senders": None if senders is None else as_json(senders),
            "reporters": as_json(reporters),
        }
        return [_match(row) for row in await self._readers.fetch("delivery_match_by_document_ref", params)]

    async def match_by_code(
        self, number: str, notation: str, day: str, senders: list[AgencyId] | None, reporters: list[AgencyId]
    ) -> list[Match]:
        """Lines by number, notation and a day pattern such as `2018-11-02` or `2018-%`."""
        params = {
            "number": number,
            "notation": notation,
            "day": day,
            "senders": None if senders is None else as_json(senders),
            "reporters": as_json(reporters),
        }
        return [_match(row) for row in await self._readers.fetch("delivery_match_by_code", params)]

    async def match_by_request(self, request_id: str, recipient_id: AgencyId) -> list[Match]:
        """The recipient's lines that await an answer to a request."""
        rows = await self._readers.fetch("delivery_match_by_request", (request_id, recipient_id))
        return [_match(row) for row in rows]

    async def match_line(self, message_id: str, recipient_id: AgencyId) -> list[Match]:
        """The recipient's line of one message."""
        rows = await self._readers.fetch("delivery_match_by_message", (message_id, recipient_id))
        return [_match(row) for row in rows]

    async def match_delivery(self, delivery_id: str) -> Match | None:
        """One line as a match."""
        row = await self._readers.fetch_one("delivery_match_by_id", (delivery_id,))
        return None if row is None else _match(row)

    async def match_original(
        self, sender_id: str, *, document_ref: str, number: str, notation: str, day: str, not_this: str
    ) -> list[str]:
        """Ids of the sender's own documents that a request may mean, newest first."""
        params = {
            "sender": sender_id,
            "document_ref": document_ref,
            "number": number,
            "notation": notation,
            "day": day,
            "not_this": not_this,
        }
        return [row[0] for row in await self._readers.fetch("message_match_original", params)]

    async def is_known_document(self, document_ref: str, number: str, notation: str) -> bool:
        """Whether a document with this id or number was ever accepted."""
        params = {"document_ref": document_ref, "number": number, "notation": notation}
        return await self._readers.fetch_one("message_exists_by_document_ref", params) is not None

    async def own_copy(
        self, sha256: str, document_ref: str, sender_id: str, business_type: str, *, relay: EndpointId
    ) -> str | None:
        """Our earlier document that a relay brings back: the very bytes, or a form of what it was given."""
        params = {
            "sha256": sha256,
            "document_ref": document_ref,
            "sender": sender_id,
            "type": business_type,
            "relay": relay,
        }
        row = await self._readers.fetch_one("message_find_own_copy", params)
        return None if row is None else row[0]

    async def connects_here(self, agencies: frozenset[AgencyId]) -> bool:
        """Whether one of the agencies has a credential in force or ever had one."""
        row = await self._readers.fetch_one("agency_has_credential", (as_json(sorted(agencies)),))
        return bool(row and row[0])

    async def recipients(self, message_id: str) -> frozenset[AgencyId]:
        """Who has a line of the message."""
        rows = await self._readers.fetch("delivery_list_recipients", (message_id,))
        return frozenset(AgencyId(row[0]) for row in rows)

    async def usage(self, agency_id: str, day: str) -> int:
        """Bytes x recipients used on a day."""
        row = await self._readers.fetch_one("usage_read", (agency_id, day))
        return row[0] if row else 0

    async def waiting(self) -> dict[str, int]:
        """Endpoint -> transmissions that wait for it."""
        return {row[0]: row[1] for row in await self._readers.fetch("dispatch_count_waiting")}

    async def oldest_seconds(self, now: datetime) -> dict[str, float]:
        """Endpoint -> how long the oldest dispatch that is to be pushed there has waited."""
        rows = await self._readers.fetch("dispatch_oldest_waiting")
        return {row[0]: (micros(now) - row[1]) / 1e6 for row in rows}

    async def open_deliveries(self) -> dict[str, int]:
        """State -> deliveries that are not through; every such state is named."""
        counts = dict.fromkeys(OPEN_STATES, 0)
        rows = await self._readers.fetch("delivery_count_open")
        return counts | {row[0]: row[1] for row in rows}

    async def parked(self) -> int:
        """Statuses that wait for a person."""
        row = await self._readers.fetch_one("status_count_parked")
        return row[0] if row else 0

    async def summary(self, message_id: str) -> tuple[Any, ...] | None:
        """The columns of `message_get_summary`."""
        return await self._readers.fetch_one("message_get_summary", (message_id,))


def _at(value: int | None) -> datetime | None:
    return None if value is None else instant(value)


def _inbox(row: tuple[Any, ...]) -> InboxRow:
    fields = dict(zip(InboxRow.__dataclass_fields__, row, strict=False))
    fields["accepted_at"] = instant(row[15])
    fields["fetched_at"], fields["leased_until"] = _at(row[16]), _at(row[17])
    fields["state"], fields["reminded_at"] = State(row[18]), _at(row[22])
    return InboxRow(**fields)


def _match(row: tuple[Any, ...]) -> Match:
    fields = dict(zip(Match.__dataclass_fields__, row, strict=True))
    fields |= {"state": State(row[7]), "seen": bool(row[8])}
    return Match(**fields)


def _delivery(row: tuple[Any, ...]) -> DeliveryView:
    state = State(row[4])
    return DeliveryView(
        id=DeliveryId(row[0]),
        message_id=MessageId(row[1]),
        recipient_id=AgencyId(row[2]),
        recipient_code=row[3],
        state=state,
        final=state.is_final(expects_status=bool(row[5])),
        reason=row[6],
        detail=row[7],
        business_status=row[8],
        peer_ref=row[9],
        created_at=instant(row[10]),
        state_at=instant(row[11]),
    )
