"""The administrators' Unix socket: every act that changes something while the server runs comes through here.

The socket has mode 0600 in a folder of mode 0700, and each connection's peer is asked of the kernel: only root
and the server's own user are served, and the user id becomes the actor (`operator:<uid>`) of the events. One
JSON object in, one out:

    POST /v1/import-document?facts=…   a file of another system (`gateway.importing`); the server alone can seal
    POST /v1/export-document   which one and why -> its bundle of evidence (`gateway.admin.export`), as bytes
    POST /v1/export-absence    which document there is not -> the proof of it, as bytes
    POST /v1/make-archive      which month -> the archive (`gateway.admin.archives`), as bytes; what is done of it
                               meanwhile: GET /v1/archive-progress
    POST /v1/<act>    a request of `gateway.admin.acts` or its neighbours (`ACTS`) -> its reply
    GET  /v1/status   how the server is
    GET  /v1/inspect?agency=CODE   the last requests of an agency's systems

A refusal is 409 with {"code", "detail"}, a request of the wrong shape 400, another user 403. The folder's lock
proves that no other server is alive, so a socket left by a dead one is taken over. Replies that hold a code or
token are never logged; acts are, with their actor and reason.
"""

from __future__ import annotations

import asyncio
import os
import socket
import stat
import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal, Protocol

import msgspec
import structlog
from aiohttp import web

from gateway.admin import (
    acts,
    adopt,
    alarms,
    alerts,
    backups,
    bindings,
    body_keys,
    catalogue,
    certificates,
    channels,
    cutover,
    directory,
    encryption,
    log,
    offers,
    purges,
    readings,
    receivers,
    reconcile,
    registry,
    revocation,
    statuses,
    users,
)
from gateway.admin.acts import Change, Desk, Reply
from gateway.admin.archives import Archives, MakeArchive
from gateway.admin.export import ExportAbsence, ExportDocument, exported, exported_absence
from gateway.condition import Condition, told
from gateway.errors import ConfigError, EnvironmentRefusedError, GatewayError, RefusedError, StorageError
from gateway.events import Event
from gateway.foundation import Foundation
from gateway.fsio import make_private_dir
from gateway.importing import Importer, ImportFile
from gateway.inspection import Inspection
from gateway.ledger.history import EventRow, RecordEvents
from gateway.signing import SealingKey

PREFIX: Final = "/v1"
#: An import of 125,000 agencies is some 30 MB.
_MAX_REQUEST: Final = 128 * 1024 * 1024
_PIECE: Final = 256 * 1024
_PEER: Final = struct.Struct("3i")
_LONGEST_PATH: Final = 100

_FAILURES: Final[Mapping[type[GatewayError], tuple[str, int]]] = {
    ConfigError: ("configuration_refused", 409),
    StorageError: ("storage_failed", 503),
}

_log: Any = structlog.get_logger("gateway.admin.server")


class Logs(Protocol):
    """Where the log level is set."""

    def set_level(self, level: str) -> None:
        """Takes effect with the next line."""
        ...


class Server(Desk, Protocol):
    """The running server, as the socket sees it."""

    @property
    def logs(self) -> Logs:
        """The log."""
        ...

    @property
    def key(self) -> SealingKey:
        """What seals."""
        ...

    @property
    def importer(self) -> Importer:
        """What brings over files of another system."""
        ...

    @property
    def archives(self) -> Archives:
        """What makes month archives."""
        ...

    @property
    def inspection(self) -> Inspection:
        """The last requests of each system."""
        ...

    @property
    def conditions(self) -> Mapping[str, Condition]:
        """How its own duties are, each by its word."""
        ...

    async def reload(self) -> list[str]:
        """Read configuration, certificates and directory again; ConfigError keeps the old ones.

        The settings that have changed and need a restart all the same.
        """
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class ActKind:
    """One act of the socket."""

    #: What its JSON must be.
    request: type[Change]
    run: Callable[[Desk, Any, str], Awaitable[Reply]]


#: Path below PREFIX -> the act; the same table serves commands when no server runs.
ACTS: Mapping[str, ActKind] = {
    "deliveries": ActKind(request=acts.ActOnDeliveries, run=acts.act_on_deliveries),
    "adopt": ActKind(request=adopt.AdoptDelivery, run=adopt.adopt_delivery),
    "match-status": ActKind(request=statuses.MatchStatus, run=statuses.match_status),
    "dismiss-status": ActKind(request=statuses.DismissStatus, run=statuses.dismiss_status),
    "pause": ActKind(request=acts.PauseChannel, run=acts.pause_channel),
    "resume": ActKind(request=acts.ResumeChannel, run=acts.resume_channel),
    "import": ActKind(request=directory.ImportAgencies, run=directory.import_file),
    "sync": ActKind(request=catalogue.SyncCatalogue, run=catalogue.sync),
    "enrol": ActKind(request=directory.OfferEnrolment, run=directory.offer_enrolment),
    "token": ActKind(request=directory.IssueToken, run=directory.issue_token),
    "secret": ActKind(request=bindings.IssueSecret, run=bindings.issue_secret),
    "close-task": ActKind(request=bindings.CloseOperatorTask, run=bindings.close_task),
    "certificate": ActKind(request=directory.RecordCertificate, run=directory.record_certificate),
    "restrict": ActKind(request=directory.RestrictCredential, run=directory.restrict_credential),
    "revoke": ActKind(request=directory.RevokeCredential, run=directory.revoke_credential),
    "add-receiver-key": ActKind(request=receivers.AddReceiverKey, run=receivers.add_receiver_key),
    "end-receiver-key": ActKind(request=receivers.EndReceiverKey, run=receivers.end_receiver_key),
    "note-reading": ActKind(request=readings.NoteReading, run=readings.note_reading),
    "close": ActKind(request=directory.EndAgency, run=directory.end_agency),
    "route": ActKind(request=directory.RouteAgency, run=directory.route_agency),
    "represent": ActKind(request=directory.Represent, run=directory.represent),
    "turn-body-keys": ActKind(request=body_keys.TurnBodyKeys, run=body_keys.turn),
    "restamp-log": ActKind(request=log.RestampLog, run=log.restamp),
    "declare-log-gap": ActKind(request=log.DeclareLogGap, run=log.declare_gap),
    "bind-certificate": ActKind(request=certificates.BindCertificate, run=certificates.bind_certificate),
    "end-certificate": ActKind(request=certificates.EndCertificate, run=certificates.end_certificate),
    "publish-encryption": ActKind(request=encryption.PublishEncryption, run=encryption.publish_encryption),
    "end-encryption": ActKind(request=encryption.EndEncryption, run=encryption.end_encryption),
    "load-answers": ActKind(request=revocation.LoadAnswers, run=revocation.load_answers),
    "backup-made": ActKind(request=backups.NoteBackup, run=backups.note_backup),
    "order-purge": ActKind(request=purges.MakePurge, run=purges.make_purge),
    "confirm-purge": ActKind(request=purges.ConfirmPurge, run=purges.confirm_purge),
    "cancel-purge": ActKind(request=purges.CancelPurge, run=purges.cancel_purge),
    "retain": ActKind(request=purges.RetainDocuments, run=purges.retain_documents),
    "end-retained": ActKind(request=purges.StopRetaining, run=purges.stop_retaining),
    "decide-offer": ActKind(request=offers.DecideOffer, run=offers.decide_offer),
    "reconcile": ActKind(request=reconcile.ReconcileDay, run=reconcile.reconcile_day),
    "registry": ActKind(request=registry.ChangeRegistry, run=registry.change_registry),
    "poll": ActKind(request=offers.PollSources, run=offers.poll_sources),
    "cutover": ActKind(request=cutover.ChangeCutover, run=cutover.change_cutover),
    "user-add": ActKind(request=users.AddUser, run=users.add_user),
    "user-set": ActKind(request=users.SetUser, run=users.set_user),
    "user-act": ActKind(request=users.ActOnUser, run=users.act_on_user),
    "user-sign-out": ActKind(request=users.EndSessions, run=users.end_sessions),
    "acknowledge-alarm": ActKind(request=alarms.AcknowledgeAlarm, run=alarms.acknowledge_alarm),
    "snooze-alarm": ActKind(request=alarms.SnoozeAlarm, run=alarms.snooze_alarm),
    "telephoned": ActKind(request=alarms.Telephoned, run=alarms.telephoned),
    "alerts": ActKind(request=alerts.SetAlerts, run=alerts.set_alerts),
    "rekey": ActKind(request=channels.RekeyChannel, run=channels.rekey_channel),
    "verify": ActKind(request=channels.VerifyChannel, run=channels.verify_channel),
    "endpoint": ActKind(request=directory.ConfigureEndpoint, run=directory.configure_endpoint),
}


class SetLogLevel(Change, kw_only=True):
    """What is logged from now on, until the next restart or reload."""

    level: Literal["debug", "info", "warning", "error"]


class Reload(Change, kw_only=True):
    """As SIGHUP does."""


async def note_reload(base: Foundation, actor: str) -> None:
    """Record that the configuration was read again."""
    event = EventRow(kind=Event.CONFIGURATION_RELOADED, at=base.clock.now(), actor=actor)
    await base.pump.submit(RecordEvents(), event)


class AdminServer:
    """The socket of one running server."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._path: Path | None = None
        app = web.Application(client_max_size=_MAX_REQUEST, middlewares=[_guard])
        app.router.add_get(f"{PREFIX}/status", self._status)
        app.router.add_get(f"{PREFIX}/inspect", self._inspect)
        app.router.add_post(f"{PREFIX}/reload", self._reload)
        app.router.add_post(f"{PREFIX}/log-level", self._set_log_level)
        app.router.add_post(f"{PREFIX}/import-document", self._import_document)
        app.router.add_post(f"{PREFIX}/export-document", self._export_document)
        app.router.add_post(f"{PREFIX}/export-absence", self._export_absence)
        app.router.add_post(f"{PREFIX}/make-archive", self._make_archive)
        app.router.add_get(f"{PREFIX}/archive-progress", self._archive_progress)
        for name, kind in ACTS.items():
            app.router.add_post(f"{PREFIX}/{name}", self._handler(name, kind))
        self._runner = web.AppRunner(app, handle_signals=False, access_log=None, shutdown_timeout=5.0)

    async def start(self, path: Path) -> None:
        """Listen; EnvironmentRefusedError when the place does not allow it."""
        listening = _bind(path)
        try:
            await self._runner.setup()
            await web.SockSite(self._runner, listening).start()
        except BaseException:
            listening.close()
            await self._runner.cleanup()
            raise
        self._path = path

    async def close(self) -> None:
        """Let acts under way end, then take the socket away."""
        await self._runner.cleanup()
        if self._path is not None:
            self._path.unlink(missing_ok=True)
            self._path = None

    def _handler(self, name: str, kind: ActKind) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handler(request: web.Request) -> web.Response:
            asked = await _decoded(request, kind.request)
            reply = await kind.run(self._server, asked, actor_of(request))
            _note(request, name, asked)
            return _json(reply)

        return handler

    async def _import_document(self, request: web.Request) -> web.Response:
        """The file is the body, what is said of it the parameter `facts`."""
        asked = msgspec.json.decode(request.query.get("facts", ""), type=ImportFile)
        importer, bodies = self._server.importer, self._server.foundation.bodies
        size = 0
        async with bodies.open_spool() as spool:
            async for chunk in request.content.iter_chunked(_PIECE):
                size += len(chunk)
                if size > importer.most_bytes:
                    raise RefusedError("body_too_large", f"more than {importer.most_bytes} bytes")
                importer.intake.check_room(len(chunk))
                await spool.write(chunk)
            body = await spool.finish()
        try:
            reply = await importer.take(asked, body, actor_of(request))
        finally:
            await bodies.discard(body)
        return _json(reply)

    async def _export_document(self, request: web.Request) -> web.StreamResponse:
        asked = await _decoded(request, ExportDocument)
        base = self._server.foundation
        async with exported(base, self._server.key, asked, actor_of(request)) as file:
            _note(request, "export-document", asked)
            return await _sent(request, file)

    async def _export_absence(self, request: web.Request) -> web.StreamResponse:
        asked = await _decoded(request, ExportAbsence)
        base = self._server.foundation
        async with exported_absence(base, self._server.key, asked, actor_of(request)) as file:
            _note(request, "export-absence", asked)
            return await _sent(request, file)

    async def _make_archive(self, request: web.Request) -> web.StreamResponse:
        asked = await _decoded(request, MakeArchive)
        async with self._server.archives.made(asked, actor_of(request)) as file:
            _note(request, "make-archive", asked)
            return await _sent(request, file)

    async def _archive_progress(self, _request: web.Request) -> web.Response:
        part, done, total = self._server.archives.progress
        return _json({"part": part, "done": done, "total": total})

    async def _status(self, _request: web.Request) -> web.Response:
        return _json({**await acts.summary(self._server.foundation), **told(self._server.conditions)})

    async def _inspect(self, request: web.Request) -> web.Response:
        base = self._server.foundation
        code = request.query.get("agency", "")
        agency = (await base.directory.resolve([code], base.clock.now())).get(code) if code else None
        if agency is None:
            raise RefusedError("agency_unknown", code[:100])
        return _json({"organ_id": agency.organ_id, "items": self._server.inspection.last(agency.id)})

    async def _reload(self, request: web.Request) -> web.Response:
        asked = await _decoded(request, Reload)
        waiting = await self._server.reload()
        base = self._server.foundation
        await note_reload(base, actor_of(request))
        _note(request, "reload", asked)
        return _json({"reloaded": True, "directory_version": base.directory.version, "needs_restart": waiting})

    async def _set_log_level(self, request: web.Request) -> web.Response:
        asked = await _decoded(request, SetLogLevel)
        self._server.logs.set_level(asked.level)
        _note(request, "log-level", asked)
        return _json({"level": asked.level})


def peer_uid(request: web.Request) -> int:
    """The user id at the other end, as the kernel knows it; -1 when it cannot be told."""
    channel = request.transport.get_extra_info("socket") if request.transport else None
    if channel is None:
        return -1
    found = channel.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    return int(_PEER.unpack(found)[1])


def actor_of(request: web.Request) -> str:
    """Who acts, as events name it."""
    return f"operator:{peer_uid(request)}"


@web.middleware
async def _guard(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    uid = peer_uid(request)
    if uid not in {0, os.geteuid()}:
        _log.warning("admin.refused", uid=uid)
        return _json({"code": "not_permitted", "detail": "only root and the server's user may do this"}, 403)
    try:
        return await handler(request)
    except msgspec.MsgspecError as error:
        return _json({"code": "parameter_invalid", "detail": str(error)}, 400)
    except RefusedError as error:
        return _json({"code": error.code, "detail": error.detail}, 409)
    except GatewayError as error:
        code, status = _FAILURES.get(type(error), ("internal_error", 500))
        _log.error("admin.failed", error=str(error))
        return _json({"code": code, "detail": str(error)}, status)


async def _sent(request: web.Request, file: BinaryIO) -> web.StreamResponse:
    """A container, in pieces."""
    response = web.StreamResponse()
    response.content_type = "application/vnd.etsi.asic-e+zip"
    response.content_length = file.seek(0, os.SEEK_END)
    await response.prepare(request)
    file.seek(0)
    while piece := await asyncio.to_thread(file.read, _PIECE):
        await response.write(piece)
    await response.write_eof()
    return response


async def _decoded(request: web.Request, kind: type[Any]) -> Any:
    return msgspec.json.decode(await request.read(), type=kind)


def _note(request: web.Request, act: str, asked: Any) -> None:
    _log.info("operator.acted", act=act, actor=actor_of(request), why=getattr(asked, "reason", ""))


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), status=status, content_type="application/json")


def _bind(path: Path) -> socket.socket:
    if len(os.fsencode(path)) > _LONGEST_PATH:
        raise EnvironmentRefusedError(
            f"the path of the administrators' socket is longer than {_LONGEST_PATH} bytes: {path}; "
            "set server.admin_socket to a shorter one"
        )
    make_private_dir(path.parent)
    if path.parent.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise EnvironmentRefusedError(f"{path.parent} may be entered by others; run: chmod 700 {path.parent}")
    if path.exists():
        if not stat.S_ISSOCK(path.stat().st_mode):
            raise EnvironmentRefusedError(f"{path} exists and is no socket")
        path.unlink()
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        listening.bind(str(path))
        path.chmod(0o600)  # nobody can have connected: it does not listen yet
    except OSError as error:
        listening.close()
        raise EnvironmentRefusedError(f"cannot listen on {path}: {error.strerror}", path=str(path)) from error
    return listening
