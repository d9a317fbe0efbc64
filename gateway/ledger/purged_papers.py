"""Papers of clerks' registers that are destroyed by order of two persons: scan, and texts where the order says so.

A line stays with its number, its day, and the document's own number and date. The scan's row goes in the
transaction that marks the paper as purged, its bytes afterwards (`gateway.maintenance.eraser`). The leaf holds the
scan's digest and, of texts that went, a salted digest. What a line says of a document that came or went by the
gateway is the document's, and goes with it (`gateway.ledger.purged`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from secrets import token_bytes
from typing import Final

import msgspec

from gateway.clock import micros
from gateway.errors import RefusedError
from gateway.events import Event
from gateway.ledger import history
from gateway.ledger.params import as_json
from gateway.storage.pump import Transaction

_SALT_BYTES: Final = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundPaper:
    """A paper that may be destroyed."""

    entry_id: str
    office_id: str
    #: Of its scan; "" where it has none.
    sha256: str


async def papers_to_purge(tx: Transaction, ids: Sequence[str]) -> list[FoundPaper]:
    """Those of some lines; RefusedError where one is unknown, no paper, or in an order already."""
    rows = await tx.fetch("purge_paper_candidates", (as_json(sorted(set(ids))),))
    unknown = set(ids) - {row[0] for row in rows}
    if unknown:
        raise RefusedError("document_unknown", ", ".join(sorted(unknown)[:5]))
    for key, _, _, is_paper, is_taken in rows:
        if not is_paper:
            told = "is of a document of the gateway's, which an order names itself, or of a number in use"
            raise RefusedError("state_forbids", f"line {key} {told}")
        if is_taken:
            raise RefusedError("state_forbids", f"destroyed already, or in an open order: {key}")
    return [FoundPaper(entry_id=row[0], office_id=row[1], sha256=row[2]) for row in rows]


@dataclass(frozen=True, kw_only=True, slots=True)
class PurgePaper:
    """Destroy a paper of a confirmed order."""

    order: str
    entry_id: str
    now: datetime


class PurgePaperOperation:
    """Whether it is purged from now on; not where its order was ended meanwhile."""

    name = "purge_paper"

    async def apply(self, tx: Transaction, payloads: Sequence[PurgePaper]) -> Sequence[bool]:
        """One result per payload."""
        return [await self._purge(tx, payload) for payload in payloads]

    async def _purge(self, tx: Transaction, ask: PurgePaper) -> bool:
        ((_, digest, with_envelope, *_, outcome),) = await tx.fetch("purge_read_state", (ask.order,))
        if outcome:
            return False
        facts: dict[str, object] = {"order": ask.order, "list": digest}
        await mark_paper(tx, ask, facts, with_texts=bool(with_envelope))
        return True


async def mark_paper(tx: Transaction, ask: PurgePaper, facts: dict[str, object], *, with_texts: bool) -> None:
    """Scan and texts leave the ledger, its leaf is written; once."""
    salt = token_bytes(_SALT_BYTES) if with_texts else None
    params = {"purge": ask.order, "entry": ask.entry_id, "now": micros(ask.now), "salt": salt}
    rows = await tx.fetch("purge_paper_mark", params)
    if not rows:
        return
    await tx.fetch("purge_remain_begin", (ask.order, micros(ask.now)))
    ((office, scan, *texts),) = await tx.fetch("entry_read_texts", (ask.entry_id,))
    facts |= {"entry": ask.entry_id, "office": office, "sha256": rows[0][0]}
    if salt is not None:
        facts["texts"] = sha256(salt + msgspec.json.encode(texts)).hexdigest()
        await tx.fetch("entry_blank_texts", (ask.entry_id,))
    await tx.fetch("entry_forget_scan", (ask.entry_id,))
    if scan is not None:
        await tx.execute_many("desk_file_forget_if_loose", [(scan,)])
    event = history.EventRow(kind=Event.PAPER_PURGED, at=ask.now, actor="gateway", facts=facts)
    await history.append(tx, [event])


async def forgotten_papers(tx: Transaction, ids: Iterable[str]) -> dict[str, str]:
    """Of lines that were destroyed, those that this ledger has whole: entry -> digest of its scan."""
    rows = await tx.fetch("purge_paper_candidates", (as_json(sorted(ids)),))
    gone = {row[0] for row in await tx.fetch("purge_find_of_papers", (as_json([row[0] for row in rows]),))}
    return {key: digest for key, _, digest, is_paper, _ in rows if is_paper and key not in gone}
