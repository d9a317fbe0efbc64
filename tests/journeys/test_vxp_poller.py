"""The poller as a member: everything that waits comes in once, urgent first, whatever else is wrong in the list."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest

from gateway.clock import VIETNAM
from gateway.simulate.axis.journal import Called, Handed, Settled
from tests.journeys.axis_site import SYSTEM, AxisSite, axis_site
from tests.journeys.installation import COMMUNE, MINISTRY, PROVINCE, PUSHED
from tests.journeys.messages import document, status


@pytest.fixture
async def site(tmp_path: Path, pki_folder: Path) -> AsyncIterator[AxisSite]:
    async with axis_site(tmp_path, pki_folder, poll_seconds=0.2, poll_seconds_min=0.05) as made:
        yield made


def settled(site: AxisSite) -> dict[str, str]:
    return {line.doc_id: line.status for line in site.axis.journal() if isinstance(line, Settled)}


async def test_what_waits_becomes_messages_and_is_acknowledged_each_once(site: AxisSite) -> None:
    """A hundred documents: one message each, `done` for each, nothing fetched twice."""
    sent = await site.axis.send(MINISTRY, [COMMUNE, PROVINCE], count=100, size=8000)
    await site.start()
    await site.axis.wait("settled", system=SYSTEM, count=100)
    await site.until("SELECT 1 WHERE (SELECT COUNT(acknowledged_at) FROM offer) = 100")
    assert {row[0] for row in site.rows("SELECT sha256 FROM message")} == {each["sha256"] for each in sent}
    assert site.rows("SELECT COUNT(*) FROM delivery") == [(200,)]
    handed = [line.doc_id for line in site.axis.journal() if isinstance(line, Handed)]
    assert len(handed) == len(set(handed)) == 100


async def test_urgent_documents_are_accepted_first(site: AxisSite) -> None:
    """However late they stand in the list."""
    await site.configure(poll_at_once=1)
    await site.axis.send(MINISTRY, [COMMUNE], count=5)
    (urgent,) = await site.axis.send(MINISTRY, [COMMUNE], priority=3, first_number=500)
    await site.start()
    await site.axis.wait("settled", system=SYSTEM, count=6)
    first = site.rows("SELECT sha256 FROM message ORDER BY accepted_at LIMIT 1")
    assert first == [(urgent["sha256"],)]


async def test_one_bad_entry_keeps_no_other_waiting_and_a_person_ends_it(site: AxisSite) -> None:
    """What nobody can read is kept with its bytes, fetched once, and told as a person decided."""
    bad = await site.axis.put(SYSTEM, b"<khong-phai/>")
    lost = await site.axis.put(SYSTEM, b"<lost/>")
    bad_id, lost_id = str(bad["doc_id"]), str(lost["doc_id"])
    await site.axis.order("unfetchable", doc_ids=[lost_id])
    await site.axis.send(MINISTRY, [COMMUNE], count=3)
    await site.start()
    await site.axis.wait("settled", system=SYSTEM, count=3)
    await site.until("SELECT 1 FROM offer WHERE failures > 0 AND ref = ?", lost_id)
    await site.until("SELECT 1 FROM source WHERE polls > 5")
    assert [line.doc_id for line in site.axis.journal() if isinstance(line, Handed)].count(bad_id) == 1
    code, out = await site.command("offers", "list", "--json")
    listed = {item["ref"]: item for item in json.loads(out)}
    assert code == 0
    assert set(listed) == {bad_id, lost_id}
    assert listed[bad_id]["reason"] == "not_edxml"
    assert (site.folder / "data" / "bodies").exists()
    assert bad_id not in settled(site)
    await site.axis.calm()
    code, out = await site.command("offers", "fail", listed[bad_id]["id"], "--reason", "sender told")
    assert code == 0, out
    code, out = await site.command("offers", "done", lost_id, "--channel", "axis", "--reason", "came by post")
    assert code == 0, out
    await site.axis.wait("settled", system=SYSTEM, count=5)
    assert (settled(site)[bad_id], settled(site)[lost_id]) == ("fail", "done")
    await site.until("SELECT 1 WHERE (SELECT COUNT(acknowledged_at) FROM offer) = 5")
    assert json.loads((await site.command("offers", "list", "--json"))[1]) == []
    assert site.rows("SELECT COUNT(*) FROM event WHERE kind = 'offer.decided'") == [(2,)]
    assert (await site.command("offers", "done", "nothing", "--reason", "x"))[0] == 2


async def test_entries_that_cannot_be_read_are_set_apart_and_the_others_are_taken(site: AxisSite) -> None:
    """No outage: what has an id comes in whatever else is odd; what has none waits for a person, who ends it."""
    await site.axis.order("malformed", operations=["getReceivedEdocList"])
    await site.axis.order("odd_fields", operations=["getReceivedEdocList"])
    await site.axis.send(MINISTRY, [COMMUNE], count=3)
    await site.start()
    await site.axis.wait("settled", system=SYSTEM, count=3)
    await site.until("SELECT 1 FROM source WHERE polls > 5 AND failed_polls = 0")
    stuck = json.loads((await site.command("offers", "list", "--json"))[1])
    assert [item["reason"] for item in stuck] == ["entry_unreadable"] * 2
    assert all(item["ref"].startswith("unreadable ") for item in stuck)
    assert await site.until_gauge("gateway_offers_stuck", lambda value: value > 0) == 2
    assert await site.until_gauge("gateway_offers_stuck_oldest_seconds", lambda value: value > 0) < 600
    for item in stuck:
        code, out = await site.command("offers", "done", item["id"], "--reason", "the axis knows")
        assert (code, "set aside here" in out) == (0, True), out
    await site.until("SELECT 1 WHERE (SELECT COUNT(acknowledged_at) FROM offer) = 5")
    assert json.loads((await site.command("offers", "list", "--json"))[1]) == []
    await site.until_gauge("gateway_offers_stuck", lambda value: value == 0)
    assert len(settled(site)) == 3
    await site.axis.calm()
    await site.until("SELECT 1 WHERE (SELECT COUNT(gone_at) FROM offer WHERE failure = 'entry_unreadable') = 2")
    assert not site.rows("SELECT 1 FROM event WHERE kind = 'source.closed'")


async def test_outage_is_degraded_and_never_empty_and_ends_by_itself(site: AxisSite) -> None:
    """A proxy's page for a while: told as an outage, then everything comes."""
    await site.axis.order("html", operations=["getReceivedEdocList"])
    await site.axis.send(MINISTRY, [COMMUNE], count=3)
    await site.start()
    await site.until("SELECT 1 FROM source WHERE reason = 'peer_reply_invalid' OR reason = 'peer_error'")
    assert not site.rows("SELECT 1 FROM offer")
    await site.axis.calm()
    await site.axis.wait("settled", system=SYSTEM, count=3)
    kinds = site.rows("SELECT kind FROM event WHERE kind LIKE 'source.%' ORDER BY seq")
    assert kinds == [("source.closed",), ("source.opened",)]


async def test_list_in_order_that_stays_empty_is_silent_until_something_comes(site: AxisSite) -> None:
    """Told once, seen in the readiness details, which stays ready, and over with the next document."""
    await site.configure(silent_hours=0.0003, silent_minutes=0.001)
    await site.start()
    await site.until("SELECT 1 FROM event WHERE kind = 'source.silenced'")
    told = await site.ready()
    assert (told["ready"], told["details"]["sources"]) == (True, {"axis": "silent"})
    await site.axis.send(MINISTRY, [COMMUNE])
    await site.until("SELECT 1 FROM event WHERE kind = 'source.heard'")
    assert site.rows("SELECT COUNT(*) FROM event WHERE kind = 'source.silenced'") == [(1,)]


async def test_document_sent_and_status_back_travel_over_the_axis(site: AxisSite) -> None:
    """Out by the client with the axis's id; the ministry's status comes in by the poller and moves the line."""
    await site.start()
    async with site.client(PROVINCE) as province:
        accepted = await province.submit(document(PROVINCE, [MINISTRY, COMMUNE], number="77"))
        await site.until("SELECT 1 FROM delivery WHERE state = 'relayed' AND peer_ref IS NOT NULL")
        ministry = site.axis.client(MINISTRY)
        (entry,) = await ministry.received()
        assert json.loads(entry["to"]) == [MINISTRY]
        await ministry.settle(entry["docId"])
        told = await ministry.send(status(MINISTRY, "03", sender=PROVINCE, number="77"), "status")
        assert told["status"] == "OK", told
        await site.until("SELECT 1 FROM delivery WHERE state = 'acknowledged' AND business_status = '03'")
        assert {line.business_status for line in await province.deliveries(accepted.id)} == {"03", ""}
    assert [line for line in site.axis.journal() if isinstance(line, Called) and line.operation == "sendEdoc"]
    assert site.rows("SELECT recipient_code FROM delivery WHERE peer_ref IS NOT NULL") == [(MINISTRY,)]


async def test_what_the_axis_brings_back_of_our_own_is_linked_and_acknowledged(site: AxisSite) -> None:
    """One office of ours to another by somebody else's copy: no second delivery."""
    sent = document(PROVINCE, [COMMUNE, PUSHED, MINISTRY], number="78")
    await site.start()
    async with site.client(PROVINCE) as province:
        accepted = await province.submit(sent)
        before = {line.id for line in await province.deliveries(accepted.id)}
        entry = await site.axis.put(SYSTEM, sent, sender=PROVINCE, to=[COMMUNE])
        await site.axis.wait("settled", system=SYSTEM)
        assert {line.id for line in await province.deliveries(accepted.id)} == before
    assert settled(site)[str(entry["doc_id"])] == "done"
    assert site.rows("SELECT COUNT(*) FROM message") == [(1,)]


async def test_slow_peer_slows_nobody_and_a_command_ends_the_wait(site: AxisSite) -> None:
    """`offers poll` reads a list at once whose turn is an hour away."""
    await site.configure(poll_seconds=3600, poll_seconds_min=3600)
    await site.start()
    await site.until("SELECT 1 FROM source WHERE polls = 1")
    await site.axis.send(MINISTRY, [COMMUNE])
    code, out = await site.command("offers", "poll", "axis")
    assert (code, "1 " in out) == (0, True), out
    await site.axis.wait("settled", system=SYSTEM)


async def test_reconciliation_finds_what_is_missing_and_extra_in_both_directions(site: AxisSite) -> None:
    """Ours against theirs: agreed, then each kind of difference, with exit code 1."""
    today = datetime.now(VIETNAM).date().isoformat()
    await site.start()
    async with site.client(PROVINCE) as province:
        await province.submit(document(PROVINCE, [MINISTRY], number="90"))
        await site.until("SELECT 1 FROM delivery WHERE state = 'relayed'")
    code, out = await site.command("reconcile", "axis", "--day", today, "--json")
    report = json.loads(out)
    assert (code, report["findings"]) == (0, 0), out
    assert report["outgoing"]["numbers"]["recipients_here"] == 1
    assert report["outgoing"]["numbers"]["recipients_there"] == 1
    await site.axis.client(SYSTEM).send(document(PROVINCE, [MINISTRY], number="91"))  # by somebody else
    await site.axis.put(SYSTEM, b"<khong-phai/>")
    await site.until("SELECT 1 FROM offer WHERE verdict = 'refused'")
    code, out = await site.command("reconcile", "axis", "--day", today, "--json")
    report = json.loads(out)
    found = {
        name: kind["count"]
        for way in ("outgoing", "incoming")
        for name, kind in report[way]["findings"].items()
        if kind["count"]
    }
    assert (code, found) == (1, {"extra_there": 1, "unaccepted": 1}), out
    stored = json.loads((await site.command("reconcile", "list", "--json"))[1])
    listed = [item for item in stored if item["day"] == today]  # the night's was made, too
    assert [item["findings"] for item in listed] == [2, 0]
    code, out = await site.command("reconcile", "show", listed[0]["id"])
    assert (code, "extra_there" in out) == (1, True)
    await site.axis.order("html")
    assert (await site.command("reconcile", "axis", "--day", today))[0] != 0


async def test_large_documents_come_in_like_small_ones(site: AxisSite) -> None:
    """What does not stay in memory goes through the spool and leaves nothing there."""
    sent = await site.axis.send(MINISTRY, [COMMUNE], count=3, size=3_000_000)
    await site.start()
    await site.axis.wait("settled", system=SYSTEM, count=3)
    await site.until("SELECT 1 WHERE (SELECT COUNT(acknowledged_at) FROM offer) = 3")
    assert {row[0] for row in site.rows("SELECT sha256 FROM message")} == {each["sha256"] for each in sent}
    code, out = await site.command("fsck", "--json")
    assert code == 0, out
