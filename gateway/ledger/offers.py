"""What a peer's list offers us, kept while another system still fetches and acknowledges it.

An offer is one entry of the list. It comes with the first list that holds it and goes with the first that does not
(`gone_at`): then somebody has acknowledged it. In between its bytes are fetched once and kept, with what acceptance
would have made of them; later perhaps it becomes a message. Its key is (endpoint, the peer's id, digest): one that
comes back or is told otherwise is compared first (`gateway.ledger.relisted`), and other bytes are another offer. A
message's fingerprint is made of the digest, so no offer is accepted twice.

Only a list that was read whole concludes anything; a failed look (`Failed`) changes no offer. Nothing here talks to
the peer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, NamedTuple

import msgspec

from gateway.clock import micros
from gateway.events import Event
from gateway.ledger import history
from gateway.ledger.params import as_json
from gateway.ledger.relisted import insert_new, note_changed
from gateway.ledger.sources import Pulse, note_pulse
from gateway.model import EndpointId
from gateway.ports import Listed
from gateway.said import shortened
from gateway.storage.pump import Transaction

Verdict = Literal["routable", "parked", "refused"]
#: Of the counts of what came: seven weeks.
HOURS_KEPT: Final = 7 * 168


class Route(msgspec.Struct, frozen=True):
    """One recipient of an offered document."""

    #: As the document writes it.
    code: str
    #: Id of the agency; "" where the directory does not know the code.
    agency: str = ""
    #: Whether we reach it without a relay.
    hosted: bool = False
    #: Name of its channel.
    channel: str = ""


class Unfetched(NamedTuple):
    """A row of `offer_list_unfetched`."""

    id: str
    ref: str
    kind: str
    recipient_codes: str
    #: The delivery that a status is about, where its office named it.
    about_delivery: str | None


class Fetched(NamedTuple):
    """A row of `offer_list_fetched`."""

    id: str
    ref: str
    kind: str
    sha256: str
    routes: str
    left_at: int | None
    message_id: str | None
    failure: str
    about_delivery: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """A whole list."""

    endpoint_id: EndpointId
    items: tuple[Listed, ...]
    at: datetime
    #: Since 1970, for the count of what comes when; 0: not counted.
    hour: int = 0
    #: An entry that is listed although it was settled was put there again, and is settled again.
    comes_back: bool = False
    #: False: nothing that it names can be had, so that the source goes on failing.
    is_all: bool = True
    #: The code of our test documents, which say nothing of what usually comes; and whether one is missing.
    canary: str = ""
    is_canary_missing: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Failed:
    """A list that could not be read."""

    endpoint_id: EndpointId
    reason: str
    detail: str
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Filled:
    """An offer's bytes are kept."""

    id: str
    endpoint_id: EndpointId
    sha256: str
    size: int
    document_ref: str
    verdict: Verdict
    reason: str
    findings: str
    routes: tuple[Route, ...]
    at: datetime
    #: What it has become already.
    message_id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Noted:
    """Something happened to one offer."""

    id: str
    #: Reason code of a fetch or an acceptance that failed.
    failure: str = ""
    message_id: str = ""
    acknowledged_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Assigned:
    """Whose the listed offers of an agency are."""

    ids: tuple[str, ...] = field(default_factory=tuple)
    to_scripts: bool
    at: datetime


class LookOperation:
    """Brings the offers to what the list says; how many are new."""

    name = "offer_look"

    async def apply(self, tx: Transaction, payloads: Sequence[Look]) -> Sequence[int]:
        """Each list for itself."""
        return [await self._look(tx, payload) for payload in payloads]

    async def _look(self, tx: Transaction, look: Look) -> int:
        at, refs = micros(look.at), as_json([item.ref for item in look.items])
        listed = {"endpoint": look.endpoint_id, "at": at, "refs": refs}
        if look.is_all:
            await _note_source(tx, Event.SOURCE_OPENED, look.endpoint_id, look.at, {})
        await tx.fetch("offer_mark_gone", listed)
        if look.comes_back:
            await tx.fetch("offer_open_again", listed)
        else:
            await note_changed(tx, look.endpoint_id, look.items, look.at)
        await tx.fetch("offer_mark_seen", listed)
        known = {row[0] for row in await tx.fetch("offer_find_refs", {"endpoint": look.endpoint_id, "refs": refs})}
        new = [item for item in look.items if item.ref not in known]
        await insert_new(tx, look.endpoint_id, new, look.at)
        about = [(item.about_delivery, look.endpoint_id, item.ref) for item in new if item.about_delivery]
        await tx.execute_many("offer_insert_about", about)
        await tx.fetch("source_note_list", {"endpoint": look.endpoint_id, "at": at, "opens": int(look.is_all)})
        if look.hour:
            pulse = Pulse(
                endpoint_id=look.endpoint_id,
                entries=sum(1 for item in new if not look.canary or item.recipient_codes != (look.canary,)),
                at=look.at,
                hour=look.hour,
                oldest_hour=look.hour - HOURS_KEPT,
                ends=not look.is_canary_missing,
            )
            await note_pulse(tx, pulse)
        return len(new)


class FailedOperation:
    """Records that nothing is known."""

    name = "offer_look_failed"

    async def apply(self, tx: Transaction, payloads: Sequence[Failed]) -> Sequence[None]:
        """The first failure after a good list leaves an event."""
        for ask in payloads:
            detail = shortened(ask.detail)
            facts: dict[str, object] = {"reason": ask.reason}
            await _note_source(tx, Event.SOURCE_CLOSED, ask.endpoint_id, ask.at, facts, note=detail)
            params = {
                "endpoint": ask.endpoint_id,
                "at": micros(ask.at),
                "reason": ask.reason,
                "detail": detail or None,
            }
            await tx.fetch("source_note_failure", params)
        return [None] * len(payloads)


class FilledOperation:
    """Keeps what was fetched, with its event; whether it was not here yet."""

    name = "offer_fill"

    async def apply(self, tx: Transaction, payloads: Sequence[Filled]) -> Sequence[bool]:
        """Each for itself."""
        return [await self._fill(tx, payload) for payload in payloads]

    async def _fill(self, tx: Transaction, ask: Filled) -> bool:
        row = {
            "id": ask.id,
            "at": micros(ask.at),
            "sha256": ask.sha256,
            "size": ask.size,
            "document_ref": ask.document_ref or None,
            "verdict": ask.verdict,
            "reason": ask.reason or None,
            "findings": ask.findings,
            "routes": as_json(ask.routes),
            "message": ask.message_id or None,
        }
        if not await tx.fetch("offer_fill_if_unfetched", row):
            return False
        facts: dict[str, object] = {
            "offer": ask.id,
            "endpoint": ask.endpoint_id,
            "sha256": ask.sha256,
            "size": ask.size,
            "verdict": ask.verdict,
        }
        if ask.reason:
            facts["reason"] = ask.reason
        await history.append(
            tx, [history.EventRow(kind=Event.OFFER_FETCHED, at=ask.at, actor="gateway", facts=facts)]
        )
        return True


class NotedOperation:
    """Writes it beside the offer."""

    name = "offer_note"

    async def apply(self, tx: Transaction, payloads: Sequence[Noted]) -> Sequence[None]:
        """In order."""
        for ask in payloads:
            if ask.failure:
                await tx.fetch("offer_note_failure", (ask.failure, ask.id))
            if ask.message_id:
                await tx.fetch("offer_set_message", (ask.message_id, ask.id))
            if ask.acknowledged_at is not None:
                await tx.fetch("offer_set_acknowledged", (micros(ask.acknowledged_at), ask.id))
        return [None] * len(payloads)


class AssignedOperation:
    """Leaves offers to the scripts, or takes them."""

    name = "offer_assign"

    async def apply(self, tx: Transaction, payloads: Sequence[Assigned]) -> Sequence[None]:
        """What has become a message stays ours."""
        for ask in payloads:
            ids = as_json(ask.ids)
            if ask.to_scripts:
                await tx.fetch("offer_leave", (micros(ask.at), ids))
            else:
                await tx.fetch("offer_take", (ids,))
        return [None] * len(payloads)


async def _note_source(
    tx: Transaction, kind: Event, endpoint_id: EndpointId, at: datetime, facts: dict[str, object], note: str = ""
) -> None:
    """An event when a source begins or ceases to fail; what was said stands beside the leaf."""
    row = await tx.fetch("source_read", (endpoint_id,))
    failing = bool(row and row[0][0] is not None)
    if failing == (kind is Event.SOURCE_OPENED):
        told = {"endpoint": endpoint_id} | facts
        await history.append(tx, [history.EventRow(kind=kind, at=at, actor="gateway", facts=told, note=note)])
