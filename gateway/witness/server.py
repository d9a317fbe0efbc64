"""Serves a witness over HTTPS: add-checkpoint for logs, the last checkpoint for monitors (C2SP tlog-witness).

Nobody is asked who he is: what counts is the signature on the checkpoint. So size, time and number of requests are
bounded before anything is looked at, and everything else than the two paths is 404.
"""

from __future__ import annotations

import asyncio
import signal
import ssl
import sys
from http import HTTPStatus
from pathlib import Path
from typing import Final

import msgspec
from aiohttp import web

from gateway import notify
from gateway.api.listener import Listener
from gateway.clock import SystemClock
from gateway.config.settings import TlsSettings
from gateway.errors import ConfigError, ProofError, RefusedError
from gateway.failpoints import refuse_armed
from gateway.ids import uuid7
from gateway.lifecycle import Lifecycle
from gateway.logs import configure_logs
from gateway.observe import Metrics
from gateway.pki import bindings_tls_context
from gateway.reasons import reason
from gateway.seal.keys import read_key_file
from gateway.storage.lock import FolderLock, refuse_network_filesystem
from gateway.transparency.keys import read_key
from gateway.transparency.witnessing import MAX_REQUEST_BYTES
from gateway.witness.service import Answer, Witness
from gateway.witness.settings import WitnessSettings, load

#: Longest time for a request's body.
_BODY_SECONDS: Final = 10.0
_DRAIN_SECONDS: Final = 5.0


async def serve(folder: Path) -> None:
    """Until SIGTERM or SIGINT; prints one line of JSON once it listens: `{"url": …, "vkey": …}`."""
    settings = load(folder)
    refuse_armed(settings.profile)
    configure_logs("info", "json")
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    refuse_network_filesystem(folder)
    lock = FolderLock.acquire(folder, uuid7())
    try:
        witness = open_witness(folder, settings)
        lifecycle = Lifecycle()
        listener = Listener(
            application(witness, lifecycle),
            lifecycle,
            Metrics(),
            max_connections=settings.max_connections,
            max_per_address=settings.max_connections_per_address,
            unreadable=_unreadable,
        )
        port = await listener.start(settings.host, settings.port, _tls(settings))
        told = {"url": f"https://{settings.host}:{port}/", "vkey": str(witness.verifier)}
        sys.stdout.write(msgspec.json.encode(told).decode() + "\n")
        sys.stdout.flush()
        notify.ready()
        await stopping.wait()
        notify.stopping()
        await listener.drain(_DRAIN_SECONDS)
        await listener.close()
    finally:
        lock.release()


def open_witness(folder: Path, settings: WitnessSettings) -> Witness:
    """The witness of a folder; raises ConfigError, KeyFileError or StorageError."""
    if not settings.name:
        raise ConfigError(f"{folder}: `name` is missing; gateway witness init makes a folder")
    try:
        key = read_key(read_key_file(settings.key))
    except ProofError as error:
        raise ConfigError(f"{settings.key}: {error}") from error
    return Witness(settings.name, key, folder, settings.logs, SystemClock())


def application(witness: Witness, lifecycle: Lifecycle) -> web.Application:
    """To be served."""

    async def add(request: web.Request) -> web.Response:
        if lifecycle.stopping.is_set():
            return _response(Answer(HTTPStatus.SERVICE_UNAVAILABLE, b"stopping\n"))
        lifecycle.begin()
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                body = await request.read()
            return _response(await witness.add(body))
        except TimeoutError:
            return _response(Answer(HTTPStatus.REQUEST_TIMEOUT, b"too slow\n"))
        finally:
            lifecycle.end()

    async def latest(request: web.Request) -> web.Response:
        return _response(await witness.latest(request.match_info["origin"]))

    app = web.Application(client_max_size=MAX_REQUEST_BYTES)
    app.router.add_post("/add-checkpoint", add)
    app.router.add_get("/{origin:[0-9a-f]{64}}/checkpoint", latest)
    return app


def _response(answer: Answer) -> web.Response:
    response = web.Response(status=answer.status, body=answer.body, content_type=answer.media_type)
    if answer.status >= HTTPStatus.BAD_REQUEST and answer.status not in {HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND}:
        response.force_close()
    return response


def _unreadable(refusal: RefusedError, _trace_id: str) -> web.Response:
    return web.Response(status=reason(refusal.code).http, text=f"{refusal.code}\n")


def _tls(settings: WitnessSettings) -> ssl.SSLContext:
    return bindings_tls_context(TlsSettings(certificate=settings.certificate, key=settings.certificate_key))
