"""Programs as processes of their own, without the seconds of processor time that each would spend on imports.

A process per test run imports what they share and forks for each of them: what runs is as real as `python -m …`,
with its own memory, signals and end. Not for programs whose start or standard input a test is about.
"""

from __future__ import annotations

import asyncio
import atexit
import faulthandler
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from tempfile import TemporaryFile

from gateway import failpoints

_REQUEST_BYTES = 1024 * 1024
_NUMBER = struct.Struct("=i")
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
        self._output, self._code = os.fdopen(output, "rb"), code

    @classmethod
    async def start(
        cls,
        module: str,
        *arguments: str,
        errors: bool = False,
        into: int | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Forked:
        """`python -m module arguments`; `errors`: what it says on standard error comes by its output too.

        `into`: its output goes there, and what is read here is its standard error.
        """
        output, out = os.pipe()
        outputs = (out if into is None else into, out) if errors or into is not None else (out,)
        try:
            process, _, code = await asyncio.to_thread(_fork, module, arguments, outputs, environment)
        finally:
            os.close(out)
        return cls(process, output, code)

    async def finished(self) -> tuple[int, str]:
        """Its exit code and the rest of its output, once it has ended by itself."""
        told = await asyncio.to_thread(self._output.read)
        code = await asyncio.to_thread(_code_in, self._code)
        await self.end()
        return code, told.decode()

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
        await _gone(self._process)
        self._output.close()
        os.close(self._code)
        os.close(self._process)


class ForkedServer:
    """A program that writes into a file until it ends; what `asyncio.subprocess.Process` says of one."""

    def __init__(self, process: int, pid: int, code: int) -> None:
        """Descriptors of the process and of the pipe with its exit code."""
        self._process, self.pid, self._code = process, pid, code
        #: None while it lives; negative: the signal that ended it.
        self.returncode: int | None = None
        self._ending = asyncio.create_task(self._ended())

    @classmethod
    async def start(cls, module: str, *arguments: str, log: int, environment: Mapping[str, str]) -> ForkedServer:
        """`python -m module arguments`, both its outputs into `log`."""
        return cls(*await asyncio.to_thread(_fork, module, arguments, (log, log), environment))

    def send_signal(self, number: int) -> None:
        """To it; ProcessLookupError where it is gone."""
        if self.returncode is not None:
            raise ProcessLookupError
        signal.pidfd_send_signal(self._process, number)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)

    async def wait(self) -> int:
        """Its exit code, once it has ended."""
        return await asyncio.shield(self._ending)

    async def _ended(self) -> int:
        await _gone(self._process)
        os.close(self._process)
        self.returncode = _code_in(self._code)
        os.close(self._code)
        return self.returncode


async def finished(module: str, *arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of `python -m module arguments`, once it has ended."""
    with TemporaryFile() as out:
        process = await Forked.start(module, *arguments, into=out.fileno())
        code, errors = await process.finished()
        out.seek(0)
        return code, out.read().decode(), errors


def run_forked(module: str, *arguments: str, environment: Mapping[str, str]) -> tuple[int, str]:
    """`python -m module arguments` to its end: exit code, and all that it said."""
    output, out = os.pipe()
    try:
        process, _, code = _fork(module, arguments, (out, out), environment)
    finally:
        os.close(out)
    with os.fdopen(output, "rb") as told:
        said = told.read()
    number = _code_in(code)
    os.close(code)
    os.close(process)
    return number, said.decode()


def _code_in(pipe: int) -> int:
    """How a process ended, as `subprocess` tells it; waits for its end."""
    return int(_NUMBER.unpack(os.read(pipe, _NUMBER.size))[0])


async def _gone(process: int) -> None:
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(process, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(process)


def _fork(
    module: str, arguments: Sequence[str], outputs: Sequence[int], environment: Mapping[str, str] | None = None
) -> tuple[int, int, int]:
    """Descriptor and number of the process, and the pipe with its exit code."""
    code, coded = os.pipe()
    folder = os.getcwd()  # noqa: PTH109
    request = {"folder": folder, "environment": dict(os.environ if environment is None else environment)}
    request["arguments"] = [module, *arguments]
    try:
        with _one_at_a_time:
            asked = _forker()
            socket.send_fds(asked, [json.dumps(request).encode()], [coded, *outputs])
            pid, (process,), _, _ = socket.recv_fds(asked, _NUMBER.size, 1)
    finally:
        os.close(coded)
    return process, _NUMBER.unpack(pid)[0], code


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
        importlib.import_module(module)
    gc.collect()
    gc.freeze()
    #: Descriptor of a process that runs -> its number, and the pipe that is told how it ended.
    running: dict[int, tuple[int, int]] = {}
    while True:
        for ready in select.select([asked.fileno(), *running], [], [])[0]:
            if ready in running:
                _bury(ready, *running.pop(ready))
                continue
            request, pipes, _, _ = socket.recv_fds(asked, _REQUEST_BYTES, 3)
            if not request:
                return
            child = os.fork()
            if child == 0:
                asked.close()
                for process, (_, told) in running.items():
                    os.close(process)
                    os.close(told)
                os.close(pipes[0])
                _become(*pipes[1:], **json.loads(request))
            process = os.pidfd_open(child)
            running[process] = child, pipes[0]
            socket.send_fds(asked, [_NUMBER.pack(child)], [process])
            for pipe in pipes[1:]:
                os.close(pipe)


def _bury(process: int, child: int, told: int) -> None:
    _, status = os.waitpid(child, 0)
    with suppress(BrokenPipeError):  # nobody asks any more
        os.write(told, _NUMBER.pack(os.waitstatus_to_exitcode(status)))
    os.close(told)
    os.close(process)


def _become(*outputs: int, arguments: list[str], folder: str, environment: dict[str, str]) -> None:
    for number, output in enumerate(outputs, start=1):
        os.dup2(output, number)
    for output in set(outputs):
        os.close(output)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    if "PYTHONFAULTHANDLER" in environment:
        faulthandler.enable()
    importlib.reload(failpoints)  # it reads the environment and its own number when it is imported
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
    os._exit(code if isinstance(code, int) else 1)


if __name__ == "__main__":
    _main(socket.socket(fileno=int(sys.argv[1])))
