"""Pictures of every page, of the demo's data: `make screenshots`, or `python -m tests.console.screenshots PAGE …`.

They lie in build/screenshots/<page>-<language>-<width>-<theme>.png, for people to look at. A page that answers with
an error, that is too wide for its window, or in which axe finds something serious is named at the end: exit 1.
`tests/console/test_pages.py` holds the list against the table of routes.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Literal

from playwright.async_api import Browser, Cookie, Page, Response, expect

from tests.console import staged
from tests.console.browsing import (
    NARROWEST,
    PATIENCE,
    VIEWER,
    chromium,
    is_too_wide,
    opened,
    serious,
    sign_in,
    viewed,
)
from tests.console.demo import Demo, demo

FOLDER = Path("build/screenshots")
WIDTHS = (1440, 390)
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
LANGUAGES = ("vi", "en")
#: Windows that are open at once.
_AT_ONCE = 3


@dataclass(frozen=True, slots=True)
class Shot:
    """A page: its name, whose eyes, and its address; the first link of each selector of `links` is followed.

    `route` is what is then looked at, where the address does not say it; `before` is done once, for all pictures;
    `status` is what the page answers with; `gone`: what a page shows that makes way for another by itself.
    """

    name: str
    login: str
    path: str
    links: tuple[str, ...] = ()
    route: str = ""
    before: Callable[[Browser, Demo], Awaitable[None]] | None = None
    status: int = 200
    gone: str = ""

    @property
    def covers(self) -> str:
        """The path of the table of routes."""
        return self.route or self.path.partition("?")[0]


SHOTS = (
    Shot("login", "", "/login"),
    Shot("overview", "vanhanh", "/"),
    Shot("ledger", "vanhanh", "/ledger"),
    Shot(
        "ledger-found", "vanhanh", "/ledger?text=bao+cao&columns=code,subject,sender,recipient,type,channel,state"
    ),
    Shot("document", "vanhanh", "/ledger", links=("tbody th a",), route="/documents/{id}"),
    Shot(
        "source",
        "vanhanh",
        "/ledger",
        links=("tbody th a", "a[href$='/source']"),
        route="/documents/{id}/source",
    ),
    Shot("acts", "vanhanh", "/ledger", links=("tbody th a", ".head a[href^='/acts']"), route="/acts"),
    Shot(
        "rehearsal",
        "vanhanh",
        "/",
        links=(".cause form[action='/acts/rehearse'] button",),
        route="/acts/rehearse",
    ),
    Shot("kept", "vanthu2", "/kept", before=staged.send_too_late),
    Shot("account", "vanthu", "/account"),
    Shot("password", "vanthu", "/account/password"),
    Shot("second-factor", "vanthu", "/account/second-factor"),
    Shot("error", "vanhanh", "/nowhere", status=404),
    Shot("desk", "vanthu", "/desk"),
    Shot("desk-document", "vanthu", "/desk", links=("tbody th a",), route="/desk/in/{id}"),
    Shot("desk-paper", "vanthu", "/desk/paper"),
    Shot("desk-send", "vanthu", "/desk/send"),
    Shot("desk-groups", "vanthu", "/desk/groups"),
    Shot(
        "desk-draft",
        "vanthu",
        "/desk/send",
        links=("tbody th a",),
        route="/desk/send/{id}",
        before=staged.draft,
    ),
    Shot("desk-registers", "vanthu", "/desk/registers"),
    Shot(
        "desk-entry",
        "vanthu",
        "/desk/registers",
        links=("tbody th a",),
        route="/desk/entries/{id}",
        before=staged.register,
    ),
    Shot("channels", "vanhanh", "/channels"),
    Shot("channel", "vanhanh", "/channels", links=("tbody th a",), route="/channels/{id}"),
    Shot(
        "incident",
        "vanhanh",
        "/channels",
        links=("tbody th a", "a[href$='/incident']"),
        route="/channels/{id}/incident",
    ),
    Shot(
        "comparison",
        "vanhanh",
        "/channels",
        links=(staged.AXIS, "a[href*='/comparisons/']"),
        route="/channels/{id}/comparisons/{key}",
        before=staged.compare,
    ),
    Shot("offices", "vanhanh", "/offices"),
    Shot("office", "vanhanh", "/offices", links=("tbody th a",), route="/offices/{id}"),
    Shot("queues", "vanhanh", "/queues"),
    Shot("queues-misrouted", "vanhanh", "/queues?show=misrouted"),
    Shot("queues-conflicts", "vanhanh", "/queues?show=conflicts"),
    Shot("queues-quarantined", "vanhanh", "/queues?show=quarantined"),
    Shot("requests", "vanhanh", "/requests"),
    Shot(
        "request",
        "quantri",
        "/requests",
        links=("tbody th a:not([href*='/orders/'])",),
        route="/requests/{id}",
        before=staged.propose,
    ),
    Shot(
        "order",
        "quantri",
        "/requests",
        links=("tbody th a[href*='/orders/']",),
        route="/requests/orders/{id}",
        before=staged.order,
    ),
    Shot("shift", "vanhanh", "/shift"),
    Shot("alerts", "vanhanh", "/alerts"),
    Shot(
        "telephoned",
        "vanhanh",
        "/alerts",
        links=("a[href$='/telephoned']",),
        route="/alarms/{id}/telephoned",
        before=staged.send_express,
    ),
    Shot("maintenance", "vanhanh", "/maintenance"),
    Shot("reports", "vanhanh", "/reports", gone="#content progress"),
    Shot("overdue", "vanhanh", "/reports/overdue"),
    Shot("audit", "kiemtra", "/audit?number=1250/UBND-VP"),
    Shot("audit-nothing", "kiemtra", "/audit?number=125"),
    Shot("audit-verify", "kiemtra", "/audit/verify"),
    Shot("audit-log", "kiemtra", "/audit/log?since=2020-01-01"),
    Shot("audit-exports", "kiemtra", "/audit/exports"),
    Shot("audit-lookups", "kiemtra", "/audit/lookups"),
    Shot("administration", "quantri", "/administration"),
    Shot("agencies", "quantri", "/administration/agencies"),
    Shot(
        "agency",
        "quantri",
        "/administration/agencies",
        links=("tbody th a",),
        route="/administration/agencies/{id}",
    ),
    Shot("import", "quantri", "/administration/import"),
    Shot("calendar", "quantri", "/administration/calendar"),
    Shot("users", "quantri", "/administration/users"),
    Shot("user", "quantri", "/administration/users", links=("tbody th a",), route="/administration/users/{id}"),
    Shot("certificates", "kiemtra", "/administration/certificates"),
    Shot("settings", "kiemtra", "/administration/settings"),
    Shot("routing", "kiemtra", "/administration/routing"),
    Shot("changes", "kiemtra", "/administration/changes"),
    Shot("vendors", "quantri", "/administration/vendors"),
)


async def _signed_in(browser: Browser, shown: Demo, login: str) -> list[Cookie]:
    """The cookies of a session that all windows of a person share."""
    if not login:
        return []
    async with opened(browser, shown.origin) as page:
        page.set_default_timeout(_AT_ONCE * PATIENCE)
        await sign_in(page, login, shown.passwords[login])
        return [each for each in await page.context.cookies() if "view" not in each.get("name", "")]


async def _take(
    browser: Browser, shown: Demo, login: str, shots: Iterable[Shot], places: asyncio.Semaphore
) -> list[str]:
    """Everything that one person sees."""
    cookies = await _signed_in(browser, shown, login)

    async def window(language: str, theme: Literal["light", "dark"]) -> list[str]:
        wrong: list[str] = []
        async with places, opened(browser, shown.origin, theme=theme, language=language) as page:
            page.set_default_timeout(_AT_ONCE * PATIENCE)
            await page.context.add_cookies(cookies)  # type: ignore[arg-type]  # as they were read
            for shot, width in product(shots, WIDTHS):
                name = f"{shot.name}-{language}-{width}-{theme}"
                found = await picture(page, shot, width, name, examined=language == LANGUAGES[0])
                wrong += [f"{name}: {each}" for each in found]
        return wrong

    done = await asyncio.gather(*(window(*each) for each in product(LANGUAGES, THEMES)))
    return [each for some in done for each in some]


async def followed(page: Page, link: str) -> Response | None:
    """Click what leads to another page, and wait for it."""
    async with page.expect_navigation() as going:
        await page.locator(link).first.click()
    return await going.value


def unexpected(shot: Shot, answers: Iterable[Response | None]) -> list[str]:
    """What the pages on the way and the page itself should not have answered with."""
    told = [answer.status if answer is not None else 0 for answer in answers]
    return [f"HTTP {status}" for status in told if status != shot.status]


async def _whole(page: Page, path: Path) -> None:
    """With what is below the window; a file's preview is drawn anew once the window is as tall as the page."""
    if await page.locator("iframe.preview[src]").count():
        height: int = await page.evaluate("document.documentElement.scrollHeight")
        await page.set_viewport_size({"width": await page.evaluate("innerWidth"), "height": height})
        await viewed(page)
        await page.wait_for_timeout(VIEWER)
        await page.screenshot(path=path)
    else:
        await page.screenshot(path=path, full_page=True)


async def picture(page: Page, shot: Shot, width: int, name: str, *, examined: bool) -> list[str]:
    """Taken; what is wrong with the page."""
    await page.set_viewport_size({"width": width, "height": 900})
    answers = [await page.goto(shot.path)]
    for link in shot.links:
        answers.append(await followed(page, link))
        await page.wait_for_load_state()
    if shot.gone:
        await expect(page.locator(shot.gone)).to_have_count(0)
        await page.wait_for_load_state()
    found = unexpected(shot, answers)
    await _whole(page, FOLDER / f"{name}.png")
    found += [str(each) for each in await serious(page)] if examined else []
    found += ["it is too wide"] if await is_too_wide(page) else []
    await page.set_viewport_size({"width": NARROWEST, "height": 900})
    return [*found, f"it is too wide at {NARROWEST}"] if await is_too_wide(page) else found


def _make_room(*, whole: bool) -> None:
    if whole:
        shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True, exist_ok=True)


async def _main(wanted: list[str]) -> int:
    await asyncio.to_thread(_make_room, whole=not wanted)
    people: dict[str, list[Shot]] = {}
    shots = [shot for shot in SHOTS if not wanted or shot.name in wanted]
    for shot in shots:
        people.setdefault(shot.login, []).append(shot)
    places = asyncio.Semaphore(_AT_ONCE)
    async with demo() as shown, chromium(is_whole=True) as browser:
        for before in filter(None, (shot.before for shot in shots)):
            await before(browser, shown)
        done = await asyncio.gather(*(_take(browser, shown, *each, places) for each in people.items()))
    wrong = [each for some in done for each in some]
    for each in wrong:
        print(each)  # noqa: T201 - what this program is for
    print(f"the pictures are in {FOLDER}")  # noqa: T201 - likewise
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(_main(sys.argv[1:])))
