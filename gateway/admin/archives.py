"""Making month archives: one at a time, with a seal that lasts, and an event that says which leaves are in it.

The file is made in the spool under no name and read from there; whoever asked for it gives it a place. The event is
committed before the file is handed out, as with exports. Nothing is taken out of the ledger.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Annotated, BinaryIO, Final

from msgspec import Meta

from gateway.admin.acts import Change
from gateway.admin.export import sources_of, written
from gateway.events import Event
from gateway.evidence.archiving import Month, Progress, plan_month, write_month
from gateway.foundation import Foundation
from gateway.ledger.history import EventRow
from gateway.signing import SealingKey

#: Nothing is under way.
_IDLE: Final = ("", 0, 0)


class MakeArchive(Change, kw_only=True):
    """The archive of a month."""

    #: Of Vietnam, 2026-10.
    month: Annotated[str, Meta(pattern="^[0-9]{4}-[0-9]{2}$")]


class Archives:
    """One per server, or for a command on a data folder that no server has open."""

    def __init__(self, base: Foundation, key: SealingKey) -> None:
        self._base, self._key, self._alone = base, key, asyncio.Lock()
        #: The part under way, leaves of which it is done, all leaves.
        self.progress: tuple[str, int, int] = _IDLE

    @asynccontextmanager
    async def made(
        self,
        ask: MakeArchive,
        actor: str,
        *,
        keep: Callable[[BinaryIO], Awaitable[None]] | None = None,
        progress: Progress | None = None,
    ) -> AsyncIterator[BinaryIO]:
        """The file, open, while the context lasts; RefusedError while the month is not closed or not signed.

        `keep` puts it into [archive] folder, before the event that says so.
        """
        base = self._base
        async with self._alone:
            now, sources = base.clock.now(), await sources_of(base)
            plan = await plan_month(sources, Month.parse(ask.month))
            is_lasting = bool(base.settings.stamps.servers)
            facts: dict[str, object] = {
                "month": plan.name,
                "first": plan.span.first,
                "until": plan.span.end,
                "root": plan.root.hex(),
                "place": "folder" if keep else "command",
            }
            event = EventRow(kind=Event.ARCHIVE_MADE, at=now, actor=actor, facts=facts, note=ask.reason)
            composing = partial(
                write_month,
                sources,
                plan,
                actor=actor,
                now=now,
                is_lasting=is_lasting,
                progress=progress or self._note,
            )
            try:
                async with written(base, self._key, composing, event, is_lta=is_lasting, keep=keep) as file:
                    self.progress = _IDLE
                    yield file
            finally:
                self.progress = _IDLE

    def _note(self, part: str, done: int, total: int) -> None:
        self.progress = (part, done, total)
