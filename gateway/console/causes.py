"""What does not get on, put together for people: a cause that several channels share is told of once. Pure.

A fault on our side, or of what lies between, looks the same at every channel, and so many equal cards would hide
what is not equal. Nothing is left out: each channel stands in its cause, or has a card for what is its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gateway.console.outlook import Everywhere, Trouble, TroubledChannel
from gateway.ledger.alarms import Alarm

#: Channels from which on a cause is one card.
SHARED: Final = 3
#: Channels, or alarms, that such a card names.
NAMED: Final = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Cause:
    """One and the same at several channels."""

    #: Of the deliveries, and why they do not get on; None where nothing gets through and nothing waits for it yet.
    trouble: Trouble | None
    #: Each with what it is to it alone.
    channels: Sequence[TroubledChannel]

    @property
    def count(self) -> int:
        """Deliveries."""
        if self._everywhere is not None:
            return self._everywhere.count
        return sum(each.count for where in self.channels for each in where.troubles)

    @property
    def flash(self) -> int:
        """Those of them that are hỏa tốc."""
        if self._everywhere is not None:
            return self._everywhere.flash
        return sum(where.flash for where in self.channels)

    @property
    def since(self) -> datetime | None:
        """Since when the oldest does not get on, or the first channel is down."""
        if self._everywhere is not None:
            return self._everywhere.since
        found = [each.since for where in self.channels for each in where.troubles]
        return min(found or [where.down_since for where in self.channels if where.down_since], default=None)

    @property
    def is_bad(self) -> bool:
        """Whether something does not get on by itself."""
        return any(where.is_bad for where in self.channels)

    @property
    def these(self) -> str:
        """The filter of the ledger that finds the same deliveries; of all channels where it takes not so many."""
        few = self.channels if self._everywhere is None else ()
        return self.trouble.these_at([where.id for where in few]) if self.trouble else ""

    @property
    def _everywhere(self) -> Everywhere | None:
        """What counts where the filter is of all channels: more than these may have the trouble."""
        return self.trouble.everywhere if self.trouble and len(self.channels) > NAMED else None


def grouped(channels: Sequence[TroubledChannel]) -> tuple[list[Cause], list[TroubledChannel]]:
    """What several of them share, and those that have something of their own, without what they share."""
    at: dict[tuple[str, str], list[TroubledChannel]] = {}
    for where in channels:
        for each in where.troubles:
            at.setdefault(_key(each), []).append(where.only([each]))
    shared = {key: those for key, those in at.items() if len(those) >= SHARED}
    causes = [Cause(trouble=those[0].troubles[0], channels=those) for those in shared.values()]
    told = {where.id for those in shared.values() for where in those}
    left = [where.only([each for each in where.troubles if _key(each) not in shared]) for where in channels]
    left = [where for where in left if where.troubles or where.id not in told]
    silent = [where for where in left if not where.troubles]
    if len(silent) >= SHARED:
        causes.append(Cause(trouble=None, channels=silent))
        left = [where for where in left if where.troubles]
    return causes, left


def alike(alarms: Sequence[Alarm]) -> tuple[list[list[Alarm]], list[Alarm]]:
    """Alarms of one rule, where there are several; and the others."""
    by_rule: dict[str, list[Alarm]] = {}
    for each in alarms:
        by_rule.setdefault(each.rule, []).append(each)
    many = [those for those in by_rule.values() if len(those) >= SHARED]
    return many, [each for those in by_rule.values() if len(those) < SHARED for each in those]


def _key(trouble: Trouble) -> tuple[str, str]:
    return trouble.state, trouble.code
