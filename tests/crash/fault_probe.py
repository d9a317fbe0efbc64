"""What a client may see while the disk fails, asked again and again.

A document is accepted (202, and then it holds) or refused with 503 and a reason; reading goes on. What was refused
is sent again until it is accepted, the same bytes under the same key. Everything else is noted as wrong.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Self

import aiohttp

from gateway.api import models
from gateway.client import GatewayClient
from gateway.errors import ProblemError, UnreachableError
from gateway.pki import client_tls_context
from tests.crash.kill_journal import Journal, Line, Sent
from tests.crash.kill_site import CLIENTS, Site
from tests.crash.kill_spec import read_spec
from tests.journeys.installation import COMMUNE, PROVINCE, PUSHED
from tests.journeys.messages import document

_REFUSED = 503
_LARGE_BYTES = 200_000
_AGAIN_SECONDS = 0.05
_LONGEST_SECONDS = 120.0


class Probe:
    """A province that sends and looks, and a commune that unpacks what it got."""

    def __init__(self, site: Site) -> None:
        self._site, self._spec = site, read_spec(site.folder / f"{CLIENTS}.json")
        self._journal = Journal(site.folder / "probe.journal")
        self._stack = AsyncExitStack()
        self._number = 0
        self._known: models.Accepted | None = None
        #: What was not accepted yet, by key.
        self._pending: dict[str, bytes] = {}
        #: Requests by what came of them.
        self.counts: Counter[str] = Counter()
        self.wrong: list[str] = []

    async def __aenter__(self) -> Self:
        tls = client_tls_context(Path(self._spec.anchors))

        def client(code: str) -> GatewayClient:
            return GatewayClient(self._spec.url, tls=tls, token=self._spec.tokens[code], timeout=20)

        self._province = await self._stack.enter_async_context(client(PROVINCE))
        self._commune = await self._stack.enter_async_context(client(COMMUNE))
        self._session = await self._stack.enter_async_context(aiohttp.ClientSession())
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._stack.aclose()

    async def look(self, *, readable: bool = True) -> None:
        """Send one document, read what was accepted before; `readable`: whether reading must go on."""
        self._number += 1
        large = self._number % 3 == 0
        content = b"%PDF-1.4\n" + hashlib.sha256(str(self._number).encode()).digest() * (
            _LARGE_BYTES // 32 if large else 10
        )
        key = f"P{self._number}-{time.time_ns()}"
        self._pending[key] = document(PROVINCE, [COMMUNE, PUSHED], number=key, content=content)
        await self._send(key)
        known = self._known
        if known is None:
            return
        mine = next(each.id for each in known.deliveries if each.organ_id == COMMUNE)
        await self._read("inbox", self._commune.inbox, must=readable)
        await self._read("document", lambda: self._province.document(known.id), must=readable)
        await self._read("deliveries", lambda: self._province.deliveries(known.id), must=readable)
        await self._read("original", lambda: self._province.original(known.id), must=readable)
        # it is written to the disk on its way, so it may be refused
        await self._read("attachment", lambda: self._commune.attachment(mine, 1), must=False)

    async def recovered(self) -> float | None:
        """Seconds until it is ready again and all that was refused is accepted; None: it does not come to that."""
        began = time.monotonic()
        while time.monotonic() < began + _LONGEST_SECONDS:
            for key in list(self._pending):
                await self._send(key)
            if not self._pending and await self.status_of("/readyz") == 200:
                await self.look()
                if not self._pending:
                    return time.monotonic() - began
            await asyncio.sleep(_AGAIN_SECONDS)
        return None

    async def status_of(self, path: str) -> int:
        """Of the operations' port; 0 when nobody answers."""
        try:
            async with self._session.get(self._site.operations_url + path) as response:
                await response.read()
                return response.status
        except aiohttp.ClientError:
            return 0

    async def metric(self, name: str) -> float:
        """One without labels."""
        async with self._session.get(self._site.operations_url + "/metrics") as response:
            text = await response.text()
        return float(next(line.split()[1] for line in text.splitlines() if line.startswith(f"{name} ")))

    async def _send(self, key: str) -> None:
        data = self._pending[key]
        try:
            answer = await self._province.submit(data, key)
        except UnreachableError:
            self.counts["no answer"] += 1
        except ProblemError as error:
            self._judge("submit", error)
        else:
            del self._pending[key]
            self.counts["accepted"] += 1
            self._known = answer
            lines = tuple(Line(each.id, each.organ_id) for each in answer.deliveries)
            digest = hashlib.sha256(data).hexdigest()
            if answer.sha256 != digest:
                self.wrong.append(f"the 202 of {key} names other bytes")
            self._journal.note(Sent(key=key, message=answer.id, sha256=digest, lines=lines, tries=1))

    async def _read(self, what: str, ask: Callable[[], Awaitable[object]], *, must: bool) -> None:
        try:
            await ask()
        except UnreachableError:
            self.counts["no answer"] += 1
        except ProblemError as error:
            if error.code == "state_forbids" and not must:  # held until its signatures have been looked at
                self.counts["held"] += 1
                return
            self._judge(what, error)
            if must:
                self.wrong.append(f"{what} could not be read: {error}")
        else:
            self.counts["read"] += 1

    def _judge(self, what: str, error: ProblemError) -> None:
        self.counts[f"{error.status} {error.code}"] += 1
        if error.status != _REFUSED or error.retry_after is None:
            self.wrong.append(f"{what} was answered with {error}, Retry-After {error.retry_after}")
