"""The clerk's desk in a real browser: the list fills by itself, one key registers, and what is urgent rings."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from gateway.accounts.roles import Role
from tests.console.browsing import CHROMIUM, PATIENCE, chromium, is_too_wide, opened, serious, sign_in
from tests.console.site import LOGINS, Site
from tests.desk.lab import DeskLab, clerk_of
from tests.journeys.installation import COMMUNE
from tests.unit.signatures.pdf_made import blank

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """One for the module."""
    async with chromium() as found:
        yield found


async def test_clerk_registers_by_one_key(site: Site, browser: Browser) -> None:
    """What comes stands in the open list; its PDF is shown beside the form; `r` registers and goes on."""
    clerk = await clerk_of(site.app, COMMUNE)
    (office,) = clerk.offices
    lab = DeskLab(site=site.installation, app=site.app, office=office, code=COMMUNE, clerk=clerk)
    async with opened(browser, site.origin) as page:
        await page.context.grant_permissions(["notifications"])
        await sign_in(page, LOGINS[Role.CLERK])
        await page.goto("/desk")
        await page.wait_for_selector("body[data-live=on]")
        async with page.expect_response("**/desk/urgent", timeout=PATIENCE) as asked:
            await lab.send("811", priority=3, content=blank().data)
        assert (await asked.value).ok
        await expect(page.locator("#waiting tbody th a")).to_have_text("811/UBND-VP", timeout=PATIENCE)
        await lab.send("812", content=blank().data)
        async with page.expect_response("**/file/1", timeout=PATIENCE) as shown:
            await page.locator("#waiting tbody th a").first.click()
        assert (await shown.value).headers["content-type"] == "application/pdf"
        await expect(page.locator("h1")).to_have_text("811/UBND-VP")
        assert await serious(page) == []
        assert not await is_too_wide(page)
        await page.keyboard.press("r")
        await expect(page.locator("h1")).to_have_text("812/UBND-VP", timeout=PATIENCE)
        await expect(page.locator(".flash.done")).to_contain_text("Đã vào sổ số 1.")
    assert lab.numbers() == [1]
