"""How many documents a second the VXP endpoint accepts: python -m benchmarks.vxp_endpoint [--seconds 20].

An installation in a temporary folder, the gateway as it is served, and one process of clients on the same machine:
each of its connections signs and sends its next document of 20 KB when the last one has its `DocId`. The documents
are for an inbox, so nothing is delivered meanwhile: what is measured is what acceptance costs, sealed and synced.
Beside the rate stand the processor time of all the gateway's processes per document, which other work on the
machine does not change much, and the client's.

`measure` is what other benchmarks call.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import hmac
import json
import multiprocessing
import ssl
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median

from benchmarks.goals import Figure, aimed
from benchmarks.installation import COMMUNES, PROVINCE, Site, prepare
from benchmarks.papers import Office, Papers
from benchmarks.processes import gateway
from gateway.accounts.shared_secrets import Wish, loopback
from gateway.clock import VIETNAM
from gateway.config import settings as config
from gateway.directory.endpoint_changes import UpsertEndpoint, UpsertEndpointOperation
from gateway.directory.importer import import_agencies
from gateway.foundation import open_foundation
from gateway.loop import run
from gateway.seal.trust import TrustPurpose
from gateway.simulate.layout import free_ports

_ACTOR = "operator:bench"
_CONNECTIONS = 32
_LOG = Path("build/bench-vxp.log")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Load:
    port: int
    anchors: Path
    secret: str
    seconds: float
    connections: int


@dataclass(kw_only=True, slots=True)
class _Sent:
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)


def measure(
    folder: Path, *, seconds: float, connections: int = _CONNECTIONS, profile: Path | None = None
) -> list[Figure]:
    """The figures; RuntimeError when a document was refused."""
    site = prepare(folder)
    (port,) = free_ports(1)
    with site.config.open("a", encoding="utf-8") as file:
        file.write(f"[bindings]\nport = {port}\n")
    secret = asyncio.run(_fill(site))
    anchors = site.pki.anchors(TrustPurpose.TLS) / "root.pem"
    with gateway(site, _LOG, profile=profile) as served:
        load = _Load(port=port, anchors=anchors, secret=secret, seconds=1.0, connections=connections)
        _clients(load)  # everything is warm
        before, first = served.cpu_seconds(), served.cpu_by_process()["gateway"]
        sent = _clients(_Load(port=port, anchors=anchors, secret=secret, seconds=seconds, connections=connections))
        spent, own = served.cpu_seconds() - before, served.cpu_by_process()["gateway"] - first
    if sent.refused:
        raise RuntimeError(f"refused: {sent.refused.most_common(3)}")
    count, ordered = len(sent.latencies), sorted(sent.latencies)
    return [
        aimed("vxp_accepted_per_second", count / sent.seconds),
        Figure(name="vxp_cpu_per_document", value=spent / count * 1000, unit="ms"),
        Figure(name="vxp_cpu_of_its_server_process", value=own / count * 1000, unit="ms"),
        Figure(name="vxp_client_cpu_per_document", value=sent.cpu_seconds / count * 1000, unit="ms"),
        Figure(name="vxp_latency_median", value=median(ordered) * 1000, unit="ms"),
        Figure(name="vxp_latency_p99", value=ordered[int(count * 0.99)] * 1000, unit="ms"),
    ]


async def _fill(site: Site) -> str:
    """Two channels, the province and its communes, and the province's secret."""
    async with open_foundation(config.load(site.config), purpose="setup") as base:
        now = base.clock.now()
        for name in ("province", "communes"):
            change = UpsertEndpoint(name=name, kind="inbox", actor=_ACTOR, now=now)
            await base.directory.apply(base.pump, UpsertEndpointOperation(), change)
        lines = ["organ_id,name,kind,endpoint", f"{PROVINCE.code},{PROVINCE.name},province,province"]
        lines += [f"{each.code},{each.name},commune,communes" for each in COMMUNES]
        data = "\n".join(lines).encode()
        report = await import_agencies(base.directory, base.pump, base.readers, data, actor=_ACTOR, now=now)
        if report.problems:
            raise RuntimeError(f"the directory was not taken: {report.problems[0]}")
        agency = (await base.directory.resolve([PROVINCE.code], now))[PROVINCE.code]
        wish = Wish(
            agency_id=agency.id,
            binding="vxp",
            system_id=PROVINCE.code,
            lifetime=timedelta(days=1),
            overlap=timedelta(0),
            networks=tuple(loopback()),
            label="bench",
            actor=_ACTOR,
            why="bench",
        )
        return (await base.shared_secrets.issue(wish, now)).secret


def _clients(load: _Load) -> _Sent:
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_run, args=(load, theirs), daemon=True)
    process.start()
    theirs.close()
    found: _Sent = ours.recv()
    process.join()
    return found


def _run(load: _Load, pipe: Connection) -> None:
    pipe.send(run(_all(load)))


async def _all(load: _Load) -> _Sent:
    sent, papers = _Sent(), Papers(PROVINCE, run=f"v{time.monotonic_ns()}")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(load.anchors)
    lines = [
        await asyncio.open_connection("127.0.0.1", load.port, ssl=context, server_hostname="localhost")
        for _ in range(load.connections)
    ]
    numbers = iter(range(1, 100_000_000))
    began, cpu = time.monotonic(), time.process_time()
    ends = began + load.seconds

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while time.monotonic() < ends:
            number = next(numbers)
            request = _request(load.secret, papers.make(number, COMMUNES[number % len(COMMUNES)]), PROVINCE)
            at = time.monotonic()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            start = head.lower().index(b"content-length: ") + 16
            reply = await reader.readexactly(int(head[start : head.index(b"\r", start)]))
            if b'"status":"OK"' in reply:
                sent.latencies.append(time.monotonic() - at)
            else:
                sent.refused[reply[:200].decode()] += 1
        writer.close()

    await asyncio.gather(*(one(*line) for line in lines))
    sent.seconds, sent.cpu_seconds = time.monotonic() - began, time.process_time() - cpu
    return sent


def _request(secret: str, document: bytes, sender: Office) -> bytes:
    """As the vendor's SDK sends it: the hash without leading zeros, a line end behind the document."""
    now = datetime.now(VIETNAM)
    parameters = {
        "from": sender.code,
        "servicetype": "eDoc",
        "messagetype": "edoc",
        "hash-file": "".join(f"{byte:x}" for byte in hashlib.sha256(document).digest()),
        "systemid": sender.code,
        "timestamp": f"{now:%d%m%YT%H%M%S}+{now.microsecond // 1000:04}",
        "Content-Type": "application/octet-stream",
    }
    named = {f"XroadVnpt-{name}": value for name, value in parameters.items()}
    text = json.dumps(named, separators=(",", ":"))
    fields = named | {
        "XroadVnpt-sign-header-key": ";".join(parameters),
        "XroadVnpt-sign-header": text,
        "XroadVnpt-hash-header": hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest(),
        "Content-Type": "application/octet-stream",
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    first = f"POST /vxp/sendEdoc HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(document) + 2}\r\n"
    return f"{first}{head}\r\n".encode() + document + b"\r\n"


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0, help="length of the run (default 20)")
    parser.add_argument(
        "--connections", type=int, default=_CONNECTIONS, help="clients at once (default: %(default)s)"
    )
    parser.add_argument("--folder", type=Path, default=Path("/var/tmp"), help="on the disk to measure")
    parser.add_argument("--profile", type=Path, help="profile the gateway's event loop into this file")
    arguments = parser.parse_args()
    _LOG.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="gateway-bench-", dir=arguments.folder) as folder:
        figures = measure(
            Path(folder).resolve(),
            seconds=arguments.seconds,
            connections=arguments.connections,
            profile=arguments.profile,
        )
    for each in figures:
        goal = "" if each.goal is None else f"  (goal {each.goal:g})"
        print(f"{each.name:32}{each.value:10.2f} {each.unit}{goal}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
