"""The ledger's rows as `fsck` reads them, and a page of messages with everything that hangs on them.

One page is read in one snapshot, so that its rows agree with each other however much the server writes
meanwhile; the snapshot ends with the page, so that the write-ahead log can be reset between two.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeVar

from gateway.events import Event
from gateway.ledger.params import as_json
from gateway.storage.readers import Readers

_ABOUT_LINES = ("delivery.", Event.STATUS_RECORDED)
#: Deliveries in a page, so that memory does not grow with the number of recipients.
_LINES_AT_ONCE = 2000


class Message(NamedTuple):
    """A row of `fsck_message_page`."""

    id: str
    kind: str
    sha256: str
    size: int
    sender_id: str
    sender_code: str
    business_type: str
    document_ref: str
    code_number: str
    code_notation: str
    promulgated_on: str | None
    subject: str
    subject_folded: str
    priority: int
    content_key: str
    caller: str
    envelope: str
    findings: str
    directory_version: int
    trace_id: str
    received_at: int
    accepted_at: int
    lines: int


class Receipt(NamedTuple):
    """A row of `fsck_receipts_of_messages`."""

    message_id: str
    transfer: bytes
    xades: bytes
    sha256: str
    answer: bytes


class Rendition(NamedTuple):
    """A row of `fsck_renditions_of_messages`."""

    message_id: str
    dialect: str
    sha256: str
    size: int
    created_at: int


class Delivery(NamedTuple):
    """A row of `fsck_deliveries_of_messages`."""

    id: str
    message_id: str
    recipient_id: str
    recipient_code: str
    endpoint_id: str
    dispatch_id: str
    state: str
    expects_status: int
    reason: str
    business_status: str
    created_at: int
    state_at: int
    in_inbox: int
    fetched_at: int | None
    priority: int


class Dispatch(NamedTuple):
    """A row of `fsck_dispatches_of_messages`."""

    id: str
    message_id: str
    endpoint_id: str
    recipient_id: str | None
    state: str
    series: int
    attempt_id: str | None
    boot_id: str | None


class Attempt(NamedTuple):
    """A row of `fsck_attempts_of_messages`."""

    id: str
    dispatch_id: str
    boot_id: str
    series: int
    started_at: int
    ended_at: int | None
    outcome: str


class Status(NamedTuple):
    """A row of the two `fsck_statuses_…` statements."""

    id: str
    message_id: str
    delivery_id: str | None
    reporter_id: str
    code: str
    moved: int
    flag: str
    parked: str
    resolution: str
    resolved_at: int | None


class ReceiverProof(NamedTuple):
    """A row of `fsck_receiver_proofs_of_messages`."""

    id: str
    message_id: str
    sha256: str
    file: bytes


class PurgeRow(NamedTuple):
    """A row of `fsck_purges_of_messages`."""

    message_id: str
    sha256: str
    #: How its order ended; "" while it is under way.
    outcome: str
    #: Whether something that is not purged has the same bytes.
    needed: int
    order: str


class HistoryRow(NamedTuple):
    """A row of `fsck_events_of_messages`."""

    seq: int
    kind: str
    at: int
    message_id: str | None
    delivery_id: str | None
    leaf: bytes


class EventRecord(NamedTuple):
    """A row of `fsck_event_page`."""

    seq: int
    kind: str
    at: int
    message_id: str | None
    delivery_id: str | None
    actor: str
    leaf: bytes
    leaf_hash: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """Some messages, and their rows by message (history: by message and by delivery)."""

    messages: list[Message]
    receipts: dict[str, Receipt]
    renditions: dict[str, list[Rendition]]
    deliveries: dict[str, list[Delivery]]
    dispatches: dict[str, list[Dispatch]]
    #: By dispatch.
    attempts: dict[str, list[Attempt]]
    #: By delivery.
    reported: dict[str, list[Status]]
    #: By the status message that told.
    told: dict[str, list[Status]]
    #: By the message that they are about.
    proofs: dict[str, list[ReceiverProof]]
    #: By message: that it was destroyed by order.
    purges: dict[str, PurgeRow]
    #: By message: what concerns the message itself or was told by it.
    history: dict[str, list[HistoryRow]]
    #: By delivery: its own moves, and that a report about it was recorded.
    moves: dict[str, list[HistoryRow]]

    @property
    def digests(self) -> list[str]:
        """The bodies that should be there, of messages and of renditions."""
        copies = [each.sha256 for renditions in self.renditions.values() for each in renditions]
        return [message.sha256 for message in self.messages] + copies


async def read_page(readers: Readers, *, after: str, last: str, limit: int) -> Page:
    """The messages after `after`, up to `last`; fewer than `limit` where they have many lines, none at the end."""
    async with readers.snapshot() as reader:
        page = {"after": after, "last": last, "limit": limit}
        messages = _within_bounds(Message(*row) for row in await reader.fetch("fsck_message_page", page))
        ids = as_json([message.id for message in messages])
        receipts = [Receipt(*row) for row in await reader.fetch("fsck_receipts_of_messages", (ids,))]
        renditions = [Rendition(*row) for row in await reader.fetch("fsck_renditions_of_messages", (ids,))]
        deliveries = [Delivery(*row) for row in await reader.fetch("fsck_deliveries_of_messages", (ids,))]
        dispatches = [Dispatch(*row) for row in await reader.fetch("fsck_dispatches_of_messages", (ids,))]
        attempts = [Attempt(*row) for row in await reader.fetch("fsck_attempts_of_messages", (ids,))]
        reported = [Status(*row) for row in await reader.fetch("fsck_statuses_of_messages", (ids,))]
        told = [Status(*row) for row in await reader.fetch("fsck_statuses_in_messages", (ids,))]
        proofs = [ReceiverProof(*row) for row in await reader.fetch("fsck_receiver_proofs_of_messages", (ids,))]
        purges = [PurgeRow(*row) for row in await reader.fetch("fsck_purges_of_messages", (ids,))]
        history = [HistoryRow(*row) for row in await reader.fetch("fsck_events_of_messages", {"ids": ids})]
    return Page(
        messages=messages,
        receipts={receipt.message_id: receipt for receipt in receipts},
        renditions=_grouped(renditions, "message_id"),
        deliveries=_grouped(deliveries, "message_id"),
        dispatches=_grouped(dispatches, "message_id"),
        attempts=_grouped(attempts, "dispatch_id"),
        reported=_grouped(reported, "delivery_id"),
        told=_grouped(told, "message_id"),
        proofs=_grouped(proofs, "message_id"),
        purges={purge.message_id: purge for purge in purges},
        history=_grouped(history, "message_id"),
        moves=_grouped((row for row in history if row.kind.startswith(_ABOUT_LINES)), "delivery_id"),
    )


async def read_again(readers: Readers, page: Page, ids: Sequence[str]) -> None:
    """Put into a page what destroyed bodies of these messages since it was read, beside a server that runs."""
    async with readers.snapshot() as reader:
        asked = as_json(ids)
        purges = [PurgeRow(*row) for row in await reader.fetch("fsck_purges_of_messages", (asked,))]
        renditions = [Rendition(*row) for row in await reader.fetch("fsck_renditions_of_messages", (asked,))]
        history = [HistoryRow(*row) for row in await reader.fetch("fsck_events_of_messages", {"ids": asked})]
    page.purges.update({purge.message_id: purge for purge in purges})
    kept = _grouped(renditions, "message_id")
    page.renditions.update({message_id: kept.get(message_id, []) for message_id in ids})
    for row in history:  # nothing else: lines and their moves are judged as they were read together
        known = page.history.setdefault(row.message_id or "", [])
        if row.kind == Event.BODY_PURGED and row not in known:
            known.append(row)


def _within_bounds(messages: Iterable[Message]) -> list[Message]:
    taken: list[Message] = []
    lines = 0
    for message in messages:
        lines += message.lines
        if taken and lines > _LINES_AT_ONCE:
            break
        taken.append(message)
    return taken


class _Row(Protocol):
    def __getattribute__(self, name: str, /) -> Any: ...


T = TypeVar("T", bound=_Row)


def _grouped(rows: Iterable[T], key: str) -> dict[str, list[T]]:
    groups: dict[str, list[T]] = defaultdict(list)
    for row in rows:
        groups[getattr(row, key) or ""].append(row)
    return groups
