"""Whether renewals of the log's head are those that its leaves tell of, over the leaves that there are.

1. Each has its event, whose leaf names its text and stamp by digest; one that is gone is known by its event.
2. Its text is over the checkpoint, the stamps and the renewal before that are kept with it.
3. The tree by its hash, made again from the leaves: its root, and the roots of subtrees that are kept.

Goes along with the events, once, for all hashes; memory holds a hash for 256 leaves. Where a leaf is missing or was
put in, the log's own examination says so and step 3 is left out. Stamps are judged by `gateway-verify`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

import msgspec

from gateway.audit.findings import Findings
from gateway.audit.leaves import facts_of
from gateway.audit.rows import EventRecord
from gateway.errors import ProofError
from gateway.events import Event
from gateway.storage.readers import Readers
from gateway.transparency.checkpoint import Checkpoint
from gateway.transparency.note import SignedNote
from gateway.transparency.renewal import Chunks, Hash, Renewal, chain_of


@dataclass(frozen=True, kw_only=True, slots=True)
class _Kept:
    """A row; `renewal` is None where its text is none."""

    text: bytes
    token: bytes
    chunks: bytes
    stamps: str
    note: bytes
    renewal: Renewal | None

    @property
    def facts(self) -> dict[str, object]:
        """What its leaf says."""
        told: dict[str, object] = {
            "text": sha256(self.text).hexdigest(),
            "token": sha256(self.token).hexdigest(),
        }
        if self.renewal is not None:
            each = self.renewal
            told |= {"algorithm": each.algorithm, "size": each.size, "root": each.root}
        return told


@dataclass(kw_only=True)
class _Growing:
    """The tree by one hash, and what it was at the sizes that were asked for."""

    chunks: Chunks
    sizes: set[int]
    size: int = 0
    #: Leaves -> root, and how many roots of subtrees there were.
    found: dict[int, tuple[str, int]] = field(default_factory=dict)

    def add(self, leaf: bytes) -> None:
        """One more leaf."""
        if self.size >= max(self.sizes):
            return
        self.chunks.add([leaf])
        self.size += 1
        if self.size in self.sizes:
            self.found[self.size] = self.chunks.root().hex(), len(self.chunks.roots)


class RenewalExaminer:
    """`begin` first, then the events in their order, a page at a time, then `end`."""

    def __init__(self, readers: Readers, findings: Findings) -> None:
        self._readers, self._findings = readers, findings
        self._first: dict[int, _Kept] = {}
        #: Number of a renewal -> that of its event, and what that tells.
        self._told: dict[object, tuple[int, dict[str, object]]] = {}
        self._growing: dict[str, _Growing] = {}
        self._leaves = 0

    async def begin(self) -> None:
        """Before the log is read, so that all that is known is over leaves that will come."""
        self._first = await self._rows()
        for each in (kept.renewal for kept in self._first.values()):
            if each is None:
                continue
            hash_ = Hash(each.algorithm)
            made = self._growing.setdefault(each.algorithm, _Growing(chunks=Chunks(hash=hash_), sizes=set()))
            made.sizes.add(each.size)

    def take(self, records: Sequence[EventRecord], index_of: Callable[[int], int | None]) -> None:
        """A page of events; `index_of`: which leaf an event is."""
        for each in records:
            if each.kind == Event.LOG_RESTAMPED:
                facts = facts_of(each.leaf)
                self._told[facts.get("number")] = (each.seq, facts)
            if self._growing and index_of(each.seq) == self._leaves:
                self._leaves += 1
                for growing in self._growing.values():
                    growing.add(each.leaf)

    async def end(self) -> None:
        """The findings."""
        now = await self._rows()  # one that was made meanwhile may have its event among those that were seen
        for number, (seq, facts) in self._told.items():
            kept = now.get(number) if isinstance(number, int) else None
            if kept is None:
                self._findings.add("renewal_missing", f"renewal {number}", f"event {seq} tells of it")
                continue
            wrong = [name for name, value in kept.facts.items() if facts.get(name) != value]
            if wrong:
                self._findings.add(
                    "renewal_differs", f"renewal {number}", f"{', '.join(wrong)}: not as event {seq} tells"
                )
        before: _Kept | None = None
        for number, kept in self._first.items():
            fault = "no event tells of it" if number not in self._told else self._fault(number, kept, before)
            if fault:
                self._findings.add("renewal_differs", f"renewal {number}", fault)
            before = kept

    async def _rows(self) -> dict[int, _Kept]:
        rows = await self._readers.fetch("fsck_renewals")
        return {
            row[0]: _Kept(
                text=row[1], chunks=row[2], stamps=row[3], token=row[4], note=row[5] or b"", renewal=_read(row[1])
            )
            for row in rows
        }

    def _fault(self, number: int, kept: _Kept, before: _Kept | None) -> str:
        """Steps 2 and 3; "" where it holds."""
        renewal = kept.renewal
        if renewal is None or renewal.number != number:
            return "its text is not that of this renewal"
        try:
            stamps = msgspec.json.decode(kept.stamps, type=list[bytes])
            chain = chain_of(renewal.hash, kept.note, stamps, (before.text, before.token) if before else None)
            checkpoint = Checkpoint.parse(SignedNote.parse(kept.note).text)
        except (ProofError, ValueError) as error:
            return f"what it is over cannot be read: {error}"[:300]
        if chain != renewal.chain:
            return "it is not over the checkpoint, the stamps and the renewal before that are kept"
        if (checkpoint.size, checkpoint.root.hex()) != (renewal.size, renewal.sha256_root):
            return "it is over another checkpoint than it says"
        return self._leaves_fault(renewal, kept.chunks)

    def _leaves_fault(self, renewal: Renewal, chunks: bytes) -> str:
        growing = self._growing[renewal.algorithm]
        root, count = growing.found.get(renewal.size, (None, 0))
        if root is None:
            return ""  # a leaf is missing or foreign, which is told
        if root != renewal.root:
            return f"the {renewal.size} leaves do not make its root by {renewal.algorithm}"
        if b"".join(growing.chunks.roots[:count]) != chunks:
            return f"the roots of subtrees kept with it are not those by {renewal.algorithm}"
        return ""


def _read(text: bytes) -> Renewal | None:
    try:
        found = Renewal.parse(text)
        Hash(found.algorithm)
    except ProofError:
        return None
    return found
