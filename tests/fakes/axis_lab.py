"""Starts the axis of `axis_process`, puts documents into it, and does what today's scripts do with it.

The scripts are imitated with their own signing code and with the SDK's habits: one timestamp for the life of the
object, and headers of earlier calls that leak into later ones.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from gateway.pki import DevPki, client_tls_context
from gateway.seal.trust import TrustPurpose

SYSTEM_ID, SECRET = "000.00.00.H33", "secret-of-axis-0123456789abcdef"


@dataclass(kw_only=True)
class AxisLab:
    """One axis in a process of its own."""

    folder: Path
    pki: DevPki
    port: int = 0
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Until it listens."""
        pair = self.pki.server
        self.folder.mkdir(exist_ok=True)
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.fakes.axis_process", str(self.folder),
            str(pair.certificate), str(pair.key), SYSTEM_ID, SECRET,
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert self.process.stdout is not None
        self.port = int(await asyncio.wait_for(self.process.stdout.readline(), 30))

    async def stop(self) -> None:
        """End it."""
        if self.process is not None and self.process.returncode is None:
            self.process.terminate()
            await self.process.wait()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"https://localhost:{self.port}"

    def offer(self, ref: str, content: bytes, *, sender: str, to: Sequence[str], kind: str = "edoc") -> None:
        """A document for us."""
        path = self.folder / "incoming" / kind / ref
        path.with_name(f"{ref}.json").write_text(json.dumps({"from": sender, "to": json.dumps(list(to))}))
        path.write_bytes(content)

    def journal(self) -> list[dict[str, str]]:
        """Every request so far."""
        path = self.folder / "journal"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def paths(self) -> set[str]:
        """What was ever asked."""
        return {line["path"] for line in self.journal()}

    def acknowledged(self) -> dict[str, str]:
        """DocId -> done or fail."""
        return {path.name: path.read_text() for path in (self.folder / "done").iterdir()}


@dataclass(kw_only=True)
class Scripts:
    """Today's scripts: list, get, update."""

    lab: AxisLab
    leaked: dict[str, str] = field(
        default_factory=lambda: {"systemid": SYSTEM_ID, "timestamp": "05112018T083000+0123"}
    )

    async def take(self, refs: Sequence[str] | None = None) -> list[str]:
        """Fetch and acknowledge what waits (or some of it); what was taken."""
        taken = []
        for kind in ("edoc", "status"):
            listed = await self.call("getReceivedEdocList", {"servicetype": "eDoc", "messagetype": kind})
            for entry in listed["data"]:
                ref = entry["docId"]
                if refs is None or ref in refs:
                    got = await self.call("getEdoc", {"docId": ref}, b"{}")
                    assert base64.b64decode(got["data"])
                    await self.call("updateStatus", {"docId": ref, "status": "done"}, b"{}")
                    taken.append(ref)
        return taken

    async def call(self, operation: str, parameters: dict[str, str], body: bytes = b"") -> dict[str, Any]:
        """One call, as the SDK makes it."""
        self.leaked |= parameters
        named = {f"XroadVnpt-{name}": value for name, value in self.leaked.items()}
        text = json.dumps(named, separators=(",", ":"))
        headers = named | {
            "XroadVnpt-sign-header-key": ";".join(self.leaked),
            "XroadVnpt-sign-header": text,
            "XroadVnpt-hash-header": hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest(),
            "User-Agent": "scripts",
        }
        context = client_tls_context(self.lab.pki.anchors(TrustPurpose.TLS))
        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session,
            session.post(f"{self.lab.url}/{operation}", data=body, headers=headers) as response,
        ):
            answer: dict[str, Any] = await response.json()
            return answer
