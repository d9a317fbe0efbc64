"""Takes the catalogues of channels in, once a night: those whose setting `catalogue` asks for it.

One that could not be read is tried again every hour; one that is held waits for a person and is looked at again the
next night. What night's was taken in last is known from the database, so that a restart repeats nothing. One never
taken in is due at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog

from gateway.admin.catalogue import sync_channel
from gateway.channels import catalogue_kind
from gateway.clock import VIETNAM, instant
from gateway.directory.catalogue import SyncAsked
from gateway.errors import ConfigError, RefusedError, SourceError
from gateway.foundation import Foundation
from gateway.model import Endpoint, EndpointId
from gateway.observe import Metrics

_AGAIN = timedelta(hours=1)
_HOURS = range(24)

_log = structlog.get_logger(__name__)


class CatalogueSyncer:
    """The duty."""

    name = "catalogue_syncer"
    every = timedelta(minutes=5)

    def __init__(self, base: Foundation, metrics: Metrics) -> None:
        self._base, self._metrics = base, metrics
        self._hour = base.settings.directory.sync_hour
        if self._hour != -1 and self._hour not in _HOURS:
            raise ConfigError("directory.sync_hour is an hour from 0 to 23, or -1")
        self._not_before: dict[EndpointId, datetime] = {}

    async def run_once(self) -> None:
        """Whatever is due, one after the other."""
        channels = [each for each in await self._base.directory.endpoints() if catalogue_kind(each)]
        if not channels:
            return
        synced = await self._show(channels)
        now = self._base.clock.now()
        for endpoint in channels:
            if self._is_due(endpoint.id, synced.get(endpoint.id), now):
                await self._sync(endpoint, now)
        await self._show(channels)

    def _is_due(self, endpoint_id: EndpointId, synced_at: datetime | None, now: datetime) -> bool:
        if self._hour == -1 or now < self._not_before.get(endpoint_id, now):
            return False
        return synced_at is None or synced_at < _last_night(now, self._hour)

    async def _sync(self, endpoint: Endpoint, now: datetime) -> None:
        self._not_before[endpoint.id] = now + _AGAIN
        try:
            report = await sync_channel(self._base, endpoint, SyncAsked(actor="gateway", now=now))
        except (SourceError, RefusedError) as error:
            _log.warning("catalogue.failed", endpoint=endpoint.name, reason=error.code, detail=error.detail)
        except ConfigError as error:
            _log.warning(
                "catalogue.failed", endpoint=endpoint.name, reason="source_misconfigured", detail=str(error)
            )
        else:
            tell: Callable[..., None] = _log.info
            if report.outcome == "held":
                tell = _log.error
                self._not_before[endpoint.id] = _last_night(now, self._hour) + timedelta(days=1)
            tell(
                f"catalogue.{report.outcome}",
                endpoint=endpoint.name,
                digest=report.digest,
                counts=report.counts,
                problems=report.problems,
            )

    async def _show(self, channels: Sequence[Endpoint]) -> dict[EndpointId, datetime]:
        rows = await self._base.readers.fetch("catalogue_list_states")
        synced = {EndpointId(row[0]): instant(row[1]) for row in rows if row[1] is not None}
        held = {EndpointId(row[0]) for row in rows if row[2] is not None}
        for endpoint in channels:
            at = synced.get(endpoint.id)
            self._metrics.catalogue_synced_at.labels(endpoint.name).set(at.timestamp() if at else 0)
            self._metrics.catalogue_held.labels(endpoint.name).set(endpoint.id in held)
        return synced


def _last_night(now: datetime, hour: int) -> datetime:
    """The last time that the hour began."""
    local = now.astimezone(VIETNAM)
    at = local.replace(hour=hour, minute=0, second=0, microsecond=0)
    return at if at <= local else at - timedelta(days=1)
