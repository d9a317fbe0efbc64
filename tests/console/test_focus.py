"""A page that changes under the hand, in a real browser; on a server of its own: the order of causes counts."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import Browser, Page, Route, expect

from gateway.accounts.roles import Role
from gateway.admin.acts import ActOnDeliveries, act_on_deliveries
from tests.console.browsing import CHROMIUM, opened, sign_in
from tests.console.site import LOGINS, Site
from tests.console.test_overview import send
from tests.journeys.installation import COMMUNE, PROVINCE, PUSHED
from tests.journeys.messages import document
from tests.journeys.test_journey import until

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]
WHY = "thử nghiệm"


#: What the page calls the cause and the gravest one before it.
_HELD, _WHY = {"vi": "Tạm giữ", "en": "Held"}, {"vi": "Xem vì sao", "en": "See why"}


async def test_hand_stays_on_a_cause_when_a_worse_one_comes_before_it(site: Site, browser: Browser) -> None:
    """What Enter would open is what it was when the focus came there, though all of it changes at once.

    Two windows, one in each language, see the same.
    """
    both, hold = asyncio.Event(), ActOnDeliveries(act="hold", recipient=COMMUNE, reason=WHY)

    async def wait(route: Route) -> None:
        await both.wait()
        await route.continue_()

    async def held(page: Page, language: str) -> str:
        """The focus is on its link; what it says."""
        await page.route("**/overview/now", wait)
        await sign_in(page, LOGINS[Role.OPERATOR])
        await page.wait_for_selector("body[data-live=on]")
        cause = page.locator(".cause", has_text=_HELD[language])
        await cause.locator("a[href^='/channels/']").focus()
        return await cause.inner_text()

    async def is_down() -> bool:
        return any(each.down_since for each in await site.base.directory.endpoints() if each.name == "pushed")

    await send(site, "23")
    await act_on_deliveries(site.app, hold, "operator:test")
    async with (
        site.installation.client(PROVINCE) as province,
        opened(browser, site.origin) as one,
        opened(browser, site.origin, language="en") as other,
    ):
        pages = {"vi": one, "en": other}
        before = {language: await held(page, language) for language, page in pages.items()}
        await province.submit(document(PROVINCE, [PUSHED], number="24", priority=3))
        await send(site, "25")
        await act_on_deliveries(site.app, hold, "operator:test")
        await until(is_down)
        both.set()
        for language, page in pages.items():
            cause = page.locator(".cause", has_text=_HELD[language])
            first = page.locator(".cause", has_text=_WHY[language]).first
            await expect(first).not_to_contain_text(_HELD[language])
            assert await cause.inner_text() != before[language]
            await expect(cause.locator("a[href^='/channels/']")).to_be_focused()
