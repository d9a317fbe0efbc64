"""A system that speaks the axis's protocol as a client: what a QLVB with the vendor's SDK does, written anew.

It signs each call by an HMAC over its parameters, sends the bytes with a CRLF behind them, prints the digest of a
file without zero padding as the SDK does, and takes only JSON of the agreed shape for an answer. A call is tried
again until it has a final one, so a document may be sent twice where the answer was lost: the other side must
notice. `submit` speaks to a desk like `gateway.simulate.rest.Rest` does.

It shares nothing with the gateway's own client of this protocol, so that the two are each other's proof.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp

from gateway.clock import VIETNAM, Clock
from gateway.simulate.rest import Reply, Request

_TIMEOUT = 120.0
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 1.0
_OK = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One entry of the list of what waits."""

    ref: str
    #: For whom it is, as the list says; empty where it does not.
    to: tuple[str, ...] = ()


class Member:
    """One system id."""

    def __init__(
        self,
        base_url: str,
        context: ssl.SSLContext,
        *,
        system_id: str,
        secret: bytes,
        clock: Clock,
        connections: int = 6,
        pauses: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._base = base_url.rstrip("/")
        self._system_id, self._secret, self._clock, self._pauses = system_id, secret, clock, pauses
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=context, limit=connections),
            timeout=aiohttp.ClientTimeout(total=_TIMEOUT),
        )
        self.connections = connections

    async def close(self) -> None:
        """Give the connections back."""
        await self._session.close()

    async def submit(self, request: Request) -> Reply:
        """Send a document or a status; 202 with the id that the other side gave, or 422 with its refusal."""
        kind = "status" if request.path == "/statuses" else "edoc"
        digest = hashlib.sha256(request.body)
        answer, tries = await self._until_answered(
            "sendEdoc",
            {
                "from": self._system_id,
                "servicetype": "eDoc",
                "messagetype": kind,
                "hash-file": "".join(f"{byte:x}" for byte in digest.digest()),
            },
            request.body + b"\r\n",
            "application/octet-stream",
        )
        ok = answer["status"] == "OK"
        told = {"id": str(answer.get("DocId", "")), "sha256": digest.hexdigest(), "deliveries": []}
        refusal = {"code": str(answer.get("ErrorCode", "")), "detail": str(answer.get("ErrorDesc", ""))}
        return Reply(status=202 if ok else 422, body=b"", headers={}, tries=tries, json=told if ok else refusal)

    async def waiting(self, kind: str) -> list[Entry]:
        """What waits for this system: documents (`edoc`) or statuses (`status`)."""
        parameters = {"servicetype": "eDoc", "messagetype": kind}
        answer, _ = await self._until_answered(
            "getReceivedEdocList", parameters, b"", "application/x-www-form-urlencoded"
        )
        return [Entry(ref=str(item["docId"]), to=_codes(item.get("to"))) for item in answer.get("data") or []]

    async def content(self, ref: str) -> bytes | None:
        """An entry's bytes; None when it may no longer be had."""
        answer, _ = await self._until_answered("getEdoc", {"docId": ref}, b"{}", "application/json")
        return base64.b64decode(answer["data"]) if answer["status"] == "OK" else None

    async def done(self, ref: str) -> bool:
        """Tell that the entry is in this system."""
        parameters = {"docId": ref, "status": "done"}
        answer, _ = await self._until_answered("updateStatus", parameters, b"{}", "application/json")
        return bool(answer["status"] == "OK")

    async def _until_answered(
        self, operation: str, parameters: dict[str, str], body: bytes, content_type: str
    ) -> tuple[dict[str, Any], int]:
        pause, tries = _FIRST_PAUSE, 0
        while True:
            tries += 1
            answer = await self._call(operation, parameters, body, content_type)
            if answer is not None:
                return answer, tries
            await self._pauses(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _call(
        self, operation: str, parameters: dict[str, str], body: bytes, content_type: str
    ) -> dict[str, Any] | None:
        """The answer, None where none came or it is not of the agreed shape."""
        headers = self._signed(parameters, content_type)
        try:
            async with self._session.post(f"{self._base}/{operation}", data=body, headers=headers) as response:
                content = await response.read()
                if response.status != _OK:
                    return None
        except (aiohttp.ClientError, TimeoutError, OSError):
            return None
        try:
            answer = json.loads(content)
        except ValueError:
            return None
        is_agreed = isinstance(answer, dict) and answer.get("status") in {"OK", "FAIL"}
        return answer if is_agreed else None

    def _signed(self, parameters: dict[str, str], content_type: str) -> dict[str, str]:
        now = self._clock.now().astimezone(VIETNAM)
        given = parameters | {
            "systemid": self._system_id,
            "timestamp": f"{now:%d%m%YT%H%M%S}+{now.microsecond // 1000:04}",
            "Content-Type": content_type,
        }
        named = {f"XroadVnpt-{name}": value for name, value in given.items()}
        text = json.dumps(named, separators=(",", ":"))
        mac = hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()
        return named | {
            "XroadVnpt-sign-header-key": ";".join(given),
            "XroadVnpt-sign-header": text,
            "XroadVnpt-hash-header": mac,
            "XroadVnpt-version": "3.0.201608",
            "User-Agent": "JAVASDKAgent/1.0.0 XRoad/VPCP",
            "Content-Type": content_type,
        }


def _codes(told: object) -> tuple[str, ...]:
    """`to` is a code, several in one text, the text of a JSON array, or an array."""
    if isinstance(told, str) and told.startswith("["):
        told = json.loads(told)
    if isinstance(told, str):
        told = told.replace(";", " ").replace(",", " ").split()
    return tuple(str(each) for each in told) if isinstance(told, list) else ()
