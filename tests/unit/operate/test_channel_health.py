"""How a channel is, in one word: the worst that is true."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.channel_health import ChannelFacts, ChannelHealth, judge_channel

NOW = datetime(2026, 11, 29, 9, 0, tzinfo=UTC)
FINE = ChannelFacts(
    is_inbox=False, paused_until=None, down_since=None, failing_since=None, silent_since=None, oldest_at=None
)
AGO = NOW - timedelta(minutes=20)


@pytest.mark.parametrize(
    ("facts", "health"),
    [
        (FINE, "fine"),
        (replace(FINE, oldest_at=NOW - timedelta(minutes=14)), "fine"),
        (replace(FINE, oldest_at=AGO), "slow"),
        (replace(FINE, oldest_at=AGO, silent_since=AGO), "silent"),
        (replace(FINE, silent_since=AGO, failing_since=AGO), "unreadable"),
        (replace(FINE, failing_since=AGO, down_since=AGO), "down"),
        (replace(FINE, down_since=AGO, paused_until=NOW + timedelta(hours=1)), "paused"),
        (replace(FINE, paused_until=NOW), "fine"),
        (replace(FINE, is_inbox=True, oldest_at=AGO), "fine"),
        (replace(FINE, is_inbox=True, oldest_at=NOW - timedelta(hours=60)), "fine"),
        (replace(FINE, is_inbox=True, oldest_at=AGO, open_for=timedelta(hours=5)), "slow"),
        (replace(FINE, is_inbox=True, oldest_at=AGO, open_for=timedelta(hours=10)), "silent"),
    ],
)
def test_worst_that_is_true_is_the_word(facts: ChannelFacts, health: str) -> None:
    """Each condition hides the milder ones."""
    assert judge_channel(facts, NOW).health is ChannelHealth(health)


def test_since_when_is_told_where_it_is_known() -> None:
    """A pause began with the silence of the channel; what is fine has no beginning."""
    assert judge_channel(replace(FINE, down_since=AGO), NOW).since == AGO
    assert judge_channel(FINE, NOW).since is None
