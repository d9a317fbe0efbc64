"""Entries with which something does not succeed: which of them wait, and whether their peer is to blame. Pure.

An entry that failed is tried again ever more seldom, and the others go on. Some failures tell nothing of the entry
and look like an outage, as when one document always takes longer than a proxy allows. They are the entry's own
while the same succeeds with others, or while it is the only one; where SEVERAL fail one after the other and nothing
succeeds, they are the peer's: none of these waits then, since none of them is known to be bad.

`Repeats` is for what did succeed and has to be done once more, ever more seldom.

Nothing here is stored: after a restart everything is tried at once, once.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

#: Entries that fail alike before it is their peer.
SEVERAL: Final = 2

_DOUBLINGS_MOST: Final = 12
_FIRST_RETRY: Final = timedelta(seconds=5)
_LAST_RETRY: Final = timedelta(hours=1)


class Tries:
    """One thing that is done with the entries of one list, such as fetching them."""

    def __init__(self) -> None:
        self._next: dict[str, tuple[int, datetime]] = {}
        #: Failed as in an outage since something last succeeded.
        self._failing: set[str] = set()
        #: Failed so while others succeeded.
        self._bad: set[str] = set()
        self._has_succeeded = False
        #: Failures as in an outage, one after the other, in this look.
        self.in_a_row = 0

    @property
    def is_peers(self) -> bool:
        """Whether it is the peer with which nothing succeeds."""
        return len(self._failing) >= SEVERAL

    def begin(self) -> None:
        """A look begins."""
        self._has_succeeded, self.in_a_row = False, 0

    def is_due(self, key: str, now: datetime) -> bool:
        """Whether to try."""
        known = self._next.get(key)
        return known is None or known[1] <= now

    def succeeded(self, key: str) -> None:
        """So what failed meanwhile has failed by itself."""
        self._bad = (self._bad | self._failing) - {key}
        self._failing.clear()
        self._has_succeeded, self.in_a_row = True, 0
        self._next.pop(key, None)

    def failed(self, key: str, now: datetime) -> None:
        """Once more in vain, and the peer is well."""
        failures = self._next.get(key, (0, now))[0] + 1
        wait = min(_LAST_RETRY, _FIRST_RETRY * (1 << min(failures - 1, _DOUBLINGS_MOST)))
        self._next[key] = (failures, now + wait)

    def failed_as_in_outage(self, key: str, now: datetime) -> None:
        """Once more in vain, by something that may be the peer's."""
        self.in_a_row += 1
        self.failed(key, now)
        if self._has_succeeded or key in self._bad:
            self._bad.add(key)
            return
        self._failing.add(key)
        if self.is_peers:
            for each in self._failing:
                self._next.pop(each, None)

    def keep_only(self, keys: frozenset[str]) -> None:
        """The others are listed no more."""
        self._next = {key: value for key, value in self._next.items() if key in keys}
        self._failing &= keys
        self._bad &= keys


class Repeats:
    """What a peer was told and goes on asking for, by its own ids: again after `first`, twice that, and so on."""

    def __init__(self, first: timedelta) -> None:
        self._first = min(first, _LAST_RETRY)
        self._next: dict[str, tuple[int, datetime]] = {}

    def is_due(self, ref: str, now: datetime, *, at_once: bool) -> bool:
        """Whether to do it; of one not seen before, at once or after the first wait."""
        if ref not in self._next:
            if at_once:
                return True
            self._next[ref] = (0, now + self._first)
        return self._next[ref][1] <= now

    def times(self, ref: str) -> int:
        """How often it was done."""
        return self._next[ref][0] if ref in self._next else 0

    def repeated(self, ref: str, now: datetime) -> None:
        """Done, or tried in vain."""
        times = self.times(ref) + 1
        self._next[ref] = (times, now + min(_LAST_RETRY, self._first * (1 << min(times - 1, _DOUBLINGS_MOST))))

    def forget(self, now: datetime) -> None:
        """What has not been asked for since long; one that comes and goes with each list is not."""
        self._next = {ref: each for ref, each in self._next.items() if now < each[1] + _LAST_RETRY}
