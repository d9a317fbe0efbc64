"""Orders to destroy bodies: made by a person or a rule of retention, answered for by two persons, ended.

An order names documents. It destroys nothing before a second person, another one than the first, has confirmed it;
what an operator's user id is, the kernel has said (`gateway.admin.server`). One that nobody confirms in time
lapses. What holds a document back (it is retained, somebody may be sent it yet, other messages have the same bytes)
is noted with the order and looked at again when it is carried out (`gateway.ledger.purged`).

Leaves hold ids, digests and counts; the paper that orders it and the reason stay in the row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from gateway.clock import micros
from gateway.errors import RefusedError
from gateway.events import Event
from gateway.ledger import history
from gateway.ledger.hands import one_hand
from gateway.ledger.params import as_json
from gateway.ledger.purge_answers import list_digest
from gateway.ledger.purged_papers import FoundPaper, papers_to_purge
from gateway.storage.pump import Transaction

Kind = Literal["person", "rule", "restore"]
#: Ids that a refusal names.
_NAMED: Final = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderPurge:
    """A new order."""

    id: str
    documents: tuple[str, ...]
    #: Lines of clerks' registers that are of papers.
    papers: tuple[str, ...] = ()
    ref: str
    reason: str
    with_envelope: bool
    actor: str
    now: datetime
    #: The month that a rule makes it for; "": a person makes it.
    month: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ordered:
    """An order that was made."""

    id: str
    documents: int
    #: Document -> what holds it back.
    held: Mapping[str, str]


class OrderPurgeOperation:
    """Makes orders; what a person names and cannot be destroyed refuses the whole order, a rule leaves it out."""

    name = "order_purge"

    async def apply(
        self, tx: Transaction, payloads: Sequence[OrderPurge]
    ) -> Sequence[Ordered | RefusedError | None]:
        """One result per payload; None where a rule finds nothing to be due, or its month is ordered already."""
        return [await self._order(tx, payload) for payload in payloads]

    async def _order(self, tx: Transaction, ask: OrderPurge) -> Ordered | RefusedError | None:
        ids = sorted(set(ask.documents))
        rows = await tx.fetch("message_read_purging", (as_json(ids),))
        held = await what_holds(tx, rows)
        taken = {row[0] for row in await tx.fetch("purge_list_open_of_messages", (as_json(ids),))}
        if ask.month:
            if await tx.fetch("purge_month_exists", (ask.month,)):
                return None
            rows = [row for row in rows if row[0] not in taken and row[0] not in held]
            held = {}
        else:
            refusal = _refusal(ids, rows, held, taken)
            if refusal is not None:
                return refusal
        try:
            papers = await papers_to_purge(tx, ask.papers)
        except RefusedError as refusal:
            return refusal
        if not rows and not papers:
            return None
        await _insert(tx, ask, rows, papers, held)
        return Ordered(id=ask.id, documents=len(rows) + len(papers), held=held)


async def _insert(
    tx: Transaction,
    ask: OrderPurge,
    rows: Sequence[tuple[Any, ...]],
    papers: Sequence[FoundPaper],
    held: Mapping[str, str],
) -> None:
    kind: Kind = "rule" if ask.month else "person"
    now, count = micros(ask.now), len(rows) + len(papers)
    digest = list_digest([*(row[0] for row in rows), *(paper.entry_id for paper in papers)])
    first = (None, None) if ask.month else (now, ask.actor)
    order = (ask.id, kind, ask.ref, ask.reason, ask.month or None, int(ask.with_envelope), digest, count)
    await tx.execute_many("purge_insert", [(*order, now, ask.actor, *first, None, None, None)])
    await tx.execute_many("purge_document_insert", [(ask.id, row[0], row[2], held.get(row[0])) for row in rows])
    await tx.execute_many("purge_paper_insert", [(ask.id, each.entry_id, each.sha256) for each in papers])
    facts: dict[str, object] = {
        "order": ask.id,
        "documents": count,
        "list": digest,
        "envelope": ask.with_envelope,
    }
    if ask.month:
        facts["month"] = ask.month
    await _record(tx, Event.PURGE_ORDERED, facts, ask.actor, ask.now, "" if ask.month else ask.reason)


def _refusal(
    ids: Sequence[str], rows: Sequence[tuple[Any, ...]], held: Mapping[str, str], taken: set[str]
) -> RefusedError | None:
    known = {row[0] for row in rows}
    unknown = [each for each in ids if each not in known]
    if unknown:
        return RefusedError("document_unknown", _named(unknown))
    others = [row[0] for row in rows if row[1] != "document"]
    if others:
        return RefusedError("parameter_invalid", f"no documents: {_named(others)}")
    if taken:
        return RefusedError("state_forbids", f"destroyed already, or in an open order: {_named(sorted(taken))}")
    for code in ("purge_undelivered", "purge_shared"):
        found = [f"{key} ({why.partition(' ')[2]})" for key, why in held.items() if why.startswith(code)]
        if found:
            return RefusedError(code, _named(found))
    return None


async def what_holds(tx: Transaction, rows: Sequence[tuple[Any, ...]], *, order: str = "") -> dict[str, str]:
    """Of (message, kind, digest): message -> the code of what holds it back, and after a blank what that is.

    They share their bytes rightly with each other, and with what is in that order.
    """
    ids, digests = as_json([row[0] for row in rows]), as_json(sorted({row[2] for row in rows}))
    found = {row[0]: "document_retained" for row in await tx.fetch("retained_find_of_messages", (ids,))}
    for (message_id,) in await tx.fetch("message_list_unfinished", {"ids": ids}):
        found[message_id] = "purge_undelivered somebody may be sent it yet, or it is not examined yet"
    needers = await tx.fetch("body_list_needers", {"digests": digests})
    ordered = {row[0] for row in rows}
    if others := [message_id for _, message_id, _ in needers if message_id not in ordered]:
        ordered |= {row[0] for row in await tx.fetch("purge_document_among", (order, as_json(others)))}
    sharing: dict[str, list[str]] = {}
    for digest, message_id, name in needers:
        if message_id not in ordered:
            sharing.setdefault(digest, []).append(name)
    for row in rows:
        if row[2] in sharing:
            found[row[0]] = f"purge_shared with {_named(sharing[row[2]])}"
    return found


@dataclass(frozen=True, kw_only=True, slots=True)
class AnswerForPurge:
    """A person answers for an order: the first one for what a rule made, else the second one."""

    id: str
    why: str
    actor: str
    now: datetime
    #: An order that was made before lapses.
    since: datetime


class AnswerForPurgeOperation:
    """Confirms; whether it may be carried out from now on."""

    name = "answer_for_purge"

    async def apply(self, tx: Transaction, payloads: Sequence[AnswerForPurge]) -> Sequence[bool | RefusedError]:
        """One result per payload."""
        return [await self._answer(tx, payload) for payload in payloads]

    async def _answer(self, tx: Transaction, ask: AnswerForPurge) -> bool | RefusedError:
        rows = await tx.fetch("purge_read_state", (ask.id,))
        if not rows:
            return RefusedError("not_found", ask.id)
        _, digest, _, made_at, asked_by, confirmed_by, outcome = rows[0]
        if outcome or confirmed_by:
            return RefusedError("state_forbids", f"the order is {outcome or 'confirmed'}")
        if made_at < micros(ask.since):
            return RefusedError("state_forbids", "the order has lapsed: nobody confirmed it in time")
        facts: dict[str, object] = {"order": ask.id, "list": digest}
        params = {"id": ask.id, "now": micros(ask.now), "actor": ask.actor}
        if not asked_by:
            await tx.fetch("purge_ask_if_nobody", params)
            await _record(tx, Event.PURGE_BACKED, facts, ask.actor, ask.now, ask.why)
            return False
        if (refusal := await _not_two(tx, asked_by, ask)) is not None:
            return refusal
        await tx.fetch("purge_confirm_if_asked", params | {"why": ask.why})
        await _record(tx, Event.PURGE_CONFIRMED, facts, ask.actor, ask.now, ask.why)
        return True


async def _not_two(tx: Transaction, first: str, ask: AnswerForPurge) -> RefusedError | None:
    if first == ask.actor or _door(first) != _door(ask.actor):
        return RefusedError("purge_one_person", f"{first} and {ask.actor}" if first != ask.actor else first)
    return await one_hand(tx, first, ask.actor, ask.now)


def _door(actor: str) -> str:
    """Socket or console: nobody can tell whether a user of the machine and one of the console are two persons."""
    return actor.partition(":")[0]


@dataclass(frozen=True, kw_only=True, slots=True)
class EndPurge:
    """An order is over."""

    id: str
    outcome: Literal["completed", "cancelled", "lapsed"]
    actor: str
    now: datetime
    note: str = ""


_ENDED: Final = {
    "completed": Event.PURGE_COMPLETED,
    "cancelled": Event.PURGE_CANCELLED,
    "lapsed": Event.PURGE_LAPSED,
}


class EndPurgeOperation:
    """Ends orders: a confirmed one when it is carried out, any other one when it is cancelled or lapses.

    What is held back of a confirmed one is cancelled as well, by one person: two are needed to destroy, and whoever
    was wrong about keeping something orders it anew.
    """

    name = "end_purge"

    async def apply(self, tx: Transaction, payloads: Sequence[EndPurge]) -> Sequence[RefusedError | None]:
        """None, or why not."""
        return [await self._end(tx, payload) for payload in payloads]

    async def _end(self, tx: Transaction, ask: EndPurge) -> RefusedError | None:
        params = {"id": ask.id, "now": micros(ask.now), "actor": ask.actor, "outcome": ask.outcome}
        ended = await tx.fetch("purge_end_if_open", params)
        if not ended and ask.outcome == "cancelled":
            ended = await tx.fetch("purge_cancel_if_held", params)
            if ended:
                await tx.fetch("purge_remain_forget", (ask.id,))
        if not ended:
            return RefusedError(
                "state_forbids",
                "the order is over, or confirmed with nothing held back, or files of what it destroyed are left:"
                " gateway purge show",
            )
        await _record(tx, _ENDED[ask.outcome], {"order": ask.id}, ask.actor, ask.now, ask.note)
        return None


async def _record(
    tx: Transaction, kind: Event, facts: dict[str, object], actor: str, now: datetime, note: str = ""
) -> None:
    await history.append(tx, [history.EventRow(kind=kind, at=now, actor=actor, facts=facts, note=note)])


def _named(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else ""
    return ", ".join(ids[:_NAMED]) + more
