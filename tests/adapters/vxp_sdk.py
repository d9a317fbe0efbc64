"""A client of the axis's protocol for tests, with the habits of the vendor's SDK; written apart from ours.

One object keeps one map of headers and the time of its making, as the SDK does; `fresh` forgets both.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

import aiohttp

_HOME = timezone(timedelta(hours=7))


def printed(data: bytes) -> str:
    """SHA-256 as the SDK prints it: no zero before a single digit."""
    return "".join(f"{byte:x}" for byte in hashlib.sha256(data).digest())


def stamp(at: datetime | None = None) -> str:
    """ddMMyyyyTHHmmss+SSSS."""
    local = (at or datetime.now(_HOME)).astimezone(_HOME)
    return f"{local:%d%m%YT%H%M%S}+{local.microsecond // 1000:04}"


@dataclass(kw_only=True)
class Sdk:
    """A client object."""

    url: str
    system_id: str
    secret: str
    session: aiohttp.ClientSession
    made_at: str = field(default_factory=stamp)
    parameters: dict[str, str] = field(default_factory=dict)

    def headers(self, parameters: Mapping[str, str], content_type: str = "application/json") -> dict[str, str]:
        """All of one call; what earlier calls said stays."""
        self.parameters |= parameters
        self.parameters |= {"systemid": self.system_id, "timestamp": self.made_at, "Content-Type": content_type}
        named = {f"XroadVnpt-{name}": value for name, value in self.parameters.items()}
        text = json.dumps(named, separators=(",", ":"), ensure_ascii=False)
        return named | {
            "XroadVnpt-sign-header-key": ";".join(self.parameters),
            "XroadVnpt-sign-header": text,
            "XroadVnpt-hash-header": hmac.new(self.secret.encode(), text.encode(), hashlib.sha256).hexdigest(),
            "XroadVnpt-version": "3.0.201608",
            "User-Agent": "JAVASDKAgent/1.0.0 XRoad/VPCP",
            "Content-Type": content_type,
        }

    async def call(
        self, operation: str, parameters: Mapping[str, str], body: bytes = b"{}", *, method: str = "POST"
    ) -> dict[str, Any]:
        """One call; its answer must be JSON."""
        return dict(json.loads((await self.raw(operation, self.headers(parameters), body, method=method))[1]))

    async def raw(
        self, operation: str, headers: Mapping[str, str], body: bytes = b"{}", *, method: str = "POST"
    ) -> tuple[int, bytes]:
        """One call with these headers: status and body."""
        url = f"{self.url}/{operation}"
        data = io.BytesIO(body) if body else b""
        async with self.session.request(method, url, headers=headers, data=data, expect100=body == b"{}") as reply:
            return reply.status, await reply.read()

    async def send(self, document: bytes, kind: str = "edoc", **more: str) -> dict[str, Any]:
        """A document, with the line end that the SDK adds."""
        parameters = {
            "from": self.system_id, "servicetype": "eDoc", "messagetype": kind, "hash-file": printed(document),
        }  # fmt: skip
        headers = self.headers(parameters | more, "application/octet-stream")
        return dict(json.loads((await self.raw("sendEdoc", headers, document + b"\r\n"))[1]))

    async def received(self, kind: str = "edoc") -> list[dict[str, Any]]:
        """What waits."""
        found = await self.call("getReceivedEdocList", {"servicetype": "eDoc", "messagetype": kind}, b"")
        assert found["status"] == "OK", found
        return list(found["data"])

    def fresh(self) -> Sdk:
        """A new object."""
        return Sdk(url=self.url, system_id=self.system_id, secret=self.secret, session=self.session)


def open_session(tls: ssl.SSLContext) -> aiohttp.ClientSession:
    """Connections for clients; its caller closes it."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=tls),
        timeout=aiohttp.ClientTimeout(total=30),
        max_line_size=1 << 20,
        max_field_size=1 << 20,
    )
