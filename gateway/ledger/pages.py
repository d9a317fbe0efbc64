"""Pages of the ledger: what agencies sent, what a person means by a few words, which lines an act is for.

Every filter has its way into the ledger, and the narrowest of those given is taken: a page costs what it shows,
not what the ledger holds. SQLite chooses a plan before it knows which filters are given, so each way is a statement
of its own (`sql/pages.sql`), and a test looks at its plan.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from gateway.clock import instant
from gateway.errors import RefusedError
from gateway.ledger.params import as_json
from gateway.model import AgencyId
from gateway.states import State
from gateway.storage.readers import Readers

#: States that a delivery leaves again, or that wait for a person; as in the index `delivery_open`.
OPEN_STATES = ("queued", "in_flight", "deferred", "held", "dead", "refused", "quarantined")
#: Those of them that the index by recipient leaves out, so that a line enters it once.
_ON_THE_WAY = ("queued", "in_flight")
#: Later than any instant.
_NEVER = 2**62
#: Slashes of a number and notation that are looked at.
_SLASHES = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class SentMessage:
    """A message as its sender's list shows it."""

    id: str
    kind: str
    sender_id: AgencyId
    sender_code: str
    document_ref: str
    code_number: str
    code_notation: str
    promulgated_on: str | None
    subject: str
    business_type: str
    priority: int
    sha256: str
    size: int
    received_at: datetime
    accepted_at: datetime
    original_id: str | None
    states: dict[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class SentQuery:
    """Filters of what some agencies sent; None does not filter."""

    agencies: frozenset[AgencyId]
    limit: int
    #: The last message of the page before.
    before: str | None = None
    kind: str | None = None
    document_ref: str | None = None
    number: str | None = None
    notation: str | None = None
    state: str | None = None
    since: int | None = None
    until: int | None = None

    @property
    def way(self) -> str:
        """The statement that finds the page."""
        if self.document_ref is not None:
            return "message_find_sent_by_document_ref"
        if self.number is not None:
            return "message_find_sent_by_number" if self.notation else "message_find_sent_by_number_only"
        return "message_find_sent_by_open_state" if self.state in OPEN_STATES else "message_find_sent"


async def sent(readers: Readers, query: SentQuery) -> list[SentMessage]:
    """A page, newest first; `parameter_invalid` where `before` is none of the agencies' messages."""
    agencies = as_json(sorted(query.agencies))
    upto, before = query.until if query.until is not None else _NEVER, ""
    if query.before is not None:
        row = await readers.fetch_one("message_accepted_at", {"id": query.before, "agencies": agencies})
        if row is None:
            raise RefusedError("parameter_invalid", "cursor: not one of ours")
        upto, before = min((upto, ""), (row[0], query.before))
    params = {
        "agencies": agencies,
        "kinds": as_json([query.kind] if query.kind else ["document", "status"]),
        "document_ref": query.document_ref,
        "number": query.number,
        "notation": query.notation,
        "state": query.state,
        "since": query.since or 0,
        "upto": upto,
        "before": before,
        "limit": query.limit,
    }
    return await of_ids(readers, [row[0] for row in await readers.fetch(query.way, params)], query.agencies)


async def of_ids(readers: Readers, ids: list[str], agencies: frozenset[AgencyId]) -> list[SentMessage]:
    """Those of these messages that the agencies sent, newest first."""
    if not ids:
        return []
    params = {"ids": as_json(ids), "agencies": as_json(sorted(agencies))}
    return [_sent(row) for row in await readers.fetch("message_list_sent", params)]


def _sent(row: tuple[Any, ...]) -> SentMessage:
    fields = dict(zip(SentMessage.__dataclass_fields__, row, strict=True))
    fields["received_at"], fields["accepted_at"] = instant(row[13]), instant(row[14])
    fields["states"] = msgspec.json.decode(row[16]) if row[16] else {}
    return SentMessage(**fields)


async def meant(readers: Readers, text: str) -> list[str]:
    """Ids of the messages that a person may mean: by id or its beginning, DocumentId, digest, number/notation."""
    parts = text.split("/")
    pairs = [["/".join(parts[:at]), "/".join(parts[at:])] for at in range(1, min(len(parts), _SLASHES))]
    params = {"text": text, "prefix": text.lower(), "pairs": as_json(pairs)}
    return [row[0] for row in await readers.fetch("message_find_by_words", params)]


@dataclass(frozen=True, kw_only=True, slots=True)
class LineQuery:
    """Which deliveries an act is for; None does not filter."""

    state: State
    limit: int
    message: str | None = None
    recipient: str | None = None
    endpoint: str | None = None
    reason: str | None = None


async def lines(readers: Readers, query: LineQuery) -> list[tuple[Any, ...]]:
    """The newest first: id, message, recipient, its code, state; `state_forbids` where it would be nearly all.

    A state that every delivery ends in is none that an act can be for, unless a document or recipient is named.
    """
    params = {name: getattr(query, name) for name in LineQuery.__dataclass_fields__} | {"state": str(query.state)}
    if query.message is not None:
        return await readers.fetch("delivery_list_selected_of_message", params)
    if query.recipient is not None and query.state not in _ON_THE_WAY:
        return await readers.fetch("delivery_list_selected_of_recipient", params)
    if query.state not in OPEN_STATES:
        raise RefusedError("state_forbids", f"{query.state}: name a document or a recipient too")
    return await readers.fetch("delivery_list_selected_open", params)
