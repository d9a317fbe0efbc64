"""Damaged and lost bodies, and damaged pages of the database: refused, set aside, told; everything else goes on."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from gateway.api import models
from gateway.audit.fsck import examine
from gateway.errors import ProblemError
from gateway.foundation import database_of
from gateway.ledger.acts import Act, ActOperation
from gateway.states import State, Trigger
from gateway.storage.driver import choose_driver
from gateway.storage.readers import Readers
from tests.journeys.installation import COMMUNE, PROVINCE, PUSHED, Installation, prepare
from tests.journeys.messages import document
from tests.journeys.receiver import Receiver, Reply
from tests.journeys.tampering import database

#: Small ones stay in memory and large ones do not, on the way in and on the way out.
SIZES = pytest.mark.parametrize("size", [100, 300_000], ids=["small", "large"])


def flip(path: Path) -> None:
    """One bit in the middle."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


HOW = pytest.mark.parametrize("damage", [flip, Path.unlink], ids=["a flipped bit", "lost"])


@dataclass(frozen=True, kw_only=True)
class Damaged:
    """A gateway with one document whose body is damaged, and the same document as it was sent."""

    made: Installation
    document: bytes
    accepted: models.Accepted

    @property
    def body(self) -> Path:
        """Where it lies."""
        assert self.made.app is not None
        return self.made.app.foundation.bodies.path_of(self.accepted.sha256)

    async def states(self) -> dict[str, str]:
        """Recipient -> state, as the sender sees it."""
        async with self.made.client(PROVINCE) as province:
            found = await province.deliveries(self.accepted.id)
        return {line.organ_id: line.state for line in found}

    async def becomes(self, organ_id: str, state: State) -> None:
        """Wait for it."""
        async with asyncio.timeout(60):
            while (await self.states())[organ_id] != state:  # noqa: ASYNC110 - it is looked for as clients do
                await asyncio.sleep(0.05)


@asynccontextmanager
async def damaged(
    folder: Path, pki_folder: Path, receiver: Receiver, *, size: int, damage: Callable[[Path], object]
) -> AsyncIterator[Damaged]:
    """It waits for both of its recipients when the damage is done, while no gateway runs."""
    folder.mkdir()  # noqa: ASYNC240
    made = await prepare(folder, pki_folder, push_url=receiver.url("/pushed"))
    sent = document(PROVINCE, [COMMUNE, PUSHED], number="damaged", content=b"%PDF-1.4\n" + bytes(size))
    receiver.answer = lambda _: Reply(status=503)
    async with made.running() as app, made.client(PROVINCE) as province:
        accepted = await province.submit(sent)
        await receiver.wait_for(1)
        path = app.foundation.bodies.path_of(accepted.sha256)
    damage(path)
    receiver.came.clear()
    receiver.answer = lambda _: Reply()
    async with made.running():
        yield Damaged(made=made, document=sent, accepted=accepted)


async def refusal(act: Callable[[], object]) -> ProblemError:
    """What a client is told."""
    with pytest.raises(ProblemError) as caught:
        await act()  # type: ignore[misc]
    return caught.value


@SIZES
@HOW
async def test_damaged_body_reaches_nobody_is_set_aside_and_told(
    tmp_path: Path, pki_folder: Path, receiver: Receiver, size: int, damage: Callable[[Path], object]
) -> None:
    """Not the pushed office, not the one that fetches, not its own sender; other documents go their way."""
    async with damaged(tmp_path / "site", pki_folder, receiver, size=size, damage=damage) as found:
        await found.becomes(PUSHED, State.QUARANTINED)
        assert (await found.states())[COMMUNE] == State.QUARANTINED
        async with found.made.client(PROVINCE) as province, found.made.client(COMMUNE) as commune:
            line = next(d for d in await province.deliveries(found.accepted.id) if d.organ_id == COMMUNE)
            assert line.reason == "body_damaged"
            assert (await refusal(lambda: province.original(found.accepted.id))).code == "body_damaged"
            assert (await refusal(lambda: commune.content(line.id))).code == "state_forbids"
            other = await province.submit(document(PROVINCE, [COMMUNE, PUSHED], number="sound"))
            came = await receiver.wait_for(1)
            assert [each.headers["Gateway-Message-Id"] for each in came] == [other.id]
            item = next(each for each in (await commune.inbox(wait=5)).items if each.message_id == other.id)
            assert await commune.content(item.id)
        await told(found)
        report = await examine(found.made.settings, database_of(found.made.settings))
        assert {each.code for each in report.findings} & {"body_changed", "body_missing"}


async def told(found: Damaged) -> None:
    """Operators: an event, a metric, a detail of /readyz."""
    app = found.made.app
    assert app is not None
    # by the server's own SQLite: two of them in one process undo each other's locks
    connect = choose_driver(allow_affected_sqlite=True).module.connect
    with closing(connect(f"{database_of(found.made.settings).as_uri()}?mode=ro", uri=True)) as connection:
        events = connection.execute("SELECT message_id FROM event WHERE kind = 'body.damaged'").fetchall()
    assert set(events) == {(found.accepted.id,)}
    url = f"http://127.0.0.1:{app.operations_port}"
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{url}/metrics") as response:
            lines = (await response.text()).splitlines()
        async with session.get(f"{url}/readyz") as response:
            ready = await response.json()
    assert float(next(x for x in lines if x.startswith("gateway_damaged_bodies_total ")).split()[1]) >= 1
    assert ready["details"]["bodies_damaged"] == 1


async def test_item_in_the_inbox_whose_body_is_damaged_is_refused_before_it_counts_as_fetched(
    tmp_path: Path, pki_folder: Path, receiver: Receiver
) -> None:
    """The one who fetches it first meets the damage."""
    async with damaged(tmp_path / "site", pki_folder, receiver, size=300_000, damage=lambda _: None) as found:
        await found.becomes(PUSHED, State.DELIVERED)
        flip(found.body)
        async with found.made.client(COMMUNE) as commune:
            item = (await commune.inbox()).items[0]
            error = await refusal(lambda: commune.content(item.id))
            assert (error.status, error.code) == (503, "body_damaged")
            assert error.retry_after
        assert await found.states() == {COMMUNE: State.QUARANTINED, PUSHED: State.DELIVERED}


async def requeue(found: Damaged) -> None:
    """What an operator does."""
    app = found.made.app
    assert app is not None
    base = app.foundation
    act = Act(
        trigger=Trigger.REQUEUED,
        delivery_ids=tuple(line.id for line in found.accepted.deliveries),
        actor="operator:test",
        note="the body is whole again",
        now=base.clock.now(),
        give_up_at=base.clock.now() + timedelta(days=1),
    )
    assert all(one.moved for one in await base.pump.submit(ActOperation(), act))
    app.requeued([])


@HOW
async def test_same_bytes_sent_again_heal_it_and_a_person_sends_it_on(
    tmp_path: Path, pki_folder: Path, receiver: Receiver, damage: Callable[[Path], object]
) -> None:
    """The sender gets the same 202, and then it holds again."""
    async with damaged(tmp_path / "site", pki_folder, receiver, size=100, damage=damage) as found:
        await found.becomes(PUSHED, State.QUARANTINED)
        async with found.made.client(PROVINCE) as province:
            assert (await province.submit(found.document)).id == found.accepted.id
            assert await province.original(found.accepted.id) == found.document
        await requeue(found)
        await found.becomes(PUSHED, State.DELIVERED)
        assert [each.body for each in receiver.came] == [found.document]


async def test_damaged_page_of_the_database_sets_its_document_aside_and_others_go_on(
    tmp_path: Path, pki_folder: Path, receiver: Receiver
) -> None:
    """The page lies in the envelope of one document that two offices wait for."""
    folder = tmp_path / "site"
    folder.mkdir()
    made = await prepare(folder, pki_folder, push_url=receiver.url("/pushed"))
    receiver.answer = lambda _: Reply(status=503)
    async with made.running(), made.client(PROVINCE) as province:
        sound = await province.submit(document(PROVINCE, [COMMUNE, PUSHED], number="sound"))
        broken = await province.submit(
            document(PROVINCE, [COMMUNE, PUSHED], number="broken", subject="Về việc " + "hỏng " * 2000)
        )
        await receiver.wait_for(2)
    with database(
        made.settings.storage.folder
    ) as connection:  # as if it had stopped before the index took the lines
        connection.execute("INSERT INTO search (search) VALUES ('delete-all')")
        connection.execute("UPDATE search_extent SET low = 1, high = 0")
        connection.commit()
    spoil_overflow(made.settings.storage.folder, b"h\xe1\xbb\x8fng " * 100)
    receiver.came.clear()
    receiver.answer = lambda _: Reply()
    async with made.running() as app, made.client(COMMUNE) as commune, made.client(PROVINCE) as province:
        async with asyncio.timeout(60):
            while not came(receiver, sound.id):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            while True:
                with suppress(ProblemError):  # until the damage is found
                    items = (await commune.inbox()).items
                    break
                await asyncio.sleep(0.05)
        assert [item.message_id for item in items] == [sound.id]
        assert await commune.content(items[0].id)
        states = await app.foundation.readers.fetch(
            "delivery_list_by_ids", (json.dumps([d.id for d in broken.deliveries]),)
        )
        assert {row[3] for row in states} == {State.QUARANTINED}
        failures = app.foundation.pump.counters.failures
        later = await province.submit(document(PROVINCE, [COMMUNE], number="later"))
        assert later.deliveries
        async with asyncio.timeout(60):
            # sound twice, later once; the others are left out
            while (await indexed(app.foundation.readers)) != 3:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        assert app.foundation.pump.counters.failures == failures  # nobody comes by the page any more
    with database(made.settings.storage.folder) as connection:
        assert connection.execute("SELECT count(*) FROM event WHERE kind = 'ledger.damaged'").fetchone()[0] >= 1
    report = await examine(made.settings, database_of(made.settings))
    assert not report.ok


async def indexed(readers: Readers) -> int:
    """How many lines the index holds."""
    params = {"match": "facts:kdocument", "low": 0, "high": 2**62, "limit": 9}
    return len(await readers.fetch("line_find_newer", params))


def came(receiver: Receiver, message_id: str) -> bool:
    """Whether it has come to the pushed office."""
    return any(each.headers["Gateway-Message-Id"] == message_id for each in receiver.came)


def spoil_overflow(data: Path, mark: bytes) -> None:
    """The pages that hold the rest of a long row with these bytes come back as noise."""
    path = data / "gateway.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        size = connection.execute("PRAGMA page_size").fetchone()[0]
    content = bytearray(path.read_bytes())
    spoilt = 0
    for start in range(0, len(content), size):
        if content[start] == 0 and mark in content[start : start + size]:  # it goes on from another page
            content[start : start + size] = b"\xa5" * size
            spoilt += 1
    assert spoilt
    path.write_bytes(content)
