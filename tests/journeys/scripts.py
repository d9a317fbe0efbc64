"""Today's scripts beside the axis simulator: what they do with it, and what is put there for them and for us.

They are imitated with signing code of their own and with the SDK's habits: one timestamp for the life of the
object, and headers of earlier calls that leak into later ones.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from gateway.simulate.axis.journal import Called, Settled
from tests.axis_lab import H33, AxisLab

_AGENT = "scripts"


async def offer(axis: AxisLab, content: bytes, *, sender: str, to: Sequence[str], kind: str = "edoc") -> str:
    """Something for the province; its id there."""
    told = await axis.put(H33, content, sender=sender, to=list(to), message_type=kind)
    return str(told["doc_id"])


def asked_by_us(axis: AxisLab) -> set[str]:
    """What the gateway, as against the scripts, has ever asked the axis for."""
    return {line.operation for line in axis.journal() if isinstance(line, Called) and line.agent != _AGENT}


def acknowledged(axis: AxisLab) -> dict[str, str]:
    """DocId -> done or fail."""
    return {line.doc_id: line.status for line in axis.journal() if isinstance(line, Settled)}


@dataclass(kw_only=True)
class Scripts:
    """List, get, update."""

    axis: AxisLab
    leaked: dict[str, str] = field(
        default_factory=lambda: {
            "systemid": H33,
            "timestamp": "05112018T083000+0123",
            "Content-Type": "application/json",
        }
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
        secret = self.axis.secret_files[H33].read_bytes().strip()
        headers = named | {
            "XroadVnpt-sign-header-key": ";".join(self.leaked),
            "XroadVnpt-sign-header": text,
            "XroadVnpt-hash-header": hmac.new(secret, text.encode(), hashlib.sha256).hexdigest(),
            "Content-Type": self.leaked["Content-Type"],
            "User-Agent": _AGENT,
        }
        context = ssl.create_default_context(cafile=str(self.axis.anchors))
        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session,
            session.post(f"{self.axis.url}/{operation}", data=body, headers=headers) as response,
        ):
            answer: dict[str, Any] = await response.json()
            return answer
