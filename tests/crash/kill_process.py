"""The processes of the kill sweep: the gateway as `gateway serve`, told apart from the clients and the receiver.

READY is what the gateway tells a service manager (sd_notify), so it is measured without asking.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from gateway.failpoints import VARIABLE
from tests.crash.kill_journal import now
from tests.crash.kill_site import PROGRAMS, Site
from tests.forking import ForkedServer

ROOT = Path(__file__).parents[2]
PROGRAM = "gateway"
#: A busy machine is slow over a start; one that hangs is told with its stacks.
_LONGEST_SECONDS = 300.0


class Where(Protocol):
    """An installation, as far as the server's process needs it."""

    @property
    def folder(self) -> Path:
        """Its log and its notification socket lie there."""
        ...

    @property
    def config(self) -> Path:
        """The configuration file."""
        ...


class Gateway:
    """One run of the server."""

    def __init__(self, process: Process | ForkedServer, channel: socket.socket, log: Path) -> None:
        self._process, self._channel, self.log = process, channel, log
        self.started_at = now()
        self.ready_at = 0.0
        #: Seconds of processor that it (its helpers aside) had used until then.
        self.ready_cpu = 0.0
        self._hearing = asyncio.create_task(self._hear())

    @classmethod
    async def start(
        cls,
        site: Where,
        *,
        armed: str = "",
        more: Mapping[str, str] | None = None,
        options: Sequence[str] = (),
        within: Sequence[str] = (),
        program: str = PROGRAM,
        forked: bool = False,
    ) -> Gateway:
        """`gateway serve`, with these points armed and `more` in its environment; `within`: words that start it.

        `program`: another one in its place, a weakened one (`weakened`). `forked`: without the seconds of processor
        that its imports take, where neither they nor those words are looked at (`tests.forking`).
        """
        address = site.folder / "notify"
        address.unlink(missing_ok=True)
        channel = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        channel.setblocking(False)  # noqa: FBT003 - the method's own form
        channel.bind(str(address))
        environment = {**os.environ, "NOTIFY_SOCKET": str(address), "PYTHONFAULTHANDLER": "1", **(more or {})}
        environment.pop(VARIABLE, None)
        if armed:
            environment[VARIABLE] = armed
        log = site.folder / "gateway.log"
        process: Process | ForkedServer
        with log.open("ab") as out:
            if forked:
                words = ("--config", str(site.config), "serve", *options)
                process = await ForkedServer.start(program, *words, log=out.fileno(), environment=environment)
                return cls(process, channel, log)
            process = await asyncio.create_subprocess_exec(
                *within,
                *(sys.executable, "-m", program, "--config", str(site.config), "serve", *options),
                stdin=DEVNULL,
                stdout=out,
                stderr=out,
                env=environment,
                cwd=ROOT,
            )
        return cls(process, channel, log)

    @property
    def exit_code(self) -> int | None:
        """None while it lives; negative: the signal that ended it."""
        return self._process.returncode

    async def ready(self) -> bool:
        """Wait for READY or the end; whether it is ready."""
        ended = asyncio.create_task(self._process.wait())
        await asyncio.wait({self._hearing, ended}, return_when=asyncio.FIRST_COMPLETED, timeout=_LONGEST_SECONDS)
        ended.cancel()
        if not self.ready_at and self.exit_code is None:
            self._process.send_signal(signal.SIGABRT)  # its stacks are in the log
        return self.ready_at > 0

    async def lives(self, seconds: float) -> bool:
        """Wait so long, or until it dies; whether it lives."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._process.wait()
        return self.exit_code is None

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def signal(self, number: int) -> None:
        """Send it a signal, if it lives."""
        with suppress(ProcessLookupError):
            self._process.send_signal(number)

    def terminate(self) -> None:
        """Ask it to stop."""
        self.signal(signal.SIGTERM)

    async def kill(self) -> None:
        """SIGKILL, if it lives; returns when it is gone."""
        with suppress(ProcessLookupError):
            self._process.kill()
        await self.gone()

    async def gone(self) -> int:
        """Wait for the end; the exit code."""
        code = await self._process.wait()
        self._hearing.cancel()
        self._channel.close()
        return code

    async def _hear(self) -> None:
        loop = asyncio.get_running_loop()
        while not self.ready_at:
            if b"READY=1" in await loop.sock_recv(self._channel, 4096):
                self.ready_at, self.ready_cpu = now(), _cpu_seconds(self._process.pid)


class Companion:
    """The clients' or the receiver's process."""

    def __init__(self, name: str, process: Process) -> None:
        self.name, self._process = name, process

    @classmethod
    async def start(cls, site: Site, name: str, *, within: tuple[str, ...] = ()) -> Companion:
        """Start it and wait until it is ready."""
        with (site.folder / f"{name}.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *within,
                *(sys.executable, "-m", f"tests.crash.kill_{PROGRAMS[name]}", str(site.folder / f"{name}.json")),
                stdin=PIPE,
                stdout=PIPE,
                stderr=log,
                cwd=ROOT,
            )
        found = cls(name, process)
        await found._heard("ready")
        return found

    async def finish(self, seconds: float) -> bool:
        """Let it send what it has under way; whether it could."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"finish\n")
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                return await self._heard("finished")
        return False

    def renew(self) -> None:
        """Let it read its certificate again."""
        self._process.send_signal(signal.SIGHUP)

    async def stop(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(5):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    async def _heard(self, word: str) -> bool:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            if line.decode().strip() == word:
                return True
        return False


def _cpu_seconds(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:  # it died in this very moment
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
