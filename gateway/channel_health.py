"""How a channel is, in one word, for people who look at many of them at once. Pure: receives facts and `now`.

The worst that is true counts: paused by a person, nothing gets through, its list cannot be read, it is silent, what
waits has waited long, fine. An inbox is slow where its office fetches nothing for hours: nobody can know
whether its system is down or only nobody is there. Of an inbox, the hours count in which offices are open.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

#: What waits longer makes a channel slow: of those that are pushed, and of those that fetch.
_PUSHED_SLOW: Final = timedelta(minutes=15)
_FETCHED_SLOW: Final = timedelta(hours=4)
#: An office that has fetched nothing for the hours of a working day is silent.
FETCHED_SILENT: Final = timedelta(hours=10)


class ChannelHealth(StrEnum):
    """The word; the values are classes of the style sheet, too."""

    PAUSED = "paused"
    DOWN = "down"
    UNREADABLE = "unreadable"
    SILENT = "silent"
    SLOW = "slow"
    FINE = "fine"


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """The word, and since when it is true where that is known."""

    health: ChannelHealth
    since: datetime | None = None


def judge_channel(facts: ChannelFacts, now: datetime) -> Judgement:
    """The worst that is true."""
    waited = now - facts.oldest_at if facts.oldest_at is not None else timedelta()
    waited = facts.open_for if facts.is_inbox else waited
    slow = _FETCHED_SLOW if facts.is_inbox else _PUSHED_SLOW
    worst_first = (
        (facts.paused_until is not None and facts.paused_until > now, ChannelHealth.PAUSED, facts.down_since),
        (facts.down_since is not None, ChannelHealth.DOWN, facts.down_since),
        (facts.failing_since is not None, ChannelHealth.UNREADABLE, facts.failing_since),
        (facts.silent_since is not None, ChannelHealth.SILENT, facts.silent_since),
        (facts.is_inbox and waited >= FETCHED_SILENT, ChannelHealth.SILENT, facts.oldest_at),
        (waited >= slow, ChannelHealth.SLOW, facts.oldest_at),
    )
    found = next(((health, since) for is_so, health, since in worst_first if is_so), (ChannelHealth.FINE, None))
    return Judgement(health=found[0], since=found[1])
