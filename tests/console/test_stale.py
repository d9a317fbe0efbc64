"""Live parts that cannot be fetched anew: they keep what they show, say that it may be old, and take up again.

In a real browser; the answers are a real server's, or what stands before one when it is started anew.
"""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser, Page, Route, expect

from gateway.accounts.roles import Role
from tests.console.browsing import CHROMIUM, opened, serious, sign_in
from tests.console.clicking import Speech
from tests.console.site import LOGINS, Site
from tests.console.test_overview import send

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]
_MARK = "[data-stale]"


async def live(page: Page, path: str) -> None:
    """A page with its stream."""
    await page.goto(path)
    await page.wait_for_selector("body[data-live=on]")


async def test_part_that_the_server_fails_to_make_keeps_its_rows_and_takes_up_again(
    site: Site, browser: Browser, speech: Speech, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows have no error among them, one line says that they may be old; it goes with the next answer."""
    number = speech.own("93")
    await send(site, number)
    async with opened(browser, site.origin, language=speech.language) as page:
        await sign_in(page, LOGINS[Role.OPERATOR])
        await live(page, "/ledger")
        rows, mark = page.locator("#content tbody tr"), page.locator(_MARK)
        before = await rows.count()
        with monkeypatch.context() as broken:
            broken.setattr("gateway.console.ledger.rows_of", None)
            async with page.expect_response("**/ledger/lines*") as answer:
                await page.evaluate("document.body.dispatchEvent(new Event('live-delivery'))")
            assert (await answer.value).status == 500
            told = speech.said("chưa tải lại được nên có thể đã cũ", "could not be fetched anew and may be old")
            await expect(mark).to_have_count(1)
            await expect(mark).to_contain_text(told)
            await expect(rows).to_have_count(before)
            await expect(page.locator("#content tbody")).not_to_contain_text("internal_error")
            await expect(rows.first).to_contain_text(f"{number}/UBND-VP")
            assert await serious(page) == []
        await expect(mark).to_have_count(0)  # nobody does anything, and nothing happens
        await expect(rows).to_have_count(before)


@pytest.mark.parametrize("status", [404, 429, 500, 503, 0, 302])
async def test_part_keeps_what_it_shows_whatever_comes_instead(site: Site, browser: Browser, status: int) -> None:
    """An error's page, another page, or no answer at all; it is asked for again until it comes."""
    asked = list[str]()

    async def fail(route: Route) -> None:
        asked.append(route.request.url)
        if not status:
            await route.abort("connectionrefused")
        elif status == 302:
            await route.fulfill(status=status, headers={"Location": "/account"})
        else:
            await route.fulfill(status=status, body="<h2>the proxy's own page</h2>", content_type="text/html")

    async with opened(browser, site.origin) as page:
        await sign_in(page, LOGINS[Role.OPERATOR])
        await live(page, "/")
        heading = page.locator("#now h2").first
        was = await heading.inner_text()
        await page.route("**/overview/now", fail)
        async with page.expect_event(
            "requestfinished" if status else "requestfailed", lambda each: each.url in asked
        ):
            await page.evaluate("document.body.dispatchEvent(new Event('live-document'))")
        await expect(page.locator(_MARK)).to_be_visible()
        await expect(heading).to_have_text(was)
        await expect(page.locator("#now")).not_to_contain_text("proxy")
        async with page.expect_request("**/overview/now"):  # once more, by itself
            pass
        await page.unroute("**/overview/now")
        await expect(page.locator(_MARK)).to_have_count(0)
        await expect(heading).to_have_text(was)


async def test_parts_that_share_a_place_have_one_line_until_the_last_of_them_is_back(
    site: Site, browser: Browser
) -> None:
    """The count and the rows of the ledger; what else is live there goes on meanwhile."""
    failing = re.compile("/ledger/(lines|count)")

    async def fail(route: Route) -> None:
        await route.fulfill(status=503, body="")

    await send(site, "95")
    async with opened(browser, site.origin) as page:
        await sign_in(page, LOGINS[Role.OPERATOR])
        await page.route(failing, fail)
        await live(page, "/ledger")
        await expect(page.locator(_MARK)).to_have_count(1)  # the count, which is asked for once
        async with page.expect_response("**/ledger/lines*"):
            await page.evaluate("document.body.dispatchEvent(new Event('live-delivery'))")
        await expect(page.locator(_MARK)).to_have_count(1)
        await send(site, "96")
        await expect(page.locator("#news")).to_contain_text("1")
        await page.unroute(failing)
        await expect(page.locator(_MARK)).to_have_count(0)
        await expect(page.locator("caption [hx-get]")).not_to_be_empty()


async def test_stream_that_is_refused_for_a_while_ends_no_session(site: Site, browser: Browser) -> None:
    """Who asked too often (429) is still signed in, and the page takes up again by itself."""
    left = {"/live": 2, "/still-here": 1}

    async def refuse(route: Route) -> None:
        path = route.request.url.removeprefix(site.origin).partition("?")[0]
        if not left[path]:
            return await route.continue_()
        left[path] -= 1
        return await route.fulfill(status=429, headers={"Retry-After": "1"}, body="")

    async with opened(browser, site.origin) as page:
        await sign_in(page, LOGINS[Role.OPERATOR])
        await page.route(re.compile("/(live|still-here)"), refuse)
        await page.goto("/channels")
        await expect(page.locator("#offline")).to_be_visible()
        await page.wait_for_selector("body[data-live=on]")
        assert left == {"/live": 0, "/still-here": 0}
        await expect(page.locator("#ended")).to_be_hidden()
