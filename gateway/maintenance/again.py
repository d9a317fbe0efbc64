"""Entries that a peer lists though we are done with them, or of which it says something else than before.

    compare   what is doubted, and what is still listed though acknowledged: its bytes are fetched once more and
              their digest is taken. Other bytes are a new entry, which the look takes like any (decision 22)
    tell      what was acknowledged and is the one we know: `done` again, or what a person decided

Nothing is told of bytes that we do not have. The first comparison of a doubted entry is at once; everything else is
at the pace of `Repeats`, so that a peer that forgets, or tells another time at each list, costs little. An entry
with which it does not succeed waits, and is counted (`gateway_offers_lingering`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import structlog

from gateway.errors import RefusedError, SourceError
from gateway.failpoints import failpoint
from gateway.foundation import Foundation
from gateway.ledger.relisted import Compared, ComparedOperation, RetoldOperation
from gateway.maintenance.abreast import side_by_side
from gateway.maintenance.peer import LIKE_OUTAGES, Peer
from gateway.ports import Listed, Settlement

_log = structlog.get_logger(__name__)
_compared, _retold = ComparedOperation(), RetoldOperation()


class _Relisted(NamedTuple):
    """A row of `offer_list_relisted`."""

    id: str
    ref: str
    #: Of the bytes that we have; "" where none were ever had.
    sha256: str
    is_doubted: int
    is_acknowledged: int
    message_id: str
    decision: str
    why: str


class Again:
    """One look's part of it."""

    def __init__(self, base: Foundation, peer: Peer) -> None:
        self._base, self._peer = base, peer
        self._found = 0

    async def run(self, items: Sequence[Listed]) -> int:
        """How many entries are other documents than before."""
        rows = await self._base.readers.fetch("offer_list_relisted", (self._peer.endpoint.id,))
        now, repeats = self._base.clock.now(), self._peer.memory.repeats
        repeats.forget(now)
        relisted = [_Relisted(*row) for row in rows]
        due = [each for each in relisted if repeats.is_due(each.ref, now, at_once=bool(each.is_doubted))]
        listed = {item.ref: item for item in items} if due else {}
        try:
            await side_by_side(lambda each: self._act(each, listed), due, at_once=self._peer.at_once)
        except SourceError as error:  # the look finds out by itself whether that is the peer's
            _log.warning("offer.not_compared", endpoint=self._peer.endpoint.name, reason=error.code)
        return self._found

    async def _act(self, offer: _Relisted, listed: Mapping[str, Listed]) -> None:
        repeats = self._peer.memory.repeats
        must_compare = offer.is_doubted or not repeats.times(offer.ref)
        repeats.repeated(offer.ref, self._base.clock.now())
        try:
            if must_compare and offer.sha256 and not await self._is_same(offer, listed[offer.ref]):
                return
            if offer.is_acknowledged and await self._is_told(offer):
                await self._base.pump.submit(_retold, offer.id)
        except (SourceError, RefusedError) as error:
            _log.warning("offer.not_compared", offer=offer.id, ref=offer.ref, reason=error.code)
            if error.code in LIKE_OUTAGES:
                raise

    async def _is_same(self, offer: _Relisted, item: Listed) -> bool:
        """Whether the peer still means the document that we know."""
        digest, size, most = hashlib.sha256(), 0, self._base.settings.limits.max_body

        async def write(chunk: bytes) -> None:
            nonlocal size
            size += len(chunk)
            if size > most:
                raise RefusedError("body_too_large", f"more than {most} bytes")
            digest.update(chunk)

        await self._peer.fetch_rate.admit()
        await self._peer.source.fetch(offer.ref, write)
        sha256 = digest.hexdigest()
        compared = Compared(
            id=offer.id,
            endpoint_id=self._peer.endpoint.id,
            item=item,
            is_same=sha256 == offer.sha256,
            sha256=sha256,
            at=self._base.clock.now(),
        )
        if await self._base.pump.submit(_compared, compared):
            return True
        self._found += 1
        _log.warning("offer.replaced", endpoint=self._peer.endpoint.name, ref=offer.ref, offer=offer.id)
        return False

    async def _is_told(self, offer: _Relisted) -> bool:
        done = offer.decision != "fail"
        told = Settlement(done=done, reason="" if done else offer.why, message_id=offer.message_id)
        failpoint("source.settle.before")
        is_told = await self._peer.source.settle(offer.ref, told)
        failpoint("source.settle.after")
        return is_told
