"""The fault sweep: a real gateway under load on a disk that fails when told to, one fault after another.

1. A fault is armed while clients and receiver work, or before the gateway starts. Once it has struck, everything
   is looked at (`fault_probe`), for a while where it lasts.
2. The disk is well again. The gateway must come back by itself, or have ended with exit code 3 and a clear line,
   and start again.
3. After some faults the load ends, all must have arrived, and the ledger is examined and compared as after kills.
"""

from __future__ import annotations

import asyncio
import errno
import itertools
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from gateway.audit.fsck import examine
from tests.crash.fault_probe import Probe
from tests.crash.faulty import CHANGING, EVERYWHERE, Control, Fault, Kind, Place
from tests.crash.found import Found
from tests.crash.kill_check import check, read_ledger
from tests.crash.kill_journal import now
from tests.crash.kill_process import Companion, Gateway
from tests.crash.kill_site import CLIENTS, RECEIVER, Site, Template
from tests.crash.kill_sweep import settle

#: A fault that has not struck by then is given up.
_STRIKE_SECONDS = 6.0
#: How long a lasting one is looked at.
_LAST_SECONDS = 1.5
_LATEST_CALL = 12
#: `gateway`: the machine lacks something.
_ENVIRONMENT = 3
_PAUSE = 0.1

#: (kind, places) that a working gateway comes by.
_WORKING: tuple[tuple[tuple[Kind, ...], tuple[Place, ...]], ...] = (
    ((Kind.CREATE,), (Place.SPOOL,)),
    ((Kind.WRITE,), (Place.SPOOL,)),
    ((Kind.SYNC,), (Place.SPOOL,)),
    ((Kind.NAME,), (Place.BODY,)),
    ((Kind.SYNC,), (Place.BODY,)),
    ((Kind.WRITE,), (Place.WAL,)),
    ((Kind.SYNC,), (Place.WAL,)),
    ((Kind.WRITE,), (Place.DATABASE,)),
    ((Kind.SYNC,), (Place.DATABASE,)),
    (CHANGING, EVERYWHERE),
    ((*CHANGING, Kind.MAP), (Place.WAL, Place.SHM, Place.DATABASE)),
)
#: The same for reading, which a full disk does not refuse.
_READING = (Place.SPOOL, Place.BODY, Place.WAL, Place.DATABASE)
#: (kind, place) that a start comes by.
_STARTING = (
    *((Kind.CREATE, place) for place in (Place.OTHER, Place.DATABASE, Place.WAL, Place.SHM)),
    *((Kind.WRITE, place) for place in (Place.OTHER, Place.WAL, Place.SHM)),
    *((Kind.SYNC, place) for place in (Place.OTHER, Place.WAL, Place.BODY)),
    *((Kind.MKDIR, place) for place in (Place.OTHER, Place.BODY)),
    (Kind.TRUNCATE, Place.OTHER),
    (Kind.TRUNCATE, Place.SHM),
    (Kind.MAP, Place.SHM),
    (Kind.READ, Place.DATABASE),
)


def plan(draw: random.Random) -> Iterator[Fault]:
    """Every combination, in a random order, again and again with other calls."""
    while True:
        faults = list(_combinations(draw))
        draw.shuffle(faults)
        yield from faults


def _combinations(draw: random.Random) -> Iterator[Fault]:
    errors = (errno.ENOSPC, errno.EIO)
    for (kinds, places), error, first, lasting in itertools.product(_WORKING, errors, (True, False), (True, False)):
        skip = 0 if first else draw.randint(1, _LATEST_CALL)
        yield Fault(kinds=kinds, places=places, error=error, skip=skip, lasting=lasting)
    yield Fault(kinds=CHANGING, places=EVERYWHERE, error=errno.EROFS, lasting=True)
    for place, first, lasting in itertools.product(_READING, (True, False), (True, False)):
        skip = 0 if first else draw.randint(1, _LATEST_CALL)
        yield Fault(kinds=(Kind.READ,), places=(place,), error=errno.EIO, skip=skip, lasting=lasting)
    for (kind, place), again in itertools.product(_STARTING, (True, False)):
        error = errno.EIO if kind is Kind.READ else draw.choice(errors)
        skip = draw.choice((0, draw.randint(1, _LATEST_CALL)))
        yield Fault(kinds=(kind,), places=(place,), error=error, skip=skip, lasting=True, starting=again)


@dataclass(kw_only=True, slots=True)
class Row:
    """What came of the faults of one kind."""

    struck: int = 0
    #: Armed, and not come by in time.
    unreached: int = 0
    #: The process ended itself, with code 3.
    ended: int = 0
    #: Documents accepted while it lasted, and refused.
    accepted: int = 0
    refused: int = 0
    #: Longest time until all was well again, seconds.
    recovery: float = 0.0


@dataclass(kw_only=True, slots=True)
class Tally(Found):
    """All that came of a sweep."""

    rows: dict[str, Row] = field(default_factory=dict)
    #: What clients were answered while a disk failed.
    answers: Counter[str] = field(default_factory=Counter)
    #: Lines with which a gateway ended itself.
    words: set[str] = field(default_factory=set)
    runs: int = 0


class FaultSweep:
    """One sweep over one template."""

    def __init__(
        self,
        template: Template,
        library: Path,
        *,
        per_folder: int = 20,
        last: float = _LAST_SECONDS,
        progress: Callable[[Tally, Fault], None] = lambda *_: None,
    ) -> None:
        self.tally = Tally()
        self._template, self._library, self._per_folder, self._last = template, library, per_folder, last
        self._progress = progress

    async def run(self, faults: Sequence[Fault]) -> Tally:
        """These faults."""
        began = now()
        for first in range(0, len(faults), self._per_folder):
            await self._folder(faults[first : first + self._per_folder])
            self.tally.seconds = now() - began
        return self.tally

    async def _folder(self, faults: Sequence[Fault]) -> None:
        site = self._template.copy(pause=_PAUSE)
        self.tally.folders += 1
        known = len(self.tally.violations)
        control = Control(site.folder / "control")
        companions = await asyncio.gather(*(Companion.start(site, name) for name in (RECEIVER, CLIENTS)))
        run = _Run(site, control, control.environment(self._library, site.settings.storage.folder), self.tally)
        try:
            async with Probe(site) as probe:
                await run.start()
                await probe.recovered()
                for fault in faults:
                    await self._fault(run, probe, fault)
                    self.tally.runs += 1
                    self._progress(self.tally, fault)
                self.tally.other.update(f"{site.folder.name}: {each}" for each in probe.wrong)
            await run.stop()
            self.tally.other.update(await settle(site, await Gateway.start(site), companions))
        finally:
            await run.kill()
            await asyncio.gather(*(each.stop() for each in companions))
            control.close()
        await self._look_back(site)
        if len(self.tally.violations) == known:  # what shows a violation is kept
            shutil.rmtree(site.folder)

    async def _fault(self, run: _Run, probe: Probe, fault: Fault) -> None:
        row = self.tally.rows.setdefault(_name(fault), Row())
        if fault.starting is not None:
            struck = await (run.restart(fault) if fault.starting else self._first_start(fault))
        else:
            struck = await self._while_working(run, probe, fault, row)
        if struck:
            row.struck += 1
        else:
            row.unreached += 1
        row.ended += await run.start_if_ended(str(fault))
        recovery = await probe.recovered()
        if recovery is None:
            self.tally.other.add(f"{run.site.folder.name}: {fault}: not well again after it")
        row.recovery = max(row.recovery, recovery or 0.0)

    async def _while_working(self, run: _Run, probe: Probe, fault: Fault, row: Row) -> bool:
        readable = not {Kind.READ, Kind.MAP} & set(fault.kinds)
        before, wrong = Counter(probe.counts), len(probe.wrong)
        run.control.arm(fault)
        deadline = now() + _STRIKE_SECONDS
        while not run.control.failed and now() < deadline:
            await probe.look(readable=readable)
        deadline = now() + (self._last if fault.lasting else 0)
        while True:  # once at least, however the strike itself was met
            await probe.look(readable=readable)
            await probe.status_of("/readyz")
            await probe.status_of("/metrics")
            if now() >= deadline:
                break
        run.control.disarm()
        answers = probe.counts - before
        self.tally.answers.update(answers)
        row.accepted += answers["accepted"]
        row.refused += sum(count for what, count in answers.items() if what.startswith("503"))
        probe.wrong[wrong:] = [f"{fault}: {each}" for each in probe.wrong[wrong:]]
        return run.control.failed > 0

    async def _first_start(self, fault: Fault) -> bool:
        """On an empty folder, apart."""
        site = self._template.copy(apart=True)
        shutil.rmtree(site.settings.storage.folder)
        site.settings.storage.folder.mkdir(mode=0o700)
        site.settings.log.mark.unlink(missing_ok=True)
        control = Control(site.folder / "control")
        run = _Run(site, control, control.environment(self._library, site.settings.storage.folder), self.tally)
        struck = await run.restart(fault)
        await run.start_if_ended(str(fault))
        await run.stop()
        control.close()
        report = await examine(site.settings, site.database, quick=True)
        if not report.ok:
            self.tally.other.add(f"{fault}: fsck {report.as_json()}")
        shutil.rmtree(site.folder)
        return struck

    async def _look_back(self, site: Site) -> None:
        verdict = await check(site, final=True)
        self.tally.add(verdict)
        ledger = read_ledger(site.database)
        self.tally.count(ledger)
        for line in (site.folder / "gateway.log").read_text().splitlines():
            if '"request.failed"' in line and '"level":"error"' in line:
                error = msgspec.json.decode(line, type=_Failed).exception.splitlines()[-1:]
                self.tally.other.add(f"{site.folder.name}: a client met an internal error: {error}")


class _Failed(msgspec.Struct):
    exception: str = ""


class _Run:
    """The gateway of a folder: started again whenever it has ended itself."""

    def __init__(self, site: Site, control: Control, environment: dict[str, str], tally: Tally) -> None:
        self.site, self.control = site, control
        self._environment, self._tally = environment, tally
        self._gateway: Gateway | None = None

    async def start(self) -> bool:
        """Start it; whether it became ready."""
        self._gateway = await Gateway.start(self.site, more=self._environment)
        return await self._gateway.ready()

    async def restart(self, fault: Fault) -> bool:
        """Start it anew on a disk that fails meanwhile; whether the fault struck."""
        await self.stop()
        self.control.arm(fault)
        await self.start()
        self.control.disarm()
        return self.control.failed > 0

    async def start_if_ended(self, what: str) -> bool:
        """Where it has ended itself: it must have said so, and must start now."""
        if self._gateway is None or self._gateway.exit_code is None:
            return False
        code = await self._gateway.gone()
        words = self._gateway.log.read_text().splitlines()[-1:] or [""]
        if code != _ENVIRONMENT or not words[0].startswith("gateway: ") or "internal error" in words[0]:
            self._tally.other.add(f"{self.site.folder.name}: {what}: ended with {code}, saying {words[0][:500]}")
        self._tally.words.add(words[0].replace(str(self.site.folder), "…"))
        if not await self.start():
            self._tally.other.add(f"{self.site.folder.name}: {what}: does not start on a sound disk")
        return True

    async def stop(self) -> None:
        """End it in order."""
        if self._gateway is not None:
            self._gateway.terminate()
            with suppress(TimeoutError):
                async with asyncio.timeout(60):
                    if await self._gateway.gone():
                        self._tally.other.add(f"{self.site.folder.name}: it did not stop in order")
            await self.kill()

    async def kill(self) -> None:
        """However it is."""
        if self._gateway is not None:
            await self._gateway.kill()
            self._gateway = None


def _name(fault: Fault) -> str:
    """Without the number of the call."""
    which = " from the first call" if fault.skip == 0 else " from a later call"
    return str(fault).replace(f" from call {fault.skip + 1}", which)
