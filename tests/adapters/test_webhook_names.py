"""Names of receivers: lookups that hang or fail cost nobody but themselves, and old answers serve meanwhile."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import Any

import pytest

from adapters import webhook_names
from adapters.webhook_names import Names

Rows = list[tuple[Any, ...]]


def rows(address: str) -> Rows:
    """What `getaddrinfo` says of one address."""
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0))]


class NameServers:
    """Answers, failures and silence, by name."""

    def __init__(self) -> None:
        self.answers: dict[str, str | int] = {}
        self.again = threading.Event()
        self.asked: list[str] = []

    def look(self, host: str, *_: object, **__: object) -> Rows:
        self.asked.append(host)
        found = self.answers.get(host)
        if found is None:
            self.again.wait(30)
            raise socket.gaierror(socket.EAI_AGAIN, "no answer")
        if isinstance(found, int):
            raise socket.gaierror(found, "failed")
        return rows(found)


async def address_of(names: Names, host: str) -> str:
    """The one address."""
    (found,) = await names.resolve(host, 443)
    return found["host"]


async def test_names_that_hang_do_not_hold_up_others() -> None:
    """However many lookups get no answer, another name is found at once."""
    servers = NameServers()
    names = Names(servers.look)
    hanging = [asyncio.create_task(address_of(names, f"dead{number}.test")) for number in range(100)]
    servers.answers["well.test"] = "10.0.0.1"
    async with asyncio.timeout(60):
        while len(servers.asked) < 100:  # noqa: ASYNC110 - threads have no signal for it
            await asyncio.sleep(0.01)
        assert await address_of(names, "well.test") == "10.0.0.1"
    servers.again.set()
    for task in hanging:
        with pytest.raises(OSError, match="no answer"):
            await task


async def test_one_name_is_looked_up_once_however_many_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting transmissions share a lookup; whoever loses patience hears an error."""
    monkeypatch.setattr(webhook_names, "_PATIENCE", 0.05)
    servers = NameServers()
    names = Names(servers.look)
    found = await asyncio.gather(*(address_of(names, "dead.test") for _ in range(10)), return_exceptions=True)
    assert all(isinstance(each, OSError) for each in found)
    assert servers.asked == ["dead.test"]
    servers.again.set()


async def test_lookups_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads that hang are so many and no more; the next name fails at once."""
    monkeypatch.setattr(webhook_names, "_LOOKUPS_MAX", 2)
    monkeypatch.setattr(webhook_names, "_PATIENCE", 0.2)
    servers = NameServers()
    names = Names(servers.look)
    found = await asyncio.gather(*(address_of(names, f"n{number}") for number in range(4)), return_exceptions=True)
    assert sum("too many names are being looked up" in str(each) for each in found) == 2
    assert len(servers.asked) == 2
    servers.again.set()


@pytest.mark.parametrize("failure", [None, socket.EAI_AGAIN, socket.EAI_FAIL])
async def test_old_answer_serves_while_name_servers_are_gone(
    monkeypatch: pytest.MonkeyPatch, failure: int | None
) -> None:
    """Silent or failing name servers change nothing for a receiver that was known."""
    monkeypatch.setattr(webhook_names, "_FRESH_SECONDS", 0.0)
    monkeypatch.setattr(webhook_names, "_PATIENCE_WITH_OLD", 0.05)
    servers = NameServers()
    servers.answers["well.test"] = "10.0.0.1"
    names = Names(servers.look)
    assert await address_of(names, "well.test") == "10.0.0.1"
    servers.answers.pop("well.test")
    if failure is not None:
        servers.answers["well.test"] = failure
    assert await address_of(names, "well.test") == "10.0.0.1"
    servers.again.set()


async def test_name_that_no_longer_exists_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name servers' word that it is gone counts; its old address may be somebody else's."""
    monkeypatch.setattr(webhook_names, "_FRESH_SECONDS", 0.0)
    servers = NameServers()
    servers.answers["well.test"] = "10.0.0.1"
    names = Names(servers.look)
    await address_of(names, "well.test")
    servers.answers["well.test"] = socket.EAI_NONAME
    for _ in range(2):
        with pytest.raises(OSError, match="failed"):
            await address_of(names, "well.test")


async def test_answer_that_nobody_waited_for_is_used_next_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow name server delays the first transmission only."""
    monkeypatch.setattr(webhook_names, "_PATIENCE", 0.05)
    go = threading.Event()

    def look(*_: object, **__: object) -> Rows:
        go.wait(30)
        return rows("10.0.0.9")

    names = Names(look)
    with pytest.raises(OSError, match="do not answer"):
        await address_of(names, "slow.test")
    go.set()
    async with asyncio.timeout(60):
        while not names._known:  # noqa: ASYNC110 - threads have no signal for it
            await asyncio.sleep(0.01)
    assert await address_of(names, "slow.test") == "10.0.0.9"


async def test_what_can_be_no_name_fails_at_once() -> None:
    """A label that is too long is an error of the connection, not a lookup that never ends."""
    async with asyncio.timeout(60):
        with pytest.raises(OSError, match="no name"):
            await Names().resolve(f"{'a' * 70}.test", 443)
