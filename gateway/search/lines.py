"""Lines of the ledger that fit a filter: pages in both directions, bounded counts, all of them for an export.

A line is one document for one recipient; lines are numbered in the order in which they were recorded, and a page
goes on from a number. Candidates come by the narrowest way there is, a window at a time, and the rest of the filter
is asked of each:

1. the few lines in an open state, or with a rare business status; words are looked for in their texts
2. where no word is looked for, a recipient's lines in a state, by their own index
3. what the index of lines finds (`gateway.search.words`)
4. all lines, newest first

So a page costs what it looks at, and that has a bound. Where the rest of a filter fits hardly anything, or the
index would go through too many lines whose words stand elsewhere (`gateway.search.spans`), a page ends, says so,
and goes on from there when asked. Days become numbers by the documents accepted around them; a document may have
been recorded an hour after its acceptance at most.
A line is in the index a second after it was recorded; until then, where they are not too many, the newest lines are
looked at themselves, so that a page that is made anew because a document came has it. An old one is there when the
index has got so far (`Page.unindexed`).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final

from gateway.clock import instant
from gateway.ledger.pages import OPEN_STATES
from gateway.ledger.params import as_json
from gateway.model import AgencyId
from gateway.search.filter import Filter
from gateway.search.spans import span_of
from gateway.search.words import COLUMNS, Condition, expression_of, kind_of, plain, tokens, worded
from gateway.states import State
from gateway.storage.readers import Readers

#: Agencies whose lines somebody may see: what they sent, and what they receive; None: all.
Scope = frozenset[AgencyId] | None

#: Candidates that one page or count looks at, at most.
LOOKED_AT: Final = 20_000
#: What a page may spend on asking the index: so many spans for a question of one condition, fewer for longer ones.
_EFFORT: Final = 12
#: A count comes after its page, and may spend more.
_COUNTS_LONGER: Final = 4
#: What a count counts up to.
COUNTED: Final = 10_000
#: Newest first, oldest first.
_FINDING: Final = ("line_find_older", "line_find_newer")
_REACHING: Final = ("line_find_reach_older", "line_find_reach_newer")
#: Lines that are few: they are looked at one by one, and a word that is in no more of them is rare.
_FEW: Final = 1_000
_WINDOW: Final = 250
_WIDEST: Final = 5_000
_LAST: Final = 2**62
#: Microseconds between acceptance and commit, at most.
_SLACK: Final = 3_600_000_000
_RARE: Final = frozenset({"02", "13", "15", "16"})
_ON_THE_WAY: Final = frozenset({"queued", "in_flight"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One line as the ledger shows it."""

    seq: int
    id: str
    message_id: str
    kind: str
    sender_id: AgencyId
    sender_code: str
    recipient_id: AgencyId
    recipient_code: str
    code_number: str
    code_notation: str
    promulgated_on: str | None
    subject: str
    business_type: str
    type_name: str
    priority: int
    state: State
    final: bool
    reason: str
    business_status: str
    endpoint_id: str
    size: int
    accepted_at: datetime
    created_at: datetime
    state_at: datetime

    @property
    def code(self) -> str:
        """Number and notation, as people write them."""
        return f"{self.code_number}/{self.code_notation}" if self.code_notation else self.code_number

    @property
    def dated(self) -> date | None:
        """The date that the document bears."""
        return date.fromisoformat(self.promulgated_on) if self.promulgated_on else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """Lines, newest first."""

    lines: tuple[Line, ...]
    #: Older lines are asked for before this number; None: there are none.
    older: int | None
    #: Newer lines are asked for after this number; None: there are none.
    newer: int | None
    #: Whether it ended because enough was looked at: there may be more, and the page may be empty.
    partial: bool = False
    #: Old lines that the index does not hold yet, where it was asked.
    unindexed: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Count:
    """How many lines fit."""

    value: int
    #: There may be more than these; it was not counted on.
    more: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class _Found:
    """Numbers in the order in which they were looked for, and where to go on; None: all was looked at."""

    seqs: list[int]
    goes_on: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Candidates(_Found):
    """The same before the rest of the filter is asked."""

    #: Whether it ended because the index was asked about no more.
    is_span: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class _Way:
    """How candidates are found, and what is then asked of them."""

    low: int
    high: int
    #: Of the line's columns; None: nothing.
    rest: dict[str, object] | None
    #: Of its texts.
    texts: tuple[Condition, ...] = ()
    #: The statements that find candidates, newest first and oldest first; None: the few, or the index.
    statements: tuple[str, str] | None = None
    params: tuple[tuple[str, object], ...] = ()
    few: tuple[int, ...] = ()
    #: What the index is asked, where it is; those of it that may be rare.
    asked: tuple[Condition, ...] = ()
    telling: tuple[Condition, ...] = ()


class Search:
    """Questions about lines."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    async def page(
        self, wanted: Filter, scope: Scope, *, limit: int, before: int | None = None, after: int | None = None
    ) -> Page:
        """The newest lines; or those before a number; or those just after one."""
        way = await self._way(wanted, scope)
        is_newer = after is not None
        low = max(way.low, after) if after is not None else way.low
        high = min(way.high, before) if before is not None else way.high
        found = await self._find(way, low, high, limit + 1, newer=is_newer)
        seqs, more = found.seqs[:limit], len(found.seqs) > limit
        lines = await self._lines(seqs)
        goes_on = found.goes_on if not more else seqs[-1]
        if is_newer:
            older, newer = (after + 1 if after is not None else None), goes_on
        else:
            older, newer = goes_on, (before - 1 if before is not None else None)
        return Page(
            lines=tuple(lines),
            older=older,
            newer=newer,
            partial=goes_on is not None and not more,
            unindexed=await self._unindexed() if way.asked else 0,
        )

    async def count(self, wanted: Filter, scope: Scope, *, above: int = 0, most: int = COUNTED) -> Count:
        """How many lines fit, above a number; bounded by what it counts and by what it looks at."""
        way = await self._way(wanted, scope)
        low = max(way.low, above)
        found = await self._find(way, low, way.high, most + 1, newer=False, longer=_COUNTS_LONGER)
        more = len(found.seqs) > most or found.goes_on is not None
        return Count(value=min(len(found.seqs), most), more=more)

    async def all(self, wanted: Filter, scope: Scope, *, portion: int = 500) -> AsyncIterator[list[Line]]:
        """Every line that fits, newest first, in portions; lines recorded meanwhile are left out."""
        before: int | None = None
        while True:
            page = await self.page(wanted, scope, limit=portion, before=before)
            if page.lines:
                yield list(page.lines)
            if page.older is None:
                return
            before = page.older

    async def shown(self, seqs: Sequence[int], scope: Scope) -> list[Line]:
        """Lines by their numbers, newest first: those of them that somebody may see."""
        if not seqs:
            return []
        way = _Way(low=0, high=_LAST, rest=_rest(Filter(kind="all"), scope))
        return await self._lines(await self._fitting(way, list(seqs), len(seqs)))

    async def _lines(self, seqs: Sequence[int]) -> list[Line]:
        if not seqs:
            return []
        return [_line(row) for row in await self._readers.fetch("line_list_shown", (as_json(list(seqs)),))]

    async def _unindexed(self) -> int:
        low, _, _ = await self._indexed()
        return max(0, low)

    async def _indexed(self) -> tuple[int, int, int]:
        """The lines that the index holds are between the first two; newer ones to look at are before the third."""
        ((low, high, newest),) = await self._readers.fetch("search_read_extent")
        return low - 1, high + 1, (newest if newest - high <= _WINDOW else high) + 1

    async def _way(self, wanted: Filter, scope: Scope) -> _Way:
        low, high = await self._period(wanted)
        rest, texts, facts = _rest(wanted, scope), tuple(worded(wanted)), plain(wanted, scope)
        few = await self._few(wanted)
        if few is not None:
            return _Way(low=low, high=high, rest=rest, texts=texts, few=few)
        if not texts and len(wanted.recipient) == len(wanted.state) == 1 and wanted.state[0] not in _ON_THE_WAY:
            return _Way(
                low=low,
                high=high,
                rest=rest,
                statements=("line_list_of_recipient_older", "line_list_of_recipient_newer"),
                params=(("recipient", wanted.recipient[0]), ("state", wanted.state[0])),
            )
        if texts or facts:
            others = (wanted.state, wanted.status, wanted.reason, wanted.since, wanted.until, wanted.changed)
            is_all = scope is None and not any(others)
            return _Way(
                low=low,
                high=high,
                rest=None if is_all else rest,
                asked=(*texts, *facts, *kind_of(wanted)),
                telling=(*texts, *facts),
            )
        return _Way(low=low, high=high, rest=rest, statements=("line_list_older", "line_list_newer"))

    async def _few(self, wanted: Filter) -> tuple[int, ...] | None:
        """Numbers of all candidates, ascending, where state or business status leaves few."""
        ways: list[tuple[str, dict[str, object]]] = []
        if wanted.state and set(wanted.state) <= set(OPEN_STATES):
            ways.append(("line_list_open", {"states": as_json(wanted.state)}))
        if wanted.status and set(wanted.status) <= _RARE:
            ways.append(("line_list_of_rare_status", {"statuses": as_json(wanted.status)}))
        for name, params in ways:
            rows = await self._readers.fetch(name, {**params, "limit": _FEW + 1})
            if len(rows) <= _FEW:
                return tuple(sorted(row[0] for row in rows))
        return None

    async def _period(self, wanted: Filter) -> tuple[int, int]:
        low, high = 0, _LAST
        if wanted.since is not None:
            row = await self._readers.fetch_one("line_last_accepted_before", (wanted.begins_at - _SLACK,))
            low = row[0] - 1 if row else 0
        if wanted.until is not None:
            row = await self._readers.fetch_one("line_first_accepted_after", (wanted.ends_at + _SLACK,))
            # of a document with many recipients this may be any line
            high = row[0] + 1 if row else _LAST
        return low, high

    async def _find(self, way: _Way, low: int, high: int, limit: int, *, newer: bool, longer: int = 1) -> _Found:
        found: list[int] = []
        looked, spans, window = 0, 0, limit if way.rest is None else max(_WINDOW, limit)
        while True:
            some = await self._candidates(way, low, high, window, newer=newer)
            found += await self._fitting(way, some.seqs, limit - len(found))
            if some.goes_on is None:
                return _Found(seqs=found, goes_on=None)
            if len(found) >= limit:
                return _Found(seqs=found, goes_on=found[-1])
            low, high = (some.goes_on, high) if newer else (low, some.goes_on)
            looked, spans = looked + len(some.seqs), spans + some.is_span
            if looked >= max(LOOKED_AT, limit) or spans * len(way.asked) >= _EFFORT * longer:
                return _Found(seqs=found, goes_on=some.goes_on)
            if not some.is_span:
                window = min(window * 4, _WIDEST)

    async def _candidates(self, way: _Way, low: int, high: int, window: int, *, newer: bool) -> _Candidates:
        if way.asked:
            return await self._asked(way, low, high, window, newer=newer)
        if way.statements is None:
            between = way.few[bisect_right(way.few, low) : bisect_left(way.few, high)]
            seqs = list(between[:window] if newer else between[::-1][:window])
        else:
            params = {**dict(way.params), "low": low, "high": high, "limit": window}
            seqs = [row[0] for row in await self._readers.fetch(way.statements[newer], params)]
        return _Candidates(seqs=seqs, goes_on=seqs[-1] if len(seqs) == window else None)

    async def _asked(self, way: _Way, low: int, high: int, window: int, *, newer: bool) -> _Candidates:
        """What the index finds in the next span, or what is newer than all it holds."""
        first, last, end = await self._indexed()
        low, high = max(low, first), min(high, end)
        if high - low <= 1:
            return _Candidates(seqs=[], goes_on=None)
        if high > last and not (newer and low < last - 1):
            seqs = await self._newer_than_index(way, max(low, last - 1), high, newer=newer)
            return _Candidates(seqs=seqs, goes_on=last if not newer and low < last - 1 else None)
        is_last = high >= last if newer else low == first
        found = await self._in_index(way, low, min(high, last), window, newer=newer, is_last=is_last)
        if found.goes_on is None and newer and high > last:
            return replace(found, goes_on=last - 1)
        return found

    async def _newer_than_index(self, way: _Way, low: int, high: int, *, newer: bool) -> list[int]:
        params = {"low": low, "high": high, "limit": _WINDOW}
        statement = "line_list_newer" if newer else "line_list_older"
        seqs = [row[0] for row in await self._readers.fetch(statement, params)]
        return await self._holding(way.asked, seqs)

    async def _in_index(
        self, way: _Way, low: int, high: int, window: int, *, newer: bool, is_last: bool
    ) -> _Candidates:
        reach = await self._reach(way, low, high, newer=newer)
        span = span_of(low, high, newer=newer, reach=reach, is_last=is_last)
        match = expression_of([*span.bounds, *way.asked])
        params = {"match": match, "low": span.low, "high": span.high, "limit": window}
        seqs = [row[0] for row in await self._readers.fetch(_FINDING[newer], params)]
        if len(seqs) == window:
            return _Candidates(seqs=seqs, goes_on=seqs[-1])
        if newer:
            goes_on = span.high - 1 if span.high < high else None
        else:
            goes_on = span.low + 1 if span.low > low else None
        return _Candidates(seqs=seqs, goes_on=goes_on, is_span=True)

    async def _reach(self, way: _Way, low: int, high: int, *, newer: bool) -> int | None:
        """Where the rarest word was seen `_FEW` times; None: it is not there so often."""
        reached: list[int] = []
        for each in way.telling:
            params = {"match": each.loosely, "low": low, "high": high, "limit": _FEW}
            ((count, last),) = await self._readers.fetch(_REACHING[newer], params)
            if count < _FEW:
                return None
            reached.append(last)
        return max(reached) if newer else min(reached)

    async def _fitting(self, way: _Way, seqs: list[int], limit: int) -> list[int]:
        if way.rest is None or not seqs:
            return seqs
        most = len(seqs) if way.texts else limit
        rows = await self._readers.fetch("line_list_fitting", {**way.rest, "seqs": as_json(seqs), "limit": most})
        found = [row[0] for row in rows]
        return (await self._holding(way.texts, found))[:limit]

    async def _holding(self, conditions: Sequence[Condition], seqs: list[int]) -> list[int]:
        """Those whose texts meet the conditions."""
        if not conditions or not seqs:
            return seqs
        told = await self._readers.fetch("line_list_texts", (as_json(seqs),))
        fit = {row[0] for row in told if _holds(conditions, row[1:])}
        return [seq for seq in seqs if seq in fit]


def _holds(conditions: Sequence[Condition], texts: Sequence[str]) -> bool:
    found = {column: tokens(text) for column, text in zip(COLUMNS, texts, strict=True)}
    return all(each.holds(found) for each in conditions)


def _rest(wanted: Filter, scope: Scope) -> dict[str, object]:
    def some(values: Sequence[str]) -> str | None:
        return as_json(list(values)) if values else None

    return {
        "since": wanted.begins_at,
        "until": wanted.ends_at,
        "states": some(wanted.state),
        "statuses": some(wanted.status),
        "reasons": some(wanted.reason),
        "changed": wanted.changed_at,
        "kind": None if wanted.kind == "all" else wanted.kind,
        "senders": some(wanted.sender),
        "recipients": some(wanted.recipient),
        "channels": some(wanted.channel),
        "urgencies": as_json([int(each) for each in wanted.urgency]) if wanted.urgency else None,
        "scope": None if scope is None else as_json(sorted(scope)),
    }


def _line(row: tuple[Any, ...]) -> Line:
    state = State(row[15])
    return Line(
        **dict(zip(_PLAIN, row[:15], strict=True)),
        state=state,
        final=state.is_final(expects_status=bool(row[16])),
        reason=row[17],
        business_status=row[18],
        endpoint_id=row[19],
        size=row[20],
        accepted_at=instant(row[21]),
        created_at=instant(row[22]),
        state_at=instant(row[23]),
    )


_PLAIN: Final = tuple(Line.__dataclass_fields__)[:15]
