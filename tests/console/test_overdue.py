"""Answers past their due date: the page shows those that the overview counts, and names the documents."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest

from gateway.accounts.roles import Role
from gateway.clock import VIETNAM
from gateway.edxml.envelope import ResponseFor
from tests.console.site import Site
from tests.journeys.installation import COMMUNE, PROVINCE
from tests.journeys.messages import document, document_id

pytestmark = pytest.mark.asyncio(loop_scope="module")


def due(site: Site, days: int) -> date:
    """So many days ago."""
    return site.base.clock.now().astimezone(VIETNAM).date() - timedelta(days=days)


async def test_number_on_the_overview_is_that_of_its_page(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was due long ago, is due yet or was answered late is in neither, though the report counts it."""
    monkeypatch.setattr("gateway.console.outlook._DUE_FRESH", timedelta())
    async with site.installation.client(PROVINCE) as province, site.installation.client(COMMUNE) as commune:
        for number, ago in (("1801", 20), ("1802", 15), ("1803", 40), ("1804", 20), ("1805", -5)):
            await province.submit(document(PROVINCE, [COMMUNE], number=number, due=due(site, ago)))
        named = ResponseFor(organ_id=PROVINCE, document_id=document_id(PROVINCE, "1804"))
        await commune.submit(document(COMMUNE, [PROVINCE], number="1806", answers=named))
    viewer = await site.signed_in(Role.VIEWER)
    card = (await viewer.get("/overview/now")).text
    assert "2 văn bản đã quá hạn trả lời" in card
    (linked,) = re.findall(r'<a class="button" href="(/reports[^"]*)"', card)
    page = (await viewer.get(linked)).text
    assert "2 văn bản đã quá hạn trả lời" in page
    ((path, count),) = re.findall(
        r'href="(/reports/overdue\?office=[^"]+)".*?<td class="number"[^>]*>(\d+)</td>', page
    )
    assert count == "2"
    office = (await viewer.get(path)).text
    assert re.findall(r">(18\d\d)/UBND-VP</a>", office) == ["1801", "1802"], "the earliest first"
    (told,) = re.findall(r'href="(/documents/[^"]+)">1801/', office)
    assert "UBND xã Một" in (await viewer.get(told)).text
    assert "văn bản nữa, đến hạn sau đó" not in office
    monkeypatch.setattr("gateway.console.overdue._SHOWN", 1)
    office = (await viewer.get(path)).text
    assert ("1801/" in office, "1802/" in office) == (True, False)
    assert "và 1 văn bản nữa, đến hạn sau đó" in office
    monkeypatch.setattr("gateway.console.overdue._COUNTED", 2)
    assert "và 1+ văn bản nữa, đến hạn sau đó" in (await viewer.get(path)).text


async def test_unknown_office_has_no_page_and_one_that_owes_nothing_an_empty_one(site: Site) -> None:
    """Both in words."""
    viewer = await site.signed_in(Role.VIEWER)
    assert (await viewer.get("/reports/overdue?office=nobody")).status == 404
    office = await site.base.directory.require(PROVINCE, site.base.clock.now())
    page = await viewer.get(f"/reports/overdue?office={office.id}")
    assert (page.status, "Không có văn bản nào quá hạn trả lời" in page.text) == (200, True)
