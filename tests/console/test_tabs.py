"""Several tabs of one person: one of them has the stream, and all of them show what it says and how it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, Route, expect

from gateway.accounts.roles import Role
from gateway.foundation import open_foundation
from gateway.simulate.layout import free_ports
from tests.console.browsing import CHROMIUM, PATIENCE, opened, sign_in
from tests.console.clicking import Speech
from tests.console.site import LOGINS, add_users
from tests.journeys.installation import COMMUNE, PROVINCE, prepare
from tests.journeys.messages import document

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]


async def ledger(page: Page) -> None:
    """The ledger, with a stream of its own or another tab's."""
    await page.goto("/ledger")
    await page.wait_for_selector("body[data-live=on]")


async def test_every_tab_says_that_the_connection_is_gone_and_catches_up(
    browser: Browser, tmp_path: Path, pki_folder: Path, speech: Speech
) -> None:
    """Whichever has the stream, also after that one was closed; nobody reads old figures as if they were new."""
    gone, new = speech.said("Mất kết nối.", "The connection is gone."), speech.said("1 lượt mới", "1 new")
    port = free_ports(1)[0]
    made = await prepare(tmp_path, pki_folder, more=f"[console]\nport = {port}\n")
    async with open_foundation(made.settings, purpose="setup") as base:
        await add_users(base, (COMMUNE,))
    async with opened(browser, f"https://localhost:{port}", language=speech.language) as first:
        async with made.running(), made.client(PROVINCE) as province:
            await sign_in(first, LOGINS[Role.OPERATOR])
            await ledger(first)
            second, third = [await first.context.new_page() for _ in range(2)]
            await ledger(second)

            async def old(route: Route) -> None:
                answer = await route.fetch()
                text = (await answer.text()).replace('data-newest="', 'data-newest="1" data-was="')
                await route.fulfill(response=answer, body=text)

            await third.route("**/", old)
            async with third.expect_request("**/overview/now", timeout=PATIENCE):
                await third.goto("/")
            await third.wait_for_selector("body[data-live=on]")
        for page in (first, second, third):
            await expect(page.locator("#offline")).to_be_visible(timeout=PATIENCE)
            await expect(page.locator("#offline")).to_contain_text(gone)
        fourth = await first.context.new_page()
        async with made.running(), made.client(PROVINCE) as province:
            await province.submit(document(PROVINCE, [COMMUNE], number="91"))
            for page in (first, second):
                await expect(page.locator("#news")).to_contain_text(new, timeout=PATIENCE)
                await expect(page.locator("#offline")).to_be_hidden()
            await expect(third.locator("#offline")).to_be_hidden()
            await first.close()
            await second.reload()
            await second.wait_for_selector("body[data-live=on]")
            await ledger(fourth)
            await province.submit(document(PROVINCE, [COMMUNE], number="92"))
            await expect(second.locator("#news")).to_contain_text(new, timeout=PATIENCE)
            await expect(fourth.locator("#news")).to_contain_text(new, timeout=PATIENCE)
