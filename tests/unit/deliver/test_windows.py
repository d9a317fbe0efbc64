"""The windows and breakers as a state machine: rules one by one, and invariants under any history."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.config.settings import DeliverySettings
from gateway.line import Breaker
from gateway.model import AgencyId, Endpoint, EndpointId, Outcome, OutcomeKind, Outgoing, SendReport
from gateway.windows import Share, Turn, Windows
from tests.unit.deliver.fakes import DELIVERED, deferred, endpoint, outgoing
from tests.unit.deliver.simulated import START

_E1 = EndpointId("e1")
_REFUSED = Outcome(kind=OutcomeKind.REFUSED, reason="peer_refused")
_UNKNOWN = Outcome(kind=OutcomeKind.UNKNOWN, reason="outcome_unknown")


class _Stand:
    def __init__(self, **capabilities: object) -> None:
        self.turns: list[Turn] = []
        self.endpoint = endpoint("e1", **capabilities)
        self.settings = DeliverySettings()
        self.windows = Windows(settings=self.settings, draw=lambda: 1.0, on_turn=self.turns.append)
        self.now = START

    def share(self) -> Share:
        found = self.windows.shares([self.endpoint], self.now)
        return found[0] if found else Share(endpoint_id=_E1, places=0)

    def begin(self, *recipients: str, size: int = 100) -> Outgoing:
        self.share()
        item = outgoing("e1", *recipients, size=size)
        self.windows.begin(item, self.now)
        return item

    def end(self, item: Outgoing, outcome: Outcome, *, answered: bool = False) -> None:
        outcomes = {one.id: outcome for one in item.deliveries}
        self.windows.end(item, SendReport(outcomes=outcomes, answered=answered), self.now)

    def try_once(self, outcome: Outcome, *recipients: str, answered: bool = False) -> None:
        self.end(self.begin(*recipients), outcome, answered=answered)


@pytest.fixture
def it() -> _Stand:
    return _Stand()


def test_a_window_starts_small_and_grows_to_what_the_endpoint_can_take(it: _Stand) -> None:
    """One more per success, never above max_in_flight."""
    assert it.share().places == 4
    it.try_once(DELIVERED)
    assert it.share().places == 5
    for _ in range(40):
        it.try_once(DELIVERED)
    assert it.share().places == 16


def test_a_failure_halves_the_window(it: _Stand) -> None:
    """Multiplicative decrease."""
    for _ in range(12):
        it.try_once(DELIVERED)
    it.try_once(deferred("connection_lost"))
    assert it.share().places == 8


def test_three_failures_in_a_row_open_the_breaker_and_probes_back_off(it: _Stand) -> None:
    """One probe per step, each step twice as long, nothing between."""
    for _ in range(3):
        it.try_once(deferred("connect_failed"))
    assert it.windows.breaker(_E1) is Breaker.OPEN
    assert it.share().places == 0
    for seconds in (5, 10, 20):
        it.now += timedelta(seconds=seconds - 0.001)
        assert it.share().places == 0
        it.now += timedelta(seconds=0.001)
        assert it.share().places == 1
        probe = it.begin("r1")
        assert (it.windows.breaker(_E1), it.share().places) == (Breaker.HALF_OPEN, 0)
        it.end(probe, deferred("connect_failed"))


def test_a_success_closes_the_breaker(it: _Stand) -> None:
    """The probe's success lets the queue go again, and both turns are told once."""
    for _ in range(3):
        it.try_once(deferred("connect_failed"))
    opened_at = it.now
    it.now += timedelta(seconds=5)
    it.try_once(DELIVERED)
    assert it.share().places > 0
    assert [(turn.is_up, turn.since, turn.at) for turn in it.turns] == [
        (False, opened_at, opened_at),
        (True, opened_at, it.now),
    ]


def test_more_than_half_of_the_last_twenty_open_the_breaker(it: _Stand) -> None:
    """A peer that fails every other time, and sometimes twice, is taken off as well."""
    for number in range(21):
        it.try_once(DELIVERED if number % 2 else deferred("connection_lost"))
    it.try_once(deferred("connection_lost"))
    assert it.windows.breaker(_E1) is Breaker.OPEN


def test_a_refusal_is_a_success_of_the_connection(it: _Stand) -> None:
    """A peer that says no is alive."""
    for _ in range(20):
        it.try_once(_REFUSED)
    assert it.windows.breaker(_E1) is Breaker.CLOSED


def test_errors_for_the_only_recipient_take_the_endpoint_down(it: _Stand) -> None:
    """Where nobody else lives behind an endpoint, its 503 is the endpoint's."""
    for _ in range(3):
        it.try_once(deferred("peer_busy"), "r1")
    assert [(turn.recipient_id, turn.is_up) for turn in it.turns] == [("r1", False), (None, False)]
    assert it.turns[-1].reason == "peer_busy", "it answered: the connection is not to blame"
    assert it.share().blocked == (AgencyId("r1"),)


def test_errors_for_one_of_many_touch_that_one_alone(it: _Stand) -> None:
    """The endpoint stays up and the others are served."""
    it.try_once(DELIVERED, "r1")
    it.try_once(DELIVERED, "r2")
    for _ in range(5):
        it.try_once(deferred("peer_error"), "r2")
    share = it.share()
    assert share.blocked == (AgencyId("r2"),)
    assert share.places > 0
    assert [turn.recipient_id for turn in it.turns] == ["r2"]


def test_a_second_recipient_brings_the_endpoint_up_again_for_its_age(it: _Stand) -> None:
    """Once another recipient is seen behind it, one dead office is no longer a dead endpoint."""
    for _ in range(3):
        it.try_once(deferred("peer_error"), "r1")
    it.now += timedelta(seconds=1)
    it.try_once(DELIVERED, "r2")
    assert [(turn.recipient_id, turn.is_up) for turn in it.turns] == [("r1", False), (None, False), (None, True)]


def test_a_recipients_probe_goes_in_a_round_of_its_own(it: _Stand) -> None:
    """A claim has no limit per recipient, so the round that may probe takes a single dispatch."""
    it.try_once(DELIVERED, "r1")
    for _ in range(3):
        it.try_once(deferred("peer_error"), "r2")
    it.now += timedelta(seconds=5)
    assert (it.share().places, it.share().blocked) == (1, ())
    it.begin("r2")
    assert it.share().blocked == (AgencyId("r2"),)


def test_a_recipient_never_takes_more_than_half_of_the_window(it: _Stand) -> None:
    """A place is left for the others, whatever waits for one office."""
    for name in ("r1", "r2") * 8:
        it.try_once(DELIVERED, name)
    begun = 0
    while (share := it.share()).places and AgencyId("r1") not in share.blocked:
        for _ in range(share.places):
            it.begin("r1")
            begun += 1
    assert begun <= 16 - 1
    assert it.share().places > 0


def test_results_per_delivery_leave_a_fanning_endpoint_alone() -> None:
    """What the peer says about one recipient of several is that recipient's."""
    it = _Stand(fans_out=True)
    for _ in range(5):
        item = it.begin("r1", "r2")
        outcomes = {item.deliveries[0].id: DELIVERED, item.deliveries[1].id: deferred("peer_busy")}
        it.windows.end(item, SendReport(outcomes=outcomes, answered=True), it.now)
    assert it.windows.breaker(_E1) is Breaker.CLOSED


def test_silence_on_a_fan_out_takes_the_endpoint_down() -> None:
    """A whole transmission that failed says something about the way."""
    it = _Stand(fans_out=True)
    for _ in range(3):
        it.try_once(_UNKNOWN, "r1", "r2")
    assert it.windows.breaker(_E1) is Breaker.OPEN


def test_own_troubles_and_shutdown_say_nothing(it: _Stand) -> None:
    """A full disk of ours opens no breaker."""
    for _ in range(20):
        it.try_once(deferred("storage_unavailable"))
        it.try_once(Outcome(kind=OutcomeKind.UNKNOWN, reason="server_stopping"))
    assert (it.windows.breaker(_E1), it.share().places) == (Breaker.CLOSED, 4)


def test_retry_after_of_a_busy_peer_silences_its_line(it: _Stand) -> None:
    """429 with Retry-After: nothing goes there before, for whatever document."""
    it.try_once(deferred("peer_busy", retry_after=30))
    assert it.share().blocked == (AgencyId("r1"),)
    assert it.windows.next_change(it.now) == it.now + timedelta(seconds=30)
    it.now += timedelta(seconds=30)
    assert it.share().blocked == ()


def test_an_overdue_transmission_stops_more_from_going_there(it: _Stand) -> None:
    """Two seconds without an answer to a small message: wait and see, until something succeeds."""
    it.begin("r1")
    late = it.begin("r1")
    it.now += timedelta(seconds=6)
    assert it.share().blocked == (AgencyId("r1"),)
    it.end(late, DELIVERED)
    assert it.share().blocked == ()


def test_a_large_transmission_is_not_overdue(it: _Stand) -> None:
    """300 MB may take minutes."""
    it.begin("r1", size=300_000_000)
    it.now += timedelta(minutes=4)
    assert it.share().blocked == ()


def test_overdue_transmissions_do_not_use_up_the_places_of_others() -> None:
    """64 places, 64 silent peers: after two seconds others go again, up to four times as many."""
    windows = Windows(settings=DeliverySettings(max_in_flight=4), draw=lambda: 1.0, on_turn=lambda _: None)
    now, begun = START, 0
    for number in range(100):
        to = endpoint(f"e{number}")
        for share in windows.shares([to], now):
            windows.begin(outgoing(share.endpoint_id), now)
            begun += 1
        now += timedelta(seconds=6) if windows.free(now) == 0 else timedelta()
    assert begun == 16


def test_places_are_dealt_in_turn() -> None:
    """When places are scarce everybody gets one before anybody gets two."""
    windows = Windows(settings=DeliverySettings(max_in_flight=5), draw=lambda: 1.0, on_turn=lambda _: None)
    shares = windows.shares([endpoint("a"), endpoint("b"), endpoint("c")], START)
    assert [(share.endpoint_id, share.places) for share in shares] == [("a", 2), ("b", 2), ("c", 1)]


def test_a_restored_endpoint_starts_with_a_probe() -> None:
    """Down before the restart: one probe, and the time of its going down is kept."""
    it = _Stand()
    it.endpoint = dataclasses.replace(it.endpoint, down_since=START - timedelta(hours=5))
    it.windows.restore(it.endpoint, it.now)
    assert it.share().places == 1
    it.try_once(DELIVERED)
    assert [(turn.is_up, turn.since) for turn in it.turns] == [(True, START - timedelta(hours=5))]


_OUTCOMES = st.sampled_from(
    [DELIVERED, _REFUSED, _UNKNOWN, deferred("connect_failed"), deferred("peer_error"), deferred("peer_busy", 20)]
)


class AnyHistory(RuleBasedStateMachine):
    """Whatever happens in whatever order, the promises about places, probes and turns hold."""

    def __init__(self) -> None:
        super().__init__()
        self.turns: list[Turn] = []
        self.settings = DeliverySettings(max_in_flight=8)
        self.windows = Windows(settings=self.settings, draw=lambda: 0.3, on_turn=self.turns.append)
        self.endpoints: list[Endpoint] = [endpoint("e1"), endpoint("e2", fans_out=True), endpoint("e3")]
        self.open: list[Outgoing] = []
        self.now = START

    @rule(data=st.data())
    def claim(self, data: st.DataObject) -> None:
        shares = self.windows.shares(self.endpoints, self.now)
        assert sum(share.places for share in shares) <= self.windows.free(self.now)
        for share in shares:
            for _ in range(data.draw(st.integers(0, share.places))):
                many = share.endpoint_id == "e2" and data.draw(st.booleans())
                recipient = data.draw(st.sampled_from(["r1", "r2", "r3"]))
                if recipient in share.blocked and not many:
                    continue
                item = outgoing(share.endpoint_id, *(("r1", "r2") if many else (recipient,)))
                self.windows.begin(item, self.now)
                self.open.append(item)

    @precondition(lambda self: self.open)
    @rule(data=st.data(), outcome=_OUTCOMES, answered=st.booleans())
    def end(self, data: st.DataObject, outcome: Outcome, answered: bool) -> None:  # noqa: FBT001
        item = self.open.pop(data.draw(st.integers(0, len(self.open) - 1)))
        report = SendReport(outcomes={one.id: outcome for one in item.deliveries}, answered=answered)
        probe_at = self.windows.end(item, report, self.now)
        assert probe_at is None or probe_at <= self.now + self.settings.cap

    @rule(seconds=st.sampled_from([0.01, 1, 7, 60, 4000]))
    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @invariant()
    def never_more_under_way_than_allowed(self) -> None:
        """Four times the limit with everything overdue; per endpoint never above what it can take."""
        assert len(self.open) <= self.settings.max_in_flight * 4
        for one in self.endpoints:
            assert sum(item.endpoint_id == one.id for item in self.open) <= one.capabilities.max_in_flight

    @invariant()
    def turns_alternate(self) -> None:
        """Down, up, down, up; an up tells since when it was down."""
        for one in self.endpoints:
            told = [turn for turn in self.turns if turn.endpoint_id == one.id and turn.recipient_id is None]
            assert [turn.is_up for turn in told] == [bool(place % 2) for place in range(len(told))]
            assert all(up.since == down.since for down, up in zip(told[::2], told[1::2], strict=False))

    @invariant()
    def nothing_stays_closed_for_ever(self) -> None:
        """With nothing under way, time alone opens every endpoint within `cap`."""
        if not self.open:
            later = self.now + self.settings.cap + timedelta(seconds=1)
            assert all(line.places for line in self.windows.shares(self.endpoints, later))


AnyHistory.TestCase.settings = hypothesis_settings(max_examples=60, stateful_step_count=40, deadline=None)
TestAnyHistory = AnyHistory.TestCase


@pytest.mark.parametrize("jump", [timedelta(hours=-2), timedelta(hours=2)], ids=str)
def test_an_open_breaker_probes_as_soon_as_before_when_the_clock_jumps(it: _Stand, jump: timedelta) -> None:
    """Neither hours later nor at once."""
    for _ in range(it.settings.breaker_failures):
        it.try_once(deferred("connect_failed"))
    assert it.share().places == 0
    it.windows.shift(jump)
    it.now += jump
    assert it.share().places == 0
    it.now += it.settings.breaker_probe
    assert it.share().places == 1
