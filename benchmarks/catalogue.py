"""The axis's catalogue taken in, and searched: how long, how much memory, and what others feel of it.

    python -m benchmarks.catalogue [--agencies 125000]

The gateway as it is served takes in the lists of an axis of this size over TLS: for the first time, then unchanged,
then with some hundred changes. Meanwhile its operations listener is asked again and again: the longest answer is
the longest stall of its event loop, and a little more. Memory is the peak resident set of its own process
(VmHWM): in all, and what the catalogues added. Then an agency searches by REST: words with and without diacritics,
cut words, parts of names, codes of both forms.

The axis has made its lists before time is taken, as the real one has them in a table.
"""

from __future__ import annotations

import argparse
import asyncio
import ssl
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import msgspec

from adapters.vxp.catalogue import open_catalogue
from benchmarks.axis import Axis, axis, connect
from benchmarks.goals import Figure, aimed
from benchmarks.installation import PROVINCE, Site, prepare, record_certificate
from benchmarks.phases import Say, rank
from benchmarks.processes import Gateway, gateway
from gateway.admin.catalogue import SyncCatalogue
from gateway.channels import surroundings_of
from gateway.clock import SystemClock
from gateway.commands.acting import ask
from gateway.config import settings as config
from gateway.foundation import open_foundation
from gateway.pki import client_tls_context
from gateway.seal.trust import TrustPurpose

_LOG = Path("build/bench-catalogue.log")
_CSV = f"organ_id,name,kind,endpoint\n{PROVINCE.code},{PROVINCE.name},province,province\n".encode()
_QUESTIONS = (
    "rach gia", "Rạch Giồng", "xã An Bình", "xa an binh", "uy ban nhan dan", "Ủy ban nhân dân xã Tân", "giang h",
    "u", "h", "so noi vu", "Sở Nội vụ tỉnh", "phong phap che", "H33", "H33.0", "H41.02.07", "000.05.21.H33",
    "thanh", "phuong phu quoc", "khong ai ca", "van thu luu tru ninh", "1", "th", "hoa", "cuc", "trung tam dao tao",
)  # fmt: skip
_ROUNDS = 8
#: Of so many agencies, one gets another name, one is deleted, one is new.
_CHANGED_ONE_IN = 600


def measure(folder: Path, *, agencies: int, say: Say) -> list[Figure]:
    """All figures of the catalogue."""
    site = prepare(folder)
    with axis(site, agencies=agencies, hosts=(PROVINCE.code,)) as running:
        asyncio.run(_fill(site, running))
        say(f"an axis of {agencies} agencies")
        with gateway(site, _LOG) as served:
            return [*_syncs(site, running, served, agencies, say), *asyncio.run(_searches(site))]


async def _fill(site: Site, running: Axis) -> None:
    channel = await connect(site, running, _CSV, ["province"], source="")
    async with open_foundation(config.load(site.config), purpose="setup") as base:
        await record_certificate(site, base, "province", PROVINCE)
        warm = open_catalogue(
            channel, surroundings_of(base.settings, SystemClock(), base.settings.directory.timeout)
        )
        await warm.fetch()
        await warm.close()


def _syncs(site: Site, running: Axis, served: Gateway, agencies: int, say: Say) -> list[Figure]:
    some = agencies // _CHANGED_ONE_IN
    before, took, stalls, spent = served.peak_bytes(), {}, {}, {}
    for name, outcome in (("sync", "applied"), ("unchanged", "unchanged"), ("changed", "applied")):
        if name == "changed":
            running.order("/catalogue", {"rename": some, "add": some, "delete": some, "seed": 7})
        with _stalls(site) as longest:
            began, cpu = time.monotonic(), served.cpu_seconds()
            report = asyncio.run(ask(config.load(site.config), "sync", SyncCatalogue(channel="axis")))
            took[name], spent[name] = time.monotonic() - began, served.cpu_seconds() - cpu
        stalls[name] = max(longest) * 1000
        if report["outcome"] != outcome:
            raise RuntimeError(f"the catalogue was {report['outcome']}: {msgspec.json.encode(report)[:1000]!r}")
        say(f"catalogue, {name}: {took[name]:.2f} s, longest stall {stalls[name]:.0f} ms")
    peak = served.peak_bytes()
    return [
        aimed("catalogue_sync", took["sync"]),
        Figure(name="catalogue_sync_cpu", value=spent["sync"], unit="s"),
        aimed("catalogue_unchanged", took["unchanged"]),
        Figure(name="catalogue_changed", value=took["changed"], unit="s"),
        aimed("catalogue_memory_peak", peak / 1e6),
        Figure(name="catalogue_memory_added", value=(peak - before) / 1e6, unit="MB"),
        aimed("catalogue_stall", max(stalls.values())),
    ]


@contextmanager
def _stalls(site: Site) -> Iterator[list[float]]:
    """How long the operations listener took to answer, every time, until the block ends."""
    found, ended = [0.0], threading.Event()

    def watch() -> None:
        while not ended.is_set():
            began = time.monotonic()
            with urllib.request.urlopen(f"http://127.0.0.1:{site.operations_port}/healthz", timeout=60):
                found.append(time.monotonic() - began)
            ended.wait(0.01)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        thread.join()


async def _searches(site: Site) -> list[Figure]:
    context = client_tls_context(site.pki.anchors(TrustPurpose.TLS))
    pair = site.pki.client("province")
    context.load_cert_chain(pair.certificate, pair.key)
    context.verify_mode = ssl.CERT_REQUIRED
    latencies: dict[str, list[float]] = {}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session:
        for number in range(_ROUNDS + 1):
            for question in _QUESTIONS:
                began = time.monotonic()
                url = f"https://localhost:{site.port}/api/v1/agencies"
                async with session.get(url, params={"q": question, "limit": "20"}) as response:
                    response.raise_for_status()
                    await response.read()
                if number:  # the first round fills caches and connects
                    latencies.setdefault(question, []).append((time.monotonic() - began) * 1000)
    every = [each for found in latencies.values() for each in found]
    slowest = max(latencies, key=lambda question: rank(latencies[question], 0.5))
    return [
        Figure(name="search_p50", value=rank(every, 0.5), unit="ms"),
        aimed("search_p99", rank(every, 0.99)),
        aimed("search_slowest_question", rank(latencies[slowest], 0.5)),
    ]


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agencies", type=int, default=125_000, help="size of the catalogue (default 125000)")
    parser.add_argument("--folder", type=Path, default=Path("/var/tmp"), help="on the disk to measure")
    arguments = parser.parse_args()
    _LOG.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="gateway-bench-", dir=arguments.folder) as folder:
        for each in measure(Path(folder).resolve(), agencies=arguments.agencies, say=print):
            goal = "" if each.goal is None else f"  (goal {each.goal:g})"
            print(f"{each.name:32}{each.value:10.2f} {each.unit}{goal}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
