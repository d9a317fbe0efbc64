"""An installation whose other protocols are served, and clients of the offices in it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import aiohttp

from gateway.accounts.shared_secrets import Wish, loopback
from gateway.app import Application
from gateway.config.settings import Settings
from gateway.pki import client_tls_context
from gateway.seal.trust import TrustPurpose
from gateway.simulate.layout import free_ports
from tests.adapters.vxp_sdk import Sdk, open_session
from tests.journeys.installation import Installation, prepare


@dataclass(kw_only=True)
class VxpLab:
    """What runs, and how to enter it."""

    installation: Installation
    app: Application
    port: int
    session: aiohttp.ClientSession
    secrets: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """The endpoint's base URL."""
        return f"https://localhost:{self.port}/vxp"

    async def issue(
        self,
        organ_id: str,
        *,
        networks: tuple[str, ...] = tuple(loopback()),
        overlap: timedelta = timedelta(days=1),
        system_id: str = "",
    ) -> tuple[str, str]:
        """A new secret of an office, and its id."""
        base = self.app.foundation
        now = base.clock.now()
        agency = (await base.directory.resolve([organ_id], now))[organ_id]
        wish = Wish(
            agency_id=agency.id,
            binding="vxp",
            system_id=system_id or organ_id,
            lifetime=timedelta(days=1),
            overlap=overlap,
            networks=networks,
            label="test",
            actor="operator:test",
            why="test",
        )
        issued = await base.shared_secrets.issue(wish, now)
        return issued.secret, issued.id

    async def sdk(self, organ_id: str) -> Sdk:
        """A client of an office."""
        if organ_id not in self.secrets:
            self.secrets[organ_id] = (await self.issue(organ_id))[0]
        return Sdk(url=self.url, system_id=organ_id, secret=self.secrets[organ_id], session=self.session)


@asynccontextmanager
async def vxp_lab(
    folder: Path,
    pki_folder: Path,
    *,
    more: str = "",
    bindings: str = "",
    change: Callable[[Settings], Settings] = lambda settings: settings,
) -> AsyncIterator[VxpLab]:
    """Laid out and started; `more` are sections of the configuration, `bindings` lines of its own."""
    folder.mkdir(exist_ok=True)  # noqa: ASYNC240 - nothing else runs yet
    (port,) = free_ports(1)
    made = await prepare(folder, pki_folder, more=f"{more}\n[bindings]\nport = {port}\n{bindings}\n")
    made.settings = change(made.settings)
    async with (
        made.running() as app,
        open_session(client_tls_context(made.pki.anchors(TrustPurpose.TLS))) as session,
    ):
        yield VxpLab(installation=made, app=app, port=port, session=session)
