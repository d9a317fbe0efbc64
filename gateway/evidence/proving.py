"""Under which checkpoint leaves are proved, and which of them may wait until witnesses have signed for them.

The checkpoint is the first that covers all of them, so that its stamp is the earliest: of those with enough
witnesses, else of all; a later one where that one lacks the stamp; the one that the institution signed, unless that
proves less.

Witnesses sign behind the log, and may be away for long. What happened since their last checkpoint would draw all of
a document's history under one that nobody cosigned, so a bundle may leave such leaves out (`may_wait`) as long as
the others are proved without them. They are counted like leaves that are under no checkpoint yet; the size of the
tree that the bundle names is what it speaks of.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from gateway.events import Event
from gateway.ledger.institution import CheckpointSignatures
from gateway.ledger.readings import ReadAct
from gateway.ledger.tree import LogReads, StoredCheckpoint
from gateway.transparency.proof import InclusionProof

#: So long the witnesses' next lines are waited for; then an event is told without them, rather than not at all.
_SOON: Final = timedelta(minutes=15)
#: They tell what was asked about the document, and nothing of what became of it.
_ASIDE: Final = frozenset({Event.DOCUMENT_EXPORTED, Event.LOOKUP_MADE})


def may_wait(message_id: str, now: datetime) -> Callable[[bytes], bool]:
    """Of a leaf: whether a bundle about this document, made now, holds without it; never so of its acceptance."""

    def waits(leaf: bytes) -> bool:
        told: dict[str, Any] = msgspec.json.decode(leaf)
        if told["kind"] == Event.DOCUMENT_ACCEPTED and told.get("message") == message_id:
            return False
        if told["kind"] in _ASIDE:
            return True
        facts = told.get("facts") or {}
        if told["kind"] == Event.DOCUMENT_READ and facts.get("act") == ReadAct.SHOWN:
            return True
        return datetime.fromisoformat(told["at"]) > now - _SOON

    return waits


async def proved_leaves(
    log: LogReads,
    events: Sequence[tuple[int, bytes]],
    signatures: CheckpointSignatures | None = None,
    waits: Callable[[bytes], bool] | None = None,
) -> tuple[dict[int, tuple[bytes, bytes]], StoredCheckpoint | None, int]:
    """Index -> leaf and proof of some events, the checkpoint that they are under, how many are proved under none.

    `waits`: which leaves may be left out for want of witnesses; none without it.
    """
    latest = await log.latest()
    size = latest.size if latest is not None else 0
    indices = {seq: await log.index_of(seq) for seq, _ in events}
    known = {index: leaf for seq, leaf in events if (index := indices[seq]) is not None and index < size}
    if latest is None or not known:
        return {}, None, len(events)
    witnessed = await log.latest_cosigned()
    if witnessed is not None and waits is not None:
        newer = {index: leaf for index, leaf in known.items() if index >= witnessed.size}
        if len(newer) < len(known) and all(waits(leaf) for leaf in newer.values()):
            known = {index: leaf for index, leaf in known.items() if index < witnessed.size}
    if witnessed is not None and max(known) < witnessed.size:
        latest = witnessed
    first = await log.covering(max(known))
    checkpoint = first if first is not None and (first.stamps or not latest.stamps) else latest
    signed = await signatures.covering(max(known)) if signatures is not None else None
    by_institution = await log.of_size(signed) if signed is not None else None
    if by_institution is not None and _proves_no_less(log, by_institution, checkpoint):
        checkpoint = by_institution
    paths = zip(sorted(known), await log.inclusions(sorted(known), checkpoint.size), strict=True)
    note = checkpoint.note
    found = {index: (known[index], bytes(InclusionProof(index, tuple(path), note))) for index, path in paths}
    return found, checkpoint, len(events) - len(found)


def _proves_no_less(log: LogReads, one: StoredCheckpoint, other: StoredCheckpoint) -> bool:
    """Whether the one has the time stamp and the witnesses that the other has."""
    stamped = bool(one.stamps) or not other.stamps
    return stamped and (log.has_quorum(one) or not log.has_quorum(other))
