"""The clerk's desk in a real browser: the list fills by itself, what is urgent rings, keys do all of the work.

Each walk is gone whole in Vietnamese and once more, with other documents of the same office, in English.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from playwright.async_api import Browser, FilePayload, Page, expect

from gateway.accounts.roles import Role
from tests.console.browsing import CHROMIUM, PATIENCE, is_too_wide, opened, serious, sign_in, viewed
from tests.console.clicking import Speech
from tests.console.keyboard import typed
from tests.console.site import LOGINS, PASSWORD, Site
from tests.desk.lab import DeskLab, clerk_of
from tests.journeys.installation import COMMUNE, PROVINCE
from tests.unit.signatures.pdf_made import blank

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]


#: Notes in the page itself what the browser's own notifications say, and has the newest at hand.
HEARD = """window.Notification = class extends Notification {
  constructor(title, options) {
    super(title, options);
    window.rung = this;
    document.body.dataset.rung = (document.body.dataset.rung ?? "") + title + ": " + options.body;
  }
};"""


async def arrived(page: Page, title: str) -> None:
    """Wait for the page of that title, and until it takes keys."""
    await expect(page.locator("h1")).to_have_text(title, timeout=PATIENCE)
    await page.wait_for_load_state("domcontentloaded")


async def sends(page: Page, title: str) -> None:
    """A new document, without the mouse."""
    await page.keyboard.press("s")
    await arrived(page, title)
    await page.keyboard.press("m")
    await page.wait_for_url("**/desk/send/*", timeout=PATIENCE)
    await expect(page.locator("[name=recipients]")).to_be_focused(timeout=PATIENCE)
    await page.keyboard.type(PROVINCE)
    await typed(page, subject="V/v báo cáo quý", notation="UBND-VP", signer="Nguyễn Văn Bé")
    pdf: FilePayload = {"name": "bao-cao.pdf", "mimeType": "application/pdf", "buffer": blank().data}
    await page.locator("input[type=file]").set_input_files([pdf])  # the system's own dialog
    await typed(page, why_unsigned="bản giấy đã ký")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator(".flash.done")).to_be_visible(timeout=PATIENCE)


async def test_clerk_works_by_keyboard_alone(site: Site, whole_browser: Browser, speech: Speech) -> None:
    """What comes stands in the open list; its PDF is shown beside the form; three are registered, one is sent."""
    clerk = await clerk_of(site.app, COMMUNE)
    (office,) = clerk.offices
    lab = DeskLab(site=site.installation, app=site.app, office=office, code=COMMUNE, clerk=clerk)
    said, (one, two, three) = speech.said, [speech.own(each) for each in ("811", "812", "813")]
    before, gone = len(lab.numbers()), len(lab.numbers(direction="out"))  # of tests that came first
    async with opened(whole_browser, site.origin, language=speech.language) as page:
        await page.context.grant_permissions(["notifications"])
        await page.add_init_script(HEARD)
        await sign_in(page, LOGINS[Role.CLERK])
        await page.goto("/desk")
        await page.wait_for_selector("body[data-live=on]")
        await lab.send(one, priority=3, content=blank().data)
        rung = f"{said('Văn bản khẩn', 'Urgent document')} (1): {one}/UBND-VP: V/v đăng ký"
        await expect(page.locator("body")).to_have_attribute("data-rung", rung, timeout=PATIENCE)
        await expect(page.locator("#waiting tbody th a")).to_have_text(f"{one}/UBND-VP", timeout=PATIENCE)
        await lab.send(two, content=blank().data)
        await lab.send(three, content=blank().data)
        async with page.expect_response("**/file/1", timeout=PATIENCE) as shown:
            await page.keyboard.press("n")
        assert (await shown.value).headers["content-type"] == "application/pdf"
        await arrived(page, f"{one}/UBND-VP")
        await viewed(page)
        assert await serious(page) == []
        assert not await is_too_wide(page)
        for key, code in (("n", two), ("n", three), ("n", one), ("r", two)):
            await page.keyboard.press(key)
            await arrived(page, f"{code}/UBND-VP")
        registered = said("Đã vào sổ số", "Registered as number")
        await expect(page.locator(".flash.done")).to_contain_text(f"{one}/UBND-VP: {registered} {before + 1}.")
        await typed(page, receiver="Phòng Kinh tế")
        await page.keyboard.press("Control+Enter")
        await arrived(page, f"{three}/UBND-VP")
        await page.keyboard.press("r")
        last = f"{registered} {before + 3}."
        await expect(page.locator(".flash.done")).to_contain_text(last, timeout=PATIENCE)
        await page.wait_for_load_state("domcontentloaded")
        await sends(page, said("Gửi văn bản", "Send"))
    assert lab.numbers()[before:] == [before + 1, before + 2, before + 3]
    query = "SELECT receiver FROM desk_entry WHERE direction = 'in' AND number = ?"
    assert lab.rows(query, before + 2) == [("Phòng Kinh tế",)]
    sent = lab.rows("SELECT message_id IS NOT NULL FROM desk_entry WHERE direction = 'out'")
    assert sent == [(1,)] * (gone + 1)
    assert lab.numbers(direction="out") == [*range(1, gone + 2)]


async def test_what_was_typed_comes_back_in_another_session_and_no_sooner(
    site: Site, browser: Browser, speech: Speech
) -> None:
    """While a session lasts, what the server has is what is shown: a recipient that was added is not lost."""
    async with opened(browser, site.origin, language=speech.language) as page:
        await sign_in(page, LOGINS[Role.CLERK])
        await page.goto("/desk/send")
        await page.keyboard.press("m")
        await page.wait_for_url("**/desk/send/*", timeout=PATIENCE)
        subject, draft = page.locator("[name=subject]"), page.url
        await subject.fill("V/v chưa lưu")
        await page.goto(draft)
        await expect(subject).to_have_value("")
        await subject.fill("V/v báo cáo")
        await page.locator("form[action='/logout']").evaluate("form => form.requestSubmit()")
        await page.wait_for_url("**/login", timeout=PATIENCE)
        await sign_in(page, LOGINS[Role.CLERK])
        await page.goto(draft)
        await expect(subject).to_have_value("V/v báo cáo")
        restored = speech.said("Nội dung bạn đã nhập", "What you had filled in")
        await expect(page.locator("#restored")).to_contain_text(restored)
        await page.goto(f"{draft}?find=Kiên Giang")
        await page.locator("button[name=add]").first.click()
        await expect(page.locator("[name=recipients]")).not_to_have_value("", timeout=PATIENCE)


async def test_what_could_not_be_sent_is_still_there_when_the_server_is_back(
    site: Site, browser: Browser, speech: Speech
) -> None:
    """The network fails under the button, as when the server is killed; Back has what was typed, and says so."""
    lost = speech.own("V/v mất kết nối ")
    async with opened(browser, site.origin, language=speech.language) as page:
        issuer, back = page.locator("[name=issuer]"), page.locator("#restored")
        await sign_in(page, LOGINS[Role.CLERK])
        await page.goto("/desk/paper")
        await issuer.fill("Sở Tài chính")
        await page.fill("[name=subject]", lost)
        await page.context.set_offline(True)
        await page.click("form[data-keep=paper] button.main")
        await page.wait_for_url("chrome-error://**", timeout=PATIENCE)
        await page.context.set_offline(False)
        await page.go_back()
        await expect(back).to_be_visible()
        await expect(issuer).to_have_value("Sở Tài chính")
        await expect(page.locator("[name=subject]")).to_have_value(lost)
        await page.click("form[data-keep=paper] button.main")
        await expect(page.locator(".flash.done")).to_be_visible(timeout=PATIENCE)
        await expect(issuer).to_have_value("")
        await expect(back).to_be_hidden()


async def test_session_that_expires_over_a_half_filled_form_loses_nothing(
    site: Site, browser: Browser, speech: Speech
) -> None:
    """The form of a document comes back after signing in, and is done when it is sent; so does a draft's text."""
    clerk = await clerk_of(site.app, COMMUNE)
    (office,) = clerk.offices
    lab = DeskLab(site=site.installation, app=site.app, office=office, code=COMMUNE, clerk=clerk)
    delivery, usual = await lab.send(speech.own("821")), site.base.settings.console
    async with opened(browser, site.origin, language=speech.language) as page:

        async def late(button: str) -> None:
            """The button is pressed when the session is over."""
            object.__setattr__(site.base.settings, "console", replace(usual, idle=timedelta(0)))
            try:
                await page.locator(button).first.click()
                await page.wait_for_url("**/login*", timeout=PATIENCE)
            finally:
                object.__setattr__(site.base.settings, "console", usual)
            await page.fill("[name=login]", LOGINS[Role.CLERK])
            await page.fill("[name=password]", PASSWORD)
            await page.click("button.main")

        await sign_in(page, LOGINS[Role.CLERK])
        await page.goto(f"/desk/in/{delivery}")
        await page.fill("form[action*='/register'] [name=receiver]", "Phòng Tư pháp")
        await late("form[action*='/register'] button")
        await page.wait_for_url("**/kept", timeout=PATIENCE)
        heading = speech.said("Biểu mẫu của bạn vẫn còn", "Your form is still here")
        await expect(page.locator("h1")).to_have_text(heading)
        await expect(page.locator("[name=receiver]")).to_have_value("Phòng Tư pháp")
        assert lab.rows("SELECT 1 FROM desk_entry WHERE delivery_id = ?", delivery) == []
        await page.click("#content button.main")
        await expect(page.locator(".flash.done")).to_be_visible(timeout=PATIENCE)
        kept = "SELECT receiver FROM desk_entry WHERE delivery_id = ?"
        assert lab.rows(kept, delivery) == [("Phòng Tư pháp",)]
        await page.goto("/desk/send")
        await page.keyboard.press("m")
        await page.wait_for_url("**/desk/send/*", timeout=PATIENCE)
        draft = page.url
        await page.fill("[name=subject]", "V/v hết phiên")
        await late("button[value=save]")
        await page.wait_for_selector(".me", timeout=PATIENCE)
        await page.goto(draft)
        await expect(page.locator("[name=subject]")).to_have_value("V/v hết phiên")
