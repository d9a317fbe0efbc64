"""Tells offices that have nothing but a folder what became of their documents, by a paper in it.

    held, set aside      always: no status says it
    given up, refused    unless the office gets a status about it (`gateway.notices`)
    not taken up         what lies in its outbox and could not be taken up for a quarter of an hour, and why

A paper is about one message in one state for one reason, with all recipients that this is true of. It is written
before the ledger notes that it was: after a crash in between it is written again under the same key, and whoever
writes it knows the key. A folder that cannot be reached is tried again at the next turn and holds up no other.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import structlog

from gateway.clock import micros
from gateway.errors import SourceError
from gateway.foundation import Foundation
from gateway.ledger.papers import Papered, PaperedOperation
from gateway.ledger.params import as_json
from gateway.maintenance.watcher import Watcher
from gateway.model import EndpointId, whole_code
from gateway.ports import Paper
from gateway.states import State

#: Older outcomes are no news.
_LATEST: Final = timedelta(days=30)
#: What cannot be taken up may still be copied, or our parsers are busy.
_PATIENCE: Final = timedelta(minutes=15)
_ENDED: Final = frozenset({State.DEAD, State.REFUSED})
#: Where the line itself gives no reason.
_USUAL: Final = {State.HELD: "held_by_operator", State.QUARANTINED: "poison", State.DEAD: "gave_up"}

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Told:
    """A paper, and what the ledger notes once it lies there."""

    paper: Paper
    facts: tuple[tuple[str, str], ...]
    ended: tuple[str, ...] = ()


class Informer:
    """The duty."""

    name = "informer"
    every = timedelta(seconds=15)

    def __init__(self, base: Foundation, watcher: Watcher, *, patience: timedelta = _PATIENCE) -> None:
        self._base, self._watcher, self._patience = base, watcher, patience
        self._note = PaperedOperation()

    async def run_once(self) -> None:
        """Tell what was not told, every office beside the others."""
        endpoints = self._watcher.informed()
        if not endpoints:
            return
        base, now = self._base, self._base.clock.now()
        announced = bool(await base.directory.resolve([base.settings.seal.organ_id], now))
        asked: dict[str, Any] = {"endpoints": as_json(endpoints)}
        lines = await base.readers.fetch(
            "paper_list_of_deliveries",
            asked | {"announced": int(announced), "since": micros(now - _LATEST)},
        )
        offers = await base.readers.fetch("paper_list_of_offers", asked | {"before": micros(now - self._patience)})
        wanted: dict[EndpointId, list[_Told]] = defaultdict(list)
        for endpoint_id, told in (*_of_lines(lines), *_of_offers(offers)):
            wanted[endpoint_id].append(told)
        await asyncio.gather(*(self._inform(endpoint_id, found) for endpoint_id, found in wanted.items()))

    async def _inform(self, endpoint_id: EndpointId, wanted: Sequence[_Told]) -> None:
        for told in wanted:
            try:
                await self._watcher.inform(endpoint_id, told.paper)
            except SourceError as error:
                _log.warning("office.not_informed", endpoint=endpoint_id, reason=error.code, detail=error.detail)
                return
            now = self._base.clock.now()
            await self._base.pump.submit(self._note, Papered(facts=told.facts, ended=told.ended, now=now))


def _of_lines(rows: Sequence[tuple[Any, ...]]) -> Iterable[tuple[EndpointId, _Told]]:
    """One for each message, state and reason."""
    groups: Mapping[tuple[str, ...], list[tuple[Any, ...]]] = defaultdict(list)
    for row in rows:
        groups[row[:5]].append(row[5:])
    for (endpoint_id, message_id, state, reason, detail), lines in groups.items():
        facts = tuple((line[0], f"{state} {line[2]}") for line in lines)
        _, _, _, document_id, number, notation, subject = lines[0]
        paper = Paper(
            key=_key(facts),
            state=state,
            reason=reason or _USUAL.get(State(state), "peer_error"),
            detail=detail,
            message_id=message_id,
            document_id=document_id or "",
            code=whole_code(number, notation),
            subject=subject,
            deliveries=tuple((line[0], line[1]) for line in lines),
        )
        ended = tuple(line[0] for line in lines) if state in _ENDED else ()
        yield EndpointId(endpoint_id), _Told(paper=paper, facts=facts, ended=ended)


def _of_offers(rows: Sequence[tuple[Any, ...]]) -> Iterable[tuple[EndpointId, _Told]]:
    for endpoint_id, offer_id, ref, failure in rows:
        facts = ((offer_id, failure),)
        yield (
            EndpointId(endpoint_id),
            _Told(paper=Paper(key=_key(facts), state="listed", reason=failure, ref=ref), facts=facts),
        )


def _key(facts: Sequence[tuple[str, str]]) -> str:
    return hashlib.sha256("\n".join(" ".join(fact) for fact in sorted(facts)).encode()).hexdigest()[:16]
