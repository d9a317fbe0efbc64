"""Lists of pages that stop at a limit say so, and where the rest is; whole ones say nothing of it."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest

from gateway.accounts.roles import Role
from gateway.clock import VIETNAM
from gateway.edxml.envelope import BusinessType, ResponseFor
from gateway.ledger.alarms import Alarm, Looked, LookedOperation, NewAlarm
from gateway.maintenance.indexer import Indexer
from tests.console.site import Site
from tests.console.test_alerts import alerted, taken
from tests.journeys.installation import COMMUNE, PROVINCE, PUSHED
from tests.journeys.messages import document, document_id, status

pytestmark = pytest.mark.asyncio(loop_scope="module")

MORE_AT_ONCE = "Một lần chỉ xem được chừng này"


async def indexed(site: Site) -> None:
    """The ledger finds what was sent."""
    await Indexer(site.base.readers, site.base.pump, site.base.clock).run_once()


async def test_answers_beyond_those_shown_are_counted_and_lead_to_the_ledger(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number above the list is of all of them; a plus where not even they were all looked at."""
    async with site.installation.client(PROVINCE) as province, site.installation.client(COMMUNE) as commune:
        asked = await province.submit(document(PROVINCE, [COMMUNE], number="1700"))
        named = ResponseFor(organ_id=PROVINCE, document_id=document_id(PROVINCE, "1700"))
        for number in ("1701", "1702", "1703"):
            await commune.submit(document(COMMUNE, [PROVINCE], number=number, answers=named))
    await indexed(site)
    viewer = await site.signed_in(Role.VIEWER)
    page = (await viewer.get(f"/documents/{asked.id}")).text
    assert (">3 văn bản trả lời<" in page, "văn bản trả lời nữa" in page) == (True, False)
    monkeypatch.setattr("gateway.console.document_links.MOST_REPLIES", 1)
    page = (await viewer.get(f"/documents/{asked.id}")).text
    assert ("1701/UBND-VP" in page, "1702/UBND-VP" in page) == (True, False)
    assert ">3 văn bản trả lời<" in page
    told = page.partition("và 2 văn bản trả lời nữa")[2]
    (ledger,) = re.findall(r'href="([^"]+)"', told.partition("</p>")[0])
    found = (await viewer.get(html.unescape(ledger))).text
    assert all(f"{number}/UBND-VP" in found for number in ("1701", "1702", "1703"))
    monkeypatch.setattr("gateway.console.document_links.MOST_COUNTED", 2)
    page = (await viewer.get(f"/documents/{asked.id}")).text
    assert ">2 văn bản trả lời+<" in page
    assert "và 1+ văn bản trả lời nữa" in page


async def test_documents_that_one_answers_are_shown_by_pages(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page says which of how many it shows, and leads to the next; live, too, and with the line that is open."""
    named = [
        ResponseFor(organ_id=COMMUNE, document_id=document_id(COMMUNE, str(each))) for each in range(1751, 1756)
    ]
    raw = document(PROVINCE, [COMMUNE], number="1750", answers=named[0], and_answers=named[1:])
    async with site.installation.client(PROVINCE) as province:
        made = await province.submit(raw)
    viewer, line = await site.signed_in(Role.VIEWER), made.deliveries[0].id
    address = f"/documents/{made.id}?line={line}"
    assert "ở đây tìm văn bản thứ" not in (await viewer.get(address)).text
    monkeypatch.setattr("gateway.console.document_links.MOST_NAMED", 2)
    for numbers in (["1751", "1752"], ["1753", "1754"], ["1755"]):
        page = (await viewer.get(html.unescape(address))).text
        assert f"trả lời 5 văn bản; ở đây tìm văn bản thứ {int(numbers[0]) - 1750}" in page
        (live,) = re.findall(r'hx-get="(/documents/[^"]+)"', page)
        for part in (page, (await viewer.get(html.unescape(live))).text):
            assert [each for each in map(str, range(1751, 1756)) if f"{each}/UBND-VP" in part] == numbers
        assert f"line={line}" in live
        found = re.findall(r'<a href="([^"]+)">Các văn bản tiếp theo</a>', page)
        address = found[0] if found else ""
    assert address == ""


async def test_reasons_of_recipients_beyond_those_named_are_counted(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With their lines, so that the table adds up; the ledger has each."""
    monkeypatch.setattr("gateway.reports.figures.SENTENCES", 1)
    async with site.installation.client(PROVINCE) as province, site.installation.client(COMMUNE) as commune:
        for number, why in (("1710", "gửi nhầm"), ("1711", "gửi nhầm"), ("1712", "thiếu tệp"), ("1713", "mờ")):
            await province.submit(document(PROVINCE, [COMMUNE], number=number))
            await commune.submit(status(COMMUNE, "02", sender=PROVINCE, number=number, description=why))
    await indexed(site)
    viewer = await site.signed_in(Role.VIEWER)
    today = site.base.clock.now().astimezone(VIETNAM).date()
    page = (await viewer.get(f"/reports?from={today}&to={today}&with=none")).text
    table = page.partition("Lý do nơi nhận từ chối (02)</caption>")[2].partition("</table>")[0]
    assert ("gửi nhầm" in table, "thiếu tệp" in table) == (True, False)
    assert "Lý do khác, ít gặp hơn: 2" in table
    assert re.findall(r'<td class="number">(\d+)</td>', table) == ["2", "2"]
    (ledger,) = re.findall(r'href="([^"]+)"', table)
    found = (await viewer.get(html.unescape(ledger))).text
    assert all(f"{number}/UBND-VP" in found for number in range(1710, 1714))


@pytest.mark.usefixtures("alarms_by_hand")
async def test_alerts_and_alarms_beyond_those_shown_are_told_of(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of alerts to offices, of open alarms and of those that are over, each by itself."""
    now = site.base.clock.now()
    opened = tuple(
        NewAlarm(rule="disk_soon", subject=f"disk {number}", is_flash=False, since=now, facts={"name": "x"})
        for number in range(3)
    )
    await site.base.pump.submit(LookedOperation(), Looked(now=now, told_from=now, opened=opened))
    rows = await site.base.readers.fetch("alarm_list_open", (99,))
    (over,) = [each.id for each in map(Alarm.of_row, rows) if each.subject == "disk 0"]
    await site.base.pump.submit(LookedOperation(), Looked(now=now, told_from=now, closed=(over,)))
    await alerted(site, "1720", 1)
    await alerted(site, "1721", 1)
    viewer = await site.signed_in(Role.VIEWER)
    cut = {
        "gateway.console.alerts._SHOWN": "lệnh gateway alerts list liệt kê thêm",
        "gateway.console.alarms.SHOWN": "Cùng lúc chỉ báo chừng ấy cảnh báo",
        "gateway.console.alarms._OVER": "lệnh gateway alarms history liệt kê thêm",
    }
    page = (await viewer.get("/alerts")).text
    assert [words for words in cut.values() if words in page] == []
    for limit, words in cut.items():
        with monkeypatch.context() as patch:
            patch.setattr(limit, 1)
            page = (await viewer.get("/alerts")).text
        assert [each for each in cut.values() if each in page] == [words]


async def test_offices_beyond_those_shown_are_told_of(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the way to the channels, of which all are listed."""
    viewer = await site.signed_in(Role.VIEWER)
    assert "Ở đây chỉ hiện" not in (await viewer.get("/offices")).text
    for place in ("gateway.admin.offices.MOST", "gateway.console.offices.MOST"):
        monkeypatch.setattr(place, 1)
    page = (await viewer.get("/offices")).text
    told = page.partition("Ở đây chỉ hiện 1 cơ quan")[2].partition("</p>")[0]
    assert 'href="/channels"' in told


async def test_requests_at_the_desk_beyond_those_shown_are_told_of(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clerk knows that there are more once these are answered."""
    clerk = await site.signed_in(Role.CLERK)
    async with site.installation.client(PROVINCE) as province:
        for number, about in (("1731", "1730"), ("1733", "1732")):
            made = await province.submit(document(PROVINCE, [COMMUNE], number=about))
            await clerk.get(f"/desk/in/{made.deliveries[0].id}")
            told = document_id(PROVINCE, about)
            await province.submit(
                document(PROVINCE, [COMMUNE], number=number, business=BusinessType.UPDATE, about=told)
            )
    page = (await clerk.get("/desk")).text
    assert ("Nơi gửi chờ trả lời" in page, MORE_AT_ONCE in page) == (True, False)
    monkeypatch.setattr("gateway.console.desk_inbox._PAGE", 1)
    assert MORE_AT_ONCE in (await clerk.get("/desk")).text


@pytest.mark.usefixtures("alarms_by_hand")
async def test_documents_to_telephone_about_beyond_those_shown_are_told_of(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not shown cannot be ticked."""
    await taken(site, "1740")
    await taken(site, "1741")
    now = site.base.clock.now()
    office = await site.base.directory.require(PUSHED, now)
    opened = NewAlarm(
        rule="flash_unconfirmed", subject=office.id, is_flash=True, since=now - timedelta(minutes=20), facts={}
    )
    await site.base.pump.submit(LookedOperation(), Looked(now=now, told_from=now, opened=(opened,)))
    rows = await site.base.readers.fetch("alarm_list_open", (99,))
    (alarm,) = [each.id for each in map(Alarm.of_row, rows) if each.rule == "flash_unconfirmed"]
    operator = await site.signed_in(Role.OPERATOR)
    page = (await operator.get(f"/alarms/{alarm}/telephoned")).text
    assert (page.count('name="delivery"'), MORE_AT_ONCE in page) == (2, False)
    for place in ("gateway.ledger.heard.MOST", "gateway.console.telephoned.MOST"):
        monkeypatch.setattr(place, 1)
    page = (await operator.get(f"/alarms/{alarm}/telephoned")).text
    assert (page.count('name="delivery"'), MORE_AT_ONCE in page) == (1, True)
