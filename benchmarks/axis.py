"""A national axis for benchmarks, `gateway simulate axis` in a process of its own, and the channel to it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.installation import Site
from gateway.config import settings as config
from gateway.directory.endpoint_changes import UpsertEndpoint, UpsertEndpointOperation
from gateway.directory.importer import import_agencies
from gateway.foundation import open_foundation
from gateway.fsio import write_durably
from gateway.model import Endpoint
from gateway.pki import issue_server
from gateway.seal.trust import TrustPurpose
from gateway.simulate.axis.controlling import ask

#: Our system id at the axis.
SYSTEM = "000.00.00.H90"
_SECRET = "secret-of-the-axis-0123456789abcdef"
_STOP_SECONDS = 20.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Axis:
    """One that listens."""

    folder: Path
    url: str

    def order(self, path: str, body: object) -> dict[str, Any]:
        """An order to its control socket, and what it says."""
        return asyncio.run(ask(self.folder, "POST", path, body))


@contextmanager
def axis(site: Site, *, agencies: int, hosts: Sequence[str]) -> Iterator[Axis]:
    """The axis; our system hosts the agencies of these codes."""
    folder = site.folder / "axis"
    folder.mkdir()
    write_durably(site.folder / "secrets" / "axis", _SECRET.encode())
    write_durably(folder / "ours.secret", _SECRET.encode())
    settings = folder / "systems.json"
    settings.write_text(json.dumps({"systems": [{"id": SYSTEM, "secret_file": "ours.secret", "hosts": hosts}]}))
    pair = issue_server(site.pki.folder, "axis", now=datetime.now(UTC))
    command = [
        sys.executable, "-m", "gateway", "simulate", "axis", "--folder", str(folder), "--settings", str(settings),
        "--certificate", str(pair.certificate), "--key", str(pair.key), "--port", "0", "--agencies", str(agencies),
    ]  # fmt: skip
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log)
        try:
            assert process.stdout is not None
            words = process.stdout.readline().decode().split()
            if words[:2] != ["axis", "ready"]:
                raise RuntimeError(f"the axis did not start: {(folder / 'log').read_text()[-1000:]}")
            yield Axis(folder=folder, url=f"https://localhost:{words[2].rpartition(':')[2]}")
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


async def connect(site: Site, running: Axis, agencies: bytes, channels: Sequence[str], **more: object) -> Endpoint:
    """Make the channel `axis`, inboxes of these names, and the agencies of a CSV."""
    async with open_foundation(config.load(site.config), purpose="setup") as base:
        now = base.clock.now()
        settings: dict[str, object] = {
            "url": running.url,
            "system_id": SYSTEM,
            "secret_file": "axis",
            "anchors_file": str(site.pki.anchors(TrustPurpose.TLS) / "root.pem"),
        }
        for name in ("axis", *channels):
            is_axis = name == "axis"
            change = UpsertEndpoint(
                name=name,
                kind="vxp" if is_axis else "inbox",
                settings=settings | more if is_axis else {},
                capabilities={"fans_out": True} if is_axis else {},
                is_relay=is_axis,
                actor="operator:bench",
                now=now,
            )
            await base.directory.apply(base.pump, UpsertEndpointOperation(), change)
        report = await import_agencies(
            base.directory, base.pump, base.readers, agencies, actor="operator:bench", now=now
        )
        if report.problems:
            raise RuntimeError(f"the directory was not taken: {report.problems[0]}")
        return next(each for each in await base.directory.endpoints() if each.name == "axis")
