"""Large documents through the real process: python -m benchmarks.large [--megabytes 1024].

Senders and receivers speak TLS from this process; the gateway is `gateway serve` as it is, with its default
settings but for ports. One file of that size, of random bytes, goes through every way there is:

1. multipart: metadata and the file, from which the gateway builds the edXML; pushed to one office by webhook, to
   another one as a copy in dialect B, and left in the inbox of the province
2. the same document as raw edXML, by a resumable upload in pieces
3. read back from the inbox: in two ranges, and the attachment decoded

Meanwhile small documents are sent now and then, and memory (PSS) of all gateway processes is noted five times a
second. Every byte that arrives is hashed. Writes docs/large.md, and ends with one JSON line; exit code 1 when
bytes are wrong or more than 300 MB of memory were used.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import ssl
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import msgspec
from aiohttp import web
from rich.console import Console

from benchmarks import large_report
from benchmarks.installation import COMMUNES, PROVINCE, Site, fill, prepare
from benchmarks.large_report import Phase
from benchmarks.papers import Papers
from benchmarks.phases import rank
from benchmarks.processes import Gateway, gateway
from gateway.api import models
from gateway.client import GatewayClient
from gateway.config import settings as config
from gateway.directory.endpoint_changes import UpsertEndpoint, UpsertEndpointOperation
from gateway.foundation import open_foundation
from gateway.pki import client_tls_context
from gateway.seal.trust import TrustPurpose
from gateway.transfer import fetch_file, send_file

_LOG = Path("build/large-gateway.log")
_EVERY = 0.2
_PIECE = 1024 * 1024
_SMALL_PAUSE = 0.1

T = TypeVar("T")


@dataclass(kw_only=True)
class _Watch:
    """The most memory since it was last asked."""

    gateway: Gateway
    _most: int = 0
    _ended: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        while not self._ended.wait(_EVERY):
            self._most = max(self._most, self.gateway.pss_bytes())

    def take(self) -> float:
        """MB."""
        most, self._most = self._most, 0
        return most / 1e6

    def stop(self) -> None:
        self._ended.set()


class _Offices:
    """Where the gateway pushes to: bodies are hashed and thrown away."""

    def __init__(self) -> None:
        #: Path -> (digest, size) of each body.
        self.came: dict[str, list[tuple[str, int]]] = {}
        self._changed = asyncio.Event()

    async def take(self, request: web.Request) -> web.Response:
        digest, size = hashlib.sha256(), 0
        async for chunk in request.content.iter_chunked(_PIECE):
            digest.update(chunk)
            size += len(chunk)
        self.came.setdefault(request.path, []).append((digest.hexdigest(), size))
        self._changed.set()
        return web.Response()

    async def large(self, office: int, count: int) -> list[tuple[str, int]]:
        """The first `count` large bodies of an office."""
        while True:
            found = [each for each in self.came.get(f"/offices/{office}", []) if each[1] > _PIECE]
            if len(found) >= count:
                return found[:count]
            self._changed.clear()
            await self._changed.wait()


@dataclass(kw_only=True)
class _Run:
    site: Site
    client: GatewayClient
    session: aiohttp.ClientSession
    offices: _Offices
    watch: _Watch
    file: Path
    sha256: str
    say: Callable[[str], None]
    phases: list[Phase] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    _small: int = 0

    async def go(self) -> None:
        """All phases."""
        await self._phase("nothing but small documents", asyncio.sleep(5))
        accepted = await self._phase("multipart, until the 202", self._multipart())
        pushed = await self._phase("pushed to an office, and to one in dialect B", self._pushed(1))
        if pushed[0] != (accepted.sha256, accepted.size):
            self.faults.append("the pushed document is another one")
        [item] = (await self.client.inbox(limit=1)).items
        again = await self._phase("fetched from the inbox in two ranges", self._fetched(item.id))
        await self._phase("one attachment decoded and fetched", self._attachment(item.id))
        await self.client.ack(item.id)
        await self._phase("resumable upload of that document, until the 202", self._resumed(again))
        await self._phase("pushed again", self._pushed(2))

    async def _phase(self, name: str, work: Coroutine[Any, Any, T]) -> T:
        self.watch.take()
        latencies: list[float] = []
        beside = asyncio.create_task(self._small_ones(latencies))
        began = time.monotonic()
        try:
            return await work
        finally:
            beside.cancel()
            seconds = time.monotonic() - began
            self.phases.append(
                Phase(
                    name=name,
                    seconds=seconds,
                    memory=self.watch.take(),
                    small_p50=rank(sorted(latencies), 0.5) * 1000,
                    small_p99=rank(sorted(latencies), 0.99) * 1000,
                    small=len(latencies),
                )
            )
            self.say(f"{name}: {seconds:.1f} s, at most {self.phases[-1].memory:.0f} MB")

    async def _small_ones(self, latencies: list[float]) -> None:
        papers = Papers(PROVINCE, run=str(time.time_ns()))
        while True:
            self._small += 1
            began = time.monotonic()
            await self.client.submit(papers.make(self._small, COMMUNES[2]))
            latencies.append(time.monotonic() - began)
            await asyncio.sleep(_SMALL_PAUSE)

    async def _multipart(self) -> models.Accepted:
        metadata = models.NewDocument(
            sender=PROVINCE.code,
            recipients=[COMMUNES[0].code, COMMUNES[1].code, PROVINCE.code],
            code_number="1",
            code_notation="UBND-VX",
            promulgation_date=datetime.now(UTC).date(),
            subject="V/v văn bản rất lớn",
        )
        form = aiohttp.FormData(quote_fields=False)
        form.add_field("metadata", msgspec.json.encode(metadata).decode(), content_type="application/json")
        form.add_field("file", _pieces(self.file), filename="ban-do.bin", content_type="application/octet-stream")
        async with self.session.post("/api/v1/documents", data=form) as response:
            body = await response.read()
            if response.status != 202:
                raise RuntimeError(f"{response.status} {body[:300]!r}")
        return msgspec.json.decode(body, type=models.Accepted)

    async def _pushed(self, count: int) -> tuple[tuple[str, int], tuple[str, int]]:
        first, second = await asyncio.gather(self.offices.large(1, count), self.offices.large(2, count))
        return first[-1], second[-1]

    async def _fetched(self, item: str) -> Path:
        target = self.file.with_suffix(".edxml")
        async with self.client.content_from(f"/inbox/{item}/content", 0) as response:
            half = (response.content_length or 0) // 2
        with target.open("wb") as file:
            for start, end in ((0, half - 1), (half, "")):
                headers = {"Range": f"bytes={start}-{end}"}
                path = f"/api/v1/inbox/{item}/content"
                async with self.session.get(path, headers=headers) as response:
                    if response.status != 206:
                        raise RuntimeError(f"{response.status} for a range")
                    async for chunk in response.content.iter_chunked(_PIECE):
                        file.write(chunk)
        return target

    async def _attachment(self, item: str) -> None:
        target = self.file.with_suffix(".decoded")
        with target.open("wb") as file:
            await fetch_file(self.client, f"/inbox/{item}/attachments/1", file, lambda *_: None)
        if _digest(target) != self.sha256:
            self.faults.append("the attachment is not the file that was sent")
        target.unlink()

    async def _resumed(self, document: Path) -> models.Accepted:
        other = _renumbered(document)
        accepted = await send_file(self.client, other, lambda *_: None)
        if accepted.sha256 != _digest(other):
            self.faults.append("the resumed upload is another document")
        return accepted


def main() -> int:
    """Measure, show, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=1024, help="size of the file (default 1024)")
    parser.add_argument("--folder", type=Path, default=Path("/var/tmp"), help="where there is room for ten of it")
    parser.add_argument("--no-report", action="store_true", help="leave docs/large.md as it is")
    asked = parser.parse_args()
    _LOG.parent.mkdir(exist_ok=True)
    console = Console(highlight=False, stderr=True)
    with tempfile.TemporaryDirectory(prefix="gateway-large-", dir=asked.folder) as folder:
        run = measured(Path(folder).resolve(), asked.megabytes, lambda text: console.print(text, markup=False))
    if not asked.no_report:
        large_report.write(run, Path("docs/large.md"))
    print(json.dumps(run.verdict()))
    return 0 if not run.faults() else 1


def measured(folder: Path, megabytes: int, say: Callable[[str], None]) -> large_report.Run:
    """One run in an empty folder."""
    site = prepare(folder)
    file = folder / "large.bin"
    sha256 = _random_file(file, megabytes * 1024**2)
    return asyncio.run(_measured(site, file, sha256, say))


async def _measured(site: Site, file: Path, sha256: str, say: Callable[[str], None]) -> large_report.Run:
    offices, began = _Offices(), time.monotonic()
    runner, port = await _listening(site, offices)
    await fill(site, receiver_port=port, agencies=0, progress=lambda *_: None)
    await _second_in_dialect_b(site, port)
    tls = client_tls_context(site.pki.anchors(TrustPurpose.TLS), site.pki.client("province"))
    size = file.stat().st_size  # noqa: ASYNC240
    with gateway(site, _LOG) as served:
        watch = _Watch(gateway=served)
        thread = threading.Thread(target=watch.run)
        thread.start()
        try:
            url = f"https://localhost:{site.port}"
            connector = aiohttp.TCPConnector(ssl=tls)
            async with (
                GatewayClient(url, tls=tls, timeout=1200) as client,
                aiohttp.ClientSession(url, connector=connector, timeout=_patient()) as session,
            ):
                run = _Run(
                    site=site,
                    client=client,
                    session=session,
                    offices=offices,
                    watch=watch,
                    file=file,
                    sha256=sha256,
                    say=say,
                )
                await run.go()
        finally:
            watch.stop()
            await asyncio.to_thread(thread.join)
    await runner.cleanup()
    return large_report.Run(bytes=size, phases=run.phases, wrong=run.faults, seconds=time.monotonic() - began)


async def _listening(site: Site, offices: _Offices) -> tuple[web.AppRunner, int]:
    pair = site.pki.simulator("receiver")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    app = web.Application(client_max_size=0)
    app.router.add_post("/offices/{number}", offices.take)
    runner = web.AppRunner(app)
    await runner.setup()
    tcp = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await tcp.start()
    return runner, runner.addresses[0][1]


async def _second_in_dialect_b(site: Site, port: int) -> None:
    """The first three offices take documents of any size; the second reads dialect B alone."""
    async with open_foundation(config.load(site.config), purpose="setup") as base:
        for number, capabilities in ((1, {}), (2, {"dialect": "B"}), (3, {})):
            change = UpsertEndpoint(
                name=COMMUNES[number - 1].code,
                kind="webhook",
                settings={
                    "url": f"https://localhost:{port}/offices/{number}",
                    "secret_file": "receiver",
                    "anchors_file": str(site.pki.anchors(TrustPurpose.TLS) / "root.pem"),
                },
                capabilities={"max_bytes": 2 * 1024**3, **capabilities},
                actor="operator:bench",
                now=base.clock.now(),
            )
            await base.directory.apply(base.pump, UpsertEndpointOperation(), change)
        own = UpsertEndpoint(
            name="province", kind="inbox", settings={}, capabilities={"max_bytes": 2 * 1024**3},
            actor="operator:bench", now=base.clock.now(),
        )  # fmt: skip
        await base.directory.apply(base.pump, UpsertEndpointOperation(), own)


def _random_file(path: Path, size: int) -> str:
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for _ in range(size // _PIECE):
            piece = os.urandom(_PIECE)
            digest.update(piece)
            file.write(piece)
    return digest.hexdigest()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _renumbered(document: Path) -> Path:
    """The same document with another number, so that it is not the one that is known."""
    with document.open("r+b") as file:
        head = file.read(8192)
        changed = head.replace(b"1/UBND-VX", b"2/UBND-VX").replace(b">1</", b">2</", 1)
        file.seek(0)
        file.write(changed)
    return document


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while piece := await asyncio.to_thread(file.read, _PIECE):
            yield piece


def _patient() -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=1200)


if __name__ == "__main__":
    sys.exit(main())
