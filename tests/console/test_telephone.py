"""The console on a telephone: what a line is about, its state and its button are in the window."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from gateway.accounts.roles import Role
from tests.console.browsing import CHROMIUM, opened, sign_in
from tests.console.site import LOGINS, Site

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]


@pytest.mark.parametrize(
    ("role", "paths"),
    [
        (
            Role.ADMINISTRATOR,
            (
                "/",
                "/account",
                *(f"/administration/{each}" for each in ("users", "settings", "calendar", "changes")),
            ),
        ),
        (Role.AUDITOR, ("/audit/lookups",)),
        (Role.CLERK, ("/desk/send", "/desk/registers")),
    ],
)
async def test_no_column_lies_beside_a_telephones_window(
    site: Site, browser: Browser, role: Role, paths: tuple[str, ...]
) -> None:
    """What a line is about, its state and its button are seen without moving the table sideways."""
    beside = (
        "() => [...document.querySelectorAll('.scroll')].filter((it) => it.scrollWidth > it.clientWidth + 1).length"
    )
    async with opened(browser, site.origin, width=390) as page:
        await sign_in(page, LOGINS[role])
        for path in paths:
            await page.goto(path, wait_until="domcontentloaded")
            assert await page.evaluate(beside) == 0, path


async def test_the_tab_that_one_is_at_is_seen_on_a_telephone(site: Site, browser: Browser) -> None:
    """The line of tabs is longer than the window is wide."""
    async with opened(browser, site.origin, width=390) as page:
        await sign_in(page, LOGINS[Role.OPERATOR])
        await page.goto("/queues?show=quarantined")
        await expect(page.locator(".tabs [aria-current]")).to_be_in_viewport(ratio=1)
