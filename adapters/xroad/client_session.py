"""Calls through our own security server: connections, headers, and whether the answer belongs to the call.

Redirects are not followed, cookies not kept, answers read up to a limit. What comes back is an `Answer` with the
objection to it, if there is one; what it means is for `client_reply`.
"""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Final

import aiohttp

from adapters.upload import Upload
from adapters.webhook_channel import Contexts, open_session
from adapters.webhook_names import Names
from adapters.xroad.client_hash import request_digest
from adapters.xroad.client_line import Line, line_of
from gateway.errors import ConfigError
from gateway.model import Endpoint
from gateway.ports import Surroundings

#: The longest answer to a document.
REPLY_BYTES_MAX: Final = 65_536

_CONNECT_SECONDS = 10.0


@dataclass(kw_only=True, slots=True)
class Call:
    """One call to be made."""

    method: str
    path: str
    call_id: str
    #: Beside those of X-Road.
    headers: dict[str, str] = field(default_factory=dict)
    issue: str = ""
    #: The body: a document, or else a small piece of JSON.
    upload: Upload | None = None
    content: bytes | None = None
    #: SHA-512 of a document, once it was sent; only where hashes are computed.
    upload_digest: bytes = b""
    #: Headers in the order in which they left.
    sent: list[tuple[str, str]] = field(default_factory=list)


class Session:
    """The connections of one line."""

    def __init__(
        self, line: Line, surroundings: Surroundings, *, contexts: Contexts, names: Names, connections: int
    ) -> None:
        self.line = line
        self._seconds = surroundings.timeout_seconds
        self._contexts = contexts
        self._context: ssl.SSLContext = contexts.of(line.target)
        self._http = open_session(line.target, self._context, connections, names)
        if line.hash_check == "computed":
            self._http.trace_configs.append(_notes_headers())

    def is_current(self) -> bool:
        """Whether the files of its TLS are still those that it was made with."""
        return self._contexts.of(self.line.target) is self._context

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    @asynccontextmanager
    async def open(self, call: Call, seconds: float) -> AsyncIterator[aiohttp.ClientResponse]:
        """Make a call that may take so long in all; raises what aiohttp raises."""
        silence = min(self._seconds, seconds) if call.upload is None else seconds
        timeout = aiohttp.ClientTimeout(
            total=seconds, sock_connect=min(_CONNECT_SECONDS, silence), sock_read=silence
        )
        async with self._http.request(
            call.method,
            self.line.place(call.path),
            data=call.content if call.upload is None else call.upload,
            headers=self._headers(call),
            allow_redirects=False,
            timeout=timeout,
            trace_request_ctx=call,
        ) as response:
            yield response

    def _headers(self, call: Call) -> dict[str, str]:
        found = self.line.headers(call.call_id, call.issue) | call.headers
        return found if call.content is None else found | {"Content-Type": "application/json"}

    def objection(self, call: Call, response: aiohttp.ClientResponse) -> str:
        """Why the answer is not one to this call, that a security server passed on; "" where it is."""
        digest = None
        if self.line.hash_check == "computed":
            place = self.line.place(call.path)
            request_id = response.headers.get("X-Road-Request-Id", "")
            body = call.upload_digest if call.content is None else hashlib.sha512(call.content).digest()
            digest = request_digest(call.method, place.raw_path_qs, call.sent, request_id, body)
        return self.line.objection(call.call_id, response.headers, digest)


def problems(endpoint: Endpoint, surroundings: Surroundings) -> list[str]:
    """What is wrong with the settings and the certificates of a channel, in sentences."""
    try:
        Contexts().of(line_of(endpoint, surroundings.folder).target)
    except ConfigError as error:
        return [str(error)]
    return []


def _notes_headers() -> aiohttp.TraceConfig:
    async def note(
        _session: aiohttp.ClientSession,
        context: SimpleNamespace,
        told: aiohttp.TraceRequestHeadersSentParams,
    ) -> None:
        call = context.trace_request_ctx
        assert isinstance(call, Call)
        call.sent = list(_in_order(told.headers))

    config = aiohttp.TraceConfig()
    config.on_request_headers_sent.append(note)
    config.freeze()
    return config


def _in_order(headers: Mapping[str, str]) -> list[tuple[str, str]]:
    return list(headers.items())
