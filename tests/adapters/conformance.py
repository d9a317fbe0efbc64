"""What every adapter owes its caller; the same suite runs on each of them, on fakes and on real peers alike.

A subclass gives the fixture `stage`, which makes a receiver behave and sends to it, and says by its attributes what
its peer is like. `tests.adapters.sources` is the other half, for what is polled.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, Protocol

import pytest

from gateway.deliver import deliver
from gateway.model import (
    Capabilities,
    DeliveryId,
    DispatchId,
    Endpoint,
    Outcome,
    OutcomeKind,
    Outgoing,
    SendReport,
    Sha256Hex,
)
from gateway.ports import Adapter, Body
from gateway.reasons import REASONS, is_temporary
from tests.unit.deliver.fakes import outgoing

Behaviour = Literal[
    "takes",
    "takes_slowly",
    "answers",
    "fails",
    "refuses",
    "talks_nonsense",
    "is_absent",
    "takes_and_drops",
    "takes_and_stalls",
]
#: Behaviours after which nobody can know whether the receiver has it.
_DOUBTFUL: tuple[Behaviour, ...] = ("takes_and_drops", "takes_and_stalls")


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """How the receiver behaves, and what it answers per delivery."""

    behaviour: Behaviour
    answers: Mapping[DeliveryId, Outcome] | None = None
    is_relay: bool = False
    #: The channel's capability of this name; the transmission goes the way of the worker then.
    max_bytes: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class AsTheWorkerDoes:
    """An adapter behind `gateway.deliver`, which judges what a channel takes; stages send through it."""

    adapter: Adapter
    scene: Scene

    async def send(self, endpoint: Endpoint, outgoing: Outgoing, body: Body) -> SendReport:
        """Once."""
        most = self.scene.max_bytes
        if most is None:
            return await self.adapter.send(endpoint, outgoing, body)
        limited = replace(endpoint, capabilities=replace(endpoint.capabilities, max_bytes=most))
        item = replace(outgoing, size=body.size)
        return await deliver(item, limited, self.adapter, _OneBody(body), default_seconds=2)

    async def close(self) -> None:
        """Give back connections."""
        await self.adapter.close()


@dataclass(frozen=True, slots=True)
class _OneBody:
    """All the bodies there are."""

    body: Body

    async def open(self, sha256: Sha256Hex, dispatch_id: DispatchId) -> Body:
        return self.body


class Stage(Protocol):
    """An adapter with a receiver at its other end.

    One exchange may take some seconds at most here; `takes_slowly` stays below that, `takes_and_stalls` does not.
    """

    #: What arrived there: (whatever tells the receiver that two are the same, bytes).
    received: list[tuple[str, bytes]]

    async def send(self, scene: Scene, item: Outgoing, content: bytes) -> SendReport:
        """Play one scene."""
        ...

    async def reached(self) -> None:
        """Until the scene that is being played has begun at the receiver's end."""
        ...


_LARGE_BYTES = 3_000_000
#: What a channel's owner may have set.
_LIMIT_BYTES = 10_000
_TOO_LARGE = {(OutcomeKind.REFUSED, "too_large_for_peer")}
#: What a channel takes whose owner has set nothing.
_DEFAULT_BYTES = Capabilities().max_bytes


class AdapterConformance:
    """The suite."""

    #: Whether the peer says of each delivery what became of it.
    answers_per_delivery: ClassVar[bool] = True
    #: Whether an exchange can end without anybody knowing; a rename either happened or did not.
    can_be_doubtful: ClassVar[bool] = True
    #: Whether it is a relay whatever its channel says.
    always_relays: ClassVar[bool] = False
    #: What nobody there is called.
    absent: ClassVar[frozenset[str]] = frozenset({"connect_failed"})

    @pytest.fixture
    def stage(self) -> Stage:
        raise NotImplementedError

    def content(self, number: int = 1, *, size: int = 30) -> bytes:
        """A message that the peer takes, of about so many bytes; another number, other bytes."""
        return f"<edXML>công văn {number}</edXML>".encode().ljust(size)

    @property
    def _taken(self) -> OutcomeKind:
        return OutcomeKind.RELAYED if self.always_relays else OutcomeKind.DELIVERED

    async def test_bytes_arrive_exactly_and_every_delivery_is_delivered(self, stage: Stage) -> None:
        """What was sealed is what arrives."""
        item, content = outgoing("e1", "r1", "r2"), self.content()
        report = await stage.send(Scene(behaviour="takes"), item, content)
        assert [came for _, came in stage.received] == [content]
        assert [one.kind for one in report.outcomes.values()] == [self._taken] * 2
        assert report.answered

    async def test_large_body_arrives_exactly(self, stage: Stage) -> None:
        """A body that is no single piece in memory is no other body."""
        large = self.content(size=_LARGE_BYTES)
        report = await stage.send(Scene(behaviour="takes"), outgoing(), large)
        assert [came for _, came in stage.received] == [large]
        assert [one.kind for one in report.outcomes.values()] == [self._taken]

    @pytest.mark.parametrize(
        "most", [_LIMIT_BYTES, pytest.param(_DEFAULT_BYTES, marks=pytest.mark.slow)], ids=["set", "default"]
    )
    async def test_body_of_the_channels_limit_arrives_and_one_byte_more_is_refused(
        self, stage: Stage, most: int
    ) -> None:
        """Exactly the limit is still taken."""
        scene = Scene(behaviour="takes", max_bytes=most)
        report = await stage.send(scene, outgoing(), self.content(size=most))
        assert [one.kind for one in report.outcomes.values()] == [self._taken], report.outcomes
        report = await stage.send(scene, outgoing("e1", "r1", "r2"), self.content(2, size=most + 1))
        assert {(one.kind, one.reason) for one in report.outcomes.values()} == _TOO_LARGE
        assert [len(came) for _, came in stage.received] == [most]
        assert stage.received[0][1] == self.content(size=most)

    async def test_body_above_the_channels_limit_is_refused_without_dialling(self, stage: Stage) -> None:
        """Whether or not anybody is there: it would be dialled for nothing, again and again."""
        scene = Scene(behaviour="is_absent", max_bytes=_LIMIT_BYTES)
        report = await stage.send(scene, outgoing(), self.content(size=_LIMIT_BYTES + 1))
        assert {(one.kind, one.reason) for one in report.outcomes.values()} == _TOO_LARGE

    async def test_what_a_relay_takes_is_relayed(self, stage: Stage) -> None:
        """An intermediary's word is not the recipient's."""
        report = await stage.send(Scene(behaviour="takes", is_relay=True), outgoing(), self.content())
        assert [one.kind for one in report.outcomes.values()] == [OutcomeKind.RELAYED]

    async def test_slow_receiver_within_its_time_has_it(self, stage: Stage) -> None:
        """Slow is not failed."""
        report = await stage.send(Scene(behaviour="takes_slowly"), outgoing(), self.content())
        assert [one.kind for one in report.outcomes.values()] == [self._taken]

    async def test_same_dispatch_twice_can_be_told_apart_from_two(self, stage: Stage) -> None:
        """Whoever gets it again can see that it is the same."""
        item = outgoing()
        for _ in range(2):
            report = await stage.send(Scene(behaviour="takes"), item, self.content())
            assert [one.kind for one in report.outcomes.values()] == [self._taken]
        assert len({key for key, _ in stage.received}) == 1
        report = await stage.send(Scene(behaviour="takes"), outgoing(), self.content(2))
        assert [one.kind for one in report.outcomes.values()] == [self._taken]
        assert len({key for key, _ in stage.received}) == 2

    async def test_answers_per_delivery_are_kept_apart(self, stage: Stage) -> None:
        """One refusal does not spoil the others."""
        if not self.answers_per_delivery:
            pytest.skip("this peer answers for the whole transmission")
        item = outgoing("e1", "r1", "r2", "r3")
        ids = [one.id for one in item.deliveries]
        answers = {
            ids[0]: Outcome(kind=OutcomeKind.DELIVERED, peer_ref="A-1"),
            ids[1]: Outcome(kind=OutcomeKind.DEFERRED, reason="peer_busy", detail="later", retry_after=30),
            ids[2]: Outcome(kind=OutcomeKind.REFUSED, reason="peer_refused", detail="no such office"),
        }
        report = await stage.send(Scene(behaviour="answers", answers=answers), item, self.content())
        assert report.outcomes == answers
        assert report.answered

    @pytest.mark.parametrize(
        ("behaviour", "kind"),
        [
            ("fails", OutcomeKind.DEFERRED),
            ("refuses", OutcomeKind.REFUSED),
        ],
    )
    async def test_failure_is_temporary_or_permanent_with_a_reason_of_the_closed_list(
        self, stage: Stage, behaviour: Behaviour, kind: OutcomeKind
    ) -> None:
        """What failed for good is not tried again."""
        item = outgoing("e1", "r1", "r2")
        report = await stage.send(Scene(behaviour=behaviour), item, self.content())
        assert [one.kind for one in report.outcomes.values()] == [kind] * 2
        for one in report.outcomes.values():
            assert one.reason in REASONS
            assert is_temporary(one.reason) is (kind is OutcomeKind.DEFERRED)
            assert len(one.detail) <= 500

    async def test_reply_that_makes_no_sense_is_no_success_and_no_refusal(self, stage: Stage) -> None:
        """Whoever answers so may have it or not, so it is tried again."""
        report = await stage.send(Scene(behaviour="talks_nonsense"), outgoing("e1", "r1", "r2"), self.content())
        for one in report.outcomes.values():
            assert one.kind in {OutcomeKind.DEFERRED, OutcomeKind.UNKNOWN}
            assert is_temporary(one.reason)
        assert not report.answered

    async def test_an_absent_receiver_is_a_failed_connection(self, stage: Stage) -> None:
        """Nothing left, so nothing is unknown."""
        report = await stage.send(Scene(behaviour="is_absent"), outgoing("e1", "r1", "r2"), self.content())
        assert {one.kind for one in report.outcomes.values()} == {OutcomeKind.DEFERRED}
        assert {one.reason for one in report.outcomes.values()} <= self.absent
        assert not report.answered

    @pytest.mark.parametrize("behaviour", _DOUBTFUL)
    async def test_receiver_that_takes_without_an_answer_leaves_it_unknown(
        self, stage: Stage, behaviour: Behaviour
    ) -> None:
        """It may have it: neither delivered nor failed."""
        if not self.can_be_doubtful:
            pytest.skip("an exchange with this peer ends or did not begin")
        report = await stage.send(Scene(behaviour=behaviour), outgoing(), self.content())
        (outcome,) = report.outcomes.values()
        assert (outcome.kind, outcome.reason) == (OutcomeKind.UNKNOWN, "outcome_unknown")
        assert is_temporary(outcome.reason)

    async def test_an_adapter_never_tries_twice(self, stage: Stage) -> None:
        """Each try is an attempt row; the caller retries."""
        await stage.send(
            Scene(behaviour="takes_and_drops" if self.can_be_doubtful else "takes"), outgoing(), self.content()
        )
        assert len(stage.received) == 1

    async def test_cancelled_in_mid_send_ends_at_once_and_the_next_one_is_sound(self, stage: Stage) -> None:
        """A shutdown waits for nobody, and leaves no half-used connection behind."""
        if not self.can_be_doubtful:
            pytest.skip("an exchange with this peer ends or did not begin")
        sending = asyncio.create_task(stage.send(Scene(behaviour="takes_and_stalls"), outgoing(), self.content()))
        await stage.reached()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            async with asyncio.timeout(20):
                await sending
        report = await stage.send(Scene(behaviour="takes"), outgoing(), self.content())
        assert [one.kind for one in report.outcomes.values()] == [self._taken]
