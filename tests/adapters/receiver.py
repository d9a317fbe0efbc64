"""A receiver that speaks HTTP/1.1 over real TLS on loopback and misbehaves by script, byte by byte."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

#: What it does with a connection once a request came; False ends the connection.
Act = Callable[["Request", asyncio.StreamReader, asyncio.StreamWriter], Awaitable[bool]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One request as it came."""

    line: str
    headers: dict[str, str]
    body: bytes
    connection: int
    #: Every field line in its order, names in lower case.
    fields: tuple[tuple[str, str], ...] = ()


@dataclass
class Receiver:
    """The server and what it got."""

    act: Act
    port: int = 0
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    #: Whether bodies are read before acting.
    reads_bodies: bool = True

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        connection = self.connections
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                line, *rest = head.decode("latin-1").split("\r\n")
                lines = (one.partition(":") for one in rest if one)
                fields = tuple((name.lower(), value.strip()) for name, _, value in lines)
                headers = dict(fields)
                length = int(headers.get("content-length", "0")) if self.reads_bodies else 0
                body = await reader.readexactly(length)
                request = Request(line=line, headers=headers, body=body, connection=connection, fields=fields)
                self.requests.append(request)
                if not await self.act(request, reader, writer):
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()
            with contextlib.suppress(OSError, ssl.SSLError):
                await writer.wait_closed()


@contextlib.asynccontextmanager
async def receiving(act: Act, context: ssl.SSLContext | None) -> AsyncIterator[Receiver]:
    """Listen on a free port of localhost."""
    receiver = Receiver(act=act)
    tasks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(receiver.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=context)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


def says(status: str, content: bytes = b"", *headers: str) -> Act:
    """Answer so, and keep the connection."""

    async def act(_request: Request, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(content)}", *headers, "", ""]
        writer.write("\r\n".join(lines).encode() + content)
        await writer.drain()
        return True

    return act


def raw(content: bytes, *, then_reset: bool = False) -> Act:
    """Write exactly this, then end the connection: politely, or by a reset."""

    async def act(_request: Request, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        if content:
            writer.write(content)
            await writer.drain()
        if then_reset:
            reset(writer)
        return False

    return act


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection by RST."""
    raw_socket = writer.get_extra_info("socket")
    raw_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def trickles(content: bytes, pause: float) -> Act:
    """Write byte by byte."""

    async def act(_request: Request, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        for place in range(len(content)):
            writer.write(content[place : place + 1])
            await writer.drain()
            await asyncio.sleep(pause)
        return False

    return act


async def falls_silent(_request: Request, reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> bool:
    """Take everything and answer nothing until the other side gives up."""
    while await reader.read(65_536):
        pass
    return False
