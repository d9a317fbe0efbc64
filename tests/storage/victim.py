"""The process that `test_kill_points` kills: it works, and prints what it was promised.

Each line on standard output is one promise, written after the call returned: `row NAME`, `body SHA256`,
`file NUMBER`; `damaged SHA256` says beforehand that a body of wrong
length was put in the way. Every point of the registry lies on its way.
"""

from __future__ import annotations

import asyncio
import os
import sys
from hashlib import sha256
from pathlib import Path

from gateway.clock import SystemClock
from gateway.fsio import atomic_replace
from gateway.storage.bodies import Bodies
from gateway.storage.migrations import migrate
from gateway.storage.pump import Pump
from gateway.storage.sqlite import SqliteSettings, connect_writer
from tests.storage.conftest import STATEMENTS, Insert, some_keys

ROUNDS = 12
#: Repetitions of a name that make a body too large for memory.
LARGE = 4000


def promise(kind: str, what: str) -> None:
    """One write call, so that a kill cannot split a line."""
    os.write(1, f"{kind} {what}\n".encode())


def put_in_the_way(bodies: Bodies, name: str) -> None:
    """A body of wrong length where that of `accept(name)` belongs."""
    digest = sha256(name.encode() * 1000).hexdigest()
    promise("damaged", digest)
    bodies.path_of(digest).write_bytes(b"cut off")


async def work(folder: Path) -> None:
    """Migrate, then accept bodies and rows as the gateway does: the body is kept before its row."""
    writer = await connect_writer(folder / "gateway.db", SqliteSettings(checkpoint_commits=2))
    await migrate(writer, folder / "migrations")
    bodies = Bodies(folder, some_keys())
    pump = Pump(writer, STATEMENTS, clock=SystemClock())
    await pump.start()
    insert = Insert()

    async def accept(name: str, times: int = 1000) -> None:
        async with bodies.open_spool() as spool:
            await spool.write(name.encode() * times)
            body = await spool.finish()
        await bodies.keep(body)
        promise("body", body.sha256)
        await pump.submit(insert, (body.sha256, 1))
        promise("row", body.sha256)

    for number in range(ROUNDS):
        await asyncio.gather(*(accept(f"{sha256(bytes([number, each])).hexdigest()}") for each in range(4)))
        await accept(f"{sha256(bytes([number, 4])).hexdigest()}", LARGE)
        name = f"{sha256(bytes([number, 5])).hexdigest()}"
        put_in_the_way(bodies, name)
        await accept(name)
        atomic_replace(folder / "counter", f"{number}".encode() * 1000)
        promise("file", str(number))
    await pump.close()
    await bodies.close()
    await writer.close()


if __name__ == "__main__":
    asyncio.run(work(Path(sys.argv[1])))
