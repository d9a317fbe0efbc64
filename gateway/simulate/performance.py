"""One performance: starts the processes, watches the ledger, kills the gateway where faults are asked for, ends.

It decides by looking at the ledger from outside, like an auditor; the simulators decide for themselves when to
act. A child that ends by itself, a refused submission, or no progress for a long while end the performance with an
account of what did not come to pass.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from time import monotonic
from typing import Self

import aiohttp
from yarl import URL

from gateway.errors import EnvironmentRefusedError
from gateway.simulate.axis_stage import axis_arguments
from gateway.simulate.children import Child
from gateway.simulate.ledger import LedgerReader
from gateway.simulate.province import GATEWAY
from gateway.simulate.reckoning import LedgerView
from gateway.simulate.script import Script
from gateway.simulate.stage import SIMULATORS, Stage
from gateway.simulate.standing import Standing, stand
from gateway.simulate.systems import ROLES
from gateway.simulate.table import Display
from gateway.simulate.witnesses import DemoWitness

#: Seconds: between two looks, until a process must be up, without any progress, to end a simulator or the gateway.
_LOOK = 0.3
_START = 120.0
_STALLED = 120.0
_END_SIMULATOR = 10.0
_END_GATEWAY = 20.0
#: Shares of the script after which the gateway is killed.
_KILLS = (0.2, 0.55)


@dataclass(kw_only=True, slots=True)
class _Heard:
    """What the simulators have said."""

    ready: set[str] = field(default_factory=set)
    acted: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)

    def take(self, name: str, line: str) -> None:
        word, _, rest = line.partition(" ")
        if word in {"ready", "axis"}:  # the axis says where it is ready, too
            self.ready.add(name)
        elif word == "acted":
            self.acted.add(rest)
        elif word == "problem":
            self.problems.append(rest)


class Performance:
    """Use as an async context: leaving it ends every process."""

    def __init__(self, stage: Stage, script: Script, display: Display, *, faults: bool) -> None:
        self._stage = stage
        self._script = script
        self._display = display
        self._kills = list(_KILLS) if faults else []
        self._heard = _Heard()
        self._reader = LedgerReader(stage.layout.database)
        self._gateway: Child | None = None
        self._simulators: list[Child] = []
        self._authority: Child | None = None
        self._witnesses: list[Child] = []
        self._began = monotonic()
        self.interrupted = asyncio.Event()
        self.seconds = 0.0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.end()

    async def start(self) -> None:
        """Everything is up and nobody has acted yet."""
        starting = [self._start_simulator(role) for role in ROLES]
        self._simulators = list(await asyncio.gather(self._start_axis(), *starting))
        self._authority = await self._start_authority()
        self._witnesses = [await self._start_witness(each) for each in self._stage.witnesses]
        await self._start_gateway()
        await self._reader.open()
        async with asyncio.timeout(_START):
            while len(self._heard.ready) < len(self._simulators):
                self._refuse_dead()
                await asyncio.sleep(_LOOK)

    async def play(self) -> Standing:
        """Play until the ledger is as scripted, or nothing moves any more; gives the last look."""
        self._began = monotonic()
        for child in self._simulators:
            await child.tell("begin")
        best, since = -1, monotonic()
        while True:
            standing = stand(await self._reader.view(), self._script, GATEWAY)
            self.seconds = monotonic() - self._began
            self._display.show(
                standing, self.seconds, f"· kill -9 còn / left: {len(self._kills)}" if self._kills else ""
            )
            if self._is_over(standing):
                return standing
            if standing.reached > best:
                best, since = standing.reached, monotonic()
            if self.interrupted.is_set() or self._heard.problems or monotonic() - since > _STALLED:
                return standing
            self._refuse_dead()
            if self._kills and standing.reached >= self._kills[0] * standing.wanted:
                await self._kill_gateway()
            await asyncio.sleep(_LOOK)

    async def tell(self, role: str, line: str) -> None:
        """One line to the process of a role."""
        await next(each for each in self._simulators if each.name == role).tell(line)

    async def view(self) -> LedgerView:
        """The ledger as it is now."""
        return await self._reader.view()

    async def end(self) -> None:
        """Simulators first, so that nobody is cut off; then the gateway, by SIGTERM."""
        await self.end_simulators()
        await self._reader.close()
        if self._gateway is not None:
            await self._gateway.stop(_END_GATEWAY)
        if self._authority is not None:
            await self._authority.stop(_END_SIMULATOR)
        await asyncio.gather(*(child.stop(_END_SIMULATOR) for child in self._witnesses))

    @property
    def has_played_all(self) -> bool:
        """Whether every act was performed and nothing was refused."""
        return len(self._heard.acted) == len(self._script.acts) and not self._heard.problems

    def account(self, standing: Standing) -> list[str]:
        """Why it is not over, in words."""
        waiting = sorted({act.key for act in self._script.acts} - self._heard.acted)
        return [
            *(f"problem: {problem}" for problem in self._heard.problems),
            *(f"act not performed: {key}" for key in waiting),
            *standing.missing,
            *(f"{child.name} ended with {child.exit_code}" for child in self._children() if not child.is_running),
        ]

    def tails(self) -> list[tuple[str, str]]:
        """The end of every log."""
        return [(child.name, child.tail()) for child in self._children()]

    def _children(self) -> list[Child]:
        found = (self._gateway, self._authority, *self._witnesses, *self._simulators)
        return [each for each in found if each is not None]

    def _is_over(self, standing: Standing) -> bool:
        return not standing.missing and self.has_played_all and not self._kills

    def _refuse_dead(self) -> None:
        for child in self._children():
            if not child.is_running:
                raise EnvironmentRefusedError(f"{child.name} ended by itself with {child.exit_code}")

    async def _start_simulator(self, role: str) -> Child:
        return await Child.start(
            role,
            ["gateway.simulate", role, "--config", str(self._stage.process_file(role))],
            self._stage.layout.logs / f"{role}.log",
            heard=self._heard.take,
        )

    async def _start_axis(self) -> Child:
        listens = self._stage.pki.simulator(SIMULATORS)
        port = URL(self._stage.axis_url).port
        assert port is not None
        return await Child.start(
            "national-axis",
            axis_arguments(self._stage.layout, port, listens.certificate, listens.key),
            self._stage.layout.logs / "national-axis.log",
            heard=self._heard.take,
        )

    async def _start_authority(self) -> Child:
        pki, port = str(self._stage.layout.pki), str(URL(self._stage.tsa_url).port)
        arguments = ["gateway", "simulate", "tsa", "--pki", pki, "--port", port]
        return await Child.start("time-stamps", arguments, self._stage.layout.logs / "time-stamps.log")

    async def _start_witness(self, witness: DemoWitness) -> Child:
        log = self._stage.layout.logs / f"witness-{witness.name}.log"
        return await Child.start(f"witness-{witness.name}", witness.arguments, log)

    async def _start_gateway(self) -> None:
        config = str(self._stage.layout.config)
        log = self._stage.layout.logs / "gateway.log"
        self._gateway = await Child.start("gateway", ["gateway", "--config", config, "serve"], log)
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session:
            until = monotonic() + _START
            while not await self._is_ready(session):
                self._refuse_dead()
                if monotonic() > until:
                    raise EnvironmentRefusedError(f"the gateway was not ready within {_START:.0f} s")
                await asyncio.sleep(_LOOK / 3)

    async def _is_ready(self, session: aiohttp.ClientSession) -> bool:
        with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):
            async with session.get(f"{self._stage.operations_url}/readyz") as response:
                return response.status == 200  # noqa: PLR2004
        return False

    async def _kill_gateway(self) -> None:
        assert self._gateway is not None
        self._kills.pop(0)
        await self._gateway.kill()
        self._display.say("kill -9 gateway; khởi động lại / restarting")
        await self._start_gateway()

    async def end_simulators(self) -> None:
        """SIGTERM to all of them; their journals are complete when this returns."""
        await asyncio.gather(*(child.stop(_END_SIMULATOR) for child in self._simulators))
