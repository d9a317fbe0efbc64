"""Whom the stream of changes wakes: a clerk for documents of own offices, no list for who read a document."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
import pytest
from playwright.async_api import Browser as Chromium
from playwright.async_api import expect

from gateway.accounts.roles import Role
from gateway.console.live import Live
from gateway.directory.changes import CloseAgency, CloseAgencyOperation
from gateway.ledger.readings import ReadAct, Reading
from tests.console.browsing import CHROMIUM, PATIENCE
from tests.console.clicking import signed_in
from tests.console.site import LOGINS, Browser, Site
from tests.console.test_desk_ring import office
from tests.desk.lab import DeskLab

pytestmark = pytest.mark.asyncio(loop_scope="module")
_PATIENCE = 60.0


@dataclass(kw_only=True)
class Stream:
    """What one browser is told."""

    lines: aiohttp.StreamReader
    last: int

    async def told(self) -> set[str]:
        """The topics of its next message, whose number is noted."""
        async with asyncio.timeout(_PATIENCE):
            while True:
                line = (await self.lines.readline()).decode().strip()
                if line.startswith("id: "):
                    self.last = int(line.removeprefix("id: "))
                elif line.startswith("data: "):
                    return set(line.removeprefix("data: ").split())

    async def told_of(self, topic: str) -> None:
        """Wait for it."""
        while topic not in await self.told():
            pass


@asynccontextmanager
async def stream(browser: Browser, since: int | None = None) -> AsyncIterator[Stream]:
    """One that has begun."""
    headers = {} if since is None else {"Last-Event-ID": str(since)}
    async with browser.session.get(f"{browser.origin}/live", headers=headers) as answer:
        assert answer.status == 200
        async with asyncio.timeout(_PATIENCE):
            while (await answer.content.readline()).strip() != b"event: begun":
                pass
        yield Stream(lines=answer.content, last=0)


async def newest(site: Site) -> int:
    """The number of the newest event."""
    row = await site.base.readers.fetch_one("event_last_seq")
    assert row
    return int(row[0])


async def read(site: Site, delivery: str, lab: DeskLab) -> None:
    """Somebody looks at a document."""
    ((message,),) = lab.rows("SELECT message_id FROM delivery WHERE id = ?", delivery)
    reading = Reading(
        message_id=message,
        actor="user:somebody",
        act=ReadAct.SHOWN,
        part="",
        channel="console",
        at=site.base.clock.now(),
    )
    await site.app.gateway.readings.record(reading)


async def test_clerk_is_woken_for_documents_of_own_offices_alone(site: Site) -> None:
    """Whoever sends and whoever gets it; a third office's desk is woken by the next one, which is for it."""
    one, two, three = [await office(site, f"vt-lai-{each}") for each in range(3)]
    first, second, third = [await site.signed_in(f"vt-lai-{each}") for each in range(3)]
    async with stream(first) as sender, stream(second) as recipient, stream(third) as other:
        delivery = await two.send(sender=one.code)
        await sender.told_of("document")
        await recipient.told_of("document")
        await two.desk.registering.register(two.clerk, delivery)
        await sender.told_of("status")
        await recipient.told_of("status")
        before = await newest(site)
        await three.send()
        await other.told_of("document")
        assert other.last > before, "not of what was before"


async def test_clerk_who_comes_back_is_told_what_came_for_the_own_office(site: Site) -> None:
    """And of nothing where nothing did."""
    own, other = await office(site, "vt-ve-1"), await office(site, "vt-ve-2")
    clerk = await site.signed_in("vt-ve-1")
    since = await newest(site)
    await other.send()
    between = await newest(site)
    async with stream(clerk, since) as again:
        await own.send()
        await again.told_of("document")
        assert again.last > between
    async with stream(clerk, since) as again:
        assert "document" in await again.told()


async def test_too_many_events_at_once_wake_every_clerk(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whom they concern is not looked for then; nobody misses anything."""
    await office(site, "vt-nhieu-1")
    other = await office(site, "vt-nhieu-2")
    clerk = await site.signed_in("vt-nhieu-1")
    monkeypatch.setattr("gateway.feed._MOST_NAMED", 0)
    async with stream(clerk) as told:
        await other.send()
        await told.told_of("document")


async def test_clerk_whose_office_succeeds_another_is_told_of_its_documents(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From then on, by the stream that is open; its pages are made anew once."""
    monkeypatch.setattr(Live, "session_every", 0.1)
    own, old = await office(site, "vt-ke-1"), await office(site, "vt-ke-2")
    clerk, base = await site.signed_in("vt-ke-1"), site.base
    delivery = await old.send()
    async with stream(clerk) as told:
        now = base.clock.now()
        closing = CloseAgency(agency_id=old.office, at=now, successor_id=own.office, actor="operator:test", now=now)
        await base.directory.apply(base.pump, CloseAgencyOperation(), closing)
        await told.told_of("all")
        await read(site, delivery, old)
        await told.told_of("reading")


async def test_reading_is_a_topic_of_its_own(site: Site) -> None:
    """Nobody's lists are made anew because somebody looked at a document."""
    lab = await office(site, "vt-doc")
    delivery = await lab.send()
    viewer = await site.signed_in(Role.VIEWER)
    since = await newest(site)
    await read(site, delivery, lab)
    async with stream(viewer, since) as told:
        assert await told.told() == {"reading"}


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
async def test_open_page_of_a_document_shows_who_read_it(site: Site, browser: Chromium) -> None:
    """By itself, when somebody else opens it."""
    lab = await office(site, "vt-xem")
    delivery = await lab.send()
    ((message,),) = lab.rows("SELECT message_id FROM delivery WHERE id = ?", delivery)
    other = await site.signed_in(Role.VIEWER)
    async with signed_in(site, browser, Role.OPERATOR) as page:
        await page.goto(f"/documents/{message}")
        await page.wait_for_selector("body[data-live=on]")
        assert (await other.get(f"/documents/{message}")).status == 200
        reader = re.compile(re.escape(f"Người {LOGINS[Role.VIEWER]}"))
        await expect(page.locator("#now")).to_contain_text(reader, timeout=PATIENCE)
