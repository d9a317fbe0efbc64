"""Reports as pages: the figures of the service, printable, as a workbook, in both languages."""

from __future__ import annotations

import asyncio
import io
import re
from datetime import date, timedelta
from typing import Any

import lxml.html
import msgspec
import openpyxl
import pytest
import pytest_asyncio

from gateway.accounts.roles import Role
from gateway.clock import VIETNAM
from gateway.console.charts import MOST, Column, columns, rows
from gateway.console.reports import Timeline
from gateway.reports.book import PARTS
from gateway.reports.comparing import COLUMNS, TIMES
from gateway.reports.figures import Day, Figures
from gateway.reports.making import make_report
from gateway.reports.periods import Period
from gateway.reports.words import word
from tests.console.site import Site
from tests.journeys.installation import COMMUNE, PROVINCE
from tests.journeys.messages import document
from tests.unit.operate.test_reporting import report as nothing

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sent(site: Site) -> None:
    """One document is in the ledger, to which nobody has answered in time."""
    async with site.installation.client(PROVINCE) as province:
        await province.submit(document(PROVINCE, [COMMUNE], due=date(2026, 1, 5)))


@pytest.mark.usefixtures("sent")
async def test_page_shows_the_period_in_words_and_pictures(site: Site) -> None:
    """What is counted stands there, with diagrams that a screen reader has a name for."""
    viewer = await site.signed_in(Role.VIEWER)
    page = await viewer.get("/reports")
    assert page.status == 200, page.text
    assert page.text.count('<svg class="bars ') == 6, "each for a broad and a slim window"
    assert page.text.count('role="img" aria-label="') == 6
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


def _figure(figures: Figures, key: str) -> object:
    """What a column of the workbook is to hold."""
    if key in TIMES:
        name, _, which = key.rpartition("_")
        return getattr(getattr(figures, name), which)
    return getattr(figures.due, key[4:]) if key.startswith("due_") else getattr(figures, key)


@pytest.mark.usefixtures("sent")
async def test_every_number_of_page_and_workbook_is_the_reports(site: Site) -> None:
    """Row by row, each under its heading; what is not counted of a channel is a dash, no zero."""
    base, auditor = site.base, await site.signed_in(Role.AUDITOR)
    today = base.clock.now().astimezone(VIETNAM).date()
    span = {"from": today.isoformat(), "to": today.isoformat()}
    query = "&".join(f"{name}={day}" for name, day in span.items())
    assert (await auditor.get(f"/reports?{query}&anew=1")).status == 303
    report = await make_report(base.readers, base.directory, Period(first=today, last=today), now=base.clock.now())
    page: Any = lxml.html.fromstring((await auditor.get(f"/reports?{query}")).text)
    async with auditor.session.get(f"{site.origin}/reports/report.xlsx?{query}") as answer:
        book = openpyxl.load_workbook(io.BytesIO(await answer.read()))
    vi = {word(key, "vi"): key for key in COLUMNS} | {word("due_missed", "vi"): "due_missed"}
    for part in ("agencies", *PARTS):
        wanted = [each.figures for each in getattr(report, part)]
        assert any(each.due.overdue for each in wanted), part
        (table,) = page.xpath(f"//table[normalize-space(caption)='{word(part, 'vi')}']")
        heads = [each.text_content().strip() for each in table.xpath(".//thead//th")]
        for row, figures in zip(table.xpath(".//tbody/tr"), wanted, strict=True):
            cells = [each.text_content().strip() for each in row.xpath("./*")]
            for head, cell in zip(heads, cells, strict=True):
                key = vi.get(head, "")
                if key and key not in TIMES:
                    is_dash = part == "channels" and key in {"documents", "sent"}
                    assert cell == ("–" if is_dash else str(_figure(figures, key))), (part, head)
        first, *rest = book[word(part, "vi")].iter_rows(values_only=True)
        for cells, figures in zip(rest, wanted, strict=True):
            told = {vi[str(head)]: cell for head, cell in zip(first, cells, strict=True) if head in vi}
            assert set(told) == set(COLUMNS)
            for key, cell in told.items():
                value = _figure(figures, key)
                is_blank = part == "channels" and key in {"documents", "sent"}
                seen = cell.total_seconds() if isinstance(cell, timedelta) else cell
                assert seen == (None if is_blank else value), (part, key)


@pytest.mark.usefixtures("sent")
async def test_report_that_takes_long_fills_its_page_by_itself(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page says how far it is, asks again, and is led to the one that is kept; the workbook is of the same."""
    monkeypatch.setattr("gateway.console.reports._PATIENCE", timedelta())
    viewer = await site.signed_in(Role.VIEWER)
    tomorrow = site.base.clock.now().astimezone(VIETNAM).date() + timedelta(days=1)
    address = f"/reports?from=2020-01-01&to={tomorrow}"
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


@pytest.mark.usefixtures("sent")
async def test_period_has_a_name_and_is_held_against_another(site: Site) -> None:
    """The one before where nothing is said; whatever is chosen goes along to the next page and the workbook."""
    viewer = await site.signed_in(Role.VIEWER)
    page: Any = lxml.html.fromstring((await viewer.get("/reports?from=2026-04-01&to=2026-06-30")).text)
    text = page.text_content()
    assert "Quý II năm 2026" in text
    assert "So với kỳ 01/01/2026 – 31/03/2026" in text
    page = lxml.html.fromstring((await viewer.get("/reports?from=2025-12-15&to=2026-06-14&with=year")).text)
    text = page.text_content()
    assert "6 tháng đầu năm 2026, chốt số liệu ngày 14" in text
    assert "So với kỳ 15/12/2024 – 14/06/2025" in text
    links = [each for each in page.xpath("//main//a/@href") if each.startswith("/reports")]
    assert len(links) > 10
    assert [each for each in links if not each.endswith(("&with=year", "&with=year&anew=1"))] == []
    page = lxml.html.fromstring((await viewer.get("/reports?from=2026-01-01&to=2026-06-30")).text)
    assert "31/12/2025" not in page.text_content(), "a long one takes long enough without"
    page = lxml.html.fromstring((await viewer.get("/reports?with=none")).text)
    assert not page.xpath("//th[normalize-space()='Kỳ so sánh']")
    assert page.xpath("//table[normalize-space(caption)='Trả lời trễ hoặc quá hạn']//th[@scope='row']")
    assert (await viewer.get("/reports?with=never")).status == 422


@pytest.mark.parametrize(
    ("days", "key", "names"),
    [
        (31, "days", ["01/01", "02/01"]),
        (181, "weeks", ["01/01", "05/01"]),
        (2 * 365, "months", ["01/2026", "02/2026"]),
    ],
)
async def test_diagram_is_by_days_weeks_or_months(days: int, key: str, names: list[str]) -> None:
    """Whatever fits; a day without documents has its place, and nothing is lost."""
    first = date(2026, 1, 1)
    found = [Day(day=first + timedelta(days=at), documents=1, lines=at % 3, arrived=0) for at in range(days)]
    report = msgspec.structs.replace(nothing(), first=first, last=found[-1].day, days=found)
    timeline = Timeline.of(report)
    assert timeline.key == key
    assert [name for name, _ in timeline.spans][:2] == names
    assert len(timeline.spans) <= MOST
    assert sum(each.lines for _, each in timeline.spans) == sum(each.lines for each in found)


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
