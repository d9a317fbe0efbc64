"""Many power cuts in recorded runs, and proofs that a sync less would be noticed.

1. Record a run of the real gateway (`load`) and read its acts (`recording`).
2. Per seed: cut the power somewhere, half of the time just after a promise, where most is at stake; make a disk
   (`disk`), open it with the gateway's code and compare it with the promises (`verdict`).
3. Proofs: the same where the disk does not honour the syncs of bodies, or of their directories, and in a run whose
   commits were not synced. Each must come to a violation within a few seeds.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import random
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tests.crash.disk import Disk, Honoured, Loss, Weather, everything
from tests.crash.load import Recorded, Say, record, settings_of
from tests.crash.recording import File, Folder, Recording
from tests.crash.verdict import Ledger, Verdict, judge

#: The server of the third proof.
WEAKENED = "tests.crash.weakened"
#: A proof that has not come to a violation after so many seeds has failed.
PROOF_SEEDS = 20

_DATA = "data"
_MOST_PROCESSES = 4
#: Cuts just after a promise fall among so many acts.
_NEAR = 4


class Flaw(StrEnum):
    """What a disk does wrong."""

    NOTHING = "nothing"
    BODIES = "the syncs of bodies"
    FOLDERS = "the syncs of the bodies' directories"
    UPLOADS = "the syncs of uploads"

    def honoured(self) -> Honoured:
        """Which syncs count all the same."""

        def unless_body(synced: File | Folder) -> bool:
            return not (isinstance(synced, File) and synced.name.startswith(f"{_DATA}/spool/"))

        def unless_folder(synced: File | Folder) -> bool:
            return not (isinstance(synced, Folder) and synced.name.startswith(f"{_DATA}/bodies/"))

        def unless_upload(synced: File | Folder) -> bool:
            return not (isinstance(synced, File) and synced.name.startswith(f"{_DATA}/uploads/"))

        return {
            Flaw.NOTHING: everything,
            Flaw.BODIES: unless_body,
            Flaw.FOLDERS: unless_folder,
            Flaw.UPLOADS: unless_upload,
        }[self]


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """One replay."""

    seed: int
    weather: Weather
    verdict: Verdict
    loss: Loss
    #: Promises that had been given before the cut.
    due: int


class Replayer:
    """A recorded run, to be cut anywhere."""

    def __init__(self, recorded: Recorded, scratch: Path, *, is_exact: bool = True) -> None:
        """Not exact: a commit that failed may be there after the cut, though it was refused and made again."""
        self.recording = Recording(recorded.recorder.folder, recorded.recorder.log)
        self._promises = recorded.promises
        self._final = Ledger.read(recorded.recorder.folder / _DATA)
        self._settings = settings_of(recorded)
        self._scratch, self._is_exact = scratch, is_exact

    def replay(self, seed: int, flaw: Flaw = Flaw.NOTHING) -> Outcome:
        """One power cut."""
        draw = random.Random(seed)
        weather = Weather.drawn(draw, self._cut(draw))
        disk = Disk(weather, draw, flaw.honoured())
        folder = self._scratch / f"{os.getpid()}-{seed}"
        folder.mkdir()
        try:
            disk.write_to(folder, self.recording.folder)
            at = self.recording.length_before(weather.cut)
            final = self._final if self._is_exact else None
            verdict = judge(
                self._settings, folder / _DATA, self._promises, final, at=at, first_fsck=draw.random() < 1 / 2
            )
        finally:
            shutil.rmtree(folder)
        due = sum(moment <= at for moment in self._promises.moments())
        return Outcome(seed=seed, weather=weather, verdict=verdict, loss=disk.loss, due=due)

    def first_violation(self, flaw: Flaw) -> Outcome | None:
        """The first of a few seeds that comes to a violation."""
        outcomes = (self.replay(seed, flaw) for seed in range(PROOF_SEEDS))
        return next((each for each in outcomes if each.verdict.is_violation), None)

    def _cut(self, draw: random.Random) -> int:
        last = len(self.recording)
        if draw.random() < 1 / 2:
            return draw.randint(0, last)
        moment = draw.choice(self._promises.moments())
        return min(last, self.recording.acts_within(moment) + draw.randrange(_NEAR))


def recorded_run(
    folder: Path,
    library: Path,
    *,
    documents: int,
    module: str = "gateway",
    faults: Path | None = None,
    say: Say,
) -> Recorded:
    """Step 1."""
    folder.mkdir()
    return asyncio.run(record(folder, library, documents=documents, module=module, faults=faults, say=say))


def replay_all(recorded: Recorded, scratch: Path, seeds: Sequence[int]) -> Iterator[Outcome]:
    """Step 2, on all cores, in the order of seeds."""
    processes = min(_MOST_PROCESSES, os.cpu_count() or 1)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, initializer=_begin, initargs=(recorded, scratch)) as pool:
        yield from pool.map(_replay, seeds)


#: The one of a process of `replay_all`.
_replayers: list[Replayer] = []


def _begin(recorded: Recorded, scratch: Path) -> None:
    _replayers.append(Replayer(recorded, scratch))


def _replay(seed: int) -> Outcome:
    return _replayers[0].replay(seed)
