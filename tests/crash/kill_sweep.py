"""The kill sweep: start the gateway under load, kill it, start it again on the same folder, compare; many times.

1. A cycle starts the gateway, armed at one failpoint or to be killed at a random instant (also before it is ready),
   while clients, receiver, axis and ministry go on as if nothing had happened. Now and then people have been at it
   before: documents are to be destroyed, the bodies' key was turned (`kill_orders`); or a month has ended and is
   archived (`kill_months`).
2. Once it is ready, everything is examined beside the load (`kill_check`, `kill_axis`); after its end it is seen
   how soon that which the kill before had left in flight reached its receiver again.
3. After some cycles the load ends, a person decides what was killed twice on its way to the axis, all must have
   arrived, and everything is examined once more with the contents of all bodies; then a fresh folder.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import signal
import sys
from asyncio.subprocess import DEVNULL
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import sha256

from gateway.audit.fsck import examine
from gateway.failpoints import FAILPOINTS
from gateway.states import State
from gateway.storage.sqlite import connect_lookup
from tests.crash.found import Found
from tests.crash.kill_axis import read_books
from tests.crash.kill_check import check, read_ledger, resumption
from tests.crash.kill_journal import Arrived, now, read_journals
from tests.crash.kill_months import end_month, look_at_months
from tests.crash.kill_orders import look_at_orders, order, order_by_rule, turn_keys
from tests.crash.kill_process import PROGRAM, Companion, Gateway
from tests.crash.kill_site import Site, Template
from tests.crash.kill_verdict import ARRIVED
from tests.crash.kill_watch import Watch
from tests.journeys.installation import COMMUNE, PROVINCE
from tests.journeys.messages import document

RANDOM = "random instant"
POINTS = FAILPOINTS
#: Only reached where a damaged body lies in the way of a new one.
_OF_DAMAGE = frozenset({"body.set_aside", "fsio.replace"})

_KILLED = -signal.SIGKILL
#: An armed point that is not reached within this time after READY is given up for this time.
_REACH_SECONDS = 4.0
_STOP_SECONDS = 60.0
_QUIET_SECONDS = 300.0
_LOOKS = 5
_LOOK_SECONDS = 0.1
#: How often people have been at it before a start.
_ORDERED, _BY_RULE, _TURNED, _ENDED = 0.15, 0.1, 0.05, 0.15
#: Where the archive of a month that has ended is between its bytes, its name and the event that tells of it.
_OF_ARCHIVES = ("fsio.replace.before", "fsio.replace.after", "fsio.sync_dir.after")
#: The most hits before the kill, where it is not one.
_HITS = {
    "archive": 6,
    "fsio.sync": 12,
    "fsio.link": 12,
    "fsio.sync_dir": 12,
    "spool.write": 3,
    "body.keep": 10,
    "pump.commit": 20,
    "delivery.move": 12,
    "event.append": 20,
    "seal.sign": 10,
    "accept.record": 10,
    "reply": 10,
    "attempt.claim": 8,
    "attempt.dial": 8,
    "attempt.outcome": 8,
    "inbox.fetch": 4,
    "inbox.ack": 4,
    "source.list": 6,
    "source.fetch": 6,
    "source.settle": 6,
    "check.examined": 8,
    "check.verdict": 8,
    "purge.erase": 3,
    "log.grow": 3,
    "log.sign": 3,
    "log.mark": 3,
    "log.keep": 3,
}


@dataclass(kw_only=True, slots=True)
class Tally(Found):
    """All that came of a sweep."""

    kills: dict[str, int] = field(default_factory=Counter)
    #: Points that were armed and not reached in time; the kill came at a random instant instead.
    unreached: dict[str, int] = field(default_factory=Counter)
    #: Starts and runs that were not timed, because the machine stood still meanwhile (`kill_watch`).
    untimed: int = 0
    #: Seconds from the start of the process to READY, after a kill.
    ready: list[float] = field(default_factory=list)
    #: Seconds of processor that the gateway itself used until READY.
    ready_cpu: list[float] = field(default_factory=list)
    #: Seconds from READY until a transmission that was in flight reached its receiver again.
    resumed: list[float] = field(default_factory=list)
    #: Examinations by `fsck`.
    examined: int = 0
    #: Transmissions that a receiver's dedupe caught.
    repeated: int = 0
    #: Entries that the axis listed for the gateway, and messages that it took from it.
    listed: int = 0
    taken: int = 0
    #: Documents whose bodies were destroyed, and turns of the key that bodies are encrypted with.
    destroyed: int = 0
    turned: int = 0
    #: Orders that rules of retention made, and months that were archived.
    by_rule: int = 0
    archived: int = 0

    @property
    def runs(self) -> int:
        """Kills."""
        return sum(self.kills.values())


class Sweep:
    """One sweep over one template."""

    def __init__(
        self,
        template: Template,
        *,
        seed: int,
        per_folder: int = 20,
        pause: float = 0.2,
        progress: Callable[[Tally], None] = lambda _: None,
        program: str = PROGRAM,
    ) -> None:
        self._program = program
        self.tally, self._watch = Tally(), Watch()
        self._template, self._seed, self._per_folder, self._pause = template, seed, per_folder, pause
        self._draw = random.Random(seed)
        self._progress = progress
        self._killed_before = False

    async def run(self, kills: int, points: tuple[str, ...] = POINTS, *, seconds: float = 0) -> Tally:
        """So many kills, or as many as `seconds` allow: at random instants and at the points in turns."""
        began = now()
        plan = self._plan(points)
        while self.tally.runs < kills and not 0 < seconds < now() - began:
            await self._folder(min(self._per_folder, kills - self.tally.runs), plan)
            self.tally.seconds = now() - began
        self._watch.close()
        return self.tally

    def _plan(self, points: tuple[str, ...]) -> Iterator[str]:
        while True:
            for point in self._draw.sample(points, len(points)):
                yield point
                if points == POINTS:
                    yield RANDOM

    async def _folder(self, kills: int, plan: Iterator[str]) -> None:
        site = self._template.copy(seed=self._draw.getrandbits(32), pause=self._pause)
        self.tally.folders += 1
        known = len(self.tally.violations)
        companions = await asyncio.gather(*(Companion.start(site, name) for name in self._template.companions))
        self._killed_before = False
        try:
            for _ in range(kills):
                point = next(plan)
                if point.startswith("migrate."):
                    await self._kill_migration(point)
                else:
                    await self._cycle(site, point)
                self._progress(self.tally)
            await self._settle(site, companions)
        finally:
            await asyncio.gather(*(each.stop() for each in companions))
        await self._look_back(site)
        if len(self.tally.violations) == known:  # what shows a violation is kept
            shutil.rmtree(site.folder)

    # One cycle ------------------------------------------------------------------------------------

    async def _cycle(self, site: Site, point: str) -> None:
        act = point.rpartition(".")[0]
        if act in _OF_DAMAGE:
            self.put_in_the_way(site)
        if await self._let_people_in(site, act) and point == RANDOM:
            point = self._draw.choice(_OF_ARCHIVES)
            act = "archive"
        hits = self._draw.randint(1, _HITS.get(act, 1))
        armed = "" if point == RANDOM else f"{point}=kill:{hits}"
        gateway = await Gateway.start(site, armed=armed, program=self._program)
        if point == RANDOM and self._draw.random() < 0.25:
            await gateway.lives(self._draw.random())
        elif await gateway.ready():
            self._time_start(gateway)
            await self._live(site, gateway, point)
        ended_at = now()
        if gateway.exit_code is None:
            if point != RANDOM:
                self.tally.unreached[point] += 1
                point = RANDOM
            await gateway.kill()
        code = await gateway.gone()
        if code != _KILLED:
            self.tally.other.add(
                f"{site.folder.name}: the gateway ended with {code}, armed at {armed or 'nothing'}"
            )
        self.tally.kills[point] += 1
        if gateway.ready_at and self._killed_before:
            self._time_resumption(site, gateway.ready_at, ended_at)
        self._killed_before = True

    async def _let_people_in(self, site: Site, act: str) -> bool:
        """Whether a month has ended.

        Whoever opened the folder before has recovered it: that start and what goes on after it are not timed.
        """
        if not site.database.exists():
            return False
        if act.startswith("purge.") or self._draw.random() < _ORDERED:
            self._killed_before = await order(site, self._draw) == 0 and self._killed_before
        if self._draw.random() < _BY_RULE:
            self.tally.by_rule += await order_by_rule(site, self.tally.by_rule % 24 + 1) > 0
            self._killed_before = False
        if self._draw.random() < _TURNED:
            await turn_keys(site)
            self.tally.turned += 1
            self._killed_before = False
        if self._draw.random() >= _ENDED:
            return False
        await end_month(site)
        self._killed_before = False
        return True

    def _time_start(self, gateway: Gateway) -> None:
        if not self._killed_before:
            return
        if self._watch.was_undisturbed(gateway.started_at, gateway.ready_at):
            self.tally.ready.append(gateway.ready_at - gateway.started_at)
            self.tally.ready_cpu.append(gateway.ready_cpu)
        else:
            self.tally.untimed += 1

    def _time_resumption(self, site: Site, ready_at: float, ended_at: float) -> None:
        if not self._watch.was_undisturbed(ready_at, ended_at):
            self.tally.untimed += 1
            return
        resumed = resumption(site, ready_at=ready_at, ended_at=ended_at)
        self.tally.resumed += resumed.seconds
        self.tally.other.update(resumed.late)

    async def _live(self, site: Site, gateway: Gateway, point: str) -> None:
        """From READY to the kill, or until it is sure that a point is not reached."""
        examining = asyncio.create_task(self._examine(site, gateway))
        if point.startswith("stop."):
            await gateway.lives(self._draw.uniform(0.1, 0.6))
            gateway.terminate()
            await gateway.lives(_STOP_SECONDS)
        elif point != RANDOM:
            await gateway.lives(_REACH_SECONDS)
        else:
            await examining
            await gateway.lives(self._draw.uniform(0, 0.5))
        await examining

    async def _examine(self, site: Site, gateway: Gateway) -> None:
        verdict = await check(site, final=False)
        if gateway.exit_code is not None:
            # it died meanwhile, so that files may have been opened in between; the next look sees the same
            verdict.other = [each for each in verdict.other if not each.startswith("fsck")]
        self.tally.examined += 1
        self.tally.add(verdict)

    def put_in_the_way(self, site: Site) -> None:
        """A body cut short, where that of a document will go that a client is about to send."""
        number = f"H{self._draw.getrandbits(40)}"
        data = document(PROVINCE, [COMMUNE], number=number)
        digest = sha256(data).hexdigest()
        body = site.settings.storage.folder / "bodies" / digest[:2] / digest
        body.write_bytes(data[:100])
        temporary = site.handed_in / number
        temporary.write_bytes(data)
        temporary.rename(temporary.with_suffix(".edxml"))

    async def _kill_migration(self, point: str) -> None:
        """On an empty data folder: the schema is there or not, never half; the next start makes it."""
        site = self._template.copy(apart=True)
        shutil.rmtree(site.settings.storage.folder)
        site.settings.log.mark.unlink(missing_ok=True)
        gateway = await Gateway.start(site, armed=f"{point}=kill")
        code = await gateway.gone()
        again = await Gateway.start(site)
        is_ready = await again.ready()
        again.terminate()
        ended = await again.gone()
        report = await examine(site.settings, site.database, quick=True)
        if code != _KILLED or not is_ready or ended or not report.ok:
            self.tally.other.add(f"{point}: ended with {code}, then {ended}, fsck {report.as_json()}")
        self.tally.kills[point] += 1
        shutil.rmtree(site.folder)

    # The end of a folder --------------------------------------------------------------------------

    async def _settle(self, site: Site, companions: list[Companion]) -> None:
        """The last start: let everything arrive."""
        self.tally.other.update(await settle(site, await Gateway.start(site), companions))

    async def _look_back(self, site: Site) -> None:
        """What holds when all is quiet."""
        destroyed, wrong = await look_at_orders(site)
        self.tally.destroyed += destroyed
        self.tally.other.update(wrong)
        archived, wrong = await look_at_months(site)
        self.tally.archived += archived
        self.tally.other.update(wrong)
        self.tally.add(await check(site, final=True))
        self.tally.examined += 1
        ledger = read_ledger(site.database)
        self.tally.count(ledger)
        self.tally.repeated += sum(
            1 for record in read_journals(site.journals) if isinstance(record, Arrived) and not record.first
        )
        books = read_books(site.axis)
        self.tally.listed += len(books.listed)
        self.tally.taken += len(books.ours)


async def settle(site: Site, gateway: Gateway, companions: Sequence[Companion]) -> list[str]:
    """Let everything arrive at a gateway that starts, then end it in order; what went wrong."""
    wrong = []
    if not await gateway.ready():
        wrong.append(f"{site.folder.name}: the gateway did not start at the end")
    told = await asyncio.gather(*(each.finish(_QUIET_SECONDS) for each in companions))
    if not all(told):
        wrong.append(f"{site.folder.name}: clients did not get all their answers")
    quiet, least, deadline = 0, sys.maxsize, now() + _QUIET_SECONDS
    while quiet < _LOOKS and now() < deadline:
        lines = read_ledger(site.database).deliveries.values()
        left = sum(state not in ARRIVED for _, state, _, _ in lines) + len(read_books(site.axis).waiting)
        if left < least:  # a busy machine may be slow over it
            least, deadline = left, now() + _QUIET_SECONDS
        quiet = 0 if left else quiet + 1
        await _decide(site)
        await asyncio.sleep(_LOOK_SECONDS)
    gateway.terminate()
    if await gateway.gone() != 0:
        wrong.append(f"{site.folder.name}: the gateway did not stop in order")
    return wrong


def held(site: Site) -> list[str]:
    """Deliveries that nothing but a person lets go on."""
    text = (
        "SELECT id FROM delivery WHERE state = ? AND NOT EXISTS"
        " (SELECT 1 FROM check_due AS c WHERE c.message_id = delivery.message_id)"
    )
    with closing(connect_lookup(site.database)) as connection:
        return [row[0] for row in connection.execute(text, (State.HELD,))]


async def _decide(site: Site) -> None:
    """As a person does of what the axis lists neither copy of: it goes out anew; what is examined waits."""
    for delivery in held(site):
        if delivery in held(site):  # a person takes his time, and it may have gone on meanwhile
            words = ("release", delivery, "--reason", "the axis lists neither copy")
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", PROGRAM, "--config", str(site.config), *words),
                stdout=DEVNULL,
                stderr=DEVNULL,
            )
            await process.wait()
