"""The composition root: every object of the server, built once, in start order, readable top to bottom.

    1 data folder   lock, database, migrations, bodies, directory, accounts
    2 sealing key, parser pool
    3 journey and the two desks (mailbox, outbox)
    4 worker with its adapters, maintenance duties
    5 listeners: agencies (TLS), operations, administrators' socket

`serve` runs it until SIGTERM or SIGINT: stop listening, let requests and transmissions under way end, close in
the reverse order. SIGHUP reloads directory, certificates and log level and keeps the old ones if the new are
wrong; no connection is dropped.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import ssl
import sys
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from random import SystemRandom

import structlog

from gateway import channels, config, notify
from gateway.addressing import Addressing, Plan
from gateway.admin import AdminServer, NoteReload
from gateway.api.app import build_app, build_operations_app
from gateway.api.lifecycle import Lifecycle
from gateway.api.listener import Listener
from gateway.api.route import ApiParts
from gateway.compose import Composer
from gateway.config import Settings
from gateway.damage import SoundBodies
from gateway.errors import ConfigError, GatewayError
from gateway.facade import LocalGateway
from gateway.failpoints import failpoint
from gateway.feed import Feed
from gateway.foundation import Foundation, open_foundation
from gateway.importing import Importer
from gateway.inspecting import Inspector, parse_limits
from gateway.intake import Intake
from gateway.journey import Journey
from gateway.ledger.boots import Boot, BootOperation
from gateway.mailbox import Mailbox
from gateway.maintenance.clock_watch import ClockWatch
from gateway.maintenance.start import clock_watch, start_duties
from gateway.maintenance.watcher import Watcher
from gateway.model import AgencyId, EndpointId
from gateway.observe import LogControl, Metrics, configure_logs
from gateway.outbox import Outbox
from gateway.outgoing import EndpointJournal, LedgerOutlook, LedgerQueue, StoredBodies
from gateway.parsing import ParserPool
from gateway.pki import ends_at, server_tls_context
from gateway.probe import Probe
from gateway.renditions import RenderingAdapter, Renditions
from gateway.signing import SealingKey
from gateway.uploads import Uploads
from gateway.worker import Worker, WorkerPorts
from gateway.workshop import Workshop

_log = structlog.get_logger(__name__)

#: What a reload takes.
_RELOADED = frozenset(
    {"tls.certificate", "tls.key", "seal.certificate", "seal.key", "seal.socket", "observe.log_level"}
)
#: Objects made in excess of those that went, before cycles are looked for.
_COLLECT_AFTER = 20_000
#: Seconds for which the event loop may keep the interpreter from the thread that commits. A commit needs it twice,
#: when it begins and when it has synced, so with the default of 5 ms each batch waited 10 ms for nothing.
_SWITCH_SECONDS = 0.001

#: Commands that change something while the server is not running open the same foundation.
open_offline = open_foundation


@dataclass(kw_only=True)
class Application:
    """The running server."""

    settings: Settings
    config_path: Path
    foundation: Foundation
    worker: Worker
    gateway: LocalGateway
    key: SealingKey
    metrics: Metrics
    lifecycle: Lifecycle
    uploads: Uploads
    watcher: Watcher
    importer: Importer
    tls: ssl.SSLContext
    #: When the certificate that it uses ends.
    tls_ends_at: datetime
    logs: LogControl
    #: The ports listened on, for tests that ask for port 0.
    port: int = 0
    operations_port: int = 0
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    async def reload(self) -> list[str]:
        """Read configuration, certificates and directory again; wrong ones are reported and not taken.

        The settings that have changed and need a restart all the same.
        """
        try:
            settings = config.load(self.config_path)
            server_tls_context(settings.tls)  # the trial: raises before anything changes
            await self.key.take(settings.seal)
            self.tls.load_cert_chain(settings.tls.certificate, settings.tls.key)
            self.tls_ends_at = ends_at(settings.tls.certificate)
        except (ConfigError, GatewayError, OSError, ssl.SSLError) as error:
            _log.error("configuration.refused", error=str(error))
            raise ConfigError(f"not reloaded, the old configuration stays: {error}") from error
        self.logs.set_level(settings.observe.log_level)
        self.foundation.credentials.forget()
        await self.foundation.directory.reload()
        self.worker.wake()
        waiting = [name for name in config.differing(self.settings, settings) if name not in _RELOADED]
        if waiting:
            _log.warning("configuration.needs_restart", settings=waiting)
        _log.info("configuration.reloaded")
        return waiting

    def requeued(self, agencies: Iterable[AgencyId]) -> None:
        """Deliveries came back into the queue."""
        self.gateway.mailbox.notify(agencies)
        self.worker.wake()


@asynccontextmanager
async def run_application(
    settings: Settings, config_path: Path, logs: LogControl, *, accept_clock: bool = False
) -> AsyncIterator[Application]:
    """Start everything; stop it in the reverse order on leaving."""
    metrics, lifecycle = Metrics(), Lifecycle()
    commits = _Commits()
    async with AsyncExitStack() as stack:
        # 1 data folder
        base = await stack.enter_async_context(
            open_foundation(settings, on_commit=commits, accept_clock=accept_clock)
        )
        # 2 sealing key, parser pool
        key = SealingKey()
        stack.push_async_callback(key.close)
        await key.take(settings.seal)
        pool = await _start_pool(stack, settings)
        # 3 journey and desks, 4 worker
        sound = SoundBodies(base.bodies, base.pump, clock=base.clock, metrics=metrics)
        workshop = Workshop(base, pool, sound)
        worker = _worker(stack, base, pool, sound, metrics, workshop)
        gateway = _gateway(_Desks(base=base, key=key, pool=pool, sound=sound, worker=worker, metrics=metrics))
        commits.listener = gateway.feed.notify
        uploads = _uploads(base, gateway.intake)
        watcher = Watcher(
            base,
            gateway.journey,
            gateway.outbox,
            partial(channels.make_source, settings, base.clock, workshop),
            metrics,
        )
        app = Application(
            settings=settings,
            config_path=config_path,
            foundation=base,
            worker=worker,
            gateway=gateway,
            key=key,
            metrics=metrics,
            lifecycle=lifecycle,
            uploads=uploads,
            watcher=watcher,
            importer=Importer(base, gateway.journey, gateway.intake),
            tls=server_tls_context(settings.tls),
            tls_ends_at=ends_at(settings.tls.certificate),
            logs=logs,
        )
        await worker.start()
        stack.push_async_callback(worker.stop, settings.server.drain_timeout.total_seconds())
        watch = clock_watch(base, worker, metrics)
        await start_duties(stack, base, worker, gateway.journey, metrics, config_path, uploads, watcher, watch)
        # 5 listeners
        await _listen(stack, app, watch)
        yield app
        ended = Boot(id=base.boot_id, at=base.clock.now(), purpose="serve", ended=True)
        failpoint("stop.record.before")
        await base.pump.submit(BootOperation(), ended)
        failpoint("stop.record.after")


class _Commits:
    """Called by the pump after every commit; the feed begins to listen when it exists."""

    def __init__(self) -> None:
        self.listener: Callable[[], None] | None = None

    def __call__(self) -> None:
        if self.listener is not None:
            self.listener()


async def _start_pool(stack: AsyncExitStack, settings: Settings) -> ParserPool:
    parser = settings.parser
    pool = ParserPool(
        processes=parser.processes,
        memory=parser.memory,
        recycle_after=parser.recycle_after,
        preload=("gateway.validate", "gateway.edxml.packed"),
    )
    stack.push_async_callback(pool.close)
    await pool.start()
    return pool


def _uploads(base: Foundation, intake: Intake) -> Uploads:
    limits = base.settings.limits
    uploads = Uploads(
        folder=base.settings.storage.folder / "uploads",
        bodies=base.bodies,
        room=intake.lasting_room,
        clock=base.clock,
        lifetime=limits.upload_lifetime,
        most=limits.uploads_open,
    )
    uploads.load()
    return uploads


def _worker(
    stack: AsyncExitStack,
    base: Foundation,
    pool: ParserPool,
    sound: SoundBodies,
    metrics: Metrics,
    workshop: Workshop,
) -> Worker:
    settings = base.settings
    bodies = StoredBodies(base.bodies, sound)
    renditions = Renditions(readers=base.readers, pump=base.pump, bodies=base.bodies, pool=pool, clock=base.clock)
    surroundings = channels.surroundings_of(settings, base.clock, settings.delivery.timeout, workshop)
    limits = parse_limits(settings.limits)
    adapters = {
        kind: RenderingAdapter(adapter, renditions, bodies, limits)
        for kind, adapter in channels.make_adapters(surroundings).items()
    }
    for adapter in adapters.values():
        stack.push_async_callback(adapter.close)
    ports = WorkerPorts(
        queue=LedgerQueue(pump=base.pump, boot_id=base.boot_id, settings=settings.delivery),
        outlook=LedgerOutlook(base.readers),
        record=EndpointJournal(pump=base.pump, directory=base.directory, clock=base.clock),
        directory=base.directory,
        bodies=bodies,
        adapters=adapters,
    )
    return Worker(
        ports,
        settings=settings.delivery,
        clock=base.clock,
        steady=base.steady,
        draw=SystemRandom().random,
        metrics=metrics,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Desks:
    """What the journey and the two desks share."""

    base: Foundation
    key: SealingKey
    pool: ParserPool
    sound: SoundBodies
    worker: Worker
    metrics: Metrics

    def mailbox(self, intake: Intake) -> Mailbox:
        base = self.base
        return Mailbox(
            reads=base.reads,
            pump=base.pump,
            bodies=base.bodies,
            sound=self.sound,
            directory=base.directory,
            clock=base.clock,
            boot_id=base.boot_id,
            pool=self.pool,
            limits=parse_limits(base.settings.limits),
            lease_max=base.settings.delivery.inbox_lease_max,
            room=intake.room,
        )

    def addressing(self) -> Addressing:
        base = self.base
        give_up_after = base.settings.delivery.give_up_after
        return Addressing(directory=base.directory, reads=base.reads, give_up_after=give_up_after)

    def outbox(self, mailbox: Mailbox, intake: Intake) -> Outbox:
        def requeued(agencies: Iterable[AgencyId]) -> None:
            mailbox.notify(agencies)
            self.worker.wake()

        return Outbox(
            reads=self.base.reads,
            pump=self.base.pump,
            clock=self.base.clock,
            directory=self.base.directory,
            addressing=self.addressing(),
            intake=intake,
            give_up_after=self.base.settings.delivery.give_up_after,
            requeued=requeued,
        )

    def journey(self, mailbox: Mailbox, intake: Intake) -> Journey:
        def accepted(plan: Plan) -> None:
            mailbox.notify(plan.recipients)
            due = [EndpointId(item.endpoint_id) for item in plan.dispatches if item.state == "ready"]
            if due:
                self.worker.wake(due)

        base, settings = self.base, self.base.settings
        inspector = Inspector(
            pool=self.pool,
            limits=parse_limits(settings.limits),
            clock=base.clock,
            timeout=settings.parser.timeout,
        )
        return Journey(
            parse=inspector.inspect,
            directory=base.directory,
            reads=base.reads,
            bodies=base.bodies,
            pump=base.pump,
            key=self.key,
            intake=intake,
            addressing=self.addressing(),
            clock=base.clock,
            gateway_organ_id=settings.seal.organ_id,
            idempotency_days=settings.limits.idempotency_days,
            committed=accepted,
            metrics=self.metrics,
        )


def _gateway(desks: _Desks) -> LocalGateway:
    base, settings = desks.base, desks.base.settings
    intake = Intake(
        bodies=base.bodies, pump=base.pump, reads=base.reads, storage=settings.storage, limits=settings.limits
    )
    mailbox = desks.mailbox(intake)
    journey = desks.journey(mailbox, intake)
    return LocalGateway(
        journey=journey,
        composer=Composer(bodies=base.bodies, directory=base.directory, clock=base.clock),
        mailbox=mailbox,
        outbox=desks.outbox(mailbox, intake),
        feed=Feed(base.readers),
        reads=base.reads,
        directory=base.directory,
        accounts=base.accounts,
        credentials=base.credentials,
        bodies=base.bodies,
        sound=desks.sound,
        intake=intake,
        clock=base.clock,
    )


async def _listen(stack: AsyncExitStack, app: Application, watch: ClockWatch) -> None:
    base, server = app.foundation, app.settings.server
    probe = Probe(
        foundation=base,
        intake=app.gateway.intake,
        sound=app.gateway.sound,
        watch=watch,
        metrics=app.metrics,
        tls_ends_at=lambda: app.tls_ends_at,
    )
    operations = Listener(
        build_operations_app(probe, app.metrics, app.lifecycle, refresh=probe.refresh), Lifecycle(), app.metrics
    )
    stack.push_async_callback(operations.close)
    app.operations_port = await operations.start(server.operations_host, server.operations_port, None)
    admin = AdminServer(app)
    stack.push_async_callback(admin.close)
    await admin.start(server.admin_socket)
    parts = ApiParts(
        gateway=app.gateway,
        authenticator=base.authenticator,
        bodies=base.bodies,
        settings=app.settings,
        clock=base.clock,
        metrics=app.metrics,
        lifecycle=app.lifecycle,
        uploads=app.uploads,
    )
    listener = Listener(
        build_app(parts),
        app.lifecycle,
        app.metrics,
        max_connections=server.max_connections,
        max_per_address=server.max_connections_per_address,
    )
    stack.push_async_callback(listener.close)
    app.port = await listener.start(server.host, server.port, app.tls)
    stack.push_async_callback(listener.drain, server.drain_timeout.total_seconds())


async def serve(settings: Settings, config_path: Path, *, accept_clock: bool = False) -> int:
    """Run until told to stop; the exit code."""
    logs = configure_logs(settings.observe.log_level, settings.observe.log_format)
    loop = asyncio.get_running_loop()
    async with run_application(settings, config_path, logs, accept_clock=accept_clock) as app:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, app.stopping.set)
        reloads: set[asyncio.Task[None]] = set()
        loop.add_signal_handler(signal.SIGHUP, lambda: reloads.add(asyncio.create_task(_reload(app))))
        # what was made to stay is never looked through again, and messages hold few cycles
        gc.collect()
        gc.freeze()
        gc.set_threshold(_COLLECT_AFTER)
        sys.setswitchinterval(_SWITCH_SECONDS)
        _log.info("server.ready", port=app.port, operations_port=app.operations_port, boot=app.foundation.boot_id)
        notify.ready()
        await app.stopping.wait()
        notify.stopping()
        app.gateway.intake.stopping = True
        _log.info("server.stopping")
    _log.info("server.stopped")
    return 0


async def _reload(app: Application) -> None:
    notify.reloading()
    with suppress(ConfigError):  # logged there; the old configuration stays
        await app.reload()
        base = app.foundation
        await base.pump.submit(NoteReload(), (base.clock, "gateway"))
    notify.ready()
