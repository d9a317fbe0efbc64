"""The other direction of `tests.journeys.crossing`: no peer hears that we have something before it is durably ours.

A subclass of `TakingConformance` gives the fixture `peer`, a real peer that keeps a document for us, and says which
channel leads to it. The whole gateway looks at it: once in this process, where the very commit of the acceptance is
held, and as a process of its own, killed by SIGKILL on either side of that commit and started again.
"""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar, Protocol

import pytest

from gateway.failpoints import failpoint
from gateway.foundation import DATABASE
from gateway.storage.sqlite import Writer
from tests.crash.kill_process import Gateway
from tests.journeys.crossing import Channel, client_of, prepared
from tests.journeys.installation import COMMUNE, MINISTRY, PUSHED, Installation
from tests.journeys.messages import document

#: What a channel has beside its peer's settings, so that it is looked at all the time.
HASTE: dict[str, object] = {"poll_seconds": 0.2, "poll_seconds_min": 0.05}
_SECONDS = 60


class WaitingPeer(Protocol):
    """A real peer with documents for us."""

    async def channel(self, installation: Installation) -> Channel:
        """Prepare the installation's files for it, and say how it is reached."""
        ...

    async def put(self, content: bytes) -> None:
        """This document waits there."""
        ...

    async def told(self) -> list[bool]:
        """What it heard of its entries: True for each that is ours."""
        ...


class HeldCommit:
    """From the acceptance of the first document on, no commit ends before it is let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reached, self._release, self._is_armed = asyncio.Event(), asyncio.Event(), False
        real_commit = Writer.commit

        def point(name: str) -> None:
            self._is_armed = self._is_armed or name == "accept.record.before"
            failpoint(name)

        async def commit(writer: Writer) -> None:
            if self._is_armed:
                self.reached.set()
                await self._release.wait()
            await real_commit(writer)

        monkeypatch.setattr("gateway.journey.failpoint", point)
        monkeypatch.setattr(Writer, "commit", commit)

    def let_go(self) -> None:
        """Commits end again."""
        self._release.set()


class TakingConformance:
    """The suite."""

    #: The channel that leads to the peer, and who sends the document.
    name: ClassVar[str] = "axis"
    sender: ClassVar[str] = MINISTRY

    @pytest.fixture
    def peer(self) -> WaitingPeer:
        raise NotImplementedError

    async def test_peer_hears_nothing_while_the_commit_is_held_and_everything_afterwards(
        self, peer: WaitingPeer, tmp_path: Path, pki_folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Several looks long the document is fetched and sealed, and not ours."""
        _, installation, _ = await prepared(tmp_path, pki_folder, peer, name=self.name, more=_CONFIG)
        content = document(self.sender, [COMMUNE])
        held = HeldCommit(monkeypatch)
        async with installation.running(), asyncio.timeout(2 * _SECONDS):
            try:
                await peer.put(content)
                await held.reached.wait()
                await asyncio.sleep(1)  # time enough for a word that must not come
                assert await peer.told() == []
            finally:
                held.let_go()
            await until(lambda: _told(peer))
            async with installation.client(COMMUNE) as commune:
                (item,) = (await commune.inbox(wait=30)).items
                assert await commune.content(item.id) == content

    @pytest.mark.parametrize("point", ["accept.record.before", "accept.record.after"])
    async def test_killed_around_the_commit_it_is_one_message_and_acknowledged_later(
        self, peer: WaitingPeer, tmp_path: Path, pki_folder: Path, point: str
    ) -> None:
        """Until the restart the peer keeps the document; then it is there once, and acknowledged once."""
        site, installation, port = await prepared(tmp_path, pki_folder, peer, name=self.name, more=_CONFIG)
        content = document(self.sender, [COMMUNE])
        await peer.put(content)
        armed = await Gateway.start(site, armed=f"{point}=kill", forked=True)
        async with asyncio.timeout(_SECONDS):
            assert await armed.gone() < 0
        assert await peer.told() == []
        again = await Gateway.start(site, forked=True)
        try:
            assert await again.ready()
            async with asyncio.timeout(_SECONDS):
                await until(lambda: _told(peer))
                async with client_of(installation, port, COMMUNE) as commune:
                    items = (await commune.inbox(wait=30)).items
                    assert [await commune.content(item.id) for item in items] == [content]
        finally:
            again.terminate()
            await again.gone()
        assert await peer.told() == [True]
        assert messages(site.folder / "data" / DATABASE) == [hashlib.sha256(content).hexdigest()]


class OwnTakingConformance(TakingConformance):
    """The suite where an office of ours puts its documents into its own channel."""

    name: ClassVar[str] = "pushed"
    sender: ClassVar[str] = PUSHED


_CONFIG = '[cutover]\npoll_every = "200ms"\n'


async def _told(peer: WaitingPeer) -> bool:
    return await peer.told() == [True]


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Another process, or a thread, brings it about."""
    async with asyncio.timeout(_SECONDS):
        while not await holds():  # noqa: ASYNC110 - see above
            await asyncio.sleep(0.05)


def messages(database: Path) -> list[Any]:
    """The digests of all messages in a ledger that nobody has open."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as ledger:
        return [row[0] for row in ledger.execute("SELECT sha256 FROM message")]
