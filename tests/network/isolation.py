"""Whether some offices or clients in trouble are felt by the others: 145 offices, rounds with and without trouble.

Each round sends documents to all offices by the same schedule; what is compared is the healthy offices' time from
the 202 to *delivered*, and the province's own time to the 202. A calm round and one with trouble make a pair, in
either order, so that what else the machine does falls on both; the figure is the median of the pairs' ratios.
"""

from __future__ import annotations

import asyncio
import functools
import itertools
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.installation import COMMUNES, PROVINCE, Site, fill, prepare, record_certificate
from benchmarks.phases import rank
from benchmarks.processes import Gateway, Worker, gateway, receivers, senders
from benchmarks.sender import Load, Sent
from gateway.config import settings as config
from gateway.foundation import DATABASE, open_foundation
from gateway.pki import issue_client
from gateway.seal.trust import TrustPurpose
from gateway.storage.sqlite import connect_lookup
from tests.crash.kill_process import ROOT
from tests.network.lab import ADDRESSES, TLS_NAMES, Lab, enter
from tests.network.nuisance import MEEK

#: Offices 1 to 20 can die, by 7 to 6 of each kind; 21 can trickle; 22 sends too much; the others are healthy.
DEAD, TRICKLING, FLOODING = 20, 21, 22
#: Documents a second, somewhat below an agency's share.
RATE = 40.0
GOAL = 1.1
_KINDS = ("refused", "black hole", "silent")
_HOSTS = {kind: f"10.77.0.{51 + number}" for number, kind in enumerate(_KINDS)}
_SLOW = "10.77.0.54"
_RELAY_PORT = 9003
_DRAIN_SECONDS = 90.0
#: What an office may send at once is used up in so long.
_FLOODED_SECONDS = 6.0
_SETTINGS = """
[delivery]
base = "1s"
cap = "5s"
breaker_probe = "1s"
timeout = "10s"
"""


@dataclass(kw_only=True, slots=True)
class Round:
    """What one round came to, in seconds."""

    accepted: list[float]
    delivered: list[float]
    #: Answers of a flooding client, by status.
    flood: dict[str, int] = field(default_factory=dict)


@dataclass(kw_only=True, slots=True)
class Comparison:
    """One kind of trouble."""

    name: str
    #: Pairs of calm and troubled.
    pairs: list[tuple[Round, Round]] = field(default_factory=list)

    def ratios(self, of: Callable[[Round], list[float]], share: float) -> list[float]:
        """Troubled to calm, pair by pair."""
        return [rank(of(worse), share) / rank(of(calm), share) for calm, worse in self.pairs]


class Field:
    """145 offices in a lab, the gateway in the namespace that this process has entered."""

    def __init__(self, lab: Lab, site: Site, sender: Worker, flooder: Worker, served: Gateway) -> None:
        self.lab, self.site, self.served = lab, site, served
        self._sender, self._flooder = sender, flooder
        self._first = itertools.count(0, 1_000_000)
        self.accepted = 0
        self.refused = 0
        self.token = ""
        self.relay: subprocess.Popen[bytes] | None = None

    def round(self, seconds: float) -> Round:
        """Send, and wait until the healthy ones have theirs."""
        began = datetime.now(UTC)
        sent = self._send(self._sender, seconds)
        self.accepted += len(sent.ids)
        self.refused += sum(sent.refused.values())
        self._wait(healthy=True)
        return Round(accepted=sent.latencies, delivered=self._delivered(began))

    def _send(self, sender: Worker, seconds: float) -> Sent:
        sender.order(self.load(seconds, RATE))
        while True:
            heard = sender.hear(120)
            if isinstance(heard, Sent):
                return heard

    def load(self, seconds: float, rate: float | None, number: int = 0) -> Load:
        """Documents of the province, or of an office, to all offices in turn."""
        office = COMMUNES[number - 1] if number else PROVINCE
        return Load(
            seconds=seconds,
            connections=32,
            rate=rate,
            first=next(self._first) % 90_000_000,
            run=str(time.time_ns()),
            sender=office,
            recipients=tuple(each for each in COMMUNES if each != office),
        )

    @contextmanager
    def flood(self, seconds: float, into: dict[str, int]) -> Iterator[None]:
        """An office sends as fast as it can."""
        self._flooder.order(self.load(seconds, None, FLOODING))
        yield
        while not isinstance(heard := self._flooder.hear(120), Sent):
            pass
        into["202"] = into.get("202", 0) + len(heard.ids)
        for answer, count in heard.refused.items():
            status = answer.split(maxsplit=1)[0]
            into[status] = into.get(status, 0) + count

    def drain(self) -> None:
        """Wait until everybody has everything."""
        self._wait(healthy=False)

    def left(self) -> int:
        """Deliveries that have not arrived."""
        return self._count("SELECT count(*) FROM delivery WHERE state <> 'delivered'")

    def _wait(self, *, healthy: bool) -> None:
        numbers = tuple(each.code for each in COMMUNES[:TRICKLING])
        marks = ", ".join("?" * len(numbers))
        sql = "SELECT count(*) FROM delivery WHERE state IN ('queued', 'deferred', 'in_flight')"
        sql += f" AND recipient_code NOT IN ({marks})" if healthy else ""
        until = time.monotonic() + _DRAIN_SECONDS
        while self._count(sql, numbers if healthy else ()) and time.monotonic() < until:
            time.sleep(0.1)

    def _delivered(self, began: datetime) -> list[float]:
        numbers = tuple(each.code for each in COMMUNES[:TRICKLING])
        sql = (
            "SELECT (d.state_at - m.accepted_at) / 1e6 FROM message AS m JOIN delivery AS d ON d.message_id = m.id"
            f" WHERE m.accepted_at >= ? AND m.sender_code = ? AND d.state = 'delivered' AND d.recipient_code NOT IN"
            f" ({', '.join('?' * len(numbers))})"
        )
        with closing(connect_lookup(self._database)) as connection:
            rows = connection.execute(sql, (int(began.timestamp() * 1e6), PROVINCE.code, *numbers)).fetchall()
        return [float(row[0]) for row in rows]

    def _count(self, sql: str, values: Sequence[object] = ()) -> int:
        with closing(connect_lookup(self._database)) as connection:
            return int(connection.execute(sql, tuple(values)).fetchall()[0][0])

    @property
    def _database(self) -> Path:
        return self.site.folder / "data" / DATABASE


@contextmanager
def field_of(lab: Lab, folder: Path) -> Iterator[Field]:
    """Everything started; call it in a process that may live in the gateway's namespace from then on."""
    for host in (*_HOSTS.values(), _SLOW):
        lab.run("dead", "ip", "address", "add", f"{host}/24", "dev", "eth0")
    site = prepare(folder, (*TLS_NAMES, *_HOSTS.values(), _SLOW))
    issue_client(site.pki.folder, "flooder", COMMUNES[FLOODING - 1].code, now=datetime.now(UTC))
    text = site.config.read_text().partition("[limits]")[0] + _SETTINGS
    site.config.write_text(text.replace("[server]", f'[server]\nhost = "{ADDRESSES["gateway"]}"'))
    enter(lab.space("gateway"))
    inside = {member: functools.partial(enter, lab.space(member)) for member in ADDRESSES}
    with ExitStack() as stack:
        _, port = stack.enter_context(receivers(site, "0.0.0.0", first=inside["offices"]))
        _, dead_port = stack.enter_context(receivers(site, "0.0.0.0", first=inside["dead"]))
        relay = stack.enter_context(_relay(lab, dead_port))
        token = asyncio.run(_fill(site, port, dead_port))
        gate = ADDRESSES["gateway"]
        sender = stack.enter_context(senders(site, gate, first=inside["clients"]))
        flooder = stack.enter_context(
            senders(site, gate, name="flooder", first=functools.partial(_meek, lab.space("other")))
        )
        served = stack.enter_context(gateway(site, folder / "gateway.log"))
        found = Field(lab, site, sender, flooder, served)
        found.relay, found.token = relay, token
        yield found


def _meek(space: str) -> None:
    """Whoever means harm has a machine of its own: its own work must not cost the others anything here."""
    enter(space)
    os.nice(MEEK)


async def _fill(site: Site, port: int, dead_port: int) -> str:
    """The directory; a token of the office that sends too much."""

    def at(number: int) -> str:
        if number <= DEAD:
            return f"{_HOSTS[_KINDS[number % len(_KINDS)]]}:{dead_port}"
        return f"{_SLOW}:{_RELAY_PORT}" if number == TRICKLING else ADDRESSES["offices"]

    await fill(site, receiver_port=port, agencies=0, progress=lambda *_: None, at=at)
    office = COMMUNES[FLOODING - 1]
    async with open_foundation(config.load(site.config), purpose="setup") as base:
        await record_certificate(site, base, "flooder", office)
        now = base.clock.now()
        agency = (await base.directory.resolve([office.code], now))[office.code]
        token, _ = await base.accounts.issue_token(
            agency.id, label="slow", lifetime=timedelta(days=1), actor="operator:test", now=now
        )
        return token


@contextmanager
def _relay(lab: Lab, dead_port: int) -> Iterator[subprocess.Popen[bytes]]:
    target = (_SLOW, str(_RELAY_PORT), ADDRESSES["dead"], str(dead_port))
    command = (*lab.within("dead"), sys.executable, "-m", "tests.network.relay", *target)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as relay:
        try:
            assert relay.stdout is not None
            relay.stdout.readline()
            yield relay
        finally:
            relay.kill()


# Troubles -----------------------------------------------------------------------------------------


@contextmanager
def dead(found: Field, _seconds: float, _flood: dict[str, int]) -> Iterator[None]:
    """20 of 145 offices are dead: they refuse, swallow every packet, or accept and are silent."""
    refused, hole, silent = _HOSTS.values()
    found.lab.fault(
        "dead",
        f"in ip daddr {refused} meta l4proto tcp reject with tcp reset",
        f"in ip daddr {hole} drop",
        f"in ip daddr {silent} ip length > 80 drop",
    )
    yield
    found.lab.heal("dead")


@contextmanager
def trickling(found: Field, _seconds: float, _flood: dict[str, int]) -> Iterator[None]:
    """One office reads and answers 200 bytes a second."""
    _order(found, b"trickle 200\n")
    yield
    _order(found, b"pass\n")


@contextmanager
def flooding(found: Field, seconds: float, flood: dict[str, int]) -> Iterator[None]:
    """One office has been sending valid documents on 32 connections as fast as they are answered."""
    with found.flood(seconds + _FLOODED_SECONDS, flood):
        time.sleep(_FLOODED_SECONDS)
        yield


@contextmanager
def idle_connections(found: Field, _seconds: float, _flood: dict[str, int]) -> Iterator[None]:
    """One machine opens 600 connections without a handshake and 600 without a request, and opens them again."""
    with _nuisance(found, "raw", 600), _nuisance(found, "idle", 600):
        yield


@contextmanager
def slow_uploads(found: Field, _seconds: float, _flood: dict[str, int]) -> Iterator[None]:
    """One office uploads 200 documents at ten bytes a second each."""
    with _nuisance(found, "slow", 200):
        yield


TROUBLES = (dead, trickling, flooding, idle_connections, slow_uploads)


def compare(found: Field, pairs: int, seconds: float, say: Callable[[str], None]) -> list[Comparison]:
    """All troubles, so many pairs of each; those of the dead offices three times as many."""
    compared = []
    found.round(seconds)  # connects everybody
    for trouble in TROUBLES:
        words = (trouble.__doc__ or "").strip()
        comparison = Comparison(name=words)
        for number in range(pairs * (3 if trouble is dead else 1)):
            flood: dict[str, int] = {}
            rounds: dict[bool, Round] = {}
            for troubled in (number % 2 == 0, number % 2 == 1):
                if troubled:
                    with trouble(found, seconds, flood):
                        rounds[True] = found.round(seconds)
                else:
                    rounds[False] = found.round(seconds)
                found.drain()
            rounds[True].flood = flood
            comparison.pairs.append((rounds[False], rounds[True]))
            shown = [f"{rank(each.delivered, 0.99) * 1000:.0f} ms" for each in comparison.pairs[-1]]
            say(f"{trouble.__name__} {number + 1}: p99 calm {shown[0]}, troubled {shown[1]}")
        compared.append(comparison)
    return compared


def _order(found: Field, words: bytes) -> None:
    assert found.relay is not None
    assert found.relay.stdin is not None
    found.relay.stdin.write(words)
    found.relay.stdin.flush()


@contextmanager
def _nuisance(found: Field, kind: str, count: int) -> Iterator[None]:
    anchors = str(found.site.pki.anchors(TrustPurpose.TLS))
    target = (kind, str(count), ADDRESSES["gateway"], str(found.site.port), anchors, found.token)
    command = (*found.lab.within("other"), sys.executable, "-m", "tests.network.nuisance", *target)
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            yield
        finally:
            process.kill()
