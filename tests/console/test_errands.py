"""What people come to the console for all day, walked by clicking in a real browser.

One server, one browser; each walk is one person's. It begins in Vietnamese and goes on in English by the switch.
"""

from __future__ import annotations

import asyncio
import base64
import io
import re
import shutil
import zipfile
from datetime import datetime, timedelta
from pathlib import Path

import openpyxl
import pyotp
import pytest
from playwright.async_api import Browser, Page, expect

from gateway.accounts.roles import Role
from gateway.api import models
from gateway.clock import VIETNAM
from gateway.edxml.envelope import BusinessType
from gateway.inquiry import bulk
from gateway.ledger.alarms import Looked, LookedOperation, NewAlarm
from gateway.ledger.tree import LogReads
from gateway.maintenance.alarm_watch import AlarmWatch
from gateway.maintenance.registrar import Registrar
from gateway.observe import Metrics
from gateway.seal.trust import TrustPurpose
from gateway.verifying.command import main as verify
from tests.console.browsing import CHROMIUM, PATIENCE, opened, sign_in
from tests.console.clicking import english, file, fill, menu, press, send, shown, signed_in, taken
from tests.console.site import PASSWORD, Site
from tests.console.test_alerts import alerted
from tests.desk.lab import DeskLab, clerk_of
from tests.journeys.installation import AXIS, COMMUNE, MINISTRY, PROVINCE, PUSHED
from tests.journeys.messages import document, document_id, status
from tests.journeys.months import MonthOver
from tests.journeys.test_journey import until
from tests.journeys.test_log import signed
from tests.journeys.test_mass_acts import carried, states
from tests.unit.signatures.pdf_made import blank

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]

WHY = "thử nghiệm từng việc"


async def test_auditor_exports_in_bulk_verifies_and_compares_the_log(
    site: Site, browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page follows the export to its end; `gateway-verify` passes what was fetched; look-ups are on record."""
    async with site.installation.client(PROVINCE) as province, site.installation.client(COMMUNE) as commune:
        await province.submit(document(PROVINCE, [COMMUNE], number="601"))
        await commune.submit(document(COMMUNE, [PROVINCE], number="601"))
    await _close_today(site)
    add, last, held, made = bulk._add, asyncio.Event(), asyncio.Event(), list[str]()

    async def late(*given: object) -> None:
        """The last bundle's event is told long before the file is done."""
        await add(*given)  # type: ignore[arg-type]
        made.append("")
        if len(made) > 1:
            last.set()
            await held.wait()

    monkeypatch.setattr(bulk, "_add", late)
    async with signed_in(site, browser, Role.AUDITOR) as page:
        await menu(page, "/audit")
        await page.fill("[name=number]", "601 / ubnd–vp")
        await press(page, "form[action='/audit'] button.main")
        await expect(page.locator("article.card")).to_have_count(2)
        for place in (0, 1):  # one after the other, at once
            assert (await taken(page, f"article >> nth={place} >> button")).startswith(b"PK")
        await english(page)
        await press(page, "p.filters button")
        await expect(page.locator("progress")).to_be_visible()
        await asyncio.wait_for(last.wait(), PATIENCE / 1000)
        for _ in range(2):
            async with page.expect_response("**/audit/exports", timeout=PATIENCE):
                pass
        await expect(page.locator("#content")).to_contain_text("being made 1 / 2")
        held.set()
        await expect(page.locator("#content")).to_contain_text("finished 2 / 2", timeout=PATIENCE)
        archive = zipfile.ZipFile(io.BytesIO(await taken(page, "a[href='/audit/exports/file']")))
        archive.extractall(tmp_path / "bundles")
        bundles = sorted((tmp_path / "bundles").iterdir())
        assert [each.suffix for each in bundles] == [".asice"] * 2
        anchors = await asyncio.to_thread(_anchors, site, tmp_path / "anchors")
        assert await asyncio.to_thread(verify, [*map(str, bundles), "--anchors", str(anchors)]) == 0
        await press(page, "a[href='/audit/verify']")
        await page.set_input_files("[name=file]", [bundles[0]])
        await page.set_input_files("[name=anchors]", [anchors / "log.vkey", *(anchors / "seal").iterdir()])
        await press(page, "form.stack button.main")
        await expect(page.locator("section .badge.good").first).to_be_visible()
        await expect(page.locator("main .badge.bad")).to_have_count(0)
        await _compare(site, page)
        (tmp_path / "none.asice").write_bytes(await _find_nothing(page))
        assert await asyncio.to_thread(verify, [str(tmp_path / "none.asice"), "--anchors", str(anchors)]) == 0


def _anchors(site: Site, folder: Path) -> Path:
    """What whoever verifies was given by another way."""
    pki = site.installation.pki
    shutil.copytree(pki.anchors(TrustPurpose.SEAL), folder / "seal")
    shutil.copy(pki.log_vkey, folder)
    return folder


async def _close_today(site: Site) -> None:
    """As at the end of the day: the registers are signed, so that one can prove what is not there."""
    await signed(site.installation)
    clock = MonthOver(datetime.now(VIETNAM).date() + timedelta(days=1))
    await Registrar(site.base.readers, site.base.pump, clock=clock, metrics=Metrics()).run_once()
    await signed(site.installation)


async def _find_nothing(page: Page) -> bytes:
    """The negative certificate; the questions are on record."""
    await press(page, "a[href='/audit']")
    await page.fill("[name=number]", "9999/KHONG-CO")
    await page.fill("[name=office]", PROVINCE)
    await press(page, "form[action='/audit'] button.main")
    await fill(page, "form[action='/audit/absence']", reason=WHY)
    found = await taken(page, "form[action='/audit/absence'] button")
    await press(page, "a[href='/audit/lookups']")
    for word in ("601 / ubnd–vp", "9999/KHONG-CO", "compared the log", "verified a file"):
        await expect(page.locator("tbody")).to_contain_text(word)
    return found


async def _compare(site: Site, page: Page) -> None:
    """The log of today with that of a day, and with a checkpoint that was kept, whole and with another root."""
    await press(page, "a[href='/audit/log']")
    await page.fill("[name=since]", "2026-01-01")
    await press(page, "form.filters button")
    card = page.locator("section.card")
    await expect(card.locator(".badge.good")).to_have_text("consistent")
    await expect(card).to_contain_text("Steps of the proof")
    kept = await LogReads(site.base.readers).latest()
    assert kept is not None
    root = base64.b64encode(kept.root).decode()
    for note, word in ((kept.note.decode(), "good"), (kept.note.decode().replace(root, "A" * 43 + "="), "bad")):
        await page.fill("[name=note]", note)
        await press(page, "form[method=post] button:has-text('Compare')")
        await expect(page.locator("form.card .badge")).to_have_class(f"badge {word}")


async def test_viewer_reports_and_takes_files_along(site: Site, browser: Browser) -> None:
    """A period by a button and by days, diagrams, a workbook in the reader's language, the page as it prints."""
    async with site.installation.client(PROVINCE) as province:
        await province.submit(document(PROVINCE, [COMMUNE], number="611"))
    async with signed_in(site, browser, Role.VIEWER) as page:
        await menu(page, "/reports")
        before = datetime.now(VIETNAM).date().replace(day=1) - timedelta(days=1)
        await press(page, "form.filters a.button >> nth=1")
        await expect(page.locator("#content")).to_contain_text(f"{before:01/%m/%Y} – {before:%d/%m/%Y}")
        await press(page, "form.filters a.button >> nth=3")
        await expect(page.locator("svg.bars.broad[role=img]")).to_have_count(2)
        first = openpyxl.load_workbook(io.BytesIO(await taken(page, "a[href*='report.xlsx']"))).sheetnames
        await english(page)
        again = openpyxl.load_workbook(io.BytesIO(await taken(page, "a[href*='report.xlsx']"))).sheetnames
        assert len(first) == len(again)
        assert "By agency" in again
        await press(page, "a[href*='anew=1']")
        await page.evaluate("() => { window.print = () => { document.body.dataset.printed = 'yes'; }; }")
        await page.click("[data-print]")
        await expect(page.locator("body")).to_have_attribute("data-printed", "yes")
        await page.emulate_media(media="print")
        for part in (".menu", "header.bar", "form.filters", "[data-print]"):
            await expect(page.locator(part).first).to_be_hidden()
        await expect(page.locator("svg.bars.broad").first).to_be_visible()
        assert (await page.pdf()).startswith(b"%PDF-")
        await page.emulate_media(media="screen")
        await fill(page, "form.filters", **{"from": "2001-01-01", "to": "2001-01-31"})
        await press(page, "form.filters button")
        await expect(page.locator(".empty")).to_contain_text("No document was accepted")
        await menu(page, "/ledger")
        assert b"611" in await taken(page, "a[href*='lines.csv']")
        assert (await taken(page, "a[href*='lines.xlsx']")).startswith(b"PK")
        await menu(page, "/channels")
        await press(page, "a[href='/shift']")
        await shown(page, "a[href*='shift.pdf']")
        await menu(page, "/channels")
        await press(page, "tbody tr:has-text('pushed') th a")
        await press(page, "a[href$='/incident']")
        await page.fill("[name=since]", "2026-01-01T00:00")
        await press(page, "form.filters button")
        await shown(page, "a[href*='incident.pdf']")


async def _returned(site: Site, number: str) -> str:
    """A document that the commune fetched and sent back; its delivery."""
    async with site.installation.client(PROVINCE) as province, site.installation.client(COMMUNE) as commune:
        accepted = await province.submit(document(PROVINCE, [COMMUNE], number=number))
        key = accepted.deliveries[0].id

        async def there() -> bool:
            return any(item.id == key for item in (await commune.inbox()).items)

        await until(there, 60)
        await commune.content(key)
        await commune.ack(key)
        await commune.answer(key, models.NewStatus(code="02", description="nhầm nơi nhận"))
    return key


async def test_operator_asks_for_consent_and_empties_the_queues(site: Site, browser: Browser) -> None:
    """A second person consents; what is typed into a list stays with its line, whatever comes meanwhile."""
    async with site.installation.client(PROVINCE) as province, site.installation.client(AXIS) as axis:
        made = await province.submit(document(PROVINCE, [COMMUNE], number="621"))
        await province.submit(document(PROVINCE, [MINISTRY], number="622"))
        await axis.post_status(status(MINISTRY, "03", sender=PROVINCE, number="0622"))
        await axis.post_status(status(MINISTRY, "03", sender=PROVINCE, number="4711"))
    first = await _returned(site, "623")
    async with signed_in(site, browser, Role.OPERATOR) as page:
        await page.fill("#search", "621")
        async with page.expect_navigation():
            await page.press("#search", "Enter")
        await press(page, "tbody th a")
        await press(page, "a[href^='/acts']")
        await page.check("[name=act][value=cancel]")
        await press(page, "form[action='/acts/rehearse'] button.main")
        await send(page, "form[action='/acts/do']", "button[value=propose]", reason=WHY)
        asked = page.url.rpartition("/")[2]
        await expect(page.locator("button[value=consented]")).to_have_count(0)
        async with signed_in(site, browser, Role.ADMINISTRATOR) as other:
            await menu(other, "/requests")
            await press(other, f"tbody a[href$='{asked}']")
            await english(other)
            await send(other, "form[action^='/requests/']", "button[value=consented]", reason=WHY)
        await carried(site.app, asked)
        assert await states(site.app, [made.deliveries[0].id]) == ["withdrawn"]
        await menu(page, "/queues")
        await english(page)
        await send(page, "form[action='/queues/match']:has([name=delivery][type=hidden])")
        await send(page, "form[action='/queues/dismiss']", reason=WHY)
        await press(page, "a[href='/queues?show=misrouted']")
        await page.wait_for_selector("body[data-live=on]")
        settle = page.locator(f"form[action='/queues/settle']:has([value='{first}'])")
        await fill(page, settle, reason=WHY)
        for number in ("624", "625"):
            await _returned(site, number)
        mine = page.locator(".cause").filter(has_text=re.compile("62[345]/UBND-VP"))
        await expect(mine).to_have_count(3, timeout=PATIENCE)
        await expect(settle.locator("[name=reason]")).to_have_value(WHY)
        await send(page, settle)
        await expect(mine).to_have_count(2)
        await send(page, mine.locator("form[action='/acts/do']").first, to=PUSHED, reason=WHY)
        await expect(mine).to_have_count(1)


async def test_operator_minds_channels_offices_and_alarms(
    site: Site, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pace, order, books, a test; maintenance with its banner; an office's pause; an alarm put off and seen."""

    async def looks_away(_: AlarmWatch) -> None:
        """It would end the alarm."""

    monkeypatch.setattr(AlarmWatch, "run_once", looks_away)
    await alerted(site, "631", 1)
    base, now = site.base, site.base.clock.now()
    office = await base.directory.require(COMMUNE, now)
    assert office.endpoint is not None
    facts = {"name": office.name, "channel": office.endpoint.id, "office": office.id}
    alarm = NewAlarm(rule="backlog_old", subject=office.endpoint.id, is_flash=False, since=now, facts=facts)
    await base.pump.submit(LookedOperation(), Looked(now=now, told_from=now, opened=(alarm,)))
    async with signed_in(site, browser, Role.OPERATOR, width=390) as page:
        await menu(page, "/channels")
        await press(page, "tbody tr:has-text('pushed') th a")
        pace = await fill(page, "form[action$='/pace']", most="7", reason=WHY)
        await expect(pace.locator("output")).to_contain_text("7")
        await send(page, pace)
        await send(page, "form[action$='/order']", order="oldest", reason=WHY)
        await press(page, (await fill(page, "form[action$='/compare']", reason=WHY)).locator("button"), fails=True)
        await page.go_back()
        await english(page)
        await press(page, "a[href^='/maintenance']")
        await expect(page.locator("[name=channel]")).to_have_value("pushed")
        await send(page, "form[action='/maintenance']", reason="a new version")
        await menu(page, "/")
        banner = page.locator(".flash.note", has_text="a new version")
        await press(page, banner.locator("a"))
        await send(page, "form[action$='/end']", reason=WHY)
        await expect(banner).to_have_count(0)
        await menu(page, "/offices")
        await press(page, "a[aria-label^='UBND xã Một']")
        await send(page, "form[action$='/pause']", reason=WHY)
        await send(page, "form[action$='/resume']", reason=WHY)
        await send(page, "form[action$='/test']", reason=WHY)
        await menu(page, "/alerts")
        for act in ("alarms", "alerts"):
            await send(page, f"form[action^='/{act}/'][action$='/snooze']", hours="4", reason=WHY)
            await send(page, f"form[action^='/{act}/'][action$='/acknowledge']", reason=WHY)
        await expect(page.locator(".badge.good", has_text="seen")).to_have_count(2)


async def test_clerk_answers_registers_on_paper_and_prints(site: Site, browser: Browser) -> None:
    """Return, assign, agree; a paper with its scan, a line amended and struck, the register; group and draft."""
    clerk = await clerk_of(site.app, COMMUNE)
    (office,) = clerk.offices
    lab = DeskLab(site=site.installation, app=site.app, office=office, code=COMMUNE, clerk=clerk)
    wrong, right = await lab.send("641"), await lab.send("642")
    async with signed_in(site, browser, Role.CLERK) as page:
        await menu(page, "/desk")
        await press(page, "tbody th a:has-text('641')")
        await page.keyboard.press("t")
        await send(page, "form:has([name=code][value='02'])", preset="Gửi nhầm đơn vị", reason="xã Hai")
        assert lab.statuses(wrong)[-1] == ("02", "Gửi nhầm đơn vị – xã Hai")
        await menu(page, "/desk")
        await press(page, "tbody th a:has-text('642')")
        await send(page, "form[action*='/register']", receiver="Phòng Tư pháp")
        await lab.send("643", business=BusinessType.RECALL, about=document_id(PROVINCE, "642"))
        await menu(page, "/desk")
        await press(page, "tbody th a:has-text('642')")
        await english(page)
        await send(page, "form:has(button[value='04'])", "button[value='04']")
        await send(page, "form:has(button[value='15'])", "button[value='15']", reason="đồng ý")
        assert [code for code, _ in lab.statuses(right)][-3:] == ["03", "04", "15"]
        await menu(page, "/desk")
        await press(page, "a[href='/desk/paper']")
        await page.set_input_files("[name=scan]", [file("to.pdf", blank().data)])
        await send(page, "form[data-keep=paper]", "button.main", issuer="Sở Nội vụ", subject="V/v giấy")
        await menu(page, "/desk/registers")
        await expect(page.locator("tr.struck")).to_have_count(1)
        book = openpyxl.load_workbook(io.BytesIO(await taken(page, "a[href*='/file/xlsx']")))
        assert book.active is not None
        assert "642/UBND-VP" in [row[3].value for row in book.active.iter_rows(min_row=7)]
        assert (await taken(page, "a[href*='/file/pdf']")).startswith(b"%PDF-")
        await press(page, "tbody tr:has-text('V/v giấy') th a")
        await expect(page.locator("a[href^='/desk/files/']")).to_be_visible()
        await send(page, "form[action$='/amend']", note="bản gốc ở kho")
        await send(page, "form[action$='/void']", reason=WHY)
        await expect(page.locator(".badge.bad")).to_contain_text("struck out")
        await menu(page, "/desk/send")
        await press(page, "a[href='/desk/groups']")
        await send(page, "form:has([name=name][required])", name="Cấp trên", members=PROVINCE)
        await menu(page, "/desk/send")
        await press(page, "form[action='/desk/send'] button.main")
        await page.select_option("[name=group]", "Cấp trên")
        await page.fill("[name=subject]", "V/v nháp")
        await press(page, "button[value=number]")
        await expect(page.locator("[name=recipients]")).to_have_value(PROVINCE)
        await expect(page.locator(".next-number")).to_be_visible()
        await press(page, "form[action$='/drop'] button")
        await expect(page.locator("#content")).not_to_contain_text("V/v nháp")


async def test_administrator_keeps_people_agencies_and_days(site: Site, browser: Browser) -> None:
    """A password and a token shown once; rights; agencies by a file; a day off; who would get what."""
    pem = site.installation.pki.server.certificate.read_bytes()
    async with signed_in(site, browser, Role.ADMINISTRATOR) as page:
        await menu(page, "/administration")
        await press(page, "a[href='/administration/users']")
        added = {"login": "moi1", "name": "Người mới", "reason": WHY}
        await press(page, (await fill(page, "form[action='/administration/users']", **added)).locator("button"))
        password = await page.locator("[role=alert] code").inner_text()
        await menu(page, "/administration")
        await press(page, "a[href='/administration/users']")
        await press(page, "tbody a:has-text('Người mới')")
        await expect(page.locator("main")).not_to_contain_text(password)
        await send(page, "form:has([value=rights])", role="clerk", offices=COMMUNE, reason=WHY)
        await english(page)
        for act in ("disable", "enable", "sessions"):
            await send(page, f"form:has([name=act][value={act}])", reason=WHY)
        await press(page, "a[href='/administration/agencies']")
        await press(page, "a[href='/administration/import']")
        await page.set_input_files("[name=file]", [file("a.csv", f"organ_id,name\n{PUSHED},Hai mới\n".encode())])
        await press(page, "form[enctype] button.main")
        await send(page, "form[action$='/apply']", reason=WHY)
        await press(page, "a[href='/administration/agencies']")
        await page.fill("form.filters [name=q]", "hai moi")
        await press(page, "form.filters button.main")
        await press(page, "tbody th a")
        issuing = await fill(page, "form:has([value=token])", label="máy thử", reason=WHY)
        await press(page, issuing.locator("button"))
        await expect(page.locator("[role=alert] code").first).to_be_visible()
        await send(page, "form:has([value=revoke])", reason=WHY)
        await press(page, (await fill(page, "form:has([value=enrol])", reason=WHY)).locator("button"))
        await page.set_input_files("[name=certificate]", [file("c.pem", pem)])
        await send(page, "form[enctype]", label="CA khác", reason=WHY)
        await press(page, "a[href='/administration/calendar']")
        entering = "form[action$='/calendar']:has([name=last])"
        await send(page, entering, first="2027-02-05", last="2027-02-08", name="Tết Đinh Mùi", reason=WHY)
        await send(page, "form:has([value=rule])", reason=WHY)
        await expect(page.locator("tr:has-text('Tết Đinh Mùi')")).to_have_count(3)
        await press(page, "a[href='/administration/routing']")
        await fill(page, "form.filters", **{"from": PROVINCE, "to": f"{COMMUNE}, 999.99.99.H99"})
        await press(page, "form.filters button.main")
        await expect(page.locator("tbody .badge")).to_have_count(2)


async def test_person_has_one_time_codes_ends_a_session_and_changes_the_look(site: Site, browser: Browser) -> None:
    """The code of the picture's letters; it is asked for at the next sign-in, and goes with one of its own."""
    user, _ = await site.base.users.add(
        "coded1", name="Người có mã", role=Role.VIEWER, actor="operator:test", now=site.base.clock.now()
    )
    await site.base.users.choose_password(user, PASSWORD, session="", now=site.base.clock.now())
    elsewhere = await site.signed_in("coded1")
    async with opened(browser, site.origin) as page:
        await sign_in(page, "coded1")
        await page.locator(".me summary").click()
        await press(page, ".me a[href='/account']")
        await press(page, "form[action='/account/sessions/end'] button")
        assert (await elsewhere.get("/account")).status == 303
        await press(page, "a[href='/account/second-factor']")
        secret = await page.locator("code.long").inner_text()
        code = pyotp.TOTP(secret).at(site.base.clock.now())
        await send(page, "form.stack", code=code, password=PASSWORD)
        await english(page)
        for button in ("[value=utc]", "[value=dark]"):
            await press(page, f".switches {button}")
        await expect(page.locator(".switches")).to_contain_text("UTC")
        await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        await page.locator(".me summary").click()
        await press(page, "form[action='/logout'] button")
        await page.fill("[name=login]", "coded1")
        await page.fill("[name=password]", PASSWORD)
        await page.fill("[name=code]", pyotp.TOTP(secret).at(site.base.clock.now() + timedelta(seconds=30)))
        await press(page, "button.main")
        await expect(page.locator(".me")).to_be_visible()
