"""What the menu and the tabs are called, and the switch of the language: a page is in one from top to bottom.

One server, one browser; each walk is gone whole in Vietnamese and once more in English.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest
from playwright.async_api import Browser, Page, expect

from gateway.accounts.roles import Role
from tests.console.browsing import CHROMIUM, NARROWEST, is_too_wide, opened
from tests.console.clicking import Speech, fill, menu, press, send, signed_in
from tests.console.keyboard import tab_onto, typed
from tests.console.operating import WHY, find, sent
from tests.console.site import LOGINS, PASSWORD, Site

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]

#: Vietnamese, English.
Words = tuple[str, str]
GATEWAY = ("Trục văn bản", "Document gateway")
#: What stands in the menu of each role, in order.
MENUS: Mapping[Role, Mapping[str, Words]] = {
    Role.ADMINISTRATOR: {
        "/": ("Tổng quan", "Overview"),
        "/ledger": ("Sổ giao nhận", "Ledger"),
        "/channels": ("Kênh", "Channels"),
        "/offices": ("Cơ quan", "Offices"),
        "/queues": ("Vướng mắc", "Problems"),
        "/requests": ("Đề nghị", "Requests"),
        "/alerts": ("Cảnh báo", "Alerts"),
        "/reports": ("Báo cáo", "Reports"),
        "/administration": ("Quản trị", "Administration"),
    },
    Role.AUDITOR: {"/audit": ("Kiểm tra", "Audit")},
    Role.CLERK: {
        "/desk": ("Bàn văn thư", "Desk"),
        "/desk/send": ("Gửi văn bản", "Send"),
        "/desk/registers": ("Sổ văn bản", "Registers"),
        "/ledger": ("Sổ giao nhận", "Ledger"),
    },
}
#: The parts of a page of the menu: what they are together, and each.
TABS: Mapping[str, tuple[Words, Mapping[str, Words]]] = {
    "/administration": (
        ("Các phần quản trị", "Parts of the administration"),
        {
            "/administration/agencies": ("Cơ quan, đơn vị", "Agencies"),
            "/administration/users": ("Người dùng", "Users"),
            "/administration/certificates": ("Chứng thư", "Certificates"),
            "/administration/calendar": ("Ngày nghỉ", "Days off"),
            "/administration/settings": ("Cấu hình", "Settings"),
            "/administration/routing": ("Định tuyến", "Routing"),
            "/administration/changes": ("Thay đổi", "Changes"),
            "/administration/vendors": ("Cho nhà cung cấp", "For vendors"),
        },
    ),
    "/audit": (
        ("Các phần kiểm tra", "Parts of the audit"),
        {
            "/audit": ("Tra cứu", "Look up"),
            "/audit/verify": ("Kiểm tra một tệp", "Verify a file"),
            "/audit/log": ("Tính nhất quán của nhật ký", "Consistency of the log"),
            "/audit/exports": ("Xuất hàng loạt", "Bulk export"),
            "/audit/lookups": ("Ai đã tra cứu", "Who looked"),
        },
    ),
}


#: Headings that say more than their links.
HEADINGS: Mapping[str, Words] = {
    "/reports": ("Báo cáo gửi, nhận văn bản điện tử", "Report on documents sent and received"),
}


async def _is_named(page: Page, speech: Speech, words: Words) -> None:
    """The page's heading and the window's title say so, in the walk's language."""
    heading = page.locator("h1")
    await expect(heading).to_have_text(re.compile(f"^{re.escape(speech.said(*words))}( [0-9]{{4}})?$"))
    assert await page.title() == f"{await heading.inner_text()} · {speech.said(*GATEWAY)}"
    assert await page.locator("html").get_attribute("lang") == speech.language


@pytest.mark.parametrize("role", list(MENUS))
async def test_menu_and_tabs_lead_to_the_pages_that_they_name(
    site: Site, browser: Browser, speech: Speech, role: Role
) -> None:
    """Heading and window are called like the link, which says that one is there."""
    async with signed_in(site, browser, role, language=speech.language) as page:
        for path, words in MENUS[role].items():
            link = page.locator(".menu").get_by_role("link", name=speech.said(*words), exact=True)
            await press(page, link)
            assert await link.get_attribute("href") == path
            await expect(page.locator(".menu [aria-current=page]")).to_have_text(speech.said(*words))
            await _is_named(page, speech, HEADINGS.get(path, words))
            together, tabs = TABS.get(path, (GATEWAY, {}))
            for part, called in tabs.items():
                await press(
                    page, page.get_by_role("main").get_by_role("link", name=speech.said(*called), exact=True)
                )
                await expect(page.get_by_role("navigation", name=speech.said(*together))).to_be_visible()
                await _is_named(page, speech, words if part == path else called)
                await expect(page.locator(".menu [aria-current=page]")).to_have_text(speech.said(*words))


async def switched(page: Page, language: str) -> None:
    """By the keyboard."""
    await tab_onto(page, f".switches button[value={language}]")
    async with page.expect_navigation(wait_until="domcontentloaded"):
        await page.keyboard.press("Enter")
    assert await page.locator("html").get_attribute("lang") == language


async def test_switch_of_the_language_keeps_page_place_and_what_is_half_written(
    site: Site, browser: Browser, speech: Speech
) -> None:
    """There and back by the keyboard, in the narrowest window; what the page is about stays as it is."""
    number, other = speech.own("699"), speech.said("en", "vi")
    waits = {"vi": "Chờ gửi", "en": "Queued"}
    await sent(site, number)
    async with opened(browser, site.origin, width=NARROWEST, language=speech.language) as page:
        await page.goto("/login?next=/ledger")
        for language in (other, speech.language, other):
            await switched(page, language)
            await expect(page.locator("button.main")).to_have_text({"vi": "Đăng nhập", "en": "Sign in"}[language])
        await typed(page, login=LOGINS[Role.OPERATOR], password=PASSWORD)
        await page.keyboard.press("Enter")
        await page.wait_for_selector(".me")
        await expect(page.locator("h1")).to_have_text({"vi": "Sổ giao nhận", "en": "Ledger"}[other])
        await switched(page, speech.language)
        await find(page, number)
        place = f"{page.url.partition('#')[0]}#content"
        await page.goto(place)
        for language in (other, speech.language):
            await switched(page, language)
            assert page.url == place
            assert not await is_too_wide(page)
            await expect(page.locator("dl.facts .badge").first).to_have_text(waits[language])
        await menu(page, "/channels")
        await press(page, "tbody tr:has-text('UBND xã Hai') th a")
        await fill(page, "form[action$='/order']", reason=WHY)
        for language in (other, speech.language):
            await switched(page, language)
            await expect(page.locator("form[action$='/order'] [name=reason]")).to_have_value(WHY)
            await expect(page.locator("#restored")).to_be_visible()
        await send(page, "form[action$='/order']")
        await expect(page.locator("form[action$='/order'] [name=reason]")).to_have_value("")
