"""How soon the gateway is ready and resumes over a ledger of a million deliveries, killed again and again.

The ledger is one real document (accepted, pushed to one office and fetched by another) multiplied by SQL: every row
of it gets new ids, half a million times. The gateway then runs until the log has taken all events in, as it has in
any ledger that grew by itself. A thousand transmissions then wait, and as many as may be under way at once are in
flight, as a crash leaves them. What it holds is sound enough to run on, not to be examined.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from gateway.storage.driver import choose_driver
from tests.crash.kill_check import RESUME_SECONDS, read_ledger, resumption
from tests.crash.kill_journal import now
from tests.crash.kill_process import Companion, Gateway
from tests.crash.kill_site import CLIENTS, RECEIVER, Site, Template
from tests.crash.kill_watch import Watch

#: READY within so many seconds over a million deliveries.
READY_SECONDS = 3.0
_WAITING, _IN_FLIGHT = 1000, 64
_PER_MESSAGE = 2
#: Columns that hold an id of the document's own, by table; and what else has to differ from copy to copy.
_IDS = {
    "message": ("id",),
    "receipt": ("message_id",),
    "dispatch": ("id", "message_id", "attempt_id"),
    "delivery": ("id", "message_id", "dispatch_id"),
    "attempt": ("id", "dispatch_id"),
    "event": ("message_id", "delivery_id"),
}
_OTHER = {
    "message": {"fingerprint": "printf('%064x', n.i)"},
    # a real one has 8 KB; the start does not read them
    "receipt": {
        "xades": "substr(t.xades, 1, 500)",
        "transfer": "substr(t.transfer, 1, 500)",
        "answer": "substr(t.answer, 1, 500)",
        "sha256": "printf('%064x', n.i)",
    },
    "delivery": {"seq": "NULL"},
    "event": {"seq": "NULL"},
}
_WHERE = {
    "message": "id = :message",
    "receipt": "message_id = :message",
    "dispatch": "message_id = :message",
    "delivery": "message_id = :message",
    "attempt": "dispatch_id IN (SELECT id FROM dispatch WHERE message_id = :message)",
    "event": "message_id = :message",
}


@dataclass(kw_only=True, slots=True)
class Large:
    """What was measured."""

    deliveries: int = 0
    #: Seconds it took to make.
    making: float = 0.0
    bytes: int = 0
    #: Starts and runs that were not timed, because the machine stood still meanwhile.
    untimed: int = 0
    ready: list[float] = field(default_factory=list)
    #: Seconds of processor that the gateway itself used until READY.
    ready_cpu: list[float] = field(default_factory=list)
    resumed: list[float] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)


async def measure_million(template: Template, rows: int, *, kills: int, progress: Callable[[str], None]) -> Large:
    """Make the ledger, then start and kill."""
    large, watch = Large(), Watch()
    site = template.copy(seed=1, pause=0.2)
    receiver = await Companion.start(site, RECEIVER)
    clients = await Companion.start(site, CLIENTS)
    try:
        message = await _one_document(site, clients)
        began = now()
        await asyncio.to_thread(_multiply, site, message, rows // _PER_MESSAGE, progress)
        await _settle(site)
        await asyncio.to_thread(_leave_open, site)
        large.making, large.bytes = now() - began, site.database.stat().st_size
        site.change(CLIENTS, seed=2)
        clients = await Companion.start(site, CLIENTS)
        for _ in range(kills):
            await _start_and_kill(site, large, watch)
            progress(f"ready after {', '.join(f'{each:.2f}' for each in large.ready)} s")
        large.deliveries = _number(site, "SELECT count(*) FROM delivery")
    finally:
        watch.close()
        await asyncio.gather(receiver.stop(), clients.stop())
    large.violations += [f"READY after {each:.2f} s" for each in large.ready if each > READY_SECONDS]
    return large


async def _start_and_kill(site: Site, large: Large, watch: Watch) -> None:
    gateway = await Gateway.start(site)
    if not await gateway.ready():
        large.violations.append("the gateway did not start over a million deliveries")
        return
    await gateway.lives(RESUME_SECONDS + 0.5)
    await gateway.kill()
    ended_at = now()
    if not watch.was_undisturbed(gateway.started_at, ended_at):
        large.untimed += 1
        return
    large.ready.append(gateway.ready_at - gateway.started_at)
    large.ready_cpu.append(gateway.ready_cpu)
    resumed = resumption(site, ready_at=gateway.ready_at, ended_at=ended_at)
    large.resumed += resumed.seconds
    large.violations += resumed.late


async def _one_document(site: Site, clients: Companion) -> str:
    """A message whose two deliveries have both arrived."""
    gateway = await Gateway.start(site)
    await gateway.ready()
    wanted = ""
    while not wanted:
        await asyncio.sleep(0.2)
        lines: dict[str, list[str]] = {}
        for message, state, _, _ in read_ledger(site.database).deliveries.values():
            lines.setdefault(message, []).append(state)
        both = [message for message, states in lines.items() if states == ["delivered"] * _PER_MESSAGE]
        wanted = both[0] if both else ""
    await clients.finish(10)
    await clients.stop()
    gateway.terminate()
    await gateway.gone()
    return wanted


def _multiply(site: Site, message: str, copies: int, progress: Callable[[str], None]) -> None:
    driver = choose_driver().module
    with closing(driver.connect(str(site.database), isolation_level=None)) as connection:
        for pragma in ("synchronous = OFF", "cache_size = -400000", "foreign_keys = OFF", "temp_store = MEMORY"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("BEGIN IMMEDIATE")
        for table in _IDS:
            connection.execute(_copying(connection, table), {"message": message, "copies": copies})
            progress(f"{table} multiplied")
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    os.sync()  # gigabytes that are still being written out would make every sync of the gateway wait


async def _settle(site: Site) -> None:
    """Every event that was multiplied becomes a leaf."""
    gateway = await Gateway.start(site)
    await gateway.ready()
    last = _number(site, "SELECT max(seq) FROM event")
    while await asyncio.to_thread(_number, site, "SELECT seq FROM log_tree") < last:  # noqa: ASYNC110
        await asyncio.sleep(0.5)
    gateway.terminate()
    await gateway.gone()
    await asyncio.to_thread(os.sync)


def _copying(connection: Any, table: str) -> str:
    columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    values = [_OTHER.get(table, {}).get(name) or _value(table, name) for name in columns]
    return (
        f"INSERT INTO {table} ({', '.join(columns)})"
        " WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :copies)"
        f" SELECT {', '.join(values)} FROM n CROSS JOIN (SELECT * FROM {table} WHERE {_WHERE[table]}) AS t"
    )


def _value(table: str, name: str) -> str:
    if name not in _IDS[table]:
        return f"t.{name}"
    # NULL stays NULL
    return f"substr(t.{name}, 1, 24) || printf('%012x', n.i)"


def _leave_open(site: Site) -> None:
    """The newest transmissions: some wait, some are in flight under the boot that made the document."""
    driver = choose_driver().module
    with closing(driver.connect(str(site.database), isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        _open(connection)
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _open(connection: Any) -> None:
    newest = (
        "SELECT d.id FROM dispatch AS d JOIN endpoint AS e ON e.id = d.endpoint_id WHERE e.kind = 'webhook'"
        f" ORDER BY d.rowid DESC LIMIT {_WAITING + _IN_FLIGHT}"
    )
    ids = [row[0] for row in connection.execute(newest)]
    waiting, flying = ids[_IN_FLIGHT:], ids[:_IN_FLIGHT]
    for each in waiting:
        connection.execute("UPDATE dispatch SET state = 'ready' WHERE id = ?", (each,))
        connection.execute("UPDATE delivery SET state = 'queued' WHERE dispatch_id = ?", (each,))
    for each in flying:
        connection.execute(
            # due a moment before the others, as what was claimed first has been
            "UPDATE dispatch SET state = 'in_flight', due_at = due_at - 1, lease_until = due_at,"
            " boot_id = a.boot_id, attempt_id = a.id"
            " FROM attempt AS a WHERE a.dispatch_id = dispatch.id AND dispatch.id = ?",
            (each,),
        )
        connection.execute("UPDATE attempt SET ended_at = NULL, outcome = NULL WHERE dispatch_id = ?", (each,))
        connection.execute("UPDATE delivery SET state = 'in_flight' WHERE dispatch_id = ?", (each,))


def _number(site: Site, question: str) -> int:
    with closing(choose_driver().module.connect(f"file:{site.database}?mode=ro", uri=True)) as connection:
        found: int = connection.execute(question).fetchone()[0]
        return found
