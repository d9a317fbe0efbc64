"""What a hand does by mistake at the desk in a real browser: nothing is answered, numbered or lost by it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from gateway.accounts.roles import Role
from gateway.accounts.users import User
from tests.console.browsing import CHROMIUM, PATIENCE, opened, sign_in
from tests.console.clicking import Speech, file, press, send
from tests.console.site import PASSWORD, Site
from tests.desk.lab import DeskLab, lab_of
from tests.journeys.installation import PUSHED
from tests.unit.signatures.pdf_made import blank

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lab(site: Site) -> DeskLab:
    """An office that has a browser alone."""
    return await lab_of(site.installation)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def clerk(site: Site, lab: DeskLab) -> User:
    """Its clerk, who serves an office with a system of its own besides."""
    base = site.base
    user, _ = await base.users.add(
        "vanthu-phim",
        name="Người gõ phím",
        role=Role.CLERK,
        offices=[lab.code, PUSHED],
        actor="operator:test",
        now=base.clock.now(),
    )
    await base.users.choose_password(user, PASSWORD, session="", now=base.clock.now())
    return user


async def test_digit_after_g_opens_the_menu_and_answers_nothing(
    site: Site, browser: Browser, lab: DeskLab, clerk: User, speech: Speech
) -> None:
    """On a registered document, where the digit alone is a status; with Caps Lock letters are keys as well."""
    delivery = await lab.send(speech.own("831"))
    await lab.desk.registering.register(lab.clerk, delivery)
    async with opened(browser, site.origin, language=speech.language) as page:
        await sign_in(page, clerk.login)
        await page.goto(f"/desk/in/{delivery}")
        path = await page.locator(".menu a").nth(3).get_attribute("href")
        for key in ("G", "5", "G", "4"):  # there is no fifth
            await page.keyboard.press(key)
        await page.wait_for_url(f"**{path}", timeout=PATIENCE)
        assert [code for code, _ in lab.statuses(delivery)][-1] == "03"
        await page.goto(f"/desk/in/{delivery}")
        await page.keyboard.press("U")
        await page.wait_for_url("**/desk", timeout=PATIENCE)
        await page.keyboard.press("P")
        await page.wait_for_url("**/desk/paper", timeout=PATIENCE)
        await page.goto(f"/desk/in/{delivery}")
        await page.keyboard.press("4")
        await expect(page.locator("#notices .done")).to_be_visible(timeout=PATIENCE)
    assert [code for code, _ in lab.statuses(delivery)][-2:] == ["03", "04"]


async def test_preview_of_a_damaged_file_takes_nothing_of_what_is_being_typed(
    site: Site, whole_browser: Browser, lab: DeskLab, clerk: User, speech: Speech
) -> None:
    """The browser's viewer takes the focus to tell of it; by Tab and by a click it has it and keeps it."""
    number = speech.own("834")
    delivery = await lab.send(number)
    counted = "document.body.dataset.left = 1 + Number(document.body.dataset.left ?? 0)"
    async with opened(whole_browser, site.origin, language=speech.language) as page:
        await sign_in(page, clerk.login)
        await page.add_init_script(f"if (top === self) addEventListener('blur', () => {{ {counted}; }})")
        await page.goto(f"/desk/in/{delivery}")
        await page.keyboard.press("t")
        preset, reason, preview = map(page.locator, ("[name=preset]", "[name=reason]", "iframe.preview"))
        await expect(preset).to_be_focused()
        await expect(page.locator("body[data-left='1']")).to_have_count(1, timeout=PATIENCE)
        await expect(preset).to_be_focused()
        await page.keyboard.press("Tab")
        await page.keyboard.type("thieu phu luc")
        await expect(reason).to_have_value("thieu phu luc")
        focused = "document.activeElement.matches('iframe.preview')"
        await page.locator(".files a").last.focus()
        await page.keyboard.press("Tab")
        await page.wait_for_timeout(1000)  # nothing takes it away
        assert await page.evaluate(focused)
        await page.reload()
        await expect(page.locator("body[data-left='1']")).to_have_count(1, timeout=PATIENCE)
        await preview.click()
        await page.wait_for_timeout(1000)
        assert await page.evaluate(focused)
    await lab.desk.registering.register(lab.clerk, delivery)


async def test_held_key_registers_what_was_seen_and_no_more(
    site: Site, browser: Browser, lab: DeskLab, clerk: User, speech: Speech
) -> None:
    """Its repeats go on to the next page, whose document nobody has looked at."""
    number = speech.own("833")
    first, second = await lab.send(speech.own("832")), await lab.send(number)
    async with opened(browser, site.origin, language=speech.language) as page:
        await sign_in(page, clerk.login)
        await page.goto(f"/desk/in/{first}")
        await page.keyboard.down("r")
        await expect(page.locator("#notices .done")).to_be_visible(timeout=PATIENCE)
        await expect(page.locator("h1")).to_have_text(f"{number}/UBND-VP")
        await page.wait_for_load_state("domcontentloaded")
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.method))
        await page.keyboard.down("r")  # pressed still: a repeat
        await page.keyboard.up("r")
        await page.keyboard.press("u")
        await page.wait_for_url("**/desk", timeout=PATIENCE)
        await expect(page.locator("#waiting tbody th a")).to_have_text(f"{number}/UBND-VP")
    assert "POST" not in asked
    assert lab.rows("SELECT 1 FROM desk_entry WHERE delivery_id = ?", second) == []
    await lab.desk.registering.register(lab.clerk, second)


async def test_draft_is_kept_when_a_recipient_is_looked_for_and_takes_no_number_while_it_is_empty(
    site: Site, browser: Browser, lab: DeskLab, clerk: User, speech: Speech
) -> None:
    """Text and chosen file stay; dropping asks first and leads to the line whose number it had."""
    said, before = speech.said, lab.numbers(direction="out")
    async with opened(browser, site.origin, language=speech.language) as page:
        await sign_in(page, clerk.login)
        await page.goto("/desk/send")
        await page.select_option("[name=office]", lab.office)
        await page.keyboard.press("m")
        await page.wait_for_url("**/desk/send/*", timeout=PATIENCE)
        await expect(page.locator("[name=recipients]")).to_be_focused(timeout=PATIENCE)  # after the page's load
        await page.keyboard.press("Escape")
        await page.keyboard.press("l")
        await expect(page.locator("#notices .wrong")).to_contain_text("notation", timeout=PATIENCE)
        assert lab.numbers(direction="out") == before
        await page.fill("[name=subject]", "V/v viết dở")
        await page.fill("[name=signer]", "Nguyễn Văn Bé")
        await page.set_input_files("#draft [name=file]", [file("dinh-kem.pdf", blank().data)])
        await page.fill("[name=find]", "Kiên Giang")
        await page.keyboard.press("Control+Enter")  # what is looked up sends nothing
        await expect(page.locator("button[name=add]")).to_have_count(1, timeout=PATIENCE)
        await expect(page.locator("[name=subject]")).to_have_value("V/v viết dở")
        await expect(page.locator("[name=signer]")).to_have_value("Nguyễn Văn Bé")
        await expect(page.locator("#draft .files a")).to_have_text("dinh-kem.pdf")
        await press(page, "button[name=add]")
        await expect(page.locator("[name=recipients]")).not_to_have_value("")
        await expect(page.locator("button[name=add]")).to_have_count(1)
        await send(page, "#draft", "button[value=number]", notation="UBND-VP")
        assert lab.numbers(direction="out") == [*before, len(before) + 1]
        await page.click(f"summary:has-text('{said('Xóa bản nháp', 'Drop the draft')}')")
        await press(page, "form[action$='/drop'] button:enabled")
        await expect(page.locator("#notices .note")).to_contain_text(
            said("vẫn nằm trong sổ", "stays in the register")
        )
        await page.fill("[name=reason]", speech.own("soạn nhầm "))
        await press(page, "form[action$='/void'] button:enabled")
    asked = "SELECT voided_why FROM desk_entry WHERE office_id = ? AND direction = 'out' AND number = ?"
    assert lab.rows(asked, lab.office, len(before) + 1) == [(speech.own("soạn nhầm "),)]


async def test_paper_that_comes_after_the_session_has_ended_leads_back_to_its_form(
    site: Site, browser: Browser, lab: DeskLab, clerk: User, speech: Speech
) -> None:
    """What was typed stands there again; the scan is to be chosen anew, and the page says so."""
    usual, before = site.base.settings.console, len(lab.numbers())
    chosen = speech.said("Hãy chọn lại tệp", "Choose its files again")
    async with opened(browser, site.origin, language=speech.language) as page:
        await sign_in(page, clerk.login)
        await page.goto("/desk/paper")
        await page.select_option("[name=office]", lab.office)
        await page.locator("[name=issuer]").press_sequentially("Kiên")
        await expect(page.locator("#agencies option")).to_have_attribute("value", "UBND tỉnh Kiên Giang")
        await page.fill("[name=issuer]", "Sở Nội vụ")
        await page.fill("[name=subject]", speech.own("V/v giấy đến muộn "))
        await page.set_input_files("[name=scan]", [file("quet.pdf", blank().data)])
        object.__setattr__(site.base.settings, "console", replace(usual, idle=timedelta(0)))
        try:
            await page.click("form[data-keep=paper] button.main")
            await page.wait_for_url("**/login*", timeout=PATIENCE)
        finally:
            object.__setattr__(site.base.settings, "console", usual)
        await _sign_in_again(page, clerk.login)
        await page.wait_for_url("**/desk/paper", timeout=PATIENCE)
        await expect(page.locator("#notices .note")).to_contain_text(chosen)
        await expect(page.locator("[name=issuer]")).to_have_value("Sở Nội vụ")
        await expect(page.locator("[name=office]")).to_have_value(lab.office)
        assert len(lab.numbers()) == before
        await press(page, "form[data-keep=paper] button.main")
        await expect(page.locator("#notices .done")).to_be_visible()
        await expect(page.locator("#notices .note")).to_have_count(0)
    assert len(lab.numbers()) == before + 1


async def test_office_with_a_system_of_its_own_comes_to_the_desk_and_goes_by_a_button(
    site: Site, browser: Browser, lab: DeskLab, clerk: User, speech: Speech
) -> None:
    """Whoever serves it says so, and is told."""
    office = await site.base.directory.require(PUSHED, site.base.clock.now())
    asked = "SELECT office_id, set_by FROM desk_office"
    comes = speech.said("Nhận thêm ở đây", "Here as well")
    goes = speech.said("Không nhận ở đây nữa", "No longer here")
    async with opened(browser, site.origin, language=speech.language) as page:
        await sign_in(page, clerk.login)
        await page.goto("/desk")
        await send(page, "form[action='/desk/offices']", f"button:has-text('{comes}')")
        assert lab.rows(asked) == [(office.id, clerk.actor)]
        await send(page, "form[action='/desk/offices']", f"button:has-text('{goes}')")
    assert lab.rows(asked) == []


async def _sign_in_again(page: Page, login: str) -> None:
    await page.fill("[name=login]", login)
    await page.fill("[name=password]", PASSWORD)
    await page.click("button.main")
