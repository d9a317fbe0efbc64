"""Whether a document that is said to be destroyed by order is: told by its leaf, answered for, and gone. Pure code.

The leaf is believed, not the row beside it: whoever removes a body and adds a row has no leaf of it. Two persons
must have answered in the log for the list that the leaf names and the document stands in, or, where it was done
again, a restore must have come before. Whoever forges events too is found by checkpoints that left the machine.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from gateway.audit.findings import Findings
from gateway.audit.leaves import facts_of
from gateway.audit.rows import EventRecord, Message, Page
from gateway.audit.stored import StoredBody
from gateway.events import Event
from gateway.ledger.purge_answers import is_answered, list_digest

_ANSWERS = frozenset({Event.PURGE_ORDERED, Event.PURGE_BACKED, Event.PURGE_CONFIRMED})
_ENDS = frozenset({Event.PURGE_CANCELLED, Event.PURGE_LAPSED})


@dataclass(kw_only=True)
class Orders:
    """What the log and the ledger say of all orders."""

    #: Order -> leaves of those who made, backed and confirmed it.
    answers: dict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    #: Order -> digest of the documents that stand in it.
    lists: dict[str, str] = field(default_factory=dict)
    #: Order -> number of the event that cancelled it, or let it lapse.
    ended: dict[str, int] = field(default_factory=dict)
    #: Line of a register -> number and facts of the event that destroyed its paper.
    papers: dict[str, tuple[int, dict[str, object]]] = field(default_factory=dict)
    #: Number of the first restore's event.
    restored: int | None = None
    #: Of the last event that was taken; what came meanwhile is not judged.
    last: int = 0

    def take(self, records: Iterable[EventRecord]) -> None:
        """Events, in their order."""
        for record in records:
            self.last = max(self.last, record.seq)
            if record.kind in _ANSWERS:
                self.answers[str(facts_of(record.leaf).get("order"))].append(record.leaf)
            elif record.kind in _ENDS:
                self.ended[str(facts_of(record.leaf).get("order"))] = record.seq
            elif record.kind == Event.PAPER_PURGED:
                facts = facts_of(record.leaf)
                self.papers[str(facts.get("entry"))] = record.seq, facts
            elif record.kind == Event.EPOCH_OPENED and self.restored is None:
                self.restored = record.seq

    def listed(self, rows: Sequence[tuple[str, str]]) -> None:
        """Order and document, of all orders."""
        found = defaultdict(list)
        for order, message_id in rows:
            found[order].append(message_id)
        self.lists = {order: list_digest(ids) for order, ids in found.items()}

    def answer_for(self, seq: int, facts: dict[str, object], order: str) -> bool:
        """Whether somebody answers for a purge: its number, its leaf, the order that its row is in."""
        if seq > self.last:
            return True
        if self.ended.get(order, seq) < seq:
            return False
        digest = str(facts.get("list"))
        if self.lists.get(order) != digest:
            return False
        if facts.get("repeated") is True:
            return self.restored is not None and self.restored < seq
        return facts.get("order") == order and is_answered(self.answers.get(order, ()), digest)


def examine_purge(page: Page, message: Message, body: StoredBody, orders: Orders, findings: Findings) -> bool:
    """Whether it was destroyed, so that no bytes of it are looked for."""
    history = page.history.get(message.id, [])
    told = [(row.seq, facts_of(row.leaf)) for row in history if row.kind == Event.BODY_PURGED]
    row = page.purges.get(message.id)
    if row is None and not told:
        return False
    if row is None or not told or {facts.get("sha256") for _, facts in told} != {message.sha256}:
        findings.add("purge_differs", message.id, f"{len(told)} leaves, {0 if row is None else 1} rows")
        return bool(told)
    if not all(orders.answer_for(seq, facts, row.order) for seq, facts in told):
        findings.add("purge_unanswered", message.id, f"order {row.order}")
    if body.fault != "body_missing" and row.outcome and not row.needed:
        findings.add("body_purged_there", message.id, message.sha256)
    return True


def examine_papers(rows: Sequence[tuple[str, str, str, int]], orders: Orders, findings: Findings) -> None:
    """Papers that are said to be destroyed: told by their leaves, answered for, and without a scan."""
    for entry, sha256, order, has_scan in rows:
        seq, facts = orders.papers.get(entry, (0, {}))
        subject = f"desk line {entry}"
        if facts.get("sha256") != sha256 or has_scan:
            findings.add("purge_differs", subject, "a scan is there" if has_scan else "its leaf says another scan")
        elif not orders.answer_for(seq, facts, order):
            findings.add("purge_unanswered", subject, f"order {order}")


def is_blanked(page: Page, message: Message) -> bool:
    """Whether its free text went, too: a leaf holds a digest of that."""
    history = page.history.get(message.id, [])
    return any("envelope" in facts_of(row.leaf) for row in history if row.kind == Event.BODY_PURGED)
