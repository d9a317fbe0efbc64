"""Bodies for those who hand them on: sound, or set aside and told to operators.

Every byte that leaves the gateway passes `SoundBodies.open`. A damaged or lost body is refused with the reason
`body_damaged`; the lines that wait for it are quarantined in the ledger (`ledger.damage`), and the log, a metric
and an alert tell operators. The file stays where it is, for a person; the same bytes accepted again set it aside.
A disk that does not answer is no damage: that is StorageError, and goes by.

What was destroyed by order is refused as that (`body_purged`): a message as soon as the ledger says so, whatever
lies on the disk, and bytes that are gone because nothing needs them any more.
"""

from __future__ import annotations

import structlog

from gateway.clock import Clock
from gateway.errors import BodyDamagedError, RefusedError, StorageError
from gateway.ledger.damage import Damaged, DamagedOperation
from gateway.ledger.purged import is_destroyed, refuse_purged
from gateway.observe import Metrics
from gateway.storage.bodies import Bodies
from gateway.storage.body_reading import BodyReader
from gateway.storage.pump import Pump
from gateway.storage.readers import Readers

_log = structlog.get_logger(__name__)


class SoundBodies:
    """One per process."""

    def __init__(self, bodies: Bodies, pump: Pump, readers: Readers, *, clock: Clock, metrics: Metrics) -> None:
        self._bodies, self._pump, self._readers = bodies, pump, readers
        self._clock, self._metrics = clock, metrics
        self._set_aside = DamagedOperation()
        #: Digests found damaged since the start and not found sound again.
        self.damaged: set[str] = set()

    async def refuse_purged(self, message_id: str) -> None:
        """RefusedError (`body_purged`) where a message was destroyed by order."""
        await refuse_purged(self._readers, message_id)

    async def open(self, sha256: str, *, dispatch_id: str = "", delivery_id: str = "") -> BodyReader:
        """The body, hashed; raises BodyDamagedError when the lines that need it are set aside, or StorageError."""
        try:
            found = await self._bodies.open_sound(sha256)
        except BodyDamagedError as error:
            if await is_destroyed(self._readers, sha256):
                raise RefusedError("body_purged", sha256) from error
            await self._tell(Damaged(
                sha256=sha256, now=self._clock.now(), dispatch_id=dispatch_id, delivery_id=delivery_id
            ), str(error))  # fmt: skip
            raise
        self.damaged.discard(sha256)
        return found

    async def _tell(self, found: Damaged, words: str) -> None:
        """Whoever asks for its own document again and again makes one event of it."""
        if found.sha256 in self.damaged and not (found.dispatch_id or found.delivery_id):
            return
        try:
            lines = await self._pump.submit(self._set_aside, found)
        except StorageError as error:  # it is met again, since nobody gets it
            _log.error("body.damaged", sha256=found.sha256, found=words, not_recorded=str(error))
            return
        self._metrics.damaged.inc()
        self.damaged.add(found.sha256)
        _log.error("body.damaged", sha256=found.sha256, found=words, lines_set_aside=lines)
