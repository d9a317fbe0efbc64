"""A long run: python -m benchmarks.longrun [--documents 1000000] [--rate 400].

The gateway as it is served, senders with client certificates and receivers, as in `benchmarks.run`, but small
documents and a million of them, in portions of a minute. Every ten seconds it notes what may grow: memory (PSS)
and descriptors of all gateway processes, the write-ahead log, the spool. At the end every document that got a
202 must have arrived and stand as delivered in the ledger.

Memory and descriptors are *flat* when a straight line through the last three quarters of the run rises by less
than a tenth of the mean over those; the first quarter is the caches filling. The log is *bounded* when it stays
below the size at which an operator is told.

Writes build/longrun.json and docs/longrun.md with its chart, and ends with one JSON line. Exit code 1 when
something was lost or grows.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import longrun_report
from benchmarks.installation import COMMUNES, PROVINCE, Site, fill, prepare
from benchmarks.longrun_report import Run, Sample, Slice
from benchmarks.phases import rank
from benchmarks.processes import Gateway, Worker, gateway, receivers, senders
from benchmarks.sender import Load, Sent

_LOG = Path("build/longrun-gateway.log")
_SAMPLE_SECONDS, _SLICE_SECONDS = 10.0, 60.0
_PDF_BYTES = 600
_CONNECTIONS = 64
_LEAST_FREE = 12 * 1024**3
_DRAIN_SECONDS = 300.0


@dataclass(kw_only=True)
class _Watch:
    """Samples the gateway beside the load."""

    gateway: Gateway
    data: Path
    began: float
    samples: list[Sample] = field(default_factory=list)
    _ended: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        while not self._ended.wait(_SAMPLE_SECONDS):
            self.samples.append(self._sample())

    def stop(self) -> None:
        self._ended.set()

    def _sample(self) -> Sample:
        wal = self.data / "gateway.sqlite-wal"
        return Sample(
            seconds=time.monotonic() - self.began,
            delivered=self.gateway.delivered(),
            pss={name: size / 1e6 for name, size in self.gateway.pss_by_process().items()},
            files=self.gateway.open_files(),
            wal=wal.stat().st_size / 1e6 if wal.exists() else 0.0,
            spool=sum(1 for _ in (self.data / "spool").iterdir()),
        )


@contextmanager
def _watched(served: Gateway, data: Path, began: float) -> Iterator[_Watch]:
    watch = _Watch(gateway=served, data=data, began=began)
    thread = threading.Thread(target=watch.run)
    thread.start()
    try:
        yield watch
    finally:
        watch.stop()
        thread.join()


@dataclass(kw_only=True)
class _Load:
    """Portions of documents until there are enough, or the disk is nearly full."""

    sender: Worker
    served: Gateway
    data: Path
    began: float
    documents: int
    rate: float
    accepted: list[bytes] = field(default_factory=list)
    slices: list[Slice] = field(default_factory=list)
    refused: dict[str, int] = field(default_factory=dict)
    why_ended: str = ""

    def run(self) -> None:
        while len(self.accepted) < self.documents and not self.why_ended:
            self._portion()
            if shutil.disk_usage(self.data).free < _LEAST_FREE:
                self.why_ended = f"less than {_LEAST_FREE >> 30} GiB of disk left"
            if not self.served.is_alive:
                self.why_ended = "the gateway has ended"
            last = self.slices[-1]
            print(
                f"{last.seconds:6.0f} s  {len(self.accepted):8} accepted  {last.rate:5.0f}/s  "
                f"p50 {last.p50:5.0f} ms  p99 {last.p99:5.0f} ms",
                flush=True,
            )

    def _portion(self) -> None:
        seconds = min(_SLICE_SECONDS, (self.documents - len(self.accepted)) / self.rate + 0.01)
        self.sender.order(
            Load(
                seconds=seconds,
                connections=_CONNECTIONS,
                rate=self.rate,
                first=sum(self.refused.values()) + len(self.accepted),
                run=str(time.time_ns()),
                sender=PROVINCE,
                recipients=COMMUNES,
                pdf_bytes=_PDF_BYTES,
            )
        )
        sent: object = None
        while not isinstance(sent, Sent):
            sent = self.sender.hear(5.0)
        self.accepted += sent.ids
        for answer, count in sent.refused.items():
            self.refused[answer] = self.refused.get(answer, 0) + count
        ranked = sorted(sent.latencies)
        took = sent.ended - sent.began
        self.slices.append(
            Slice(
                seconds=time.monotonic() - self.began,
                documents=len(self.accepted),
                rate=len(sent.ids) / max(took, 0.001),
                p50=rank(ranked, 0.5) * 1000,
                p99=rank(ranked, 0.99) * 1000,
            )
        )


def main() -> int:
    """Run, judge, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=1_000_000, help="how many (default 1000000)")
    parser.add_argument("--rate", type=float, default=400.0, help="documents a second, offered (default 400)")
    parser.add_argument("--folder", type=Path, default=Path("/var/tmp"), help="on the disk to fill")
    parser.add_argument("--remark", default="", help="a sentence for the page, on what else the machine did")
    parser.add_argument("--no-report", action="store_true", help="leave docs/longrun.md as it is")
    asked = parser.parse_args()
    _LOG.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="gateway-longrun-", dir=asked.folder) as folder:
        run = _measured(prepare(Path(folder).resolve()), asked)
        # now, for a million files are not deleted in a minute
        longrun_report.write(run, page=None if asked.no_report else Path("docs/longrun.md"))
        print(json.dumps(run.verdict()), flush=True)
    return 0 if run.is_well else 1


def _measured(site: Site, asked: argparse.Namespace) -> Run:
    data = site.folder / "data"
    with receivers(site) as (receiver, port):
        asyncio.run(fill(site, receiver_port=port, agencies=0, progress=lambda *_: None))
        with senders(site) as sender, gateway(site, _LOG) as served:
            began = time.monotonic()
            load = _Load(
                sender=sender, served=served, data=data, began=began, documents=asked.documents, rate=asked.rate
            )
            with _watched(served, data, began) as watch:
                load.run()
                _drain(served, len(load.accepted))
            lost = len(receiver.ask("missing", load.accepted))
            twice = receiver.ask("twice")
        return Run(
            samples=watch.samples,
            slices=load.slices,
            accepted=len(load.accepted),
            refused=load.refused,
            lost=lost,
            duplicated=twice,
            states=_states(data / "gateway.sqlite"),
            seconds=time.monotonic() - began,
            why_ended=load.why_ended,
            remark=asked.remark,
            data_bytes=(data / "gateway.sqlite").stat().st_size,
        )


def _drain(served: Gateway, expected: int) -> None:
    until = time.monotonic() + _DRAIN_SECONDS
    while served.is_alive and served.delivered() < expected and time.monotonic() < until:
        time.sleep(0.5)


def _states(database: Path) -> dict[str, int]:
    """How many deliveries stand in each state, by the stopped server's file."""
    with closing(sqlite3.connect(database)) as connection:
        return dict(connection.execute("SELECT state, COUNT(*) FROM delivery GROUP BY state"))


if __name__ == "__main__":
    sys.exit(main())
