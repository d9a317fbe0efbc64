"""Forms whose session has ended: kept over a restart, sealed, in bounds that drop none; and the way back."""

from __future__ import annotations

import io
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import aiohttp
import pyotp
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect
from yarl import URL

from gateway.accounts.late_forms import ALL_MOST, FORMS, KEPT_FOR, MOST, LateForm
from gateway.accounts.roles import Role
from gateway.console.late_pages import COOKIE
from gateway.errors import RefusedError
from gateway.foundation import database_of, open_foundation
from gateway.pki import client_tls_context
from gateway.seal.trust import TrustPurpose
from gateway.simulate.layout import free_ports
from gateway.storage.sqlite import connect_lookup
from tests.console.browsing import CHROMIUM, opened, serious, sign_in
from tests.console.clicking import Speech
from tests.console.site import LOGINS, PASSWORD, Site, add_users
from tests.console.test_overview import send
from tests.console.test_sessions import age, written
from tests.journeys.installation import COMMUNE, Installation, prepare

pytestmark = pytest.mark.asyncio(loop_scope="module")
in_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
WHY = "điện thoại với văn thư xã"


def rows(site: Site) -> list[tuple[str, bytes]]:
    """Whose forms the database has, and what it has of them."""
    with closing(connect_lookup(database_of(site.installation.settings))) as connection:
        return list(connection.execute("SELECT user_id, sealed FROM late_form ORDER BY at, id"))


async def user_of(site: Site, role: Role) -> str:
    """The id."""
    return (await site.base.users.require(LOGINS[role])).id


async def test_late_forms_of_one_person_are_so_many_and_so_large_and_none_makes_room(site: Site) -> None:
    """What there is no room for is refused by name, and all that was kept before is there yet."""
    forms, now, user = site.base.late_forms, site.base.clock.now(), await user_of(site, Role.VIEWER)

    async def late(key: str, size: int = 1) -> str:
        """What is said against it, if something is."""
        form = LateForm(id="", path="/x", fields=(("reason", key * size),), at=now)
        try:
            await forms.put(user, form)
        except RefusedError as error:
            return error.code
        return ""

    keys = [chr(ord("a") + each) for each in range(FORMS)]
    assert {await late(each) for each in keys} == {""}
    assert await late(keys[0]) == ""  # the same one once more is one
    assert (await late("z"), await late("z", MOST)) == ("form_not_kept", "form_not_kept")
    kept = await forms.of(user, now)
    assert sorted(each.fields[0][1] for each in kept) == keys
    assert forms.count(user, now) == FORMS
    await forms.leave(user, "", now)
    most = MOST - len("/x" + "reason")
    assert {await late(each, most) for each in keys[: ALL_MOST // MOST]} == {""}
    assert await late("z") == "form_not_kept"
    assert await late("z", most + 1) == "form_not_kept"
    assert forms.count(await user_of(site, Role.AUDITOR), now) == 0
    assert await forms.forget_expired(now + KEPT_FOR) == 0
    assert forms.count(user, now + KEPT_FOR + timedelta(seconds=1)) == 0
    assert await forms.forget_expired(now + KEPT_FOR + timedelta(seconds=1)) == ALL_MOST // MOST
    assert rows(site) == []


async def test_nobody_reads_a_late_form_in_the_database_or_as_another_person(site: Site) -> None:
    """Sealed for its person and its row; where the key is gone the person is told, and can leave it."""
    forms, now = site.base.late_forms, site.base.clock.now()
    user, other = await user_of(site, Role.VIEWER), await user_of(site, Role.AUDITOR)
    secret = "người dân khiếu nại về đất đai"
    await forms.put(user, LateForm(id="", path="/ledger/views", fields=(("name", secret),), at=now))
    ((whose, sealed),) = rows(site)
    assert (whose, secret.encode() in sealed, b"views" in sealed) == (user, False, False)
    (form,) = await forms.of(user, now)
    assert forms._opened(other, form.id, form.at, sealed).fields == ()
    taken = replace(form, at=now, fields=(("name", "x"),))
    await forms.put(other, taken)  # the id is another's: it gets one of its own
    assert [each.fields for each in await forms.of(user, now)] == [(("name", secret),)]
    await forms.leave(other, "", now)
    key = site.base.users.box.path
    was = key.read_bytes()
    key.rename(key.with_suffix(".gone"))
    site.base.users.box.make()
    try:
        browser = await site.signed_in(Role.VIEWER)
        page = await browser.get("/kept")
        assert "nay không đọc lại được: khóa bảo vệ nó đã bị thay" in page.text
        assert secret not in page.text
        assert (await browser.post("/kept/leave", {"kept": form.id})).location == "/"
    finally:
        key.unlink()
        key.with_suffix(".gone").rename(key)
    assert (key.read_bytes(), rows(site)) == (was, [])


async def test_lost_key_is_not_made_anew_beside_second_factors(site: Site) -> None:
    """What was sealed under it would be lost unseen; put back from a backup, it opens everything again."""
    base, now, totp = site.base, site.base.clock.now(), pyotp.TOTP(pyotp.random_base32())
    careful, _ = await base.users.add("careful9", name="C", role=Role.VIEWER, actor="operator:test", now=now)
    await base.users.choose_password(careful, PASSWORD, session="", now=now)
    await base.users.set_totp(careful, totp.secret, session="", now=now)
    other, key = await user_of(site, Role.AUDITOR), base.users.box.path
    key.rename(key.with_suffix(".gone"))
    try:
        form = LateForm(id="", path="/ledger/views", fields=(("name", "x"),), at=now)
        with pytest.raises(RefusedError, match="form_not_kept"):
            await base.late_forms.put(other, form)
        auditor = await base.users.require(LOGINS[Role.AUDITOR])
        with pytest.raises(RefusedError, match="put it back from a backup") as caught:
            await base.users.set_totp(auditor, pyotp.random_base32(), session="", now=now)
        assert (caught.value.code, key.exists()) == ("secret_key_lost", False)
    finally:
        key.with_suffix(".gone").replace(key)
    code = totp.at(base.clock.now())
    assert (await site.browser().sign_in("careful9", code=code)).status == 303
    await base.users.reset(careful, actor="operator:test", now=now, why="thử nghiệm xong")


async def test_form_that_there_is_no_room_for_is_refused_at_once_with_the_way_back(site: Site) -> None:
    """In the very tab that has what was typed; after signing in the others wait, and its page is there."""
    browser, now = await site.signed_in(Role.OPERATOR), site.base.clock.now()
    user = await user_of(site, Role.OPERATOR)
    for each in range(FORMS):
        form = LateForm(id="", path="/maintenance", fields=(("why", f"số {each}"),), at=now)
        await site.base.late_forms.put(user, form)
    age(site, browser, "seen_at", timedelta(hours=1))
    answer = await browser.post("/acts/do", {"reason": WHY, "back": "/queues?show=misrouted"})
    assert (answer.status, "form_not_kept" in answer.text) == (409, True)
    assert "nội dung đã gõ vẫn còn trong thẻ này" in answer.text
    assert 'href="/login?next=%2Fqueues%3Fshow%3Dmisrouted"' in answer.text
    assert len(rows(site)) == FORMS
    assert (await browser.sign_in(LOGINS[Role.OPERATOR])).location == "/kept"
    assert (await browser.get("/kept")).text.count("số ") == FORMS
    old = browser.token
    await browser.sign_in(LOGINS[Role.OPERATOR])
    browser.token = old  # of a tab from before: no more is dropped there
    answer = await browser.post("/maintenance", {"why": WHY}, Sec_Fetch_Site="same-origin")
    assert (answer.status, "form_not_kept" in answer.text) == (409, True)
    await browser.get("/account")
    await browser.post("/kept/leave")


async def test_what_is_only_to_be_kept_is_not_done(site: Site) -> None:
    """A page that goes away says so in a header; a password is kept for nobody then, either."""
    browser = await site.signed_in(Role.ADMINISTRATOR)
    user = await user_of(site, Role.VIEWER)
    unlock = {"act": "disable", "reason": WHY}
    answer = await browser.post(f"/administration/users/{user}", unlock, X_Keep="1")
    assert (answer.status, written(await browser.get("/kept"))) == (204, [WHY])
    assert (await site.base.users.require(LOGINS[Role.VIEWER])).disabled_at is None
    form = {"old": PASSWORD, "new": "mot-mat-khau-khac-nua", "again": "mot-mat-khau-khac-nua"}
    answer = await browser.post("/account/password", form, X_Keep="1")
    assert (answer.status, "form_not_kept" in answer.text) == (409, True)
    assert (await browser.post("/kept/leave")).location == "/"


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [
        ("/acts/do", "/acts"),
        ("/channels/some/pause?x=1", "/channels/some"),
        ("/kept/leave", "/kept"),
        ("/ledger?q=1", "/ledger?q=1"),
        ("/nowhere", "/nowhere"),
        ("//example.org", "/"),
    ],
)
async def test_signing_in_never_leads_to_an_address_of_forms_alone(site: Site, wanted: str, reached: str) -> None:
    """It leads to the page that the form was on; who signed in already is led there, too."""
    browser = site.browser()
    page = await browser.get(f"/login?next={wanted.replace('?', '%3F')}")
    assert f'name="next" value="{reached}"' in page.text
    signed_in = await site.signed_in(Role.OPERATOR)
    assert (await signed_in.get(f"/login?next={wanted.replace('?', '%3F')}")).location == reached
    if wanted.startswith("/acts"):  # nothing was chosen
        assert (await signed_in.get(reached)).location == "/ledger"


@asynccontextmanager
async def run(made: Installation) -> AsyncIterator[Site]:
    """The server from its start to its end, and clients."""
    tls = client_tls_context(made.pki.anchors(TrustPurpose.TLS))
    async with made.running() as app, Site(installation=made, app=app, tls=tls) as found:
        yield found


@contextmanager
def over(site: Site) -> Iterator[None]:
    """Every session has ended; afterwards one may sign in again."""
    usual = site.base.settings.console
    object.__setattr__(site.base.settings, "console", replace(usual, idle=timedelta(0)))
    try:
        yield
    finally:
        object.__setattr__(site.base.settings, "console", usual)


async def sign_in_again(page: Page, role: Role) -> None:
    """On the page for it, where one was led."""
    await page.fill("[name=login]", LOGINS[role])
    await page.fill("[name=password]", PASSWORD)
    await page.click("button.main")


@pytest_asyncio.fixture(loop_scope="module")
async def made(tmp_path: Path, pki_folder: Path) -> Installation:
    """An installation that is started more than once, always at the same port."""
    port = free_ports(1)[0]
    found = await prepare(tmp_path, pki_folder, more=f"[console]\nport = {port}\ntries_per_minute = 6000\n")
    async with open_foundation(found.settings, purpose="setup") as base:
        await add_users(base, (COMMUNE,))
    return found


async def test_form_whose_answer_shows_a_secret_counts_though_the_server_was_started_anew(
    made: Installation,
) -> None:
    """Its mark is of the run before; what was filled in is done once, when it is sent, and is gone then."""
    form = {"act": "reset", "reason": WHY}
    async with run(made) as site:
        browser, person = await site.signed_in(Role.ADMINISTRATOR), await user_of(site, Role.VIEWER)
        page = f"/administration/users/{person}"
        once = re.search(r'name="once" value="([^"]+)"', (await browser.get(page)).text)
        assert once is not None
        age(site, browser, "seen_at", timedelta(hours=1))
        late = await browser.post(page, form | {"once": once[1]})
        assert late.location == "/login?next=%2Fadministration%2Fusers%2F" + person
    async with run(made) as site:
        browser = site.browser()
        assert (await browser.sign_in(LOGINS[Role.ADMINISTRATOR])).location == "/kept"
        shown = (await browser.get("/kept")).text
        fields = dict(re.findall(r'name="([\w-]+)" value="([^"]*)"', shown.partition('class="stack"')[2]))
        assert fields["once"] != once[1]
        assert {name: fields[name] for name in form} == form
        answer = await browser.post(page, fields)
        assert (answer.status, "Chỉ hiện một lần" in answer.text) == (200, True), answer.text
        assert (await site.base.users.require(LOGINS[Role.VIEWER])).password_ends_at is not None
        assert (await browser.get("/kept")).location == "/"
        assert rows(site) == []


async def test_form_with_files_is_told_of_though_the_server_was_started_anew(made: Installation) -> None:
    """On its own page alone, once, and to nobody else who signs in with the browser."""
    told, late = "Hãy chọn lại tệp", ""
    pages = {Role.CLERK: "/desk/paper", Role.ADMINISTRATOR: "/administration/import"}
    for role, page in pages.items():
        async with run(made) as site:
            browser = await site.signed_in(role)
            browser.session.cookie_jar.update_cookies({COOKIE: late} if late else {}, URL(site.origin))
            assert told not in (await browser.get(page)).text
            age(site, browser, "seen_at", timedelta(hours=1))
            form, address = aiohttp.FormData({"scan": io.BytesIO(b"%PDF-1.4")}), f"{site.origin}{page}"
            sent = browser.session.post(f"{address}?form-token={browser.token}", data=form, allow_redirects=False)
            async with sent as answer:
                assert answer.headers["Location"] == "/login?next=" + quote(page, safe="")
            late = browser.cookie(COOKIE)
    async with run(made) as site:
        browser = site.browser()
        browser.session.cookie_jar.update_cookies({COOKIE: late}, URL(site.origin))
        for role, page in pages.items():
            assert (await browser.sign_in(LOGINS[role])).status == 303
            seen = [told in (await browser.get(each)).text for each in ("/account", *pages.values(), page)]
            assert seen == [False, *(each == page for each in pages.values()), False]
        assert browser.cookie(COOKIE) == ""


@in_chromium
async def test_half_filled_form_is_found_again_though_the_server_was_started_anew(
    made: Installation, browser: Browser, speech: Speech
) -> None:
    """In another window, too: what was typed stands there, says until when, and is done when it is sent."""
    async with run(made) as site, opened(browser, site.origin, language=speech.language) as page:
        await sign_in(page, LOGINS[Role.OPERATOR])
        await page.goto("/maintenance")
        await page.fill("form[action='/maintenance'] [name=reason]", WHY)
        with over(site):
            await page.click("form[action='/maintenance'] button.main")
            await page.wait_for_url("**/login*")
    async with run(made) as site, opened(browser, site.origin, language=speech.language) as page:
        await page.goto("/login")
        await sign_in_again(page, Role.OPERATOR)
        await page.wait_for_url("**/kept")
        await expect(page.locator("#content [name=reason]")).to_have_value(WHY)
        await expect(page.locator("#content")).to_contain_text(speech.said("giữ đến", "kept until"))
        assert await serious(page) == []
        await page.click("#content button.main")
        await expect(page.locator("#notices .done")).to_be_visible()
        await expect(page.locator("#content")).to_contain_text(WHY)
        await expect(page.locator(".flash a[href='/kept']")).to_have_count(0)
        assert rows(site) == []


async def fill_in_a_rehearsal(page: Page, number: str) -> None:
    """An operator on a page that answered a form: holding a document is rehearsed, and the reason written."""
    await sign_in(page, LOGINS[Role.OPERATOR])
    await page.goto(f"/ledger?code={number}")
    await page.locator("#content tbody input").first.check()
    await page.click("[data-needs-choice]")
    await page.check("[name=act][value=hold]")
    await page.click("form[action='/acts/rehearse'] button.main")
    await page.wait_for_url("**/acts/rehearse")
    await page.fill("[name=reason]", WHY)


@in_chromium
async def test_signing_in_from_a_page_that_answered_a_form_leads_to_the_form_with_its_text(
    site: Site, browser: Browser, speech: Speech
) -> None:
    """Of a rehearsal, which no address leads back to, the reason is kept, changed and done; nothing before."""
    await send(site, number := speech.own("97"))
    async with opened(browser, site.origin, language=speech.language) as page:
        await fill_in_a_rehearsal(page, number)
        with over(site):
            await page.click("#ended a")
            await page.wait_for_url("**/login*")
        await sign_in_again(page, Role.OPERATOR)
        await page.wait_for_url("**/kept")
        reason = page.locator("#content [name=reason]")
        await expect(reason).to_have_value(WHY)
        await reason.fill(f"{WHY}, sửa")
        with over(site):  # once more, over what was changed there
            await page.click("#ended a")
            await page.wait_for_url("**/login*")
        await sign_in_again(page, Role.OPERATOR)
        await page.wait_for_url("**/kept")
        await expect(reason).to_have_value(f"{WHY}, sửa")
        await page.click("#content button.main")
        await expect(page.locator("#notices .done")).to_be_visible()
        assert f"code={number}" in page.url
        await expect(page.locator("#content tbody tr")).to_contain_text(speech.said("Tạm giữ", "Held"))


@in_chromium
async def test_signing_in_from_a_refusal_leads_to_the_page_of_the_form_and_its_text(
    site: Site, browser: Browser
) -> None:
    """The address that refused it is one of forms alone; the browser has what was typed."""
    channel = next(each.id for each in await site.base.directory.endpoints() if each.name == "pushed")
    async with opened(browser, site.origin) as page:
        await sign_in(page, LOGINS[Role.OPERATOR])
        await page.goto(f"/channels/{channel}")
        form = page.locator("form[action$='/pause']")
        await form.locator("[name=reason]").fill(WHY)
        await form.locator("[name=until]").fill("2001-01-01T00:00")
        await form.locator("button:enabled").click()
        await page.wait_for_url("**/pause")
        await expect(page.locator("h1")).to_be_visible()
        with over(site):
            await page.click("#ended a")
            await page.wait_for_url("**/login*")
        await sign_in_again(page, Role.OPERATOR)
        await page.wait_for_url(f"**/channels/{channel}")
        await expect(form.locator("[name=reason]")).to_have_value(WHY)


@in_chromium
async def test_what_cannot_be_kept_is_told_before_it_is_left(site: Site, browser: Browser, speech: Speech) -> None:
    """The page stays, with a line; who wants to, signs in all the same."""
    user, now = await user_of(site, Role.OPERATOR), site.base.clock.now()
    await send(site, number := speech.own("98"))
    for each in range(FORMS):
        form = LateForm(id="", path="/maintenance", fields=(("reason", f"số {each}"),), at=now)
        await site.base.late_forms.put(user, form)
    async with opened(browser, site.origin, language=speech.language) as page:
        await fill_in_a_rehearsal(page, number)
        with over(site):
            await page.click("#ended a")
            told = speech.said(
                "Chưa giữ lại được nội dung bạn đang nhập.", "What you are filling in could not be kept."
            )
            await expect(page.locator("#unkept")).to_contain_text(told)
            await expect(page.locator("[name=reason]")).to_have_value(WHY)
            await page.click("#ended a")
            await page.wait_for_url("**/login*")
    assert site.base.late_forms.count(user, now) == FORMS
    await site.base.late_forms.leave(user, "", now)
