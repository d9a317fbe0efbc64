"""The key that second factors are sealed under is gone or another: people are told so, and what to do."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pyotp
import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from gateway.accounts.roles import Role
from gateway.accounts.shared_secrets import Wish, loopback
from gateway.accounts.users import User
from gateway.diagnosis.check_bindings import examine_factors
from tests.console.site import LOGINS, PASSWORD, Browser, Page, Site
from tests.journeys.installation import COMMUNE

pytestmark = pytest.mark.asyncio(loop_scope="module")

TOTP = pyotp.TOTP(pyotp.random_base32())
LOGIN = "careful7"
FROM_SOURCE = (sys.executable, "-m", "gateway")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def careful(site: Site) -> User:
    """Somebody with one-time codes, who was never signed in before the key was lost."""
    base, now = site.base, site.base.clock.now()
    user, _ = await base.users.add(LOGIN, name="C", role=Role.VIEWER, actor="operator:test", now=now)
    await base.users.choose_password(user, PASSWORD, session="", now=now)
    await base.users.set_totp(await base.users.require(LOGIN), TOTP.secret, session="", now=now)
    return await base.users.require(LOGIN)


@pytest_asyncio.fixture(params=["gone", "another", "open to all", "no key"], loop_scope="module")
async def lost(site: Site, careful: User, request: pytest.FixtureRequest) -> AsyncIterator[User]:
    """The key's file in a state that nothing can be opened with; as it was, afterwards."""
    box = site.base.users.box
    was, kept = box.path, box.path.with_suffix(".kept")
    was.rename(kept)
    if request.param == "another":
        box.make()
    elif request.param != "gone":
        was.write_bytes(kept.read_bytes() if request.param == "open to all" else b"x")
        was.chmod(0o644 if request.param == "open to all" else 0o600)
    try:
        yield careful
    finally:
        was.unlink(missing_ok=True)
        kept.rename(was)


def code(at: datetime) -> str:
    """The code of an instant."""
    return str(TOTP.at(at))


async def tried(site: Site, browser: Browser, password: str, language: str = "vi") -> Page:
    """An answer to somebody with a code that is right."""
    browser.headers = {"Cookie": f"__Host-view={language}.vn.auto"} if language != "vi" else {}
    return await browser.sign_in(LOGIN, password, code(site.base.clock.now()))


async def told_by(site: Site, command: str) -> tuple[int | None, bytes]:
    """The exit code of a command that looks, and what it says."""
    config = str(site.installation.folder / "config.toml")
    arguments = [*FROM_SOURCE, "--config", config, command, "--json"]
    run = await asyncio.create_subprocess_exec(*arguments, stdout=asyncio.subprocess.PIPE)
    told, _ = await asyncio.wait_for(run.communicate(), 60)
    return run.returncode, told


async def test_who_has_one_time_codes_is_told_who_puts_the_key_back(site: Site, lost: User) -> None:
    """On the page to sign in, with the form; the log has an error without a traceback, and nobody is locked."""
    with capture_logs() as logs:
        answer = await tried(site, site.browser(), PASSWORD)
    assert (answer.status, answer.headers["Retry-After"].isdigit()) == (503, True)
    assert "Không mở được khóa giữ mã xác thực" in answer.text
    assert "Báo người quản trị gateway" in answer.text
    assert 'name="password"' in answer.text
    told = [each for each in logs if each["event"] == "secret_key.lost"]
    assert [(each["log_level"], each["user"], "exc_info" in each) for each in told] == [("error", lost.id, False)]
    assert "shared-secrets.key" in told[0]["error"]
    assert not [each for each in logs if each["event"] == "page.failed"]
    assert (await site.base.users.require(LOGIN)).failures == 0


async def test_wrong_password_tells_nothing_of_codes_or_of_the_key(site: Site, lost: User) -> None:
    """Neither that there is such a user nor that codes are asked for; it counts like any other."""
    before = (await site.base.users.require(LOGIN)).failures
    answer = await tried(site, site.browser(), "x" * 12)
    nobody = await site.browser().sign_in("nobody7", "x" * 12, "123456")
    assert (answer.status, nobody.status, "khóa giữ mã" in answer.text) == (401, 401, False)
    assert (await site.base.users.require(LOGIN)).failures == before + 1
    await site.base.users.unlock(lost, actor="operator:test", now=site.base.clock.now(), why="for the test")


async def test_second_factor_is_neither_changed_nor_taken_away_without_the_key(site: Site, lost: User) -> None:
    """Of who is signed in: in both languages, in the log, and it stays what it was."""
    base, now = site.base, site.base.clock.now()
    held = await base.sign_in.open(lost, address="127.0.0.1", agent="", now=now)
    browser = site.browser(Cookie=f"__Host-session={held}; __Host-view=en.vn.auto")
    await browser.get("/account/second-factor")
    with capture_logs() as logs:
        answer = await browser.post("/account/second-factor", {"password": PASSWORD, "present": code(now)})
    assert (answer.status, "secret_key_lost" in answer.text) == (503, True)
    assert "put shared-secrets.key back from a backup" in answer.text.replace("\n", " ")
    assert [each["log_level"] for each in logs if each["event"] == "secret_key.lost"] == ["error"]
    assert not [each for each in logs if each["event"] == "page.failed"]
    assert (await base.users.require(LOGIN)).totp == lost.totp
    assert (await browser.get("/account")).status == 200


async def test_check_and_doctor_count_whose_second_factors_are_lost(site: Site, lost: User) -> None:
    """Whatever is wrong with the key's file."""
    assert lost.totp is not None
    settings = site.installation.settings
    factors = [(row[0], row[1]) for row in await site.base.readers.fetch("user_list_factors")]
    assert [(each.code, each.detail) for each in examine_factors(settings, factors)] == [
        ("second_factors_lost", "1 of 1")
    ]
    for command in ("check", "doctor"):
        exit_code, told = await told_by(site, command)
        assert (exit_code, b'"second_factors_lost"' in told) == (1, True), (command, told)


async def test_key_that_is_put_back_lets_everybody_in_at_once(site: Site, careful: User) -> None:
    """Without a restart; and nothing is found any more."""
    assert careful.totp is not None
    assert examine_factors(site.installation.settings, [(careful.id, careful.totp)]) == []
    assert (await tried(site, site.browser(), PASSWORD)).status == 303


async def test_first_second_factor_is_refused_where_the_key_was_lost(site: Site, careful: User) -> None:
    """By somebody else: no key is made anew beside what was sealed under the lost one."""
    box = site.base.users.box
    kept = box.path.with_suffix(".kept")
    browser = await site.signed_in(Role.AUDITOR)
    box.path.rename(kept)
    try:
        await browser.get("/account/second-factor")
        fields = {"password": PASSWORD, "secret": TOTP.secret, "code": code(site.base.clock.now())}
        with capture_logs() as logs:
            answer = await browser.post("/account/second-factor", fields)
        assert (answer.status, "secret_key_lost" in answer.text, box.exists()) == (503, True, False)
        assert [each["log_level"] for each in logs if each["event"] == "secret_key.lost"] == ["error"]
    finally:
        kept.rename(box.path)
    assert careful.totp is not None


async def test_new_key_is_hindered_by_nothing_that_check_does_not_tell_of(site: Site, careful: User) -> None:
    """People who are disabled and secrets that have expired lose nothing; who is enabled again is counted again."""
    base, now, long_ago = site.base, site.base.clock.now(), site.base.clock.now() - timedelta(days=2)
    agency = (await base.directory.resolve([COMMUNE], now))[COMMUNE]
    wish = Wish(
        agency_id=agency.id, binding="vxp", system_id="ended", lifetime=timedelta(days=1), overlap=timedelta(),
        networks=tuple(loopback()), label="", actor="operator:test", why="test",
    )  # fmt: skip
    await base.shared_secrets.issue(wish, long_ago)
    box, other = base.users.box, await base.users.require(LOGINS[Role.AUDITOR])
    kept = box.path.with_suffix(".kept")
    await base.users.disable(careful, actor="operator:test", now=now, why="left")
    box.path.rename(kept)
    try:
        _, told = await told_by(site, "check")
        assert not [each for each in (b"second_factors_lost", b"shared_key_unfit") if each in told]
        await base.users.set_totp(other, TOTP.secret, session="", now=now)
        assert box.exists(), "made anew"
        await base.users.enable(careful, actor="operator:test", now=now, why="back")
        _, told = await told_by(site, "check")
        assert (b"second_factors_lost" in told, b"1 of 2" in told) == (True, True)
    finally:
        await base.users.set_totp(other, "", session="", now=now)
        kept.replace(box.path)
