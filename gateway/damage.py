"""Bodies for those who hand them on: sound, or set aside and told to operators.

Every byte that leaves the gateway passes `SoundBodies.open`. A damaged or lost body is refused with the reason
`body_damaged`; the lines that wait for it are quarantined in the ledger (`ledger.damage`), and the log, a metric
and an alert tell operators. The file stays where it is, for a person; the same bytes accepted again set it aside.
A disk that does not answer is no damage: that is StorageError, and goes by.
"""

from __future__ import annotations

import structlog

from gateway.clock import Clock
from gateway.errors import BodyDamagedError, StorageError
from gateway.ledger.damage import Damaged, DamagedOperation
from gateway.observe import Metrics
from gateway.storage.bodies import Bodies
from gateway.storage.body_reading import BodyReader
from gateway.storage.pump import Pump

_log = structlog.get_logger(__name__)


class SoundBodies:
    """One per process."""

    def __init__(self, bodies: Bodies, pump: Pump, *, clock: Clock, metrics: Metrics) -> None:
        self._bodies, self._pump, self._clock, self._metrics = bodies, pump, clock, metrics
        self._set_aside = DamagedOperation()
        #: Digests found damaged since the start and not found sound again.
        self.damaged: set[str] = set()

    async def open(self, sha256: str, *, dispatch_id: str = "", delivery_id: str = "") -> BodyReader:
        """The body, hashed; raises BodyDamagedError when the lines that need it are set aside, or StorageError."""
        try:
            found = await self._bodies.open_sound(sha256)
        except BodyDamagedError as error:
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
