"""What every adapter owes its caller; the same suite runs on each of them.

A subclass gives the fixture `stage`, which makes a receiver behave and sends to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import pytest

from gateway.model import DeliveryId, Outcome, OutcomeKind, Outgoing, SendReport
from gateway.reasons import is_temporary
from tests.unit.deliver.fakes import outgoing

Behaviour = Literal["takes", "answers", "is_absent", "takes_and_drops"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """How the receiver behaves, and what it answers per delivery."""

    behaviour: Behaviour
    answers: Mapping[DeliveryId, Outcome] | None = None
    is_relay: bool = False


class Stage(Protocol):
    """An adapter with a receiver at its other end."""

    #: What arrived there: (dispatch id, bytes).
    received: list[tuple[str, bytes]]

    async def send(self, scene: Scene, item: Outgoing, content: bytes) -> SendReport:
        """Play one scene."""
        ...


_CONTENT = "<edXML>công văn</edXML>".encode()


class AdapterConformance:
    """The suite."""

    @pytest.fixture
    def stage(self) -> Stage:
        raise NotImplementedError

    async def test_bytes_arrive_exactly_and_every_delivery_is_delivered(self, stage: Stage) -> None:
        """What was sealed is what arrives."""
        item = outgoing("e1", "r1", "r2")
        report = await stage.send(Scene(behaviour="takes"), item, _CONTENT)
        assert stage.received == [(item.dispatch_id, _CONTENT)]
        assert [one.kind for one in report.outcomes.values()] == [OutcomeKind.DELIVERED] * 2
        assert report.answered

    async def test_what_a_relay_takes_is_relayed(self, stage: Stage) -> None:
        """An intermediary's word is not the recipient's."""
        report = await stage.send(Scene(behaviour="takes", is_relay=True), outgoing(), _CONTENT)
        assert [one.kind for one in report.outcomes.values()] == [OutcomeKind.RELAYED]

    async def test_answers_per_delivery_are_kept_apart(self, stage: Stage) -> None:
        """One refusal does not spoil the others."""
        item = outgoing("e1", "r1", "r2", "r3")
        ids = [one.id for one in item.deliveries]
        answers = {
            ids[0]: Outcome(kind=OutcomeKind.DELIVERED, peer_ref="A-1"),
            ids[1]: Outcome(kind=OutcomeKind.DEFERRED, reason="peer_busy", detail="later", retry_after=30),
            ids[2]: Outcome(kind=OutcomeKind.REFUSED, reason="peer_refused", detail="no such office"),
        }
        report = await stage.send(Scene(behaviour="answers", answers=answers), item, _CONTENT)
        assert report.outcomes == answers
        assert report.answered

    async def test_an_absent_receiver_is_a_failed_connection(self, stage: Stage) -> None:
        """Nothing left, so nothing is unknown."""
        report = await stage.send(Scene(behaviour="is_absent"), outgoing("e1", "r1", "r2"), _CONTENT)
        assert {(one.kind, one.reason) for one in report.outcomes.values()} == {
            (OutcomeKind.DEFERRED, "connect_failed")
        }
        assert not report.answered

    async def test_a_receiver_that_takes_and_drops_leaves_it_unknown(self, stage: Stage) -> None:
        """It may have it: neither delivered nor failed."""
        report = await stage.send(Scene(behaviour="takes_and_drops"), outgoing(), _CONTENT)
        (outcome,) = report.outcomes.values()
        assert (outcome.kind, outcome.reason) == (OutcomeKind.UNKNOWN, "outcome_unknown")
        assert is_temporary(outcome.reason)

    async def test_an_adapter_never_tries_twice(self, stage: Stage) -> None:
        """Each try is an attempt row; the caller retries."""
        await stage.send(Scene(behaviour="takes_and_drops"), outgoing(), _CONTENT)
        assert len(stage.received) == 1
