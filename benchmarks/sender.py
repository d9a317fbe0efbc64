"""The senders' process: posts documents over mTLS, either as fast as they are taken or by a fixed schedule.

*Closed*: every connection sends its next document when the last one has its 202. *Open*: the instants of all
documents are fixed beforehand; one that finds no free connection waits, and its latency counts from its instant.
Connections are opened before the clock starts. The process counts what was refused and keeps the ids of what
was accepted, so that the runner can ask whether all of it arrived.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import cast

from benchmarks.papers import PDF_BYTES, Office, Papers
from gateway.loop import run

_TAIL_SECONDS = 30.0
_TELL_EVERY = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """Where to send and with which certificate."""

    host: str
    port: int
    anchors: Path
    certificate: Path
    key: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """One run; `rate` None: closed."""

    seconds: float
    connections: int
    first: int
    run: str
    sender: Office
    recipients: tuple[Office, ...]
    rate: float | None = None
    #: Of the PDF in each document.
    pdf_bytes: int = PDF_BYTES


@dataclass(kw_only=True, slots=True)
class Sent:
    """What came of it."""

    #: CLOCK_MONOTONIC.
    began: float = 0.0
    ended: float = 0.0
    ids: list[bytes] = field(default_factory=list)
    #: Seconds from the instant a document was due (open) or sent (closed) to its answer.
    latencies: list[float] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)


class _Sending(asyncio.Protocol):
    """One connection; `answered` is called with itself when a response is whole."""

    def __init__(self, answered: Callable[[_Sending, int, bytes], None]) -> None:
        self._answered = answered
        self._buffer = bytearray()
        self.transport: asyncio.Transport | None = None
        self.due = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's are no subclass

    def post(self, document: bytes, due: float) -> None:
        """Send; the answer comes by `answered`."""
        assert self.transport is not None
        self.due = due
        head = (
            b"POST /api/v1/documents HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/xml\r\n"
            b"Content-Length: %d\r\n\r\n" % len(document)
        )
        self.transport.write(head + document)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._buffer[: end + 2]).lower()
        start = head.index(b"content-length: ") + 16
        whole = end + 4 + int(head[start : head.index(b"\r\n", start)])
        if len(self._buffer) < whole:
            return
        body = bytes(self._buffer[end + 4 : whole])
        del self._buffer[:whole]
        self._answered(self, int(head[9:12]), body)

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        if self.due:
            self._answered(self, 0, str(exc).encode())


class _Run:
    def __init__(self, load: Load, pipe: Connection) -> None:
        self._load = load
        self._pipe = pipe
        self._papers = Papers(load.sender, run=load.run, pdf_bytes=load.pdf_bytes)
        self._next = load.first
        self._idle: list[_Sending] = []
        self._due: deque[float] = deque()
        self._busy = 0
        self._stop_at = 0.0
        self._finished = asyncio.Event()
        self.sent = Sent()

    async def go(self, target: Target) -> Sent:
        loop = asyncio.get_running_loop()
        context = _context(target)
        for _ in range(self._load.connections):
            _, sending = await loop.create_connection(
                lambda: _Sending(self._answered), target.host, target.port, ssl=context, server_hostname="localhost"
            )
            self._idle.append(sending)
        telling = asyncio.create_task(self._tell())
        self.sent.began = time.monotonic()
        self._stop_at = self.sent.began + self._load.seconds
        try:
            await (self._by_schedule() if self._load.rate else self._at_once())
            rest = max(0.0, self._stop_at - time.monotonic())
            async with asyncio.timeout(rest + _TAIL_SECONDS):
                await self._finished.wait()
        except TimeoutError:
            self.sent.refused["no answer"] += self._busy
        finally:
            telling.cancel()
            for sending in self._idle:
                sending.due = 0.0
                if sending.transport is not None:
                    sending.transport.close()
        self.sent.ended = time.monotonic()
        return self.sent

    async def _at_once(self) -> None:
        idle, self._idle = self._idle, []
        for sending in idle:
            self._post(sending, time.monotonic())

    async def _by_schedule(self) -> None:
        assert self._load.rate is not None
        for number in range(int(self._load.seconds * self._load.rate)):
            due = self.sent.began + number / self._load.rate
            if (wait := due - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            if self._idle:
                self._post(self._idle.pop(), due)
            else:
                self._due.append(due)
        self._stop_at = 0.0
        if not self._busy:
            self._finished.set()

    def _post(self, sending: _Sending, due: float) -> None:
        number = self._next
        self._next += 1
        self._busy += 1
        sending.post(self._papers.make(number, self._load.recipients[number % len(self._load.recipients)]), due)

    def _answered(self, sending: _Sending, status: int, body: bytes) -> None:
        now = time.monotonic()
        self._busy -= 1
        if status == 202:
            self.sent.latencies.append(now - sending.due)
            start = body.index(b'"id":"') + 6
            self.sent.ids.append(body[start : body.index(b'"', start)])
        else:
            self.sent.refused[f"{status} {body[:200].decode('utf-8', 'replace')}"] += 1
        sending.due = 0.0
        if sending.transport is not None and self._due:
            self._post(sending, self._due.popleft())
        elif sending.transport is not None and self._load.rate is None and now < self._stop_at:
            self._post(sending, now)
        else:
            self._idle.append(sending)
        if not self._busy and now >= self._stop_at:
            self._finished.set()

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(_TELL_EVERY)
            self._pipe.send(len(self.sent.ids))


def send(target: Target, pipe: Connection) -> None:
    """The process: runs every Load that comes over the pipe; numbers of accepted documents, then a Sent."""
    pipe.send(os.getpid())
    while True:
        try:
            asked = pipe.recv()
        except EOFError:
            return
        if isinstance(asked, Load):
            pipe.send(run(_Run(asked, pipe).go(target)))
        else:
            pipe.send(run(_once(target, asked)))


async def _once(target: Target, document: bytes) -> tuple[float, int, bytes]:
    """One document on a connection that is open already: when it was sent, and the answer."""
    answer: asyncio.Future[tuple[int, bytes]] = asyncio.get_running_loop().create_future()
    _, sending = await asyncio.get_running_loop().create_connection(
        lambda: _Sending(lambda _, status, body: answer.set_result((status, body))),
        target.host,
        target.port,
        ssl=_context(target),
        server_hostname="localhost",
    )
    began = time.monotonic()
    sending.post(document, began)
    status, body = await answer
    sending.due = 0.0
    assert sending.transport is not None
    sending.transport.close()
    return began, status, body


def _context(target: Target) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(target.anchors)
    context.load_cert_chain(target.certificate, target.key)
    return context
