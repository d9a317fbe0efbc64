"""Signing in at another provider: who it is, is believed; everything that does not hold is a failed sign-in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from joserfc.jwk import ECKey, OctKey
from playwright.async_api import expect
from yarl import URL

from gateway.accounts.roles import Role
from gateway.seal.trust import TrustPurpose
from tests.console.browsing import CHROMIUM, PATIENCE, chromium, opened
from tests.console.clicking import Speech
from tests.console.provider_fake import CLIENT, SECRET, FakeProvider
from tests.console.site import Browser, Page, Site, console

pytestmark = pytest.mark.asyncio(loop_scope="module")
_SETTINGS = """
[console.oidc]
issuer = "{issuer}"
client = "{client}"
secret_file = "provider"
anchors = "certs/{anchors}"
name = "Tài khoản chung"
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def provider(pki_folder: Path) -> AsyncIterator[FakeProvider]:
    """One for the module."""
    found = FakeProvider()
    await found.start(pki_folder)
    yield found
    await found.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(
    tmp_path_factory: pytest.TempPathFactory, pki_folder: Path, provider: FakeProvider
) -> AsyncIterator[Site]:
    """A console that knows the provider, and one person who comes from there."""
    folder = tmp_path_factory.mktemp("provider") / "site"
    folder.mkdir()
    settings = _SETTINGS.format(
        issuer=provider.issuer, client=CLIENT, anchors=f"anchors/{TrustPurpose.TLS}/root.pem"
    )
    async with console(folder, pki_folder, settings=settings, tries=90) as found:
        secret = found.installation.folder / "secrets" / "provider"
        secret.write_text(SECRET)
        secret.chmod(0o600)
        await found.base.users.add(
            "shared1",
            name="S",
            role=Role.OPERATOR,
            subject="person-1",
            actor="operator:test",
            now=found.base.clock.now(),
        )
        yield found


@pytest.fixture(autouse=True)
def usual(site: Site, provider: FakeProvider) -> None:
    """As it should be, until a test says otherwise."""
    provider.claims, provider.forged = {"sub": "person-1"}, None
    provider.now = int(site.base.clock.now().timestamp())


async def gone(browser: Browser, path: str = "/login/provider?next=/account") -> dict[str, str]:
    """What the browser brings to the provider."""
    await browser.get("/login")
    away = await browser.get(path)
    assert away.status == 303
    return dict(URL(away.location).query)


async def back(browser: Browser, provider: FakeProvider, query: dict[str, str]) -> Page:
    """It comes back with a code."""
    code = provider.sign_in(query)
    return await browser.get(str(URL("/login/back").with_query(code=code, state=query["state"])))


async def test_person_whom_the_provider_knows_is_signed_in(site: Site, provider: FakeProvider) -> None:
    """And goes on to where he wanted; no password of ours is of any use."""
    browser = site.browser()
    assert "Tài khoản chung" in (await browser.get("/login")).text
    answer = await back(browser, provider, await gone(browser))
    assert (answer.status, answer.location) == (303, "/account")
    assert "shared1" in (await browser.get("/account")).text
    assert (await site.browser().sign_in("shared1", "")).status == 401


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
async def test_person_comes_from_the_provider_in_a_browser(
    site: Site, provider: FakeProvider, speech: Speech
) -> None:
    """The button, there and back with a code that only this browser can use; and to the page that was wanted."""
    before = set(provider.codes)
    async with chromium() as browser, opened(browser, site.origin, language=speech.language) as page:
        await page.goto("/account")
        button = speech.said("Đăng nhập bằng Tài khoản chung", "Sign in with Tài khoản chung")
        await page.click(f"text={button}")
        await page.wait_for_url("**/account", timeout=PATIENCE)
        await expect(page.locator("#content")).to_contain_text("shared1")
    assert set(provider.codes) == before  # the code is used up


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": "person-2"},
        {"sub": ""},
        {"iss": "https://evil.example"},
        {"aud": "another"},
        {"aud": [CLIENT, "another"]},
        {"nonce": "another"},
        {"exp": 1},
        {"iat": 4_000_000_000},
    ],
    ids=str,
)
async def test_token_that_does_not_prove_it_signs_nobody_in(
    site: Site, provider: FakeProvider, claims: dict[str, Any]
) -> None:
    """Another person, issuer, audience, nonce or time."""
    provider.claims = {"sub": "person-1"} | claims
    browser = site.browser()
    answer = await back(browser, provider, await gone(browser))
    assert (answer.status, "sign_in_failed" in answer.text) == (401, True)
    assert (await browser.get("/account")).status == 303


async def test_token_signed_by_another_key_or_a_shared_secret_is_refused(
    site: Site, provider: FakeProvider
) -> None:
    """The key must be published, the algorithm one of the list."""
    for header, key in (
        ({"alg": "ES256", "kid": "one"}, ECKey.generate_key("P-256", {"kid": "one"})),
        ({"alg": "HS256", "kid": "one"}, OctKey.import_key(SECRET)),
    ):
        provider.forged = (header, key)
        browser = site.browser()
        answer = await back(browser, provider, await gone(browser))
        assert (answer.status, "sign_in_failed" in answer.text) == (401, True)


async def test_code_counts_once_and_in_the_browser_that_left_alone(site: Site, provider: FakeProvider) -> None:
    """An attacker's code in a victim's browser would sign the victim in as the attacker."""
    browser, other = site.browser(), site.browser()
    query = await gone(browser)
    await other.get("/login")
    assert (await back(other, provider, query)).status == 401
    assert (await back(browser, provider, query)).status == 401
    query = await gone(browser)
    assert (await back(browser, provider, query)).status == 303
    assert (await browser.get(f"/login/back?code=x&state={query['state']}")).status == 401


async def test_address_elsewhere_is_no_place_to_go_on_to(site: Site, provider: FakeProvider) -> None:
    """No open redirect by this way either."""
    browser = site.browser()
    query = await gone(browser, "/login/provider?next=//evil.example")
    assert (await back(browser, provider, query)).location == "/"


async def test_one_address_may_try_so_often_and_others_go_on(site: Site) -> None:
    """Both ways of signing in are paid from one purse; 429 says when to come back."""
    flood = site.browser(address="127.0.0.2")
    await flood.get("/login")
    answers: list[Page] = []
    for tens in range(11):  # one after another each waits out its refusal, and the purse fills again
        guesses = [{"login": f"guess{tens}{each}", "password": "x"} for each in range(10)]
        answers += await asyncio.gather(*(flood.post("/login", guess) for guess in guesses))
    refused = [answer for answer in answers if answer.status == 429]
    assert refused
    assert "rate_limited" in refused[0].text
    others = await asyncio.gather(*(flood.get("/login/provider") for _ in range(10)))
    assert 429 in {answer.status for answer in others}
    assert (await site.browser().sign_in("viewer1")).status == 303
