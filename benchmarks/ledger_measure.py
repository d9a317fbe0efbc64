"""The same acts on both ledgers in turn, through the code that the gateway runs.

A round records messages, claims and finishes them (64 at once, as under load, and one alone), reads pages, and
asks what a serving gateway asks by itself. Both ledgers are open in this process and take turns in going first; the
first rounds are not counted. The medians are compared.

*Warm* means that the system has in memory the indexes that every acceptance looks into at some place: by digest,
fingerprint, DocumentId and number; of a page, that it was just read. *Cold* is the first call after the system was
told to forget the pages of the file; what reads does so over new connections.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from statistics import median

import msgspec

from benchmarks.installation import COMMUNES, PROVINCE
from benchmarks.ledger_fill import Ledger
from benchmarks.ledger_messages import Numbered, Post, newest_numbers, rows_of
from gateway.admin.acts import ActOnDeliveries, act_on_deliveries
from gateway.config import settings as config
from gateway.foundation import Foundation, load_statements, open_foundation
from gateway.ledger import pages
from gateway.ledger.ages import Expire, ExpireOperation
from gateway.ledger.pages import LineQuery, SentQuery
from gateway.ledger.reads import Reads
from gateway.ledger.record import RecordMessage
from gateway.model import Agency, AgencyId, Outcome, OutcomeKind, Outgoing, SendReport
from gateway.outgoing import LedgerOutlook, LedgerQueue
from gateway.retry import RetryPlan
from gateway.states import State
from gateway.storage.readers import Readers
from gateway.windows import Share

_AT_ONCE = 64
_WARMING = 5
#: Periods and numbers that are asked for in turn: few enough to be warm after the first rounds.
_PLACES = 16
_PERIOD = timedelta(hours=8) // timedelta(microseconds=1)
_YEAR = timedelta(days=300) // timedelta(microseconds=1)
_PAGE, _LINES = 100, 50
#: Of each page in a round; the first, which brings it into memory, is not counted.
_PAGE_CALLS = 6
_COLD_CALLS = 5

_FILTERED, _CLAIM, _ACCEPT = 1.3, 1.3, 1.5
#: Each goes through one of the indexes in which a new message has its place anywhere.
_ANYWHERE = (
    "SELECT SUM(LENGTH(sha256)) FROM message INDEXED BY message_by_sha256",
    "SELECT SUM(LENGTH(fingerprint)) FROM message INDEXED BY sqlite_autoindex_message_2 WHERE fingerprint > ''",
    "SELECT SUM(LENGTH(document_ref)) FROM message INDEXED BY message_by_document_ref",
    "SELECT SUM(LENGTH(code_number)) FROM message INDEXED BY message_by_number",
)


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """Medians in milliseconds."""

    name: str
    small: float
    large: float
    goal: float | None = None
    #: The first call of all, over a file of which nothing is in memory.
    cold: tuple[float, float] | None = None

    @property
    def ratio(self) -> float:
        """How many times longer the large one takes."""
        return self.large / self.small

    @property
    def met(self) -> bool | None:
        """Whether the goal is met."""
        return None if self.goal is None else self.ratio <= self.goal


@dataclass(frozen=True, kw_only=True, slots=True)
class _Act:
    """Something to measure; `do` gives the seconds that count."""

    name: str
    do: Callable[[_Side, int], Awaitable[float]]
    goal: float | None = None
    has_cold: bool = False
    is_page: bool = False


def _page(name: str, do: Callable[[_Side, int], Awaitable[float]]) -> _Act:
    return _Act(name=name, do=do, goal=_FILTERED, has_cold=True, is_page=True)


class _Side:
    """One ledger, open."""

    def __init__(self, ledger: Ledger, base: Foundation, province: Agency, offices: list[Agency]) -> None:
        self.ledger, self.foundation, self.offices = ledger, base, offices
        self.senders = frozenset({province.id})
        self.post = Post(ledger, offices)
        self.numbers: list[Numbered] = newest_numbers(ledger, province.id, _PLACES)
        self.queue = LedgerQueue(pump=base.pump, boot_id=base.boot_id, settings=base.settings.delivery)
        self.outlook = LedgerOutlook(base.readers)
        self.record, self.expire = RecordMessage(), ExpireOperation()
        self.claimed: list[Outgoing] = []

    def requeued(self, agencies: Iterable[AgencyId]) -> None:
        """Nobody waits here."""

    def poll(self, endpoint_id: str) -> int:  # noqa: ARG002
        """No list is read here."""
        return 0

    def reopened(self) -> Readers:
        """Other connections that read; to be used instead of the first ones."""
        readers = Readers(self.ledger.database, load_statements(), count=1)
        self.foundation = replace(self.foundation, readers=readers, reads=Reads(readers))
        return readers

    def period(self, place: int) -> tuple[int, int]:
        """One of some periods, spread over all that the ledger holds."""
        filled = self.ledger.filled
        start = filled.start + (filled.end - filled.start - _PERIOD) * (place % _PLACES) // _PLACES
        return start, start + _PERIOD


async def measure(ledgers: tuple[Ledger, Ledger], *, rounds: int, say: Callable[[str], None]) -> list[Figure]:
    """Every act, warm; some also cold."""
    times: dict[str, tuple[list[float], list[float]]] = {act.name: ([], []) for act in _ACTS}
    async with AsyncExitStack() as stack:
        sides = [await _opened(stack, ledger) for ledger in ledgers]
        for ledger in ledgers:
            for sql in _ANYWHERE:
                rows_of(ledger, sql)
        for number in range(_WARMING + rounds):
            for place in (number % 2, 1 - number % 2):
                for act in _ACTS:
                    seconds = [await act.do(sides[place], number) for _ in range(_PAGE_CALLS if act.is_page else 1)]
                    if number >= _WARMING:
                        times[act.name][place].extend(seconds[1:] or seconds)
            if number % 10 == 0:
                say(f"round {number} of {_WARMING + rounds}")
        cold = {act.name: [await _cold(act, side) for side in sides] for act in _ACTS if act.has_cold}
    return [
        Figure(
            name=act.name,
            small=median(times[act.name][0]) * 1000,
            large=median(times[act.name][1]) * 1000,
            goal=act.goal,
            cold=(cold[act.name][0] * 1000, cold[act.name][1] * 1000) if act.has_cold else None,
        )
        for act in _ACTS
    ]


async def _opened(stack: AsyncExitStack, ledger: Ledger) -> _Side:
    settings = config.load(ledger.config)
    base = await stack.enter_async_context(open_foundation(settings, purpose="setup"))
    codes = [PROVINCE.code, *(each.code for each in COMMUNES)]
    found = await base.directory.resolve(codes, base.clock.now())
    return _Side(ledger, base, found[PROVINCE.code], [found[each.code] for each in COMMUNES])


async def _cold(act: _Act, side: _Side) -> float:
    times = []
    for place in range(_COLD_CALLS):
        forget(side.ledger)
        readers = side.reopened()
        await readers.start()
        times.append(await act.do(side, place))
        if act.do is _accept_many:
            await _claim(side, _AT_ONCE)
            await _finish(side)
        await readers.close()
    return median(times)


def forget(ledger: Ledger) -> None:
    """Let the system drop what it holds of the file; what is not written yet stays."""
    file = os.open(ledger.database, os.O_RDONLY)
    os.fdatasync(file)
    os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(file)


async def _timed(doing: Awaitable[object]) -> float:
    began = time.perf_counter()
    await doing
    return time.perf_counter() - began


async def _accept(side: _Side, how_many: int) -> float:
    base = side.foundation
    new = [side.post.new(base.clock.now()) for _ in range(how_many)]
    return await _timed(asyncio.gather(*(base.pump.submit(side.record, each) for each in new)))


async def _claim(side: _Side, how_many: int) -> float:
    now = side.foundation.clock.now()
    began, found = time.perf_counter(), 0
    while found < how_many:
        due = await side.outlook.due_endpoints(now)
        shares = [Share(endpoint_id=each, places=4) for each in due]
        claimed = await side.queue.claim(shares, now=now, lease_until=now + timedelta(minutes=5))
        side.claimed += claimed
        found += len(claimed)
    return time.perf_counter() - began


async def _finish(side: _Side) -> float:
    now = side.foundation.clock.now()
    claimed, side.claimed = side.claimed, []
    plan = RetryPlan(due_at=now, counts=False)
    reports = [
        SendReport(outcomes={line.id: Outcome(kind=OutcomeKind.DELIVERED) for line in each.deliveries})
        for each in claimed
    ]
    return await _timed(
        asyncio.gather(
            *(side.queue.finish(one, report, plan, now=now) for one, report in zip(claimed, reports, strict=True))
        )
    )


async def _accept_many(side: _Side, _place: int) -> float:
    return await _accept(side, _AT_ONCE)


async def _claim_many(side: _Side, _place: int) -> float:
    return await _claim(side, _AT_ONCE)


async def _accept_one(side: _Side, _place: int) -> float:
    return await _accept(side, 1)


async def _claim_one(side: _Side, _place: int) -> float:
    return await _claim(side, 1)


async def _finish_all(side: _Side, _place: int) -> float:
    return await _finish(side)


async def _sent_in_period(side: _Side, place: int) -> float:
    since, until = side.period(place)
    query = SentQuery(agencies=side.senders, limit=_PAGE + 1, kind="document", since=since, until=until)
    return await _timed(side.foundation.reads.sent(query))


async def _sent_by_number(side: _Side, place: int) -> float:
    wanted = side.numbers[place % _PLACES]
    # numbers begin anew each year
    since = side.ledger.filled.end - _YEAR
    query = SentQuery(
        agencies=side.senders, limit=_PAGE + 1, number=wanted.number, notation=wanted.notation, since=since
    )
    return await _timed(side.foundation.reads.sent(query))


async def _meant_by_number(side: _Side, place: int) -> float:
    wanted = side.numbers[place % _PLACES]
    return await _timed(pages.meant(side.foundation.readers, f"{wanted.number}/{wanted.notation}"))


async def _held_of_recipient(side: _Side, _place: int) -> float:
    request = ActOnDeliveries(
        act="release", state=State.HELD, recipient=COMMUNES[0].code, dry_run=True, reason="benchmark"
    )
    return await _timed(act_on_deliveries(side, request, "operator:bench"))


async def _arrived_of_recipient(side: _Side, place: int) -> float:
    recipient = side.offices[place % _PLACES].id
    query = LineQuery(state=State.DELIVERED, recipient=recipient, limit=_LINES)
    return await _timed(pages.lines(side.foundation.readers, query))


async def _metrics(side: _Side, _place: int) -> float:
    reads, now = side.foundation.reads, side.foundation.clock.now()
    began = time.perf_counter()
    await reads.waiting()
    await reads.oldest_seconds(now)
    await reads.open_deliveries()
    await reads.parked()
    return time.perf_counter() - began


async def _outlook(side: _Side, _place: int) -> float:
    return await _timed(side.outlook.next_due(side.foundation.clock.now()))


async def _expire(side: _Side, _place: int) -> float:
    now = side.foundation.clock.now()
    ask = Expire(now=now, soon=now, hard_cap=timedelta(days=30))
    return await _timed(side.foundation.pump.submit(side.expire, ask))


async def _untold(side: _Side, _place: int) -> float:
    since = int((side.foundation.clock.now() - timedelta(days=30)).timestamp() * 1e6)
    return await _timed(side.foundation.readers.fetch("delivery_list_untold", {"since": since}))


_ACTS = (
    _Act(name=f"accept, {_AT_ONCE} at once", do=_accept_many, goal=_ACCEPT, has_cold=True),
    _Act(name=f"claim, {_AT_ONCE} at once", do=_claim_many, goal=_CLAIM),
    _Act(name=f"finish, {_AT_ONCE} at once", do=_finish_all),
    _Act(name="accept, one alone", do=_accept_one, goal=_ACCEPT),
    _Act(name="claim, one alone", do=_claim_one, goal=_CLAIM),
    _Act(name="finish, one alone", do=_finish_all),
    _page("page: a sender's documents of 8 hours", _sent_in_period),
    _page("page: a recipient's held deliveries", _held_of_recipient),
    _page(f"page: a recipient's newest {_LINES} delivered", _arrived_of_recipient),
    _page("page: a sender's documents of this year by number", _sent_by_number),
    _Act(name="`gateway show` by number", do=_meant_by_number, has_cold=True, is_page=True),
    _Act(name="by itself: what /metrics asks", do=_metrics),
    _Act(name="by itself: when the next one is due", do=_outlook),
    _Act(name="by itself: what is too old", do=_expire),
    _Act(name="by itself: outcomes of 30 days to tell senders of", do=_untold),
)
