"""What a restore does to the ledger: a declared epoch, everything that waits held, numbers that never come back."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from gateway.clock import instant
from gateway.ids import uuid7
from tests.backup.lab import asked_json, backed_up, emptied, query, restored, run, settings_of, shelf_of
from tests.journeys.installation import COMMUNE, PROVINCE, PUSHED, prepare
from tests.journeys.messages import document
from tests.journeys.receiver import Receiver, Reply
from tests.journeys.tampering import sql
from tests.journeys.test_journey import reaches

WAITING = "('queued', 'in_flight', 'deferred')"


def restored_again(folder: Path) -> None:
    backed_up(folder, shelf_of(folder))
    data = emptied(folder)
    data.rename(data.with_name(f"lost-{uuid7()}"))
    restored(folder)


def test_everything_that_waited_is_held_and_nothing_else_moved(folder: Path) -> None:
    """Whether it went out after the copy is unknown; what had left or ended is as it was."""
    before = query(folder, f"SELECT id, state FROM delivery WHERE state NOT IN {WAITING} ORDER BY id")
    waiting = query(folder, f"SELECT id FROM delivery WHERE state IN {WAITING} ORDER BY id")
    assert waiting
    restored_again(folder)
    assert query(folder, "SELECT id FROM delivery WHERE reason = 'held_after_restore' ORDER BY id") == waiting
    after = query(folder, "SELECT id, state FROM delivery WHERE reason IS NOT 'held_after_restore' ORDER BY id")
    assert after == before
    assert query(folder, "SELECT COUNT(*) FROM dispatch WHERE state IN ('ready', 'in_flight', 'inbox')") == [(0,)]


def test_epoch_is_declared_and_every_number_is_new(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its first event stands far above those before, tells which they were and why, and fsck takes the jump."""
    ((last, leaf),) = query(folder, "SELECT seq, hex(leaf_hash) FROM event ORDER BY seq DESC LIMIT 1")
    for number in (2, 3):
        restored_again(folder)
        first, told, why = query(folder, "SELECT seq, leaf, note FROM event WHERE kind = 'epoch.opened'")[-1]
        facts = json.loads(told)["facts"]
        assert (facts["epoch"], facts["after"], facts["after_leaf"]) == (number, last, leaf.lower())
        assert first > last
        assert abs(instant(first).timestamp() - Path(folder / "data").stat().st_mtime) < 60
        assert why == "the disk died"
        ((last, leaf),) = query(folder, "SELECT seq, hex(leaf_hash) FROM event ORDER BY seq DESC LIMIT 1")
    assert asked_json(folder, capsys, "fsck", "--quick")["ok"] is True
    assert asked_json(folder, capsys, "gap")["epoch"]["number"] == 3


def test_removed_events_before_an_epoch_are_found(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The jump is excused only where the leaf names the event that stands before it."""
    restored_again(folder)
    data = settings_of(folder).storage.folder
    ((last,),) = query(folder, "SELECT MAX(seq) FROM event WHERE seq < 1000000")
    sql(f"DELETE FROM event WHERE seq = {last}")(data)
    capsys.readouterr()
    assert run(folder, "fsck", "--quick", "--json") == 1
    assert "event_gap" in capsys.readouterr().out


def test_release_after_a_restore_takes_only_what_the_restore_held(folder: Path) -> None:
    """What an operator holds for another reason stays held."""
    ((other,),) = query(folder, "SELECT id FROM delivery WHERE state = 'queued' LIMIT 1")
    assert run(folder, "hold", str(other), "--reason", "ask first") == 0
    restored_again(folder)
    assert run(folder, "release", "--because", "held_after_restore", "--reason", "asked them") == 0
    assert query(folder, "SELECT id FROM delivery WHERE state = 'held'") == [(other,)]
    assert run(folder, "release", "--because", "held_after_restore", "--reason", "asked them") == 1


def test_journals_tell_what_arrived_and_what_was_lost(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ids of a receiver's log are sorted into what is held, what is through, what is lost, and what is foreign."""
    ((held, dispatch),) = query(folder, "SELECT id, dispatch_id FROM delivery WHERE state = 'queued' LIMIT 1")
    ((through,),) = query(folder, "SELECT id FROM delivery WHERE state = 'delivered' LIMIT 1")
    foreign = "0189ab00-0000-7000-8000-000000000000"
    backed_up(folder, shelf_of(folder))
    lost = uuid7()
    emptied(folder)
    restored(folder)
    journal = tmp_path / "receiver.log"
    journal.write_text(f"took {dispatch}\n<id>{through}</id> {foreign},{lost} {uuid7()}-no {held[:-1]}\n")
    told = asked_json(folder, capsys, "gap", "--journal", str(journal), code=1)["journals"]
    assert (told["arrived"], told["through"], told["lost"], told["foreign"]) == (
        [dispatch],
        [through],
        [lost],
        [foreign],
    )
    assert held not in told["unconfirmed"]
    assert told["unconfirmed"]
    assert run(folder, "gap", "--journal", str(journal)) == 1
    assert f"{lost}  made " in capsys.readouterr().out


def test_what_arrived_is_confirmed_and_not_sent_again(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A receiver that does not dedupe must not get it twice; what nobody confirmed goes out when it is released."""
    restored_again(folder)
    waiting = [row[0] for row in query(folder, "SELECT id FROM delivery WHERE state = 'held' ORDER BY id")]
    journal = tmp_path / "receiver.log"
    journal.write_text(f"took {waiting[0]}\n")
    told = asked_json(folder, capsys, "gap", "--journal", str(journal))["journals"]
    assert told["confirmable"] == [waiting[0]]
    assert run(folder, "gap", "--journal", str(journal)) == 0
    assert f"gateway confirm {waiting[0]} --reason" in capsys.readouterr().out
    assert run(folder, "confirm", waiting[0], "--reason", "it is in their journal") == 0
    assert run(folder, "confirm", waiting[0], "--reason", "it is in their journal") == 1
    assert run(folder, "release", "--because", "held_after_restore", "--reason", "asked them") == 0
    lines = query(folder, f"SELECT state, reason FROM delivery WHERE id = '{waiting[0]}'")
    assert lines == [("delivered", "confirmed_by_operator")]
    assert {row[0] for row in query(folder, "SELECT id FROM delivery WHERE state = 'queued'")} >= set(waiting[1:])
    ((actor,),) = query(folder, "SELECT actor FROM event WHERE kind = 'delivery.confirmed'")
    assert actor.startswith("operator:")
    assert run(folder, "fsck", "--quick") == 0


def test_gap_without_a_restore_is_none(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And says so."""
    assert asked_json(folder, capsys, "gap")["epoch"] is None
    assert run(folder, "gap") == 0


def test_half_restored_folder_is_opened_by_nobody(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Until the restore has come to its end, the folder only looks like one."""
    (settings_of(folder).storage.folder / "RESTORING").write_text("x")
    for arguments in (["hold", "--state", "queued", "--reason", "why not"], ["restore", "--from", "/nowhere"]):
        more = [] if "--reason" in arguments else ["--reason", "again"]
        assert run(folder, *arguments, *more) != 0
    assert "did not come to its end" in capsys.readouterr().err


async def test_cursor_and_event_number_of_before_miss_nothing_after(
    tmp_path: Path, pki_folder: Path, receiver: Receiver
) -> None:
    """A client that goes on from what it knew gets all that is new, though the ledger went back in time."""
    site = tmp_path / "site"
    site.mkdir()
    made = await prepare(site, pki_folder, push_url=receiver.url("/pushed"))
    async with made.running(), made.client(PROVINCE) as province:
        await province.submit(document(PROVINCE, [COMMUNE], number="1"))
    await asyncio.to_thread(backed_up, site, shelf_of(site))
    async with made.running(), made.client(PROVINCE) as province, made.client(COMMUNE) as commune:
        for number in range(2, 6):
            await province.submit(document(PROVINCE, [COMMUNE], number=str(number)))
        page = await commune.inbox()
        assert len(page.items) == 5
        ((newest,),) = query(site, "SELECT MAX(seq) FROM event")
    emptied(site)
    await asyncio.to_thread(restored, site)
    async with made.running(), made.client(PROVINCE) as province, made.client(COMMUNE) as commune:
        sent = await province.submit(document(PROVINCE, [COMMUNE], number="9"))
        items = (await commune.inbox(cursor=page.cursor, wait=5)).items
        assert [item.document_id for item in items] == [sent.document_id]  # the first one is held
        again = await commune.inbox(cursor=page.cursor)
        assert (await commune.inbox(cursor=again.cursor)).items == []
        async with asyncio.timeout(60):
            first = await anext(commune.events(newest))
        assert first.seq > newest


async def test_transmission_under_way_in_the_copy_is_held_and_sent_again_only_when_released(
    tmp_path: Path, pki_folder: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its attempt ends as unknown; released, it goes out under the same ids."""
    site = tmp_path / "site"
    site.mkdir()
    made = await prepare(site, pki_folder, push_url=receiver.url("/pushed"))
    reached, go_on = asyncio.Event(), asyncio.Event()

    async with made.running() as app:
        adapter = app.worker._ports.adapters["webhook"]
        original: Any = adapter.send

        async def slow(*arguments: object) -> object:
            reached.set()
            await go_on.wait()
            return await original(*arguments)

        monkeypatch.setattr(adapter, "send", slow)
        async with made.client(PROVINCE) as province:
            sent = await province.submit(document(PROVINCE, [PUSHED], number="1"))
            await reached.wait()
            await asyncio.to_thread(backed_up, site, shelf_of(site))
            go_on.set()
            await reaches(province, sent.id, PUSHED, "delivered")
    first = (await receiver.wait_for(1))[0]
    emptied(site)
    await asyncio.to_thread(restored, site)
    assert query(site, "SELECT state, outcome FROM delivery, attempt") == [("held", "unknown")]
    async with made.running(), made.client(PROVINCE) as province:
        await asyncio.sleep(0.5)
        assert len(receiver.came) == 1
        receiver.script.append(Reply())
        release = ("release", "--because", "held_after_restore", "--reason", "asked them")
        assert await asyncio.to_thread(run, site, *release) == 0
        await reaches(province, sent.id, PUSHED, "delivered")
    second = receiver.came[1]
    assert second.headers["Gateway-Dispatch-Id"] == first.headers["Gateway-Dispatch-Id"]
    assert second.deliveries == first.deliveries
