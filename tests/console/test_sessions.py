"""How sessions end, what becomes of a form that came too late, and one-time codes."""

from __future__ import annotations

import asyncio
import re
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pyotp
import pytest

from gateway.accounts.passwords import STEP_SECONDS, totp_step
from gateway.accounts.roles import Role
from gateway.accounts.sign_in import digest_of
from gateway.accounts.users import User
from gateway.errors import RefusedError
from gateway.foundation import database_of
from gateway.storage.driver import choose_driver
from tests.console.site import LOGINS, PASSWORD, Browser, Page, Site

pytestmark = pytest.mark.asyncio(loop_scope="module")
_REASON = {"reason": "it was <b>left</b> open"}


def age(site: Site, browser: Browser, column: str, by: timedelta) -> None:
    """Make a session older than it is."""
    connect = choose_driver(allow_affected_sqlite=True).module.connect
    statement = f"UPDATE session SET {column} = {column} - ? WHERE id = ?"
    with closing(connect(str(database_of(site.installation.settings)), timeout=30)) as database, database:
        database.execute(statement, (by // timedelta(microseconds=1), digest_of(browser.cookie("__Host-session"))))


@pytest.mark.parametrize(
    ("column", "by"), [("seen_at", timedelta(minutes=31)), ("ends_at", timedelta(hours=10, seconds=1))]
)
async def test_session_ends_after_idleness_and_at_its_absolute_end(site: Site, column: str, by: timedelta) -> None:
    """Each by itself."""
    browser = await site.signed_in(Role.VIEWER)
    age(site, browser, column, by - timedelta(minutes=2))
    assert (await browser.get("/account")).status == 200
    age(site, browser, column, by)
    assert (await browser.get("/account")).status == 303


async def test_what_a_page_asks_by_itself_keeps_no_session_alive(site: Site) -> None:
    """A page left open is nobody at the browser."""
    browser = await site.signed_in(Role.VIEWER)
    age(site, browser, "seen_at", timedelta(minutes=20))
    assert (await browser.get("/overview/now", X_Live="1")).status == 200
    age(site, browser, "seen_at", timedelta(minutes=11))
    assert (await browser.get("/account")).status == 303
    other = await site.signed_in(Role.VIEWER)
    age(site, other, "seen_at", timedelta(minutes=20))
    assert (await other.get("/overview/now")).status == 200
    age(site, other, "seen_at", timedelta(minutes=20))
    assert (await other.get("/account")).status == 200


async def test_form_sent_after_the_end_comes_back_to_the_same_person_alone(site: Site) -> None:
    """Nothing of it was done meanwhile, and what is in it is escaped."""
    browser = await site.signed_in(Role.OPERATOR)
    age(site, browser, "seen_at", timedelta(hours=1))
    answer = await browser.post("/account/sessions/end", {"session": "x" * 20} | _REASON)
    assert (answer.status, answer.location) == (303, "/login?next=%2Faccount")
    for by_itself in ("/still-here", "/logout"):  # nothing was filled in, so nothing takes the form's place
        assert (await browser.post(by_itself)).location == "/login"
    other = site.browser()
    await other.get("/login")
    assert (await other.post("/login", {"login": LOGINS[Role.AUDITOR], "password": PASSWORD})).location == "/"
    assert (await other.get("/kept")).location == "/"
    await browser.get("/login")
    back = await browser.post("/login", {"login": LOGINS[Role.OPERATOR], "password": PASSWORD})
    assert back.location == "/kept"
    page = await browser.get("/kept")
    assert 'action="/account/sessions/end"' in page.text
    assert "it was &lt;b&gt;left&lt;/b&gt; open" in page.text
    assert (await browser.post("/account/sessions/end", {"session": "x" * 20} | _REASON)).status == 404
    assert (await browser.get("/kept")).status == 200
    assert (await browser.post("/kept/leave")).location == "/"
    assert (await browser.get("/kept")).location == "/"


async def test_form_of_another_session_of_the_same_browser_is_shown_not_done(site: Site) -> None:
    """Signed in anew in another tab: the old tab's form is not lost, and not done unseen."""
    browser = await site.signed_in(Role.OPERATOR)
    old = browser.token
    await browser.post("/login", {"login": LOGINS[Role.OPERATOR], "password": PASSWORD})
    browser.token = old
    answer = await browser.post("/logout", _REASON, Sec_Fetch_Site="same-origin")
    assert (answer.status, answer.location) == (303, "/kept")
    browser.token = old
    assert (await browser.post("/logout", _REASON)).status == 403
    assert (await browser.get("/kept")).status == 200
    assert (await browser.post("/logout", _REASON)).location == "/login"
    await browser.get("/login")
    back = await browser.post("/login", {"login": LOGINS[Role.OPERATOR], "password": PASSWORD})
    assert back.location == "/"  # it was sent


def written(page: Page) -> list[str]:
    """What the forms on /kept have as reasons, in their order."""
    return re.findall(r'name="reason" value="([^"]*)"', page.text)


async def test_forms_of_several_tabs_are_kept_beside_each_other_and_sent_or_left_one_by_one(site: Site) -> None:
    """The second late form takes nothing from the first; the same one sent again is one; each names itself."""
    browser, who = await site.signed_in(Role.ADMINISTRATOR), {"login": LOGINS[Role.ADMINISTRATOR]}
    user = await site.base.users.require(LOGINS[Role.VIEWER])
    page = f"/administration/users/{user.id}"
    first, second = {"act": "unlock", "reason": "tab một"}, {"act": "unlock", "reason": "tab hai"}
    third = {"what": "off", "first": "2026-13-01", "reason": "tab ba"}
    await browser.get(page)
    age(site, browser, "seen_at", timedelta(hours=1))
    for path, form in ((page, first), ("/administration/calendar", third), (page, second), (page, first)):
        assert (await browser.post(path, form)).location.startswith("/login?next=%2Fadministration")
    await browser.get("/login")
    assert (await browser.post("/login", who | {"password": PASSWORD})).location == "/kept"
    shown = await browser.get("/kept")
    assert written(shown) == ["tab một", "tab hai", "tab ba"]
    assert "3 biểu mẫu của bạn vẫn còn" in shown.text
    assert "3 biểu mẫu gửi sau khi phiên đã hết vẫn còn" in (await browser.get("/account")).text
    keys = re.findall(r'name="kept-form" value="([^"]+)"', shown.text)
    changed = first | {"kept-form": keys[0], "reason": "sửa lại"}
    assert (await browser.post(page, changed)).location == page
    assert written(await browser.get("/kept")) == ["tab hai", "tab ba"]
    assert (await browser.post("/administration/calendar", third | {"kept-form": keys[2]})).status >= 400
    assert (await browser.post(page, second)).location == page  # by its own page, as it was
    assert written(await browser.get("/kept")) == ["tab ba"]
    age(site, browser, "seen_at", timedelta(hours=1))  # it comes too late once more, and is the same one
    await browser.post("/administration/calendar", third | {"kept-form": keys[2], "reason": "tab ba, sửa"})
    await browser.get("/login")
    assert (await browser.post("/login", who | {"password": PASSWORD})).location == "/kept"
    assert written(await browser.get("/kept")) == ["tab ba, sửa"]
    assert (await browser.post("/kept/leave", {"kept": keys[1]})).location == "/kept"
    assert (await browser.post("/kept/leave", {"kept": keys[2]})).location == "/"


async def test_part_that_a_page_asks_for_by_itself_leads_nowhere_when_the_session_has_ended(site: Site) -> None:
    """What is being filled in beside it stays; what a person asks for leads to signing in, and back to the page."""
    browser = await site.signed_in(Role.OPERATOR)
    age(site, browser, "seen_at", timedelta(hours=1))
    own = await browser.get("/overview/now", HX_Request="true", X_Live="1")
    assert (own.status, own.text, "HX-Redirect" in own.headers) == (401, "", False)
    for here, back in (
        (f"{site.origin}/ledger?q=1", "?next=%2Fledger%3Fq%3D1"),
        (f"{site.origin}/acts/rehearse?x=1", "?next=%2Facts"),
        ("https://example.org//example.org/", ""),
        ("", ""),
    ):
        asked = await browser.get("/ledger/count", HX_Request="true", HX_Current_URL=here)
        assert (asked.status, asked.headers["HX-Redirect"]) == (401, f"/login{back}")


async def test_person_sees_and_ends_the_own_sessions_alone(site: Site) -> None:
    """The list has them all; the id of another's session ends nothing."""
    first, second = await site.signed_in(Role.AUDITOR), await site.signed_in(Role.AUDITOR)
    stranger = await site.signed_in(Role.VIEWER)
    foreign = digest_of(stranger.cookie("__Host-session"))
    assert (await first.post("/account/sessions/end", {"session": foreign})).status == 404
    assert (await stranger.get("/account")).status == 200
    own = digest_of(second.cookie("__Host-session"))
    assert own in (await first.get("/account")).text
    assert (await first.post("/account/sessions/end", {"session": own})).location == "/account"
    assert (await second.get("/account")).status == 303
    assert (await first.post("/account/sessions/end", {"session": ""})).status == 404


async def test_one_time_code_is_needed_once_set_and_counts_once(site: Site) -> None:
    """Set with a code of it and the password; the same code never twice."""
    base = site.base
    user, _ = await base.users.add(
        "careful1", name="C", role=Role.VIEWER, actor="operator:test", now=base.clock.now()
    )
    await base.users.choose_password(user, PASSWORD, session="", now=base.clock.now())
    browser = await site.signed_in("careful1")
    page = await browser.get("/account/second-factor")
    secret = page.text.split('name="secret" value="')[1].split('"')[0]
    code = pyotp.TOTP(secret).now()
    wrong = await browser.post("/account/second-factor", {"secret": secret, "code": "000000", "password": PASSWORD})
    assert wrong.status == 401
    before = browser.cookie("__Host-session")
    fine = await browser.post("/account/second-factor", {"secret": secret, "code": code, "password": PASSWORD})
    assert fine.location == "/account"
    assert browser.cookie("__Host-session") != before
    assert (await site.browser(Cookie=f"__Host-session={before}").get("/account")).status == 303
    assert "Đã bật mã xác thực." in (await browser.get("/account")).text
    assert secret not in str((await base.users.require("careful1")).totp)
    other = site.browser()
    assert (await other.sign_in("careful1")).status == 401
    assert (await other.sign_in("careful1", code=code)).status == 401
    code = pyotp.TOTP(secret).at(base.clock.now(), counter_offset=1)
    assert (await other.sign_in("careful1", code=code)).status == 303
    assert (await site.browser().sign_in("careful1", code=code)).status == 401


async def test_one_time_code_of_two_who_sign_in_at_once_counts_once(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever looked over the person's shoulder and is as quick does not come in with the same code."""
    base, totp = site.base, pyotp.TOTP(pyotp.random_base32())
    now = base.clock.now()
    user, _ = await base.users.add("careful3", name="C", role=Role.VIEWER, actor="operator:test", now=now)
    await base.users.choose_password(user, PASSWORD, session="", now=now)
    await base.users.set_totp(user, totp.secret, session="", now=now)
    read, both, find = [], asyncio.Event(), base.users.find

    async def found_by_both(login: str) -> User | None:
        found = await find(login)
        read.append(login)
        if len(read) == 2:
            both.set()
        await both.wait()
        return found

    monkeypatch.setattr(base.users, "find", found_by_both)
    browsers, code = [site.browser(), site.browser()], totp.at(base.clock.now())
    answers = await asyncio.gather(*(browser.sign_in("careful3", code=code) for browser in browsers))
    assert sorted(answer.status for answer in answers) == [303, 401]


async def test_second_factor_goes_with_a_code_of_it_or_by_an_administrator(site: Site) -> None:
    """The password alone, or a code that was used to sign in, neither takes it away nor sets another one."""
    base, totp = site.base, pyotp.TOTP(pyotp.random_base32())
    now = base.clock.now()
    user, _ = await base.users.add("careful2", name="C", role=Role.VIEWER, actor="operator:test", now=now)
    await base.users.choose_password(user, PASSWORD, session="", now=now)
    await base.users.set_totp(user, totp.secret, session="", now=now)
    browser = site.browser()
    used = totp.now()
    assert (await browser.sign_in("careful2", code=used)).status == 303
    page = await browser.get("/account/second-factor")
    assert page.text.count('name="present"') == 2
    other = pyotp.TOTP(page.text.split('name="secret" value="')[1].split('"')[0])
    for present in ("", used, "000000"):
        off = {"secret": "", "password": PASSWORD, "present": present}
        answer = await browser.post("/account/second-factor", off)
        assert (answer.status, "code_needed" in answer.text) == (401, True)
        again = await browser.post("/account/second-factor", off | {"secret": other.secret, "code": other.now()})
        assert again.status == 401
    found = await base.users.require("careful2")
    assert (found.failures, base.users.totp_of(found)) == (6, totp.secret)
    following = totp.at(base.clock.now(), counter_offset=1)
    off = {"secret": "", "password": PASSWORD, "present": following}
    assert (await browser.post("/account/second-factor", off)).location == "/account"
    found = await base.users.require("careful2")
    assert (found.failures, found.totp) == (0, None)
    await base.users.set_totp(found, totp.secret, session="", now=now)
    await base.users.reset(found, actor="operator:test", now=now, why="lost the telephone")
    assert (await base.users.require("careful2")).totp is None


async def test_code_of_a_neighbouring_step_is_taken_and_no_other(site: Site) -> None:
    """A clock that is off by half a minute."""
    now = site.base.clock.now()
    secret = pyotp.random_base32()
    made = pyotp.TOTP(secret)
    current = int(now.timestamp()) // STEP_SECONDS
    taken = [totp_step(secret, made.at(now, counter_offset=step), now) for step in (-2, -1, 0, 1, 2)]
    assert taken == [0, current - 1, current, current + 1, 0]
    assert totp_step(secret, "", now) == 0


async def test_where_codes_are_required_nobody_goes_on_without(site: Site) -> None:
    """The setting sends people to the page where they set them up."""
    settings = site.base.settings.console
    browser = await site.signed_in(Role.VIEWER)
    object.__setattr__(site.base.settings, "console", replace(settings, totp="required"))
    try:
        assert (await browser.get("/")).location == "/account/second-factor"
        assert (await browser.get("/account/second-factor")).status == 200
    finally:
        object.__setattr__(site.base.settings, "console", settings)
    assert (await browser.get("/")).status == 200


async def test_rights_taken_away_end_the_sessions(site: Site) -> None:
    """The next request asks to sign in."""
    base = site.base
    user, first = await base.users.add(
        "mover1", name="M", role=Role.ADMINISTRATOR, actor="operator:test", now=base.clock.now()
    )
    await base.users.choose_password(user, PASSWORD, session="", now=base.clock.now())
    browser = await site.signed_in("mover1")
    with pytest.raises(RefusedError, match="office_missing"):
        await base.users.set_rights(
            user, role=Role.CLERK, actor="operator:test", now=base.clock.now(), why="moved to an office"
        )
    await base.users.set_rights(
        user, role=Role.VIEWER, actor="operator:test", now=base.clock.now(), why="moved to an office"
    )
    assert (await browser.get("/account")).status == 303
    assert first


async def test_events_of_users_hold_ids_and_no_name_or_login(site: Site) -> None:
    """A leaf stays for ever; a person's name can be taken out of the table."""
    connect = choose_driver(allow_affected_sqlite=True).module.connect
    with closing(connect(f"file:{database_of(site.installation.settings)}?mode=ro", uri=True)) as database:
        leaves = [
            bytes(row[0]).decode()
            for row in database.execute("SELECT leaf FROM event WHERE kind LIKE 'user.%' OR kind LIKE 'session.%'")
        ]
    assert leaves
    for login in LOGINS.values():
        assert not [leaf for leaf in leaves if login in leaf or "Người" in leaf]


async def test_program_with_a_persons_session_sends_no_more_forms_than_hands_would(site: Site) -> None:
    """429 with a time; another person goes on, and the same one reads on."""
    browser, other = await site.signed_in(Role.CLERK), await site.signed_in(Role.OPERATOR)
    answers: list[int] = []
    for _ in range(40):
        sent = await asyncio.gather(*(browser.post("/still-here") for _ in range(25)))
        answers += [each.status for each in sent]
        if 429 in answers:
            assert next(each for each in sent if each.status == 429).headers["Retry-After"] == "1"
            break
    assert {*answers} == {204, 429}
    assert (await other.post("/still-here")).status == 204
    assert (await browser.get("/account")).status == 200
