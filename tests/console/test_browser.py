"""The skeleton in a real browser: scripts, the stream, keys, and what axe finds; few and short."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Literal

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from gateway.accounts.roles import Role
from tests.console.browsing import CHROMIUM, PATIENCE, chromium, is_too_wide, opened, serious, sign_in
from tests.console.site import LOGINS, Site
from tests.console.test_overview import send

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """One for the module."""
    async with chromium() as found:
        yield found


async def test_overview_shows_a_document_without_being_asked(site: Site, browser: Browser) -> None:
    """The stream wakes the page; keys lead about; the policy lets all of it run."""
    async with opened(browser, site.origin) as page:
        await sign_in(page, LOGINS[Role.OPERATOR])
        await page.wait_for_selector("body[data-live=on]")
        figure = page.locator("#now .figure").first
        await expect(figure).to_have_text("0")
        await send(site, "21")
        await expect(figure).to_have_text("1", timeout=PATIENCE)
        await page.keyboard.press("/")
        await expect(page.locator("#search")).to_be_focused()
        await page.locator("h1").click()
        await page.keyboard.press("?")
        await expect(page.locator("#keys")).to_be_visible()


@pytest.mark.parametrize(("width", "theme", "language"), [(1440, "light", "vi"), (390, "dark", "en")])
async def test_pages_are_accessible_and_fit_their_window(
    site: Site, browser: Browser, width: int, theme: Literal["light", "dark"], language: str
) -> None:
    """Nothing serious by axe, nothing wider than the window."""
    async with opened(browser, site.origin, width=width, theme=theme, language=language) as page:
        await page.goto("/login")
        assert await serious(page) == []
        await sign_in(page, LOGINS[Role.ADMINISTRATOR])
        for path in ("/", "/account", "/account/second-factor", "/nowhere"):
            await page.goto(path)
            assert await serious(page) == []
            assert not await is_too_wide(page)
