"""The console in a real browser: scripts, the stream, keys, forms that work together, and what axe finds."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, Literal

import pytest
from playwright.async_api import Browser, Page, expect

from gateway.accounts.passwords import STRANGERS
from gateway.accounts.roles import Role
from gateway.admin import mass
from gateway.cli import main
from gateway.clock import micros
from gateway.eligibility import ActName
from gateway.foundation import database_of, open_foundation
from gateway.seal.trust import TrustPurpose, TrustStore
from gateway.simulate.layout import free_ports
from gateway.storage.sqlite import connect_lookup
from gateway.verifying.anchors import Anchors
from gateway.verifying.verify import verify_file
from tests.console.browsing import CHROMIUM, NARROWEST, PATIENCE, is_too_wide, opened, serious, sign_in
from tests.console.clicking import Speech
from tests.console.keyboard import typed
from tests.console.site import LOGINS, PASSWORD, PREVIEWER, Site, add_users
from tests.console.test_overview import send
from tests.console.test_pages import PAGES
from tests.journeys.installation import COMMUNE, PROVINCE, prepare
from tests.journeys.messages import document, status
from tests.journeys.test_mass_acts import asking
from tests.unit.signatures.pdf_made import blank

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]

#: Where measured milliseconds go: from an event to what an open page shows of it; until a lost page is back.
MEASURED = Path(__file__).resolve().parents[2] / "build" / "live.json"
WHY = "thử nghiệm trên trình duyệt"
#: More than half of so many events must be seen in so many milliseconds; once, a busy machine may be late.
_EVENTS, _SOON = 3, 2_000
#: The page gathers for a second what comes after what it has just shown.
_GATHERS = 1_000
#: Notes in the page itself when a part of it says a word for the first time.
_WATCH = """([selector, word]) => {
  const says = () => new RegExp(word).test(document.querySelector(selector)?.textContent.trim());
  delete document.documentElement.dataset.changedAt;
  new MutationObserver((_, me) => {
    if (!says()) return;
    document.documentElement.dataset.changedAt = Date.now();
    me.disconnect();
  }).observe(document.querySelector("#content"), {childList: true, subtree: true, characterData: true});
}"""
#: The diagram below a heading, as it is drawn.
_DRAWN = "id => document.querySelector(`section[aria-labelledby=${id}] svg, #${id} + .card svg`).outerHTML"


def note(**measured: int) -> None:
    """Into the build's output."""
    MEASURED.parent.mkdir(exist_ok=True)
    known: dict[str, Any] = json.loads(MEASURED.read_text()) if MEASURED.exists() else {}
    MEASURED.write_text(json.dumps(known | measured, indent=1) + "\n")


async def test_keys_lead_to_the_search_and_to_their_list(site: Site, browser: Browser, speech: Speech) -> None:
    """From the overview; the list says what each is for."""
    async with opened(browser, site.origin, language=speech.language) as page:
        await sign_in(page, LOGINS[Role.OPERATOR])
        await page.wait_for_selector("body[data-live=on]")
        await page.keyboard.press("/")
        await expect(page.locator("#search")).to_be_focused()
        await page.locator("h1").click()
        await page.keyboard.press("?")
        keys = page.get_by_role("dialog", name=speech.said("Phím tắt", "Keys"), exact=True)
        await expect(keys).to_contain_text(speech.said("dòng kế tiếp và dòng trước", "next and previous row"))


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


async def test_no_page_is_moved_sideways_at_four_hundred_per_cent(
    site: Site, browser: Browser, speech: Speech
) -> None:
    """Of those that are opened by their address alone; three walks go over others in so narrow a window."""
    await send(site, speech.own("22"))
    seen, wide = set[str](), list[str]()
    for role in (Role.ADMINISTRATOR, Role.AUDITOR, Role.CLERK):
        user = await site.base.users.require(LOGINS[role])
        own = [each.path for each in PAGES if user.may(each.permission) and "{" not in each.path]
        async with opened(browser, site.origin, width=NARROWEST, language=speech.language) as page:
            await sign_in(page, LOGINS[role])
            for path in (each for each in own if each not in seen):
                await page.goto(path, wait_until="domcontentloaded")
                wide += [path] if await is_too_wide(page) else []
        seen.update(own)
    assert len(seen) > 30
    assert wide == []


async def test_first_administrator_signs_in_is_locked_out_and_let_in_again(
    site: Site, browser: Browser, speech: Speech, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the command; too many wrong tries are told with what to do, and lock the right password out, too."""
    said, login = speech.said, speech.own("admin.first")
    config = ["--config", str(site.installation.folder / "config.toml"), "users"]
    why = ["--reason", "người quản trị đầu tiên", "--json"]
    assert await asyncio.to_thread(main, [*config, "add", login, "--role", "administrator", *why]) == 0
    password = json.loads(capsys.readouterr().out)["password"]
    most = site.base.settings.console.lock_after
    for _ in range(0, most, STRANGERS.of_one):  # more of one network at once are refused unheard
        await asyncio.gather(*(site.browser().sign_in(login, "wrong") for _ in range(STRANGERS.of_one)))
    async with opened(browser, site.origin, language=speech.language) as page:

        async def tries() -> None:
            await page.goto("/login")
            await page.fill("[name=login]", login)
            await page.fill("[name=password]", password)
            await page.click("button.main")

        await tries()
        told = page.locator("[role=alert]")
        await expect(told).to_contain_text(
            said("Đăng nhập không thành công.", "Signing in failed."), timeout=PATIENCE
        )
        await expect(told).to_contain_text(said("sai nhiều lần thì phải chờ", "after many wrong tries, wait"))
        await expect(page.locator("[name=login]")).to_have_value(login)
        assert await asyncio.to_thread(main, [*config, "unlock", login, *why]) == 0
        await tries()
        await page.wait_for_url("**/account/password", timeout=PATIENCE)
        for name, text in (("old", password), ("new", PASSWORD), ("again", PASSWORD)):
            await page.fill(f"[name={name}]", text)
        await page.click("#content button.main")
        await expect(page.locator(".flash.done")).to_be_visible(timeout=PATIENCE)
        assert (await page.goto("/administration/users")).status == 200  # type: ignore[union-attr]


async def test_rows_of_the_ledger_are_chosen_and_acted_on(
    site: Site, browser: Browser, speech: Speech, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A filter, its pages, a kept view; boxes, Shift, a key, a count; the rehearsal, and back to the same page."""
    monkeypatch.setattr("gateway.console.ledger._PAGE", 3)
    for number in ("51", "52", "53", "54"):
        await send(site, speech.own(number))
    mine, chosen = speech.own("Của tôi "), speech.said("Đã chọn: ", "Chosen: ")
    async with opened(browser, site.origin, language=speech.language) as page:
        await sign_in(page, LOGINS[Role.OPERATOR])
        await page.goto("/ledger")
        await page.wait_for_selector("body[data-live=on]")
        rows, told = page.locator("#content tbody tr"), page.locator("[data-chosen]")
        await expect(rows).to_have_count(3)
        await page.click("a[rel=next]")
        await expect(page.locator("a[rel=prev]")).to_be_visible()
        await page.click("a[rel=prev]")
        await page.fill(".filters [name=recipient_name]", "xã một")
        await page.fill(".filters [name=since]", datetime.now(UTC).date().isoformat())
        await page.click(".filters button.main")
        await page.wait_for_url(re.compile("recipient=0"))
        await page.locator("details.views summary").click()
        await page.fill("form[action='/ledger/views'] [name=name]", mine)
        await page.click("form[action='/ledger/views'] button")
        await expect(page.locator(".flash.done")).to_be_visible()
        await page.goto("/ledger")
        await page.click(f"details.views a:has-text('{mine}')")
        await page.wait_for_url(re.compile("recipient=0"))
        filtered = page.url
        await expect(page.locator("[data-needs-choice]")).to_be_disabled()
        await rows.nth(0).locator("input").click()
        await rows.nth(2).locator("input").click(modifiers=["Shift"])
        await expect(told).to_have_text(f"{chosen}3")
        await expect(page.locator("[data-all]")).to_be_checked()
        await page.keyboard.press("j")
        await page.keyboard.press("x")
        await expect(told).to_have_text(f"{chosen}2")
        async with site.installation.client(COMMUNE) as commune:
            items = (await commune.inbox(wait=5)).items
            await commune.content(items[-1].id)
            await commune.ack(items[-1].id)
        await expect(page.locator("tbody .badge.good")).to_have_count(1, timeout=PATIENCE)
        await expect(told).to_have_text(f"{chosen}2")
        assert await page.locator("tbody input:checked").count() == 2
        await page.click("[data-needs-choice]")
        await page.check("[name=act][value=hold]")
        await page.click("form[action='/acts/rehearse'] button.main")
        await page.fill("[name=reason]", WHY)
        await page.click("form[action='/acts/do'] button.main")
        await expect(page.locator(".flash").first).to_be_visible()
        assert page.url == filtered.partition("&columns=")[0]


async def test_document_is_read_proved_and_taken_along(
    site: Site, whole_browser: Browser, speech: Speech, tmp_path: Path
) -> None:
    """Its story, its PDF in the page, a bundle that the auditors' verifier passes, the certificate."""
    async with site.installation.client(PROVINCE) as province:
        sent = document(PROVINCE, [COMMUNE], number=speech.own("61"), content=blank().data)
        made = await province.submit(sent)
    async with opened(whole_browser, site.origin, language=speech.language) as page:
        await sign_in(page, PREVIEWER)
        await page.goto(f"/documents/{made.id}")
        sealed = speech.said("Đã tiếp nhận, niêm phong và ghi sổ", "Accepted, sealed and entered")
        await expect(page.locator("ol.told")).to_contain_text(sealed)
        async with page.expect_response("**/files/1?show=1") as shown:
            await page.click("a[href*='look=1']")
        assert (await shown.value).headers["content-type"] == "application/pdf"
        for button, name in (
            ("form[action$='/bundle'] button", "b.asice"),
            ("a[href$='certificate.pdf']", "c.pdf"),
        ):
            async with page.expect_download() as taken:
                await page.click(button)
            await (await taken.value).save_as(tmp_path / name)
    assert (tmp_path / "c.pdf").read_bytes().startswith(b"%PDF-")
    settings = site.base.settings
    anchors = Anchors(seal=TrustStore.load(settings.seal.anchors, TrustPurpose.SEAL), tsa=None, log=())
    found = verify_file(tmp_path / "b.asice", anchors, site.base.clock.now())
    assert found.shape()["verdict"] != "FAILED", found.shape()


async def test_channel_is_paused_and_used_again(site: Site, browser: Browser, speech: Speech) -> None:
    """With a reason and an end."""
    channel = next(each.id for each in await site.base.directory.endpoints() if each.name == "pushed")
    async with opened(browser, site.origin, language=speech.language) as page:
        await sign_in(page, LOGINS[Role.OPERATOR])
        await page.goto(f"/channels/{channel}")
        for act, words in (
            ("pause", speech.said("Không gửi gì qua kênh này", "Nothing is sent over this channel")),
            ("resume", speech.said("Kênh được dùng lại.", "The channel is used again.")),
        ):
            form = page.locator(f"form[action$='/{act}']")
            await form.locator("[name=reason]").fill(WHY)
            await form.locator("button:enabled").click()
            await expect(page.locator(".flash.done")).to_contain_text(words)
        await expect(page.locator("form[action$='/pause']")).to_be_visible()


async def test_list_of_whom_to_call_is_printed_alone_and_no_form_is(
    site: Site, browser: Browser, speech: Speech
) -> None:
    """By its button; printed by the browser's own, the page has the rest, too, and no forms either."""
    async with site.installation.client(PROVINCE) as province:
        await province.submit(document(PROVINCE, [COMMUNE], number=speech.own("87"), priority=3))
    channel = next(each.id for each in await site.base.directory.endpoints() if each.name == "commune")
    async with opened(browser, site.origin, language=speech.language) as page:
        await sign_in(page, LOGINS[Role.OPERATOR])
        await page.goto(f"/channels/{channel}")
        await page.evaluate("() => { window.print = () => { window.prints = (window.prints ?? 0) + 1 } }")
        await page.click(".alone [data-print]")
        assert await page.evaluate("window.prints") == 1
        await page.emulate_media(media="print")
        alone, rest, forms = page.locator(".alone"), page.locator("#content .two"), page.locator("#content form")
        await expect(alone).to_be_visible()
        await expect(alone).to_contain_text(f"{speech.own('87')}/UBND-VP")
        await expect(rest).to_be_hidden()
        await page.evaluate("window.dispatchEvent(new Event('afterprint'))")
        await expect(rest).to_be_visible()
        assert await forms.count()
        await expect(forms.locator("visible=true")).to_have_count(0)


async def test_what_was_filled_in_outlives_a_log_out_for_its_person_alone(
    site: Site, browser: Browser, speech: Speech
) -> None:
    """It comes back to whoever wrote it, in this browser, and is gone once it was sent."""
    base, now, other = site.base, site.base.clock.now(), speech.own("clerk8")
    user, _ = await base.users.add(
        other, name="Người khác", role=Role.CLERK, offices=[COMMUNE], actor="operator:test", now=now
    )
    await base.users.choose_password(user, PASSWORD, session="", now=now)

    async def sign_out() -> None:
        await page.locator(".me summary").click()
        await page.click("form[action='/logout'] button")
        await page.wait_for_url("**/login")

    async with opened(browser, site.origin, language=speech.language) as page:
        issuer = page.locator("[name=issuer]")
        await sign_in(page, LOGINS[Role.CLERK])
        await page.goto("/desk/paper")
        await issuer.fill("Sở Nội vụ")
        await sign_out()
        await sign_in(page, other)
        await page.goto("/desk/paper")
        await expect(issuer).to_have_value("")
        await sign_out()
        await sign_in(page, LOGINS[Role.CLERK])
        await page.goto("/desk/paper")
        await expect(issuer).to_have_value("Sở Nội vụ")
        restored = speech.said("Nội dung bạn đã nhập", "What you had filled in")
        await expect(page.locator("#restored")).to_contain_text(restored)
        await page.fill("[name=subject]", speech.own("Về việc thử nghiệm "))
        await page.click("form[data-keep=paper] button.main")
        await expect(page.locator(".flash.done")).to_be_visible()
        await expect(issuer).to_have_value("")


async def test_open_overview_fills_within_two_seconds(site: Site, browser: Browser, speech: Speech) -> None:
    """Its figures, and its diagrams, which are drawn anew; the page is never loaded again."""
    language = speech.language
    async with (
        opened(browser, site.origin, language=language) as page,
        site.installation.client(COMMUNE) as commune,
    ):
        await sign_in(page, LOGINS[Role.OPERATOR])
        await page.wait_for_selector("body[data-live=on]")
        await page.evaluate("() => { window.isSame = true; }")
        before, drawn = await _hours(page), await page.evaluate(_DRAWN, "hours")
        took = [
            await _took(
                site,
                page,
                "#now .figure",
                f"^{before + each}$",
                send(site, speech.own(f"11{each}")),
                "document.accepted",
            )
            for each in range(1, _EVENTS + 1)
        ]
        assert median(took) < _SOON, took
        note(overview_ms=int(median(took)))
        assert await _hours(page) == before + _EVENTS
        assert await page.evaluate(_DRAWN, "hours") != drawn
        drawn = await page.evaluate(_DRAWN, "fates")
        key = (await commune.inbox(wait=5)).items[-1].id
        await commune.content(key)
        await commune.ack(key)
        await page.wait_for_function(f"drawn => ({_DRAWN})('fates') !== drawn", arg=drawn, timeout=PATIENCE)
        assert await page.evaluate("window.isSame")


async def _hours(page: Page) -> int:
    """Documents of today, added up from what the diagram's bars say: "9:00 – 3 (0)"."""
    bars = await page.locator("#hours + .card svg title").all_text_contents()
    return sum(int(each.split()[2]) for each in bars if each.endswith(")"))


async def test_open_ledger_and_document_show_what_happened_within_two_seconds(
    site: Site, browser: Browser, speech: Speech
) -> None:
    """How many are new; each act and each status, with its words."""
    number, new = speech.own("71"), speech.said("lượt mới", "new")
    async with site.installation.client(PROVINCE) as province:
        made = await province.submit(document(PROVINCE, [COMMUNE], number=number))
    async with opened(browser, site.origin, language=speech.language) as page:
        await sign_in(page, LOGINS[Role.OPERATOR])
        await page.goto("/ledger")
        await page.wait_for_selector("body[data-live=on]")
        took = [
            await _took(
                site, page, "#news", f"^{each} {new}", send(site, speech.own(f"12{each}")), "document.accepted"
            )
            for each in range(1, _EVENTS + 1)
        ]
        assert median(took) < _SOON, took
        note(ledger_ms=int(median(took)))
        await page.goto(f"/documents/{made.id}")
        await page.click("#remind button")
        await expect(page.locator("#now table")).to_contain_text(speech.said("Đã nhắc lúc", "Reminded at"))
        await page.wait_for_selector("body[data-live=on]")
        took = []
        for each in range(1, _EVENTS):
            name, kind = ((ActName.HOLD, "delivery.held"), (ActName.RELEASE, "delivery.released"))[1 - each % 2]
            acted = mass.act(
                site.app, asking(name, [made.deliveries[0].id], reason=f"lần thứ {each}"), "user:ai-do"
            )
            took.append(await _took(site, page, "ol.told", f"lần thứ {each}", acted, kind))
        async with site.installation.client(COMMUNE) as commune:
            told = status(COMMUNE, "04", sender=PROVINCE, number=number, description="đã phân công")
            took.append(
                await _took(site, page, "ol.told", "đã phân công", commune.post_status(told), "status.recorded")
            )
        assert median(took) < _SOON, took
        note(document_ms=int(median(took)))


async def _took(site: Site, page: Page, part: str, says: str, happens: Awaitable[object], kind: str) -> int:
    """Milliseconds from an event, just before its commit, until the open page says so."""
    await page.wait_for_timeout(_GATHERS)
    await page.evaluate(_WATCH, [part, says])
    await happens
    await page.wait_for_selector("html[data-changed-at]", timeout=PATIENCE)
    with closing(connect_lookup(database_of(site.installation.settings))) as connection:
        ((at,),) = connection.execute("SELECT MAX(at) FROM event WHERE kind = ?", (kind,)).fetchall()
    changed: str = await page.evaluate("document.documentElement.dataset.changedAt")
    return int(changed) - int(at) // 1000


#: Of the page without its server: Vietnamese, English.
_AWAY = {
    "vi": "Mất kết nối. Nội dung đang xem có thể đã cũ.",
    "en": "The connection is gone. What you see may be old.",
}
_NEW = {"vi": "1 lượt mới", "en": "1 new"}


async def _goes_to_the_ledger(page: Page) -> None:
    """By the keyboard alone, from the form of the login on."""
    await page.goto("/login")
    await typed(page, login=LOGINS[Role.OPERATOR], password=PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_selector("body[data-live=on]")
    await page.keyboard.press("g")
    await page.keyboard.press("2")
    await page.wait_for_url("**/ledger")
    await page.wait_for_selector("body[data-live=on]")


async def _goes_on(page: Page, language: str) -> None:
    """The same hand finds and opens what came meanwhile; the session is what it was."""
    await page.keyboard.press("/")
    await page.keyboard.type("81/UBND-VP")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/ledger?*")
    await page.wait_for_selector("body[data-live=on]")
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await expect(page.locator("h1")).to_contain_text("81/UBND-VP")
    assert await page.locator("html").get_attribute("lang") == language


async def test_page_goes_on_after_the_server_was_away(browser: Browser, tmp_path: Path, pki_folder: Path) -> None:
    """It says that the connection is gone, comes back by itself, and has lost nothing of what came meanwhile.

    Two windows live through the same restart, one in each language; no hand needs a mouse.
    """
    port = free_ports(1)[0]
    made = await prepare(tmp_path, pki_folder, more=f"[console]\nport = {port}\n")
    async with open_foundation(made.settings, purpose="setup") as base:
        await add_users(base, (COMMUNE,))
    origin = f"https://localhost:{port}"
    async with opened(browser, origin) as one, opened(browser, origin, language="en") as other:
        pages = {"vi": one, "en": other}
        async with made.running():
            for page in pages.values():
                await _goes_to_the_ledger(page)
        for language, page in pages.items():
            await expect(page.locator("#offline")).to_contain_text(_AWAY[language], timeout=PATIENCE)
            await expect(page.locator("#offline")).to_be_visible()
        async with made.running(), made.client(PROVINCE) as province:
            await province.submit(document(PROVINCE, [COMMUNE], number="81"))
            back = datetime.now(UTC)
            await expect(one.locator("#news")).to_contain_text("1", timeout=PATIENCE)
            note(after_restart_ms=(micros(datetime.now(UTC)) - micros(back)) // 1000)
            for language, page in pages.items():
                await expect(page.locator("#news")).to_contain_text(_NEW[language], timeout=PATIENCE)
                await expect(page.locator("#offline")).to_be_hidden()
                await _goes_on(page, language)
