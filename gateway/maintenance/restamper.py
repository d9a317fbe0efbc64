"""Renews the log's head once a year with the hash of the settings, or before the last stamp's certificate ends.

A year is counted from the renewal before, at first from the first time stamp. The certificate counts when it ends
within `SOON` and the authority has one that ends later: else another stamp gains nothing. What cannot be done is
tried again with the next run; beyond `GRACE` it is told as late, in /readyz, `gateway status`, `gateway doctor`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import structlog

from gateway.clock import Clock
from gateway.condition import UNSEEN, UNSET, Condition, Health
from gateway.config.archive import ArchiveSettings
from gateway.errors import GatewayError
from gateway.evidence.restamping import Restamping
from gateway.ledger.renewals import RenewalReads
from gateway.ledger.tree import LogReads
from gateway.seal.embedded import certificates_of_stamp
from gateway.storage.readers import Readers

SOON: Final = timedelta(days=60)
GRACE: Final = timedelta(days=7)

_log = structlog.get_logger(__name__)


class Restamper:
    """One per server."""

    name = "restamps"
    every = timedelta(hours=6)

    def __init__(
        self, readers: Readers, restamping: Restamping, *, settings: ArchiveSettings, clock: Clock
    ) -> None:
        self._readers, self._restamping = readers, restamping
        self._settings, self._clock = settings, clock
        self._reads = RenewalReads(readers)
        is_set = settings.restamp_every and restamping.stamping.servers
        #: How it is.
        self.condition = UNSEEN if is_set else UNSET

    async def run_once(self) -> None:
        """Renew, where it is due."""
        if self.condition is UNSET:
            return
        due = await self._due_at()
        now = self._clock.now()
        if due is None or now < due:
            told = "nothing is stamped yet" if due is None else f"due at {due:%Y-%m-%d}"
            self.condition = Condition.fine(told)
            return
        try:
            made = await self._restamping.renew(
                self._settings.restamp_algorithm, actor="gateway", note="it was due"
            )
        except GatewayError as error:
            health = Health.LATE if now > due + GRACE else Health.WAITING
            told, told_vi = f"due since {due:%Y-%m-%d}: {error}", f"đến hạn từ ngày {due:%d/%m/%Y}: {error}"
            self.condition = Condition(health, f"{health}: {told}", told_vi)
            _log.warning("log.restamp_failed", detail=str(error)[:300])
        else:
            self.condition = Condition.fine(f"renewed over {made.renewal.size} leaves")
            _log.info("log.restamped", number=made.renewal.number, size=made.renewal.size)

    async def _due_at(self) -> datetime | None:
        """When the next one is due; None while there is nothing to renew."""
        known = await self._reads.all()
        since = known[-1].stamped_at if known else await self._reads.first_stamp()
        if since is None:
            return None
        due = since + self._settings.restamp_every
        if known and (ends := _ends(known[-1].kept.token)) is not None:
            size = await self._reads.stamped_size()
            newest = None if size is None else await LogReads(self._readers).of_size(size)
            later = [_ends(stamp.token) for stamp in newest.stamps] if newest else []
            if any(each is not None and each > ends for each in later):
                due = min(due, ends - SOON)
        return due


def _ends(token: bytes) -> datetime | None:
    """When the certificate of a stamp ends: that of whoever signed it ends first."""
    return min((each.not_valid_after_utc for each in certificates_of_stamp(token)), default=None)
