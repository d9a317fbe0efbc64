"""A number with a link is the number of what the link opens."""

from __future__ import annotations

import html
import re
from datetime import datetime, time, timedelta

import pytest

from gateway.accounts.roles import Role
from gateway.admin import urgent
from gateway.admin.refusals import first_day, refusals
from gateway.clock import VIETNAM, micros
from gateway.directory.endpoint_changes import PauseEndpoint, PauseEndpointOperation
from gateway.directory.importer import import_agencies
from gateway.model import EndpointId
from tests.console.site import Site
from tests.console.test_channels import WHY, channel_id
from tests.journeys.installation import COMMUNE, MINISTRY, PROVINCE
from tests.journeys.messages import document

pytestmark = pytest.mark.asyncio(loop_scope="module")
OTHER = "000.00.41.G99"


async def test_refusals_of_the_first_day_count_from_its_midnight_as_their_list_does(site: Site) -> None:
    """Whatever the hour is now: what was refused when that day began counts, what was just before does not."""
    base = site.base
    now = base.clock.now()
    midnight = datetime.combine(first_day(now), time(), VIETNAM)
    async with site.installation.client(PROVINCE) as province:
        for number, at in (("1", midnight), ("2", midnight - timedelta(microseconds=1)), ("3", now)):
            made = await province.submit(document(PROVINCE, [COMMUNE], number=number))
            statement = "UPDATE delivery SET state = 'refused', reason = 'peer_refused', state_at = ? WHERE id = ?"
            await base.writer.fetch(statement, (micros(at), made.deliveries[0].id))
    office = (await base.directory.require(COMMUNE, now)).id
    key = await channel_id(site, "commune")
    evening = datetime.combine(now.astimezone(VIETNAM).date(), time(23, 59), VIETNAM)
    for hour in (evening - timedelta(hours=23), evening):
        found = await refusals(base, hour)
        assert (found.by_channel[key].count, found.by_office[office].count) == (2, 2)
    viewer = await site.signed_in(Role.VIEWER)
    for path in (f"/channels/{key}", f"/offices/{office}", "/offices"):
        told = re.search(r'href="(/ledger[^"]+)">(\d+) bị từ chối', (await viewer.get(path)).text)
        assert told is not None, path
        listed = (await viewer.get(html.unescape(told[1]))).text
        assert (listed.count('<tr id="line-'), told[2]) == (2, "2"), path


async def test_waiting_of_a_lane_tells_transmissions_and_links_the_number_of_deliveries(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One transmission may be for several offices; who of them has it already waits no more, and is not called."""
    base, now = site.base, site.base.clock.now()
    key = EndpointId(await channel_id(site, "axis"))
    rows = f"organ_id,name,kind,endpoint\n{OTHER},Ủy ban Dân tộc,ministry,axis\n"
    report = await import_agencies(
        base.directory, base.pump, base.readers, rows.encode(), actor="operator:test", now=now
    )
    assert not report.problems, report.problems
    pause = PauseEndpoint(endpoint_id=key, until=now + timedelta(days=1), why=WHY, actor="operator:test", now=now)
    await base.directory.apply(base.pump, PauseEndpointOperation(), pause)
    async with site.installation.client(PROVINCE) as province:
        both = await province.submit(document(PROVINCE, [MINISTRY, OTHER], number="11", priority=4))
        await province.submit(document(PROVINCE, [MINISTRY, OTHER], number="12", priority=4))
        await province.submit(document(PROVINCE, [MINISTRY], number="13"))
    had = "UPDATE delivery SET state = 'delivered' WHERE id = ?"
    await base.writer.fetch(had, (both.deliveries[1].id,))
    viewer = await site.signed_in(Role.VIEWER)
    page = (await viewer.get(f"/channels/{key}")).text
    cells = re.findall(
        r'class="nowrap">(hỏa tốc|thường)</th><td class="number">(\d+)<br><a [^>]*href="([^"]+)">(\d+) ', page
    )
    assert [(lane, waiting, lines) for lane, waiting, _, lines in cells] == [
        ("hỏa tốc", "2", "3"),
        ("thường", "1", "1"),
    ]
    for _, _, link, lines in cells:
        assert (await viewer.get(html.unescape(link))).text.count('<tr id="line-') == int(lines)
    for found in (await urgent.of_channel(base, key), await urgent.everywhere(base)):
        waiting = sorted(call.line.code for call in found.calls)
        assert waiting == ["11/UBND-VP", "12/UBND-VP", "12/UBND-VP"]
    monkeypatch.setattr(urgent, "MOST", 1)
    page = (await viewer.get(f"/channels/{key}")).text
    told = re.search(r'sổ giao nhận có đủ (\d+)[^<]*</strong> <a href="([^"]+)"', page)
    assert told is not None
    listed = (await viewer.get(html.unescape(told[2]))).text
    assert (listed.count('<tr id="line-'), told[1]) == (3, "3")
