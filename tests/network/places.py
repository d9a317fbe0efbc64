"""Who listens where in a lab, and one run of gateway, axis, office and clients in it."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.crash.kill_check import check, read_ledger
from tests.crash.kill_journal import Arrived, now, read_journals
from tests.crash.kill_process import ROOT, Companion, Gateway
from tests.crash.kill_site import AXIS_RECEIVER, CLIENTS, RECEIVER, Places, Site, Template
from tests.crash.kill_sweep import settle
from tests.crash.kill_verdict import Verdict
from tests.network.lab import ADDRESSES, OFFICE_NAME, TLS_NAMES, Lab

GATEWAY_PORT, OFFICE_PORT, AXIS_PORT, RELAY_PORT = 8443, 9001, 9002, 9003
_LOOK_SECONDS = 0.1


def places(*, by_name: bool = False, by_relay: bool = False) -> Places:
    """The office is reached by its address, by its name, or through a relay of ours."""
    office = OFFICE_NAME if by_name else ADDRESSES["offices"]
    return Places(
        names=TLS_NAMES,
        listen=ADDRESSES["gateway"],
        gateway=ADDRESSES["gateway"],
        port=GATEWAY_PORT,
        office=(ADDRESSES["offices"], OFFICE_PORT),
        office_url=f"https://{office}:{RELAY_PORT if by_relay else OFFICE_PORT}/pushed",
        axis=(ADDRESSES["axis"], AXIS_PORT),
        axis_url=f"https://{ADDRESSES['axis']}:{AXIS_PORT}/axis",
        timeout=2,
    )


class NotSeenError(Exception):
    """What must hold during a fault did not."""


class Helper:
    """A program of ours in a member's namespace: the relay or the name server."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, lab: Lab, member: str, module: str, *arguments: str) -> Helper:
        """Start it and wait until it is ready."""
        command = (*lab.within(member), sys.executable, "-m", f"tests.network.{module}", *arguments)
        process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, cwd=ROOT)
        assert process.stdout is not None
        assert (await process.stdout.readline()).strip() == b"ready"
        return cls(process)

    def order(self, words: str) -> None:
        """One line on its input."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{words}\n".encode())

    async def stop(self) -> None:
        """End it."""
        self._process.kill()
        await self._process.wait()


@dataclass(kw_only=True)
class Running:
    """A gateway under load, in a lab."""

    lab: Lab
    site: Site
    gateway: Gateway
    companions: list[Companion]
    verdict: Verdict = field(default_factory=Verdict)
    #: `relay`, on the way to the office where places say so; a scenario may add others.
    helpers: dict[str, Helper] = field(default_factory=dict)

    @property
    def office(self) -> Companion:
        """The pushed office."""
        return self.companions[0]

    def arrived(self, name: str, since: float = 0.0) -> int:
        """How many deliveries reached that process since then."""
        records = read_journals([self.site.folder / f"{name}.journal"])
        return sum(1 for each in records if isinstance(each, Arrived) and each.first and each.at >= since)

    def metric(self, name: str) -> float:
        """A figure of the gateway's own, the sum over its labels."""
        port = self.site.settings.server.operations_port
        script = "import sys, urllib.request as u; print(u.urlopen(sys.argv[1], timeout=10).read().decode())"
        text = self.lab.run("gateway", sys.executable, "-c", script, f"http://127.0.0.1:{port}/metrics")
        return sum(
            float(line.split()[-1]) for line in text.splitlines() if line.split("{")[0].split(" ")[0] == name
        )

    async def until(self, found: Callable[[], object], what: str, seconds: float = 60) -> None:
        """Wait until it is true; raises NotSeenError when it does not come to be."""
        deadline = now() + seconds
        while not found():
            if now() > deadline or self.gateway.exit_code is not None:
                raise NotSeenError(f"not within {seconds:.0f} s: {what}")
            await asyncio.sleep(_LOOK_SECONDS)

    async def settle(self) -> None:
        """Everybody finishes; then all must have arrived, once."""
        self.verdict.other += await settle(self.site, self.gateway, self.companions)
        found = await check(self.site, final=True)
        self.verdict.lost += found.lost
        self.verdict.duplicated += found.duplicated
        self.verdict.other += found.other

    def deliveries(self) -> int:
        """All that the ledger has."""
        return len(read_ledger(self.site.database).deliveries)


@asynccontextmanager
async def running(
    lab: Lab, template: Template, *, seed: int = 1, prepare: Callable[[Site], None] = lambda _: None
) -> AsyncIterator[Running]:
    """Everybody at work; all of them end with the context. `prepare` changes the site before anybody starts."""
    site = template.copy(seed=seed, pause=0.2)
    prepare(site)
    gateway = await Gateway.start(site, within=lab.within("gateway"))
    homes = {RECEIVER: "offices", AXIS_RECEIVER: "axis", CLIENTS: "clients"}
    companions: list[Companion] = []
    found = Running(lab=lab, site=site, gateway=gateway, companions=companions)
    way = (ADDRESSES["offices"], str(RELAY_PORT), ADDRESSES["offices"], str(OFFICE_PORT))
    try:
        assert await gateway.ready(), gateway.log.read_text()[-2000:]
        for name, home in homes.items():
            companions.append(await Companion.start(site, name, within=lab.within(home)))
        found.helpers["relay"] = await Helper.start(lab, "offices", "relay", *way)
        yield found
    finally:
        for helper in found.helpers.values():
            await helper.stop()
        lab.heal()
        if gateway.exit_code is None:
            await gateway.kill()
        await asyncio.gather(*(each.stop() for each in companions))
