"""A planned outage: somebody announces that a channel, or the whole gateway, is not in service for a while. Pure.

It stops nothing by itself: documents are accepted and wait as always. People see it in the console and systems in
every answer of REST to them, from a day before; and nobody is called because of the silence that it explains.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from gateway.clock import rfc3339

#: So long before it begins it is told.
TOLD_BEFORE: Final = timedelta(days=1)
#: The header field of REST.
HEADER: Final = "Planned-Outage"
#: Outages that it names; clients and proxies take a head of some kilobytes. `GET /connection` has all of them.
_NAMED: Final = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Outage:
    """One that was announced and not called off."""

    id: str
    #: "" for the whole gateway.
    endpoint_id: str
    #: Of the channel.
    name: str
    starts_at: datetime
    ends_at: datetime
    #: In the words of whoever announced it.
    why: str
    by: str

    def is_told(self, now: datetime) -> bool:
        """Whether people and systems are to know of it."""
        return self.starts_at - TOLD_BEFORE <= now < self.ends_at

    def holds(self, now: datetime) -> bool:
        """Whether it is now."""
        return self.starts_at <= now < self.ends_at

    def explains(self, endpoint_id: str, now: datetime) -> bool:
        """Whether nothing need be heard of a channel."""
        return self.holds(now) and self.endpoint_id in {"", endpoint_id}


def header_of(outages: Iterable[Outage]) -> str:
    """A list of strings with parameters [RFC 8941]: a channel, `*` for all, from when, until when.

    The whole gateway first, then the next to begin; `"..."` with how many more there are.
    """
    found = sorted(outages, key=lambda each: (each.endpoint_id != "", each.starts_at))
    named = [
        f'"{_ascii(each.name) or "*"}";from="{rfc3339(each.starts_at)}";until="{rfc3339(each.ends_at)}"'
        for each in found[:_NAMED]
    ]
    more = [f'"...";more={len(found) - _NAMED}'] if len(found) > _NAMED else []
    return ", ".join(named + more)


def _ascii(name: str) -> str:
    """As it can stand in a header."""
    return "".join(char if " " <= char <= "~" and char not in '"\\' else "?" for char in name)
