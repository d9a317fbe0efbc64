"""Reads the lists of the channels that are polled: each in a task of its own, at its own pace.

A channel is polled when it names a source or its kind is one (`gateway.channels.source_kind`). What one look does
is in `look`. Between two looks a source waits as `pace` says: briefly while something comes, longer and longer
while nothing does, longest while its list cannot be read; `wake` ends the wait. A peer that is slow or gone keeps
nobody else's list from being read.

    relay        the caller is the agency of kind relay behind the channel: what it brings goes to those we host
    any other    the caller is the agency whose channel it is, with everything that it represents

`tend`, run every second, begins with channels that are new and ends with those that are gone. Settings that cannot
work are told like an outage (`source_misconfigured`).

It does NOT decide who serves whom: `gateway cutover` does.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

import structlog

from gateway.channels import source_kind
from gateway.clock import instant, rfc3339
from gateway.errors import ConfigError, RefusedError, SourceError, StorageError
from gateway.foundation import Foundation
from gateway.journey import Journey
from gateway.ledger.offers import Failed, FailedOperation
from gateway.ledger.sources import Silent, SilentOperation
from gateway.maintenance.backlog import Backlog
from gateway.maintenance.canaries import Canaries
from gateway.maintenance.look import SourceLook
from gateway.maintenance.pace import Pace, PollSettings, Rate, poll_settings
from gateway.maintenance.peer import Desks, Memory, Peer
from gateway.maintenance.silence import is_silent, patience_of
from gateway.maintenance.tries import Repeats
from gateway.model import AgencyId, Caller, CredentialId, Endpoint, EndpointId
from gateway.observe import Metrics
from gateway.outbox import Outbox
from gateway.owners import owner_of
from gateway.ports import Informed, Paper, Source

_log = structlog.get_logger(__name__)
_TROUBLE_SECONDS = 5.0


@dataclass(kw_only=True, slots=True)
class _Polled:
    """One channel, as long as its settings stay."""

    endpoint: Endpoint
    settings: Mapping[str, object]
    poll: PollSettings
    pace: Pace
    rate: Rate
    fetch_rate: Rate
    source: Source
    memory: Memory
    #: Whether the last look went well.
    is_well: bool = False


class _Line:
    """The task of one channel."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.woken = asyncio.Event()
        self.polled: _Polled | None = None
        self.task: asyncio.Task[None] | None = None


class Watcher:
    """All of them."""

    name = "watcher"
    #: How often channels are looked for that are new or gone.
    every = timedelta(seconds=1)

    def __init__(
        self,
        base: Foundation,
        journey: Journey,
        outbox: Outbox,
        source_of: Callable[[Endpoint], Source],
        metrics: Metrics,
    ) -> None:
        self._listed_at = metrics.source_listed_at
        self._base, self._source_of = base, source_of
        self._canaries = Canaries(base, journey)
        self._desks = Desks(base=base, journey=journey, outbox=outbox, canaries=self._canaries)
        self._failed, self._silent = FailedOperation(), SilentOperation()
        self._lines: dict[EndpointId, _Line] = {}
        self._is_first = True

    async def run_once(self) -> None:
        """One look at every source, side by side; one that fails keeps none of the others from theirs."""
        endpoints = [each for each in await self._base.directory.endpoints() if source_kind(each)]
        await asyncio.gather(*(self._try(each, self._line(each.id)) for each in endpoints))

    async def tend(self) -> None:
        """Each polled channel has its task, and no other has one."""
        endpoints = {each.id: each for each in await self._base.directory.endpoints() if source_kind(each)}
        for endpoint_id in [each for each in self._lines if each not in endpoints]:
            await self._end(self._lines.pop(endpoint_id))
        wait = 0.0 if self._is_first else self._first_wait()
        for endpoint in endpoints.values():
            line = self._line(endpoint.id)
            if line.task is None or line.task.done():
                line.task = asyncio.create_task(
                    self._follow(endpoint.id, line, wait), name=f"source-{endpoint.name}"
                )
        self._is_first = False

    def wake(self, endpoint_ids: Iterable[EndpointId] = ()) -> int:
        """Look now: at these, or, when none is named, at all; how many there are."""
        named = set(endpoint_ids)
        lines = [line for key, line in self._lines.items() if not named or key in named]
        for line in lines:
            line.woken.set()
        return len(lines)

    def informed(self) -> list[EndpointId]:
        """The channels whose offices read papers, and are there."""
        known = [(key, line.polled) for key, line in self._lines.items() if line.polled and line.polled.is_well]
        return [key for key, polled in known if isinstance(polled.source, Informed)]

    async def inform(self, endpoint_id: EndpointId, paper: Paper) -> None:
        """Put a paper there, between two looks."""
        line = self._lines.get(endpoint_id)
        if line is None:
            raise SourceError("source_misconfigured", "the channel is looked at no more")
        async with line.lock:
            polled = line.polled
            if polled is None or not isinstance(polled.source, Informed):
                raise SourceError("source_misconfigured", "nobody there reads papers")
            await polled.source.inform(paper)

    async def close(self) -> None:
        """End the tasks, give back connections."""
        lines, self._lines = list(self._lines.values()), {}
        for line in lines:
            await self._end(line)

    async def _end(self, line: _Line) -> None:
        if line.task is not None:
            line.task.cancel()
            await asyncio.gather(line.task, return_exceptions=True)
        if line.polled is not None:
            await self._put_away(line.polled)

    async def _put_away(self, polled: _Polled) -> None:
        for ready in polled.memory.backlog.keep_only(()):
            await self._base.bodies.discard(ready.body)
        await polled.source.close()

    def _line(self, endpoint_id: EndpointId) -> _Line:
        return self._lines.setdefault(endpoint_id, _Line())

    async def _follow(self, endpoint_id: EndpointId, line: _Line, wait: float) -> None:
        """Look, wait, look; `wait`: seconds before the first."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await line.woken.wait()
            line.woken.clear()
            endpoint = await self._base.directory.endpoint(endpoint_id)
            if endpoint is None:
                return
            try:
                wait = await self._try(endpoint, line)
            except Exception as error:  # noqa: BLE001  # the task's boundary: the source is looked at again
                _log.exception("source.look_failed", endpoint=endpoint.name, error=type(error).__name__)
                wait = _TROUBLE_SECONDS

    def _first_wait(self) -> float:
        """Whoever makes a channel may go on changing it."""
        return poll_settings({}, every=self._base.settings.cutover.poll_every).shortest

    async def _try(self, endpoint: Endpoint, line: _Line) -> float:
        """One look; seconds until the next."""
        async with line.lock:
            if line.polled is not None:
                line.polled.is_well = False
            try:
                polled = await self._polled(endpoint, line)
                new = await self._watch(polled)
            except (SourceError, RefusedError) as error:
                await self._fail(endpoint, error.code, error.detail)
            except ConfigError as error:
                await self._fail(endpoint, "source_misconfigured", str(error))
            except StorageError as error:  # ours, and no word about the peer
                _log.warning("source.not_recorded", endpoint=endpoint.name, error=type(error).__name__)
            else:
                polled.is_well = True
                await self._listen(polled)
                await self._canaries.tend(endpoint)
                return polled.pace.after_list(came=new > 0)
            return line.polled.pace.after_failure() if line.polled else self._first_wait()

    async def _fail(self, endpoint: Endpoint, code: str, detail: str) -> None:
        _log.warning("source.failed", endpoint=endpoint.name, reason=code, detail=detail)
        self._listed_at.labels(endpoint.name)  # one never read shows 0, which is alarmed
        now = self._base.clock.now()
        await self._base.pump.submit(
            self._failed, Failed(endpoint_id=endpoint.id, reason=code, detail=detail, at=now)
        )

    async def _watch(self, polled: _Polled) -> int:
        peer = Peer(
            endpoint=polled.endpoint,
            source=polled.source,
            caller=await self._caller(polled.endpoint),
            rate=polled.rate,
            fetch_rate=polled.fetch_rate,
            memory=polled.memory,
            at_once=polled.poll.at_once,
            canary=await self._canaries.read(polled.endpoint),
        )
        return await SourceLook(self._desks, peer, listed=self._listed).run()

    async def _listen(self, polled: _Polled) -> None:
        """Whether nothing has come for longer than is usual."""
        endpoint, base = polled.endpoint, self._base
        patience = patience_of(endpoint.settings, is_relay=endpoint.is_relay)
        row = await base.readers.fetch_one("silence_read", (endpoint.id,))
        if patience is None or row is None:
            return
        now, arrived_at = base.clock.now(), instant(row[0])
        if row[1] is None and now - arrived_at >= patience.floor:
            arrivals = dict(await base.readers.fetch("arrival_list", (endpoint.id,)))
            if is_silent(
                arrivals, now=now, arrived_at=arrived_at, watched_since=instant(row[2]), patience=patience
            ):
                _log.warning("source.silent", endpoint=endpoint.name, since=rfc3339(arrived_at))
                silent = Silent(endpoint_id=endpoint.id, arrived_at=arrived_at, at=now)
                await base.pump.submit(self._silent, silent)

    def _listed(self, endpoint: Endpoint) -> None:
        self._listed_at.labels(endpoint.name).set(self._base.clock.now().timestamp())

    async def _polled(self, endpoint: Endpoint, line: _Line) -> _Polled:
        known = line.polled
        if known is not None and known.settings == endpoint.settings:
            known.endpoint = endpoint
            return known
        clock = self._base.clock
        poll = poll_settings(endpoint.settings, every=self._base.settings.cutover.poll_every)
        line.polled = made = _Polled(
            endpoint=endpoint,
            settings=endpoint.settings,
            poll=poll,
            pace=Pace(poll),
            rate=Rate(poll.rate, clock),
            fetch_rate=Rate(poll.fetch_rate, clock),
            source=self._source_of(endpoint),
            memory=Memory(
                repeats=Repeats(timedelta(seconds=poll.longest)),
                backlog=Backlog(clock, most=self._base.settings.cutover.fetch_at_most),
            ),
        )
        if known is not None:
            await self._put_away(known)
        return made

    async def _caller(self, endpoint: Endpoint) -> Caller:
        agency_id = await (self._relay(endpoint) if endpoint.is_relay else self._owner(endpoint))
        now = self._base.clock.now()
        return Caller(
            credential_id=CredentialId(f"source:{endpoint.name}"),
            agency_id=agency_id,
            speaks_for=await self._base.directory.represented_by(agency_id, now),
            relay_endpoint_id=endpoint.id if endpoint.is_relay else None,
            method="pulled",
            fingerprint="",
            address="",
        )

    async def _relay(self, endpoint: Endpoint) -> AgencyId:
        row = await self._base.readers.fetch_one("agency_find_relay", (endpoint.id,))
        if row is None:
            raise ConfigError(f"no agency of kind relay stands behind the channel {endpoint.name}")
        return AgencyId(row[0])

    async def _owner(self, endpoint: Endpoint) -> AgencyId:
        base = self._base
        return await owner_of(endpoint, base.directory, base.readers, base.clock.now())


class Tending:
    """The duty that tends the watcher's tasks."""

    name = Watcher.name
    every = Watcher.every

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher

    async def run_once(self) -> None:
        """Now."""
        await self._watcher.tend()
