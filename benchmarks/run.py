"""The figures of the gateway on this machine: python -m benchmarks.run [--seconds 60] [--agencies 125000].

Builds an installation in a temporary folder and starts three processes on the same machine: the gateway as it is
served, senders with client certificates, and receivers. Documents have 20 KB with one PDF. Then, in this order:

1. the bare cryptography of a document
2. one circular to 145 pushed offices, cold (nothing is connected), then warm
3. as many documents as it takes: accepted, sealed, synced, pushed, acknowledged; and the CPU they cost
4. the 202's latency at 70 % of that rate, open loop
5. memory of all gateway processes, and whether anything was lost

and, each on an installation of its own (`--only` leaves out what is not named):

6. documents that wait at the national axis, taken by the poller
7. documents accepted by the axis's protocol from a vendor's system
8. the axis's catalogue of agencies taken in, its memory, and searches in it
9. signatures that others made: XML and PDF verified, with path and revocation
10. the transparency log's tree and its tiles
11. pages of the console over a ledger of a million deliveries (`--deliveries`)

Writes build/bench.json, with a row for every goal (`benchmarks.goals`). The last line names each goal that was
missed or not measured; the exit code is 0 all the same, for this is a measurement on whatever machine it is; it is
1 when a document was lost or refused. `--publish` also brings what was measured into docs/bench.json, of which
`make docs` makes README's table.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from benchmarks import catalogue, console_pages, evidence, phases, poller, signatures, tree, vxp_endpoint
from benchmarks.goals import Figure, published, rows, verdict
from benchmarks.installation import Site, fill, prepare
from benchmarks.phases import Bench
from benchmarks.processes import gateway, receivers, senders

_OUTPUT, _PUBLISHED = Path("build/bench.json"), Path("docs/bench.json")
_LOG = Path("build/bench-gateway.log")
#: Documents that wait at the axis, and how long its protocol is measured.
_WAITING = 1000
_ENDPOINT_SECONDS = 20.0
_PHASES = ("circular", "sustained", "latency")
_CONNECTORS = ("poller", "endpoint", "catalogue", "signatures", "evidence", "tree", "console")


def main() -> int:
    """Measure, show, write."""
    arguments = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    console = Console(highlight=False)
    _OUTPUT.parent.mkdir(exist_ok=True)
    began = time.monotonic()

    def say(text: str) -> None:
        console.print(f"{time.monotonic() - began:6.1f}  {text}", markup=False)

    figures: list[Figure] = []
    troubles: list[str] = []
    if set(arguments.only) & set(_PHASES):
        with _folder(arguments) as folder:
            figures, troubles = measure(prepare(folder), arguments, say)
    more = connectors(arguments, say)
    figures, troubles = figures + more[0], troubles + more[1]
    run = rows(figures)
    _write(_OUTPUT, run)
    if arguments.publish and not troubles:
        _write(_PUBLISHED, published(msgspec.json.decode(_PUBLISHED.read_bytes()), run))
    console.print(_table(figures))
    for trouble in troubles:
        console.print(f"[red]{trouble}[/red]")
    console.print(verdict(run), markup=False, soft_wrap=True)
    return 1 if troubles else 0


def measure(site: Site, arguments: argparse.Namespace, say: phases.Say) -> tuple[list[Figure], list[str]]:
    """All phases, in their order."""
    figures = phases.cryptography()
    with receivers(site) as (receiver, port):
        say(f"filling the directory with {arguments.agencies} agencies")
        asyncio.run(fill(site, receiver_port=port, agencies=arguments.agencies, progress=lambda *_: None))
        with senders(site) as sender, gateway(site, _LOG, profile=arguments.profile) as served:
            bench = Bench(gateway=served, sender=sender, receiver=receiver, say=say, seconds=arguments.seconds)
            say("the gateway is ready")
            if "circular" in arguments.only:
                figures += bench.circulars()
            if "sustained" in arguments.only:
                sustained = bench.sustained()
                figures += sustained
                if "latency" in arguments.only:
                    figures += bench.open_loop(sustained[0].value)
            figures += bench.memory() + bench.check()
            if again := served.not_delivered():
                say(f"{again} transmissions were not delivered at once")
    return figures, bench.troubles


def connectors(arguments: argparse.Namespace, say: phases.Say) -> tuple[list[Figure], list[str]]:
    """What is measured between the gateway and other systems, and what went wrong."""
    seconds = min(arguments.seconds, _ENDPOINT_SECONDS)
    measures: dict[str, Callable[[Path], list[Figure]]] = {
        "poller": lambda folder: poller.measure(folder, documents=_WAITING, say=say),
        "endpoint": lambda folder: vxp_endpoint.measure(folder, seconds=seconds),
        "signatures": signatures.measure,
        "evidence": evidence.measure,
        "tree": lambda _: tree.figures(),
        "console": lambda folder: console_pages.measure(folder, deliveries=arguments.deliveries, say=say),
        "catalogue": lambda folder: catalogue.measure(folder, agencies=arguments.agencies, say=say),
    }
    figures: list[Figure] = []
    troubles: list[str] = []
    for name in (each for each in _CONNECTORS if each in arguments.only):
        try:
            with _folder(arguments) as folder:
                figures += measures[name](folder)
        except RuntimeError as error:  # the figures of the others are wanted all the same
            troubles.append(f"{name}: {error}")
    return figures, troubles


@contextmanager
def _folder(arguments: argparse.Namespace) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="gateway-bench-", dir=arguments.folder) as folder:
        yield Path(folder).resolve()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0, help="length of the sustained run (default 60)")
    parser.add_argument("--agencies", type=int, default=125_000, help="size of the directory (default 125000)")
    parser.add_argument(
        "--deliveries", type=int, default=1_000_000, help="ledger behind the console's pages (default 1000000)"
    )
    parser.add_argument("--only", nargs="*", choices=(*_PHASES, *_CONNECTORS), help="phases (default: all)")
    # not below build: for minutes after many files were deleted, ext4 is slow to find inodes in that place
    where = Path("/var/tmp")
    parser.add_argument("--folder", type=Path, default=where, help="on the disk to measure (default: %(default)s)")
    parser.add_argument("--publish", action="store_true", help="bring what was measured into docs/bench.json, too")
    parser.add_argument("--profile", type=Path, help="profile the gateway's event loop into this file")
    parser.set_defaults(only=(*_PHASES, *_CONNECTORS))
    return parser.parse_args()


def _write(path: Path, run: list[dict[str, Any]]) -> None:
    path.write_bytes(msgspec.json.format(msgspec.json.encode(run), indent=2))


def _table(figures: list[Figure]) -> Table:
    table = Table()
    for name in ("figure", "value", "unit", "goal", "met"):
        table.add_column(name, justify="right" if name in {"value", "goal"} else "left")
    for each in figures:
        goal = "" if each.goal is None else f"{'≥' if each.at_least else '≤'} {each.goal:g}"
        met = {None: "", True: "[green]yes[/green]", False: "[red]MISSED[/red]"}[each.met]
        table.add_row(each.name, f"{each.value:.3f}", each.unit, goal, met)
    return table


if __name__ == "__main__":
    sys.exit(main())
