"""An installation with a commune behind a folder and another behind an SFTP server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from gateway.app import Application
from gateway.directory.endpoint_changes import UpsertEndpoint, UpsertEndpointOperation
from gateway.foundation import open_foundation
from tests.adapters.folder_lab import Office, SftpOffice, local_office, sftp_office
from tests.journeys.installation import COMMUNE, Installation, prepare

T = TypeVar("T")

PDF = b"%PDF-1.4\nnghi le\n%%EOF\n"

#: The watcher looks when the test says so.
_CONFIG = '[cutover]\npoll_every = "1h"\n'
_SETTINGS: dict[str, object] = {"settle_seconds": 0, "patience_seconds": 0}


@dataclass(kw_only=True)
class FolderSite:
    """The server, the commune with a folder (`one`) and the one with an SFTP server (`two`)."""

    installation: Installation
    app: Application
    one: Office
    two: SftpOffice

    async def look(self) -> None:
        """The watcher's turn."""
        await self.app.watcher.run_once()

    async def looked(self) -> None:
        """Until the watcher's first turn is over, so that no other one runs beside a test's."""
        async with asyncio.timeout(60):
            while len([row for row in await self._sources() if row[5]]) < 2:  # noqa: ASYNC110 - no signal for it
                await asyncio.sleep(0.02)

    async def _sources(self) -> Sequence[tuple[Any, ...]]:
        return await self.app.foundation.readers.fetch("source_list_all")

    async def states(self, message_id: str) -> list[tuple[str, str]]:
        """State and business status of each delivery."""
        lines = await self.app.foundation.reads.deliveries(message_id)
        return [(line.state.value, line.business_status) for line in lines]


@asynccontextmanager
async def folder_site(tmp_path: Path, pki_folder: Path) -> AsyncIterator[FolderSite]:
    """Everything started, and both folders laid out."""
    folder = tmp_path / "site"
    folder.mkdir()
    made = await prepare(folder, pki_folder, more=_CONFIG)
    one = local_office(tmp_path / "one-side")
    async with sftp_office(folder) as two:
        async with open_foundation(made.settings, purpose="setup") as base:
            for name, office in (("commune", one), ("pushed", two)):
                change = UpsertEndpoint(
                    name=name,
                    kind=office.kind,
                    settings=office.settings | _SETTINGS,
                    capabilities={"outcomes": True},
                    actor="operator:test",
                    now=base.clock.now(),
                )
                await base.directory.apply(base.pump, UpsertEndpointOperation(), change)
        async with made.running() as app:
            site = FolderSite(installation=made, app=app, one=one, two=two)
            await site.looked()
            yield site


def description(*files: str) -> bytes:
    """The description of a document to the commune that consists of these files."""
    told = {
        "recipients": [COMMUNE],
        "codeNumber": "7",
        "codeNotation": "BC-UBND",
        "promulgationDate": "2026-03-02",
        "subject": "Báo cáo quý I",
        "priority": 1,
        "files": files,
    }
    return json.dumps(told, ensure_ascii=False).encode()


async def until(look: Callable[[], T]) -> T:
    """What `look` finds, once it finds something; files have no signal for it."""
    async with asyncio.timeout(60):
        while not (found := look()):  # noqa: ASYNC110 - see above
            await asyncio.sleep(0.02)
        return found
