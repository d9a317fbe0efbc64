"""When to try again and when to give up: pure rules."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.settings import DeliverySettings
from gateway.model import Outcome, OutcomeKind
from gateway.retry import age_limits, backoff, clamp_retry_after, plan_retry
from tests.unit.deliver.fakes import DELIVERED, deferred
from tests.unit.deliver.simulated import START

_SETTINGS = DeliverySettings()
_UNKNOWN = Outcome(kind=OutcomeKind.UNKNOWN, reason="outcome_unknown")


def _plan(
    *outcomes: Outcome, failures: int = 0, draw: float = 1.0, probe_in: float | None = None
) -> tuple[float, bool]:
    probe_at = None if probe_in is None else START + timedelta(seconds=probe_in)
    plan = plan_retry(
        outcomes, failures=failures, now=START, settings=_SETTINGS, draw=lambda: draw, probe_at=probe_at
    )
    return (plan.due_at - START).total_seconds(), plan.counts


@given(failures=st.integers(-3, 10**6), draw=st.floats(0, 1))
def test_backoff_stays_between_half_and_whole_of_the_doubled_base(failures: int, draw: float) -> None:
    """Full jitter above a floor of a half, never beyond the cap, whatever the number of failures."""
    wait = backoff(failures, base=_SETTINGS.base, cap=_SETTINGS.cap, draw=lambda: draw)
    longest = min(_SETTINGS.cap.total_seconds(), 15 * 2 ** min(max(failures, 0), 30))
    assert longest / 2 <= wait.total_seconds() <= longest


@pytest.mark.parametrize(
    ("asked", "given_"),
    [(0, 1), (-5, 1), (float("nan"), 1), (30, 30), (10**9, 6 * 3600), (float("inf"), 6 * 3600)],
)
def test_retry_after_is_clamped(asked: float, given_: float) -> None:
    """At least a second, at most what the settings honour; nonsense is a second."""
    assert clamp_retry_after(asked, _SETTINGS) == timedelta(seconds=given_)


def test_an_error_waits_and_counts() -> None:
    """The third failure waits 60 seconds at most."""
    assert _plan(deferred(), failures=2) == (60, True)


def test_retry_after_replaces_the_wait() -> None:
    """What the peer asked for is what it gets."""
    assert _plan(deferred("peer_busy", retry_after=100), failures=9) == (100, True)


def test_an_unknown_outcome_waits_and_does_not_count() -> None:
    """Not knowing is no error of the peer."""
    assert _plan(_UNKNOWN) == (15, False)


@pytest.mark.parametrize("reason", ["storage_unavailable", "server_busy"])
def test_own_troubles_do_not_count(reason: str) -> None:
    """Our disk is not the peer's fault."""
    assert _plan(deferred(reason)) == (15, False)


def test_an_interrupted_try_is_due_at_once() -> None:
    """A restart neither waits nor counts."""
    assert _plan(Outcome(kind=OutcomeKind.UNKNOWN, reason="server_stopping"), failures=5) == (0, False)


def test_a_mixed_dispatch_takes_the_earliest_time() -> None:
    """One office that asks for hours does not hold up the others of the same transmission."""
    assert _plan(DELIVERED, deferred("peer_busy", retry_after=7200), _UNKNOWN) == (15, True)


def test_nothing_waits_past_the_probe_of_its_way() -> None:
    """While a breaker is open the way decides, not each message for itself."""
    assert _plan(deferred("connect_failed"), failures=9, probe_in=40) == (40, True)
    assert _plan(deferred("connect_failed"), failures=0, probe_in=4000) == (15, True)
    assert _plan(deferred("connect_failed"), failures=0, probe_in=-5) == (0, True)


def test_what_is_delivered_needs_no_time() -> None:
    """A plan for nothing changes nothing."""
    assert _plan(DELIVERED) == (0, False)


def test_ages_come_from_the_settings() -> None:
    """Five days, announced a day before, thirty days at the latest."""
    limits = age_limits(START, _SETTINGS)
    assert limits.announce_before == START + timedelta(days=1)
    assert (limits.dead_before, limits.hard_cap) == (START, timedelta(days=30))
