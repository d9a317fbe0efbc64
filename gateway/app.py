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
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path

import structlog

from gateway import channels, notify
from gateway.admin.archives import Archives
from gateway.admin.server import AdminServer, note_reload
from gateway.api.app import build_app, build_operations_app
from gateway.api.listener import Listener
from gateway.api.route import ApiParts
from gateway.brokering import LocalBroker
from gateway.condition import Condition
from gateway.config import settings as config
from gateway.config.settings import Settings
from gateway.console.app import build_console
from gateway.console.headers import unreadable
from gateway.damage import SoundBodies
from gateway.desk.desk import Desk, make_desk
from gateway.desks import Desks, make_gateway
from gateway.dispatching import make_worker
from gateway.errors import ConfigError, GatewayError
from gateway.facade import LocalGateway
from gateway.failpoints import failpoint
from gateway.foundation import Commits, Foundation, open_foundation
from gateway.importing import Importer
from gateway.inspection import Inspection
from gateway.ledger.boots import Boot, BootOperation
from gateway.ledger.own_keys import note_taken
from gateway.ledger.peers import PeerReads
from gateway.lifecycle import Lifecycle
from gateway.logs import LogControl, configure_logs
from gateway.maintenance import evidence
from gateway.maintenance.archiver import Archiver
from gateway.maintenance.checkpointer import Checkpointer
from gateway.maintenance.clock_watch import ClockWatch
from gateway.maintenance.consented import Consented
from gateway.maintenance.duties import Duty
from gateway.maintenance.eraser import Eraser
from gateway.maintenance.institution_signer import InstitutionSigner
from gateway.maintenance.key_watch import KeyWatch
from gateway.maintenance.receipt_stamper import ReceiptStamper
from gateway.maintenance.registrar import Registrar
from gateway.maintenance.renewer import Renewer, renew_apart
from gateway.maintenance.restamper import Restamper
from gateway.maintenance.stamper import Stamper
from gateway.maintenance.start import Examining, clock_watch, examining, start_duties
from gateway.maintenance.watcher import Watcher
from gateway.maintenance.witnessing import Witnessing
from gateway.model import AgencyId, EndpointId
from gateway.observe import Metrics
from gateway.outgoing import StoredBodies
from gateway.parsing.pool import ParserPool
from gateway.pki import bindings_tls_context, ends_at, server_tls_context
from gateway.plain import PLAIN_WARNING, plain_place
from gateway.probe import Probe
from gateway.shares import Shares
from gateway.signing import SealingKey
from gateway.uploads import Uploads
from gateway.windows import LineView
from gateway.worker import Worker
from gateway.workshop import Workshop

_log = structlog.get_logger(__name__)

#: What a reload takes.
_RELOADED = frozenset(
    {
        "tls.certificate",
        "tls.key",
        "seal.certificate",
        "seal.key",
        "seal.token",
        "seal.secret",
        "seal.socket",
        "log.key",
        "log.vkey",
        "observe.log_level",
    }
)
#: Objects made in excess of those that went, before cycles are looked for.
_COLLECT_AFTER = 20_000
#: Seconds for which the event loop may keep the interpreter from the thread that commits. A commit needs it twice,
#: when it begins and when it has synced, so with the default of 5 ms each batch waited 10 ms for nothing.
_SWITCH_SECONDS = 0.001


@dataclass(kw_only=True)
class Application:
    """The running server."""

    settings: Settings
    config_path: Path
    foundation: Foundation
    worker: Worker
    gateway: LocalGateway
    desk: Desk
    key: SealingKey
    metrics: Metrics
    lifecycle: Lifecycle
    uploads: Uploads
    watcher: Watcher
    importer: Importer
    checkpointer: Checkpointer
    #: Of the log's checkpoints, of receipts, and of its head by another hash.
    stampers: tuple[Stamper, ReceiptStamper, Restamper]
    witnessing: Witnessing
    institution_signer: InstitutionSigner
    registrar: Registrar
    archiver: Archiver
    renewer: Renewer = field(init=False)
    eraser: Eraser = field(init=False)
    checks: Examining
    tls: ssl.SSLContext
    #: That of the other protocols' listener.
    bindings_tls: ssl.SSLContext
    #: When the certificate that it uses ends.
    tls_ends_at: datetime
    logs: LogControl
    #: What agencies and addresses have taken.
    shares: Shares
    inspection: Inspection = field(default_factory=Inspection)
    #: The ports listened on, for tests that ask for port 0.
    port: int = 0
    operations_port: int = 0
    bindings_port: int = 0
    plain_port: int = 0
    console_port: int = 0
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        """What its own duties bring."""
        acme = self.settings.acme
        self.renewer = Renewer(
            partial(renew_apart, self.config_path),
            self.take_certificate,
            usual=acme.every,
            is_set=bool(acme.directory),
            clock=self.foundation.clock,
            metrics=self.metrics,
        )
        self.eraser = Eraser(self.foundation, self.uploads, self.metrics)

    @property
    def conditions(self) -> dict[str, Condition]:
        """How its own duties are, each by its word."""
        return {
            "seal": self.key.condition,
            "log": self.checkpointer.condition,
            "institution": self.institution_signer.condition,
            "stamps": self.stampers[0].condition,
            "restamps": self.stampers[2].condition,
            "witnesses": self.witnessing.condition,
            "registers": self.registrar.condition,
            "archives": self.archiver.condition,
            "renewal": self.renewer.condition,
            "purges": self.eraser.condition,
            "revocation": self.checks.refresher.condition,
            "encryption": self.checks.published.condition,
        }

    @property
    def archives(self) -> Archives:
        """What makes month archives."""
        return self.archiver.archives

    @property
    def own_duties(self) -> tuple[Duty, ...]:
        """Those that tell how they are, and the look at the key that seals."""
        log = (self.checkpointer, *self.stampers, self.witnessing, self.institution_signer, self.registrar)
        return *log, self.archiver, self.renewer, self.eraser, Consented(self), KeyWatch(self.key)

    async def reload(self) -> list[str]:
        """Read configuration, certificates and directory again; wrong ones are reported and not taken.

        The settings that have changed and need a restart all the same.
        """
        try:
            settings = config.load(self.config_path)
            channels.binding_options(settings)  # a key that no protocol declares
            server_tls_context(settings.tls)  # the trial: raises before anything changes
            await self.key.take(settings.seal, settings.log)
            self._take_certificate(settings.tls)
            await _note(self.foundation, self.key)
        except (ConfigError, GatewayError, OSError, ssl.SSLError) as error:
            _log.error("configuration.refused", error=str(error))
            raise ConfigError(f"not reloaded, the old configuration stays: {error}") from error
        self.logs.set_level(settings.observe.log_level)
        self.foundation.credentials.forget()
        self.foundation.shared_secrets.forget()
        await self.foundation.directory.reload()
        self.worker.wake()
        self.eraser.try_again()
        waiting = [name for name in config.differing(self.settings, settings) if name not in _RELOADED]
        if waiting:
            _log.warning("configuration.needs_restart", settings=waiting)
        _log.info("configuration.reloaded")
        return waiting

    def take_certificate(self) -> None:
        """Show the certificate that is in place now; ConfigError, OSError or ValueError, and the old one stays."""
        server_tls_context(self.settings.tls)  # the trial
        self._take_certificate(self.settings.tls)

    def _take_certificate(self, tls: config.TlsSettings) -> None:
        for context in (self.tls, self.bindings_tls):
            context.load_cert_chain(tls.certificate, tls.key)
        self.tls_ends_at = ends_at(tls.certificate)

    def requeued(self, agencies: Iterable[AgencyId]) -> None:
        """Deliveries came back into the queue."""
        self.gateway.mailbox.notify(agencies)
        self.worker.wake()

    def line_view(self, endpoint_id: str) -> LineView | None:
        """How the line to a channel is; None where nothing was sent to it since the start."""
        return self.worker.line_view(EndpointId(endpoint_id))

    def poll(self, endpoint_id: str) -> int:
        """Have the list of this channel read now, or every one for ""; how many are."""
        return self.watcher.wake([EndpointId(endpoint_id)] if endpoint_id else ())


@asynccontextmanager
async def run_application(
    settings: Settings, config_path: Path, logs: LogControl, *, accept_clock: bool = False
) -> AsyncIterator[Application]:
    """Start everything; stop it in the reverse order on leaving."""
    metrics, lifecycle, commits = Metrics(), Lifecycle(), Commits()
    async with AsyncExitStack() as stack:
        # 1 data folder
        base = await stack.enter_async_context(
            open_foundation(settings, on_commit=commits, accept_clock=accept_clock)
        )
        base.sign_in.heard = metrics.heard
        if not base.bodies.keys.is_encrypting:
            _log.warning("bodies.plain", key=str(settings.storage.body_token or settings.storage.body_key))
        # 2 sealing key, parser pool
        key = await _sealing_key(stack, base)
        pool = await _start_pool(stack, settings)
        # 3 journey and desks, 4 worker
        sound = SoundBodies(base.bodies, base.pump, base.readers, clock=base.clock, metrics=metrics)
        workshop = Workshop(base, pool, sound)
        worker = make_worker(stack, base, pool, sound, metrics, workshop)
        gateway = make_gateway(stack, Desks(base, key, pool, sound, worker, metrics))
        commits.listener = gateway.feed.notify
        checks = examining(stack, base, metrics)
        desk = make_desk(stack, base, gateway, checks.pool)
        uploads = Uploads.opened(settings, base.bodies, gateway.intake.lasting_room, base.clock)
        watcher = _watcher(base, gateway, workshop, metrics)
        app = Application(
            settings=settings,
            config_path=config_path,
            foundation=base,
            worker=worker,
            gateway=gateway,
            desk=desk,
            key=key,
            metrics=metrics,
            lifecycle=lifecycle,
            uploads=uploads,
            watcher=watcher,
            importer=Importer(base, gateway.journey, gateway.intake),
            checkpointer=evidence.checkpointer(base, key, metrics),
            stampers=evidence.stampers(base, metrics),
            witnessing=evidence.witnessing(base, metrics),
            institution_signer=evidence.institution_signer(stack, base, metrics),
            registrar=Registrar(base.readers, base.pump, clock=base.clock, metrics=metrics),
            archiver=evidence.archiver(base, key, metrics),
            checks=checks,
            tls=server_tls_context(settings.tls),
            bindings_tls=bindings_tls_context(settings.tls, channels.binding_options(settings).peer_certificates),
            shares=Shares(settings.limits),
            tls_ends_at=ends_at(settings.tls.certificate),
            logs=logs,
        )
        await worker.start()
        stack.push_async_callback(worker.stop, settings.server.drain_timeout.total_seconds())
        watch = clock_watch(base, worker, metrics)
        await start_duties(stack, app, watch)
        # 5 listeners
        await _listen(stack, app, watch)
        yield app
        await _end(app)


async def _end(app: Application) -> None:
    """The last event, and the checkpoint over it."""
    base = app.foundation
    ended = Boot(id=base.boot_id, at=base.clock.now(), purpose="serve", ended=True)
    failpoint("stop.record.before")
    await base.pump.submit(BootOperation(), ended)
    failpoint("stop.record.after")
    with suppress(GatewayError):  # what is not signed now is at the next start
        await app.checkpointer.run_once()


async def _sealing_key(stack: AsyncExitStack, base: Foundation) -> SealingKey:
    key = SealingKey()
    stack.push_async_callback(key.close)
    await key.take(base.settings.seal, base.settings.log)
    await _note(base, key)
    return key


async def _note(base: Foundation, key: SealingKey) -> None:
    """That its certificate is ours, from now on."""
    if key.certificate is not None:
        await note_taken(base.pump, "seal", key.certificate, base.clock.now())


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


def _watcher(base: Foundation, gateway: LocalGateway, workshop: Workshop, metrics: Metrics) -> Watcher:
    make_source = partial(channels.make_source, base.settings, base.clock, workshop)
    return Watcher(base, gateway.journey, gateway.outbox, make_source, metrics)


async def _listen(stack: AsyncExitStack, app: Application, watch: ClockWatch) -> None:
    base, server = app.foundation, app.settings.server
    probe = Probe(
        foundation=base,
        intake=app.gateway.intake,
        sound=app.gateway.sound,
        watch=watch,
        key=app.key,
        conditions=lambda: app.conditions,
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
        inspection=app.inspection,
        outages=base.outages.told,
        shares=app.shares,
    )
    listener = Listener(
        build_app(parts),
        app.lifecycle,
        app.metrics,
        max_connections=server.max_connections,
        max_per_address=server.max_connections_per_address,
    )
    await _listen_to_bindings(stack, app)
    await _listen_to_people(stack, app)
    stack.push_async_callback(listener.close)
    app.port = await listener.start(server.host, server.port, app.tls)
    stack.push_async_callback(listener.drain, server.drain_timeout.total_seconds())


async def _listen_to_bindings(stack: AsyncExitStack, app: Application) -> None:
    """The other protocols that peers speak to us, where they are switched on."""
    base, chosen = app.foundation, app.settings.bindings
    if not (chosen.port or chosen.plain_port):
        return
    broker = LocalBroker(
        gateway=app.gateway,
        authenticator=base.secret_authenticator,
        shares=app.shares,
        peers=PeerReads(base.readers),
        pump=base.pump,
        outgoing=StoredBodies(base.bodies, app.gateway.sound),
        settings=app.settings,
        clock=base.clock,
        metrics=app.metrics,
        lifecycle=app.lifecycle,
        inspection=app.inspection,
        outages=base.outages,
    )

    async def listen(host: str, port: int, tls: ssl.SSLContext | None, interface: str = "") -> int:
        make = channels.make_plain_bindings if tls is None else channels.make_bindings
        listener = Listener(
            make(broker, app.settings, base.clock),
            app.lifecycle,
            app.metrics,
            max_connections=chosen.max_connections,
            max_per_address=chosen.max_connections_per_address,
            max_head=chosen.max_head,
            unreadable=channels.unreadable,
        )
        stack.push_async_callback(listener.close)
        return await listener.start(host, port, tls, interface)

    if chosen.port:
        app.bindings_port = await listen(chosen.host, chosen.port, app.bindings_tls)
        _log.info("bindings.listening", host=chosen.host, port=app.bindings_port)
    if chosen.plain_port:
        place = plain_place(chosen.plain_host)
        app.plain_port = await listen(place.address, chosen.plain_port, None, place.interface)
        _log.warning("bindings.plain", host=str(place), port=app.plain_port, warning=PLAIN_WARNING)


async def _listen_to_people(stack: AsyncExitStack, app: Application) -> None:
    """The console, where it is switched on."""
    chosen = app.settings.console
    if not chosen.port:
        return
    lifecycle = Lifecycle()
    listener = Listener(
        build_console(app, lifecycle),
        lifecycle,
        app.metrics,
        max_connections=chosen.max_connections,
        max_per_address=chosen.max_connections_per_address,
        unreadable=unreadable,
    )
    stack.push_async_callback(listener.close)
    app.console_port = await listener.start(chosen.host, chosen.port, app.tls)
    _log.info("console.listening", host=chosen.host, port=app.console_port)


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
        await note_reload(app.foundation, "gateway")
    notify.ready()
