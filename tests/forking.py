"""Programs as processes of their own, without the seconds of processor time that each would spend on imports.

A process per test run imports what they share and forks for each of them: what runs is as real as `python -m …`,
with its own memory, signals and end. Not for programs whose start or standard input a test is about.
"""

from __future__ import annotations

import asyncio
import atexit
import gc
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module

_REQUEST_BYTES = 1024 * 1024
_IMPORTED = (
    "gateway.app",
    "gateway.cli",
    "gateway.client",
    "gateway.commands.simulating",
    "gateway.simulate.axis.process",
    "gateway.simulate.lgsp.process",
    "gateway.simulate.tsa.process",
)
_one_at_a_time = threading.Lock()


class Forked:
    """A program that runs."""

    def __init__(self, process: int, output: int, code: int) -> None:
        """Descriptors: of the process, and the ends of two pipes."""
        self._process = process
        self._output, self._code = os.fdopen(output, "rb"), os.fdopen(code, "rb")

    @classmethod
    async def start(cls, module: str, *arguments: str, errors: bool = False) -> Forked:
        """`python -m module arguments`; `errors`: what it says on standard error comes by its output too."""
        return cls(*await asyncio.to_thread(_fork, module, arguments, errors))

    async def finished(self) -> tuple[int, str]:
        """Its exit code and the rest of its output, once it has ended by itself."""
        told = await asyncio.to_thread(self._output.read)
        code = await asyncio.to_thread(self._code.read)
        await self.end()
        return code[0] if code else -1, told.decode()

    async def line(self, seconds: float = 60) -> str:
        """The next one on its standard output, "" at its end; a program that says nothing for long is ended."""
        try:
            return (await asyncio.wait_for(asyncio.to_thread(self._output.readline), seconds)).decode()
        except TimeoutError:
            self.send_signal(signal.SIGKILL)
            raise

    @property
    def has_ended(self) -> bool:
        """Whether it is gone."""
        return self._output.closed or bool(select.select([self._process], [], [], 0)[0])

    def send_signal(self, number: int) -> None:
        """To it, if it lives."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._process, number)

    async def end(self, number: int = signal.SIGTERM) -> None:
        """Send it a signal and wait until it is gone."""
        if self._output.closed:
            return
        self.send_signal(number)
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._process, ended.set)
        try:
            await ended.wait()
        finally:
            loop.remove_reader(self._process)
        self._output.close()
        self._code.close()
        os.close(self._process)


def _fork(module: str, arguments: Sequence[str], errors: bool) -> tuple[int, int, int]:  # noqa: FBT001
    (output, out), (code, coded) = os.pipe(), os.pipe()
    request = {"errors": errors, "folder": os.getcwd(), "environment": dict(os.environ)}  # noqa: PTH109
    request["arguments"] = [module, *arguments]
    try:
        with _one_at_a_time:
            asked = _forker()
            socket.send_fds(asked, [json.dumps(request).encode()], [out, coded])
            _, (process,), _, _ = socket.recv_fds(asked, 1, 1)
    finally:
        os.close(out)
        os.close(coded)
    return process, output, code


@cache
def _forker() -> socket.socket:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = [sys.executable, "-m", "tests.forking", str(theirs.fileno())]
    forker = subprocess.Popen(command, pass_fds=[theirs.fileno()])
    theirs.close()

    def end() -> None:
        ours.close()
        forker.wait()

    atexit.register(end)
    return ours


def _main(asked: socket.socket) -> None:
    for module in _IMPORTED:
        import_module(module)
    gc.collect()
    gc.freeze()
    while True:
        request, (*pipes,), _, _ = socket.recv_fds(asked, _REQUEST_BYTES, 2)
        if not request:
            return
        child = os.fork()
        if child == 0:
            asked.close()
            _become(*pipes, **json.loads(request))
        for pipe in pipes:
            os.close(pipe)
        process = os.pidfd_open(child)  # before anything waits for it, so it is this child
        socket.send_fds(asked, [b"x"], [process])
        os.close(process)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                pass


def _become(
    output: int, coded: int, *, arguments: list[str], errors: bool, folder: str, environment: dict[str, str]
) -> None:
    for number in (1, 2) if errors else (1,):
        os.dup2(output, number)
    os.close(output)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = arguments
    code: object = 0
    try:
        runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        code = ended.code or 0
    except BaseException:  # noqa: BLE001 - as the interpreter does at the end of a program
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    number = code if isinstance(code, int) else 1
    os.write(coded, bytes([number]))
    os._exit(number)


if __name__ == "__main__":
    _main(socket.socket(fileno=int(sys.argv[1])))
