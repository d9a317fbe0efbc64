"""Entries of a peer's list that come back, or of which the list tells something else than before.

A peer's id says which entry is meant only until the peer is reset or restored; what identifies a document is its
digest. So where a list gives reason for it, an entry is *doubted*, and nothing is told to its peer until its bytes,
fetched once more, were compared:

    the same digest     it is the one we know; what the list says of it now is noted
    another digest      a new offer gets the peer's id; the old one keeps its bytes, message and history under our
                        own id (`former_ref`), and an event tells so

An entry that was never fetched has no bytes to compare: it takes what the list says, unless its peer was already
told of it, or a person decided: then other words are another entry. Nothing here talks to the peer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gateway.clock import micros
from gateway.events import Event
from gateway.ids import uuid7
from gateway.ledger import history
from gateway.ledger.params import as_json
from gateway.model import EndpointId
from gateway.ports import Listed
from gateway.storage.pump import Transaction

#: The failure of an entry that its list does not let us read; it is never fetched, and the peer never told of it.
UNREADABLE: Final = "entry_unreadable"


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    """The bytes of a listed entry were fetched once more."""

    id: str
    endpoint_id: EndpointId
    #: What the list says of it now.
    item: Listed
    is_same: bool
    #: Of what was fetched.
    sha256: str
    at: datetime


class ComparedOperation:
    """Ends the doubt about an entry; whether it is the one we know."""

    name = "offer_compare"

    async def apply(self, tx: Transaction, payloads: Sequence[Compared]) -> Sequence[bool]:
        """Each for itself."""
        for ask in payloads:
            if ask.is_same:
                await tx.fetch("offer_set_facts", (*_facts(ask.item), ask.id))
            else:
                await _replace(tx, ask.id, ask.at, {"new_sha256": ask.sha256})
                await insert_new(tx, ask.endpoint_id, [ask.item], ask.at)
        return [ask.is_same for ask in payloads]


class RetoldOperation:
    """Counts what a peer went on listing and said yes to once more."""

    name = "offer_count_again"

    async def apply(self, tx: Transaction, payloads: Sequence[str]) -> Sequence[None]:
        """By the offer's id."""
        for offer_id in payloads:
            await tx.fetch("offer_count_again", (offer_id,))
        return [None] * len(payloads)


async def insert_new(tx: Transaction, endpoint_id: EndpointId, items: Sequence[Listed], at: datetime) -> None:
    """Entries that were not there before."""
    seen_at = micros(at)
    await tx.execute_many(
        "offer_insert_new",
        [
            (
                uuid7(),
                endpoint_id,
                item.ref,
                *_facts(item),
                seen_at,
                seen_at,
                UNREADABLE if item.unreadable else None,
            )
            for item in items
        ],
    )


async def note_changed(tx: Transaction, endpoint_id: EndpointId, items: Sequence[Listed], at: datetime) -> None:
    """Doubt what the list gives reason to; before it is noted what the list holds."""
    told = [dict(zip(_NAMES, (item.ref, *_facts(item)), strict=True)) for item in items if not item.unreadable]
    rows = await tx.fetch("offer_list_changed", {"endpoint": endpoint_id, "items": as_json(told)})
    by_ref = {item.ref: item for item in items} if rows else {}
    for offer_id, ref, _, is_fetched, is_ended, differs in rows:
        if is_fetched:
            await tx.fetch("offer_doubt", (micros(at), offer_id))
        elif differs and is_ended:
            await _replace(tx, offer_id, at, {})
        elif differs:
            await tx.fetch("offer_set_facts", (*_facts(by_ref[ref]), offer_id))


_NAMES: Final = ("ref", "kind", "sender", "recipients", "claimed")


def _facts(item: Listed) -> tuple[str, str, str, str]:
    return item.kind, item.sender_code, as_json(item.recipient_codes), item.claimed_at


async def _replace(tx: Transaction, offer_id: str, at: datetime, more: dict[str, object]) -> None:
    rows = await tx.fetch("offer_replace", {"id": offer_id, "at": micros(at)})
    for endpoint_id, _, sha256 in rows:
        facts: dict[str, object] = {"offer": offer_id, "endpoint": endpoint_id, **more}
        if sha256:
            facts["sha256"] = sha256
        await history.append(tx, [history.EventRow(kind=Event.OFFER_REPLACED, at=at, actor="gateway", facts=facts)])
