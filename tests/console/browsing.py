"""A real browser for the console's tests: Debian's Chromium under Playwright, one for a module.

Its shell without windows shows and runs pages as the whole browser does, in a third of the time; that one has a
viewer of PDFs and notifications besides, for the tests that need them.

A page that logs an error, breaks its own policy or raises in a script fails the test that opened it.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser as Chromium
from playwright.async_api import ConsoleMessage, Page, async_playwright, expect

from tests.console.site import PASSWORD

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_SHELL = shutil.which("chromium-headless-shell") or CHROMIUM
#: Patience on a busy machine, in milliseconds.
PATIENCE = 30_000
#: Pixels that a page must fit: a window of 1,280 at 400 % (WCAG 2.2, 1.4.10).
NARROWEST = 320
#: Milliseconds in which the browser's own viewer shows a PDF; it says nothing when it does.
VIEWER = 15_000
_SERIOUS = frozenset({"serious", "critical"})
# a page that is gathered anew may rest before it: its own limit of five seconds is too little
expect.set_options(timeout=PATIENCE)


@asynccontextmanager
async def chromium(*, is_whole: bool = False) -> AsyncIterator[Chromium]:
    """The browser, whole where it is asked for; closed with the context."""
    async with async_playwright() as playwright:
        # the context's own setting does not reach what a link with `download` asks for over a new connection
        args = ["--no-sandbox", "--disable-gpu", "--ignore-certificate-errors"]
        found = await playwright.chromium.launch(executable_path=CHROMIUM if is_whole else _SHELL, args=args)
        try:
            yield found
        finally:
            await found.close()


@asynccontextmanager
async def opened(
    browser: Chromium,
    origin: str,
    *,
    width: int = 1440,
    theme: Literal["light", "dark"] = "light",
    language: str = "vi",
) -> AsyncIterator[Page]:
    """A window of its own, without cookies but the language's; what goes wrong in it is told at its end."""
    context = await browser.new_context(
        base_url=origin,
        ignore_https_errors=True,
        viewport={"width": width, "height": 900},
        color_scheme=theme,
        reduced_motion="reduce",  # no colour is looked at on its way to another
        locale={"vi": "vi-VN", "en": "en-GB"}[language],
    )
    context.set_default_timeout(PATIENCE)
    await context.add_cookies(
        [{"name": "__Host-view", "value": f"{language}.vn.auto", "url": origin, "secure": True}]
    )
    page = await context.new_page()
    wrong: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error" and "Failed to load resource" not in message.text:
            wrong.append(message.text)

    page.on("console", note)
    # Chromium's own viewer of PDFs asserts things when it is closed early; no script of ours does
    page.on("pageerror", lambda error: wrong.append(str(error)) if str(error) != "Assertion failed" else None)
    try:
        yield page
    finally:
        await context.close()
    assert not wrong, wrong


async def sign_in(page: Page, login: str, password: str = PASSWORD) -> None:
    """As people do."""
    await page.goto("/login")
    await page.fill("[name=login]", login)
    await page.fill("[name=password]", password)
    await page.click("button.main")
    await page.wait_for_selector(".me")


async def serious(page: Page, *, only: str = "") -> list[Any]:
    """What axe finds of WCAG 2.2 AA that is serious; by one of its rules, where that is named."""
    # axe leaves the size of what is to be hit, of 2.2 alone, out unless it is asked for
    more = {"runOnly": [only]} if only else {"rules": {"target-size": {"enabled": True}}}
    found = await Axe().run(page, options={"resultTypes": ["violations"], **more})
    return [
        (one["id"], one["help"], [node["html"][:200] for node in one["nodes"][:3]])
        for one in found.response["violations"]
        if one["impact"] in _SERIOUS
    ]


async def is_too_wide(page: Page) -> bool:
    """Whether the page must be moved sideways to be read."""
    return bool(
        await page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth + 1")
    )


async def viewed(page: Page) -> None:
    """Wait until Chromium's own viewer is at work in the frame, sandbox or not."""
    async with asyncio.timeout(PATIENCE / 1000):
        while not any(frame.url.startswith("chrome-extension://") for frame in page.frames):
            await page.wait_for_timeout(100)
