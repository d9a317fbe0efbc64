"""A newcomer's walk through the console, in a real browser.

Find the office that fails, see why, have it mended, resend; register a document as a commune's clerk; hand an
inspector a bundle. A test walks it over a small installation, `make pictures` over the demo for the READMEs. Every
step is a link or a button that the page before shows.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Browser, Page, expect

from tests.console.browsing import PATIENCE, opened, sign_in

#: Milliseconds in which a bundle is made on a busy machine.
_SEALING = 4 * PATIENCE
#: What to do at a place worth a picture: its name, and the page.
Look = Callable[[str, Page], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Walk:
    """Where it leads, and what there is to find."""

    browser: Browser
    origin: str
    #: Logins of an operator, a clerk and an auditor, and what signs them in.
    operator: str
    clerk: str
    auditor: str
    password: Callable[[str], str]
    #: The name of the office that fails, and what it refused.
    failing: str
    refused: str
    #: The number that the inspector asks for.
    wanted: str
    mend: Callable[[], Awaitable[None]]
    look: Look
    language: str = "vi"

    async def go(self, folder: Path) -> Path:
        """The whole way; the bundle, saved in the folder."""
        await self._find_and_resend()
        await self._register()
        return await self._hand_over(folder)

    async def _find_and_resend(self) -> None:
        async with opened(self.browser, self.origin, language=self.language) as page:
            await sign_in(page, self.operator, self.password(self.operator))
            cause = page.locator(".cause").filter(has_text=self.failing)
            resend = cause.locator("form[action='/acts/rehearse'] button")
            await expect(resend).to_be_visible(timeout=PATIENCE)
            await self.look("overview", page)
            await page.locator(".menu a[href='/offices']").click()
            await expect(page.locator(".map, .strip").first).to_be_visible()
            await self.look("map", page)
            await page.locator("tbody th a").filter(has_text=self.failing.removeprefix("Ủy ban nhân dân ")).click()
            await expect(page.locator(".said").first).to_contain_text("HTTP ")
            await self.look("channel", page)
            await self.mend()
            await page.locator(".menu a[href='/']").click()
            await resend.click()
            await page.locator("[name=reason]").fill("Đã gọi điện, xã đã dọn ổ đĩa")
            await page.locator("button[name=how][value=act]").click()
            await expect(page.locator(".flash").first).to_be_visible()
            await page.locator("#search").fill(self.refused)
            await page.keyboard.press("Enter")
            await expect(page.locator("tbody .badge.good").first).to_be_visible(timeout=PATIENCE)
            await page.locator("tbody th a").first.click()
            await expect(page.locator(".told")).to_be_visible()
            await self.look("document", page)

    async def _register(self) -> None:
        async with opened(self.browser, self.origin, language=self.language) as page:
            await sign_in(page, self.clerk, self.password(self.clerk))
            await page.locator("#waiting tbody th a").first.click()
            await page.locator("[name=receiver]").fill("Công chức Văn phòng - Thống kê")
            await self.look("desk", page)
            await page.locator("button[data-key=r]").click()
            await expect(page.locator(".flash.done")).to_be_visible(timeout=PATIENCE)

    async def _hand_over(self, folder: Path) -> Path:
        async with opened(self.browser, self.origin, language=self.language) as page:
            await sign_in(page, self.auditor, self.password(self.auditor))
            await page.locator(".menu a[href='/audit']").click()
            await page.locator("[name=number]").fill(self.wanted)
            await page.keyboard.press("Enter")
            button = page.locator("button[formaction^='/audit/bundle/']").first
            await expect(button).to_be_visible()
            await self.look("audit", page)
            async with page.expect_download(timeout=_SEALING) as coming:
                await button.click(timeout=_SEALING)
            bundle = folder / "bundle.asice"
            await (await coming.value).save_as(bundle)
            return bundle
