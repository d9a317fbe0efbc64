"""An id of the axis that a person gives to a delivery: several transmissions may be it, and one is."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest

from gateway.clock import VIETNAM
from tests.journeys.axis_site import SYSTEM, AxisSite, axis_site
from tests.journeys.installation import COMMUNE, MINISTRY, PROVINCE, PUSHED
from tests.journeys.messages import document, status


@pytest.fixture
async def site(tmp_path: Path, pki_folder: Path) -> AsyncIterator[AxisSite]:
    async with axis_site(tmp_path, pki_folder, poll_seconds=0.2, timeout_seconds=2) as made:
        yield made


async def held(site: AxisSite, number: str) -> tuple[str, list[str]]:
    """A document whose answer was lost, and which somebody else has sent, too: its delivery, the ids it may be."""
    content = document(PROVINCE, [MINISTRY], number=number)
    twin = (await site.axis.client(SYSTEM).send(content))["DocId"]
    await site.axis.order("cut_after", operations=["sendEdoc"], calls=1)
    async with site.client(PROVINCE) as province:
        accepted = await province.submit(content)
    (line,) = accepted.deliveries
    await site.until("SELECT 1 FROM delivery WHERE id = ? AND reason = 'outcome_ambiguous'", line.id)
    sent = {entry["senderDocId"] for entry in await site.axis.client(SYSTEM).sent() if number in entry["notation"]}
    return line.id, [str(twin), *sorted(sent - {twin})]


async def adopt(site: AxisSite, delivery: str, peer_id: str, *more: str) -> tuple[int, str]:
    words = ("adopt", delivery, "--peer-id", peer_id, "--reason", "the axis's operator says so", *more)
    return await site.command(*words)


async def test_id_that_a_person_names_is_checked_and_statuses_then_move_the_delivery(site: AxisSite) -> None:
    """Not one that the axis does not list, nor another's; then it is relayed, and the books agree."""
    await site.start()
    delivery, (twin, mine) = await held(site, "501")
    other = (await site.axis.client(SYSTEM).send(document(PROVINCE, [MINISTRY], number="777")))["DocId"]
    for wrong, code in (("999999", "peer_ref_unknown"), (str(other), "peer_ref_differs")):
        exit_code, out = await adopt(site, delivery, wrong)
        assert (exit_code != 0, code in out) == (True, True), out
    assert site.rows("SELECT state FROM delivery WHERE id = ?", delivery) == [("held",)]
    exit_code, out = await adopt(site, delivery, mine)
    assert (exit_code, "axis lists it" in out) == (0, True), out
    row = site.rows("SELECT state, peer_ref, reason FROM delivery WHERE id = ?", delivery)
    assert row == [("relayed", mine, "adopted_by_operator")]
    ((actor, leaf),) = site.rows("SELECT actor, leaf FROM event WHERE kind = 'delivery.adopted'")
    assert actor.startswith("operator:")
    assert json.loads(leaf)["facts"]["peer_ref"] == mine
    assert (await adopt(site, delivery, twin))[0] != 0  # it has one by now
    told = await site.axis.client(MINISTRY).send(status(MINISTRY, "03", sender=PROVINCE, number="501"), "status")
    assert told["status"] == "OK", told
    await site.until("SELECT 1 FROM delivery WHERE id = ? AND state = 'acknowledged'", delivery)
    second, _ = await held(site, "502")
    exit_code, out = await adopt(site, second, mine, "--unchecked")
    assert (exit_code != 0, "peer_ref_taken" in out, delivery in out) == (True, True, True), out
    exit_code, out = await site.command("fsck", "--json")
    assert exit_code == 0, out
    today = datetime.now(VIETNAM).date().isoformat()
    exit_code, out = await site.command("reconcile", "axis", "--day", today, "--json")
    report = json.loads(out)["outgoing"]
    assert report["numbers"]["recipients_here"] == 1
    assert not report["findings"]["missing_there"]["count"]


async def test_axis_that_cannot_be_asked_adopts_nothing_unless_somebody_vouches(site: AxisSite) -> None:
    """With its reason; and what is no intermediary's has no such id."""
    await site.start()
    delivery, (_, mine) = await held(site, "503")
    await site.axis.order("html", operations=["getSentEdocList"])
    exit_code, out = await adopt(site, delivery, mine)
    assert (exit_code, "--unchecked" in out) == (1, True), out
    exit_code, out = await adopt(site, delivery, mine, "--unchecked", "--json")
    assert (exit_code, json.loads(out)["checked"]) == (0, "not_asked"), out
    await site.axis.calm()
    async with site.client(PROVINCE) as province:
        accepted = await province.submit(document(PROVINCE, [COMMUNE, PUSHED], number="504"))
    for line in accepted.deliveries:
        exit_code, out = await adopt(site, line.id, mine, "--unchecked")
        assert (exit_code != 0, "state_forbids" in out) == (True, True), out
    exit_code, out = await adopt(site, "0193", mine)
    assert (exit_code != 0, "delivery_unknown" in out) == (True, True), out
    exit_code, out = await adopt(site, delivery, "có dấu")
    assert (exit_code != 0, "peer_id" in out) == (True, True), out
