"""What the tests of handovers share: a ledger that has ended, its successor, and commands that are killed."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path

from gateway.cli import main
from gateway.failpoints import VARIABLE
from tests.forking import run_forked
from tests.journeys.installation import COMMUNE, OWN, PROVINCE, Installation, prepare
from tests.journeys.messages import document
from tests.journeys.months import close_month
from tests.journeys.test_bundles import anchors_of
from tests.journeys.test_log import signed


@dataclass(frozen=True, kw_only=True)
class Handed:
    """A ledger that has ended."""

    site: Installation
    folder: Path
    anchors: Path
    #: A document of the closed month, and its bundle of before.
    message: str
    bundle: Path
    #: The installation before it ended.
    before: Path

    @property
    def config(self) -> list[str]:
        return ["--config", str(self.site.folder / "config.toml")]


async def ended(folder: Path, pki_folder: Path) -> Handed:
    """A month is closed, something more comes, then it ends."""
    (folder / "old").mkdir()
    site = await prepare(folder / "old", pki_folder)
    config, out = ["--config", str(site.folder / "config.toml")], folder / "handed"
    bundle = folder / "before.asice"
    async with site.running():
        async with site.client(PROVINCE) as client:
            message = (await client.submit(document(PROVINCE, [COMMUNE], number="71"))).id
            await close_month(site)
            await client.submit(document(PROVINCE, [COMMUNE], number="72"))
        await signed(site)
        assert await asyncio.to_thread(main, [*config, "export", message, "--out", str(bundle)]) == 0
        make = [*config, "handover", "make", "--to", OWN, "--out", str(out), "--reason", "merger"]
        assert await asyncio.to_thread(main, make) == 3, "the server runs"
    before = copy_of(site.folder, folder / "before")
    assert await asyncio.to_thread(main, [*make, "--copy"]) == 0
    anchors = anchors_of(site, folder / "anchors")
    return Handed(site=site, folder=out, anchors=anchors, message=message, bundle=bundle, before=before)


def taking(handed: Handed) -> list[str]:
    """The command."""
    return ["handover", "take", str(handed.folder), "--anchors", str(handed.anchors), "--reason", "merger"]


def killed(folder: Path, armed: str, *arguments: str) -> None:
    """The command in a process of its own, which dies at that point."""
    command = ["--config", str(folder / "config.toml"), *arguments]
    code, told = run_forked("gateway", *command, environment=os.environ | {VARIABLE: armed})
    assert code == -signal.SIGKILL, told


def copy_of(successor: Path, folder: Path) -> Path:
    """To be damaged."""
    shutil.copytree(successor, folder)
    text = (folder / "config.toml").read_text()
    (folder / "config.toml").write_text(text.replace(str(successor), str(folder)))
    return folder


def foreign_of(folder: Path) -> Path:
    """Where the ledger that was taken over lies."""
    (found,) = (folder / "data" / "foreign").iterdir()
    return found
