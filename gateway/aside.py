"""A process of ours that does one kind of work beside the server, at the other end of a socket.

For work that would hold the event loop's interpreter, or that needs something the server should not hold. A
request and its answer are one packet each, and both begin with a number that only this module reads. It is a
child of the server (`Child`) or a service of another user (`Service`); it is started, or connected to, with the
first request, and anew when it died: what it had then is reported as lost, which is the safe side for work whose
repetition does no harm. So is what it has not answered for longer than `patience`: systemd holds a service's socket
open while the service itself cannot start. Nothing waits in the server but what the socket has no room for.
"""

from __future__ import annotations

import asyncio
import itertools
import socket
import subprocess
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from gateway.aside_process import MOST_BYTES, NUMBER

T = TypeVar("T")

_SEND_BUFFER = 1024 * 1024
#: Longest wait for a process that may be given up and has no work that anybody waits for.
_ENDING_SECONDS = 10.0


Started = tuple[socket.socket, "subprocess.Popen[bytes] | None"]


class OtherEnd(Protocol):
    """Where the work is done."""

    def start(self) -> Started:
        """A connection to it, and the process if it is a child of ours; raises OSError."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Child:
    """A process of the server's own user."""

    #: The word `{socket}` becomes the number of its end; it ends when that closes.
    command: Sequence[str]
    environment: Mapping[str, str] | None = None

    def start(self) -> Started:
        """Start it."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        number = theirs.fileno()
        command = [each.replace("{socket}", str(number)) for each in self.command]
        with theirs:
            process = subprocess.Popen(  # noqa: S603
                command, stdin=subprocess.DEVNULL, pass_fds=[number], env=self.environment
            )
        return ours, process


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """A process of another user, which listens at a socket."""

    path: Path

    def start(self) -> Started:
        """Connect to it; at once, or not at all."""
        ours = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)  # noqa: FBT003 - the method's own form
        try:
            ours.connect(str(self.path))
        except OSError:
            ours.close()
            raise
        return ours, None


class Aside(Generic[T]):
    """The server's end."""

    def __init__(
        self,
        other: OtherEnd,
        *,
        read: Callable[[bytes], T],
        died: Callable[[], Exception],
        patience: float | None = None,
        starting: float = 0.0,
    ) -> None:
        """`read` makes an answer's result or raises the caller's exception; `died` makes that of what is lost.

        `starting`: so much longer for the very first answer; a process takes time to start on a busy machine.
        """
        self._other = other
        self._read, self._died = read, died
        self._patience, self._starting = patience, starting
        self._watch: asyncio.TimerHandle | None = None
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[T]] = {}
        self._unsent: deque[bytes] = deque()
        self._socket: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, request: bytes) -> asyncio.Future[T]:
        """The answer; cancelled, the work is done all the same."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        try:
            if self._socket is None:
                self._start()
        except OSError:
            future.set_exception(self._died())
            return future
        number = next(self._numbers)
        self._waiting[number] = future
        if self._patience is not None and self._watch is None:
            self._look_later()
        self._unsent.append(NUMBER.pack(number) + request)
        if len(self._unsent) == 1:
            self._send()
        return future

    async def close(self) -> None:
        """Wait for the work under way, then end the process.

        What is still done for nobody, since its caller was cancelled, is waited for as well; with `patience` not
        for ever: the driver of a token may hang, and the server's stop must not hang with it.
        """
        if self._waiting:
            await asyncio.wait(list(self._waiting.values()))
        self._disconnect()
        process, self._process = self._process, None
        if process is not None:
            await asyncio.to_thread(_ended, process, self._patience)

    def _look_later(self) -> None:
        assert self._patience is not None
        oldest = next(iter(self._waiting))
        seconds = self._patience + self._starting
        self._watch = asyncio.get_running_loop().call_later(seconds, self._look, oldest)

    def _look(self, oldest: int) -> None:
        """Give up on a process that still has what was the oldest request one patience ago."""
        self._watch = None
        if oldest in self._waiting:
            self._lose()
        elif self._waiting:
            self._look_later()

    def _start(self) -> None:
        ours, self._process = self._other.start()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        ours.setblocking(False)  # noqa: FBT003 - the method's own form
        self._socket = ours
        asyncio.get_running_loop().add_reader(ours.fileno(), self._receive)

    def _send_more(self) -> None:
        if self._socket is not None:
            asyncio.get_running_loop().remove_writer(self._socket.fileno())
            self._send()

    def _send(self) -> None:
        assert self._socket is not None
        try:
            while self._unsent:
                self._socket.send(self._unsent[0])
                self._unsent.popleft()
        except BlockingIOError:
            asyncio.get_running_loop().add_writer(self._socket.fileno(), self._send_more)
        except OSError:
            self._lose()

    def _receive(self) -> None:
        while self._socket is not None:
            try:
                answer = self._socket.recv(MOST_BYTES)
            except BlockingIOError:
                return
            except OSError:
                answer = b""
            if not answer:
                self._lose()
                return
            future = self._waiting.pop(NUMBER.unpack_from(answer)[0])
            if self._starting:
                self._has_started()
            if future.done():  # its caller was cancelled
                continue
            try:
                future.set_result(self._read(answer[NUMBER.size :]))
            except Exception as error:  # noqa: BLE001 - it is the caller's
                future.set_exception(error)

    def _has_started(self) -> None:
        """From now on nobody waits longer than `patience`."""
        self._starting = 0.0
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
            if self._waiting:
                self._look_later()

    def _lose(self) -> None:
        """The process has died, or is as good as dead: what it had may be done or not."""
        self._starting = 0.0
        waiting, self._waiting = self._waiting, {}
        self._unsent.clear()
        self._disconnect()
        if self._process is not None:
            self._process.kill()
            self._process.wait()  # killed, so at once
            self._process = None
        for future in waiting.values():
            if not future.done():
                future.set_exception(self._died())

    def _disconnect(self) -> None:
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.cancel()
        ours, self._socket = self._socket, None
        if ours is not None:
            loop = asyncio.get_running_loop()
            loop.remove_reader(ours.fileno())
            loop.remove_writer(ours.fileno())
            ours.close()


def _ended(process: subprocess.Popen[bytes], patience: float | None) -> None:
    try:
        process.wait(None if patience is None else min(patience, _ENDING_SECONDS))
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
