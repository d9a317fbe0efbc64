"""Has the server's certificate renewed by its CA (ACME) in time, and takes it without a restart.

The order runs in a process of its own (`gateway tls renew`), which asks the CA only when the certificate is due.
One that fails is tried again after an hour, then after two, four and so on up to a day, since CAs count failures;
until it works the state is *failing*: a metric, a detail of /readyz, a finding of doctor. The old one stays.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import structlog

from gateway.apart import run_apart
from gateway.clock import Clock, in_vietnam, rfc3339
from gateway.condition import UNSEEN, UNSET, Condition, Health
from gateway.errors import GatewayError
from gateway.observe import Metrics

#: An order is given up by itself long before.
_SECONDS = 600.0
_FIRST, _LONGEST = timedelta(hours=1), timedelta(days=1)

_log = structlog.get_logger(__name__)


class Renewal(msgspec.Struct, kw_only=True, frozen=True):
    """What `gateway tls renew --json` prints."""

    ok: bool
    #: A new certificate is in place.
    renewed: bool = False
    detail: str = ""


async def renew_apart(config_path: Path) -> Renewal:
    """Once, in a process of its own; one that says nothing is a failure."""
    try:
        ended = await run_apart(config_path, "tls", "renew", "--json", seconds=_SECONDS)
    except TimeoutError:
        return Renewal(ok=False, detail=f"no end after {_SECONDS:.0f} s")
    try:
        return msgspec.json.decode(ended.out, type=Renewal)
    except msgspec.DecodeError:
        return Renewal(ok=False, detail=f"it ended with {ended.code}: {ended.told}")


class Renewer:
    """One per server."""

    name = "renewer"

    def __init__(
        self,
        renew: Callable[[], Awaitable[Renewal]],
        take: Callable[[], None],
        *,
        usual: timedelta,
        is_set: bool,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._renew, self._take, self._usual, self._is_set = renew, take, usual, is_set
        self._clock, self._metrics = clock, metrics
        self._wait = _FIRST
        self._failing_since: datetime | None = None
        #: How it is.
        self.condition = UNSEEN if is_set else UNSET

    @property
    def every(self) -> timedelta:
        """As the setting says; more slowly while it fails."""
        return self._usual if self._failing_since is None else self._wait

    async def run_once(self) -> None:
        """Renew if it is due, and take what came."""
        if not self._is_set:
            return
        done = await self._renew()
        fault = "" if done.ok else done.detail
        if done.ok:
            try:
                self._take()  # also what an earlier run put in place
            except (GatewayError, OSError, ValueError) as error:
                fault = f"what is in place cannot be used: {error}"
        if fault:
            self._fail(fault)
            return
        if done.renewed:
            _log.info("certificate.renewed", detail=done.detail)
        self._failing_since, self._wait, self.condition = None, _FIRST, Condition.fine(done.detail)
        self._metrics.renewal_failing.set(0)

    def _fail(self, fault: str) -> None:
        if self._failing_since is None:
            self._failing_since = self._clock.now()
        else:
            self._wait = min(2 * self._wait, _LONGEST)
        self.condition = Condition(
            Health.FAILING,
            f"failing since {rfc3339(self._failing_since)}: {fault}",
            f"không gia hạn được từ {in_vietnam(self._failing_since)}: {fault}",
        )
        self._metrics.renewal_failing.set(1)
        _log.error("certificate.not_renewed", detail=fault, again_seconds=round(self._wait.total_seconds()))
