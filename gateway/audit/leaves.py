"""Whether events still are what was recorded: numbers without gaps, leaves canonical, hashes right. Pure code.

The leaf is the evidence; the columns beside it are for queries. Whoever edits one of the two is found here;
whoever edits both alike is found by replaying the histories, and, once checkpoints leave the machine, by them.
"""

from __future__ import annotations

import msgspec

from gateway.audit.findings import Findings
from gateway.audit.rows import EventRecord
from gateway.events import Event, canonical, leaf_hash

_BACKWARDS = 5 * 60 * 1_000_000
_KINDS = frozenset(Event)


class LeafExaminer:
    """Takes events in their order."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._seq = 0
        self._at = 0
        self._leaf_hash = b""

    def examine(self, row: EventRecord) -> None:
        """One event."""
        subject = f"event {row.seq}"
        if row.seq < 1:
            self._findings.add("event_unknown", subject, "no event has such a number")
            return
        if row.seq != self._seq + 1 and not self._opens_epoch(row):
            missing = f"{self._seq + 1}" if row.seq == self._seq + 2 else f"{self._seq + 1}-{row.seq - 1}"
            self._findings.add("event_gap", f"event {missing}")
        if row.at < self._at - _BACKWARDS:
            self._findings.add("event_time", subject)
        self._seq, self._at, self._leaf_hash = row.seq, max(row.at, self._at), row.leaf_hash
        if row.kind not in _KINDS:
            self._findings.add("event_unknown", subject, row.kind[:100])
        if leaf_hash(row.leaf) != row.leaf_hash:
            self._findings.add("leaf_hash", subject, row.kind)
        self._examine_leaf(row, subject)

    def _opens_epoch(self, row: EventRecord) -> bool:
        """A restore declares the jump: its leaf names the event before it, and its number is its instant."""
        facts = facts_of(row.leaf)
        before = (facts.get("after"), facts.get("after_leaf"))
        return row.kind == Event.EPOCH_OPENED and row.seq == row.at and before == (self._seq, self._leaf_hash.hex())

    def _examine_leaf(self, row: EventRecord, subject: str) -> None:
        leaf = decode_leaf(row.leaf)
        if leaf is None or canonical(leaf) != row.leaf:
            self._findings.add("leaf_form", subject, row.kind)
            return
        told = {name: leaf.get(name) for name in ("v", "kind", "at", "actor", "message", "delivery")}
        columns = {
            "v": 1,
            "kind": row.kind,
            "at": row.at,
            "actor": row.actor,
            "message": row.message_id,
            "delivery": row.delivery_id,
        }
        wrong = [name for name, value in columns.items() if told[name] != value]
        if wrong or not isinstance(leaf.get("facts"), dict):
            self._findings.add("leaf_differs", subject, f"{row.kind}: {', '.join(wrong) or 'facts'}")


def decode_leaf(leaf: bytes) -> dict[str, object] | None:
    """The leaf as an object; None when it is none."""
    try:
        found = msgspec.json.decode(leaf)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return found if isinstance(found, dict) else None


def facts_of(leaf: bytes) -> dict[str, object]:
    """The facts of an event; empty when they cannot be read, which `LeafExaminer` reports."""
    facts = (decode_leaf(leaf) or {}).get("facts")
    return facts if isinstance(facts, dict) else {}
