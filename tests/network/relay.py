"""A TCP relay of ours with a bad line: `python -m tests.network.relay HOST PORT TO_HOST TO_PORT`.

It says `ready`, then does what each line on its standard input says, to open connections as well: `pass`;
`delay SECONDS` each way; `trickle BYTES` a second each way; `silent`: it accepts and passes nothing on.
It ends with its input.
"""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import suppress

_PIECE = 65_536
_TICK_SECONDS = 0.1


class Line:
    """How the line behaves now."""

    def __init__(self) -> None:
        self.delay = 0.0
        self.rate = 0
        self.is_silent = False
        self.changed = asyncio.Event()

    def take(self, order: str) -> None:
        """One order."""
        word, _, value = order.partition(" ")
        self.delay = float(value) if word == "delay" else 0.0
        self.rate = int(value) if word == "trickle" else 0
        self.is_silent = word == "silent"
        self.changed.set()
        self.changed = asyncio.Event()


async def _carry(line: Line, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One direction of one connection."""
    waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(64)

    async def read() -> None:
        while data := await reader.read(_PIECE):
            await waiting.put((time.monotonic(), data))
        await waiting.put((time.monotonic(), b""))

    async def write() -> None:
        while True:
            came, data = await waiting.get()
            while line.is_silent:
                await line.changed.wait()
            await asyncio.sleep(max(0.0, came + line.delay - time.monotonic()))
            if not data:
                return
            while data and line.rate:
                size = max(1, int(line.rate * _TICK_SECONDS))
                writer.write(data[:size])
                data = data[size:]
                await asyncio.sleep(_TICK_SECONDS)
            writer.write(data)
            await writer.drain()

    with suppress(OSError, asyncio.IncompleteReadError):
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(read())
            tasks.create_task(write())


async def _relay(host: str, port: int, to_host: str, to_port: int) -> None:
    line, loop, ended = Line(), asyncio.get_running_loop(), asyncio.Event()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = None
        try:
            back, there = await asyncio.open_connection(to_host, to_port)
            ways = [
                asyncio.create_task(_carry(line, reader, there)),
                asyncio.create_task(_carry(line, back, writer)),
            ]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
        except OSError:
            pass
        finally:
            for each in (writer, there):
                if each is not None:
                    each.close()

    def heard() -> None:
        order = sys.stdin.readline()
        line.take(order.strip())
        if not order:
            loop.remove_reader(sys.stdin.fileno())
            ended.set()

    server = await asyncio.start_server(accept, host, port)
    loop.add_reader(sys.stdin.fileno(), heard)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await ended.wait()
    server.close()


if __name__ == "__main__":
    asyncio.run(_relay(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])))
