"""What who only reads comes for: reports and files to take along, walked by clicking in a real browser.

The walk is gone whole in Vietnamese and once more in English, over the same documents.
"""

from __future__ import annotations

import io
from datetime import datetime, timedelta

import openpyxl
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from gateway.accounts.roles import Role
from gateway.clock import VIETNAM
from tests.console.browsing import CHROMIUM
from tests.console.clicking import Speech, fill, menu, press, shown, signed_in, taken
from tests.console.site import Site
from tests.journeys.installation import COMMUNE, PROVINCE
from tests.journeys.messages import document

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]


#: Tables that are broader than their sheet.
_CUT_OFF = """() => [...document.querySelectorAll(".scroll")]
  .filter(each => each.scrollWidth > each.clientWidth).map(each => each.innerText.slice(0, 300))"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sent(site: Site) -> None:
    """Two documents, which each report of this month counts."""
    async with site.installation.client(PROVINCE) as province:
        for number in ("611", "612"):
            await province.submit(document(PROVINCE, [COMMUNE], number=number))


@pytest.mark.usefixtures("sent")
async def test_viewer_reports_for_a_period_and_takes_files_along(
    site: Site, whole_browser: Browser, speech: Speech
) -> None:
    """A period by a button and by days, diagrams, a workbook in the reader's language, the page as it prints."""
    said = speech.said
    async with signed_in(site, whole_browser, Role.VIEWER, language=speech.language) as page:
        await menu(page, "/reports")
        before = datetime.now(VIETNAM).date().replace(day=1) - timedelta(days=1)
        first = before.replace(day=1)
        await press(page, f"form.filters a.button:text-is('{said('Tháng này', 'This month')}')")
        await press(page, f"form.filters a.button:text-is('{said('Tháng trước', 'Last month')}')")
        month = said(f"{first:%d/%m/%Y} – {before:%d/%m/%Y}", f"{first:%d %b %Y} – {before:%d %b %Y}")
        await expect(page.locator("#content")).to_contain_text(month)
        await press(page, f"a.button:text-is('{said('← Kỳ trước', '← Period before')}')")
        await press(page, f"a.button:text-is('{said('Kỳ sau →', 'Next period →')}')")
        await expect(page.locator("#content")).to_contain_text(month)
        await page.select_option("[name=with]", "year")
        await press(page, "form.filters button")
        ago = first.replace(year=first.year - 1)
        year_ago = said(f"So với kỳ {ago:%d/%m/%Y}", f"Held against {ago:%d %b %Y}")
        await expect(page.locator("#content")).to_contain_text(year_ago)
        await page.select_option("[name=with]", "before")
        await press(page, "form.filters button")
        await press(page, f"form.filters a.button:text-is('{said('Năm nay', 'This year')}')")
        await expect(page.locator("div.card", has_text=said("Văn bản phát hành", "Issued"))).to_contain_text("2")
        await expect(page.locator("svg.bars.broad[role=img]")).to_have_count(2)
        legend = said("Nhạt: gửi đến; đậm: đã đến.", "Light: received; dark: arrived.")
        await expect(page.locator("#content")).to_contain_text(legend)
        by_agency = said("Theo cơ quan", "By agency")
        await expect(page.locator("caption", has_text=by_agency)).to_be_visible()
        book = openpyxl.load_workbook(io.BytesIO(await taken(page, "a[href*='report.xlsx']")))
        assert by_agency in book.sheetnames
        await press(page, "a[href*='anew=1']")
        await _printed(page)
        await fill(page, "form.filters", **{"from": "2001-01-01", "to": "2001-01-31"})
        await press(page, "form.filters button")
        nothing = said(
            "Không có văn bản nào được tiếp nhận trong kỳ này.", "No document was accepted in this period."
        )
        await expect(page.locator(".empty")).to_contain_text(nothing)
        await menu(page, "/ledger")
        assert b"611" in await taken(page, "a[href*='lines.csv']")
        assert (await taken(page, "a[href*='lines.xlsx']")).startswith(b"PK")
        await menu(page, "/channels")
        await press(page, "a[href='/shift']")
        await shown(page, "a[href*='shift.pdf']")
        await menu(page, "/channels")
        await press(page, "tbody tr:has-text('UBND xã Hai') th a")
        await press(page, "a[href$='/incident']")
        await page.fill("[name=since]", "2026-01-01T00:00")
        await press(page, "form.filters button")
        await shown(page, "a[href*='incident.pdf']")


async def _printed(page: Page) -> None:
    """Without what only a screen needs."""
    await page.evaluate("() => { window.print = () => { document.body.dataset.printed = 'yes'; }; }")
    await page.click("[data-print]")
    await expect(page.locator("body")).to_have_attribute("data-printed", "yes")
    await page.emulate_media(media="print")
    for part in (".menu", "header.bar", "form.filters", "[data-print]"):
        await expect(page.locator(part).first).to_be_hidden()
    await expect(page.locator("svg.bars.broad").first).to_be_visible()
    # as broad as the paper, within its margins: nothing is cut off
    await page.set_viewport_size({"width": 1039, "height": 700})
    assert await page.evaluate(_CUT_OFF) == []
    await page.evaluate("() => dispatchEvent(new Event('beforeprint'))")
    await expect(page.locator("details[data-printed]:not([open])")).to_have_count(0)
    assert (await page.pdf(prefer_css_page_size=True)).startswith(b"%PDF-")
    await page.evaluate("() => dispatchEvent(new Event('afterprint'))")
    await expect(page.locator("details[data-printed][open]")).to_have_count(0)
    await page.set_viewport_size({"width": 1440, "height": 900})
    await page.emulate_media(media="screen")
