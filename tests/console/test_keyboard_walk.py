"""The whole way of a newcomer without a mouse, in Vietnamese: from the office that fails to the inspector's bundle.

`test_walk` goes the same way by clicking, in both languages. One server, one window, one person after the other.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from gateway.accounts.roles import Role
from gateway.seal.trust import TrustPurpose, TrustStore
from gateway.verifying.anchors import Anchors
from gateway.verifying.verify import verify_file
from tests.console.browsing import CHROMIUM, PATIENCE, chromium, opened
from tests.console.keyboard import tab_onto, typed
from tests.console.site import LOGINS, PASSWORD, Site, console
from tests.journeys.installation import COMMUNE, PROVINCE, PUSHED
from tests.journeys.messages import document
from tests.journeys.receiver import Receiver, Reply
from tests.unit.signatures.pdf_made import blank

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")


async def enters(page: Page, selector: str, *, title: str) -> None:
    """Tab to it and press Enter; then the page of that title, whose keys are heard."""
    await tab_onto(page, selector)
    await page.keyboard.press("Enter")
    await there(page, title)


async def skips(page: Page) -> None:
    """Past bar and menu, by the first link of a page that was just opened."""
    await tab_onto(page, "a.skip")
    await page.keyboard.press("Enter")
    await expect(page.locator("#content")).to_be_focused()


async def there(page: Page, title: str) -> None:
    """The page of that title, with its scripts."""
    await expect(page.locator("h1")).to_have_text(title, timeout=PATIENCE)
    await page.wait_for_load_state()


async def comes(page: Page, role: Role, title: str) -> None:
    """By the form of the login."""
    await typed(page, login=LOGINS[role], password=PASSWORD)
    await page.keyboard.press("Enter")
    await there(page, title)


async def leaves(page: Page) -> None:
    """By the menu of the person."""
    await tab_onto(page, ".me summary")
    await page.keyboard.press("Enter")
    await enters(page, "form[action='/logout'] button", title="Đăng nhập")


async def _finds_and_resends(site: Site, page: Page, receiver: Receiver) -> None:
    """Where it fails, why; once that is mended, all that it refused goes again."""
    base = site.base
    office = (await base.directory.require(PUSHED, base.clock.now())).id
    channel = next(each.id for each in await base.directory.endpoints() if each.name == "pushed")
    cause = f".cause:has(a[href='/channels/{channel}'])"
    await comes(page, Role.OPERATOR, "Tổng quan")
    await expect(page.locator(cause)).to_contain_text("UBND xã Hai")
    await expect(page.locator(f"{cause} form[action='/acts/rehearse'] button")).to_be_visible()
    await page.keyboard.press("g")
    await page.keyboard.press("4")
    await there(page, "Cơ quan")
    await skips(page)
    await enters(page, f"tbody th a[href='/offices/{office}']", title="UBND xã Hai")
    await expect(page.locator(".said").first).to_contain_text("HTTP ")
    receiver.answer = lambda _: Reply()
    await page.keyboard.press("g")
    await page.keyboard.press("1")
    await there(page, "Tổng quan")
    await skips(page)
    await enters(page, f"{cause} form[action='/acts/rehearse'] button", title=_RESEND)
    await typed(page, reason="Đã gọi điện, xã đã dọn ổ đĩa")
    await page.keyboard.press("Enter")
    await expect(page.locator("#notices .done")).to_contain_text("đã làm với 1 lượt gửi.")
    await page.wait_for_load_state()
    await page.keyboard.press("/")
    await page.keyboard.type("1302/UBND-VP")
    await page.keyboard.press("Enter")
    await there(page, "Sổ giao nhận")
    await expect(page.locator("tbody .badge.good").first).to_be_visible(timeout=PATIENCE)
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await there(page, "1302/UBND-VP")
    await expect(page.locator(".told")).to_contain_text("Đã gọi điện, xã đã dọn ổ đĩa")


#: What the act is called.
_RESEND = "Thử gửi lại lượt chưa đến"


async def _registers(page: Page) -> None:
    """The first document that waits."""
    await comes(page, Role.CLERK, "Bàn văn thư")
    await page.keyboard.press("n")
    await there(page, "1250/UBND-VP")
    await typed(page, receiver="Công chức Văn phòng - Thống kê")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#notices .done")).to_contain_text("1250/UBND-VP: Đã vào sổ số 1.", timeout=PATIENCE)
    await page.wait_for_load_state()


async def _hands_over(page: Page, folder: Path) -> Path:
    """What the inspector asks for."""
    await comes(page, Role.AUDITOR, "Tổng quan")
    await enters(page, ".menu a[href='/audit']", title="Kiểm tra")
    await typed(page, number="1250/UBND-VP")
    await page.keyboard.press("Enter")
    await page.wait_for_url(re.compile("number=1250"))
    await page.wait_for_load_state()
    await skips(page)
    await tab_onto(page, "button[formaction^='/audit/bundle/']")
    async with page.expect_download(timeout=4 * PATIENCE) as coming:
        await page.keyboard.press("Enter")
    bundle = folder / "ho-so.asice"
    await (await coming.value).save_as(bundle)
    return bundle


async def test_whole_way_is_gone_without_a_mouse_in_vietnamese(tmp_path: Path, pki_folder: Path) -> None:
    """Find, see why, have it mended, resend; register; find, take a bundle that passes: every focus is seen."""
    (folder := tmp_path / "site").mkdir()
    receiver = Receiver(pki_folder)
    receiver.script.append(Reply(status=400, text="đĩa đã đầy"))
    receiver.answer = lambda _: Reply(status=503, text="đĩa đã đầy")
    await receiver.start()
    async with console(folder, pki_folder, push_url=receiver.url("/in")) as site, chromium() as browser:
        async with site.installation.client(PROVINCE) as province:
            await province.submit(document(PROVINCE, [PUSHED], number="1302"))
            await receiver.wait_for(1)
            await province.submit(document(PROVINCE, [PUSHED], number="1303"))
            await receiver.wait_for(2)
            await province.submit(document(PROVINCE, [COMMUNE], number="1250", content=blank().data))
        async with opened(browser, site.origin) as page:
            await page.goto("/login")
            await _finds_and_resends(site, page, receiver)
            await leaves(page)
            await _registers(page)
            await leaves(page)
            bundle = await _hands_over(page, tmp_path)
            assert await page.locator("html").get_attribute("lang") == "vi"
        settings = site.base.settings
        anchors = Anchors(seal=TrustStore.load(settings.seal.anchors, TrustPurpose.SEAL), tsa=None, log=())
        found = verify_file(bundle, anchors, site.base.clock.now())
        assert found.shape()["verdict"] != "FAILED", found.shape()
    await receiver.close()
