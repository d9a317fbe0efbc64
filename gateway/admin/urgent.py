"""Urgent documents that wait, and whom to call about them: of one channel, or of all. Reading alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from gateway.admin.queues import ShownLine, shown
from gateway.foundation import Foundation
from gateway.model import Agency

#: Documents that are named, and that are counted.
MOST: Final = 100
COUNTED: Final = 20_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """An urgent document that waits, and whom to call about it."""

    line: ShownLine
    recipient: Agency | None
    phone: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Urgent:
    """The most urgent and oldest of them, and how many there are; COUNTED stands for as many or more."""

    calls: Sequence[Call]
    count: int

    @property
    def more(self) -> int:
        """How many are not named."""
        return self.count - len(self.calls)

    @property
    def or_more(self) -> str:
        """A plus behind a number that is no more than the least."""
        return "+" if self.count >= COUNTED else ""


async def of_channel(base: Foundation, endpoint_id: str) -> Urgent:
    """Those that wait for one."""
    params = {"endpoint": endpoint_id, "limit": MOST}
    rows = await base.readers.fetch("delivery_list_urgent_of_channel", params)
    params = {"endpoint": endpoint_id, "limit": COUNTED}
    counted = await base.readers.fetch_one("delivery_count_urgent_of_channel", params) if _is_cut(rows) else None
    return await _urgent(base, rows, counted)


async def everywhere(base: Foundation) -> Urgent:
    """Those over all channels."""
    rows = await base.readers.fetch("delivery_list_urgent", {"limit": MOST})
    counted = await base.readers.fetch_one("delivery_count_urgent", {"limit": COUNTED}) if _is_cut(rows) else None
    return await _urgent(base, rows, counted)


def _is_cut(rows: Sequence[tuple[Any, ...]]) -> bool:
    return len(rows) >= MOST


async def _urgent(base: Foundation, rows: Sequence[tuple[Any, ...]], counted: tuple[Any, ...] | None) -> Urgent:
    lines = await shown(base, (row[0] for row in rows))
    ids = {line.recipient_id for line in lines}
    phones, agencies = await base.directory.phones(ids), await base.directory.agencies(ids)
    calls = [
        Call(
            line=line,
            recipient=agencies.get(line.recipient_id),
            phone=phones[line.recipient_id],
        )
        for line in lines
    ]
    return Urgent(calls=calls, count=counted[0] if counted else len(calls))
