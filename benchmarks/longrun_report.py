"""The verdict on a long run, its page `docs/longrun.md` with the chart beside it, and `build/longrun.json`."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from pathlib import Path

import msgspec

from gateway import __version__
from gateway.clock import VIETNAM
from gateway.storage.driver import choose_driver
from gateway.storage.sqlite import SqliteSettings

_FLAT = 0.1
#: From here on an operator is told (`GatewayWalGrows`).
_WAL_MB = 256.0
_SILENCE = "no answer"
_KEPT = Path("build/longrun.json")
#: The least that a trend can be seen in.
_LEAST_SAMPLES = 12
_HEAD = (
    "Written by `make longrun`, not by hand. A real `gateway serve` takes documents of real senders over TLS,",
    "seals them, writes them down and pushes them to real receivers over TLS, for as long as it takes; every ten",
    "seconds what may grow is looked at. All of it is on one machine.",
)
_WIDTH, _HEIGHT, _LEFT, _TOP = 720, 120, 60, 24


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """One look at the gateway."""

    seconds: float
    delivered: int
    #: Process -> MB.
    pss: dict[str, float]
    #: Descriptors of all processes.
    files: int
    #: MB.
    wal: float
    spool: int

    @property
    def memory(self) -> float:
        """MB of all processes."""
        return sum(self.pss.values())


@dataclass(frozen=True, kw_only=True, slots=True)
class Slice:
    """A minute of load: latencies of the 202 in milliseconds."""

    seconds: float
    documents: int
    rate: float
    p50: float
    p99: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """All that was measured."""

    samples: list[Sample]
    slices: list[Slice]
    accepted: int
    refused: dict[str, int]
    lost: int
    duplicated: int
    states: dict[str, int]
    seconds: float
    why_ended: str
    data_bytes: int
    #: What a reader should know of the machine that day.
    remark: str = ""

    @property
    def unanswered(self) -> int:
        """Sent when the clients stopped waiting: in the ledger or not."""
        return self.refused.get(_SILENCE, 0)

    @property
    def offered(self) -> int:
        """What may be in the ledger."""
        return self.accepted + self.unanswered

    @property
    def settled(self) -> list[Sample]:
        """Those after the first quarter, in which caches fill."""
        return self.samples[len(self.samples) // 4 :]

    def rise(self, values: Sequence[float]) -> float:
        """By which share of its mean a straight line through `values` rises from the first to the last."""
        if len(values) < _LEAST_SAMPLES:
            return 0.0
        line = statistics.linear_regression(range(len(values)), values)
        return line.slope * (len(values) - 1) / max(statistics.fmean(values), 1e-9)

    def faults(self) -> list[str]:
        """What is not as it should be, each a sentence."""
        found = [self.why_ended] if self.why_ended else []
        settled = self.settled
        for name, values in (("memory", [x.memory for x in settled]), ("descriptors", [x.files for x in settled])):
            if self.rise(values) >= _FLAT:
                found.append(f"{name} rose by {self.rise(values):.0%}")
        if max((each.wal for each in self.samples), default=0.0) > _WAL_MB:
            found.append(f"the write-ahead log was longer than {_WAL_MB:.0f} MB")
        if self.lost:
            found.append(f"{self.lost} accepted documents did not arrive")
        if not self.accepted <= self.states.get("delivered", 0) == sum(self.states.values()) <= self.offered:
            found.append(f"the ledger says {self.states} of {self.accepted} accepted")
        found += [
            f"{count} x not accepted: {answer}" for answer, count in self.refused.items() if answer != _SILENCE
        ]
        return found

    @property
    def is_well(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults()

    def verdict(self) -> dict[str, object]:
        """For scripts."""
        return {
            "runs": self.accepted,
            "violations": len(self.faults()),
            "lost": self.lost,
            "duplicated": self.duplicated,
            "seconds": round(self.seconds, 1),
        }


def write(run: Run, *, page: Path | None) -> None:
    """The raw figures; the page and the chart beside it where one is wanted."""
    _KEPT.parent.mkdir(exist_ok=True)
    _KEPT.write_bytes(msgspec.json.encode(run))
    if page is not None:
        page.write_text(_page(run), encoding="utf-8")
        page.with_suffix(".svg").write_text(_chart(run), encoding="utf-8")


def _page(run: Run) -> str:
    settled = run.settled
    memory, files = [each.memory for each in settled], [float(each.files) for each in settled]
    wal = [each.wal for each in run.samples]
    cut = SqliteSettings().truncate_wal_bytes
    day = datetime.now(VIETNAM).date().isoformat()
    rows = [
        ("documents accepted, pushed and delivered", f"{run.accepted:,}"),
        ("lost; sent twice", f"{run.lost}; {run.duplicated}"),
        ("without an answer when a client stopped waiting", f"{run.unanswered}, each in the ledger or not"),
        ("length of the run", f"{run.seconds / 60:.0f} minutes, {run.accepted / run.seconds:.0f} documents/s"),
        ("memory of all processes (PSS), after the first quarter", _span(memory, "MB")),
        ("  a straight line through it rises by", f"{run.rise(memory):+.1%} of the mean (flat: below 10 %)"),
        ("descriptors of all processes", _span(files, "")),
        ("  a straight line through them rises by", f"{run.rise(files):+.1%} of the mean (flat: below 10 %)"),
        (
            "write-ahead log, longest",
            f"{max(wal):.1f} MB (cut above {cut >> 20} MiB)",
        ),
        ("files in the spool, most", f"{max(each.spool for each in run.samples)}"),
        ("202, p50 of the first and the last tenth of the minutes", _tenths(run, "p50")),
        ("202, p99 of the first and the last tenth of the minutes", _tenths(run, "p99")),
        (
            "database at the end",
            f"{run.data_bytes / 1e9:.2f} GB, {run.data_bytes / max(1, run.accepted):.0f} bytes each",
        ),
    ]
    faults = run.faults()
    processes = _processes(run)
    sqlite = ".".join(map(str, choose_driver(allow_affected_sqlite=True).version))
    about = f"{day}, gateway {__version__}, SQLite {sqlite}, {_machine()}."
    return "\n".join(
        [
            "# Long run",
            "",
            *_HEAD,
            "",
            f"{about} {run.remark}".strip(),
            "",
            "![Memory, descriptors, write-ahead log and latency over the run](longrun.svg)",
            "",
            "| what | measured |",
            "|---|---|",
            *[f"| {name} | {value} |" for name, value in rows],
            "",
            "By process, mean over the second and over the last quarter of the run:",
            "",
            "| process | second quarter | last quarter |",
            "|---|---:|---:|",
            *[f"| {name} | {early:.1f} MB | {late:.1f} MB |" for name, early, late in processes],
            "",
            "## Verdict",
            "",
            *([f"- {each}" for each in faults] or ["Nothing grows, nothing was lost."]),
            "",
        ]
    )


def _machine() -> str:
    return f"Python {platform.python_version()}, {os.cpu_count()} cores"


def _span(values: Sequence[float], unit: str) -> str:
    return f"{min(values):.0f} to {max(values):.0f} {unit}".strip()


def _tenths(run: Run, name: str) -> str:
    values = [getattr(each, name) for each in run.slices]
    tenth = max(1, len(values) // 10)
    return f"{statistics.median(values[:tenth]):.0f} ms; {statistics.median(values[-tenth:]):.0f} ms"


def _processes(run: Run) -> list[tuple[str, float, float]]:
    quarter = max(1, len(run.samples) // 4)
    early, late = run.samples[quarter : 2 * quarter] or run.samples, run.samples[-quarter:]
    names = [name for name in late[-1].pss if name in early[0].pss]
    return [(name.rpartition(" ")[0], _mean(early, name), _mean(late, name)) for name in names]


def _mean(part: Sequence[Sample], process: str) -> float:
    return statistics.fmean(each.pss.get(process, 0.0) for each in part)


def _chart(run: Run) -> str:
    samples, slices = run.samples, run.slices
    bands = (
        ("memory, MB", [(each.seconds, each.memory) for each in samples]),
        ("descriptors", [(each.seconds, float(each.files)) for each in samples]),
        ("write-ahead log, MB", [(each.seconds, each.wal) for each in samples]),
        ("202 at p99, ms", [(each.seconds, each.p99) for each in slices]),
    )
    height = len(bands) * (_HEIGHT + 2 * _TOP)
    body = "".join(_band(number, title, points, run.seconds) for number, (title, points) in enumerate(bands))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH + 2 * _LEFT} {height}" role="img" '
        f'font-family="sans-serif" font-size="12"><title>What may grow, over {run.accepted:,} documents</title>'
        f'<rect width="100%" height="100%" fill="white"/>{body}</svg>\n'
    )


def _band(number: int, title: str, points: Sequence[tuple[float, float]], seconds: float) -> str:
    top = number * (_HEIGHT + 2 * _TOP) + _TOP
    most = max((value for _, value in points), default=1.0) or 1.0
    line = " ".join(
        f"{_LEFT + at / seconds * _WIDTH:.1f},{top + _HEIGHT - value / most * _HEIGHT:.1f}" for at, value in points
    )
    minutes = f"{seconds / 60:.0f} min"
    return (
        f'<text x="{_LEFT}" y="{top - 6}" fill="#222">{escape(title)}</text>'
        f'<text x="{_LEFT - 6}" y="{top + 10}" text-anchor="end" fill="#555">{most:.0f}</text>'
        f'<text x="{_LEFT - 6}" y="{top + _HEIGHT}" text-anchor="end" fill="#555">0</text>'
        f'<text x="{_LEFT + _WIDTH}" y="{top + _HEIGHT + 14}" text-anchor="end" fill="#555">{minutes}</text>'
        f'<rect x="{_LEFT}" y="{top}" width="{_WIDTH}" height="{_HEIGHT}" fill="#f6f6f6" stroke="#ccc"/>'
        f'<polyline points="{line}" fill="none" stroke="#0b5fa5" stroke-width="1.5"/>'
    )
