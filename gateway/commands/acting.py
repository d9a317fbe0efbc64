"""How commands act: through the administrators' socket while the server runs, else on the data folder itself.

Which of the two it is never changes what an act does or records; the person is told when no server runs.
Reading commands open the database read-only, beside the server.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeVar

import aiohttp
import msgspec

from gateway.admin.acts import REASON_CHARACTERS, Change, Reply, Request
from gateway.admin.server import ACTS, PREFIX
from gateway.clock import Clock, SystemClock
from gateway.commands.context import Context
from gateway.config.settings import LogSettings, Settings
from gateway.directory.directory import Directory
from gateway.errors import (
    ConfigError,
    EnvironmentRefusedError,
    GatewayError,
    InputError,
    RefusedError,
    UnreachableError,
)
from gateway.foundation import Foundation, database_of, load_statements, open_foundation
from gateway.importing import ImportFile
from gateway.ledger.reads import Reads
from gateway.model import AgencyId
from gateway.signing import SealingKey
from gateway.storage.migrations import MIGRATIONS, load_migrations, refuse_newer
from gateway.storage.readers import Readers

C = TypeVar("C", bound=Change)
R = TypeVar("R", bound=Request)

_PIECE: Final = 256 * 1024
_FORBIDDEN: Final = 403
_REFUSED: Final = frozenset({400, 409})


@dataclass(frozen=True, kw_only=True, slots=True)
class Ledger:
    """The data folder, open for reading."""

    readers: Readers
    reads: Reads
    directory: Directory
    clock: Clock


@asynccontextmanager
async def open_for_reading(settings: Settings, *, whatever_version: bool = False) -> AsyncIterator[Ledger]:
    """The database, read-only; EnvironmentRefusedError when there is none, SchemaVersionError for a newer one's."""
    path = database_of(settings)
    require_database(path)
    clock = SystemClock()
    readers = Readers(
        path, load_statements(), count=1, allow_affected_sqlite=settings.storage.allow_affected_sqlite
    )
    await readers.start()
    try:
        if not whatever_version:
            refuse_newer(dict(await readers.fetch("meta_read_versions")), load_migrations(MIGRATIONS))
        directory = Directory(readers, clock=clock, served_by=settings.cutover.served_by)
        await directory.reload()
        yield Ledger(readers=readers, reads=Reads(readers), directory=directory, clock=clock)
    finally:
        await readers.close()


def require_database(path: Path) -> None:
    """Refuse, in words, what has never been set up."""
    if not path.is_file():
        raise EnvironmentRefusedError(
            f"there is no database at {path}; check [storage] folder, or start the server once", path=str(path)
        )


def is_running(settings: Settings) -> bool:
    """Whether a server answers at the administrators' socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(settings.server.admin_socket))
        except OSError:
            return False
    return True


class Desk:
    """The data folder without a server: nobody has to be told that something is due."""

    def __init__(self, foundation: Foundation) -> None:
        self.foundation = foundation

    def requeued(self, agencies: Iterable[AgencyId]) -> None:
        """The next start finds what is due."""

    def poll(self, endpoint_id: str) -> int:  # noqa: ARG002
        """Every list is read at the next start."""
        return 0


async def perform(context: Context, act: str, request: Change) -> Reply:
    """Carry an act of `gateway.admin.server.ACTS` out and give its reply; a refusal raises RefusedError."""
    settings, request = context.settings, checked(request)
    if is_running(settings):
        return await ask(settings, act, request)
    context.note("The server is not running: working on the data folder itself.")
    async with offline(settings) as foundation:
        return await ACTS[act].run(Desk(foundation), request, own_name())


def checked_import(facts: ImportFile) -> ImportFile:
    """`checked` for what is said of a file."""
    return _converted(facts)


def checked(request: C) -> C:
    """The request, with every bound of its fields looked at: making one checks nothing."""
    return _converted(request)


def _converted(request: R) -> R:
    try:
        return msgspec.convert(msgspec.to_builtins(request), type(request))
    except msgspec.ValidationError as error:
        text, _, place = str(error).partition(" - at `$.")
        if place.startswith("reason"):
            least, most = REASON_CHARACTERS
            raise InputError(f"--reason: say why, in {least} to {most} characters") from error
        raise InputError(f"{place.rstrip('`') or 'the arguments'}: {text}; see --help") from error


@asynccontextmanager
async def offline(settings: Settings, *, ending: bool = False) -> AsyncIterator[Foundation]:
    """The data folder with its lock; nobody else may have it open. `ending`: though a handover of it broke off."""
    require_database(database_of(settings))
    async with open_foundation(settings, purpose="command", ending=ending) as foundation:
        yield foundation


@asynccontextmanager
async def offline_sealing(
    settings: Settings, log: LogSettings | None = None, *, ending: bool = False
) -> AsyncIterator[tuple[Foundation, SealingKey]]:
    """Likewise, with the key that seals, and that of the log where it is named."""
    key = SealingKey()
    async with offline(settings, ending=ending) as base:
        await key.take(settings.seal, log)
        try:
            yield base, key
        finally:
            await key.close()


def own_name() -> str:
    """Who acts, as events name it."""
    return f"operator:{os.getuid()}"


async def ask(settings: Settings, path: str, request: Change | None = None) -> Reply:
    """One request to the running server; without `request` a GET."""
    connector = aiohttp.UnixConnector(path=str(settings.server.admin_socket))
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=10)
    try:
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            body = None if request is None else msgspec.json.encode(request)
            method = "GET" if request is None else "POST"
            async with session.request(method, f"http://gateway{PREFIX}/{path}", data=body) as response:
                return _reply(response.status, await response.read())
    except (aiohttp.ClientError, OSError) as error:
        raise UnreachableError(f"the server's socket {settings.server.admin_socket}: {error}") from error


async def send_file(settings: Settings, path: str, facts: ImportFile, file: Path) -> Reply:
    """A file to the running server, with what is said of it; it is never whole in memory."""
    connector = aiohttp.UnixConnector(path=str(settings.server.admin_socket))
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=10)
    try:
        with file.open("rb") as stream:
            async with (
                aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
                session.post(
                    f"http://gateway{PREFIX}/{path}",
                    params={"facts": msgspec.json.encode(facts).decode()},
                    data=stream,
                ) as response,
            ):
                return _reply(response.status, await response.read())
    except aiohttp.ClientError as error:
        raise UnreachableError(f"the server's socket {settings.server.admin_socket}: {error}") from error


async def fetch_bytes(settings: Settings, path: str, request: Change, target: BinaryIO) -> None:
    """What the running server answers to a request, into a file; never whole in memory."""
    connector = aiohttp.UnixConnector(path=str(settings.server.admin_socket))
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=10)
    try:
        async with (
            aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
            session.post(f"http://gateway{PREFIX}/{path}", data=msgspec.json.encode(request)) as response,
        ):
            if response.content_type == "application/json":
                _reply(response.status, await response.read())
            async for chunk in response.content.iter_chunked(_PIECE):
                target.write(chunk)
    except (aiohttp.ClientError, OSError) as error:
        raise UnreachableError(f"the server's socket {settings.server.admin_socket}: {error}") from error


async def status_of(settings: Settings) -> dict[str, Any] | None:
    """What the running server says of itself; None when none runs."""
    with contextlib.suppress(UnreachableError):
        if await asyncio.to_thread(is_running, settings):
            return await ask(settings, "status")
    return None


def _reply(status: int, body: bytes) -> Reply:
    try:
        reply = msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise UnreachableError(f"the server answered {status} with what is no JSON") from error
    if status == 200:  # noqa: PLR2004
        return reply
    code, detail = str(reply.get("code", "")), str(reply.get("detail", ""))
    if status == _FORBIDDEN:
        raise EnvironmentRefusedError(detail)
    if code == "configuration_refused":
        raise ConfigError(detail)
    if status in _REFUSED:
        raise RefusedError(code, detail)
    raise GatewayError(f"{code}: {detail}")
