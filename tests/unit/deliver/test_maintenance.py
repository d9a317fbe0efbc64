"""The background duties, each by its `run_once`, and their runner in simulated time."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from gateway.clock import Steady, SystemClock, micros
from gateway.config.settings import DeliverySettings
from gateway.ids import uuid7
from gateway.ledger.keys import ForgetExpiredKeys, ForgetExpiredKeysOperation
from gateway.maintenance.duties import Duties
from gateway.maintenance.expirer import Expirer
from gateway.maintenance.heartbeat import Heartbeat
from gateway.maintenance.rescuer import Rescuer
from gateway.maintenance.resumer import Resumer
from gateway.maintenance.sweeper import Sweeper
from gateway.model import Endpoint, EndpointId
from gateway.retry import AgeLimits
from gateway.storage.migrations import migrate
from gateway.storage.pump import Pump, Transaction
from gateway.storage.sqlite import SqliteSettings, connect_writer
from gateway.storage.statements import Statements
from tests.unit.deliver.fakes import endpoint
from tests.unit.deliver.simulated import START, simulate


class _Clock:
    def __init__(self, now: datetime = START) -> None:
        self.at = now

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return 0.0


class _Queue:
    def __init__(self, found: int) -> None:
        self.found = found

    async def rescue(self, *, now: datetime, steady_now: datetime) -> int:
        return self.found


@pytest.mark.parametrize(("found", "woken"), [(0, 0), (3, 1)])
async def test_the_rescuer_wakes_the_worker_only_if_it_rescued(found: int, woken: int) -> None:
    """Rescued work is due at once."""
    wakes: list[None] = []
    await Rescuer(
        _Queue(found), clock=_Clock(), steady=Steady(_Clock()), wake=lambda: wakes.append(None)
    ).run_once()
    assert len(wakes) == woken


class _Ages:
    def __init__(self, *answers: tuple[int, int]) -> None:
        self.answers = list(answers)
        self.limits: list[AgeLimits] = []

    async def expire(self, limits: AgeLimits) -> tuple[int, int]:
        self.limits.append(limits)
        return self.answers.pop(0)


async def test_the_expirer_goes_on_until_nothing_is_found() -> None:
    """Portions keep a transaction small, a run takes all of them."""
    ages = _Ages((500, 0), (3, 500), (0, 20), (0, 0))
    await Expirer(ages, settings=DeliverySettings(), clock=_Clock()).run_once()
    assert ages.answers == []
    assert ages.limits[0] == AgeLimits(
        announce_before=START + timedelta(days=1), dead_before=START, hard_cap=timedelta(days=30)
    )


class _Store:
    def __init__(self) -> None:
        self.swept: list[datetime] = []

    async def sweep(self, older_than: datetime = START) -> int:
        self.swept.append(older_than)
        return 2

    async def forget_expired(self, now: datetime) -> int:
        self.swept.append(now)
        return 1

    async def forget_ended(self, before: datetime) -> int:
        self.swept.append(before)
        return 1


@pytest.mark.parametrize(("keep", "kept"), [(90, 90), (1, 7)])
async def test_the_sweeper_leaves_young_spool_files_and_what_ended_lately_alone(keep: int, kept: int) -> None:
    """A request may still be writing what is younger than an hour; an alert may be open for days."""
    store = _Store()
    keep_ended = timedelta(days=keep)
    await Sweeper(store, store, store, store, store, keep_ended=keep_ended, clock=_Clock()).run_once()
    assert store.swept == [START - timedelta(hours=1), START, START, START, START - timedelta(days=kept)]


class _Pauses:
    def __init__(self, *known: Endpoint) -> None:
        self.known = known
        self.resumed: list[tuple[EndpointId, datetime]] = []

    async def endpoints(self) -> Sequence[Endpoint]:
        return self.known

    async def resume(self, endpoint_id: EndpointId, *, now: datetime) -> None:
        self.resumed.append((endpoint_id, now))


async def test_the_resumer_ends_pauses_whose_time_has_come() -> None:
    """A pause has an end, and nobody has to remember it."""
    over = dataclasses.replace(endpoint("over"), paused_until=START)
    ahead = dataclasses.replace(endpoint("ahead"), paused_until=START + timedelta(seconds=1))
    pauses, wakes = _Pauses(over, ahead, endpoint("free")), list[None]()
    await Resumer(pauses, clock=_Clock(), wake=lambda: wakes.append(None)).run_once()
    assert (pauses.resumed, len(wakes)) == ([(over.id, START)], 1)


@pytest.mark.parametrize(
    ("status", "healthy", "fetched", "arrived"),
    [(200, True, 1, [START.timestamp()]), (500, True, 1, []), (302, True, 1, []), (200, False, 0, [])],
)
async def test_the_heartbeat_counts_only_what_arrived(
    *, status: int, healthy: bool, fetched: int, arrived: list[float]
) -> None:
    """Unhealthy means silent; an error or a redirect of the watcher is no heartbeat."""
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=status, headers={"Location": "/elsewhere"} if status == 302 else {})

    app = web.Application()
    app.router.add_get("/{name}", answer)
    marks: list[float] = []
    async with TestServer(app) as server:
        await Heartbeat(
            str(server.make_url("/beat")),
            every=timedelta(minutes=1),
            is_healthy=lambda: healthy,
            arrived=marks.append,
            clock=_Clock(),
        ).run_once()
    assert (len(asked), marks) == (fetched, arrived)


async def test_a_heartbeat_that_reaches_nobody_is_no_error(unused_tcp_port: int) -> None:
    """The watcher may be away; the duty goes on."""
    marks: list[float] = []
    await Heartbeat(
        f"http://127.0.0.1:{unused_tcp_port}/beat",
        every=timedelta(minutes=1),
        is_healthy=lambda: True,
        arrived=marks.append,
        clock=_Clock(),
    ).run_once()
    assert marks == []


class _Counting:
    def __init__(self, name: str, every: timedelta, *, fails: bool = False) -> None:
        self.name, self.every, self.fails = name, every, fails
        self.runs = 0

    async def run_once(self) -> None:
        self.runs += 1
        if self.fails:
            raise RuntimeError("on purpose")


def test_a_duty_that_fails_runs_again_and_stops_no_other() -> None:
    """Each duty stands alone."""

    async def scenario() -> tuple[int, int]:
        bad = _Counting("bad", timedelta(seconds=10), fails=True)
        good = _Counting("good", timedelta(seconds=7))
        duties = Duties([bad, good])
        duties.start()
        await asyncio.sleep(60.5)
        await duties.stop()
        await asyncio.sleep(60)
        return bad.runs, good.runs

    assert simulate(scenario()) == (7, 9)


_ROWS = """
-- name: agency_put_one
-- An agency.
INSERT INTO agency (id, kind, opened_at, updated_at) VALUES ('a', 'ward', 0, 0);

-- name: message_put_one
-- A message.
INSERT INTO message (id, kind, sha256, size, sender_id, sender_code, business_type, document_ref, code_number,
    code_notation, subject, subject_folded, priority, content_key, fingerprint, caller, envelope, findings,
    directory_version, trace_id, received_at, accepted_at)
VALUES ('m', 'document', :digest, 1, 'a', 'x', '0', 'x', 'x', 'x', 'x', 'x', 0, 'x', 'x',
    '{}', '{}', '{}', 0, 'x', 0, 0);

-- name: key_put_one
-- A key.
INSERT INTO idempotency (agency_id, key, fingerprint, message_id, expires_at) VALUES ('a', :key, 'x', 'm', :until);

-- name: key_list_all
-- The keys left.
SELECT key FROM idempotency ORDER BY key;
"""


class _PutKeys:
    """Keys that end a second before, at, and a second after the start."""

    name = "put_keys"

    async def apply(self, tx: Transaction, payloads: Sequence[None]) -> Sequence[None]:
        await tx.fetch("agency_put_one")
        await tx.fetch("message_put_one", {"digest": "a" * 64})
        for seconds in (-1, 0, 1):
            until = micros(START + timedelta(seconds=seconds))
            await tx.fetch("key_put_one", {"key": f"key {seconds}", "until": until})
        return [None for _ in payloads]


class _ListKeys:
    """What is left."""

    name = "list_keys"

    async def apply(self, tx: Transaction, payloads: Sequence[None]) -> Sequence[list[str]]:
        return [[row[0] for row in await tx.fetch("key_list_all")] for _ in payloads]


async def test_expired_keys_are_forgotten_and_others_kept(tmp_path: Path) -> None:
    """On a real database: a key is of no use once its time is over, and kept until then."""
    (tmp_path / "rows.sql").write_text(_ROWS, encoding="utf-8")
    statements = Statements.load("gateway.ledger.sql", tmp_path / "rows.sql")
    writer = await connect_writer(tmp_path / "db.sqlite", SqliteSettings(boot_id=uuid7()))
    try:
        await migrate(writer)
        pump = Pump(writer, statements, clock=SystemClock())
        await pump.start()
        await pump.submit(_PutKeys(), None)
        forgotten = await pump.submit(ForgetExpiredKeysOperation(), ForgetExpiredKeys(now=START))
        left = await pump.submit(_ListKeys(), None)
        await pump.close()
    finally:
        await writer.close()
    assert (forgotten, left) == (2, ["key 1"])
