"""When to try again, what counts as an error, and when to give up. Pure: receives `now` and its random source.

- A temporary failure waits `uniform(0.5, 1) x min(cap, base x 2^failures)`: the jitter keeps receivers from
  being hit by everybody at once, the floor of a half keeps promises to operators readable.
- What the peer asked for by `Retry-After` replaces that wait, clamped to one second up to `retry_after_max`.
- While the breaker of the way is open, the way decides and not the message: nothing waits past its probe.
- Only errors of the peer count. Shutdown, an unknown outcome and troubles of our own do not, and time spent
  paused or behind an open breaker never reaches this file, because nothing is tried then.
- Giving up goes by age alone, never by the number of tries, and is announced first.

It does NOT store anything: the ledger carries decisions out, and adds an endpoint's downtime to the age.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.config.settings import DeliverySettings
from gateway.model import Outcome, OutcomeKind

#: Gives a number between 0 and 1; `random.random` outside of tests.
Draw = Callable[[], float]

_RETRY_AFTER_MIN = timedelta(seconds=1)
#: 2^24 x any base is far beyond any cap; larger exponents would only overflow.
_DOUBLINGS_MAX = 24

#: Reasons that are not the peer's fault: they defer without being counted.
UNCOUNTED = frozenset(
    {"outcome_unknown", "server_stopping", "server_busy", "storage_unavailable", "body_damaged", "rest_follows"}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryPlan:
    """When what was not delivered is due again, and whether the try counts as an error."""

    due_at: datetime
    counts: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class AgeLimits:
    """The ages at which waiting dispatches are announced and given up, seen from one instant."""

    #: Whose `give_up_at` lies before this is announced, once.
    announce_before: datetime
    #: Whose `give_up_at` lies before this is dead, unless its endpoint is down or paused.
    dead_before: datetime
    #: However much downtime was added, `give_up_at` never lies later than this after the series began.
    hard_cap: timedelta


def backoff(doublings: int, *, base: timedelta, cap: timedelta, draw: Draw) -> timedelta:
    """The wait after `doublings` earlier failures, with full jitter above a floor of a half."""
    longest = min(cap, base * (1 << min(max(doublings, 0), _DOUBLINGS_MAX)))
    return longest * (0.5 + draw() / 2)


def clamp_retry_after(seconds: float, settings: DeliverySettings) -> timedelta:
    """What a peer asked for, between one second and `retry_after_max`; nonsense is the former."""
    if not seconds > _RETRY_AFTER_MIN.total_seconds():  # also true of NaN
        return _RETRY_AFTER_MIN
    return timedelta(seconds=min(seconds, settings.retry_after_max.total_seconds()))


def plan_retry(
    outcomes: Iterable[Outcome],
    *,
    failures: int,
    now: datetime,
    settings: DeliverySettings,
    draw: Draw,
    probe_at: datetime | None = None,
) -> RetryPlan:
    """The plan for a dispatch after a try.

    A dispatch with several recipients has one time, the earliest of theirs: one office that asks for hours
    must not hold up the others. `probe_at` is when the way is tried again, if its breaker is open.
    """
    waiting = [o for o in outcomes if o.kind in {OutcomeKind.DEFERRED, OutcomeKind.UNKNOWN}]
    if not waiting:
        return RetryPlan(due_at=now, counts=False)
    usual = now + backoff(failures, base=settings.base, cap=settings.cap, draw=draw)
    if probe_at is not None:
        usual = min(usual, max(now, probe_at))
    return RetryPlan(
        due_at=min(_due_at(outcome, usual, now, settings) for outcome in waiting),
        counts=any(o.kind is OutcomeKind.DEFERRED and o.reason not in UNCOUNTED for o in waiting),
    )


def _due_at(outcome: Outcome, usual: datetime, now: datetime, settings: DeliverySettings) -> datetime:
    if outcome.reason == "server_stopping":
        return now
    if outcome.retry_after is not None:
        return now + clamp_retry_after(outcome.retry_after, settings)
    return usual


def age_limits(now: datetime, settings: DeliverySettings) -> AgeLimits:
    """What is announced and what is dead at `now`."""
    return AgeLimits(
        announce_before=now + settings.give_up_after * (1 - settings.warn_at),
        dead_before=now,
        hard_cap=settings.give_up_hard,
    )
