"""Signing in and out, sessions, and what a wrong try looks like."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from threading import Event
from typing import Any

import pytest
from argon2 import PasswordHasher
from yarl import URL

from gateway.accounts.devices import LASTING, Devices
from gateway.accounts.passwords import KNOWN, OF_NETWORK, STRANGERS, Passwords
from gateway.accounts.roles import Role
from gateway.errors import RefusedError
from tests.console.site import LOGINS, PASSWORD, Page, Site

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_page_asked_for_before_signing_in_comes_after_it(site: Site) -> None:
    """A stranger is sent to the form, and goes on to where he wanted."""
    browser = site.browser()
    sent = await browser.get("/account")
    assert (sent.status, sent.location) == (303, "/login?next=%2Faccount")
    await browser.get(sent.location)
    answer = await browser.post("/login", {"login": "viewer1", "password": PASSWORD, "next": "/account"})
    assert (answer.status, answer.location) == (303, "/account")
    page = await browser.get("/account")
    assert page.status == 200
    assert "Người viewer1" in page.text


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:1"]
)
async def test_address_elsewhere_is_no_place_to_go_on_to(site: Site, elsewhere: str) -> None:
    """No open redirect."""
    browser = site.browser()
    await browser.get("/login")
    answer = await browser.post("/login", {"login": "viewer1", "password": PASSWORD, "next": elsewhere})
    assert (answer.status, answer.location) == (303, "/")


async def test_unknown_login_and_wrong_password_look_the_same(site: Site) -> None:
    """Nobody learns who has an account."""
    pages = []
    for login in ("nobody-here", "viewer1"):
        browser = site.browser()
        answer = await browser.sign_in(login, "wrong-password")
        assert answer.status == 401
        pages.append(answer.text.replace(login, "").replace(browser.token, ""))
    assert "Đăng nhập không thành công." in pages[0]
    assert pages[0] == pages[1]


async def test_session_is_another_one_after_each_sign_in(site: Site) -> None:
    """Fixation: what a browser held before is worth nothing afterwards."""
    browser = await site.signed_in(Role.VIEWER)
    first = browser.cookie("__Host-session")
    await browser.post("/login", {"login": LOGINS[Role.VIEWER], "password": PASSWORD})
    assert browser.cookie("__Host-session") not in {"", first}
    thief = site.browser(Cookie=f"__Host-session={first}")
    assert (await thief.get("/account")).status == 303


async def test_cookie_is_bound_to_this_host_and_hidden_from_scripts(site: Site) -> None:
    """`__Host-`, Secure, HttpOnly, SameSite."""
    browser = site.browser()
    answer = await browser.sign_in("viewer1")
    set_cookie = answer.headers["Set-Cookie"]
    assert set_cookie.startswith("__Host-") or "__Host-session" in set_cookie
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= {part.strip() for part in set_cookie.split(";")}


async def test_signing_out_ends_the_session_for_whoever_holds_it(site: Site) -> None:
    """Not the cookie alone."""
    browser = await site.signed_in(Role.VIEWER)
    held = browser.cookie("__Host-session")
    assert (await browser.post("/logout")).location == "/login"
    assert (await site.browser(Cookie=f"__Host-session={held}").get("/account")).status == 303


class HeldHasher(PasswordHasher):
    """One that is at work until the test lets it go on."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=64, parallelism=1)
        self.goes_on = Event()

    def hash(self, *given: Any, **more: Any) -> str:
        self.goes_on.wait(60)
        return super().hash(*given, **more)


async def test_tries_beyond_what_can_wait_are_refused_and_who_is_signed_in_goes_on(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503 with Retry-After, at once, also where somebody has signed in from."""
    person, flood = await site.signed_in(Role.VIEWER), site.browser()
    await flood.get("/login")
    hasher = HeldHasher()
    monkeypatch.setattr(site.base.users, "passwords", Passwords(hasher=hasher))
    answered: asyncio.Queue[Page] = asyncio.Queue()

    async def guess(login: str) -> None:
        answered.put_nowait(await flood.post("/login", {"login": login, "password": "x"}))

    tries = [asyncio.create_task(guess(f"guess{number}")) for number in range(KNOWN + 3)]
    try:
        refused = [await answered.get() for _ in range(3)]
        assert [answer.status for answer in refused] == [503, 503, 503]
        assert refused[0].headers["Retry-After"] == "5"
        assert "Quá nhiều lượt đăng nhập cùng lúc." in refused[0].text
        assert (await person.get("/account")).status == 200
        own = {"old": PASSWORD, "new": "khac-han-mat-khau-cu", "again": "khac-han-mat-khau-kia"}
        change = asyncio.create_task(person.post("/account/password", own))
    finally:
        hasher.goes_on.set()
        await asyncio.gather(*tries)
    assert [answered.get_nowait().status for _ in range(KNOWN)] == [401] * KNOWN
    assert "password_weak" in (await change).text  # not refused for the strangers' sake


async def test_strangers_leave_places_to_other_networks_and_to_who_signed_in_lately(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One network fills a few places, all together those of strangers; a known address or browser finds others."""
    sign_in, hasher, now = site.base.sign_in, HeldHasher(), site.base.clock.now()
    user = await site.base.users.find(LOGINS[Role.VIEWER])
    assert user is not None
    await sign_in.open(user, address="192.0.2.7", agent="", now=now)
    monkeypatch.setattr(site.base.users, "passwords", Passwords(hasher=hasher))
    waiting: set[asyncio.Task[str]] = set()

    mark = sign_in.devices.mark(user.id, now)

    async def outcome(address: str, device: str = "") -> str:
        try:
            return await sign_in.sign_in("nobody", "x", "", address=address, device=device, agent="", now=now)
        except RefusedError as error:
            return error.code

    async def one_is_refused(*addresses: str, device: str = "") -> None:
        waiting.update(asyncio.create_task(outcome(each, device)) for each in addresses)
        refused, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED, timeout=60)
        waiting.difference_update(refused)
        assert [task.result() for task in refused] == ["sign_in_busy"]

    others = (STRANGERS - OF_NETWORK) // OF_NETWORK
    try:
        await one_is_refused(*(f"198.51.100.{host}" for host in range(OF_NETWORK + 1)))
        networks = [f"2001:db8:{network}:{host}::/64" for network in range(others) for host in range(OF_NETWORK)]
        await one_is_refused(*networks, "203.0.113.1")
        await one_is_refused("203.0.113.1", device=mark[:-1] + ("0" if mark[-1] != "0" else "1"))
        await one_is_refused("203.0.113.1", device=Devices().mark(user.id, now))
        elsewhere = [f"203.0.113.{host}" for host in range(OF_NETWORK + 1)]
        await one_is_refused(*elsewhere, device=mark)
        await one_is_refused(*["192.0.2.7"] * (KNOWN - STRANGERS - OF_NETWORK + 1))
    finally:
        hasher.goes_on.set()
    assert set(await asyncio.gather(*waiting)) == {"sign_in_failed"}
    assert len(waiting) == KNOWN


async def test_browser_is_known_from_signing_in_on_and_after_a_start(site: Site) -> None:
    """Also when its person has signed out; a mark of another process is made anew, a good one is left."""
    devices, now = site.base.sign_in.devices, site.base.clock.now()
    browser = await site.signed_in(Role.VIEWER)
    first = browser.cookie("__Host-device")
    assert devices.whose(first, now)
    assert not devices.whose(first, now + LASTING + timedelta(minutes=1))
    assert all(not devices.whose(each, now) for each in ("", "..", "a.1.b", first.replace(".", ""), first + "0"))
    await browser.get("/account")
    assert browser.cookie("__Host-device") == first
    browser.session.cookie_jar.update_cookies(
        {"__Host-device": Devices().mark("somebody", now)}, URL(browser.origin)
    )
    await browser.get("/account")
    again = browser.cookie("__Host-device")
    assert devices.whose(again, now) == devices.whose(first, now)
    await browser.post("/logout")
    assert browser.cookie("__Host-device") == again
    assert (await browser.get("/account")).status == 303, "it opens nothing"


async def test_tries_and_sessions_are_counted(site: Site) -> None:
    """By cause; what people are called is in no metric."""
    await site.browser().sign_in("nobody-there", "wrong-password")
    await site.browser().sign_in("viewer1", "wrong-password")
    await site.signed_in(Role.VIEWER)
    url = f"http://127.0.0.1:{site.app.operations_port}/metrics"
    async with site.browser().session.get(url) as answer:
        told = await answer.text()
    counted = dict(line.rsplit(" ", 1) for line in told.splitlines() if not line.startswith("#"))
    for outcome in ("login_unknown", "password", "signed_in"):
        assert float(counted[f'gateway_sign_ins_total{{outcome="{outcome}"}}']) >= 1
    assert float(counted["gateway_console_sessions_open"]) >= 1
    assert "viewer1" not in told
