"""What the axis lists again, or goes on listing, after we were done with it: nothing lost, nothing untold, seen."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.admin.purges import ConfirmPurge, MakePurge, confirm_purge, make_purge
from gateway.commands.acting import Desk
from gateway.foundation import open_foundation
from gateway.ledger.acts import Act, ActOperation
from gateway.simulate.axis.journal import Handed, Settled
from gateway.states import Trigger
from tests.journeys.axis_site import SYSTEM, AxisSite, axis_site
from tests.journeys.installation import COMMUNE, MINISTRY
from tests.journeys.messages import document
from tests.journeys.purging import ONE, TWO, bodies_below


@pytest.fixture
async def site(tmp_path: Path, pki_folder: Path) -> AsyncIterator[AxisSite]:
    async with axis_site(tmp_path, pki_folder, poll_seconds=0.2, poll_seconds_min=0.05) as made:
        yield made


def handed(site: AxisSite, doc_id: str) -> list[str]:
    return [line.sha256 for line in site.axis.journal() if isinstance(line, Handed) and line.doc_id == doc_id]


def told(site: AxisSite, doc_id: str) -> list[str]:
    return [line.status for line in site.axis.journal() if isinstance(line, Settled) and line.doc_id == doc_id]


async def reset(site: AxisSite) -> None:
    """The axis comes back with an empty memory, and counts its ids anew."""
    await site.axis.stop()
    for path in site.axis.folder.glob("axis.sqlite*"):
        path.unlink()
    await site.axis.start()


async def test_id_that_comes_back_for_other_bytes_is_another_document(site: AxisSite) -> None:
    """An axis that was reset: two messages under one id, each acknowledged, and the first keeps its entry."""
    (first,) = await site.axis.send(MINISTRY, [COMMUNE], first_number=1)
    doc_id = first["entries"][0]["doc_id"]
    await site.start()
    await site.axis.wait("settled", system=SYSTEM)
    await reset(site)
    (second,) = await site.axis.send(MINISTRY, [COMMUNE], first_number=2)
    assert second["entries"][0]["doc_id"] == doc_id
    await site.until("SELECT 1 WHERE (SELECT COUNT(acknowledged_at) FROM offer) = 2")
    bodies = site.rows("SELECT sha256 FROM message ORDER BY accepted_at")
    assert bodies == [(first["sha256"],), (second["sha256"],)]
    kept = site.rows("SELECT COALESCE(former_ref, ref), former_ref IS NULL, sha256 FROM offer ORDER BY rowid")
    assert kept == [(doc_id, 0, first["sha256"]), (doc_id, 1, second["sha256"])]
    assert site.rows("SELECT COUNT(*) FROM event WHERE kind = 'offer.replaced'") == [(1,)]
    assert told(site, doc_id) == ["done", "done"]


async def test_quarantined_id_that_comes_back_for_a_sound_document_brings_it_in(site: AxisSite) -> None:
    """What cannot be read is remembered by its digest, too: fetched once, and once more when it changed."""
    doc_id = str((await site.axis.put(SYSTEM, b"<khong-phai/>"))["doc_id"])
    await site.start()
    await site.until("SELECT 1 FROM offer WHERE verdict = 'refused'")
    await site.until("SELECT 1 FROM source WHERE polls > 5")
    assert len(handed(site, doc_id)) == 1
    await reset(site)
    (sent,) = await site.axis.send(MINISTRY, [COMMUNE])
    assert sent["entries"][0]["doc_id"] == doc_id
    await site.axis.wait("settled", system=SYSTEM)
    assert site.rows("SELECT sha256 FROM message") == [(sent["sha256"],)]
    assert json.loads((await site.command("offers", "list", "--json"))[1]) == []


async def test_accepted_entry_that_is_listed_again_after_a_lying_list_is_told_again(site: AxisSite) -> None:
    """`done` fails, one list lacks the entry, the next has it: compared with what we have, then told."""
    await site.axis.order("fail", operations=["updateStatus"])
    (sent,) = await site.axis.send(MINISTRY, [COMMUNE])
    doc_id = sent["entries"][0]["doc_id"]
    await site.start()
    await site.until("SELECT 1 FROM offer WHERE message_id IS NOT NULL AND acknowledged_at IS NULL")
    empty = await site.axis.order("empty", operations=["getReceivedEdocList"])
    await site.until("SELECT 1 FROM offer WHERE gone_at IS NOT NULL AND acknowledged_at IS NOT NULL")
    await site.axis.calm(empty)
    await site.until("SELECT 1 FROM offer WHERE gone_at IS NULL AND acknowledged_at IS NULL")
    await site.axis.calm()
    await site.axis.wait("settled", system=SYSTEM)
    await site.until("SELECT 1 FROM offer WHERE gone_at IS NOT NULL AND acknowledged_at IS NOT NULL")
    assert (told(site, doc_id), len(handed(site, doc_id))) == (["done"], 2)
    assert site.rows("SELECT COUNT(*) FROM message") == [(1,)]


async def test_entry_that_stays_listed_is_told_again_ever_more_seldom_and_seen(site: AxisSite) -> None:
    """The axis says OK to `done` and forgets it: compared once, told again, counted; over when it is gone."""
    await site.axis.order("forget")
    (sent,) = await site.axis.send(MINISTRY, [COMMUNE])
    doc_id = sent["entries"][0]["doc_id"]
    await site.start()
    await site.axis.wait("called", operation="updateStatus", outcome="OK", count=3)
    assert await site.until_gauge("gateway_offers_lingering", lambda value: value > 0) == 1
    (item,) = json.loads((await site.command("offers", "list", "--json"))[1])
    assert (item["ref"], item["reason"]) == (doc_id, "still_listed")
    code, out = await site.command("offers", "done", item["id"], "--reason", "come by post")
    assert (code != 0, "became the message" in out) == (True, True), out
    await site.until("SELECT 1 FROM source, offer WHERE acknowledgements >= 2 AND polls > 2 * acknowledgements")
    assert len(handed(site, doc_id)) == 2
    await site.axis.calm()
    await site.axis.wait("settled", system=SYSTEM)
    await site.until("SELECT 1 FROM offer WHERE gone_at IS NOT NULL")
    await site.until_gauge("gateway_offers_lingering", lambda value: value == 0)
    assert site.rows("SELECT COUNT(*) FROM message") == [(1,)]


async def test_relays_repetition_brings_no_destroyed_body_back(site: AxisSite) -> None:
    """It is told that we have the document; one message stays, and its bytes are gone after the next look."""
    content = document(MINISTRY, [COMMUNE])
    await site.axis.put(SYSTEM, content)
    await site.start()
    await site.until("SELECT 1 FROM offer WHERE acknowledged_at IS NOT NULL")
    await site.until("SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM check_due)")
    await site.stop()
    ((message, sha256),) = site.rows("SELECT id, sha256 FROM message")
    ((delivery,),) = site.rows("SELECT id FROM delivery")
    settings = site.installation.settings
    async with open_foundation(settings, purpose="setup") as base:
        desk = Desk(base)
        now = base.clock.now()
        cancel = Act(
            trigger=Trigger.WITHDRAWN,
            delivery_ids=(delivery,),
            actor=ONE,
            note="mật lọt ra",
            now=now,
            give_up_at=now,
        )
        await base.pump.submit(ActOperation(), cancel)
        made = await make_purge(desk, MakePurge(documents=[message], ref="QĐ 1", reason="mật lọt ra"), ONE)
        await confirm_purge(desk, ConfirmPurge(order=made["order"], reason="đã đối chiếu"), TWO)
    await site.start()
    await site.until("SELECT 1 FROM purge WHERE outcome = 'completed'")
    again = await site.axis.put(SYSTEM, content)
    await site.until("SELECT 1 FROM offer WHERE ref = ? AND acknowledged_at IS NOT NULL", str(again["doc_id"]))
    assert told(site, str(again["doc_id"])) == ["done"]
    assert site.rows("SELECT id FROM message") == [(message,)]
    await site.stop()
    await site.start()
    async with asyncio.timeout(60):
        while bodies_below(settings.storage.folder, sha256):  # noqa: ASYNC110 - another process removes it
            await asyncio.sleep(0.05)
