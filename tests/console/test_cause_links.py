"""A cause on the overview, its link into the ledger and what its button rehearses are the same deliveries."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qsl

import pytest

from gateway.accounts.roles import Role
from gateway.admin.acts import ActOnDeliveries, act_on_deliveries
from gateway.clock import micros
from gateway.console.outlook import Outlooks
from gateway.search.filter import parse
from gateway.search.lines import Search
from tests.console.site import Site
from tests.journeys.installation import COMMUNE, PROVINCE
from tests.journeys.messages import document, status

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def _refused(site: Site, number: str, reason: str | None, days_ago: int) -> None:
    """A document that its office's system refused then, as the ledger has it."""
    async with site.installation.client(PROVINCE) as province:
        made = await province.submit(document(PROVINCE, [COMMUNE], number=number))
    at = micros(site.base.clock.now() - timedelta(days=days_ago))
    statement = "UPDATE delivery SET state = 'refused', reason = ?, state_at = ? WHERE id = ?"
    await site.base.writer.fetch(statement, (reason, at, made.deliveries[0].id))


async def test_cause_counts_what_its_link_shows_and_its_button_acts_on(site: Site) -> None:
    """Neither another reason, nor what was refused long ago; a status that is held is found, too."""
    for number, reason, days in (
        ("1", "peer_refused", 0),
        ("2", "too_large_for_peer", 0),
        ("3", "peer_refused", 200),
    ):
        await _refused(site, number, reason, days)
    await _refused(site, "4", None, 1)
    await _refused(site, "6", "of_another_release", 1)
    async with site.installation.client(PROVINCE) as province, site.installation.client(COMMUNE) as commune:
        await province.submit(document(PROVINCE, [COMMUNE], number="5"))
        told = await commune.post_status(status(COMMUNE, "03", sender=PROVINCE, number="5"))
    hold = ActOnDeliveries(act="hold", deliveries=[each.id for each in told.deliveries], reason="for the test")
    await act_on_deliveries(site.app, hold, "operator:test")
    troubles, more = await Outlooks(site.app)._troubles(site.base.clock.now())
    assert more == 0
    counted = {(each.state, each.code): each.count for each in troubles}
    assert counted == {
        ("refused", "peer_refused"): 1,
        ("refused", "too_large_for_peer"): 1,
        ("refused", ""): 1,
        ("refused", "of_another_release"): 1,
        ("held", "held_by_operator"): 1,
    }
    browser, search = await site.signed_in(Role.OPERATOR), Search(site.base.readers)
    for each in troubles:
        found = await search.count(parse(parse_qsl(each.these)), None)
        assert found.value == each.count, each
        page = (await browser.get(f"/ledger?{each.these}")).text
        assert page.count('<tr id="line-') == each.count
        act = "requeue" if each.state == "refused" else "release"
        rehearsed = await browser.post("/acts/rehearse", {"act": act, "filter": each.these, "back": "/"})
        assert rehearsed.status == 200, rehearsed.text
        assert f"{each.count} trong {each.count}" in rehearsed.text
