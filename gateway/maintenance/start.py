"""Builds the duties over the foundation and starts them; the rest of the package knows ports only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Protocol

from gateway import channels
from gateway.acknowledging import link_secret
from gateway.backup.apart import drill_apart
from gateway.channels import make_counterpart
from gateway.condition import Condition
from gateway.directory.directory import Directory
from gateway.directory.endpoint_changes import ResumeEndpoint, ResumeEndpointOperation
from gateway.directory.signers import bindings_about, bindings_of
from gateway.errors import RefusedError
from gateway.evidence.fetching import HttpAnswers
from gateway.examining import Anchors, Examiner, examiners, list_readers
from gateway.facade import LocalGateway
from gateway.foundation import Foundation, database_of
from gateway.inspecting import parse_limits
from gateway.ledger.ages import Expire, ExpireOperation
from gateway.ledger.ended import ForgetEnded, ForgetEndedOperation
from gateway.ledger.jumps import ClockJumped, ClockJumpedOperation
from gateway.ledger.keys import ForgetExpiredKeys, ForgetExpiredKeysOperation
from gateway.maintenance.alarm_teller import AlarmTeller, TellerParts
from gateway.maintenance.alarm_watch import AlarmWatch
from gateway.maintenance.alerter import Alerter, AlerterParts
from gateway.maintenance.answers import Answers
from gateway.maintenance.book_closer import BookCloser
from gateway.maintenance.checker import Checker
from gateway.maintenance.clock_watch import ClockWatch
from gateway.maintenance.driller import Driller, record_drill
from gateway.maintenance.duties import Duties, Duty
from gateway.maintenance.expirer import Expirer
from gateway.maintenance.heads import WeeklyHead
from gateway.maintenance.heartbeat import Heartbeat
from gateway.maintenance.indexer import Indexer
from gateway.maintenance.informer import Informer
from gateway.maintenance.published import Published
from gateway.maintenance.reconciler import Reconciler
from gateway.maintenance.refresher import Own, Refresher
from gateway.maintenance.replayer import Replayer
from gateway.maintenance.rescuer import Rescuer
from gateway.maintenance.resumer import Resumer
from gateway.maintenance.retention import Retention
from gateway.maintenance.sweeper import Sweeper
from gateway.maintenance.syncer import CatalogueSyncer
from gateway.maintenance.unreadable import UnreadableFinder
from gateway.maintenance.watcher import Tending, Watcher
from gateway.model import AgencyId, Endpoint, EndpointId
from gateway.notices import Announcer
from gateway.observe import Metrics
from gateway.outgoing import LedgerQueue
from gateway.parsing.pool import ParserPool
from gateway.reach import networks_of
from gateway.retry import AgeLimits
from gateway.seal.revocation import REVOCATIONS, RevocationStore
from gateway.signatures.belonging import Bound
from gateway.signatures.model import Examined
from gateway.storage.pump import Pump
from gateway.uploads import Uploads
from gateway.worker import Worker

#: Portions of ended alerts and replays that one run forgets.
_PORTIONS = 100


class _LedgerAges:
    def __init__(self, pump: Pump, watch: ClockWatch) -> None:
        self._pump, self._watch, self._expire = pump, watch, ExpireOperation()

    async def expire(self, limits: AgeLimits) -> tuple[int, int]:
        await self._watch.run_once()  # nobody is given up for a time that the clock left out
        ask = Expire(now=limits.dead_before, soon=limits.announce_before, hard_cap=limits.hard_cap)
        done = await self._pump.submit(self._expire, ask)
        return done.announced, len(done.dead)


class _LedgerKeys:
    def __init__(self, pump: Pump) -> None:
        self._pump, self._forget = pump, ForgetExpiredKeysOperation()

    async def forget_expired(self, now: datetime) -> int:
        total = 0
        while found := await self._pump.submit(self._forget, ForgetExpiredKeys(now=now)):
            total += found
        return total


class _LedgerEnded:
    def __init__(self, pump: Pump) -> None:
        self._pump, self._forget = pump, ForgetEndedOperation()

    async def forget_ended(self, before: datetime) -> int:
        total = 0
        for _ in range(_PORTIONS):
            found = await self._pump.submit(self._forget, ForgetEnded(before=before))
            if not found:
                break
            total += found
        return total


class _Pauses:
    def __init__(self, pump: Pump, directory: Directory) -> None:
        self._pump, self._directory = pump, directory
        self._resume = ResumeEndpointOperation()

    async def endpoints(self) -> Sequence[Endpoint]:
        return await self._directory.endpoints()

    async def resume(self, endpoint_id: EndpointId, *, now: datetime) -> None:
        ask = ResumeEndpoint(endpoint_id=endpoint_id, now=now, actor="gateway", if_over=True)
        with suppress(RefusedError):  # somebody resumed it in the meantime, or paused it for longer
            await self._directory.apply(self._pump, self._resume, ask)


class _Senders:
    def __init__(self, base: Foundation) -> None:
        self._readers, self._directory = base.readers, base.directory

    async def names(self, agency_id: str) -> tuple[str, ...]:
        found = await self._directory.agencies([AgencyId(agency_id)])
        return tuple(agency.name for agency in found.values())

    async def bound(self, agency_id: str, report: Examined) -> list[Bound]:
        certificates = {each.signer.sha256 for each in report.signatures if each.signer is not None}
        if not certificates:
            return []
        found = await bindings_of(self._readers, agency_id) + await bindings_about(self._readers, certificates)
        agencies = await self._directory.agencies({each.agency_id for each in found})
        return [
            Bound(
                sha256=each.sha256,
                organ_id=agencies[each.agency_id].organ_id if each.agency_id in agencies else each.agency_id,
                is_sender=each.agency_id == agency_id,
                kind=each.kind,
                valid_from=each.valid_from,
                valid_until=each.valid_until,
            )
            for each in found
        ]


def clock_watch(base: Foundation, worker: Worker, metrics: Metrics) -> ClockWatch:
    """It begins to compare now."""
    jumped, longest = ClockJumpedOperation(), base.settings.delivery.inbox_lease_max

    async def record(now: datetime, jump: timedelta) -> None:
        await base.pump.submit(jumped, ClockJumped(now=now, jump=jump, longest_lease=longest))
        worker.wake()

    return ClockWatch(record, worker.shift, clock=base.clock, metrics=metrics)


def _heartbeat(base: Foundation, metrics: Metrics) -> Heartbeat:
    settings = base.settings

    def is_healthy() -> bool:
        is_broken = base.pump.broken or base.bodies.broken
        return not is_broken and base.bodies.free_bytes() >= settings.storage.min_free_bytes

    return Heartbeat(
        settings.observe.heartbeat_url,
        every=settings.observe.heartbeat_every,
        is_healthy=is_healthy,
        arrived=metrics.heartbeat_at.set,
        clock=base.clock,
    )


def _alerter(stack: AsyncExitStack, base: Foundation) -> Alerter:
    settings = base.settings
    teller, calls = channels.make_teller(settings, base.clock)
    if teller is not None:
        stack.push_async_callback(teller.close)
    parts = AlerterParts(
        readers=base.readers,
        pump=base.pump,
        bodies=base.bodies,
        directory=base.directory,
        clock=base.clock,
        boot_id=base.boot_id,
        settings=settings,
        mailer=channels.make_mailer(settings, base.clock),
        teller=teller,
        calls=calls,
        secret=link_secret(settings),
    )
    return Alerter(parts)


def _alarms(stack: AsyncExitStack, server: Served) -> tuple[Duty, Duty]:
    base = server.foundation
    teller, receiver = channels.make_alarm_teller(base.settings, base.clock)
    if teller is not None:
        stack.push_async_callback(teller.close)
    parts = TellerParts(mailer=channels.make_mailer(base.settings, base.clock), teller=teller, receiver=receiver)
    watch = AlarmWatch(base, lambda: server.conditions)
    return watch, AlarmTeller(base, parts, server.metrics)


def _replayer(base: Foundation, worker: Worker) -> Replayer:
    return Replayer(
        base.readers,
        base.pump,
        worker.ports.bodies,
        worker.ports.adapters,
        directory=base.directory,
        boot_id=base.boot_id,
        settings=base.settings.delivery,
        clock=base.clock,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Examining:
    """What looks at signatures of others: a process, and what CAs say."""

    pool: ParserPool
    refresher: Refresher
    published: Published


def examining(stack: AsyncExitStack, base: Foundation, metrics: Metrics) -> Examining:
    """Nothing starts yet; the stack ends it."""
    settings, checks, chosen = base.settings, base.settings.checks, base.settings.revocation
    pool, lists = examiners(), list_readers()
    stack.push_async_callback(pool.close)
    stack.push_async_callback(lists.close)
    own = Own(
        certificates=(settings.seal.certificate, settings.institution.certificate),
        anchors=(settings.seal.anchors, settings.stamps.anchors, settings.institution.anchors),
    )
    folders = [checks.signers, checks.stamps, *own.anchors]
    reach = replace(
        channels.reach_of(settings),
        allowed=networks_of(chosen.allowed_networks),
        setting="revocation.allowed_networks",
    )
    answers = Answers(
        base.readers,
        base.pump,
        HttpAnswers(reach, timeout=chosen.timeout, max_size=chosen.max_size),
        pool,
        RevocationStore(settings.storage.folder / REVOCATIONS),
        lists=lists,
        scratch=settings.storage.folder / "staging",
        anchors=[each for each in folders if each is not None],
        clock=base.clock,
    )
    refresher = Refresher(
        answers,
        base.readers,
        base.pump,
        settings=chosen,
        own=own,
        clock=base.clock,
        metrics=metrics,
    )
    published = Published(
        answers,
        base.readers,
        base.pump,
        base.directory,
        want=refresher.want,
        settings=chosen,
        clock=base.clock,
        metrics=metrics,
    )
    return Examining(pool=pool, refresher=refresher, published=published)


def _checker(
    base: Foundation,
    worker: Worker,
    told: Callable[[Iterable[AgencyId]], None],
    metrics: Metrics,
    examined: Examining,
) -> Checker:
    settings = base.settings
    checks, folder = settings.checks, settings.storage.folder
    examiner = Examiner(
        examined.pool,
        Anchors(signers=checks.signers, stamps=checks.stamps, answers=folder / REVOCATIONS),
        limits=parse_limits(settings.limits),
        scratch=folder,
    )

    def wake(agencies: Iterable[AgencyId]) -> None:
        worker.wake()
        told(agencies)

    return Checker(
        base.readers,
        base.pump,
        base.bodies,
        examiner,
        senders=_Senders(base),
        wake=wake,
        want=examined.refresher.want,
        grace=settings.revocation.grace,
        clock=base.clock,
        metrics=metrics,
    )


def _sweeper(base: Foundation, uploads: Uploads) -> Sweeper:
    return Sweeper(
        base.bodies,
        _LedgerKeys(base.pump),
        uploads,
        _LedgerEnded(base.pump),
        base.late_forms,
        keep_ended=base.settings.storage.keep_ended,
        clock=base.clock,
    )


def _announcer(base: Foundation, gateway: LocalGateway) -> Announcer:
    return Announcer(
        readers=base.readers,
        pump=base.pump,
        bodies=base.bodies,
        directory=base.directory,
        journey=gateway.journey,
        clock=base.clock,
        organ_id=base.settings.seal.organ_id,
    )


class Served(Protocol):
    """What of the running server the duties work on."""

    config_path: Path
    foundation: Foundation
    worker: Worker
    gateway: LocalGateway
    metrics: Metrics
    uploads: Uploads
    watcher: Watcher
    checks: Examining

    @property
    def own_duties(self) -> tuple[Duty, ...]:
        """Those that tell how they are."""
        ...

    @property
    def conditions(self) -> Mapping[str, Condition]:
        """How they are."""
        ...


async def start_duties(stack: AsyncExitStack, server: Served, watch: ClockWatch) -> None:
    """Start them all; the stack stops them."""
    base, worker, gateway, metrics = server.foundation, server.worker, server.gateway, server.metrics
    settings, clock = base.settings, base.clock
    queue = LedgerQueue(pump=base.pump, boot_id=base.boot_id, settings=settings.delivery)
    duties: list[Duty] = [
        watch,
        *server.own_duties,
        Rescuer(queue, clock=clock, steady=base.steady, wake=worker.wake),
        Resumer(_Pauses(base.pump, base.directory), clock=clock, wake=worker.wake),
        Expirer(_LedgerAges(base.pump, watch), settings=settings.delivery, clock=clock),
        UnreadableFinder(base.readers, base.pump, database_of(settings), clock=clock, metrics=metrics),
        _sweeper(base, server.uploads),
        _announcer(base, gateway),
        gateway.mailbox.last_asked,
        Tending(server.watcher),
        Informer(base, server.watcher),
        Indexer(base.readers, base.pump, base.clock),
        Reconciler(base, partial(make_counterpart, settings, clock), metrics),
        CatalogueSyncer(base, metrics),
        _replayer(base, worker),
        BookCloser(base.readers, base.pump, clock=clock),
        Retention(base.readers, base.pump, settings=settings.retention, clock=clock),
        WeeklyHead(base, gateway.journey, metrics),
        *_alarms(stack, server),
        server.checks.refresher,
        server.checks.published,
        _checker(base, worker, gateway.mailbox.notify, metrics, server.checks),
    ]
    stack.push_async_callback(server.watcher.close)
    if settings.mail.host or settings.calls.url:
        duties.append(_alerter(stack, base))
    if settings.observe.heartbeat_url:
        duties.append(_heartbeat(base, metrics))
    if settings.backup.folder is not None:
        duties.append(
            Driller(
                partial(drill_apart, server.config_path),
                partial(record_drill, base.pump),
                folder=settings.storage.folder,
                drill_every=settings.backup.drill_every,
                metrics=metrics,
                clock=clock,
            )
        )
    running = Duties(duties)
    stack.push_async_callback(running.stop)
    running.start()
