"""One stream per browser: that something happened, so that pages fetch anew what they show of it.

The topics of a change are the nouns of its events (`document`, `delivery`, `endpoint` …); no fact of any event
leaves here, so a stream needs no other right than to be signed in. Whoever sees some offices alone is told of what
is about their documents: else the desks of a whole province were made anew for each document of one of them. That
somebody read a document is a topic of its own (`reading`), which one page shows. What a tab has not been told yet
is one set of topics and one number, however much happens: nothing is queued. `id` is the number of the newest event
that was told of; a browser that comes back with `Last-Event-ID`, and a page with the number it was made at, are
told what has happened since. What is not told yet has no number here: a stream that breaks before is told it the
next time.

The ledger is looked through once for all tabs, and not at all while nobody has a page open. The session behind each
stream is looked at by a clock of its own, however much happens, and at once when some session or user changed.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from aiohttp import web

from gateway.console.headers import SECURITY
from gateway.events import Event
from gateway.feed import Changes, Feed
from gateway.lifecycle import Lifecycle
from gateway.model import AgencyId
from gateway.ratelimit import AtOnce

if TYPE_CHECKING:
    from gateway.console.visit import Visit

#: Said when nothing else is, in seconds.
HEARTBEAT: Final = 15.0
#: The session is looked at so often, whether anything happens or not.
SESSION_EVERY: Final = 5.0
#: What may have ended a session.
_ENDING: Final = frozenset({"session", "user"})
#: The topic of `document.read`.
_READING: Final = "reading"
#: What whoever sees some offices alone is told of: nothing of what operators and administrators do.
_OF_OFFICES: Final = frozenset({"document", _READING, "delivery", "status", "all"})
#: What may change which offices these are.
_OFFICES: Final = frozenset({"user", "agency"})
#: A stream whose page is gone is noticed so soon, in seconds: somebody who leafs through pages opens one with each.
_GONE_WITHIN: Final = 1.0
#: Between two messages to one tab.
_BREATH: Final = 0.5
#: Streams of one session, and of one person, who may have any number of sessions: a browser needs one.
_MOST: Final = 8
_OF_PERSON: Final = 32
#: What a browser that reads nothing may hold up.
_STALL: Final = 10.0
_RETRY_MS: Final = 2000
_MOST_DIGITS: Final = 18


class _Tab:
    """One stream."""

    def __init__(self, offices: frozenset[AgencyId] | None) -> None:
        #: Whose documents it is told of; None: everybody's, and of all else.
        self.offices = offices
        #: Whether these may be others by now.
        self.is_outdated = False
        self.topics: set[str] = set()
        self.newest = 0
        self.woken = asyncio.Event()

    def tell(self, changes: Changes) -> None:
        """Keep what of it is to be said."""
        topics = _topics(changes.kinds)
        if self.offices is not None:
            self.is_outdated = self.is_outdated or not topics.isdisjoint(_OFFICES)
            topics = topics & _ENDING | _topics(changes.of(self.offices)) & _OF_OFFICES
        self._tell(changes.newest, topics)

    def tell_all(self, newest: int) -> None:
        """That so much happened, or may be shown from now on, that pages are made anew."""
        self._tell(newest, frozenset({"all"}))

    def _tell(self, newest: int, topics: frozenset[str]) -> None:
        if topics:
            self.topics |= topics
            self.newest = max(self.newest, newest)
            self.woken.set()


class Live:
    """The open streams."""

    #: Of all of them, in seconds.
    heartbeat = HEARTBEAT
    session_every = SESSION_EVERY

    def __init__(self, feed: Feed, lifecycle: Lifecycle) -> None:
        self._feed, self._lifecycle = feed, lifecycle
        self._tabs: set[_Tab] = set()
        self._open, self._of_person = AtOnce(_MOST, "streams"), AtOnce(_OF_PERSON, "streams")
        self._looking: asyncio.Task[None] | None = None

    async def newest(self) -> int:
        """What a page is made at: read it before what the page shows."""
        return await self._feed.newest()

    async def serve(self, visit: Visit) -> web.StreamResponse:
        """The handler; returns when the stream has ended."""
        with self._of_person.one(visit.user.id), self._open.one(visit.session.id):
            return await self._serve(visit)

    async def _serve(self, visit: Visit) -> web.StreamResponse:
        tab = _Tab(await visit.reach())
        try:
            since = _since(visit.request)
            since = await self._feed.newest() if since is None else since
            self._tabs.add(tab)
            await self._look()
            newest = await self._feed.newest()
            if since < newest:
                await self._catch_up(tab, since)
            begun = min(since, newest) if tab.topics else newest
            tab.newest = max(tab.newest, newest)
            return await self._stream(visit, tab, begun)
        finally:
            self._tabs.discard(tab)
            if not self._tabs and self._looking is not None:
                self._looking.cancel()
                self._looking = None

    async def _look(self) -> None:
        newest = await self._feed.newest()
        # nothing is awaited from here on: two streams that open at once have one between them
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._tell_all(newest))

    async def _tell_all(self, since: int) -> None:
        async with contextlib.aclosing(self._feed.changes(since)) as changes:
            async for each in changes:
                for tab in self._tabs:
                    tab.tell(each)

    async def _catch_up(self, tab: _Tab, since: int) -> None:
        async with contextlib.aclosing(self._feed.changes(since)) as changes:
            async for each in changes:
                tab.tell(each)
                if each.newest < await self._feed.newest():
                    tab.tell_all(each.newest)
                return

    async def _is_still_signed_in(self, visit: Visit, tab: _Tab) -> bool:
        """Looked at by its clock; the offices are, too, where something may have changed them."""
        if not await visit.is_still_signed_in():
            return False
        if tab.is_outdated:
            tab.is_outdated = False  # before it is looked: what happens meanwhile counts again
            offices = await visit.reach()
            if offices != tab.offices:
                tab.offices = offices
                tab.tell_all(tab.newest)  # what was about them until now was not told
        return True

    async def _stream(self, visit: Visit, tab: _Tab, begun: int) -> web.StreamResponse:
        request = visit.request
        response = web.StreamResponse(headers=SECURITY)
        response.headers["X-Accel-Buffering"] = "no"
        response.content_type = "text/event-stream"
        await response.prepare(request)
        await _write(response, b"retry: %d\nid: %d\nevent: begun\ndata:\n\n" % (_RETRY_MS, begun))
        clock = asyncio.get_running_loop().time
        looked = said = clock()
        while not self._lifecycle.stopping.is_set():
            rest = min(looked + self.session_every, said + self.heartbeat, clock() + _GONE_WITHIN) - clock()
            is_woken = await _woken(tab.woken, self._lifecycle.stopping, max(0.0, rest))
            if request.transport is None or request.transport.is_closing():
                break
            if clock() - looked >= self.session_every or tab.topics & _ENDING:
                if not await self._is_still_signed_in(visit, tab):
                    await _write(response, b"event: ended\ndata:\n\n")
                    break
                looked = clock()
            if is_woken:
                topics, tab.topics = sorted(tab.topics - _ENDING), set()
                tab.woken.clear()
                words = " ".join(topics).encode()
                if topics:
                    await _write(response, b"id: %d\nevent: changed\ndata: %s\n\n" % (tab.newest, words))
                    said = clock()
                    await self._lifecycle.stopped_within(_BREATH)
            elif clock() - said >= self.heartbeat:
                await _write(response, b": still here\n\n")
                said = clock()
        with contextlib.suppress(ConnectionError):
            await response.write_eof()
        return response


async def _woken(woken: asyncio.Event, stopping: asyncio.Event, seconds: float) -> bool:
    waits = [asyncio.ensure_future(woken.wait()), asyncio.ensure_future(stopping.wait())]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
    return woken.is_set()


def _topics(kinds: Iterable[str]) -> frozenset[str]:
    # that something was looked up is nobody's business but the auditors', whose pages do not wait for it
    topics = {_READING if kind == Event.DOCUMENT_READ else kind.partition(".")[0] for kind in kinds}
    return frozenset(topics - {"lookup"})


def _since(request: web.Request) -> int | None:
    last = request.headers.get("Last-Event-ID", "") or request.query.get("after", "")
    return int(last) if last.isascii() and last.isdigit() and len(last) <= _MOST_DIGITS else None


async def _write(response: web.StreamResponse, data: bytes) -> None:
    try:
        async with asyncio.timeout(_STALL):
            await response.write(data)
    except TimeoutError as error:
        raise ConnectionResetError("the browser reads nothing") from error
