"""Clients that mean harm or have lost their line: `nuisance KIND COUNT HOST PORT ANCHORS TOKEN`.

- `raw`: connections that never begin TLS; `idle`: TLS, and never a request;
- `slow`: uploads of ten bytes a second; `half`: uploads that stop in the middle and leave the connection open.

Whatever the gateway closes is opened anew at once. It says `ready` when all of them are as far as they go, and
lives until it is ended. Its own work is done when nobody else has any, as if on a machine of its own.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import sys
from pathlib import Path

from gateway.pki import client_tls_context

#: The lowest priority there is.
MEEK = 19
_BYTES = 500_000


async def _one(
    kind: str, host: str, port: int, tls: ssl.SSLContext | None, token: str, begun: asyncio.Event
) -> None:
    while True:
        try:
            reader, writer = await asyncio.open_connection(host, port, ssl=tls)
            if kind in {"slow", "half"}:
                head = (
                    "POST /api/v1/documents HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/xml\r\n"
                    f"Authorization: Bearer {token}\r\nContent-Length: {_BYTES}\r\n\r\n"
                )
                writer.write(head.encode() + (b" " * 1000 if kind == "half" else b""))
            begun.set()
            while not reader.at_eof():
                if kind == "slow":
                    writer.write(b" " * 10)
                try:
                    async with asyncio.timeout(1):
                        await reader.read(65_536)
                except TimeoutError:
                    continue
            writer.transport.abort()
        except (OSError, ssl.SSLError):
            begun.set()
        await asyncio.sleep(0.05)


async def _all(kind: str, count: int, host: str, port: int, anchors: str, token: str) -> None:
    tls = None if kind == "raw" else client_tls_context(Path(anchors))
    begun = [asyncio.Event() for _ in range(count)]
    tasks = [asyncio.create_task(_one(kind, host, port, tls, token, each)) for each in begun]
    for each in begun:
        await each.wait()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.gather(*tasks)


if __name__ == "__main__":
    os.nice(MEEK)
    asyncio.run(_all(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), sys.argv[5], sys.argv[6]))
