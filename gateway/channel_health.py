"""How a channel is, in one word, for people who look at many of them at once. Pure: receives facts and `now`.

The worst that is true counts: paused by a person, nothing gets through, its list cannot be read, it is silent, what
is sent there is refused or given up, a part of its calls or of the looks at its list fails, what waits has waited
long, fine. An inbox is slow where its office fetches nothing for hours: nobody can know whether its system is down
or only nobody is there. Of an inbox, the hours count in which offices are open. An office that shares its channel
with others is judged by what is its own, and by the channel only where that fails for all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Final

#: What waits longer makes a channel slow: of those that are pushed, and of those that fetch.
PUSHED_SLOW: Final = timedelta(minutes=15)
_FETCHED_SLOW: Final = timedelta(hours=4)
#: An office that has fetched nothing for the hours of a working day is silent.
FETCHED_SILENT: Final = timedelta(hours=10)
#: Over which calls are judged together.
CALLS_OVER: Final = timedelta(minutes=15)
#: Looks at a list that are told of are younger.
_LOOKED_BACK: Final = timedelta(hours=6)
#: Fewer calls say nothing of the channel, nor does trouble with fewer transmissions, or that is over in a moment.
_LEAST_CALLS: Final = 10
LEAST_TROUBLED: Final = 3
_LASTING: Final = timedelta(minutes=5)


class ChannelHealth(StrEnum):
    """The word; the values are classes of the style sheet, too."""

    PAUSED = "paused"
    DOWN = "down"
    UNREADABLE = "unreadable"
    SILENT = "silent"
    REFUSING = "refusing"
    FAILING = "failing"
    SLOW = "slow"
    FINE = "fine"


#: What is true of every office behind a channel.
_OF_ALL: Final = frozenset({ChannelHealth.PAUSED, ChannelHealth.DOWN, ChannelHealth.UNREADABLE})


@dataclass(frozen=True, kw_only=True, slots=True)
class Calls:
    """How the calls over a channel went within CALLS_OVER, of those that have ended."""

    ended: int
    failed: int
    #: Got through, but took far longer than their size explains.
    slow: int
    #: Different ones that failed or were slow.
    transmissions: int
    #: When the first and the last of these calls began.
    first_at: datetime
    last_at: datetime

    def is_failing(self, percent: int) -> bool:
        """Whether so many of a hundred fail or are slow, and not for a moment alone; never where 0 is given."""
        lasts = self.last_at - self.first_at >= _LASTING
        return lasts and self.transmissions >= LEAST_TROUBLED and self._is_over(percent)

    def is_mended(self, percent: int) -> bool:
        """Whether so few fail by now that it is over: half of what begins it, so that it does not come and go."""
        return not self._is_over(percent / 2)

    def told(self, *, vi: bool) -> str:
        """The numbers, for people."""
        troubled, minutes = self.failed + self.slow, CALLS_OVER // timedelta(minutes=1)
        if vi:
            text = f"{troubled} trong {self.ended} lượt gửi trong {minutes} phút"
            return f"{text}, {self.slow} lượt vì quá chậm" if self.slow else text
        text = f"{troubled} of {self.ended} calls in {minutes} minutes"
        return f"{text}, {self.slow} of them for being slow" if self.slow else text

    def _is_over(self, percent: float) -> bool:
        share = (self.failed + self.slow) * 100 / max(self.ended, 1)
        return percent > 0 and self.ended >= _LEAST_CALLS and share >= percent


@dataclass(frozen=True, kw_only=True, slots=True)
class Looks(Calls):
    """How the looks at a channel's list went; a row of failures is one trouble, as an outage is."""

    #: Since when these are counted.
    over: timedelta

    def told(self, *, vi: bool) -> str:
        """The numbers, for people."""
        minutes = -(-self.over // timedelta(minutes=1))
        if vi:
            return f"{self.failed} trong {self.ended} lượt đọc danh sách trong {minutes} phút"
        return f"{self.failed} of {self.ended} readings of its list in {minutes} minutes"


def looks_of(looks: Sequence[tuple[datetime, bool]], now: datetime) -> Looks | None:
    """Of those within CALLS_OVER or, where they are rarer, of the last ones; of each when, and whether it failed.

    None where fewer than LEAST_TROUBLED times a list could be read no more: one outage says nothing.
    """
    young = [each for each in looks if now - each[0] < _LOOKED_BACK]
    lately = sum(1 for at, _ in young if now - at <= CALLS_OVER)
    those = young[-max(lately, _LEAST_CALLS) :]
    failed = [at for at, is_failed in those if is_failed]
    times = sum(1 for (_, before), (_, is_failed) in pairwise([(now, False), *those]) if is_failed and not before)
    if times < LEAST_TROUBLED:
        return None
    return Looks(
        ended=len(those),
        failed=len(failed),
        slow=0,
        transmissions=times,
        first_at=failed[0],
        last_at=failed[-1],
        over=now - those[0][0],
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelFacts:
    """What is known of a channel."""

    is_inbox: bool
    paused_until: datetime | None
    down_since: datetime | None
    #: Of the list that is polled there.
    failing_since: datetime | None
    silent_since: datetime | None
    #: When the oldest transmission that waits was made.
    oldest_at: datetime | None
    #: Of an inbox: how long offices were open since then; no more than FETCHED_SILENT is told apart.
    open_for: timedelta = timedelta()
    #: Since when a part of its calls, or of the looks at its list, fails.
    part_since: datetime | None = None
    #: Since when what is sent there is refused or given up.
    refusing_since: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """The word, and since when it is true where that is known."""

    health: ChannelHealth
    since: datetime | None = None


def judge_channel(facts: ChannelFacts, now: datetime) -> Judgement:
    """The worst that is true."""
    waited = now - facts.oldest_at if facts.oldest_at is not None else timedelta()
    waited = facts.open_for if facts.is_inbox else waited
    slow = _FETCHED_SLOW if facts.is_inbox else PUSHED_SLOW
    worst_first = (
        (facts.paused_until is not None and facts.paused_until > now, ChannelHealth.PAUSED, facts.down_since),
        (facts.down_since is not None, ChannelHealth.DOWN, facts.down_since),
        (facts.failing_since is not None, ChannelHealth.UNREADABLE, facts.failing_since),
        (facts.silent_since is not None, ChannelHealth.SILENT, facts.silent_since),
        (facts.is_inbox and waited >= FETCHED_SILENT, ChannelHealth.SILENT, facts.oldest_at),
        (facts.refusing_since is not None, ChannelHealth.REFUSING, facts.refusing_since),
        (facts.part_since is not None, ChannelHealth.FAILING, facts.part_since),
        (waited >= slow, ChannelHealth.SLOW, facts.oldest_at),
    )
    return _first_true(worst_first)


@dataclass(frozen=True, kw_only=True, slots=True)
class OfficeFacts:
    """What is known of an office, beside how its channel is."""

    channel: Judgement
    is_inbox: bool
    #: When the oldest document that it has not fetched, or that was not sent to it, was made.
    oldest_at: datetime | None = None
    #: Of an inbox: how long offices were open since then, and since it fetched nothing.
    open_for: timedelta = timedelta()
    silent_for: timedelta = timedelta()
    silent_since: datetime | None = None
    #: After which time of that it is silent.
    silent_after: timedelta = FETCHED_SILENT
    #: Since when what is sent to it is refused or given up; or its tries fail, while its channel works.
    refusing_since: datetime | None = None


def judge_office(facts: OfficeFacts, now: datetime) -> Judgement:
    """The worst that is true of the office itself, or of its channel for all."""
    of_all = facts.channel.health in _OF_ALL or (
        facts.channel.health is ChannelHealth.SILENT and not facts.is_inbox
    )
    waited = now - facts.oldest_at if facts.oldest_at is not None else timedelta()
    waited = facts.open_for if facts.is_inbox else waited
    slow = _FETCHED_SLOW if facts.is_inbox else PUSHED_SLOW
    is_silent = facts.is_inbox and facts.silent_since is not None and facts.silent_for >= facts.silent_after
    is_failing = facts.channel.health is ChannelHealth.FAILING
    worst_first = (
        (of_all, facts.channel.health, facts.channel.since),
        (is_silent, ChannelHealth.SILENT, facts.silent_since),
        (facts.refusing_since is not None, ChannelHealth.REFUSING, facts.refusing_since),
        (is_failing, ChannelHealth.FAILING, facts.channel.since),
        (waited >= slow, ChannelHealth.SLOW, facts.oldest_at),
    )
    return _first_true(worst_first)


def _first_true(worst_first: Iterable[tuple[bool, ChannelHealth, datetime | None]]) -> Judgement:
    found = next(((health, since) for is_so, health, since in worst_first if is_so), (ChannelHealth.FINE, None))
    return Judgement(health=found[0], since=found[1])
