"""The receivers' process: takes pushed documents over TLS and says 200, at as little cost as Python allows.

One port stands for all 145 offices (the path names one). It counts by dispatch id and by message id, notes when
each message had its last arrival, and answers the questions of the runner on a pipe. It parses nothing that it
does not need: an HTTP/1.1 request with Content-Length.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import time
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, cast

from gateway.loop import run

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class Journal:
    """What has arrived."""

    def __init__(self) -> None:
        #: By message id: how many transmissions, and when the last came (CLOCK_MONOTONIC).
        self.messages: dict[bytes, tuple[int, float]] = {}
        self.dispatches: Counter[bytes] = Counter()

    def note(self, head: bytes) -> None:
        """A request has arrived whole."""
        message = _field(head, b"Gateway-Message-Id")
        count, _ = self.messages.get(message, (0, 0.0))
        self.messages[message] = (count + 1, time.monotonic())
        self.dispatches[_field(head, b"Gateway-Dispatch-Id")] += 1

    def answer(self, question: tuple[str, Any]) -> object:
        """What the runner wants to know."""
        what, about = question
        if what == "count":
            return len(self.dispatches)
        if what == "message":
            return self.messages.get(about, (0, 0.0))
        if what == "missing":
            return [each for each in about if each not in self.messages]
        if what == "twice":
            return sum(count - 1 for count in self.dispatches.values())
        raise ValueError(what)


class _Receiving(asyncio.Protocol):
    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._buffer = bytearray()
        self._whole = 0
        self._head = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are no subclass

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while True:
            if not self._whole:
                end = self._buffer.find(b"\r\n\r\n")
                if end < 0:
                    return
                self._head = bytes(self._buffer[: end + 2])
                self._whole = end + 4 + int(_field(self._head, b"Content-Length"))
            if len(self._buffer) < self._whole:
                return
            del self._buffer[: self._whole]
            self._whole = 0
            self._journal.note(self._head)
            assert self._transport is not None
            self._transport.write(_ANSWER)


def receive(certificate: Path, key: Path, host: str, pipe: Connection) -> None:
    """The process: sends its port, then answers until the pipe closes."""
    run(_serve(certificate, key, host, pipe))


async def _serve(certificate: Path, key: Path, host: str, pipe: Connection) -> None:
    loop = asyncio.get_running_loop()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    journal = Journal()
    server = await loop.create_server(lambda: _Receiving(journal), host, 0, ssl=context, backlog=512)
    ended = asyncio.Event()

    def asked() -> None:
        try:
            pipe.send(journal.answer(pipe.recv()))
        except (EOFError, OSError):
            loop.remove_reader(pipe.fileno())
            ended.set()

    loop.add_reader(pipe.fileno(), asked)
    os.set_blocking(pipe.fileno(), True)  # the loop made it non-blocking, and questions may be long
    pipe.send((os.getpid(), server.sockets[0].getsockname()[1]))
    await ended.wait()
    server.close()


def _field(head: bytes, name: bytes) -> bytes:
    start = head.index(name + b": ") + len(name) + 2
    return head[start : head.index(b"\r\n", start)]
