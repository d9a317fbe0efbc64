"""Carrying out an order to destroy: from which instant on nobody is given a byte of a document, and what remains.

A document is *purged* by its event (`body.purged`), whose leaf names digest and order; whoever asks for its bytes
is refused from then on. The files go afterwards (`gateway.maintenance.eraser`), so a crash in between leaves bytes
that nobody is given and that the next run removes, never a row that promises bytes which are gone.

Where the order says so, free text goes too: subject, names, notes of the envelope. The columns that acts and
evidence need (number, date, digests, codes) stay, and the leaf holds a salted digest of what went.

`RepeatOperation` is for a ledger older than what was destroyed: after a restore, each purge that the list beside
the log's mark names (`gateway.purging.listed`) is recorded again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from secrets import token_bytes
from typing import Final

import msgspec

from gateway.clock import instant, micros
from gateway.edxml.envelope import Attachment, Business, Envelope, Finding, Party
from gateway.errors import RefusedError
from gateway.events import Event
from gateway.ids import uuid7
from gateway.ledger import history
from gateway.ledger.params import as_json
from gateway.ledger.purge_answers import list_digest
from gateway.ledger.purged_papers import PurgePaper, forgotten_papers, mark_paper
from gateway.ledger.purges import what_holds
from gateway.storage.pump import Transaction
from gateway.storage.readers import Reader, Readers

_SALT_BYTES: Final = 32
#: What may quote a title beside the message itself, and that no leaf is about.
_WORDS: Final = (
    "delivery_blank_details",
    "attempt_blank_details",
    "alert_attempt_blank_details",
    "replay_blank_details",
    "offer_blank_findings",
    "entry_blank_words",
)
#: Microseconds: a purge has its instant from before its commit, a copy likewise.
_CLOCKS_APART: Final = 3_600_000_000


class Purged(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A document that was destroyed, as the list beside the log's mark tells it."""

    message: str
    sha256: str
    order: str
    #: Microseconds since 1970.
    at: int
    #: Whether free text of the envelope went, too.
    envelope: bool = False
    #: Whether it is a paper of a clerk's register: the id is its line's, the digest its scan's ("": it had none).
    paper: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Purge:
    """Destroy a document of a confirmed order."""

    order: str
    message_id: str
    now: datetime


class PurgeOperation:
    """Whether it is purged from now on; else what holds it back is noted with the order."""

    name = "purge_document"

    async def apply(self, tx: Transaction, payloads: Sequence[Purge]) -> Sequence[bool]:
        """One result per payload."""
        return [await self._purge(tx, payload) for payload in payloads]

    async def _purge(self, tx: Transaction, ask: Purge) -> bool:
        ((_, digest, with_envelope, *_, outcome),) = await tx.fetch("purge_read_state", (ask.order,))
        if outcome:  # cancelled while the eraser was at it
            return False
        rows = await tx.fetch("message_read_purging", (as_json([ask.message_id]),))
        if await tx.fetch("purge_find_of_messages", (as_json([ask.message_id]),)):
            return True
        held = await what_holds(tx, rows, order=ask.order)
        if held:
            code = held[ask.message_id].partition(" ")[0]
            await tx.execute_many("purge_document_hold", [(code, ask.order, ask.message_id)])
            return False
        facts: dict[str, object] = {"sha256": rows[0][2], "order": ask.order, "list": digest}
        await _mark(tx, ask, facts, with_envelope=bool(with_envelope))
        return True


async def _mark(tx: Transaction, ask: Purge, facts: dict[str, object], *, with_envelope: bool) -> None:
    made = sorted(row[0] for row in await tx.fetch("rendition_list_of_message", (ask.message_id,)))
    if made:
        facts["renditions"] = made
    salt = token_bytes(_SALT_BYTES) if with_envelope else None
    params = {"purge": ask.order, "message": ask.message_id, "now": micros(ask.now), "salt": salt}
    await tx.fetch("purge_document_mark", params)
    await tx.fetch("purge_remain_begin", (ask.order, micros(ask.now)))
    if salt is not None:
        ((envelope, findings),) = await tx.fetch("message_read_texts", (ask.message_id,))
        facts["envelope"] = sha256(salt + envelope.encode()).hexdigest()
        blank = {"id": ask.message_id, "envelope": blanked(envelope), "findings": _blanked_findings(findings)}
        await tx.fetch("search_delete_securely")
        await tx.fetch("message_blank_texts", blank)
        for words in _WORDS:
            await tx.fetch(words, (ask.message_id,))
    event = history.EventRow(
        kind=Event.BODY_PURGED, at=ask.now, actor="gateway", facts=facts, message_id=ask.message_id
    )
    await history.append(tx, [event])


def blanked(envelope: str) -> str:
    """An envelope without free text: codes, numbers, dates and digests stay."""
    found = msgspec.json.decode(envelope, type=Envelope)
    bare = Envelope(
        kind=found.kind,
        dialect=found.dialect,
        sender=Party(organ_id=found.sender.organ_id),
        recipients=tuple(Party(organ_id=each.organ_id) for each in found.recipients),
        document_id=found.document_id,
        code_number=found.code_number,
        code_notation=found.code_notation,
        promulgation_date=found.promulgation_date,
        promulgation_date_text=found.promulgation_date_text,
        doc_type=found.doc_type,
        doc_type_detail=found.doc_type_detail,
        priority=found.priority,
        responses_for=found.responses_for,
        business=Business(type=found.business.type, type_text=found.business.type_text),
        attachments=tuple(
            Attachment(number=each.number, zipped=each.zipped, size=each.size, sha256=each.sha256)
            for each in found.attachments
        ),
        media_type=found.media_type,
    )
    return msgspec.json.encode(bare).decode()


def _blanked_findings(findings: str) -> str:
    """What was noticed, by its rules: the words may quote the document."""
    found = msgspec.json.decode(findings, type=tuple[Finding, ...])
    bare = [Finding(rule=each.rule, severity=each.severity, vi="", en="") for each in found]
    return msgspec.json.encode(bare).decode()


@dataclass(frozen=True, kw_only=True, slots=True)
class Repeat:
    """What was destroyed, as a ledger must know that may be older."""

    purged: tuple[Purged, ...]
    now: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Repeated:
    """What came of it."""

    #: Documents that the ledger did not know of.
    documents: int
    #: Those that it cannot have forgotten: no restore of a copy from before them. Left alone.
    strange: int


class RepeatOperation:
    """They become an order of their own, which the eraser carries out again.

    Only what a restore made the ledger forget: a list that tells of more was written by somebody else, and a line
    in a file is no order.
    """

    name = "repeat_purges"

    async def apply(self, tx: Transaction, payloads: Sequence[Repeat]) -> Sequence[Repeated]:
        """One result per payload."""
        return [await self._repeat(tx, payload) for payload in payloads]

    async def _repeat(self, tx: Transaction, ask: Repeat) -> Repeated:
        ids = as_json([each.message for each in ask.purged if not each.paper])
        here = {row[0]: row[2] for row in await tx.fetch("message_read_purging", (ids,))}
        known = {row[0] for row in await tx.fetch("purge_find_of_messages", (ids,))}
        fresh = {
            each.message: each
            for each in ask.purged
            if not each.paper and each.message not in known and here.get(each.message) == each.sha256
        }
        papers = await forgotten_papers(tx, [each.message for each in ask.purged if each.paper])
        fresh |= {each.message: each for each in ask.purged if each.message in papers}
        since, until = await _forgotten(tx)
        lost = [each for each in fresh.values() if since <= each.at <= until]
        for with_envelope in (False, True):
            part = [each for each in lost if each.envelope is with_envelope]
            if part:
                await self._order(tx, part, ask.now, with_envelope=with_envelope)
        return Repeated(documents=len(lost), strange=len(fresh) - len(lost))

    async def _order(self, tx: Transaction, part: Sequence[Purged], now: datetime, *, with_envelope: bool) -> None:
        order, at, us = uuid7(), micros(now), "gateway"
        digest = list_digest(each.message for each in part)
        words = ("restore", "an order that was carried out after this ledger's copy was made", "see the leaves")
        row = (order, words[0], words[1], words[2], None, int(with_envelope), digest, len(part))
        await tx.execute_many("purge_insert", [(*row, at, us, at, us, at, us, None)])
        documents = [(order, each.message, each.sha256, None) for each in part if not each.paper]
        await tx.execute_many("purge_document_insert", documents)
        papers = [(order, each.message, each.sha256) for each in part if each.paper]
        await tx.execute_many("purge_paper_insert", papers)
        for each in part:
            facts: dict[str, object] = {"order": each.order, "list": digest, "repeated": True}
            if each.paper:
                paper = PurgePaper(order=order, entry_id=each.message, now=now)
                await mark_paper(tx, paper, facts, with_texts=with_envelope)
                continue
            facts["sha256"] = each.sha256
            ask = Purge(order=order, message_id=each.message, now=now)
            await _mark(tx, ask, facts, with_envelope=with_envelope)


async def _forgotten(tx: Transaction) -> tuple[int, int]:
    """From when to when the ledger may have forgotten something: since its copy, until the restore."""
    rows = await tx.fetch("purge_read_epoch")
    if not rows:
        return 0, -1
    facts = msgspec.json.decode(rows[0][1])["facts"]
    return int(facts["taken_at"]) - _CLOCKS_APART, rows[0][0] + _CLOCKS_APART


@dataclass(frozen=True, kw_only=True, slots=True)
class Remain:
    """Something of an order that could not be removed yet."""

    place: str
    #: Of the bytes; "" where it is about the place as a whole.
    sha256: str
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Remains:
    """All of an order, as of now."""

    order: str
    found: tuple[Remain, ...]
    now: datetime


class NoteRemainsOperation:
    """Writes them in the place of what was noted before; since when it is so stays."""

    name = "note_remains"

    async def apply(self, tx: Transaction, payloads: Sequence[Remains]) -> Sequence[None]:
        """Nothing to give back."""
        for ask in payloads:
            known = {(row[0], row[1]): row[3] for row in await tx.fetch("purge_remain_list", (ask.order,))}
            await tx.fetch("purge_remain_forget", (ask.order,))
            if (await tx.fetch("purge_read_state", (ask.order,)))[0][-1]:
                continue  # nobody would look at it again
            rows = [
                (
                    ask.order,
                    each.place,
                    each.sha256,
                    each.why,
                    known.get((each.place, each.sha256), micros(ask.now)),
                )
                for each in ask.found
            ]
            await tx.execute_many("purge_remain_insert", rows)
        return [None] * len(payloads)


@dataclass(frozen=True, kw_only=True, slots=True)
class Gone:
    """A message that is purged."""

    message_id: str
    order: str
    sha256: str
    at: datetime


async def gone_of(readers: Readers | Reader, messages: Sequence[str]) -> dict[str, Gone]:
    """Those of some messages that are purged."""
    rows = await readers.fetch("purge_find_of_messages", (as_json(list(messages)),))
    return {row[0]: Gone(message_id=row[0], order=row[1], sha256=row[2], at=instant(row[3])) for row in rows}


async def refuse_purged(readers: Readers, message_id: str) -> None:
    """RefusedError where nobody is given a byte of a message any more."""
    if await gone_of(readers, [message_id]):
        raise RefusedError("body_purged", message_id)


async def is_destroyed(readers: Readers, sha256: str) -> bool:
    """Whether some bytes were destroyed by order, and nothing needs them any more."""
    if not await readers.fetch("purge_find_of_body", (sha256,)):
        return False
    return not await needers_of(readers, [sha256])


async def needers_of(readers: Readers, digests: Sequence[str]) -> dict[str, list[str]]:
    """Digest -> names of what needs it: messages, and offers that became none."""
    found: dict[str, list[str]] = {}
    for digest, _, name in await readers.fetch("body_list_needers", {"digests": as_json(list(digests))}):
        found.setdefault(digest, []).append(name)
    return found
