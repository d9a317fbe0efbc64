"""Clients of a receiver that resets each connection before the first bytes of TLS leave, beside healthy ones.

`python -m tests.unit.operate.resets` runs them on our loop and prints how many were reset, and how many of the
others came to harm. With `uvloop` behind it they run on that one, which aborts.
"""

from __future__ import annotations

import asyncio
import select
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import aiohttp
import uvloop  # noqa: TID251  # the other side of the comparison

from gateway import loop

_RESET = struct.pack("ii", 1, 0)
_CLIENTS, _TIMES = 16, 40
_PATIENCE_MS = 2000


class ResetSocket(socket.socket):
    """Takes as long to connect as its peer takes to reset, as on a busy machine."""

    def connect(self, address: Any) -> None:
        """Until the reset is here."""
        with suppress(BlockingIOError):
            super().connect(address)
        waiting = select.poll()
        waiting.register(self, select.POLLRDHUP)
        waiting.poll(_PATIENCE_MS)


@contextmanager
def resetting() -> Iterator[int]:
    """A port whose connections are reset as soon as they are there."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listening:
        threading.Thread(target=_reset_all, args=(listening,), daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


def _reset_all(listening: socket.socket) -> None:
    while True:
        try:
            opened, _ = listening.accept()
        except OSError:
            return
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        opened.close()


def connector(made: Callable[[socket.socket], object]) -> aiohttp.TCPConnector:
    """aiohttp's, with such sockets; `made` hears of each."""

    def make(info: tuple[Any, ...]) -> socket.socket:
        opened = ResetSocket(*info[:3])
        made(opened)
        return opened

    return aiohttp.TCPConnector(socket_factory=make, limit=0)


async def _reset_once(session: aiohttp.ClientSession, url: str) -> None:
    with suppress(aiohttp.ClientError, RuntimeError):  # the latter, of uvloop: the number is in use
        async with session.get(url):
            pass


async def _echo(port: int) -> bool:
    """Whether a connection of somebody else does what it should."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"well?")
        answer = await reader.readexactly(5)
        writer.close()
        await writer.wait_closed()
    except (OSError, EOFError, RuntimeError):
        return False
    return answer == b"well?"


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while said := await reader.read(100):
            writer.write(said)
        writer.close()


async def _client(session: aiohttp.ClientSession, url: str, well: int) -> int:
    harmed = 0
    for _ in range(_TIMES):
        await _reset_once(session, url)
        harmed += not await _echo(well)
    return harmed


async def _run() -> str:
    made: list[int] = []
    async with await asyncio.start_server(_answer, "127.0.0.1", 0) as server:
        well = server.sockets[0].getsockname()[1]
        with resetting() as port:
            async with aiohttp.ClientSession(connector=connector(lambda one: made.append(one.fileno()))) as session:
                url = f"https://127.0.0.1:{port}/"
                harmed = await asyncio.gather(*(_client(session, url, well) for _ in range(_CLIENTS)))
    return f"reset {len(made)}, harmed {sum(harmed)}"


if __name__ == "__main__":
    print((uvloop.run if "uvloop" in sys.argv else loop.run)(_run()))  # noqa: T201
