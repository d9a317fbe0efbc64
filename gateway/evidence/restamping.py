"""Renews the log's head by another hash and has it stamped (`gateway.transparency.renewal`).

1. The newest checkpoint that has a stamp: the old chain, together with the renewal before.
2. Its leaves, read and hashed anew a portion at a time in a thread; memory holds a hash for 256 of them.
3. The text over both, stamped under the new hash, then kept with its event in one transaction.

A crash before the end leaves nothing. Nobody waits for it but whoever asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gateway.clock import Clock, rfc3339
from gateway.errors import RefusedError, StampError
from gateway.evidence.stamping import Stamping
from gateway.ledger.renewals import KeepRenewalOperation, NewRenewal, RenewalReads, StoredRenewal
from gateway.ledger.tree import LogReads, StoredCheckpoint
from gateway.storage.pump import Pump
from gateway.storage.readers import Readers
from gateway.transparency.checkpoint import Checkpoint
from gateway.transparency.note import SignedNote
from gateway.transparency.renewal import Chunks, Hash, Renewal, chain_of

PORTION: Final = 4096
_LAST: Final = 2**62
#: Called with what is done of the leaves, and all of them.
Progress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Restamping:
    """What it takes."""

    readers: Readers
    pump: Pump
    stamping: Stamping
    clock: Clock

    async def renew(
        self, algorithm: str, *, actor: str, note: str, progress: Progress = lambda _done, _total: None
    ) -> NewRenewal:
        """Steps 1 to 3; RefusedError where nothing is stamped yet, or no server stamps now."""
        reads = RenewalReads(self.readers)
        size = await reads.stamped_size()  # 1
        checkpoint = None if size is None else await LogReads(self.readers).of_size(size)
        if checkpoint is None:
            raise RefusedError("no_stamp", "no checkpoint of the log has a time stamp yet")
        before = await reads.all()
        chunks = await self._hashed(Hash(algorithm), checkpoint.size, progress)  # 2
        renewal = self._text(checkpoint, before, chunks)  # 3
        text = renewal.text()
        try:
            stamp = await self.stamping.stamp(renewal.hash.digest(text), algorithm=renewal.hash.stamped_as)
        except StampError as error:
            raise RefusedError("no_stamp", str(error)) from error
        made = NewRenewal(
            renewal=renewal,
            chunks=chunks.roots,
            stamps=[each.token for each in checkpoint.stamps],
            server=stamp.server,
            stamped_at=stamp.not_later_than,
            token=stamp.token,
            now=self.clock.now(),
            actor=actor,
            note=note,
        )
        await self.pump.submit(KeepRenewalOperation(), made)
        return made

    async def _hashed(self, hash_: Hash, size: int, progress: Progress) -> Chunks:
        chunks, done, after = Chunks(hash=hash_), 0, 0
        while done < size:
            page = {"after": after, "until": _LAST, "limit": min(PORTION, size - done)}
            rows = await self.readers.fetch("archive_list_leaves", page)
            await asyncio.to_thread(chunks.add, [bytes(row[1]) for row in rows])
            done, after = done + len(rows), rows[-1][0]
            progress(done, size)
        return chunks

    def _text(self, checkpoint: StoredCheckpoint, before: list[StoredRenewal], chunks: Chunks) -> Renewal:
        told = Checkpoint.parse(SignedNote.parse(checkpoint.signed).text)
        last = (before[-1].kept.text, before[-1].kept.token) if before else None
        stamps = [stamp.token for stamp in checkpoint.stamps]
        return Renewal(
            number=len(before) + 1,
            origin=told.origin,
            algorithm=chunks.hash.name,
            size=checkpoint.size,
            root=chunks.root().hex(),
            sha256_root=checkpoint.root.hex(),
            chain=chain_of(chunks.hash, checkpoint.signed, stamps, last),
            made_at=rfc3339(self.clock.now()),
        )
