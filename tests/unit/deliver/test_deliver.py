"""One try: whatever an adapter does, a sound report comes back."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest

from gateway.deliver import deliver
from gateway.errors import BodyDamagedError
from gateway.model import DeliveryId, DispatchId, Endpoint, Outcome, OutcomeKind, Outgoing, SendReport, Sha256Hex
from gateway.ports import Body
from tests.unit.deliver.fakes import DELIVERED, FakeBodies, deferred, endpoint, outgoing
from tests.unit.deliver.simulated import simulate


class _Adapter:
    """Returns or raises what it is given, after a while."""

    def __init__(self, answer: SendReport | BaseException, seconds: float = 0) -> None:
        self.answer, self.seconds, self.calls = answer, seconds, 0

    async def send(self, endpoint: Endpoint, outgoing: Outgoing, body: Body) -> SendReport:
        self.calls += 1
        await asyncio.sleep(self.seconds)
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer

    async def close(self) -> None:
        pass


class _Damaged:
    async def open(self, sha256: Sha256Hex, dispatch_id: DispatchId) -> Body:
        raise BodyDamagedError


_TO = endpoint("e1")


def _only(report: SendReport) -> tuple[OutcomeKind, str, str]:
    (outcome,) = report.outcomes.values()
    return outcome.kind, outcome.reason, outcome.detail


def _try(adapter: _Adapter, item: Outgoing, to: Endpoint = _TO) -> SendReport:
    return simulate(deliver(item, to, adapter, FakeBodies(), default_seconds=60))


def test_a_sound_report_is_passed_on_untouched() -> None:
    """The usual case costs no copy."""
    item = outgoing()
    report = SendReport(outcomes={item.deliveries[0].id: DELIVERED})
    assert _try(_Adapter(report), item) is report


def test_what_is_too_large_is_refused_without_dialling() -> None:
    """A capability is known before the first byte."""
    adapter = _Adapter(RuntimeError())
    kind, reason, _ = _only(_try(adapter, outgoing(size=11), endpoint("e1", max_bytes=10)))
    assert (kind, reason, adapter.calls) == (OutcomeKind.REFUSED, "too_large_for_peer", 0)


def test_an_exception_is_a_temporary_error_named_by_its_class_alone() -> None:
    """No message, no traceback: either may hold what nobody should read."""
    report = _try(_Adapter(ValueError("password=hunter2")), outgoing())
    assert _only(report) == (OutcomeKind.DEFERRED, "peer_error", "ValueError")


def test_silence_is_unknown() -> None:
    """The peer may have it."""
    to = dataclasses.replace(_TO, settings={"timeout_seconds": 7})
    kind, reason, detail = _only(_try(_Adapter(SendReport(outcomes={}), seconds=13), outgoing(), to))
    assert (kind, reason, detail) == (OutcomeKind.UNKNOWN, "outcome_unknown", "no answer within 7 s")


def test_an_interruption_is_unknown_and_the_task_goes_on() -> None:
    """The outcome of an interrupted try can still be committed."""

    async def scenario() -> tuple[SendReport, bool]:
        adapter = _Adapter(SendReport(outcomes={}), seconds=50)

        async def carry() -> tuple[SendReport, bool]:
            report = await deliver(outgoing(), _TO, adapter, FakeBodies(), default_seconds=60)
            await asyncio.sleep(1)
            return report, True

        task = asyncio.create_task(carry())
        await asyncio.sleep(1)
        task.cancel()
        return await task

    report, went_on = simulate(scenario())
    assert _only(report)[:2] == (OutcomeKind.UNKNOWN, "server_stopping")
    assert went_on


def test_damaged_bytes_are_our_trouble() -> None:
    """What we cannot read says nothing about the peer."""
    adapter = _Adapter(RuntimeError())
    report = simulate(deliver(outgoing(), _TO, adapter, _Damaged(), default_seconds=60))
    assert _only(report) == (OutcomeKind.DEFERRED, "body_damaged", "not sent")


def test_what_the_adapter_leaves_out_is_not_delivered() -> None:
    """Never assume; what was not asked for is dropped."""
    item = outgoing("e1", "r1", "r2")
    said = {item.deliveries[0].id: DELIVERED, DeliveryId("somebody else's"): DELIVERED}
    report = _try(_Adapter(SendReport(outcomes=said)), item)
    assert report.outcomes[item.deliveries[0].id] == DELIVERED
    assert report.outcomes[item.deliveries[1].id].reason == "peer_reply_invalid"
    assert len(report.outcomes) == 2


@pytest.mark.parametrize(
    ("given", "kind", "reason"),
    [
        (Outcome(kind=OutcomeKind.REFUSED, reason="peer_busy"), OutcomeKind.DEFERRED, "peer_busy"),
        (Outcome(kind=OutcomeKind.DEFERRED, reason="peer_refused"), OutcomeKind.REFUSED, "peer_refused"),
        (Outcome(kind=OutcomeKind.UNKNOWN, reason="peer_refused"), OutcomeKind.UNKNOWN, "outcome_unknown"),
        (Outcome(kind=OutcomeKind.REFUSED, reason="made_up"), OutcomeKind.DEFERRED, "peer_error"),
    ],
)
def test_reasons_fit_their_kind(given: Outcome, kind: OutcomeKind, reason: str) -> None:
    """The closed list decides what is permanent; an unknown failure is temporary."""
    item = outgoing()
    report = _try(_Adapter(SendReport(outcomes={item.deliveries[0].id: given})), item)
    assert _only(report)[:2] == (kind, reason)


def test_details_are_cut_short() -> None:
    """At most 500 characters reach the ledger."""
    item = outgoing()
    long = dataclasses.replace(deferred(), detail="x" * 5000)
    assert len(_only(_try(_Adapter(SendReport(outcomes={item.deliveries[0].id: long})), item))[2]) == 500
