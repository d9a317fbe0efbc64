"""What a person's hand does in a page: press, fill in, send, take a file along; each waits for what comes of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Browser, FilePayload, Locator, Page, expect

from gateway.accounts.roles import Role
from tests.console.browsing import PATIENCE, is_too_wide, opened, sign_in, viewed
from tests.console.site import LOGINS, Site

#: Whether a form is folded, and which of its fields are choices.
_LOOKS = """form => [form.closest("details:not([open])") !== null,
  [...form.querySelectorAll("select")].map(each => each.name)]"""


@dataclass(frozen=True)
class Speech:
    """The language that a walk is gone in from its first page to its last; `speech` has it gone in both.

    What a page must say stands in the walk by hand: the catalogue is what is tested.
    """

    language: str

    def said(self, vi: str, en: str) -> str:
        """What the page says in the walk's language."""
        return {"vi": vi, "en": en}[self.language]

    def own(self, text: str) -> str:
        """A number, login or name that the same walk in the other language does not have, at the same server."""
        return text + self.said("1", "2")


@asynccontextmanager
async def signed_in(
    site: Site, browser: Browser, role: Role, *, width: int = 1440, language: str = "vi"
) -> AsyncIterator[Page]:
    """Somebody's window."""
    async with opened(browser, site.origin, width=width, language=language) as page:
        await sign_in(page, LOGINS[role])
        yield page


async def press(page: Page, what: str | Locator, *, fails: bool = False) -> None:
    """Click what leads to another page, and wait for it."""
    part = page.locator(what).first if isinstance(what, str) else what
    async with page.expect_navigation(wait_until="domcontentloaded", timeout=2 * PATIENCE) as going:
        await part.click()
    answer = await going.value
    assert answer is not None
    assert (answer.status >= 400) is fails, (page.url, answer.status)
    assert not await is_too_wide(page), page.url


async def menu(page: Page, path: str) -> None:
    """By the menu."""
    await press(page, f".menu a[href='{path}']")


async def fill(page: Page, form: str | Locator, **fields: str) -> Locator:
    """Fill a form in, unfolded before where it is folded."""
    part = page.locator(form).first if isinstance(form, str) else form
    is_folded, choices = await part.evaluate(_LOOKS)
    if is_folded:
        await page.locator("details:not([open])").filter(has=part).locator("summary").first.click()
    for name, text in fields.items():
        field = part.locator(f"[name={name}]")
        await (field.select_option(text) if name in choices else field.fill(text))
    return part


async def send(page: Page, form: str | Locator, button: str = "button:enabled", **fields: str) -> None:
    """Fill it in, send it, and be told that it is done."""
    part = await fill(page, form, **fields)
    await press(page, part.locator(button).first)
    await expect(page.locator("#notices .done").first).to_be_visible(timeout=PATIENCE)


async def taken(page: Page, link: str) -> bytes:
    """The file that a link or button gives."""
    async with page.expect_download(timeout=2 * PATIENCE) as coming:
        await page.locator(link).first.click()
    return await asyncio.to_thread(Path(await (await coming.value).path()).read_bytes)


async def shown(page: Page, link: str) -> None:
    """The PDF that a link opens in the browser's own viewer."""
    async with page.expect_response(lambda answer: answer.headers.get("content-type") == "application/pdf"):
        await page.locator(link).first.click()
    await viewed(page)
    await page.go_back()


def file(name: str, content: bytes) -> FilePayload:
    """What a person picks in the system's own dialog."""
    return {"name": name, "mimeType": "application/octet-stream", "buffer": content}
