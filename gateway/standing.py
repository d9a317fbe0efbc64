"""How a server fares: one that was of no use is left alone for a while, longer with each failure in a row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

#: Doublings after which no pause is longer any more, whatever the longest is.
_DOUBLINGS = 10


def pause_after(failures: int, first: timedelta, longest: timedelta) -> timedelta:
    """How long it is left alone after so many failures in a row before this one."""
    doubled: timedelta = first * 2 ** min(failures, _DOUBLINGS)
    return min(doubled, longest)


@dataclass(kw_only=True, slots=True)
class Standing:
    """One server."""

    failures: int = 0
    #: On the monotonic clock.
    paused_until: float = 0.0
    #: Why it was no use last; "" while it is.
    fault: str = ""

    def failed(self, fault: str, now: float, *, first: timedelta, longest: timedelta) -> None:
        """Leave it alone for a while."""
        pause = pause_after(self.failures, first, longest)
        self.fault, self.failures, self.paused_until = fault, self.failures + 1, now + pause.total_seconds()

    def succeeded(self) -> None:
        """It was of use."""
        self.fault, self.failures, self.paused_until = "", 0, 0.0
