"""Looks at what peers offer: each source by itself, in its own time, so that a slow peer holds up nobody else.

A look is `gateway.maintenance.looking`. The next one follows at once while a list was longer than one look takes,
after `poll_seconds` where something came, later and later (up to `poll_seconds_max`) while nothing does, and with
a growing pause after a failure. Both are settings of the channel; `cutover.poll_every` and four times that by
default.

`run_once` starts what is due and waits for nobody; `look_at_all` looks at every source now and waits for all. It
does NOT decide who serves whom: `gateway cutover` does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from gateway.channels import source_kind
from gateway.errors import ConfigError, RefusedError, SourceError
from gateway.foundation import Foundation
from gateway.journey import Journey
from gateway.ledger.offers import Failed, FailedOperation
from gateway.maintenance.looking import Look
from gateway.model import Endpoint, EndpointId
from gateway.observe import Metrics
from gateway.outbox import Outbox
from gateway.ports import Source

#: How often it is looked whether a source is due.
_TICK = timedelta(seconds=0.25)
_SLOWER = 4
#: A source that fails is tried again after its usual wait, doubled up to this.
_FAILING_MAX = timedelta(minutes=2)

_log = structlog.get_logger(__name__)


@dataclass(kw_only=True)
class _Watch:
    """One source."""

    settings: Mapping[str, object]
    #: None where the settings do not do; then `due_at` is when they are tried again, since files may have come.
    look: Look | None
    due_at: datetime
    wait: timedelta
    failures: int = 0
    task: asyncio.Task[None] | None = None


class Watcher:
    """The duty."""

    name = "watcher"

    def __init__(
        self,
        base: Foundation,
        journey: Journey,
        outbox: Outbox,
        source_of: Callable[[Endpoint], Source],
        metrics: Metrics,
    ) -> None:
        self._listed_at = metrics.source_listed_at
        self._base, self._journey, self._outbox, self._source_of = base, journey, outbox, source_of
        self._settings = base.settings.cutover
        self.every = min(_TICK, self._settings.poll_every)
        self._watches: dict[EndpointId, _Watch] = {}
        self._failed = FailedOperation()

    async def run_once(self) -> None:
        """Start what is due."""
        now = self._base.clock.now()
        for endpoint in await self._endpoints():
            watch = self._watches.get(endpoint.id)
            is_changed = watch is not None and watch.settings != endpoint.settings
            if watch is None or is_changed or (now >= watch.due_at and not _is_busy(watch)):
                if watch is not None and _is_busy(watch):
                    continue  # its new settings count from the next look on
                self._begin(endpoint)

    async def look_at_all(self) -> None:
        """Look at every source now; one that fails keeps none of the others from theirs."""
        tasks = []
        for endpoint in await self._endpoints():
            watch = self._watches.get(endpoint.id)
            if watch is not None and watch.task is not None:
                await asyncio.wait({watch.task})
            tasks.append(self._begin(endpoint))
        await asyncio.gather(*tasks)

    async def close(self) -> None:
        """Interrupt, and give back connections."""
        watches, self._watches = list(self._watches.values()), {}
        tasks = [watch.task for watch in watches if watch.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for watch in watches:
            if watch.look is not None:
                await watch.look.source.close()

    async def _endpoints(self) -> list[Endpoint]:
        return [endpoint for endpoint in await self._base.directory.endpoints() if source_kind(endpoint)]

    def _begin(self, endpoint: Endpoint) -> asyncio.Task[None]:
        task = asyncio.create_task(self._try(endpoint), name=f"watch-{endpoint.name}")
        known = self._watches.get(endpoint.id)
        if known is not None:
            known.task = task
        return task

    async def _try(self, endpoint: Endpoint) -> None:
        watch = await self._watch(endpoint)
        try:
            if watch.look is None:
                watch.look = self._look(endpoint)
            came, more = await watch.look.run()
        except (SourceError, RefusedError) as error:
            await self._fail(endpoint, watch, error.code, error.detail)
        except ConfigError as error:
            await self._fail(endpoint, watch, "source_misconfigured", str(error))
        except Exception as error:  # noqa: BLE001  # the task's boundary: a source that failed is due again
            _log.exception("source.broke", endpoint=endpoint.name, error=type(error).__name__)
            self._plan(endpoint, watch, failed=True)
        else:
            watch.failures = 0
            self._plan(endpoint, watch, came=came, more=more)

    async def _watch(self, endpoint: Endpoint) -> _Watch:
        """As it is known, or anew where its settings have changed."""
        known = self._watches.get(endpoint.id)
        if known is not None and known.settings == endpoint.settings:
            return known
        made = self._watches[endpoint.id] = _Watch(
            settings=endpoint.settings,
            look=None,
            due_at=self._base.clock.now(),
            wait=self._shortest(endpoint),
            task=asyncio.current_task(),
        )
        if known is not None and known.look is not None:
            await known.look.source.close()
        return made

    def _look(self, endpoint: Endpoint) -> Look:
        source = self._source_of(endpoint)
        return Look(self._base, self._journey, self._outbox, endpoint, source, self._listed_at)

    async def _fail(self, endpoint: Endpoint, watch: _Watch, code: str, detail: str) -> None:
        self._plan(endpoint, watch, failed=True)
        _log.warning("source.failed", endpoint=endpoint.name, reason=code, detail=detail)
        self._listed_at.labels(endpoint.name)  # one never read shows 0, which is alarmed
        now = self._base.clock.now()
        failed = Failed(endpoint_id=endpoint.id, reason=code, detail=detail, at=now)
        await self._base.pump.submit(self._failed, failed)

    def _plan(
        self, endpoint: Endpoint, watch: _Watch, *, came: int = 0, more: bool = False, failed: bool = False
    ) -> None:
        """When to look again."""
        shortest = self._shortest(endpoint)
        if failed:
            watch.failures += 1
            wait = min(max(_FAILING_MAX, shortest), shortest * (1 << min(watch.failures, 10)))
        elif more:
            wait = timedelta()
        else:
            wait = shortest if came else min(self._longest(endpoint), watch.wait * 2)
        watch.wait = max(wait, shortest)
        watch.due_at = self._base.clock.now() + wait

    def _shortest(self, endpoint: Endpoint) -> timedelta:
        return _seconds(endpoint, "poll_seconds") or self._settings.poll_every

    def _longest(self, endpoint: Endpoint) -> timedelta:
        return _seconds(endpoint, "poll_seconds_max") or self._shortest(endpoint) * _SLOWER


def _is_busy(watch: _Watch) -> bool:
    return watch.task is not None and not watch.task.done()


def _seconds(endpoint: Endpoint, name: str) -> timedelta | None:
    stated = endpoint.settings.get(name)
    return timedelta(seconds=stated) if isinstance(stated, int | float) and stated > 0 else None
