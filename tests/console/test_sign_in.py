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
from gateway.accounts.passwords import ADDRESSES, BROWSERS, NEWCOMERS, STRANGERS, Passwords
from gateway.accounts.roles import Role
from gateway.errors import RefusedError
from gateway.ratelimit import RateLimit
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

    tries = [asyncio.create_task(guess(f"guess{number}")) for number in range(ADDRESSES.of_one + 3)]
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
    assert [answered.get_nowait().status for _ in range(ADDRESSES.of_one)] == [401] * ADDRESSES.of_one
    assert "password_weak" in (await change).text  # not refused for the strangers' sake


class Crowd:
    """Tries that wait for their passwords to be looked at."""

    def __init__(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        self._sign_in, self._now = site.base.sign_in, site.base.clock.now()
        self._waiting: set[asyncio.Task[str]] = set()

        async def nobody(_login: str) -> None:  # so that no reader decides who comes first
            return

        monkeypatch.setattr(site.base.users, "find", nobody)

    def comes(self, *addresses: str, device: str = "") -> None:
        """From each address one more."""
        self._waiting.update(asyncio.create_task(self._try(each, device)) for each in addresses)

    async def is_refused(self, *addresses: str, device: str = "") -> None:
        """All of them wait but for one, which is refused at once."""
        self.comes(*addresses, device=device)
        refused, _ = await asyncio.wait(self._waiting, return_when=asyncio.FIRST_COMPLETED, timeout=60)
        self._waiting.difference_update(refused)
        assert [task.result() for task in refused] == ["sign_in_busy"]

    async def end(self) -> int:
        """How many waited; no other of them was refused."""
        assert set(await asyncio.gather(*self._waiting)) == {"sign_in_failed"}
        return len(self._waiting)

    async def _try(self, address: str, device: str) -> str:
        try:
            await self._sign_in.sign_in("nobody", "x", "", address=address, device=device, agent="", now=self._now)
        except RefusedError as error:
            return error.code
        return "signed in"


@pytest.fixture
def hasher(site: Site, monkeypatch: pytest.MonkeyPatch) -> HeldHasher:
    """Passwords take until the test lets them go."""
    found = HeldHasher()
    monkeypatch.setattr(site.base.users, "passwords", Passwords(hasher=found))
    return found


async def test_each_kind_of_people_has_places_that_no_other_takes(
    site: Site, hasher: HeldHasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Browsers by their person, known addresses each by itself, strangers by their network; none takes all."""
    sign_in, now = site.base.sign_in, site.base.clock.now()
    marks = [sign_in.devices.mark(f"person {number}", now) for number in range(5)]
    user = await site.base.users.require(LOGINS[Role.VIEWER])
    for host in (7, 8, 9):
        await sign_in.open(user, address=f"192.0.2.{host}", agent="", now=now)
    networks = [f"2001:db8:{network}:{host}::/64" for network in range(3) for host in range(4)]
    crowd = Crowd(site, monkeypatch)
    try:
        await crowd.is_refused(*(f"198.51.100.{host}" for host in range(STRANGERS.of_one)), "198.51.100.99")
        crowd.comes(*networks)
        await crowd.is_refused("2001:db8:0:77::/64")
        await crowd.is_refused(*["192.0.2.7"] * ADDRESSES.of_one, "192.0.2.7")
        await crowd.is_refused(*["192.0.2.8"] * ADDRESSES.of_one, "192.0.2.9")
        forged = marks[4][:-1] + ("0" if marks[4][-1] != "0" else "1")
        for none in (forged, Devices().mark(user.id, now)):
            await crowd.is_refused("198.51.100.1", device=none)
        for mark in marks[:4]:  # behind the address that floods
            await crowd.is_refused(*["192.0.2.7"] * BROWSERS.of_one, "203.0.113.7", device=mark)
        await crowd.is_refused("203.0.113.1", device=marks[4])
    finally:
        hasher.goes_on.set()
    assert await crowd.end() == STRANGERS.most + ADDRESSES.most + BROWSERS.most


async def test_flood_from_everywhere_leaves_places_to_who_comes_for_the_first_time(
    site: Site, hasher: HeldHasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network has a few tries there, then one now and then; of a large holder's networks one is in at once."""
    crowd, passwords = Crowd(site, monkeypatch), site.base.users.passwords
    flood = [f"10.{number}.0.{host}" for number in range(4) for host in range(4)]
    try:
        crowd.comes(*flood)
        await crowd.is_refused("172.16.1.1", "172.16.2.1")
        crowd.comes("172.17.1.1", "172.18.1.1")
        await crowd.is_refused("172.19.1.1", "172.20.1.1")
    finally:
        hasher.goes_on.set()
    assert await crowd.end() == STRANGERS.most + NEWCOMERS.most

    def is_new(address: str) -> bool:
        return site.base.sign_in._share_of(address, "", site.base.clock.now())[0] is NEWCOMERS

    passwords._waiting[STRANGERS] = STRANGERS.most
    assert [is_new("172.30.1.1") for _ in range(4)] == [True, True, True, False]
    assert is_new("172.30.2.1")
    assert sum(is_new(f"172.30.{number}.1") for number in range(3, 99)) == 6
    assert sum(is_new(f"2001:db8:{number:x}::/64") for number in range(99)) == 10  # one holder has 65,536 of these
    assert is_new("172.31.1.1")


async def test_browser_of_a_person_is_not_refused_for_what_others_try_at_its_address(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tries are counted by browser where one is known; where none is, by address; a browser has no more of them."""
    few, take = RateLimit(1e-6, 2), RateLimit.take

    def taken(limit: RateLimit, key: str, now: float) -> None:
        take(few if limit._burst == 6000 else limit, key, now)  # the tries of `console`

    monkeypatch.setattr(RateLimit, "take", taken)
    browser = await site.signed_in(Role.VIEWER)
    await browser.post("/logout")
    flood = site.browser()
    assert [(await flood.sign_in("nobody", "x")).status for _ in range(2)] == [401, 429]
    assert [(await browser.sign_in(LOGINS[Role.VIEWER])).status for _ in range(3)] == [303, 303, 429]


async def test_guesses_of_others_lock_nobody_out_of_the_own_browser(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lock keeps out whoever comes without a mark of this very person, who has as many tries as lock."""
    monkeypatch.setattr("gateway.accounts.sign_in._REFUSED_AFTER", 0.0)
    base, now, most = site.base, site.base.clock.now(), site.base.settings.console.lock_after
    user, _ = await base.users.add("guessed1", name="G", role=Role.VIEWER, actor="operator:test", now=now)
    await base.users.choose_password(user, PASSWORD, session="", now=now)

    async def outcome(password: str, device: str = "") -> str:
        try:
            await base.sign_in.sign_in(
                "guessed1", password, "", address="203.0.113.9", device=device, agent="", now=now
            )
        except RefusedError as error:
            return error.code
        return "signed in"

    own, other = (base.sign_in.devices.mark(each, now) for each in (user.id, "somebody"))

    async def lock() -> None:
        for _ in range(most):
            assert await outcome("x") == "sign_in_failed"
        assert (await base.users.require("guessed1")).locked_until is not None

    await lock()
    assert await outcome(PASSWORD) == "sign_in_failed"
    assert await outcome(PASSWORD, other) == "sign_in_failed"
    assert await outcome(PASSWORD, own) == "signed in"
    await lock()
    assert {await outcome("x", own) for _ in range(most - 1)} == {"sign_in_failed"}
    assert await outcome(PASSWORD, own) == "sign_in_failed"


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
