"""What came of the power cuts, as a page and as one line of JSON."""

from __future__ import annotations

import platform
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from gateway import __version__
from gateway.storage.driver import choose_driver
from gateway.storage.lock import refuse_network_filesystem
from tests.crash.campaign import PROOF_SEEDS, Outcome
from tests.crash.load import Recorded
from tests.crash.recording import Recording

_ACTS = {
    "W": "writes",
    "E": "syncs",
    "L": "links",
    "R": "renames",
    "U": "names removed",
    "O": "files opened to be made",
    "M": "directories made",
    "T": "truncations",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """A sync less, and what came of it."""

    what: str
    found: Outcome | None

    @property
    def told(self) -> str:
        """For a person."""
        if self.found is None:
            return f"where {self.what}: NOT noticed in {PROOF_SEEDS} seeds"
        return f"where {self.what}: noticed with seed {self.found.seed} ({self.found.verdict.first()})"


@dataclass(kw_only=True, slots=True)
class Report:
    """Grows with every outcome."""

    seeds: int
    documents: int
    began: float
    filesystem: str = ""
    recordings: int = 0
    acts: Counter[str] = field(default_factory=Counter)
    bytes_written: int = 0
    checkpoint_syncs: int = 0
    promises: Counter[str] = field(default_factory=Counter)
    runs: int = 0
    due: int = 0
    lost: int = 0
    duplicated: int = 0
    #: Of what was not synced when the power failed.
    dropped: Counter[str] = field(default_factory=Counter)
    weather: Counter[str] = field(default_factory=Counter)
    #: What did not hold, by recording and seed.
    violations: list[str] = field(default_factory=list)
    proofs: list[Proof] = field(default_factory=list)

    @classmethod
    def begun(cls, seeds: int, documents: int) -> Report:
        """Nothing has happened yet."""
        return cls(seeds=seeds, documents=documents, began=time.monotonic())

    @property
    def is_fine(self) -> bool:
        """Nothing was violated, and every proof bit."""
        return not self.violations and all(proof.found is not None for proof in self.proofs)

    def add_recording(self, recording: Recording, recorded: Recorded) -> None:
        """Count one run."""
        self.recordings += 1
        self.filesystem = refuse_network_filesystem(recorded.site) or "unknown"
        self.acts.update(recording.counts)
        self.bytes_written += recording.bytes_written
        database = [file for name, file in recording.files() if name.endswith(".sqlite")]
        self.checkpoint_syncs += sum(len(file.syncs) for file in database)
        promises = recorded.promises
        self.promises.update(
            {
                "202 answers": len(promises.accepted),
                "receipts fetched": len(promises.receipts),
                "inbox items acknowledged": len(promises.taken),
                "transmissions that reached a receiver": len(promises.processed),
            }
        )

    def add(self, recording: int, outcome: Outcome) -> None:
        """Count one power cut."""
        self.runs += 1
        self.due += outcome.due
        self.lost += len(outcome.verdict.lost)
        self.duplicated += len(outcome.verdict.duplicated)
        loss, weather = outcome.loss, outcome.weather
        self.dropped.update(
            {
                "sectors": loss.sectors,
                "unsynced sectors": loss.unsynced_sectors,
                "names": loss.names,
                "unsynced names": loss.unsynced_names,
                "nothing": not (loss.unsynced_sectors or loss.unsynced_names),
            }
        )
        self.weather.update(
            {
                f"sectors of {weather.sector} bytes": 1,
                "others' old bytes where data is missing": weather.has_rubbish,
                "each name lost for itself": weather.loses_names_singly,
            }
        )
        if outcome.verdict.is_violation:
            self.violations.append(f"run {recording + 1}, seed {outcome.seed}: {outcome.verdict.first()}")

    def add_proof(self, what: str, found: Outcome | None) -> None:
        """Keep one proof."""
        self.proofs.append(Proof(what=what, found=found))

    def progress(self, outcome: Outcome) -> str:
        """One line for who waits."""
        told = f"{self.runs} of {self.seeds} power cuts, {len(self.violations)} violations"
        return f"{told}; seed {outcome.seed}: {outcome.verdict.first()}" if outcome.verdict.is_violation else told

    def summary(self) -> dict[str, int | float]:
        """For scripts."""
        return {
            "runs": self.runs,
            "violations": len(self.violations),
            "lost": self.lost,
            "duplicated": self.duplicated,
            "seconds": round(time.monotonic() - self.began, 1),
        }

    def page(self) -> str:
        """The page, in Markdown."""
        return "\n".join([*self._recorded(), *self._result(), *self._dropped(), *self._proven()])

    def _recorded(self) -> Iterator[str]:
        driver = choose_driver(allow_affected_sqlite=True)
        sqlite = ".".join(map(str, driver.version))
        yield "# Power cuts\n"
        yield "Written by `make powercut`; how is told in `tests/crash/campaign.py` and `disk.py`.\n"
        yield f"- {datetime.now(UTC):%Y-%m-%d}, gateway {__version__}, Python {platform.python_version()}"
        yield f"- {driver.name} with SQLite {sqlite}, Linux {platform.release()}, recorded on {self.filesystem}"
        yield f"- {self.recordings} recorded runs, each from an empty folder, with {self.documents} documents"
        yield "  and one orderly restart; in all:"
        for kind, name in _ACTS.items():
            yield f"  - {self.acts[kind]} {name}"
        yield f"  - {self.bytes_written / 1e6:.0f} MB written"
        yield f"  - {self.checkpoint_syncs} syncs of the database file, by checkpoints"
        for name, count in self.promises.items():
            yield f"  - {count} {name}"

    def _result(self) -> Iterator[str]:
        found = self.summary()
        yield "\n## Result\n"
        yield "| power cuts | violations | lost | duplicated | promises examined | seconds |"
        yield "|---:|---:|---:|---:|---:|---:|"
        cells = (
            found["runs"],
            found["violations"],
            found["lost"],
            found["duplicated"],
            self.due,
            found["seconds"],
        )
        yield f"| {' | '.join(map(str, cells))} |\n"
        for each in self.violations:
            yield f"- {each}"

    def _dropped(self) -> Iterator[str]:
        found = self.dropped
        yield f"Dropped were {found['sectors']} of {found['unsynced sectors']} unsynced sectors and"
        yield f"{found['names']} of {found['unsynced names']} unsynced names."
        yield f"In {found['nothing']} cuts there was nothing to drop. All cuts together had:\n"
        for name, count in sorted(self.weather.items()):
            yield f"- {name}: {count}"

    def _proven(self) -> Iterator[str]:
        yield "\n## A sync less is noticed\n"
        for proof in self.proofs:
            yield f"- {proof.told[0].upper()}{proof.told[1:]}."
        yield ""
