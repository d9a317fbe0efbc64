"""The event feed: nothing committed is missed, and nothing is read twice."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any, cast

import msgspec
import pytest

from gateway import feed
from gateway.feed import Feed
from gateway.model import AgencyId, Caller, CredentialId
from gateway.storage.readers import Readers

CALLER = Caller(
    credential_id=CredentialId("c"),
    agency_id=AgencyId("a"),
    speaks_for=frozenset({AgencyId("a")}),
    relay_endpoint_id=None,
    method="token",
    fingerprint="f",
    address="127.0.0.1",
)


class Log:
    """Events in memory: (seq, agency); the first read is followed by a commit before its caller goes on."""

    def __init__(self, foreign: int = 2) -> None:
        self.rows: list[tuple[int, str]] = [(seq, "other") for seq in range(1, foreign + 1)]
        self.asked: list[int] = []
        self.feed: Feed | None = None

    async def fetch_one(self, _name: str, params: dict[str, int] | None = None) -> tuple[int | None, ...]:
        """The newest event, or the last of so many after a cursor and how many there are."""
        if params is None:
            return (self.rows[-1][0],)
        span = [seq for seq, _ in self.rows if seq > params["after"]][: params["span"]]
        return (span[-1] if span else None, len(span))

    async def fetch(self, _name: str, params: dict[str, Any]) -> list[tuple[Any, ...]]:
        """Events after a cursor that concern the caller."""
        self.asked.append(params["after"])
        found = [seq for seq, agency in self.rows if params["after"] < seq <= params["upto"] and agency == "a"]
        if len(self.asked) == 1:
            self.rows.append((self.rows[-1][0] + 1, "a"))
            assert self.feed is not None
            self.feed.notify()
        leaf = msgspec.json.encode({"facts": {}})
        at = int(datetime(2018, 11, 1, tzinfo=UTC).timestamp() * 1_000_000)
        return [(seq, "kind", at, None, None, leaf) for seq in found]


async def test_commit_during_a_read_wakes_the_feed_and_foreign_events_are_read_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A commit between the read and the wait is not lost, and the cursor passes what concerns others."""
    monkeypatch.setattr(feed, "_BREATH_SECONDS", 0)
    log = Log()
    log.feed = Feed(cast("Readers", log))
    events = log.feed.events(CALLER, 0)
    async with asyncio.timeout(60):
        assert (await anext(events)).seq == 3
    await events.aclose()
    assert log.asked == [0, 2]


async def test_long_history_of_others_is_read_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream from the beginning of a large ledger holds no reader for long, and misses nothing."""
    monkeypatch.setattr(feed, "_BREATH_SECONDS", 0)
    monkeypatch.setattr(feed, "_SPAN", 2)
    log = Log(foreign=5)
    log.rows.append((9, "a"))
    log.feed = Feed(cast("Readers", log))
    events = log.feed.events(CALLER, 0)
    async with asyncio.timeout(60):
        assert (await anext(events)).seq == 9
    await events.aclose()
    assert log.asked == [0, 2, 4]
