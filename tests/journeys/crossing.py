"""The last part of what every adapter owes: the gateway killed between a peer's acceptance and our record of it.

A subclass of `CrossingConformance` gives the fixture `peer`, a real peer of one kind, and says what trace it
expects. The gateway is a process of its own, killed by SIGKILL at the point where its peer has answered and nothing
is written down, and started again; then the ledger and the peer are asked what happened.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Protocol

import pytest

from gateway.client import GatewayClient
from gateway.config import settings as config
from gateway.directory.endpoint_changes import UpsertEndpoint, UpsertEndpointOperation
from gateway.foundation import DATABASE, open_foundation
from gateway.pki import client_tls_context
from gateway.seal.trust import TrustPurpose
from gateway.simulate.layout import free_ports
from tests.crash.kill_process import Gateway
from tests.journeys.installation import PROVINCE, PUSHED, Installation, prepare
from tests.journeys.messages import document

_SECONDS = 60
_WAITS = {"queued", "in_flight", "deferred"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Channel:
    """How the gateway reaches the peer."""

    kind: str
    settings: Mapping[str, object]
    capabilities: Mapping[str, object] = field(default_factory=dict)
    is_relay: bool = False


class Peer(Protocol):
    """A real peer behind the channel of the pushed commune."""

    async def channel(self, installation: Installation) -> Channel:
        """Prepare the installation's files for it, and say how it is reached."""
        ...

    async def copies(self) -> list[str]:
        """What it has taken of documents: for each, whatever tells it that two are the same."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """Where the server's process lies."""

    folder: Path
    config: Path


@dataclass(kw_only=True)
class Trace:
    """What the ledger says of the only delivery."""

    state: str
    outcomes: tuple[str, ...]
    peers: tuple[str, ...]


class CrossingConformance:
    """The suite."""

    #: The delivery's state at the end.
    state: ClassVar[str] = "delivered"
    #: How its attempts ended, first to last.
    outcomes: ClassVar[tuple[str, ...]] = ("unknown", "delivered")
    #: How often the peer took it, and how many of those it can tell apart.
    copies: ClassVar[tuple[int, int]] = (2, 1)
    #: What the facts of the last attempt hold, if anything is expected there.
    fact: ClassVar[str] = ""

    @pytest.fixture
    def peer(self) -> Peer:
        raise NotImplementedError

    async def test_killed_before_the_outcome_is_written_nothing_is_lost_and_the_trace_is_as_agreed(
        self, peer: Peer, tmp_path: Path, pki_folder: Path
    ) -> None:
        """The peer has it, we do not know: after the restart it ends well, and every try can be seen."""
        site, installation, port = await prepared(tmp_path, pki_folder, peer)
        armed = await Gateway.start(site, armed="attempt.dial.after=kill", forked=True)
        assert await armed.ready()
        async with client_of(installation, port, PROVINCE) as client:
            accepted = await client.submit(document(PROVINCE, [PUSHED]))
        async with asyncio.timeout(_SECONDS):
            assert await armed.gone() < 0
        again = await Gateway.start(site, forked=True)
        try:
            assert await again.ready()
            async with client_of(installation, port, PROVINCE) as client, asyncio.timeout(_SECONDS):
                await _ended(client, accepted.id)
        finally:
            again.terminate()
            await again.gone()
        trace = _trace(site.folder / "data" / DATABASE, accepted.id)
        assert (trace.state, trace.outcomes) == (self.state, self.outcomes), trace.peers
        assert self.fact in trace.peers[-1]
        copies = await peer.copies()
        assert (len(copies), len(set(copies))) == self.copies


class Reached(Protocol):
    """Whatever says how it is reached."""

    async def channel(self, installation: Installation) -> Channel:
        """Prepare the installation's files for it, and say how."""
        ...


async def prepared(
    tmp_path: Path, pki_folder: Path, peer: Reached, *, name: str = "pushed", more: str = ""
) -> tuple[Site, Installation, int]:
    """An installation whose channel of this name leads to the peer, and the port that its server will have."""
    folder = tmp_path / "site"
    folder.mkdir()
    installation = await prepare(folder, pki_folder, more=more)
    port, operations = free_ports(2)
    path = folder / "config.toml"
    text = path.read_text().replace("\nport = 0\n", f"\nport = {port}\n", 1)
    path.write_text(re.sub(r"operations_port = 0", f"operations_port = {operations}", text))
    installation.settings = config.load(path)
    channel = await peer.channel(installation)
    async with open_foundation(installation.settings, purpose="setup") as base:
        change = UpsertEndpoint(
            name=name,
            kind=channel.kind,
            settings=channel.settings,
            capabilities=channel.capabilities,
            is_relay=channel.is_relay,
            actor="operator:test",
            now=base.clock.now(),
        )
        await base.directory.apply(base.pump, UpsertEndpointOperation(), change)
    return Site(folder=folder, config=path), installation, port


def client_of(installation: Installation, port: int, organ_id: str) -> GatewayClient:
    """A client of one office, of a server that runs as a process of its own."""
    return GatewayClient(
        f"https://localhost:{port}",
        tls=client_tls_context(installation.pki.anchors(TrustPurpose.TLS)),
        token=installation.tokens[organ_id],
    )


async def _ended(client: GatewayClient, message_id: str) -> None:
    """Follow the events of the sender until the delivery waits for nothing more of ours."""
    async for _ in client.events(0):
        if (await client.deliveries(message_id))[0].state not in _WAITS:
            return


def _trace(database: Path, message_id: str) -> Trace:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as ledger:
        (state,) = ledger.execute("SELECT state FROM delivery WHERE message_id = ?", (message_id,)).fetchone()
        rows = ledger.execute(
            "SELECT a.outcome, COALESCE(a.peer, '') FROM attempt AS a JOIN dispatch AS d ON d.id = a.dispatch_id"
            " WHERE d.message_id = ? ORDER BY a.started_at",
            (message_id,),
        ).fetchall()
    return Trace(state=state, outcomes=tuple(row[0] for row in rows), peers=tuple(row[1] for row in rows))
