"""The test document that a channel sends to a code of ours, and whether it came back. Pure.

    canary_code            a code of ours behind the channel, used for nothing else; without it nothing is sent
    canary_minutes         from one to the next (60)
    canary_late_minutes    when one that the peer took and did not list for us is missing (30)

What is known of it is in the ledger, where it is a document like any other: relayed when the peer took it,
delivered when it came back. One is missing from the first that is late until one that was sent later, or that one
itself, comes back; nothing else that comes ends that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from gateway.clock import instant
from gateway.errors import ConfigError
from gateway.states import State

_OPEN: Final = frozenset({State.QUEUED, State.IN_FLIGHT, State.DEFERRED, State.HELD})
_BACK: Final = frozenset({State.DELIVERED, State.ACKNOWLEDGED})


@dataclass(frozen=True, kw_only=True, slots=True)
class CanarySettings:
    """What a channel says of it."""

    code: str
    every: timedelta
    late: timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class CanaryState:
    """What the ledger says of those that were sent."""

    #: When the newest was made, and the newest that came back came back; None: none.
    sent_at: datetime | None = None
    returned_at: datetime | None = None
    #: When the peer took the first of those that are awaited; None: none is.
    awaited_since: datetime | None = None
    #: Whether the newest waits for the peer to take it.
    is_waiting: bool = False

    def is_due(self, settings: CanarySettings, now: datetime) -> bool:
        """Whether to send one; a channel that takes none is down, and alarmed as that."""
        return not self.is_waiting and (self.sent_at is None or now - self.sent_at >= settings.every)

    def is_missing(self, settings: CanarySettings, now: datetime) -> bool:
        """Whether one should be back by now."""
        return self.awaited_since is not None and now - self.awaited_since >= settings.late


def canary_settings(settings: Mapping[str, object], *, is_relay: bool) -> CanarySettings | None:
    """Read them; None: off. ConfigError with a sentence for the operator."""
    code = settings.get("canary_code", "")
    if not code:
        return None
    if not isinstance(code, str):
        raise ConfigError("canary_code is the code of an agency")
    if not is_relay or settings.get("source"):
        raise ConfigError("canary_code is for a relay's channel whose list we acknowledge")
    return CanarySettings(
        code=code,
        every=_minutes(settings, "canary_minutes", 60),
        late=_minutes(settings, "canary_late_minutes", 30),
    )


def state_of(rows: Sequence[Sequence[Any]]) -> CanaryState:
    """From rows of `canary_list_newest`."""
    if not rows:
        return CanaryState()
    returned_at = awaited_since = None
    for _, _, state, state_at in rows:
        if State(state) in _BACK:
            returned_at = instant(state_at)
            break
        if State(state) is State.RELAYED:
            awaited_since = instant(state_at)
    _, newest_at, newest_state, _ = rows[0]
    return CanaryState(
        sent_at=instant(newest_at),
        returned_at=returned_at,
        awaited_since=awaited_since,
        is_waiting=State(newest_state) in _OPEN,
    )


def _minutes(settings: Mapping[str, object], name: str, default: float) -> timedelta:
    value = settings.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise ConfigError(f"{name} is a positive number")
    return timedelta(minutes=value)
