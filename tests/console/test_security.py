"""What protects the console's forms and pages from other sites, strangers and floods."""

from __future__ import annotations

import re
from datetime import timedelta
from io import BytesIO

import pytest

from gateway.accounts.roles import Role
from gateway.console.headers import own_address
from tests.console.site import LOGINS, PASSWORD, Site

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_form_without_its_token_is_refused_and_does_nothing(site: Site) -> None:
    """Another site can make a browser send a form, and cannot know the token."""
    browser = await site.signed_in(Role.OPERATOR)
    for token in ("", "0" * 64):
        browser.token = token
        answer = await browser.post("/logout")
        assert answer.status == 403
        assert "form_outdated" in answer.text
    assert (await browser.get("/account")).status == 200


async def test_token_of_one_person_is_not_that_of_another(site: Site) -> None:
    """It hangs from the session."""
    browser, other = await site.signed_in(Role.OPERATOR), await site.signed_in(Role.VIEWER)
    browser.token = other.token
    assert (await browser.post("/logout")).status == 403


@pytest.mark.parametrize(
    "headers",
    [{"Sec_Fetch_Site": "cross-site"}, {"Sec_Fetch_Site": "same-site"}, {"Origin": "https://evil.example"}],
    ids=str,
)
async def test_form_from_another_site_is_refused_with_the_right_token(site: Site, headers: dict[str, str]) -> None:
    """What the browser says of its origin counts besides."""
    browser = await site.signed_in(Role.OPERATOR)
    browser.headers |= headers
    answer = await browser.post("/logout")
    assert (answer.status, "form_outdated" in answer.text) == (403, True)


async def test_every_answer_forbids_frames_sniffing_and_foreign_scripts(site: Site) -> None:
    """Also those that refuse, those for strangers, and the assets."""
    browser = await site.signed_in(Role.VIEWER)
    asset = re.search(r'href="(/static/app\.[0-9a-f]+\.css)"', (await browser.get("/account")).text)
    assert asset
    for client, path in (
        (browser, "/"),
        (browser, "/nowhere"),
        (site.browser(), "/"),
        (site.browser(), "/login"),
        (browser, asset[1]),
    ):
        answer = await client.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'")
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"


async def test_scripts_bear_a_nonce_that_is_new_each_time(site: Site) -> None:
    """And no page holds an inline script, a handler or a style of its own."""
    browser = await site.signed_in(Role.VIEWER)
    seen = set()
    for _ in range(2):
        page = await browser.get("/account")
        nonce = re.search(r"'nonce-([^']+)'", page.headers["Content-Security-Policy"])
        assert nonce
        scripts = re.findall(r"<script[^>]*>", page.text)
        assert scripts
        assert all(f'nonce="{nonce[1]}"' in script and "src=" in script for script in scripts)
        assert not re.search(r"\son\w+=|\sstyle=|<style", page.text)
        seen.add(nonce[1])
    assert len(seen) == 2


async def test_forged_and_foreign_cookies_are_nobody(site: Site) -> None:
    """A guess, the digest that the database holds, and what is no text at all."""
    browser = await site.signed_in(Role.ADMINISTRATOR)
    user = await site.base.users.require(LOGINS[Role.ADMINISTRATOR])
    digest = (await site.base.sign_in.sessions(user.id, site.base.clock.now()))[0].id
    assert browser.cookie("__Host-session") != digest
    for forged in ("A" * 43, digest, "%00%ff", "' OR 1=1 --"):
        answer = await site.browser(Cookie=f"__Host-session={forged}").get("/account")
        assert (answer.status, answer.location) == (303, "/login?next=%2Faccount")


async def test_too_many_wrong_passwords_lock_and_an_administrator_unlocks(site: Site) -> None:
    """While it is locked the right password is answered like a wrong one."""
    base = site.base
    now = base.clock.now()
    user, _ = await base.users.add("locked1", name="K", role=Role.VIEWER, actor="operator:test", now=now)
    await base.users.choose_password(user, PASSWORD, session="", now=now)
    browser = site.browser()
    for _ in range(base.settings.console.lock_after):
        assert (await browser.sign_in("locked1", "wrong-password")).status == 401
    assert (await browser.sign_in("locked1")).status == 401
    locked = await base.users.require("locked1")
    assert locked.locked_until is not None
    assert locked.locked_until - now >= base.settings.console.lock_for
    await base.users.unlock(locked, actor="operator:test", now=base.clock.now(), why="forgot it")
    assert (await browser.sign_in("locked1")).status == 303


async def test_disabled_user_is_signed_out_at_once_and_not_let_in(site: Site) -> None:
    """The sessions end with the transaction that disables."""
    base = site.base
    user, _ = await base.users.add(
        "leaver1", name="L", role=Role.OPERATOR, actor="operator:test", now=base.clock.now()
    )
    await base.users.choose_password(user, PASSWORD, session="", now=base.clock.now())
    browser = await site.signed_in("leaver1")
    await base.users.disable(user, actor="operator:test", now=base.clock.now(), why="left")
    assert (await browser.get("/account")).status == 303
    assert (await browser.sign_in("leaver1")).status == 401


async def test_too_large_form_and_files_where_none_belong_are_refused(site: Site) -> None:
    """Before anything is made of them."""
    browser = await site.signed_in(Role.VIEWER)
    for content_type, body, status, code in (
        ("application/x-www-form-urlencoded", b"language=" + b"x" * 1_100_000, 413, "body_too_large"),
        ("application/json", b"{}", 415, "media_type_unsupported"),
    ):
        async with browser.session.post(
            browser.origin + "/preferences", data=BytesIO(body), headers={"Content-Type": content_type}
        ) as refused:
            assert (refused.status, code in await refused.text()) == (status, True)


async def test_first_password_must_be_replaced_before_anything_else(site: Site) -> None:
    """And it ends by itself."""
    base, now = site.base, site.base.clock.now()
    user, first = await base.users.add("newcomer1", name="N", role=Role.VIEWER, actor="operator:test", now=now)
    browser = site.browser()
    assert (await browser.sign_in("newcomer1", first)).status == 303
    assert (await browser.get("/")).location == "/account/password"
    await browser.get("/account/password")
    weak = await browser.post(
        "/account/password", {"old": first, "new": "newcomer1newcomer1", "again": "newcomer1newcomer1"}
    )
    assert (weak.status, "password_weak" in weak.text) == (422, True)
    chosen = {"old": first, "new": PASSWORD, "again": PASSWORD}
    assert (await browser.post("/account/password", chosen)).location == "/account"
    assert (await browser.get("/")).status == 200
    assert user.password_ends_at is not None
    assert user.password_ends_at - now == timedelta(days=7)


@pytest.mark.parametrize("path", ["", "x", "//a", "/\\a", "http://a", "/a\\b", "/a\r\nSet-Cookie: x", "\t//a"])
async def test_what_is_no_path_of_ours_becomes_the_first_page(path: str) -> None:
    """Pure."""
    assert own_address(path) == "/"
