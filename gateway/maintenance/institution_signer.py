"""Has the newest published checkpoint signed by the institution's key, where there is one, now and then.

It comes after the log's signature and in nobody's way: a key on a slow token, or one that is locked away at night,
holds up neither checkpoints nor documents. Not every checkpoint is signed by it; the newest vouches for all before.
What cannot be signed now is tried again at the next interval, with what is the newest then. Where that goes wrong
for longer than `[institution] grace`, the state is *late*: a metric, a detail of /readyz, a finding of doctor, an
alert.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from gateway.clock import Clock, in_vietnam, rfc3339
from gateway.condition import UNSET, Condition, Health
from gateway.config.settings import InstitutionSettings
from gateway.errors import KeyFileError, SealError
from gateway.evidence.institution_key import InstitutionKey
from gateway.ledger.institution import CheckpointSignatures, KeepCheckpointSignatureOperation
from gateway.ledger.own_keys import note_taken
from gateway.ledger.tree import LogReads
from gateway.observe import Metrics
from gateway.storage.pump import Pump
from gateway.storage.readers import Readers

_log = structlog.get_logger(__name__)


class InstitutionSigner:
    """One per server."""

    name = "institution"

    def __init__(
        self,
        readers: Readers,
        pump: Pump,
        log: LogReads,
        key: InstitutionKey,
        *,
        settings: InstitutionSettings,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._pump, self._key, self._clock, self._metrics = pump, key, clock, metrics
        self._settings = settings
        self._log, self._signatures = log, CheckpointSignatures(readers)
        self._keep = KeepCheckpointSignatureOperation()
        #: Since when it has failed; None while it does not.
        self._failing_since: datetime | None = None
        #: How it is.
        self.condition = UNSET

    @property
    def every(self) -> timedelta:
        """As the setting says."""
        return self._settings.every

    async def run_once(self) -> None:
        """Sign the newest checkpoint, if it is not signed, and tell how it is."""
        if not self._key.is_set_up:
            self._nothing_to_sign(UNSET)
            return
        newest = await self._log.latest()
        if newest is None:
            self._nothing_to_sign(Condition.fine("waiting: the log has signed nothing yet"))
            return
        now = self._clock.now()
        if await self._signatures.of(newest.size) is None:
            try:
                signature = await self._key.sign(newest, now)
            except (KeyFileError, SealError) as error:
                self._failed(error, now)
                return
            await note_taken(self._pump, "institution", signature.signer, now)
            await self._pump.submit(self._keep, signature.kept)
        self._failing_since = None
        self._metrics.institution_signed_at.set(now.timestamp())
        self._metrics.institution_late.set(0)
        self.condition = Condition.fine(f"signed {newest.size} leaves")

    def _nothing_to_sign(self, why: Condition) -> None:
        self._failing_since = None
        self._metrics.institution_late.set(0)
        self.condition = why

    def _failed(self, why: KeyFileError | SealError, now: datetime) -> None:
        if self._failing_since is None:
            self._failing_since = now
            _log.warning("institution.not_signed", detail=str(why))
        is_late = now - self._failing_since > self._settings.grace
        self._metrics.institution_late.set(1 if is_late else 0)
        health = Health.LATE if is_late else Health.WAITING
        told = f"{health}: not signed since {rfc3339(self._failing_since)}: {why}"
        told_vi = f"chưa ký được từ {in_vietnam(self._failing_since)}: {why}"
        self.condition = Condition(health, told, told_vi, getattr(why, "code", ""))
