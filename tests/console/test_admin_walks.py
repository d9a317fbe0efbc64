"""What administrators do, people for their account, an operator after a telephone call, by clicking in a browser.

One server, one browser; each walk is gone whole in Vietnamese and once more, with other people, in English.
"""

from __future__ import annotations

import asyncio
import re
import sys

import msgspec
import pyotp
import pytest
from playwright.async_api import Browser, Page, expect

from gateway.accounts.passwords import STRANGERS
from gateway.accounts.roles import Role
from gateway.accounts.users import User
from gateway.admin import conformance_runs
from gateway.admin.conformance_runs import ACCESS, PROGRESS, REPORT, Run
from gateway.conformance.serving import Progress
from gateway.conformance.steps import steps_of
from gateway.conformance.verdicts import failed, passed
from gateway.errors import ProblemError
from gateway.maintenance.alarm_watch import AlarmWatch
from tests.console.browsing import CHROMIUM, PATIENCE, opened, serious, sign_in
from tests.console.clicking import Speech, file, fill, menu, press, send, signed_in, taken
from tests.console.site import LOGINS, PASSWORD, Site
from tests.console.test_alerts import taken as untold
from tests.desk.lab import lab_of
from tests.journeys.installation import COMMUNE, PROVINCE, PUSHED
from tests.journeys.messages import document

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]
WHY = "việc quản trị"


async def told(site: Site, *kinds: str, last: int) -> list[tuple[str, str, str]]:
    """Kind, actor and reason of so many of the newest events of some kinds, oldest first."""
    rows = await site.base.writer.fetch("SELECT kind, actor, note FROM event ORDER BY seq DESC LIMIT 200")
    return [(row[0], row[1], row[2] or "") for row in reversed(rows) if row[0] in kinds][-last:]


async def actor(site: Site, role: Role) -> str:
    """As events name the person of a role."""
    return (await site.base.users.require(LOGINS[role])).actor


async def careful(site: Site, login: str) -> tuple[User, pyotp.TOTP]:
    """A person with one-time codes."""
    users, now, codes = site.base.users, site.base.clock.now(), pyotp.TOTP(pyotp.random_base32())
    user, _ = await users.add(login, name=f"Người {login}", role=Role.VIEWER, actor="operator:test", now=now)
    await users.choose_password(user, PASSWORD, session="", now=now)
    await users.set_totp(user, codes.secret, session="", now=now)
    return user, codes


async def enter(page: Page, login: str, password: str, code: str = "") -> None:
    """By the form, with a code where there is one."""
    await page.goto("/login")
    for name, text in (("login", login), ("password", password), ("code", code)):
        await page.fill(f"[name={name}]", text)
    await press(page, "button.main")


async def test_locked_account_is_let_in_and_whoever_lost_the_telephone_begins_anew(
    site: Site, browser: Browser, speech: Speech
) -> None:
    """The page says what is so and what an act does; the first password counts without a code, and once."""
    said, language = speech.said, speech.language
    user, _ = await careful(site, speech.own("locked"))
    for _ in range(0, site.base.settings.console.lock_after, STRANGERS.of_one):
        await asyncio.gather(*(site.browser().sign_in(user.login, "wrong") for _ in range(STRANGERS.of_one)))
    async with signed_in(site, browser, Role.ADMINISTRATOR, language=language) as page:
        await menu(page, "/administration")
        await press(page, "a[href='/administration/users']")
        row = page.locator("tbody tr", has_text=user.name)
        await expect(row).to_contain_text(said("tạm khóa", "locked"))
        await press(page, row.locator("a"))
        facts = page.locator("#content dl.facts")
        await expect(facts).to_contain_text(said("tạm khóa đến", "locked until"))
        codes = facts.locator(f"dt:text-is('{said('Mã xác thực', 'One-time codes')}') + dd")
        await expect(codes).to_have_text(said("bật", "on"))
        await send(page, "form:has([value=unlock])", reason=WHY)
        await expect(facts).to_contain_text(said("được đăng nhập", "may sign in"))
        form = await fill(page, "form:has([value=reset])", reason=WHY)
        await expect(form).to_contain_text(said("mã xác thực và mọi phiên", "one-time codes and all sessions"))
        await press(page, form.locator("button:enabled"))
        await expect(page.locator("[role=alert] h2")).to_have_text(said("Chỉ hiện một lần", "Shown once"))
        password = await page.locator("[role=alert] code").inner_text()
        await expect(codes).to_have_text(said("tắt", "off"))
    who = await actor(site, Role.ADMINISTRATOR)
    wanted = [("user.unlocked", who, WHY), ("user.reset", who, WHY)]
    assert await told(site, "user.unlocked", "user.reset", last=2) == wanted
    async with opened(browser, site.origin, language=language) as page:
        await enter(page, user.login, password)
        assert page.url.endswith("/account/password")
        await send(page, "#content form", old=password, new=f"{PASSWORD}-moi", again=f"{PASSWORD}-moi")
        await expect(page.locator("#content")).to_contain_text(said("tắt", "off"))


async def test_person_has_one_time_codes_ends_a_session_and_changes_the_look(
    site: Site, browser: Browser, speech: Speech
) -> None:
    """The code of the picture's letters; it is asked for at the next sign-in, and goes with one of its own."""
    said, login, base = speech.said, speech.own("coded"), site.base
    user, _ = await base.users.add(
        login, name="Người có mã", role=Role.VIEWER, actor="operator:test", now=base.clock.now()
    )
    await base.users.choose_password(user, PASSWORD, session="", now=base.clock.now())
    elsewhere = await site.signed_in(login)
    async with opened(browser, site.origin, language=speech.language) as page:
        notices = page.locator("#notices .done")
        await sign_in(page, login)
        await page.locator(".me summary").click()
        await press(page, ".me a[href='/account']")
        await expect(page.locator("tbody")).to_contain_text(said("phiên này", "this one"))
        await press(page, "form[action='/account/sessions/end'] button")
        await expect(notices).to_have_text(said("Phiên đã kết thúc.", "The session has ended."))
        assert (await elsewhere.get("/account")).status == 303
        await press(page, "a[href='/account/second-factor']")
        codes = pyotp.TOTP(await page.locator("code.long").inner_text())
        await send(page, "form.stack", code=codes.at(base.clock.now()), password=PASSWORD)
        await expect(notices).to_have_text(said("Đã bật mã xác thực.", "One-time codes are on."))
        for button in ("[value=utc]", "[value=dark]"):
            await press(page, f".switches {button}")
        await expect(page.locator(".switches")).to_contain_text("UTC")
        await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        await page.locator(".me summary").click()
        await press(page, "form[action='/logout'] button")
        await page.fill("[name=login]", login)
        await page.fill("[name=password]", PASSWORD)
        await press(page, "button.main", fails=True)
        failed = said("Đăng nhập không thành công.", "Signing in failed.")
        await expect(page.locator("[role=alert]")).to_contain_text(failed)
        await page.fill("[name=password]", PASSWORD)
        await page.fill("[name=code]", codes.at(base.clock.now(), counter_offset=1))
        await press(page, "button.main")
        await expect(page.locator(".me")).to_be_visible()


async def test_person_switches_one_time_codes_off(site: Site, browser: Browser, speech: Speech) -> None:
    """With a code that was not used yet; the next sign-in asks for none."""
    user, codes = await careful(site, speech.own("careful"))
    async with opened(browser, site.origin, width=390, language=speech.language) as page:
        await enter(page, user.login, PASSWORD, codes.at(site.base.clock.now()))
        await page.locator(".me summary").click()
        await press(page, ".me a[href='/account']")
        await press(page, "a[href='/account/second-factor']")
        code = codes.at(site.base.clock.now(), counter_offset=1)
        await send(page, "form:has([name=secret][value=''])", present=code, password=PASSWORD)
        off = speech.said("Đã tắt mã xác thực.", "One-time codes are off.")
        await expect(page.locator("#notices .done")).to_have_text(off)
        await page.locator(".me summary").click()
        await press(page, "form[action='/logout'] button")
        await enter(page, user.login, PASSWORD)
        await expect(page.locator(".me")).to_be_visible()
    assert await told(site, "user.secured", last=1) == [("user.secured", user.actor, "")]


#: Days off that no other walk enters.
_TET = {
    "vi": ("2027-02-05", "2027-02-08", "Tết Đinh Mùi"),
    "en": ("2028-01-25", "2028-01-28", "Tết Mậu Thân"),
}  # fmt: skip


async def test_administrator_keeps_people_and_days(site: Site, browser: Browser, speech: Speech) -> None:
    """A password shown once; rights; let in no more, let in again; days off; what is in force, and from where."""
    said, name = speech.said, speech.own("Người mới ")
    async with signed_in(site, browser, Role.ADMINISTRATOR, language=speech.language) as page:
        await menu(page, "/administration")
        await press(page, "a[href='/administration/users']")
        added = {"login": speech.own("moi"), "name": name, "reason": WHY}
        await press(page, (await fill(page, "form[action='/administration/users']", **added)).locator("button"))
        await expect(page.locator("[role=alert] h2")).to_have_text(said("Chỉ hiện một lần", "Shown once"))
        password = await page.locator("[role=alert] code").inner_text()
        await menu(page, "/administration")
        await press(page, "a[href='/administration/users']")
        await press(page, f"tbody a:has-text('{name}')")
        await expect(page.locator("main")).not_to_contain_text(password)
        await send(page, "form:has([value=rights])", role="clerk", offices=COMMUNE, reason=WHY)
        facts = page.locator("#content dl.facts")
        await expect(facts).to_contain_text(said("văn thư", "clerk"))
        for act, word in (
            ("disable", said("đã khóa", "disabled")),
            ("enable", said("được đăng nhập", "may sign in")),
            ("sessions", said("được đăng nhập", "may sign in")),
        ):
            await send(page, f"form:has([name=act][value={act}])", reason=WHY)
            await expect(facts.locator(".badge")).to_have_text(word)
        await press(page, "a[href='/administration/calendar']")
        first, last, called = _TET[speech.language]
        entering = "form[action$='/calendar']:has([name=last])"
        await send(page, entering, first=first, last=last, name=called, reason=WHY)
        days = page.locator(f"tr:has-text('{called}')")
        await expect(days).to_have_count(4)
        await expect(days.first.locator(".badge")).to_have_text(said("nghỉ", "day off"))
        await send(page, "form:has([value=rule])", reason=WHY)
        await expect(days).to_have_count(3)
        await press(page, "a[href='/administration/settings']")
        port = page.locator("tr", has=page.locator("th", has_text=re.compile("^port$"))).first
        await expect(port.locator("strong")).to_have_text(said("tệp", "file"))
        await press(page, "a[href='/administration/certificates']")
        await expect(page.locator("caption").first).to_have_text(said("Đang dùng", "In use"))
    who = await actor(site, Role.ADMINISTRATOR)
    wanted = [("user.added", who, WHY), ("user.changed", who, WHY), ("user.disabled", who, WHY)]
    assert (await told(site, *(kind for kind, *_ in wanted), last=3)) == wanted


async def test_administrator_keeps_agencies_and_what_their_systems_are_known_by(
    site: Site, browser: Browser, speech: Speech
) -> None:
    """By a file; a token and a code shown once, a certificate of another CA; who would get what."""
    said, name = speech.said, speech.own("Hai mới ")
    pki = site.installation.pki
    pem = {"vi": pki.server, "en": pki.institution}[speech.language].certificate.read_bytes()
    async with signed_in(site, browser, Role.ADMINISTRATOR, language=speech.language) as page:
        once = page.locator("section[role=alert]")
        await menu(page, "/administration")
        await press(page, "a[href='/administration/agencies']")
        await press(page, "a[href='/administration/import']")
        row = f"organ_id,name\n{PUSHED},{name}\n".encode()
        await page.set_input_files("[name=file]", [file("a.csv", row)])
        await press(page, "form[enctype] button.main")
        await expect(page.locator("tbody .badge")).to_have_text(said("thay đổi", "changes"))
        await send(page, "form[action$='/apply']", reason=WHY)
        await press(page, "nav.actions a[href='/administration/agencies']")
        await page.fill("form.filters [name=q]", "hai moi")
        await press(page, "form.filters button.main")
        await press(page, "tbody th a")
        await expect(page.locator("h1")).to_have_text(name)
        issuing = await fill(page, "form:has([value=token])", label=speech.own("máy thử "), reason=WHY)
        await press(page, issuing.locator("button"))
        await expect(once.locator("h2")).to_have_text(said("Chỉ hiện một lần", "Shown once"))
        await expect(once.locator("code").first).to_be_visible()
        system = page.locator("tbody tr", has_text=speech.own("máy thử "))
        await expect(system.locator(".badge")).to_have_text(said("đang hiệu lực", "in force"))
        await send(page, system.locator("form:has([value=revoke])"), reason=WHY)
        await expect(once).to_have_count(0)
        await expect(system.locator(".badge")).to_have_text(said("đã thu hồi", "revoked"))
        await press(page, (await fill(page, "form:has([value=enrol])", reason=WHY)).locator("button"))
        code = said("Mã dùng một lần để xin chứng thư", "One-time code for a certificate")
        await expect(once).to_contain_text(code)
        await page.set_input_files("[name=certificate]", [file("c.pem", pem)])
        await send(page, "form[enctype]", label="CA khác", reason=WHY)
        await press(page, "a[href='/administration/routing']")
        await fill(page, "form.filters", **{"from": PROVINCE, "to": f"{COMMUNE}, 999.99.99.H99"})
        await press(page, "form.filters button.main")
        badges = [said("gửi qua commune", "delivered by commune"), said("không phục vụ được", "not served")]
        await expect(page.locator("tbody .badge")).to_have_text(badges)
    who = await actor(site, Role.ADMINISTRATOR)
    wanted = ["credential.issued", "credential.revoked", "credential.issued"]
    assert await told(site, *wanted, last=3) == [(kind, who, WHY) for kind in wanted]


async def _agency(page: Page, code: str) -> None:
    """By the list."""
    await press(page, "nav.actions a[href='/administration/agencies'], h2 a[href='/administration/agencies']")
    await page.fill("form.filters [name=q]", code)
    await press(page, "form.filters button.main")
    await press(page, "tbody th a")


async def _explained(page: Page, code: str) -> None:
    """What would become of a document to it."""
    await press(page, "nav.actions a[href='/administration/routing']")
    await fill(page, "form.filters", **{"from": PROVINCE, "to": code})
    await press(page, "form.filters button.main")


async def test_office_takes_another_channel_is_spoken_for_and_closes(
    site: Site, browser: Browser, speech: Speech
) -> None:
    """What routing says changes with it; whoever speaks for it is let, and no longer; its successor is named."""
    said = speech.said
    code, base = (await lab_of(site.installation)).code, site.base
    heir = await base.directory.require(COMMUNE, base.clock.now())

    async def speaks(number: str) -> None:
        async with site.installation.client(COMMUNE) as commune:
            await commune.submit(document(code, [PROVINCE], number=number))

    async with signed_in(site, browser, Role.ADMINISTRATOR, language=speech.language) as page:
        await menu(page, "/administration")
        await _agency(page, code)
        await send(page, "form:has([value=route])", channel="province", reason=WHY)
        await expect(page.locator("#content dl.facts")).to_contain_text(
            said("province cơ quan tự lấy từ hộp thư", "province fetched from its inbox")
        )
        await _explained(page, code)
        await expect(page.locator("tbody .badge")).to_have_text(said("gửi qua province", "delivered by province"))
        await _agency(page, code)
        await send(page, "form:has([value=represent])", agent=COMMUNE, reason=WHY)
        spoken_for = said(f"Được đại diện bởi\n{heir.name}", f"Spoken for by\n{heir.name}")
        await expect(page.locator("#content dl.facts")).to_have_text(re.compile(spoken_for), use_inner_text=True)
        await speaks("801")
        await page.check("form:has([value=represent]) [name=end]")
        await send(page, "form:has([value=represent])", agent=COMMUNE, reason=WHY)
        await expect(page.locator("#content dl.facts")).not_to_contain_text(heir.name)
        with pytest.raises(ProblemError):
            await speaks("802")
        form = await fill(page, "form:has([value=close])", successor=COMMUNE, reason=WHY)
        await expect(form).to_contain_text(
            said("nơi gửi được báo cơ quan kế thừa", "senders are told the successor")
        )
        await send(page, form)
        await expect(page.locator("#content dl.facts")).to_contain_text(heir.name)
        await expect(page.locator("form:has([value=close])")).to_have_count(0)
        await _explained(page, code)
        await expect(page.locator("tbody .badge")).to_have_text(said("không phục vụ được", "not served"))
        await expect(page.locator("tbody tr")).to_contain_text(f"{heir.name} ({COMMUNE})")
        await press(page, f"tbody tr a:has-text('{heir.name}')")
    who = await actor(site, Role.ADMINISTRATOR)
    wanted = ["agency.rerouted", "representation.added", "representation.ended", "agency.closed"]
    assert await told(site, *wanted, last=4) == [(kind, who, WHY) for kind in wanted]


#: Stands in for `gateway conformance serve`: tells how far it is, and leaves a report when it is ended.
_RUN = """
import json, pathlib, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
print("ready", flush=True)
signal.sigwait({signal.SIGTERM})
pathlib.Path(sys.argv[1]).write_text("<!doctype html><title>Báo cáo</title>")
print(json.dumps({"passed": 1, "failed": 1, "skipped": 0}))
"""


async def _begun(run: Run) -> asyncio.subprocess.Process:
    """A run whose system has done one step well and one badly."""
    progress = Progress(steps=steps_of("rest"))
    one, two, *_ = progress.steps
    progress.over[one.key] = passed("Đã thấy", "Seen")
    progress.open[two.key] = two
    progress.wrong[two.key] = failed("Thiếu chữ ký", "The signature is missing")
    steps = [{"open": each.key in progress.open, **msgspec.to_builtins(each)} for each in progress.results()]
    sandbox = run.folder / "sandbox"
    sandbox.mkdir()
    (sandbox / PROGRESS).write_bytes(msgspec.json.encode(steps))
    (sandbox / ACCESS).write_bytes(msgspec.json.encode({"rest_url": "https://localhost:1/api/v1"}))
    (run.folder / "said.log").touch()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _RUN, str(run.folder / REPORT), stdout=asyncio.subprocess.PIPE, start_new_session=True
    )
    assert process.stdout is not None
    await process.stdout.readline()  # from now on it is ended in order
    return process


async def test_vendors_system_is_tried_from_its_page(
    site: Site, browser: Browser, monkeypatch: pytest.MonkeyPatch, speech: Speech
) -> None:
    """Begun for an office, followed step by step with how to mend it, ended; the report is taken along."""
    said = speech.said
    monkeypatch.setattr(conformance_runs, "_started", _begun)
    async with signed_in(site, browser, Role.ADMINISTRATOR, language=speech.language) as page:
        await menu(page, "/administration")
        await press(page, "h2 a[href='/administration/vendors']")
        await fill(page, "form.filters", office=COMMUNE)
        await press(page, "form.filters button.main")
        form = page.locator("form[action$='/run']")
        await expect(form.locator("[name=organ_id]")).to_have_value(COMMUNE)
        await send(page, form, hours="1", reason=WHY)
        run = page.locator("#run")
        await expect(run.locator(".badge.bad")).to_have_text(said("không đạt", "failed"), timeout=PATIENCE)
        missing = said("Thiếu chữ ký", "The signature is missing")
        await expect(run.locator("tbody tr").nth(1)).to_contain_text(missing)
        await expect(run.locator("tbody tr").nth(1).locator("strong")).to_be_visible()
        assert await serious(page) == []
        await press(page, "nav.actions a[href='/administration/vendors']")
        await expect(run).to_contain_text(missing)
        await expect(run).to_contain_text("https://localhost:1/api/v1")
        await send(page, "form[action$='/run/end']")
        await expect(run).to_contain_text(said("đã xong", "finished"))
        assert b"<title>" in await taken(page, "a[href$='/vendors/file']")
    who = await actor(site, Role.ADMINISTRATOR)
    wanted = [("conformance.begun", who, WHY), ("conformance.ended", who, "")]
    assert await told(site, "conformance.begun", "conformance.ended", last=2) == wanted


async def test_operator_writes_down_what_offices_said_by_telephone(
    site: Site, browser: Browser, monkeypatch: pytest.MonkeyPatch, speech: Speech
) -> None:
    """From the alarm, of one document, then of the other; the alarm is over, and the document's story says who."""
    said, numbers = speech.said, [speech.own(each) for each in ("811", "812")]
    spoke = [speech.own("Bà Lan "), speech.own("Ông Ba ")]
    for number in numbers:
        await untold(site, number)
    watch = AlarmWatch(site.base, dict)
    for _ in range(2):
        await watch.run_once()
    monkeypatch.setattr(AlarmWatch, "run_once", _looks_away)
    async with signed_in(site, browser, Role.OPERATOR, width=390, language=speech.language) as page:
        await menu(page, "/alerts")
        await press(page, "a[href$='/telephoned']")
        boxes = page.locator("[name=delivery]")
        await expect(boxes).to_have_count(2)
        await page.get_by_label(f"{numbers[1]}/UBND-VP").uncheck()
        await send(page, "form.card", spoke_to=spoke[0], reason="đã nhận, đang trình")
        notices = page.locator("#notices")
        await expect(notices).to_contain_text(said("Đã ghi lại cho 1 văn bản.", "Written down for 1 document."))
        await press(page, "a[href$='/telephoned']")
        await expect(boxes).to_have_count(1)
        await send(page, "form.card", spoke_to=spoke[1], reason="đã có")
        await expect(notices).to_contain_text(said("Cảnh báo đã hết.", "The alarm is over."))
        await expect(page.locator("a[href$='/telephoned']")).to_have_count(0)
        await page.locator("details summary", has_text=said("Đã hết", "What is over")).click()
        await expect(page.locator("details[open] tbody tr").first).to_contain_text(f"{spoke[1]}: đã có")
        await page.fill("#search", numbers[0])
        async with page.expect_navigation():
            await page.press("#search", "Enter")
        await press(page, "tbody th a")
        story = page.locator("ol.told")
        await expect(story).to_contain_text(f"{spoke[0]}: đã nhận, đang trình")
        await expect(story).to_contain_text(f"Người {LOGINS[Role.OPERATOR]}")
    who = await actor(site, Role.OPERATOR)
    notes = [f"{spoke[0]}: đã nhận, đang trình", f"{spoke[1]}: đã có"]
    wanted = [("delivery.telephoned", who, each) for each in notes]
    assert await told(site, "delivery.telephoned", last=2) == wanted


async def _looks_away(_: AlarmWatch) -> None:
    """It would end the alarm."""
