"""How often one person, or a stranger's browser or address, may ask; what others do there is nobody's loss."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

import aiohttp
import pytest
from yarl import URL

from gateway.accounts.roles import Role
from gateway.console import cookies
from gateway.console import parts as numbers
from gateway.lifecycle import Lifecycle
from gateway.ratelimit import RateLimit
from tests.console.site import LOGINS, Browser, Page, Site

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: Of strangers, as the settings' connections of one address make it.
STRANGERS = 1000.0
Few = Callable[[float, int], None]


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> Few:
    """Let limits of so many at once have only so many instead, which are never refilled; nobody is held back."""
    monkeypatch.setattr("gateway.console.gate._HELD_BACK", 0.0)
    take, smaller = RateLimit.take, dict[float, RateLimit]()

    def taken(limit: RateLimit, key: str, now: float) -> None:
        take(smaller.get(limit._burst, limit), key, now)

    monkeypatch.setattr(RateLimit, "take", taken)

    def set_few(burst: float, most: int) -> None:
        smaller[burst] = RateLimit(1e-6, most)

    return set_few


async def statuses(browser: Browser, path: str, times: int) -> list[int]:
    """Of a page that is asked for so often."""
    return [(await browser.get(path)).status for _ in range(times)]


def put(browser: Browser, name: str, value: str) -> None:
    """A cookie of somebody's choice."""
    browser.session.cookie_jar.update_cookies({name: value}, URL(browser.origin))


async def test_person_who_asks_for_too_much_is_refused_in_all_own_browsers_and_nobody_else_is(
    site: Site, few: Few
) -> None:
    """Signing in anew gives no more; in words that say what to do; what pages are made of comes all the same."""
    first, second, other = [await site.signed_in(who) for who in (Role.VIEWER, Role.VIEWER, Role.AUDITOR)]
    few(numbers._READS_AT_ONCE, 4)
    asset = re.search(r'"(/static/app\.[0-9a-f]+\.css)"', (await first.get("/account")).text)
    assert asset is not None
    assert await statuses(first, "/account", 2) == [200, 200]
    assert await statuses(second, "/", 2) == [200, 429]
    again = await site.signed_in(Role.VIEWER)
    refused = await again.get("/account")
    assert (refused.status, refused.headers["Retry-After"].isdigit()) == (429, True)
    assert "asked_too_often" in refused.text
    assert "Chờ vài giây rồi tải lại trang" in refused.text
    put(first, "__Host-view", "en.vn.auto")
    english = await first.get("/account")
    assert "Wait some seconds and load the page again" in english.text
    parts = [
        await first.get("/overview/now", HX_Request="true", X_Live="1"),
        await first.get("/overview/now", HX_Request="true"),
    ]
    for page in parts:
        assert (page.status, "<html" in page.text, "Retry-After" in page.headers) == (429, False, True)
    assert await statuses(first, "/nothing", 1) == [429]  # nor for what is not there
    assert await statuses(first, asset[1], 8) == [200] * 8
    async with first.session.get(f"{first.origin}/live") as stream:
        assert stream.status == 200
    assert (await first.post("/still-here")).status == 204  # forms have a rate of their own
    assert await statuses(other, "/account", 4) == [200] * 4


async def test_streams_are_opened_so_often_and_no_more(site: Site, few: Few) -> None:
    """They are no page, and no way around the rate of pages."""
    browser = await site.signed_in(Role.VIEWER)
    few(numbers._STREAMS_AT_ONCE, 3)
    found = []
    for _ in range(4):
        async with browser.session.get(f"{browser.origin}/live") as stream:
            found.append(stream.status)
    assert found == [200, 200, 200, 429]
    assert await statuses(browser, "/account", 1) == [200]


async def test_stranger_is_refused_by_address_and_known_browsers_there_are_not(site: Site, few: Few) -> None:
    """Behind one router: who flooded it keeps nobody out who signed in there lately, or comes from elsewhere."""
    known, flood = await site.signed_in(Role.VIEWER), site.browser()
    assert (await known.post("/logout")).status == 303
    few(STRANGERS, 3)
    assert await statuses(flood, "/login", 4) == [200, 200, 200, 429]
    assert await statuses(site.browser(), "/", 1) == [429]
    assert (await flood.post("/preferences", {"language": "en"})).status == 429
    assert (await flood.get("/login", X_Live="1")).status == 429
    assert await statuses(site.browser(address="127.0.0.2"), "/login", 1) == [200]
    assert (await known.get("/login")).status == 200
    answer = await known.post("/login", {"login": LOGINS[Role.VIEWER], "password": "x", "next": "/"})
    assert answer.status == 401


async def test_nobody_spends_what_somebody_else_may_ask_for(site: Site, few: Few) -> None:
    """Neither with a session that has ended, or was never one, nor with the mark of a browser that is no mark."""
    victim, thief = await site.signed_in(Role.OPERATOR), site.browser(address="127.0.0.3")
    ended = await site.signed_in(Role.OPERATOR)
    stolen = ended.cookie(cookies.SESSION)
    assert (await ended.post("/logout")).status == 303
    user = await site.base.users.require(LOGINS[Role.OPERATOR])
    mark = site.base.sign_in.devices.mark(user.id, site.base.clock.now())
    few(numbers._READS_AT_ONCE, 2)
    few(STRANGERS, 2)
    for forged in (stolen, "x" * 43, user.id):
        put(thief, cookies.SESSION, forged)
        put(thief, cookies.DEVICE, mark[:-1] + ("0" if mark[-1] != "0" else "1"))
        await statuses(thief, "/account", 2)
    assert await statuses(thief, "/login", 1) == [429]
    assert await statuses(victim, "/account", 2) == [200, 200]
    own = site.browser(address="127.0.0.3")
    put(own, cookies.DEVICE, mark)
    assert await statuses(own, "/login", 2) == [200, 200]


async def test_what_is_only_sent_elsewhere_or_is_not_there_counts_as_well(site: Site, few: Few) -> None:
    """Who must choose a password first, and a stranger who tries addresses: neither asks for nothing."""
    base = site.base
    _, first = await base.users.add(
        "counted1", name="N", role=Role.VIEWER, actor="operator:test", now=base.clock.now()
    )
    newcomer, stranger = site.browser(), site.browser(address="127.0.0.4")
    assert (await newcomer.sign_in("counted1", first)).status == 303
    few(numbers._READS_AT_ONCE, 2)
    few(STRANGERS, 2)
    assert (await newcomer.get("/")).location == "/account/password"
    assert await statuses(newcomer, "/", 2) == [303, 429]
    assert await statuses(stranger, "/nothing", 3) == [303, 303, 429]


async def test_answer_to_one_request_too_many_is_held_back(
    site: Site, few: Few, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks again at once asks once a second in each connection; a stop of the server ends the wait."""
    waits, begun, held = list[float](), asyncio.Event(), asyncio.Event()

    async def stopped_within(_: Lifecycle, seconds: float) -> bool:
        waits.append(seconds)
        begun.set()
        await held.wait()
        return False

    browser, other = await site.signed_in(Role.VIEWER), await site.signed_in(Role.AUDITOR)
    few(numbers._READS_AT_ONCE, 1)
    monkeypatch.setattr("gateway.console.gate._HELD_BACK", 1.0)
    monkeypatch.setattr(Lifecycle, "stopped_within", stopped_within)
    await browser.get("/account")
    refused: asyncio.Task[Page] = asyncio.create_task(browser.get("/account"))
    try:
        assert (await other.get("/account")).status == 200
        await asyncio.wait_for(begun.wait(), 60)
        assert (waits, refused.done()) == ([1.0], False)
    finally:
        held.set()
    assert (await refused).status == 429


async def test_scripts_and_styles_are_the_same_for_everybody(site: Site) -> None:
    """No cookie goes with what every browser and proxy may keep, and no session is looked for."""
    connector = aiohttp.TCPConnector(ssl=site.tls)
    async with aiohttp.ClientSession(connector=connector) as session:
        async with session.get(f"{site.origin}/login") as page:
            found = re.search(r'"(/static/app\.[0-9a-f]+\.css)"', await page.text())
        assert found is not None
        async with session.get(site.origin + found[1], headers={"Cookie": "__Host-session=x"}) as answer:
            assert (answer.status, answer.headers.getall("Set-Cookie", [])) == (200, [])
