"""Pictures of every page, of the demo's data: `make screenshots`, or `python -m tests.console.screenshots PAGE …`.

They lie in build/screenshots/<page>-<language>-<width>-<theme>.png, for people to look at. A page that cannot be
opened, that is too wide for its window, or in which axe finds something serious is named at the end: exit 1.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playwright.async_api import Browser, Page

from tests.console.browsing import chromium, is_too_wide, opened, serious, sign_in

FOLDER = Path("build/screenshots")
WIDTHS = (1440, 390)
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
LANGUAGES = ("vi", "en")
#: How long the demo may take to play.
_READY = 240.0


@dataclass(frozen=True, slots=True)
class Shot:
    """A page: its name, whose eyes, and its address; with `link`, the first link of that selector is followed."""

    name: str
    login: str
    path: str
    link: str = ""


SHOTS = (
    Shot("login", "", "/login"),
    Shot("overview", "vanhanh", "/"),
    Shot("ledger", "vanhanh", "/ledger"),
    Shot(
        "ledger-found", "vanhanh", "/ledger?text=bao+cao&columns=code,subject,sender,recipient,type,channel,state"
    ),
    Shot("document", "vanhanh", "/ledger", link="tbody th a"),
    Shot("account", "vanthu", "/account"),
    Shot("second-factor", "vanthu", "/account/second-factor"),
    Shot("error", "vanhanh", "/nowhere"),
    Shot("desk", "vanthu", "/desk"),
    Shot("desk-document", "vanthu", "/desk", "tbody th a"),
    Shot("desk-paper", "vanthu", "/desk/paper"),
    Shot("desk-send", "vanthu", "/desk/send"),
    Shot("desk-groups", "vanthu", "/desk/groups"),
    Shot("desk-registers", "vanthu", "/desk/registers"),
    Shot("channels", "vanhanh", "/channels"),
    Shot("channel", "vanhanh", "/channels", "tbody th a"),
    Shot("offices", "vanhanh", "/offices"),
    Shot("queues", "vanhanh", "/queues?show=misrouted"),
    Shot("requests", "vanhanh", "/requests"),
    Shot("shift", "vanhanh", "/shift"),
    Shot("alerts", "vanhanh", "/alerts"),
    Shot("reports", "vanhanh", "/reports"),
    Shot("audit", "kiemtra", "/audit?number=125"),
    Shot("audit-verify", "kiemtra", "/audit/verify"),
    Shot("audit-log", "kiemtra", "/audit/log?since=2020-01-01"),
    Shot("audit-exports", "kiemtra", "/audit/exports"),
    Shot("audit-lookups", "kiemtra", "/audit/lookups"),
    Shot("administration", "quantri", "/administration"),
    Shot("agencies", "quantri", "/administration/agencies"),
    Shot("agency", "quantri", "/administration/agencies", "tbody th a"),
    Shot("users", "quantri", "/administration/users"),
    Shot("user", "quantri", "/administration/users", "tbody th a"),
    Shot("certificates", "kiemtra", "/administration/certificates"),
    Shot("settings", "kiemtra", "/administration/settings"),
    Shot("routing", "kiemtra", "/administration/routing"),
    Shot("vendors", "kiemtra", "/administration/vendors"),
)


@asynccontextmanager
async def _demo() -> AsyncIterator[tuple[str, dict[str, str]]]:
    """The demo once it has played: where its console is, and login -> password."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "demo"
        demo = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "gateway", "demo", "--folder", str(folder), stdout=asyncio.subprocess.PIPE
        )
        assert demo.stdout is not None
        try:
            async with asyncio.timeout(_READY):
                origin = ""
                while not origin and (line := await demo.stdout.readline()):
                    if found := re.search(rb"console +(https://localhost:\d+)/", line):
                        origin = found[1].decode()
            lines = (folder / "people.txt").read_text("utf-8").splitlines()[1:]
            yield origin, {words[0]: words[1] for words in map(str.split, lines)}
        finally:
            if demo.returncode is None:
                demo.send_signal(signal.SIGINT)
                await demo.wait()


async def _take(browser: Browser, origin: str, passwords: dict[str, str], shot: Shot) -> list[str]:
    wrong: list[str] = []
    for language in LANGUAGES:
        for theme in THEMES:
            async with opened(browser, origin, theme=theme, language=language) as page:
                if shot.login:
                    await sign_in(page, shot.login, passwords[shot.login])
                for width in WIDTHS:
                    name = f"{shot.name}-{language}-{width}-{theme}"
                    wrong += [f"{name}: {each}" for each in await _picture(page, shot, width, name)]
    return wrong


async def _picture(page: Page, shot: Shot, width: int, name: str) -> list[str]:
    await page.set_viewport_size({"width": width, "height": 900})
    await page.goto(shot.path)
    if shot.link:
        await page.locator(shot.link).first.click()
        await page.wait_for_load_state()
    await page.screenshot(path=FOLDER / f"{name}.png", full_page=True)
    found = [str(each) for each in await serious(page)]
    return [*found, "it is too wide"] if await is_too_wide(page) else found


def _make_room(*, whole: bool) -> None:
    if whole:
        shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True, exist_ok=True)


async def _main(wanted: list[str]) -> int:
    await asyncio.to_thread(_make_room, whole=not wanted)
    wrong: list[str] = []
    async with _demo() as (origin, passwords), chromium() as browser:
        for shot in SHOTS:
            if not wanted or shot.name in wanted:
                wrong += await _take(browser, origin, passwords, shot)
    for each in wrong:
        print(each)  # noqa: T201 - what this program is for
    print(f"the pictures are in {FOLDER}")  # noqa: T201 - likewise
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(_main(sys.argv[1:])))
