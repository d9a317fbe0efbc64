"""A clerk's day of which nothing goes by the plain way, walked by clicking in a real browser.

One server, one browser; each walk begins in Vietnamese and goes on in English by the switch.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest
from playwright.async_api import Browser, Page, expect

from gateway.accounts.roles import Role
from gateway.accounts.users import User
from gateway.edxml.envelope import BusinessType
from gateway.maintenance.indexer import Indexer
from tests.console.browsing import CHROMIUM, NARROWEST, PATIENCE, opened, sign_in
from tests.console.clicking import english, file, menu, press, send
from tests.console.site import PASSWORD, Site
from tests.desk.lab import DeskLab, lab_of
from tests.journeys.installation import PROVINCE
from tests.journeys.messages import DAY, document_id
from tests.unit.signatures.pdf_made import blank

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]


async def clerk_of_two(site: Site, login: str) -> tuple[User, DeskLab, DeskLab]:
    """A person and two offices that have a browser alone."""
    labs = await lab_of(site.installation), await lab_of(site.installation)
    base, codes = site.base, [lab.code for lab in labs]
    user, _ = await base.users.add(
        login, name=f"Người {login}", role=Role.CLERK, offices=codes, actor="operator:test", now=base.clock.now()
    )
    await base.users.choose_password(user, PASSWORD, session="", now=base.clock.now())
    return user, *labs


def told(lab: DeskLab, kind: str) -> tuple[str, str]:
    """Who did the newest of a kind, and why."""
    return lab.rows("SELECT actor, note FROM event WHERE kind = ? ORDER BY seq DESC LIMIT 1", kind)[0]


async def test_clerk_of_two_offices_numbers_for_the_chosen_one_and_tells_how_it_goes_on(
    site: Site, browser: Browser
) -> None:
    """A paper goes to the office that was chosen; whoever sent it again is told its number; then 05 and 06."""
    clerk, one, two = await clerk_of_two(site, "vanthu7")
    await one.send("701")
    twin, second = await two.send("702"), await two.send("703")
    async with opened(browser, site.origin) as page:
        await sign_in(page, clerk.login)
        await menu(page, "/desk")
        rows = page.locator("#waiting tbody tr")
        await expect(rows).to_have_count(3)
        for lab in (one, two):
            await expect(page.locator("#waiting td.to", has_text=lab.code).first).to_be_visible()
        await page.select_option("form.filters [name=office]", two.office)
        await press(page, "form.filters button")
        await expect(rows).to_have_count(2)
        await press(page, "a[href^='/desk/paper']")
        await expect(page.locator("[name=office]")).to_have_value(two.office)
        paper = {"issuer": "Cơ quan gửi", "number": "0702", "notation": "UBND – VP", "issued_on": DAY.isoformat()}
        await send(page, "form[data-keep=paper]", "button.main", **paper, subject="V/v bản giấy")
        assert (two.numbers(), one.numbers()) == ([1], [])
        assert told(two, "entry.registered")[0] == clerk.actor
        await press(page, ".crumbs a[href^='/desk']")
        await expect(rows).to_have_count(2)
        await press(page, "tbody th a:has-text('702')")
        ((day,),) = two.rows("SELECT day FROM desk_entry WHERE office_id = ?", two.office)
        said = f"số 1 ngày {day[8:]}/{day[5:7]}/{day[:4]}"
        await expect(page.locator(".cause.wait")).to_contain_text(f"đã vào sổ {said}")
        await send(page, "form[action*='/duplicate']")
        assert two.statuses(twin)[-1] == ("03", f"Văn bản trùng. Đã vào sổ {said}.")
        assert told(two, "status.recorded")[0] == clerk.actor
        await expect(page.locator("h1")).to_have_text("703/UBND-VP")
        await send(page, "form[action*='/register']", receiver="Phòng Kinh tế")
        await expect(rows).to_have_count(0)
        await menu(page, "/desk")
        await expect(rows).to_have_count(1)
        await menu(page, "/desk/registers")
        await page.select_option("form.filters [name=office]", two.office)
        await press(page, "form.filters button")
        await english(page)
        await press(page, "tbody tr:has-text('Phòng Kinh tế') th a")
        await press(page, "a[href^='/desk/in/']")
        for code, words in (("05", "in progress"), ("06", "completed")):
            await send(page, "form:has(button[value='05'])", f"button[value='{code}']")
            await expect(page.locator("#notices")).to_contain_text(words)
            await expect(page.locator("#content dl.facts")).to_contain_text(words)
        assert [code for code, _ in two.statuses(second)][-3:] == ["03", "05", "06"]


async def test_clerk_declines_a_recall_and_writes_the_answer(site: Site, browser: Browser) -> None:
    """16 with its reason reaches the sender; what goes out names the document that it answers."""
    clerk, lab, _ = await clerk_of_two(site, "vanthu8")
    delivery = await lab.send("711")
    await lab.desk.registering.register(lab.clerk, delivery)
    await lab.send("712", business=BusinessType.RECALL, about=document_id(PROVINCE, "711"))
    async with opened(browser, site.origin, width=NARROWEST) as page:
        await sign_in(page, clerk.login)
        await menu(page, "/desk")
        await press(page, "table:has(caption:has-text('chờ trả lời')) th a:has-text('711')")
        await send(page, "form:has(button[value='16'])", "button[value='16']", reason="đã thi hành xong")
        assert lab.statuses(delivery)[-1] == ("16", "đã thi hành xong")
        assert told(lab, "status.recorded")[0] == clerk.actor
        await menu(page, "/desk/registers")
        await page.select_option("form.filters [name=office]", lab.office)
        await press(page, "form.filters button")
        await english(page)
        await press(page, "tbody tr:has-text('711') th a")
        await press(page, "a[href^='/desk/in/']")
        await expect(page.locator("#content dl.facts")).to_contain_text("declined the request")
        await press(page, "form[action='/desk/send'] button")
        await expect(page.locator("[name=recipients]")).to_have_value(PROVINCE)
        await expect(page.locator("[name=subject]")).to_have_value("Trả lời văn bản 711/UBND-VP")
        await page.set_input_files("[name=file]", [file("tra-loi.pdf", blank().data)])
        why = {"notation": "UBND-VP", "signer": "Nguyễn Văn Bé", "why_unsigned": "bản giấy đã ký"}
        await send(page, "form#draft", "button[value=send]", **why)
        await Indexer(site.base.readers, site.base.pump, site.base.clock).run_once()
        await menu(page, "/ledger")
        await press(page, "tbody th a:has-text('01/UBND-VP')")
        await expect(page.locator("#content")).to_contain_text("Answers 711/UBND-VP")
    ((envelope,),) = lab.rows(
        "SELECT envelope FROM message WHERE answers_ref = ? AND kind = 'document' AND subject LIKE 'Trả lời%'",
        document_id(PROVINCE, "711"),
    )
    (answered,) = msgspec.json.decode(envelope)["responses_for"]
    assert answered["code"] == "711/UBND-VP"
    assert told(lab, "entry.sent") == (clerk.actor, "bản giấy đã ký")
    async with site.installation.client(PROVINCE) as province:
        assert any(item.subject.startswith("Trả lời") for item in (await province.inbox(wait=5)).items)


async def test_session_is_kept_open_by_a_button_and_a_form_that_came_too_late_is_found_again(
    site: Site, browser: Browser
) -> None:
    """A warning, and more time; then the end: nothing is done, the form waits in words behind every page."""
    clerk, lab, _ = await clerk_of_two(site, "vanthu9")
    usual = site.base.settings.console
    delivery = await lab.send("721")
    async with opened(browser, site.origin) as page:
        await page.clock.install()
        await sign_in(page, clerk.login)
        await menu(page, "/desk")
        await page.select_option("form.filters [name=office]", lab.office)
        await press(page, "form.filters button")
        await press(page, "tbody th a:has-text('721')")
        form = page.locator("form:has([name=code][value='02'])")
        await page.keyboard.press("t")
        await form.locator("[name=reason]").fill("thiếu phụ lục")
        warning = page.locator("#expiring")
        await _nearly_over(page, usual.idle)
        async with page.expect_response("**/still-here") as asked:
            await warning.locator("button").click()
        assert (await asked.value).status == 204
        await expect(warning).to_be_hidden()
        await _nearly_over(page, usual.idle)
        object.__setattr__(site.base.settings, "console", replace(usual, idle=timedelta(0)))
        try:
            await warning.locator("button").click()
            await expect(page.locator("#ended")).to_be_visible()
            await form.locator("[name=preset]").select_option("Thiếu tệp")
            await press(page, form.locator("button:enabled"))
        finally:
            object.__setattr__(site.base.settings, "console", usual)
        assert [code for code, _ in lab.statuses(delivery)] in ([], ["01"])
        await _sign_in_again(page, clerk.login)
        await page.wait_for_url("**/kept", timeout=PATIENCE)
        content = page.locator("#content")
        for words in ("Trả lại (02)", "Lý do"):
            await expect(content).to_contain_text(words)
        await expect(content.get_by_label("Ý kiến khác")).to_have_value("thiếu phụ lục")
        await expect(content.locator("label:visible")).to_have_count(2)
        await expect(content.locator(f"form[action$='/answer?office={lab.office}']")).to_have_count(1)
        await menu(page, "/desk")
        await press(page, ".flash a[href='/kept']")
        await english(page)
        await expect(content).to_contain_text("Return it (02)")
        await press(page, "a[href^='/desk/in/']")
        await expect(page.locator("h1")).to_have_text("721/UBND-VP")
        await press(page, ".flash a[href='/kept']")
        await press(page, "[form=leave]")
        await expect(page.locator("#notices .done")).to_be_visible()
        await expect(page.locator(".flash a[href='/kept']")).to_have_count(0)
        assert [code for code, _ in lab.statuses(delivery)] in ([], ["01"])


async def _nearly_over(page: Page, idle: timedelta) -> None:
    """Nothing is done until the page warns."""
    await page.clock.fast_forward((idle - timedelta(minutes=1)) // timedelta(milliseconds=1))
    await expect(page.locator("#expiring")).to_be_visible()


async def _sign_in_again(page: Page, login: str) -> None:
    await page.fill("[name=login]", login)
    await page.fill("[name=password]", PASSWORD)
    await page.click("button.main")
