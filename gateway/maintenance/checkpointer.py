"""The log's duty: what is new becomes leaves, and the tree is signed, each minute.

1. The sequencer brings the tree up to the newest event, also where nothing may be signed.
2. Whether the tree continues what was signed last (`gateway.evidence.log_mark`). If not, nothing is signed until an
   operator declares the gap.
3. A checkpoint over the committed tree is signed by the process that holds the key.
4. Its size and root are written to the mark and synced; only then is it kept in the ledger, from where it is handed
   out. A crash between the two leaves a mark of the tree that is there: the next run signs that, or a longer one.

Why nothing is signed at present is a state (`refusal`), a metric and a detail of /readyz; it refuses no document.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import structlog

from gateway.clock import Clock
from gateway.condition import UNSET, Condition, Health
from gateway.config.settings import LogSettings
from gateway.errors import LogRefusedError, SealError, StorageError
from gateway.evidence.log_mark import Mark, write_mark
from gateway.evidence.sequencer import Sequencer, require_continued
from gateway.failpoints import failpoint
from gateway.ledger.tree import KeepCheckpointOperation, LogReads, Signed, StoredCheckpoint, Tree
from gateway.observe import Metrics
from gateway.signing import SealingKey
from gateway.storage.pump import Pump
from gateway.storage.readers import Readers
from gateway.transparency.checkpoint import Checkpoint
from gateway.transparency.keys import of_epoch
from gateway.transparency.note import NoteSignature, SignedNote, VerifierKey

#: What stands in the way where no file and no key failed.
_REFUSED_VI: Final[Mapping[str, str]] = {
    "behind": "sổ ở đây ngắn hơn phần đã ký: có thể đã khôi phục từ bản sao cũ",
    "other_history": "nhật ký ở đây không khớp với phần đã ký",
    "other_key": "tệp [log] mark là của nhật ký dùng khóa khác",
    "mark_missing": "không còn tệp [log] mark: không biết đã ký đến đâu",
}
_log = structlog.get_logger(__name__)


class Checkpointer:
    """One per server."""

    name = "log"

    def __init__(
        self,
        readers: Readers,
        pump: Pump,
        key: SealingKey,
        *,
        settings: LogSettings,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._readers, self._pump, self._key = readers, pump, key
        self._settings, self._clock, self._metrics = settings, clock, metrics
        self._sequencer, self._reads = Sequencer(readers, pump), LogReads(readers)
        self._keep, self._alone = KeepCheckpointOperation(), asyncio.Lock()
        #: Why nothing is signed; None: all is well, or nothing was tried yet.
        self.refusal: LogRefusedError | None = None

    @property
    def every(self) -> timedelta:
        """As the setting says."""
        return self._settings.every

    @property
    def condition(self) -> Condition:
        """How the log is."""
        if self.refusal is None:
            return Condition.fine("signed")
        if self.refusal.code == "no_key":
            return UNSET
        told_vi = _REFUSED_VI.get(self.refusal.code) or f"không ghi, đọc hoặc ký được: {self.refusal.detail}"
        return Condition(Health.FAILING, f"not signed: {self.refusal}", told_vi)

    async def run_once(self) -> None:
        """Steps 1 to 4; whatever forbids signing is kept in `refusal`."""
        async with self._alone:
            await self._run()

    async def _run(self) -> None:
        # 1
        tree = await self._sequencer.catch_up(lambda grown: self._metrics.log_leaves.set(grown.size))
        self._metrics.log_leaves.set(tree.size)
        latest = await self._reads.latest()
        try:
            signed_at = await self._sign(tree, latest)
        except LogRefusedError as error:
            self._refused(error)
        else:
            self.refusal = None
            self._metrics.log_refusing.set(0)
            self._metrics.log_signed_at.set(signed_at.timestamp())

    def _refused(self, error: LogRefusedError) -> None:
        if self.refusal is None or self.refusal.code != error.code:
            (_log.info if error.code == "no_key" else _log.error)(
                "log.refused", code=error.code, detail=error.detail
            )
        self.refusal = error
        self._metrics.log_refusing.set(0 if error.code == "no_key" else 1)

    async def _sign(self, tree: Tree, latest: StoredCheckpoint | None) -> datetime:
        key = self._key.log_key
        if key is None:
            raise LogRefusedError("no_key", f"{self._settings.vkey} is not there: gateway log init")
        # 2
        await require_continued(self._readers, self._settings.mark, tree, key)
        now = self._clock.now()
        if tree.size == 0 or (latest is not None and latest.size == tree.size):
            return now
        # 3
        note = await self._note(tree, of_epoch(key, tree.epoch))
        # 4
        mark = Mark(key=key.digest.hex(), epoch=tree.epoch, size=tree.size, root=tree.root.hex())
        failpoint("log.mark.before")
        try:
            await asyncio.to_thread(write_mark, self._settings.mark, mark)
        except StorageError as error:
            raise LogRefusedError("mark_unwritable", str(error)) from error
        failpoint("log.mark.after")
        failpoint("log.keep.before")
        await self._pump.submit(self._keep, Signed(size=tree.size, root=tree.root, at=now, note=note))
        failpoint("log.keep.after")
        return now

    async def _note(self, tree: Tree, key: VerifierKey) -> bytes:
        text = Checkpoint(key.name, tree.size, tree.root).text()
        failpoint("log.sign.before")
        try:
            signature = await self._key.sign_checkpoint(text, key)
        except SealError as error:
            raise LogRefusedError("key_failed", str(error)) from error
        failpoint("log.sign.after")
        return bytes(SignedNote(text, (NoteSignature(key.name, key.key_id, signature),)))
