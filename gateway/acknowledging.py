"""The other end of a call's link: somebody says that he has seen an alert, and nobody else is called.

The token of a link is made with the secret of the call gateway and proves itself (`gateway.alerting`); no
credential is needed beside it, since who is called has none at hand. It is good for one alert, and for as long as
that is less than a week old. What is not a link of ours does not exist.
"""

from __future__ import annotations

from datetime import timedelta

from gateway import alerting
from gateway.clock import Clock, instant
from gateway.config.settings import Settings
from gateway.errors import ConfigError, KeyFileError, RefusedError
from gateway.ledger.alerts import Acknowledge, AcknowledgeOperation
from gateway.seal.keys import read_key_file
from gateway.storage.pump import Pump
from gateway.storage.readers import Readers

_GOOD_FOR = timedelta(days=7)


def link_secret(settings: Settings) -> bytes:
    """What links are made with; b"" where nobody is called. Raises ConfigError."""
    calls = settings.calls
    if not calls.url:
        return b""
    try:
        return read_key_file(settings.storage.secrets / calls.secret_file).strip()
    except (KeyFileError, OSError) as error:
        raise ConfigError(f"calls.secret_file: {error}") from error


class Acknowledging:
    """Looks at tokens, and takes them."""

    def __init__(self, readers: Readers, pump: Pump, clock: Clock, secret: bytes) -> None:
        self._readers, self._pump, self._clock, self._secret = readers, pump, clock, secret
        self._take = AcknowledgeOperation()

    async def is_done(self, token: str) -> bool:
        """Whether somebody acknowledged it before; `not_found` where it is no link of ours."""
        alert_id = alerting.alert_of(self._secret, token) if self._secret else None
        row = await self._readers.fetch_one("alert_find", (alert_id,)) if alert_id else None
        if row is None or self._clock.now() - instant(row[3]) > _GOOD_FOR:
            raise RefusedError("not_found")
        return row[2] is not None

    async def acknowledge(self, token: str) -> bool:
        """Take it; whether that was new."""
        if await self.is_done(token):
            return False
        alert_id = token.partition(".")[0]
        return await self._pump.submit(self._take, Acknowledge(alert_id=alert_id, now=self._clock.now()))
