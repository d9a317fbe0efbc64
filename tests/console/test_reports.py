"""Reports as pages: the figures of the service, printable, as a workbook, in both languages."""

from __future__ import annotations

import asyncio
import io
import re
from datetime import timedelta

import openpyxl
import pytest
import pytest_asyncio

from gateway.accounts.roles import Role
from gateway.console.charts import MOST, Column, columns, rows
from tests.console.site import Site
from tests.journeys.installation import COMMUNE, PROVINCE
from tests.journeys.messages import document

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sent(site: Site) -> None:
    """One document is in the ledger."""
    async with site.installation.client(PROVINCE) as province:
        await province.submit(document(PROVINCE, [COMMUNE]))


@pytest.mark.usefixtures("sent")
async def test_page_shows_the_period_in_words_and_pictures(site: Site) -> None:
    """What is counted stands there, with diagrams that a screen reader has a name for."""
    viewer = await site.signed_in(Role.VIEWER)
    page = await viewer.get("/reports")
    assert page.status == 200, page.text
    assert page.text.count('<svg class="bars ') == 4, "each for a broad and a slim window"
    assert page.text.count('role="img" aria-label="') == 4
    assert "Văn bản phát hành" in page.text
    assert '<th scope="row">UBND xã Một (commune)</th>' in page.text
    assert re.search(r'<div class="figure">1</div>', page.text)
    assert "style=" not in page.text


async def test_period_without_documents_says_so(site: Site) -> None:
    viewer = await site.signed_in(Role.VIEWER)
    page = await viewer.get("/reports?from=2001-01-01&to=2001-01-31")
    assert page.status == 200
    assert "Không có văn bản nào được tiếp nhận" in page.text


@pytest.mark.parametrize("query", ["from=never", "from=2026-02-01&to=2026-01-01", "to=0001-01-01"])
async def test_days_that_are_none_are_refused(site: Site, query: str) -> None:
    viewer = await site.signed_in(Role.VIEWER)
    assert (await viewer.get(f"/reports?{query}")).status == 422


@pytest.mark.usefixtures("sent")
async def test_workbook_is_that_of_the_page(site: Site) -> None:
    auditor = await site.signed_in(Role.AUDITOR)
    address = site.origin + "/reports/report.xlsx"
    async with auditor.session.get(address) as answer:
        assert answer.status == 200
        assert "attachment" in answer.headers["Content-Disposition"]
        book = openpyxl.load_workbook(io.BytesIO(await answer.read()))
    assert "Theo cơ quan" in book.sheetnames


@pytest.mark.usefixtures("sent")
async def test_report_that_takes_long_fills_its_page_by_itself(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page says how far it is, asks again, and is led to the one that is kept; the workbook is of the same."""
    monkeypatch.setattr("gateway.console.reports._PATIENCE", timedelta())
    viewer = await site.signed_in(Role.VIEWER)
    address = "/reports?from=2020-01-01&to=2026-12-31"
    page = await viewer.get(address)
    assert page.status == 200
    assert "Đang lập báo cáo" in page.text
    assert f'hx-get="{address.replace("&", "&amp;")}"' in page.text
    async with asyncio.timeout(60):
        while (asked := await viewer.get(address, HX_Request="true")).status != 204:
            assert "<progress" in asked.text
    assert asked.headers["HX-Redirect"] == address
    shown = await viewer.get(address)
    assert re.search(r'<div class="figure">1</div>', shown.text)
    made_at = re.search(r"Lập lúc[^.]*", shown.text)
    assert made_at is not None
    assert made_at[0] in (await viewer.get(address)).text, "it was made twice"
    assert (await viewer.get(address.replace("/reports", "/reports/report.xlsx"))).status == 200
    assert (await viewer.get(f"{address}&anew=1")).location == address
    assert "Đang lập báo cáo" in (await viewer.get(address)).text


async def test_clerk_sees_no_report_of_everybody(site: Site) -> None:
    clerk = await site.signed_in(Role.CLERK)
    assert (await clerk.get("/reports")).status == 403
    assert (await clerk.get("/reports/report.xlsx")).status == 403


async def test_diagram_adds_up_what_is_too_much_to_draw() -> None:
    """No bar is left out; names are escaped."""
    drawn = columns("<b>", [Column(f"<{at}>", 2, 1) for at in range(3 * MOST)])
    assert drawn.count("<rect") == 2 * 2 * MOST, "for a broad and a slim window"
    assert "<b>" not in drawn
    assert "&lt;0&gt;" in drawn
    assert rows("none", []).count("<rect") == 0
