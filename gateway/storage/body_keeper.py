"""Has small bodies made durable by the process of `gateway.storage.body_process`.

The process is started with the first body, and anew when it died: the bodies it had then are reported as not
kept, which is the safe side. Nothing waits in this process but what the socket has no room for.
"""

from __future__ import annotations

import asyncio
import itertools
import socket
import subprocess
import sys
from collections import deque
from pathlib import Path

from gateway.errors import StorageError
from gateway.storage.body_process import ANSWER, REQUEST
from gateway.storage.body_sync import DirectorySyncError
from gateway.storage.spool import HEADER

_ANSWER_BYTES = 4096
_SEND_BUFFER = 1024 * 1024


class BodyKeeper:
    """The server's end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self._unsent: deque[bytes] = deque()
        self._socket: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def keep(self, sha256: str, content: bytes) -> asyncio.Future[None]:
        """Done when the body is durable; fails with OSError, DirectorySyncError or StorageError."""
        if self._socket is None:
            self._start()
        number = next(self._numbers)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        self._unsent.append(REQUEST.pack(number, bytes.fromhex(sha256)) + content)
        if len(self._unsent) == 1:
            self._send()
        return future

    async def close(self) -> None:
        """Wait for the bodies under way, then end the process."""
        if self._waiting:
            await asyncio.wait(list(self._waiting.values()))
        await self._end()

    def _start(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        ours.setblocking(False)  # noqa: FBT003 - the method's own form
        number = theirs.fileno()
        command = [
            sys.executable,
            "-m",
            "gateway.storage.body_process",
            str(number),
            str(self._folder),
            HEADER.hex(),
        ]
        with theirs:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[number])  # noqa: S603
        self._socket = ours
        asyncio.get_running_loop().add_reader(ours.fileno(), self._read)

    def _send_more(self) -> None:
        if self._socket is not None:
            asyncio.get_running_loop().remove_writer(self._socket.fileno())
            self._send()

    def _send(self) -> None:
        assert self._socket is not None
        loop = asyncio.get_running_loop()
        try:
            while self._unsent:
                self._socket.send(self._unsent[0])
                self._unsent.popleft()
        except BlockingIOError:
            loop.add_writer(self._socket.fileno(), self._send_more)
        except OSError:
            self._lose()

    def _read(self) -> None:
        while self._socket is not None:
            try:
                answer = self._socket.recv(_ANSWER_BYTES)
            except BlockingIOError:
                return
            except OSError:
                answer = b""
            if not answer:
                self._lose()
                return
            number, code, is_broken = ANSWER.unpack_from(answer)
            future = self._waiting.pop(number)
            if future.done():  # its caller was cancelled; the body is kept all the same
                continue
            if code == 0:
                future.set_result(None)
            else:
                kind = DirectorySyncError if is_broken else OSError
                future.set_exception(kind(code, answer[ANSWER.size :].decode()))

    def _lose(self) -> None:
        """The process has died: what it had may be kept or not."""
        waiting, self._waiting = self._waiting, {}
        self._unsent.clear()
        self._disconnect()
        if self._process is not None:
            self._process.kill()
            self._process.wait()  # killed, so at once
            self._process = None
        for future in waiting.values():
            if not future.done():
                future.set_exception(StorageError("The process that keeps bodies has died."))

    def _disconnect(self) -> None:
        ours, self._socket = self._socket, None
        if ours is not None:
            loop = asyncio.get_running_loop()
            loop.remove_reader(ours.fileno())
            loop.remove_writer(ours.fileno())
            ours.close()

    async def _end(self) -> None:
        self._disconnect()
        process, self._process = self._process, None
        if process is not None:
            await asyncio.to_thread(process.wait)
