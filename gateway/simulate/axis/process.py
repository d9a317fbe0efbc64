"""The whole life of an axis process: folder, memory, listener, control socket, until SIGTERM.

`FOLDER/axis.sqlite`, `bodies/`, `journal.jsonl` and `control.sock` are its own; `systems.toml` and its secrets are
made there at the first start if no other file is given. It says one line once it listens:

    axis ready https://localhost:8443 control=FOLDER/control.sock

Plain HTTP is for loopback only.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import secrets
import signal
import ssl
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from gateway.clock import Clock, SystemClock
from gateway.errors import EnvironmentRefusedError, InputError
from gateway.fsio import make_private_dir
from gateway.simulate.axis.agencies import Agencies
from gateway.simulate.axis.answers import Answerer
from gateway.simulate.axis.catalogue import Unit, generated, read_catalogue
from gateway.simulate.axis.control import Control
from gateway.simulate.axis.exchange import Exchange
from gateway.simulate.axis.faults import Faults, Order
from gateway.simulate.axis.journal import AxisJournal
from gateway.simulate.axis.operations import Axis
from gateway.simulate.axis.server import Server
from gateway.simulate.axis.settings import AxisSettings, read_secret, read_settings
from gateway.simulate.axis.store import Store

JOURNAL, CONTROL, SETTINGS = "journal.jsonl", "control.sock", "systems.toml"

_SOCKET_PATH_MAX = 100
_FIRST_SETTINGS = """\
# Whom the axis knows. See docs/axis-simulator.md.
[[systems]]
id = "000.00.00.H33"
secret_file = "h33.secret"
hosts = ["*.H33", "H33", "H33.*"]

[[systems]]
id = "000.00.00.G22"
secret_file = "g22.secret"
hosts = ["*.G22", "G22", "G22.*"]

[answers]
enabled = true
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What the command was given."""

    folder: Path
    settings: Path | None = None
    host: str = "127.0.0.1"
    port: int = 8443
    certificate: Path | None = None
    key: Path | None = None
    plain: bool = False
    agencies: int = 0
    seed: int = 20
    catalogue: Path | None = None
    faults: Path | None = None
    answers: bool = False


class Secrets:
    """Who may call: secrets from files, read again when they change, unless an order has changed them."""

    def __init__(self, settings: AxisSettings, folder: Path, store: Store) -> None:
        self._files = {each.id: folder / each.secret_file for each in settings.systems if not each.played}
        self._known: dict[str, tuple[int, bytes]] = {}
        self._store = store

    def of(self, system_id: str) -> bytes | None:
        """The secret; None for a system that nobody registered."""
        path = self._files.get(system_id)
        if path is None:
            return None
        changed = self._store.rows("secret_read", system_id)
        if changed:
            return bytes(changed[0][0])
        stamp = path.stat().st_mtime_ns
        known = self._known.get(system_id)
        if known is None or known[0] != stamp:
            known = self._known[system_id] = (stamp, read_secret(path))
        return known[1]


async def run_axis(options: Options, say: Callable[[str], None]) -> None:
    """Until SIGTERM or Ctrl-C."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    context = _context(options)
    path = options.settings or _made_settings(options.folder)
    settings = read_settings(path)
    if options.answers:
        settings = msgspec.structs.replace(
            settings, answers=msgspec.structs.replace(settings.answers, enabled=True)
        )
    clock = SystemClock()
    with contextlib.ExitStack() as closing:
        store = Store(options.folder, clock)
        closing.callback(store.close)
        journal = AxisJournal(options.folder / JOURNAL)
        closing.callback(journal.close)
        agencies = Agencies(store, settings.systems)
        agencies.fill(_catalogue(options))
        exchange = Exchange(settings=settings, store=store, agencies=agencies, journal=journal, clock=clock)
        exchange.recover()
        axis = Axis(
            habits=settings.habits, store=store, agencies=agencies, exchange=exchange, journal=journal, clock=clock
        )
        secrets_of = Secrets(settings, path.parent, store)
        await _serve(options, axis, settings, secrets_of, clock, context, stop, say)


async def _serve(
    options: Options,
    axis: Axis,
    settings: AxisSettings,
    secrets_of: Secrets,
    clock: Clock,
    context: ssl.SSLContext | None,
    stop: asyncio.Event,
    say: Callable[[str], None],
) -> None:
    faults = Faults()
    for order in _orders(options.faults):
        faults.add(order, now=clock.monotonic())
    answerer = Answerer(store=axis.store, agencies=axis.agencies, exchange=axis.exchange, clock=clock)
    axis.exchange.on_taken = answerer.wake
    server = Server(axis=axis, faults=faults, secret_of=secrets_of.of)
    systems = [system.id for system in settings.systems]
    control = Control(axis=axis, faults=faults, systems=systems)
    answering = asyncio.create_task(answerer.run())
    try:
        await control.start(_socket_path(options.folder))
        port = await server.start(options.host, options.port, context)
        scheme = "http" if context is None else "https"
        name = "localhost" if _is_loopback(options.host) else options.host
        say(f"axis ready {scheme}://{name}:{port} control={options.folder / CONTROL}")
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({stopped, answering}, return_when=asyncio.FIRST_COMPLETED)
        if answering.done():
            answering.result()
    finally:
        answering.cancel()
        await server.close()
        await control.close()


def _context(options: Options) -> ssl.SSLContext | None:
    if options.plain:
        if not _is_loopback(options.host):
            raise InputError("plain HTTP is for loopback only; give --certificate and --key")
        return None
    if options.certificate is None:
        raise InputError("give --certificate (and --key), or --plain on loopback")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(options.certificate, options.key)
    except (OSError, ssl.SSLError) as error:
        raise InputError(f"{options.certificate}: certificate and key cannot be used: {error}") from error
    return context


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _made_settings(folder: Path) -> Path:
    path = folder / SETTINGS
    if not path.exists():
        make_private_dir(folder)
        for name in ("h33.secret", "g22.secret"):
            with os.fdopen(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_hex(24) + "\n")
        path.write_text(_FIRST_SETTINGS, "utf-8")
    return path


def _catalogue(options: Options) -> Iterable[Unit]:
    if options.catalogue is not None:
        return read_catalogue(options.catalogue)
    return generated(options.agencies, options.seed)


def _orders(path: Path | None) -> list[Order]:
    if path is None:
        return []
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[Order])
    except (ValueError, msgspec.DecodeError) as error:
        raise InputError(f"{path}: {error}") from error


def _socket_path(folder: Path) -> Path:
    path = folder / CONTROL
    if len(os.fsencode(path)) > _SOCKET_PATH_MAX:
        relative = Path(os.path.relpath(path))
        if len(os.fsencode(relative)) > _SOCKET_PATH_MAX:
            raise EnvironmentRefusedError(f"{path}: the name of a socket is too long; take a shorter folder")
        return relative
    return path


def announce(line: str) -> None:
    """One line on standard output, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
