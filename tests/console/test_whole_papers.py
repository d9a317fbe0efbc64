"""Papers and lists leave nothing out without a word: all of it is there, or how much is not, and where it is."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

import pytest

from gateway.accounts.roles import Role
from gateway.admin import incidents, mass, queues, watching
from gateway.admin.acts import (
    ActOnDeliveries,
    PauseChannel,
    ResumeChannel,
    act_on_deliveries,
    pause_channel,
    resume_channel,
)
from gateway.admin.mass import MassAct
from gateway.directory.importer import import_agencies
from gateway.eligibility import ActName
from tests.bundle.test_certificate_pdf import text_of
from tests.console.site import LOGINS, Browser, Site
from tests.console.test_channels import WHY, channel_id
from tests.journeys.installation import COMMUNE, PROVINCE
from tests.journeys.messages import document

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def as_page_and_file(site: Site, browser: Browser, path: str) -> tuple[str, str]:
    """A paper in both forms; of the file what a reader copies out, without blanks."""
    page = (await browser.get(path)).text
    async with browser.session.get(f"{site.origin}{path}.pdf") as answer:
        return page, "".join(text_of(await answer.read()).split())


async def operator(site: Site) -> str:
    """Who acts."""
    return (await site.base.users.require(LOGINS[Role.OPERATOR])).actor


async def test_handover_names_every_act_however_many_and_counts_what_one_act_is_about(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Page and file alike; beyond what a paper holds it says how many are left out, and where they are."""
    async with site.installation.client(PROVINCE) as province:
        sent = [await province.submit(document(PROVINCE, [COMMUNE], number=f"{number}")) for number in range(12)]
    ids, actor = [each.deliveries[0].id for each in sent], await operator(site)
    for number in range(104):
        act: Literal["hold", "release"] = "release" if number % 2 else "hold"
        asked = ActOnDeliveries(act=act, deliveries=ids[:1], reason=f"lý do số {number}.")
        await act_on_deliveries(site.app, asked, actor)
    monkeypatch.setattr(watching, "_PORTION", 7)
    for some in (ids[:6], ids[6:]):
        await mass.act(site.app, MassAct(act=ActName.HOLD, deliveries=some, reason="cả một lượt"), actor)
    browser = await site.signed_in(Role.VIEWER)
    page, file = await as_page_and_file(site, browser, "/shift")
    for number in range(104):
        assert f"lý do số {number}." in page
        assert f"lýdosố{number}." in file
    [told] = [each for each in page.split("<li") if "cả một lượt" in each]
    assert "(12)" in told
    assert "và 2 lượt gửi khác" in told
    done = await watching.done_by_people(site.base, site.base.clock.now() - timedelta(hours=8))
    assert len(done) >= 105
    most = next(place for place, each in enumerate(done) if each.why == "lý do số 4.") + 1
    monkeypatch.setattr(watching, "NAMED", most)
    page, file = await as_page_and_file(site, browser, "/shift")
    count = len(done) - most
    left = f"Còn {count} mục không có trên giấy này. Mỗi thao tác đều có trên trang văn bản của nó."
    assert left in page
    assert "".join(left.split()) in file
    assert "lý do số 4." in page
    assert "lý do số 5." not in page


async def test_incident_names_every_office_and_document_and_says_what_was_not_gone_through(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also beyond two hundred offices."""
    base, codes = site.base, [f"000.00.{number}.G77" for number in range(205)]
    rows = "".join(f"{code},Cục số {number}.,ministry,axis\n" for number, code in enumerate(codes))
    report = await import_agencies(
        base.directory,
        base.pump,
        base.readers,
        f"organ_id,name,kind,endpoint\n{rows}".encode(),
        actor="operator:test",
        now=base.clock.now(),
    )
    assert not report.problems, report.problems
    until = base.clock.now() + timedelta(days=1)
    await pause_channel(site.app, PauseChannel(target="axis", until=until, reason=WHY), "operator:test")
    async with site.installation.client(PROVINCE) as province:
        for number, some in enumerate((codes, codes[:1], codes[:1])):
            await province.submit(document(PROVINCE, some, number=f"77{number}"))
    browser, path = await site.signed_in(Role.VIEWER), f"/channels/{await channel_id(site, 'axis')}/incident"
    page, file = await as_page_and_file(site, browser, path)
    for number in range(205):
        assert f"Cục số {number}." in page
        assert f"Cụcsố{number}." in file
    assert "+" not in page.partition("Số lần gửi")[2].partition("</ul>")[0]
    monkeypatch.setattr(watching, "NAMED", 2)
    monkeypatch.setattr(incidents, "NAMED", 2)
    page, file = await as_page_and_file(site, browser, path)
    for left in ("Còn 203 mục không có trên giấy này.", "Còn 1 mục không có trên giấy này."):
        told = f"{left} Sổ giao nhận, lọc theo kênh này, có đủ phần còn lại."
        assert told in page
        assert "".join(told.split()) in file
    monkeypatch.setattr(incidents, "COUNTED", 1)
    page, file = await as_page_and_file(site, browser, path)
    assert "</strong>: 1+" in page
    assert page.count("Có nhiều việc hơn số đã xem qua") == 3
    assert file.count("Cónhiềuviệchơnsốđãxemqua") == 3
    await resume_channel(site.app, ResumeChannel(target="axis", reason=WHY), "operator:test")


async def test_handover_says_of_channels_proposals_and_problems_that_there_are_more(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A count that is no more than the least has a plus, on the page of problems, too."""
    for _ in range(3):
        until = site.base.clock.now() + timedelta(days=1)
        await pause_channel(site.app, PauseChannel(target="pushed", until=until, reason=WHY), "operator:test")
        await resume_channel(site.app, ResumeChannel(target="pushed", reason=WHY), "operator:test")
    async with site.installation.client(PROVINCE) as province:
        sent = [await province.submit(document(PROVINCE, [COMMUNE], number=f"8{number}")) for number in range(5)]
    ids, actor = [each.deliveries[0].id for each in sent], await operator(site)
    for number in range(2):
        asked = MassAct(act=ActName.CANCEL, deliveries=ids[number : number + 1], reason=f"đề nghị {number}")
        await mass.propose(site.app, asked, actor)
    await mass.act(site.app, MassAct(act=ActName.QUARANTINE, deliveries=ids[2:], reason=WHY), actor)
    browser = await site.signed_in(Role.VIEWER)
    page = (await browser.get("/shift")).text
    assert "không có trên giấy này" not in page
    assert "<strong>Bị cách ly</strong>: 3</li>" in page
    monkeypatch.setattr(watching, "EVENTS", 2)
    monkeypatch.setattr(watching, "NAMED", 1)
    monkeypatch.setattr(queues, "MOST", 3)
    monkeypatch.setattr("gateway.console.requests.MOST", 2)
    page, file = await as_page_and_file(site, browser, "/shift")
    for told in (
        "không có trên giấy này; các sự kiện của sổ vẫn lưu.",
        "Còn những mục khác không có trên giấy này. Chúng hiện ra ở trang chờ người thứ hai",
        "Bị cách ly: 3+",
    ):
        assert told in page.replace("<strong>", "").replace("</strong>", "")
        assert "".join(told.split()) in file
    shown = (await browser.get("/queues?show=quarantined")).text
    assert '<span class="quiet">3+</span>' in shown
    waiting = (await browser.get("/requests")).text
    assert '<span class="quiet">2+</span>' in waiting
    assert "Một lần chỉ xem được chừng này" in waiting
