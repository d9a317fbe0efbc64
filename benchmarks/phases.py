"""What is measured, phase by phase, and the figures that come of it."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from benchmarks.cryptography_cost import cryptography_micros
from benchmarks.goals import Figure, aimed
from benchmarks.installation import COMMUNES, PROVINCE
from benchmarks.papers import circular
from benchmarks.processes import Gateway, Worker
from benchmarks.sender import Load, Sent

#: What may be the goal one day.
NEXT_RATE = 1000.0
_SHARE = 0.7
_CONNECTIONS, _OPEN_CONNECTIONS = 64, 256
_DRAIN_SECONDS = 60.0
_CIRCULARS = 5

Say = Callable[[str], None]


@dataclass(kw_only=True)
class Bench:
    """The running processes, and what was accepted so far."""

    gateway: Gateway
    sender: Worker
    receiver: Worker
    say: Say
    seconds: float

    def __post_init__(self) -> None:
        #: Ids of everything that got a 202.
        self.accepted: list[bytes] = []
        #: Transmissions that must have arrived.
        self.expected = 0
        self.troubles: list[str] = []
        self._first = 0
        self._names = itertools.count()

    def circulars(self) -> list[Figure]:
        """One document to 145 offices: cold, then warm; the slowest warm one counts."""
        cold = self._circular()
        self.say(f"circular, cold: {cold:.3f} s")
        warm = []
        for _ in range(_CIRCULARS):
            self._drain()
            warm.append(self._circular())
        self._drain()
        self.say("circulars, warm: " + ", ".join(f"{each:.3f}" for each in warm) + " s")
        return [
            aimed("circular_cold", cold),
            aimed("circular_warm", max(warm)),
            Figure(name="circular_warm_median", value=median(warm), unit="s"),
        ]

    def sustained(self) -> list[Figure]:
        """As fast as documents are taken: rate until the last is delivered, and CPU of everybody."""
        before = self._cpu()
        children = self.gateway.cpu_by_process()
        sent = self._load(seconds=self.seconds, connections=_CONNECTIONS)
        done_at = self._drain()
        after = self._cpu()
        count = max(1, len(sent.ids))
        took = done_at - sent.began
        each = {name: (after[name] - before[name]) / count * 1000 for name in after}
        self.say(f"{count} documents in {took:.1f} s; the last answer came after {sent.ended - sent.began:.1f} s")
        for name, value in self.gateway.cpu_by_process().items():
            self.say(f"  CPU of {name}: {(value - children.get(name, 0.0)) / count * 1000:.3f} ms per document")
        rate = count / took
        return [
            aimed("sustained", rate),
            Figure(name="share_of_1000", value=rate / NEXT_RATE * 100, unit="%"),
            aimed("cpu_gateway", each["gateway"]),
            Figure(name="cpu_senders", value=each["senders"], unit="ms/document"),
            Figure(name="cpu_receivers", value=each["receivers"], unit="ms/document"),
            Figure(name="sustained_latency_p50", value=rank(sent.latencies, 0.5) * 1000, unit="ms"),
        ]

    def open_loop(self, most: float) -> list[Figure]:
        """Latency of the 202 at 70 % of the rate measured, from the instant a document was due."""
        rate = most * _SHARE
        before = self.gateway.steps()
        sent = self._load(seconds=self.seconds / 2, connections=_OPEN_CONNECTIONS, rate=rate)
        self._drain()
        for step, (until, times) in self.gateway.steps().items():
            seconds, count = until - before[step][0], times - before[step][1]
            self.say(f"  step {step}: {seconds / max(1, count) * 1000:.1f} ms on average")
        return [
            Figure(name="latency_rate", value=rate, unit="documents/s"),
            Figure(name="latency_p50", value=rank(sent.latencies, 0.5) * 1000, unit="ms"),
            aimed("latency_p99", rank(sent.latencies, 0.99) * 1000),
            Figure(name="latency_max", value=max(sent.latencies, default=0.0) * 1000, unit="ms"),
        ]

    def memory(self) -> list[Figure]:
        """PSS of all gateway processes, after load."""
        return [aimed("memory", self.gateway.pss_bytes() / 1e6)]

    def check(self) -> list[Figure]:
        """Whether everything that got a 202 arrived, once."""
        missing = len(self.receiver.ask("missing", self.accepted))
        twice = self.receiver.ask("twice")
        if missing:
            self.troubles.append(f"{missing} accepted documents never arrived")
        return [
            aimed("lost", missing),
            Figure(name="sent_twice", value=twice, unit="transmissions"),
        ]

    def _circular(self) -> float:
        document = circular(PROVINCE, COMMUNES, f"{next(self._names)}{time.time_ns()}")
        self.sender.order(document)
        answer = None
        while answer is None:
            answer = self.sender.hear(1.0)
        assert isinstance(answer, tuple)
        began, status, body = answer
        if status != 202:
            raise RuntimeError(f"the circular was answered {status} {body[:500]!r}")
        message = body.partition(b'"id":"')[2].partition(b'"')[0]
        self.accepted.append(message)
        self.expected += len(COMMUNES)
        until = time.monotonic() + _DRAIN_SECONDS
        while time.monotonic() < until:
            count, last = self.receiver.ask("message", message)
            if count >= len(COMMUNES):
                return float(last) - began
            time.sleep(0.02)
        self.troubles.append("a circular did not arrive everywhere")
        return _DRAIN_SECONDS

    def _load(self, *, seconds: float, connections: int, rate: float | None = None) -> Sent:
        load = Load(
            seconds=seconds,
            connections=connections,
            rate=rate,
            first=self._first,
            run=str(time.time_ns()),
            sender=PROVINCE,
            recipients=COMMUNES,
        )
        self.sender.order(load)
        began, told = time.monotonic(), 0
        while True:
            heard = self.sender.hear(5.0)
            if isinstance(heard, Sent):
                break
            if isinstance(heard, int) and time.monotonic() - began >= told + 5:
                told += 5
                arrived = self.receiver.ask("count") - self.expected
                self.say(f"  {told:3} s: {heard} accepted, {arrived} delivered")
            if not self.gateway.is_alive:
                raise RuntimeError("the gateway has ended")
        self._first += len(heard.ids) + sum(heard.refused.values())
        self.accepted += heard.ids
        self.expected += len(heard.ids)
        for answer, count in heard.refused.items():
            self.troubles.append(f"{count} x not accepted: {answer}")
        return heard

    def _drain(self) -> float:
        """Wait until every outcome is committed; when that was."""
        until = time.monotonic() + _DRAIN_SECONDS
        while self.gateway.delivered() < self.expected:
            if time.monotonic() > until:
                self.troubles.append(f"{self.expected - self.gateway.delivered()} deliveries were not acknowledged")
                break
            time.sleep(0.05)
        return time.monotonic()

    def _cpu(self) -> dict[str, float]:
        return {
            "gateway": self.gateway.cpu_seconds(),
            "senders": self.sender.cpu_seconds(),
            "receivers": self.receiver.cpu_seconds(),
        }


def cryptography() -> list[Figure]:
    """The bare cryptography of a document on this machine."""
    return [Figure(name=f"bare_{name}", value=value, unit="µs") for name, value in cryptography_micros().items()]


def rank(values: list[float], share: float) -> float:
    """The value that this share of all is below; 0 of nothing."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else 0.0
