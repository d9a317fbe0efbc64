"""One login for many, renewal in time, and what a token that was turned away leads to."""

from __future__ import annotations

import asyncio
import base64

import pytest

from adapters.lgsp.token import Tokens
from gateway.errors import SourceError
from tests.unit.deliver.simulated import SimulatedClock, simulate

PASSWORD = b"mat-khau"


def _token(number: int, seconds: int) -> str:
    payload = f'{{"iat": 0, "exp": {seconds}, "n": {number}}}'.encode()
    return f"e30.{base64.urlsafe_b64encode(payload).decode().rstrip('=')}.x"


class _Facade:
    """Counts logins; each takes a second."""

    def __init__(self, seconds: int = 1800) -> None:
        self.logins = 0
        self.seconds = seconds
        self.error: SourceError | None = None

    async def login(self, _password: bytes) -> str:
        self.logins += 1
        number = self.logins
        await asyncio.sleep(1)
        if self.error is not None:
            raise self.error
        return _token(number, self.seconds)


def test_sixteen_at_once_make_one_login() -> None:
    """The others wait for it."""

    async def scenario() -> tuple[int, int]:
        facade = _Facade()
        tokens = Tokens(SimulatedClock(), facade.login)
        found = await asyncio.gather(*(tokens.current(PASSWORD) for _ in range(16)))
        return facade.logins, len(set(found))

    assert simulate(scenario()) == (1, 1)


def test_sixteen_turned_away_at_once_make_one_login() -> None:
    """A late one of them does not throw the fresh token away."""

    async def scenario() -> tuple[int, str, str]:
        facade = _Facade()
        tokens = Tokens(SimulatedClock(), facade.login)
        old = await tokens.current(PASSWORD)
        found = await asyncio.gather(*(tokens.renewed(PASSWORD, old) for _ in range(15)))
        late = await tokens.renewed(PASSWORD, old)
        assert set(found) == {late}
        return facade.logins, old, late

    logins, old, late = simulate(scenario())
    assert logins == 2
    assert old != late


def test_token_is_renewed_before_it_ends() -> None:
    """At four fifths of its life, counted from before the login."""

    async def scenario() -> list[int]:
        facade = _Facade(seconds=1000)
        tokens = Tokens(SimulatedClock(), facade.login)
        logins = []
        for wait in (0, 790, 15):
            await asyncio.sleep(wait)
            await tokens.current(PASSWORD)
            logins.append(facade.logins)
        return logins

    assert simulate(scenario()) == [1, 1, 2]


def test_login_goes_on_when_one_who_waits_for_it_is_cancelled() -> None:
    """A shutdown of one send is nobody else's failure."""

    async def scenario() -> int:
        facade = _Facade()
        tokens = Tokens(SimulatedClock(), facade.login)
        first = asyncio.create_task(tokens.current(PASSWORD))
        second = asyncio.create_task(tokens.current(PASSWORD))
        await asyncio.sleep(0.5)
        first.cancel()
        assert await second
        return facade.logins

    assert simulate(scenario()) == 1


def test_rejected_login_is_not_repeated_until_its_password_changes_or_a_minute_passed() -> None:
    """A wrong password in a retry loop locks accounts."""

    async def scenario() -> list[int]:
        facade = _Facade()
        facade.error = SourceError("peer_credential_rejected", "wrong")
        tokens = Tokens(SimulatedClock(), facade.login)
        logins = []
        for wait, password in ((0, PASSWORD), (30, PASSWORD), (0, b"another"), (61, b"another")):
            await asyncio.sleep(wait)
            with pytest.raises(SourceError, match="wrong"):
                await tokens.current(password)
            logins.append(facade.logins)
        return logins

    assert simulate(scenario()) == [1, 1, 2, 3]


def test_login_that_failed_for_another_reason_is_tried_again_at_once() -> None:
    """The caller decides when."""

    async def scenario() -> int:
        facade = _Facade()
        facade.error = SourceError("peer_timeout", "slow")
        tokens = Tokens(SimulatedClock(), facade.login)
        with pytest.raises(SourceError):
            await tokens.current(PASSWORD)
        facade.error = None
        await tokens.current(PASSWORD)
        return facade.logins

    assert simulate(scenario()) == 2


def test_token_that_can_be_no_header_is_refused() -> None:
    """The facade does not write our headers."""

    async def scenario() -> None:
        async def login(_password: bytes) -> str:
            return "a\r\nX-Other: b"

        with pytest.raises(SourceError) as caught:
            await Tokens(SimulatedClock(), login).current(PASSWORD)
        assert caught.value.code == "peer_reply_invalid"

    simulate(scenario())
