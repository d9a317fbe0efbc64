"""The gateway as a process of its own, a member of the axis simulator: what the axis's journeys start from.

The installation's channel `axis` becomes one of kind vxp, with the relay agency behind it; the axis hosts our three
offices and our own code under the system id `SYSTEM`, and the ministry under another.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from gateway.client import GatewayClient
from gateway.config import settings as config
from gateway.directory.endpoint_changes import UpsertEndpoint, UpsertEndpointOperation
from gateway.foundation import DATABASE, open_foundation
from gateway.pki import client_tls_context
from gateway.seal.trust import TrustPurpose
from gateway.simulate.layout import free_ports
from gateway.storage.driver import choose_driver
from tests.axis_lab import AxisLab, make_axis
from tests.crash.kill_process import Gateway
from tests.forking import Forked
from tests.journeys.installation import COMMUNE, MINISTRY, OWN, PROVINCE, PUSHED, Installation, prepare

SYSTEM = "000.00.00.H33"
HOSTS = {SYSTEM: (PROVINCE, COMMUNE, PUSHED, OWN), MINISTRY: ("*.G22", "G22", "G22.*")}


@dataclass(kw_only=True)
class AxisSite:
    """Both of them."""

    folder: Path
    config: Path
    installation: Installation
    axis: AxisLab
    port: int
    operations_port: int
    gateway: Gateway | None = None
    settings: dict[str, object] = field(default_factory=dict)

    async def configure(self, **settings: object) -> None:
        """The channel, while the server does not run."""
        self.settings |= settings
        async with open_foundation(self.installation.settings, purpose="setup") as base:
            change = UpsertEndpoint(
                name="axis",
                kind="vxp",
                settings=self.settings,
                capabilities={"fans_out": True},
                is_relay=True,
                actor="operator:test",
                now=base.clock.now(),
            )
            await base.directory.apply(base.pump, UpsertEndpointOperation(), change)

    async def start(self, *, armed: str = "") -> Gateway:
        """`gateway serve`; one that is armed may be gone before it is ready."""
        self.gateway = await Gateway.start(self, armed=armed, forked=True)
        assert armed or await self.gateway.ready(), self.gateway.log.read_text()
        return self.gateway

    async def stop(self) -> None:
        """End it."""
        if self.gateway is not None:
            self.gateway.terminate()
            await self.gateway.gone()

    def client(self, organ_id: str) -> GatewayClient:
        """A client of one office."""
        return GatewayClient(
            f"https://localhost:{self.port}",
            tls=client_tls_context(self.installation.pki.anchors(TrustPurpose.TLS)),
            token=self.installation.tokens[organ_id],
        )

    def rows(self, sql: str, *params: object) -> list[tuple[Any, ...]]:
        """What the ledger holds."""
        with closing(self.ledger("ro")) as ledger:
            found: list[tuple[Any, ...]] = ledger.execute(sql, params).fetchall()
            return found

    def ledger(self, mode: str = "rw") -> Any:
        """A connection by the server's own SQLite, since two in one process undo each other's locks."""
        connect = choose_driver(allow_affected_sqlite=True).module.connect
        return connect(f"file:{self.folder / 'data' / DATABASE}?mode={mode}", uri=True)

    async def ready(self) -> dict[str, Any]:
        """What /readyz says."""
        address = f"http://127.0.0.1:{self.operations_port}/readyz"
        async with aiohttp.ClientSession() as session, session.get(address) as response:
            told: dict[str, Any] = await response.json()
            return told

    async def metrics(self) -> str:
        """What /metrics says."""
        address = f"http://127.0.0.1:{self.operations_port}/metrics"
        async with aiohttp.ClientSession() as session, session.get(address) as response:
            return await response.text()

    async def until_gauge(self, name: str, fits: Callable[[float], bool], *, seconds: float = 60) -> float:
        """Until the channel's value of a metric fits; that."""
        line = f'{name}{{endpoint="axis"}} '
        async with asyncio.timeout(seconds):
            while True:
                found = [text for text in (await self.metrics()).splitlines() if text.startswith(line)]
                if found and fits(value := float(found[0].removeprefix(line))):
                    return value
                await asyncio.sleep(0.1)

    async def until(self, sql: str, *params: object, seconds: float = 60) -> None:
        """Until the ledger, which another process writes, has such a row."""
        async with asyncio.timeout(seconds):
            while not self.rows(sql, *params):  # noqa: ASYNC110 - no signal crosses from there
                await asyncio.sleep(0.05)

    async def command(self, *words: str) -> tuple[int, str]:
        """`gateway …` beside it: exit code and what it printed."""
        process = await Forked.start("gateway", "--config", str(self.config), *words, errors=True)
        return await process.finished()


@asynccontextmanager
async def axis_site(
    folder: Path, pki_folder: Path, *, more: str = "", axis: Mapping[str, Any] | None = None, **settings: object
) -> AsyncIterator[AxisSite]:
    """The axis runs, the gateway does not yet."""
    place = folder / "site"
    place.mkdir()
    installation = await prepare(place, pki_folder, more=more)
    port, operations = free_ports(2)
    path = place / "config.toml"
    text = path.read_text().replace("\nport = 0\n", f"\nport = {port}\n", 1)
    path.write_text(re.sub(r"operations_port = 0", f"operations_port = {operations}", text))
    installation.settings = config.load(path)
    lab = make_axis(folder, hosts=HOSTS, **(axis or {}))
    site = AxisSite(
        folder=place, config=path, installation=installation, axis=lab, port=port, operations_port=operations
    )
    try:
        await lab.start()
        secret = place / "secrets" / "axis"
        secret.write_bytes(lab.secret_files[SYSTEM].read_bytes())
        await site.configure(
            url=lab.url, system_id=SYSTEM, secret_file="axis", anchors_file=str(lab.anchors), **settings
        )
        yield site
    finally:
        await site.stop()
        await lab.close()
