"""A system that collects by the axis's protocol: lists, fetches, notes, tells `done`.

One entry is one message for this system, for those of its offices that the list names, else for those that are
found in the message itself. An entry is told as done only after the desk has noted it. The peer's id of it is
kept as `ref`, since this protocol names no deliveries; the comparison with the ledger finds them by digest and
recipient.
"""

from __future__ import annotations

import asyncio
import hashlib

from gateway.simulate.desk import Arrival, Desk
from gateway.simulate.journal import Accepted
from gateway.simulate.member import Entry, Member
from gateway.simulate.reading import Incoming, UnreadableError, read
from gateway.simulate.spec import Faults

#: Between two looks; a real system looks every few minutes, and the demo's days are short.
_PAUSE_SECONDS = 0.3
_KINDS = ("edoc", "status")


class Collector:
    """The polling side of one system id."""

    def __init__(
        self, *, member: Member, desk: Desk, codes: frozenset[str], behind_relay: bool, faults: Faults
    ) -> None:
        self._member, self._desk, self._codes = member, desk, codes
        self._behind_relay = behind_relay
        self._faults = faults
        self._unanswered = faults.unanswered
        self._at_once = asyncio.Semaphore(member.connections)
        self._opens_at = 0.0

    async def run(self) -> None:
        """Look for ever; its offices that are away open what comes in that time later."""
        loop = asyncio.get_running_loop()
        self._opens_at = loop.time() + self._faults.away_seconds
        if self._faults.away_seconds and not self._faults.offices_away:
            await asyncio.sleep(self._faults.away_seconds)
        while True:
            found = await asyncio.gather(*(self._member.waiting(kind) for kind in _KINDS))
            await asyncio.gather(*(self._one(entry) for entries in found for entry in entries))
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _one(self, entry: Entry) -> None:
        async with self._at_once:
            if not await self._fetch(entry):
                return
            if self._unanswered > 0:
                self._unanswered -= 1
                await asyncio.sleep(self._faults.stall_seconds)
                await self._fetch(entry)
            await self._member.done(entry.ref)

    async def _fetch(self, entry: Entry) -> bool:
        data = await self._member.content(entry.ref)
        if data is None:
            return False
        digest = hashlib.sha256(data).hexdigest()
        for code in sorted(self._codes.intersection(entry.to) or self._recipients(data)):
            late = code in self._faults.offices_away
            await self._desk.take(
                Arrival(
                    data=data,
                    message="",
                    ref=entry.ref,
                    deliveries=(Accepted(f"{digest}/{code}", code),),
                    dispatch=entry.ref if self._behind_relay else "",
                    unread_for=max(0.0, self._opens_at - asyncio.get_running_loop().time()) if late else 0.0,
                )
            )
        return True

    def _recipients(self, data: bytes) -> set[str]:
        try:
            incoming = read(data)
        except UnreadableError:
            return {min(self._codes)}  # noted as damage by the desk
        return set(self._codes.intersection(_addressed(incoming)))


def _addressed(incoming: Incoming) -> tuple[str, ...]:
    """Whom it is for: a status names its receiver in what it is about."""
    return tuple(about.organ_id for about in incoming.about[:1]) if incoming.is_status else incoming.recipients
