"""The page for vendors, in a real browser: what a system asked, the offices for tests, a conformance run.

What is started for a vendor is real: a sandbox with processes of its own, to which a system connects.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from playwright.async_api import Browser as Chromium
from playwright.async_api import Page, expect

from gateway.accounts.roles import Role
from gateway.client import GatewayClient
from gateway.errors import ProblemError
from gateway.pki import client_tls_context
from tests.console.browsing import CHROMIUM, is_too_wide, serious
from tests.console.clicking import Speech, file, fill, menu, press, send, signed_in
from tests.console.site import Browser, Site
from tests.journeys.installation import COMMUNE, PROVINCE
from tests.journeys.messages import document

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]
WHY = "nhà cung cấp thử"


async def for_vendors(page: Page) -> None:
    """By the menu."""
    await menu(page, "/administration")
    await press(page, "h2 a[href='/administration/vendors']")


async def test_office_for_tests_is_made_by_a_file_and_found_on_the_page(
    site: Site, browser: Chromium, speech: Speech
) -> None:
    """The page says how while there is none; its line leads to the office."""
    name, code = speech.own("Cơ quan thử "), f"{speech.said('881', '882')}.09.01.H33"
    async with signed_in(site, browser, Role.ADMINISTRATOR, width=390, language=speech.language) as page:
        await for_vendors(page)
        tests = page.locator("section", has=page.get_by_role("heading", name=speech.said(*_TESTS)))
        await expect(tests).not_to_contain_text(name)
        await press(page, "a[href='/administration/agencies']")
        await press(page, "a[href='/administration/import']")
        row = f"organ_id,name,kind,endpoint,sandbox\n{code},{name},commune,commune,yes\n"
        await page.set_input_files("[name=file]", [file("thu.csv", row.encode())])
        await press(page, "form[enctype] button.main")
        await send(page, "form[action$='/apply']", reason=WHY)
        await for_vendors(page)
        await expect(tests.locator("li", has_text=name)).to_contain_text(code)
        await press(page, tests.get_by_role("link", name=name))
        await expect(page.locator("h1")).to_have_text(name)


#: Vietnamese, English.
_TESTS = ("Cơ quan thử nghiệm", "Offices for tests")
_LAST = ("Các yêu cầu gần nhất của hệ thống", "Last requests of its systems")
_NONE = ("Chưa có yêu cầu nào từ khi máy chủ khởi động.", "None since the server started.")
_NO_EDXML = ("Tệp XML không phải edXML.", "The XML is not edXML.")


async def test_vendor_sees_what_its_system_asked_and_why_it_was_refused(
    site: Site, browser: Chromium, speech: Speech
) -> None:
    """By the office's name; the newest request first, a refused one with its reason and what to do about it."""
    office, said = speech.said("UBND xã Một", COMMUNE), speech.said
    async with site.installation.client(COMMUNE) as commune:
        await commune.submit(document(COMMUNE, [PROVINCE], number=speech.own("871")))
        with pytest.raises(ProblemError) as refused:
            await commune.submit(b"<vanban/>")
    assert refused.value.code == "not_edxml"
    async with signed_in(site, browser, Role.ADMINISTRATOR, language=speech.language) as page:
        await for_vendors(page)
        await fill(page, "form.filters", office="UBND xã Hai")
        await press(page, "form.filters button.main")
        last = page.get_by_role("table", name=said(*_LAST))
        await expect(last.locator("tbody")).to_have_text(said(*_NONE))
        await fill(page, "form.filters", office=office)
        await press(page, "form.filters button.main")
        lines = last.locator("tbody tr")
        await expect(lines.nth(0)).to_contain_text("POST /api/v1/documents")
        await expect(lines.nth(0)).to_contain_text(said(*_NO_EDXML))
        for text in ("not_edxml", refused.value.next_steps[speech.language]):
            await expect(lines.nth(0)).to_contain_text(text)
        await expect(lines.nth(1)).to_contain_text("202")
        assert await serious(page) == []
        assert not await is_too_wide(page)


async def kinds(site: Site) -> list[str]:
    """Of the newest events."""
    rows = await site.base.writer.fetch("SELECT kind FROM event ORDER BY seq DESC LIMIT 200")
    return [row[0] for row in rows]


async def running(browser: Browser) -> str:
    """The page once the sandbox has told of its steps."""
    async with asyncio.timeout(120):
        while "<caption>" not in (told := (await browser.get("/administration/vendors/progress")).text):
            assert "badge bad" not in told, told
            await asyncio.sleep(0.5)  # another process lays it out
    return told


def given(told: str, name: str) -> str:
    """What the page says that a vendor's system needs."""
    found = re.search(rf'<dt>{name}</dt><dd><code class="long">([^<]+)', told)
    assert found is not None, told
    return found[1]


async def connected(site: Site, browser: Chromium, told: str, folder: Path) -> None:
    """A system calls with what the page gave it; pages that are open in both languages say that it has got in."""
    async with AsyncExitStack() as stack:
        steps = []
        for language, title, passed in (("vi", "Kết nối", "đạt"), ("en", "Connect", "passed")):
            seeing = signed_in(site, browser, Role.ADMINISTRATOR, language=language)
            page = await stack.enter_async_context(seeing)
            await for_vendors(page)
            step = page.locator("#run tbody tr", has=page.get_by_role("rowheader", name=re.compile(f"^{title}")))
            steps.append((step.first, passed))
            await expect(step.first.locator(".badge.wait")).to_be_visible()
        (folder / "ca.pem").write_text(given(told, "ca"))
        url, tls = given(told, "rest_url").removesuffix("/api/v1"), client_tls_context(folder)
        async with GatewayClient(url, tls=tls, token=given(told, "token")) as vendor:
            await vendor.inbox()
        for step, passed in steps:
            await expect(step.locator(".badge.good")).to_have_text(passed)


async def test_conformance_run_is_started_watched_and_ended_from_the_page(
    site: Site, browser: Chromium, tmp_path: Path
) -> None:
    """A sandbox of its own: nothing of it is in this ledger but that it began and ended; one at a time."""
    admin = await site.signed_in(Role.ADMINISTRATOR)
    await admin.get("/administration/vendors")
    name = (await site.base.directory.require(COMMUNE, site.base.clock.now())).name
    form = {"organ_id": name, "binding": "rest", "hours": "1", "reason": WHY}
    assert (await admin.post("/administration/vendors/run", form | {"organ_id": "none"})).status == 404
    for wrong in ({"host": "-x"}, {"binding": "webhook"}, {"hours": "99"}, {"reason": ""}):
        assert (await admin.post("/administration/vendors/run", form | wrong)).status == 422, wrong
    documents = await site.base.writer.fetch("SELECT COUNT(*) FROM message")
    assert (await admin.post("/administration/vendors/run", form)).status == 303
    assert (await admin.post("/administration/vendors/run", form)).status == 409
    told = await running(admin)
    auditor = await site.signed_in(Role.AUDITOR)
    seen = (await auditor.get("/administration/vendors")).text
    assert "<dt>token</dt>" not in seen
    assert (await auditor.post("/administration/vendors/run/end")).status == 403
    assert (await auditor.get("/administration/vendors/file")).status == 404
    await connected(site, browser, told, tmp_path)
    assert (await admin.post("/administration/vendors/run/end")).status == 303
    report = await auditor.get("/administration/vendors/file")
    assert report.status == 200
    assert "attachment" in report.headers["Content-Disposition"]
    assert {"conformance.begun", "conformance.ended"} <= set(await kinds(site))
    assert await site.base.writer.fetch("SELECT COUNT(*) FROM message") == documents
