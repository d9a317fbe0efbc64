"""Programs as processes of their own, without the seconds of processor time that each would spend on imports.

A process per test run imports what they share and forks for each of them: what runs is as real as `python -m …`,
with its own memory, signals and end. Not for programs whose exit code or standard input a test is about.
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
    "gateway.cli",
    "gateway.commands.simulating",
    "gateway.simulate.axis.process",
    "gateway.simulate.lgsp.process",
    "gateway.simulate.tsa.process",
)
_one_at_a_time = threading.Lock()


class Forked:
    """A program that runs."""

    def __init__(self, descriptor: int, output: int) -> None:
        self._process = descriptor
        self._output = os.fdopen(output, "rb")

    @classmethod
    async def start(cls, module: str, *arguments: str) -> Forked:
        """`python -m module arguments`."""
        return cls(*await asyncio.to_thread(_fork, module, arguments))

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
        os.close(self._process)


def _fork(module: str, arguments: Sequence[str]) -> tuple[int, int]:
    ours, theirs = os.pipe()
    request = {"arguments": [module, *arguments], "folder": os.getcwd(), "environment": dict(os.environ)}  # noqa: PTH109
    try:
        with _one_at_a_time:
            asked = _forker()
            socket.send_fds(asked, [json.dumps(request).encode()], [theirs])
            _, (process,), _, _ = socket.recv_fds(asked, 1, 1)
    finally:
        os.close(theirs)
    return process, ours


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
        request, output, _, _ = socket.recv_fds(asked, _REQUEST_BYTES, 1)
        if not request:
            return
        child = os.fork()
        if child == 0:
            asked.close()
            _become(output[0], **json.loads(request))
        os.close(output[0])
        process = os.pidfd_open(child)  # before anything waits for it, so it is this child
        socket.send_fds(asked, [b"x"], [process])
        os.close(process)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                pass


def _become(output: int, arguments: list[str], folder: str, environment: dict[str, str]) -> None:
    os.dup2(output, 1)
    os.close(output)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = arguments
    try:
        runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
    except SystemExit:
        pass
    except BaseException:  # noqa: BLE001 - as the interpreter does at the end of a program
        traceback.print_exc()
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    _main(socket.socket(fileno=int(sys.argv[1])))
