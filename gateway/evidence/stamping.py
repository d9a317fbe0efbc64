"""Has a digest time-stamped by the first of several RFC 3161 servers that answers rightly.

Servers are asked in the order of the settings. One that is down, slow, or gives anything but a right stamp is left
alone for a while, longer with each failure in a row, and the next one is asked; a stamp is believed only after
`timestamp.check_reply` passed, against the anchors as they lie there now. Answers are read up to a size and a time.
Nobody waits for this but whoever wants the stamp: documents are accepted without.

A server of ours is worth nothing to others as a witness of time, so it is told apart (`StampServer.own`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import aiohttp
import structlog
from aiohttp import hdrs

from gateway.bounded import read_at_most
from gateway.clock import Clock
from gateway.config.settings import StampSettings
from gateway.config.values import StampServer
from gateway.errors import StampError, TrustStoreError
from gateway.seal.report import Verdict
from gateway.seal.stamp_token import MAX_REPLY_BYTES
from gateway.seal.timestamp import ask, check_reply
from gateway.seal.trust import TrustPurpose, TrustStore
from gateway.standing import Standing

_QUERY = "application/timestamp-query"
#: How long a server that failed is left alone; doubles with each failure in a row.
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(minutes=15)

_log = structlog.get_logger(__name__)


class TsaPort(Protocol):
    """The way to a server."""

    async def fetch(self, url: str, request: bytes) -> bytes:
        """Its answer to a TimeStampReq; StampError without one."""
        ...


class HttpTsa:
    """By HTTP [RFC 3161 3.4]."""

    def __init__(self, timeout: timedelta) -> None:
        self._timeout = aiohttp.ClientTimeout(total=timeout.total_seconds())

    async def fetch(self, url: str, request: bytes) -> bytes:
        """One POST; redirects are not followed, and nothing else is tried."""
        headers = {hdrs.CONTENT_TYPE: _QUERY}
        try:
            async with (
                aiohttp.ClientSession(timeout=self._timeout) as session,
                session.post(url, data=request, headers=headers, allow_redirects=False) as answer,
            ):
                raw = await read_at_most(answer.content, MAX_REPLY_BYTES)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise StampError(f"no answer: {str(error)[:200] or type(error).__name__}") from error
        if not answer.ok:
            raise StampError(f"it answers {answer.status}")
        return raw


@dataclass(frozen=True, kw_only=True, slots=True)
class Stamped:
    """A right stamp."""

    #: URL of the server.
    server: str
    #: Proven: the digest was there not later than this.
    not_later_than: datetime
    #: TimeStampResp in DER.
    token: bytes


class Stamping:
    """The servers of the settings and how each fares."""

    def __init__(self, settings: StampSettings, port: TsaPort, clock: Clock) -> None:
        self._settings, self._port, self._clock = settings, port, clock
        self._standings = {server.url: Standing() for server in settings.servers}

    @property
    def servers(self) -> Sequence[StampServer]:
        """As in the settings."""
        return self._settings.servers

    @property
    def faults(self) -> dict[str, str]:
        """URL -> why the server was no use last; empty while it is."""
        return {url: standing.fault for url, standing in self._standings.items()}

    async def stamp(self, imprint: bytes, *, algorithm: str = "sha256") -> Stamped:
        """A stamp over this digest; StampError when no server gives one now."""
        try:
            anchors = await asyncio.to_thread(TrustStore.load, self._settings.anchors, TrustPurpose.TSA)
        except TrustStoreError as error:
            raise StampError(f"no stamp can be checked: {error}") from error
        for server in self._settings.servers:
            standing = self._standings[server.url]
            if self._clock.monotonic() < standing.paused_until:
                continue
            try:
                stamped = await self._stamped(server, imprint, anchors, algorithm)
            except StampError as error:
                self._failed(server, standing, str(error))
            else:
                if standing.fault:
                    _log.info("stamps.server_back", server=server.url)
                standing.succeeded()
                return stamped
        told = "; ".join(f"{url}: {fault}" for url, fault in self.faults.items() if fault)
        raise StampError(told or "no server is set")

    async def _stamped(self, server: StampServer, imprint: bytes, anchors: TrustStore, algorithm: str) -> Stamped:
        asked = ask(imprint, policy=server.policy, algorithm=algorithm)
        raw = await self._port.fetch(server.url, asked.request)
        found = await asyncio.to_thread(check_reply, raw, asked, anchors=anchors, at=self._clock.now())
        if found.report.verdict is not Verdict.PASSED or found.not_later_than is None:
            raise StampError("; ".join(each.reason for each in found.report.faults)[:500])
        return Stamped(server=server.url, not_later_than=found.not_later_than, token=raw)

    def _failed(self, server: StampServer, standing: Standing, fault: str) -> None:
        if not standing.fault:
            _log.warning("stamps.server_failed", server=server.url, detail=fault)
        standing.failed(fault, self._clock.monotonic(), first=FIRST_PAUSE, longest=LONGEST_PAUSE)
