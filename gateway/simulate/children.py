"""The processes of the demo: start, listen to, stop, kill, and the end of their logs.

Each child has a session of its own, so that Ctrl-C reaches the demo alone, which then ends them in order. The
simulators talk on standard output; everything else they and the gateway write goes to a log file.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable
from pathlib import Path

_TAIL = 25
#: A command that takes longer has failed.
_LONGEST_SECONDS = 120.0


class Child:
    """One running process."""

    def __init__(self, name: str, process: Process, log: Path) -> None:
        self.name = name
        self._process = process
        self._log = log
        self._listener: asyncio.Task[None] | None = None
        self._is_stopped = False

    @classmethod
    async def start(
        cls, name: str, arguments: list[str], log: Path, *, heard: Callable[[str, str], None] | None = None
    ) -> Child:
        """Run `python -m …`; `heard` gets (name, line) of what it says on standard output."""
        with log.open("ab") as file:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                *arguments,
                stdin=PIPE if heard else DEVNULL,
                stdout=PIPE if heard else file,
                stderr=file,
                start_new_session=True,
            )
        child = cls(name, process, log)
        if heard is not None:
            child._listener = asyncio.create_task(child._listen(heard))
        return child

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._process.returncode is None

    @property
    def exit_code(self) -> int | None:
        """As the shell counts; None while it runs."""
        return self._process.returncode

    async def tell(self, line: str) -> None:
        """One line to its standard input."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())
        await self._process.stdin.drain()

    async def kill(self) -> None:
        """SIGKILL to the process alone, as a crash would end it; what it had started is on its own."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGKILL)
        await self._finish()

    async def stop(self, seconds: float) -> None:
        """SIGTERM; after `seconds` the whole session is killed. Once: later its number may be somebody else's."""
        if self._is_stopped:
            return
        if self.is_running:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
            try:
                async with asyncio.timeout(seconds):
                    await self._process.wait()
            except TimeoutError:
                self._kill_session()
        self._kill_session()
        self._is_stopped = True
        await self._finish()

    def tail(self) -> str:
        """The last lines of its log."""
        lines = self._log.read_text("utf-8", "replace").splitlines() if self._log.exists() else []
        return "\n".join(lines[-_TAIL:])

    async def _listen(self, heard: Callable[[str, str], None]) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            heard(self.name, line.decode("utf-8", "replace").rstrip())

    async def _finish(self) -> None:
        await self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
        if self._listener is not None:
            await self._listener

    def _kill_session(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)


async def run_command(module: str, *arguments: str) -> tuple[int, bytes]:
    """A command of this program: its exit code and what it printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL
    )
    try:
        async with asyncio.timeout(_LONGEST_SECONDS):
            told, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, told
