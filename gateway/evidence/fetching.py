"""Fetches what CAs publish about revocation, by HTTP, from addresses that stand in other people's certificates.

So nothing about it is trusted: only addresses that may be dialled are (`gateway.reach`; judged is what is dialled,
not a name), no redirect is followed, no proxy, cookie or credential is used, nothing is unpacked, time and size are
bounded. What comes back is bytes that nobody has looked into.
"""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_address
from typing import Protocol

import aiohttp
from aiohttp import hdrs
from yarl import URL

from gateway.bounded import read_at_most
from gateway.errors import RevocationError
from gateway.reach import AllowedResolver, Reach

_TEXT = 200


class AnswerPort(Protocol):
    """The way to a CA's server."""

    async def fetch(self, url: str, request: bytes) -> bytes:
        """Its list, or its answer to an OCSP request; RevocationError without one."""
        ...


class HttpAnswers:
    """By HTTP [RFC 5280 4.2.1.13, RFC 6960 A.1]."""

    def __init__(self, reach: Reach, *, timeout: timedelta, max_size: int) -> None:
        self._reach, self._max_size = reach, max_size
        self._timeout = aiohttp.ClientTimeout(total=timeout.total_seconds())

    async def fetch(self, url: str, request: bytes) -> bytes:
        """A GET for a list; a POST of `request` to a responder."""
        try:
            return await self._fetched(URL(url), request)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise RevocationError(f"no answer: {str(error)[:_TEXT] or type(error).__name__}") from error

    async def _fetched(self, url: URL, request: bytes) -> bytes:
        refusal = self._literal_refusal(url)
        if refusal:
            raise RevocationError(refusal)
        connector = aiohttp.TCPConnector(
            resolver=AllowedResolver(aiohttp.ThreadedResolver(), self._reach), use_dns_cache=False, force_close=True
        )
        headers = {hdrs.ACCEPT_ENCODING: "identity", hdrs.USER_AGENT: "gateway"}
        async with aiohttp.ClientSession(
            connector=connector,
            timeout=self._timeout,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            headers=headers,
        ) as session:
            asked = (
                session.post(
                    url,
                    data=request,
                    headers={hdrs.CONTENT_TYPE: "application/ocsp-request"},
                    allow_redirects=False,
                )
                if request
                else session.get(url, allow_redirects=False)
            )
            async with asked as answer:
                if answer.status != 200:  # noqa: PLR2004
                    raise RevocationError(f"it answers {answer.status}")
                raw = await read_at_most(answer.content, self._max_size)
                if len(raw) > self._max_size:
                    raise RevocationError(f"it is larger than revocation.max_size, {self._max_size} bytes")
                return raw

    def _literal_refusal(self, url: URL) -> str:
        """Of an address written as a number, which no resolver is asked for."""
        host = url.host or ""
        try:
            ip_address(host.partition("%")[0])
        except ValueError:
            return ""
        return self._reach.refusal(host, url.port or 80)
