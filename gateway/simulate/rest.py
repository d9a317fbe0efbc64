"""The simulators' own client of REST v1: what a vendor's developer would write in an afternoon.

`submit` and `acknowledge` try again until there is a final answer, with the same Idempotency-Key: no connection,
a cut connection, 408, 429, 5xx and a key that is still in use are not final. It waits shorter than an office's
system would, since the demo's days are short. Reads (`inbox`, `content`) are tried again in the same way.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import aiohttp
import msgspec

#: Seconds: of one request on a busy machine, of a long poll, between tries at first and at most.
_TIMEOUT = 120.0
_POLL = 10.0
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 1.0
_NOT_FINAL = frozenset({408, 425, 429, 500, 502, 503, 504})
_IN_USE = frozenset({"idempotency_key_in_use", "item_leased"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """A final answer."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    tries: int
    #: The JSON object, where it is one.
    json: dict[str, Any] = field(default_factory=dict)

    @property
    def reason(self) -> str:
        """The reason code of a problem."""
        return str(self.json.get("code", ""))


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What is sent, the same at every try."""

    path: str
    body: bytes
    content_type: str
    key: str


class Rest:
    """One system's connections."""

    def __init__(
        self,
        base_url: str,
        context: ssl.SSLContext,
        *,
        token: str = "",
        connections: int = 6,
        pauses: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._base = f"{base_url}/api/v1"
        connector = aiohttp.TCPConnector(ssl=context, limit=connections + 1)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._session = aiohttp.ClientSession(
            connector=connector,
            headers=headers,
            timeout=aiohttp.ClientTimeout(total=_TIMEOUT),
            auto_decompress=False,
        )
        self.connections = connections
        self._pauses = pauses

    async def close(self) -> None:
        """Give the connections back."""
        await self._session.close()

    async def submit(self, request: Request) -> Reply:
        """POST until there is a final answer."""
        digest = base64.b64encode(hashlib.sha256(request.body).digest()).decode()
        headers = {
            "Content-Type": request.content_type,
            "Content-Digest": f"sha-256=:{digest}:",
            "Idempotency-Key": f'"{request.key}"',
        }
        return await self._until_final("POST", request.path, headers=headers, data=request.body)

    async def inbox(self, cursor: str) -> tuple[list[dict[str, Any]], str]:
        """The items after the cursor, waiting for a first one, and the cursor to go on from."""
        query = f"/inbox?wait={_POLL:g}&limit=100" + (f"&cursor={quote(cursor, safe='')}" if cursor else "")
        reply = await self._until_final("GET", query)
        if reply.status != 200:  # noqa: PLR2004
            raise RuntimeError(f"GET {query}: {reply.status} {reply.reason}")
        return reply.json["items"], reply.json["cursor"]

    async def content(self, delivery: str) -> bytes | None:
        """An item's bytes; None when it may no longer be had."""
        reply = await self._until_final("GET", f"/inbox/{delivery}/content")
        return reply.body if reply.status == 200 else None  # noqa: PLR2004

    async def acknowledge(self, delivery: str) -> int:
        """Tell that the item was taken over."""
        return (await self._until_final("POST", f"/inbox/{delivery}/ack")).status

    async def _until_final(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, data: bytes | None = None
    ) -> Reply:
        pause, tries = _FIRST_PAUSE, 0
        while True:
            tries += 1
            try:
                async with self._session.request(method, self._base + path, headers=headers, data=data) as response:
                    body = await response.read()
                    reply = _reply(response, body, tries)
            except (aiohttp.ClientError, TimeoutError, OSError):
                reply = None
            if reply is not None and reply.status not in _NOT_FINAL and reply.reason not in _IN_USE:
                return reply
            await self._pauses(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)


def multipart(metadata: bytes, file_name: str, file: bytes) -> tuple[str, bytes]:
    """Content type and body of a form of JSON metadata and one PDF; the same bytes at every try."""
    boundary = f"----office-{hashlib.sha256(metadata).hexdigest()[:24]}"
    name = file_name.replace('"', "%22")
    body = b"".join(
        (
            f"--{boundary}\r\n".encode(),
            b'Content-Disposition: form-data; name="metadata"\r\nContent-Type: application/json\r\n\r\n',
            metadata,
            f"\r\n--{boundary}\r\n".encode(),
            f'Content-Disposition: form-data; name="file"; filename="{name}"\r\n'.encode(),
            b"Content-Type: application/pdf\r\n\r\n",
            file,
            f"\r\n--{boundary}--\r\n".encode(),
        )
    )
    return f"multipart/form-data; boundary={boundary}", body


def _reply(response: aiohttp.ClientResponse, body: bytes, tries: int) -> Reply:
    value: object = None
    if "json" in response.content_type:
        try:
            value = msgspec.json.decode(body)
        except msgspec.DecodeError:
            value = None
    return Reply(
        status=response.status,
        body=body,
        headers=response.headers,
        tries=tries,
        json=value if isinstance(value, dict) else {},
    )
