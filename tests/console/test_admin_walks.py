"""What administrators do now and then, and an operator after a telephone call, walked by clicking in a browser.

One server, one browser; each walk begins in Vietnamese and goes on in English by the switch.
"""

from __future__ import annotations

import asyncio
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
from gateway.observe import Metrics
from tests.console.browsing import CHROMIUM, PATIENCE, opened
from tests.console.clicking import english, fill, menu, press, send, signed_in, taken
from tests.console.site import LOGINS, PASSWORD, Site
from tests.console.test_alerts import taken as untold
from tests.desk.lab import lab_of
from tests.journeys.installation import COMMUNE, PROVINCE
from tests.journeys.messages import document

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]
WHY = "việc quản trị"


async def told(site: Site, *kinds: str) -> list[tuple[str, str, str]]:
    """Kind, actor and reason of the newest events of some kinds, oldest first."""
    rows = await site.base.writer.fetch("SELECT kind, actor, note FROM event ORDER BY seq DESC LIMIT 200")
    return [(row[0], row[1], row[2] or "") for row in reversed(rows) if row[0] in kinds]


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
    site: Site, browser: Browser
) -> None:
    """The page says what is so and what an act does; the first password counts without a code, and once."""
    user, _ = await careful(site, "locked1")
    for _ in range(0, site.base.settings.console.lock_after, STRANGERS.of_one):
        await asyncio.gather(*(site.browser().sign_in(user.login, "wrong") for _ in range(STRANGERS.of_one)))
    async with signed_in(site, browser, Role.ADMINISTRATOR) as page:
        await menu(page, "/administration")
        await press(page, "a[href='/administration/users']")
        row = page.locator("tbody tr", has_text=user.name)
        await expect(row).to_contain_text("tạm khóa")
        await press(page, row.locator("a"))
        facts = page.locator("#content dl.facts")
        await expect(facts).to_contain_text("tạm khóa đến")
        await expect(facts.locator(":text('Mã xác thực') + dd")).to_have_text("bật")
        await send(page, "form:has([value=unlock])", reason=WHY)
        await expect(facts).to_contain_text("được đăng nhập")
        await english(page)
        form = await fill(page, "form:has([value=reset])", reason=WHY)
        await expect(form).to_contain_text("one-time codes")
        await press(page, form.locator("button:enabled"))
        password = await page.locator("[role=alert] code").inner_text()
        await expect(facts.locator(":text('One-time codes') + dd")).to_have_text("off")
    who = await actor(site, Role.ADMINISTRATOR)
    assert await told(site, "user.unlocked", "user.reset") == [
        ("user.unlocked", who, WHY),
        ("user.reset", who, WHY),
    ]
    async with opened(browser, site.origin) as page:
        await enter(page, user.login, password)
        assert page.url.endswith("/account/password")
        await send(page, "#content form", old=password, new=f"{PASSWORD}-moi", again=f"{PASSWORD}-moi")
        await expect(page.locator("#content")).to_contain_text("tắt")


async def test_person_switches_one_time_codes_off(site: Site, browser: Browser) -> None:
    """With a code that was not used yet; the next sign-in asks for none."""
    user, codes = await careful(site, "careful7")
    async with opened(browser, site.origin, width=390) as page:
        await enter(page, user.login, PASSWORD, codes.at(site.base.clock.now()))
        await page.locator(".me summary").click()
        await press(page, ".me a[href='/account']")
        await press(page, "a[href='/account/second-factor']")
        code = codes.at(site.base.clock.now(), counter_offset=1)
        await send(page, "form:has([name=secret][value=''])", present=code, password=PASSWORD)
        await expect(page.locator("#notices")).to_contain_text("Đã tắt mã xác thực")
        await english(page)
        await page.locator(".me summary").click()
        await press(page, "form[action='/logout'] button")
        await enter(page, user.login, PASSWORD)
        await expect(page.locator(".me")).to_be_visible()
    assert ("user.secured", user.actor, "") in await told(site, "user.secured")


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


async def test_office_takes_another_channel_is_spoken_for_and_closes(site: Site, browser: Browser) -> None:
    """What routing says changes with it; whoever speaks for it is let, and no longer; its successor is named."""
    code, base = (await lab_of(site.installation)).code, site.base
    heir = await base.directory.require(COMMUNE, base.clock.now())

    async def speaks(number: str) -> None:
        async with site.installation.client(COMMUNE) as commune:
            await commune.submit(document(code, [PROVINCE], number=number))

    async with signed_in(site, browser, Role.ADMINISTRATOR) as page:
        await menu(page, "/administration")
        await _agency(page, code)
        await send(page, "form:has([value=route])", channel="province", reason=WHY)
        await expect(page.locator("#content dl.facts")).to_contain_text("province (inbox)")
        await _explained(page, code)
        await expect(page.locator("tbody .badge")).to_have_text("gửi qua province")
        await _agency(page, code)
        await send(page, "form:has([value=represent])", agent=COMMUNE, reason=WHY)
        await expect(page.locator("#content dl.facts")).to_contain_text(heir.name)
        await speaks("801")
        await english(page)
        await page.check("form:has([value=represent]) [name=end]")
        await send(page, "form:has([value=represent])", agent=COMMUNE, reason=WHY)
        await expect(page.locator("#content dl.facts")).not_to_contain_text(heir.name)
        with pytest.raises(ProblemError):
            await speaks("802")
        form = await fill(page, "form:has([value=close])", successor=COMMUNE, reason=WHY)
        await expect(form).to_contain_text("successor")
        await send(page, form)
        await expect(page.locator("#content dl.facts")).to_contain_text(heir.name)
        await expect(page.locator("form:has([value=close])")).to_have_count(0)
        await _explained(page, code)
        await expect(page.locator("tbody tr")).to_contain_text(f"{heir.name} ({COMMUNE})")
        await press(page, f"tbody tr a:has-text('{heir.name}')")
    who = await actor(site, Role.ADMINISTRATOR)
    wanted = ["agency.rerouted", "representation.added", "representation.ended", "agency.closed"]
    assert await told(site, *wanted) == [(kind, who, WHY) for kind in wanted]


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
    site: Site, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Begun for an office, followed step by step with how to mend it, ended; the report is taken along."""
    monkeypatch.setattr(conformance_runs, "_started", _begun)
    async with signed_in(site, browser, Role.ADMINISTRATOR) as page:
        await menu(page, "/administration")
        await press(page, "h2 a[href='/administration/vendors']")
        await fill(page, "form.filters", office=COMMUNE)
        await press(page, "form.filters button.main")
        form = page.locator("form[action$='/run']")
        await expect(form.locator("[name=organ_id]")).to_have_value(COMMUNE)
        await send(page, form, hours="1", reason=WHY)
        run = page.locator("#run")
        await expect(run.locator(".badge.bad")).to_have_text("không đạt", timeout=PATIENCE)
        await expect(run.locator("tbody tr").nth(1)).to_contain_text("Thiếu chữ ký")
        await expect(run.locator("tbody tr").nth(1).locator("strong")).to_be_visible()
        await press(page, "nav.actions a[href='/administration/vendors']")
        await english(page)
        await expect(run).to_contain_text("The signature is missing")
        await expect(run).to_contain_text("https://localhost:1/api/v1")
        await send(page, "form[action$='/run/end']")
        await expect(run).to_contain_text("finished")
        assert b"<title>" in await taken(page, "a[href$='/vendors/file']")
    who = await actor(site, Role.ADMINISTRATOR)
    wanted = [("conformance.begun", who, WHY), ("conformance.ended", who, "")]
    assert await told(site, "conformance.begun", "conformance.ended") == wanted


async def test_operator_writes_down_what_offices_said_by_telephone(
    site: Site, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the alarm, of one document, then of the other; the alarm is over, and the document's story says who."""
    for number in ("811", "812"):
        await untold(site, number)
    watch = AlarmWatch(site.base, dict, Metrics())
    for _ in range(2):
        await watch.run_once()
    monkeypatch.setattr(AlarmWatch, "run_once", _looks_away)
    async with signed_in(site, browser, Role.OPERATOR, width=390) as page:
        await menu(page, "/alerts")
        await press(page, "a[href$='/telephoned']")
        boxes = page.locator("[name=delivery]")
        await expect(boxes).to_have_count(2)
        await page.get_by_label("812/UBND-VP").uncheck()
        await send(page, "form.card", spoke_to="Bà Lan", reason="đã nhận, đang trình")
        notices = page.locator("#notices")
        await expect(notices).to_contain_text("Đã ghi lại cho 1 văn bản")
        await english(page)
        await press(page, "a[href$='/telephoned']")
        await expect(boxes).to_have_count(1)
        await send(page, "form.card", spoke_to="Ông Ba", reason="đã có")
        await expect(notices).to_contain_text("The alarm is over")
        await expect(page.locator("a[href$='/telephoned']")).to_have_count(0)
        await page.locator("details summary:has-text('What is over')").click()
        await expect(page.locator("details[open] tbody tr").first).to_contain_text("Ông Ba: đã có")
        await page.fill("#search", "811")
        async with page.expect_navigation():
            await page.press("#search", "Enter")
        await press(page, "tbody th a")
        story = page.locator("ol.told")
        await expect(story).to_contain_text("Bà Lan: đã nhận, đang trình")
        await expect(story).to_contain_text(f"Người {LOGINS[Role.OPERATOR]}")
    who = await actor(site, Role.OPERATOR)
    said = ["Bà Lan: đã nhận, đang trình", "Ông Ba: đã có"]
    assert await told(site, "delivery.telephoned") == [("delivery.telephoned", who, each) for each in said]


async def _looks_away(_: AlarmWatch) -> None:
    """It would end the alarm."""
