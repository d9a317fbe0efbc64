"""Has receipts time-stamped, apart from the log: what others read in a container of ours without knowing our log.

Each minute all that was accepted since goes into one tree whose root is stamped, and each receipt gets an
evidence record of it when it is exported [RFC 4998]; or each receipt gets a stamp of its own (`[stamps]
receipts`). The oldest first, a portion a run. Without a server nothing is lost: the next run goes on behind the
last stamp that was kept. Whether stamps are late is told by the log's (`gateway.maintenance.stamper`), which
asks the same servers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import structlog

from gateway.config.settings import StampSettings
from gateway.errors import StampError
from gateway.evidence.stamping import Stamped, Stamping
from gateway.ledger.receipt_stamps import KeepReceiptStampOperation, ReceiptStamp, ReceiptStamps, Unstamped
from gateway.observe import Metrics
from gateway.seal.evidence_record import group_hash, root_of
from gateway.storage.pump import Pump
from gateway.storage.readers import Readers

#: Receipts below one stamp at most.
MOST: Final = 5_000
#: Stamps of one run at most: of trees, and of receipts.
TREES: Final = 20
EACH: Final = 60

_log = structlog.get_logger(__name__)


class ReceiptStamper:
    """One per server."""

    name = "receipts"

    def __init__(
        self, readers: Readers, pump: Pump, stamping: Stamping, *, settings: StampSettings, metrics: Metrics
    ) -> None:
        self._readers, self._pump, self._stamping = readers, pump, stamping
        self._settings, self._metrics = settings, metrics
        self._reads, self._keep = ReceiptStamps(readers), KeepReceiptStampOperation()
        #: The event up to which nothing waits; 0: not looked yet.
        self._done = 0

    @property
    def every(self) -> timedelta:
        """As the setting says."""
        return self._settings.every

    async def run_once(self) -> None:
        """Stamp what waits, as far as servers go along."""
        if not self._settings.servers or self._settings.receipts == "none":
            return
        waiting = 0
        try:
            waiting = await self._work_off()
        except StampError as error:
            waiting = 1
            _log.warning("receipts.not_stamped", detail=str(error))
        self._metrics.receipts_unstamped.set(waiting)

    async def _work_off(self) -> int:
        """Whether something waits for the next run."""
        is_each = self._settings.receipts == "each"
        self._done = max(self._done, await self._reads.last_seq())
        for _ in range(1 if is_each else TREES):
            found, upto = await self._reads.unstamped(self._done, EACH if is_each else MOST)
            if not found and upto == self._done:
                return 0
            if found:
                await (self._stamp_each(found) if is_each else self._stamp_tree(found))
            self._done = upto
        found, upto = await self._reads.unstamped(self._done, 1)
        return 1 if found or upto != self._done else 0

    async def _stamp_tree(self, found: Sequence[Unstamped]) -> None:
        leaves = await asyncio.to_thread(lambda: tuple(group_hash(each.group) for each in found))
        root = await asyncio.to_thread(root_of, leaves)
        stamped = await self._stamping.stamp(root)
        stamp = _kept(found[0].seq, found[-1].seq, leaves, stamped)
        await self._pump.submit(self._keep, stamp)

    async def _stamp_each(self, found: Sequence[Unstamped]) -> None:
        from gateway.seal.unsigned import signature_imprint  # only who has each stamped

        for each in found:
            row = await self._readers.fetch_one("receipt_get_by_message", (each.message_id,))
            assert row is not None, "its receipt was listed"
            imprint = await asyncio.to_thread(signature_imprint, bytes(row[1]))
            stamped = await self._stamping.stamp(imprint)
            await self._pump.submit(self._keep, _kept(each.seq, each.seq, (imprint,), stamped, is_each=True))


def _kept(
    first: int, last: int, hashes: tuple[bytes, ...], stamped: Stamped, *, is_each: bool = False
) -> ReceiptStamp:
    return ReceiptStamp(
        first_seq=first,
        last_seq=last,
        form="each" if is_each else "record",
        hashes=hashes,
        server=stamped.server,
        at=stamped.not_later_than,
        token=stamped.token,
    )
