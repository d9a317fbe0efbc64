"""What the desk's notifications ring for: each urgent document once for each clerk, in whatever order they come."""

from __future__ import annotations

import msgspec
import pytest
from playwright.async_api import Browser, Page, Route, expect

from gateway.accounts.roles import Role
from gateway.admin.acts import ActOnDeliveries, act_on_deliveries
from tests.console.browsing import CHROMIUM, PATIENCE, opened, sign_in
from tests.console.clicking import Speech
from tests.console.site import PASSWORD, Site
from tests.console.test_desk_browser import HEARD
from tests.desk.lab import DeskLab, lab_of

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]


async def office(site: Site, login: str) -> DeskLab:
    """A commune of its own whose clerk has a browser alone."""
    lab, base = await lab_of(site.installation), site.base
    user, _ = await base.users.add(
        login, name=login, role=Role.CLERK, offices=[lab.code], actor="operator:test", now=base.clock.now()
    )
    await base.users.choose_password(user, PASSWORD, session="", now=base.clock.now())
    return lab


async def act(site: Site, delivery: str, what: str) -> None:
    """What an operator does to it."""
    asked = msgspec.convert({"act": what, "deliveries": [delivery], "reason": "for the test"}, ActOnDeliveries)
    assert (await act_on_deliveries(site.app, asked, "operator:test"))["moved"] == 1


async def desk(page: Page, login: str) -> None:
    """The clerk's open desk, to which signing in leads."""
    await sign_in(page, login)
    assert page.url.endswith("/desk")
    await page.wait_for_selector("body[data-live=on]")


async def test_urgent_document_rings_whenever_it_comes_and_for_each_clerk(
    site: Site, whole_browser: Browser, speech: Speech
) -> None:
    """One that is released after a newer one rang rings; so does an older one of the next clerk at the PC."""
    first, second = speech.own("vanthu-chuong"), speech.own("vanthu-sau")
    early, held, newer = [speech.own(each) for each in ("861", "862", "863")]
    title = speech.said("Văn bản khẩn", "Urgent document")
    lab, other = await office(site, first), await office(site, second)
    await other.send(early, priority=3)
    delivery = await lab.send(held, priority=3)
    await act(site, delivery, "hold")
    async with opened(whole_browser, site.origin, language=speech.language) as page:
        body = page.locator("body")
        await page.context.grant_permissions(["notifications"])
        await page.add_init_script(HEARD)
        await desk(page, first)
        shown = await lab.send(newer, priority=3)
        rung = f"{title} (1): {newer}/UBND-VP: V/v đăng ký"
        await expect(body).to_have_attribute("data-rung", rung, timeout=PATIENCE)
        async with page.expect_response("**/desk/urgent"):
            await page.goto(f"/desk/in/{shown}")  # lists nothing, so that no 01 follows what comes
        await page.wait_for_selector("body[data-live=on]")
        await act(site, delivery, "release")
        rung = f"{title} (2): {held}/UBND-VP: V/v đăng ký"
        await expect(body).to_have_attribute("data-rung", rung, timeout=PATIENCE)
        async with page.expect_navigation(url=f"**/desk/in/{delivery}"):
            await page.evaluate("window.rung.onclick()")
        await page.locator("form[action='/logout']").evaluate("form => form.requestSubmit()")
        await page.wait_for_url("**/login", timeout=PATIENCE)
        await desk(page, second)
        rung = f"{title} (1): {early}/UBND-VP: V/v đăng ký"
        await expect(body).to_have_attribute("data-rung", rung, timeout=PATIENCE)
        kept = await page.evaluate("login => localStorage.getItem(`desk-rung:${login}`)", first)
        assert len(msgspec.json.decode(kept)) == 2


async def test_newest_urgent_document_rings_and_no_other_again_however_many_wait(
    site: Site, whole_browser: Browser, speech: Speech, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The desk is told the words of the newest alone; one that is among them since another went waited before."""
    monkeypatch.setattr("gateway.console.desk_inbox._MOST_RUNG", 1)
    monkeypatch.setattr("gateway.console.desk_inbox._MOST_WAITING", 2)
    login, numbers = speech.own("vanthu-nhieu"), [speech.own(each) for each in ("871", "872", "873", "874")]
    title = speech.said("Văn bản khẩn", "Urgent document")
    lab, rung = await office(site, login), ""
    await lab.send(speech.own("870"), priority=3)
    async with opened(whole_browser, site.origin, language=speech.language) as page:
        body = page.locator("body")
        await page.context.grant_permissions(["notifications"])
        await page.add_init_script(HEARD)
        for number, count in zip(numbers, ("2", "2", "2+", "2+"), strict=True):
            delivery = await lab.send(number, priority=3)
            if number == numbers[0]:
                await desk(page, login)
            rung += f"{title} ({count}): {number}/UBND-VP: V/v đăng ký"
            await expect(body).to_have_attribute("data-rung", rung, timeout=PATIENCE)
            if number in {numbers[0], numbers[2]}:
                async with page.expect_response("**/desk/urgent"):
                    await lab.desk.registering.register(lab.clerk, delivery)


async def test_urgent_document_rings_though_the_first_look_at_what_waits_was_refused(
    site: Site, whole_browser: Browser
) -> None:
    """Who asked too often (429) asks again, by itself; without that nothing rang before the next document."""
    lab, refused = await office(site, "vanthu-don-dap"), list[str]()

    async def once(route: Route) -> None:
        if refused:
            return await route.continue_()
        refused.append(route.request.url)
        return await route.fulfill(status=429, headers={"Retry-After": "1"}, body="")

    await lab.send("868", priority=3)
    async with opened(whole_browser, site.origin) as page:
        await page.context.grant_permissions(["notifications"])
        await page.add_init_script(HEARD)
        await page.route("**/desk/urgent", once)
        await desk(page, "vanthu-don-dap")
        rung = "Văn bản khẩn (1): 868/UBND-VP: V/v đăng ký"
        await expect(page.locator("body")).to_have_attribute("data-rung", rung, timeout=PATIENCE)
    assert len(refused) == 1
