"""What the overview shows, gathered: what needs a person, by cause; the day so far; backlog; channels.

Gathered once for all who look, and anew when something was recorded, or after a while; what the doctor finds
(certificates, disk, duties) after `_EXAMINED` alone, since it reads files and asks the server itself. It decides
nothing and changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any, Final

import structlog

from gateway.admin import watching
from gateway.admin.ending_credentials import EndingCredential, ending_credentials
from gateway.admin.ending_encryption import ending_encryption
from gateway.admin.refusals import first_day
from gateway.admin.watching import Channel
from gateway.audit.findings import Finding
from gateway.channel_health import ChannelHealth
from gateway.clock import VIETNAM, instant, micros
from gateway.console.server import ConsoleServer
from gateway.diagnosis.own_look import look_at_self
from gateway.ledger.calendar import workdays
from gateway.model import EndpointId
from gateway.reasons import REASONS, Reason
from gateway.reports.figures import Figures
from gateway.reports.making import make_report
from gateway.reports.missed import Missed, missed_answers
from gateway.reports.periods import Period
from gateway.search.filter import NO_REASON, Filter

_log: Any = structlog.get_logger("gateway.console")
_FRESH: Final = timedelta(seconds=30)
_RECENT: Final = timedelta(seconds=5)
#: Times as long as it took, nothing is gathered.
_RESTS: Final = 9
_EXAMINED: Final = timedelta(seconds=20)
#: Answers that are missed are found anew after a while, since that takes time.
_DUE_FRESH: Final = timedelta(minutes=5)
#: Seconds for which a page waits for them.
_DUE_PATIENCE: Final = 0.5
#: Kinds of trouble that are read, the gravest first.
_TROUBLES: Final = 300
#: States that are counted however old they are.
_OPEN: Final = frozenset({"deferred", "held", "quarantined"})
#: States of what waits for something that comes by itself, or for the person who has held it.
_GOES_ON: Final = frozenset({"deferred", "held"})
_HOURS: Final = 24
_HOUR: Final = timedelta(hours=1)
_WEEK: Final = timedelta(days=7)


@dataclass(frozen=True, kw_only=True, slots=True)
class Everywhere:
    """The same trouble over all channels."""

    count: int
    since: datetime
    flash: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Trouble:
    """Deliveries that do not get on, of one channel and for one reason."""

    channel_id: str
    state: str
    #: "" where the ledger holds no reason.
    code: str
    count: int
    since: datetime
    #: How many of them are hỏa tốc.
    flash: int
    #: The first day of those that are counted; None: all are.
    changed: date | None
    everywhere: Everywhere

    @property
    def reason(self) -> Reason | None:
        """None where there is none, or none of ours."""
        return REASONS.get(self.code)

    @property
    def these(self) -> str:
        """The filter of the ledger that finds the same deliveries."""
        return self.these_at((self.channel_id,))

    def these_at(self, channels: Sequence[str]) -> str:
        """Likewise on several channels."""
        found = Filter(
            state=(self.state,),
            channel=tuple(channels),
            reason=(self.code or NO_REASON,),
            changed=self.changed,
            kind="all",
        )
        return found.address


@dataclass(frozen=True, kw_only=True, slots=True)
class Waits:
    """What waits of one lane."""

    #: 0 hoả tốc, 1 khẩn, 2 thường, 3 bulk.
    lane: int
    count: int
    #: The oldest; None where everything is held.
    since: datetime | None
    #: What people hold, which is in neither.
    held: int


@dataclass(frozen=True, kw_only=True, slots=True)
class TroubledChannel:
    """A channel that a person has to look at."""

    id: str
    #: None where it is no more.
    line: Channel | None
    troubles: Sequence[Trouble]

    @property
    def label(self) -> str:
        """The agency that it leads to, or its name."""
        return self.line.label if self.line else self.id

    @property
    def waiting(self) -> int:
        """Transmissions."""
        return self.line.waiting if self.line else 0

    @property
    def is_paused(self) -> bool:
        """Whether a person has paused it."""
        return self.line is not None and _is_paused(self.line)

    @property
    def down_since(self) -> datetime | None:
        """Since when nothing gets through, though nobody has paused it."""
        return self.line.state.endpoint.down_since if self.line and not self.is_paused else None

    @property
    def is_bad(self) -> bool:
        """Whether something does not get on by itself."""
        return self.down_since is not None or any(each.state not in _GOES_ON for each in self.troubles)

    @property
    def flash(self) -> int:
        """Hỏa tốc that does not get on."""
        return sum(each.flash for each in self.troubles)

    def only(self, troubles: Sequence[Trouble]) -> TroubledChannel:
        """It, with some of its troubles."""
        return replace(self, troubles=troubles)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outlook:
    """All of it."""

    at: datetime
    #: The newest event before it was gathered.
    newest: int
    #: Of the server: warnings and errors.
    findings: Sequence[Finding]
    #: The gravest kinds of trouble, and how many more there are.
    troubles: Sequence[Trouble]
    more_troubles: int
    #: What offices' systems are known by, or others encrypt to, and that ends soon.
    ending: Sequence[EndingCredential]
    parked: int
    #: Documents accepted by the hour, today and on the same weekday a week ago.
    today: Sequence[int]
    then: Sequence[int]
    #: How many there were a week ago until this hour and minute.
    then_until_now: int
    #: Deliveries of those.
    deliveries_then: int
    figures: Figures
    waits: Sequence[Waits]
    channels: Sequence[Channel]
    #: Answers whose day has passed; None while they are being found.
    due: Missed | None

    @property
    def by_channel(self) -> Sequence[TroubledChannel]:
        """What does not get on, channel by channel: those over which nothing gets through first.

        Not that something waits while a person has paused its channel.
        """
        troubles: dict[str, list[Trouble]] = {}
        for each in self.troubles:
            troubles.setdefault(each.channel_id, []).append(each)
        lines = {each.state.endpoint.id: each for each in self.channels}
        down = [
            key
            for key, each in lines.items()
            if each.state.endpoint.down_since is not None and not _is_paused(each)
        ]
        found = [
            TroubledChannel(id=key, line=lines.get(EndpointId(key)), troubles=troubles.get(key, []))
            for key in (*down, *(key for key in troubles if key not in down))
        ]
        return [each for each in found if each.is_bad or not each.is_paused]

    @property
    def paused(self) -> Sequence[Channel]:
        """Channels that people have paused, the next end first."""
        found = [each for each in self.channels if _is_paused(each)]
        return sorted(found, key=lambda each: each.state.endpoint.paused_until or self.at)


def _is_paused(channel: Channel) -> bool:
    return channel.judgement.health is ChannelHealth.PAUSED


class Outlooks:
    """Gathers them; one per console."""

    def __init__(self, server: ConsoleServer) -> None:
        self._server = server
        self._made: Outlook | None = None
        self._gathering = asyncio.Lock()
        self._rests_until = 0.0
        self._examined: tuple[datetime, list[Finding]] | None = None
        self._due: tuple[datetime, Missed] | None = None
        self._seeking: asyncio.Task[None] | None = None

    async def recent(self) -> Outlook:
        """As it was seconds ago, or last, while it rests: nobody waits for a page.

        `newest` says up to which event, and the stream tells what came after.
        """
        made, at = self._made, self._server.foundation.clock.now()
        rests = asyncio.get_running_loop().time() < self._rests_until
        if made is not None and (rests or timedelta() <= at - made.at < _RECENT):
            return made
        return await self.now()

    async def now(self) -> Outlook:
        """As it is now; where that takes long, whoever asks again waits, so that it takes a tenth of all time."""
        async with self._gathering:  # whoever comes meanwhile gets the same
            made = self._made
            if made is not None and made.newest == await self._server.gateway.feed.newest():
                at = self._server.foundation.clock.now()
                if timedelta() <= at - made.at < _FRESH:
                    return made
            loop = asyncio.get_running_loop()
            await asyncio.sleep(max(self._rests_until - loop.time(), 0))
            began = loop.time()
            newest = await self._server.gateway.feed.newest()
            made = self._made = await self._gathered(self._server.foundation.clock.now(), newest)
            self._rests_until = loop.time() + (loop.time() - began) * _RESTS
            return made

    async def overdue(self, at: datetime) -> Missed | None:
        """Of the last weeks' days, minutes old at most; found beside the page where that takes long."""
        if (self._due is None or not timedelta() <= at - self._due[0] < _DUE_FRESH) and self._seeking is None:
            self._seeking = asyncio.create_task(self._find_due(at))
            self._seeking.add_done_callback(self._has_found)
        if self._seeking is not None:
            await asyncio.wait({self._seeking}, timeout=_DUE_PATIENCE)
        return self._due[1] if self._due is not None else None

    async def _find_due(self, at: datetime) -> None:
        base = self._server.foundation
        found = await missed_answers(base.readers, await workdays(base.readers), at.astimezone(VIETNAM).date())
        self._due = (at, found)
        if self._made is not None:  # whoever asks next must not wait until all is gathered anew
            self._made = replace(self._made, due=found)

    def _has_found(self, task: asyncio.Task[None]) -> None:
        self._seeking = None
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.warning("outlook.failed", exc_info=error)

    async def _gathered(self, at: datetime, newest: int) -> Outlook:
        base = self._server.foundation
        morning = at.astimezone(VIETNAM).replace(hour=0, minute=0, second=0, microsecond=0)
        today = morning.date()
        report = await make_report(base.readers, base.directory, Period(first=today, last=today), now=at)
        channels = await watching.channels(base)
        # the worst first, as they are; what is calm by what waits
        channels.sort(key=lambda each: (each.is_calm, each.is_calm and -each.waiting))
        troubles, more = await self._troubles(at)
        return Outlook(
            at=at,
            newest=newest,
            findings=await self._findings(at),
            troubles=troubles,
            more_troubles=more,
            ending=[
                *await ending_credentials(base.readers, base.directory, at),
                *await ending_encryption(base.readers, base.directory, at),
            ],
            parked=await base.reads.parked(),
            today=await self._by_hour(morning, morning + _HOURS * _HOUR),
            then=await self._by_hour(morning - _WEEK, morning - _WEEK + _HOURS * _HOUR),
            then_until_now=sum(await self._by_hour(morning - _WEEK, at - _WEEK)),
            deliveries_then=await self._deliveries(morning - _WEEK, at - _WEEK),
            figures=report.total,
            waits=await self._waits(),
            channels=channels,
            due=await self.overdue(at),
        )

    async def _findings(self, at: datetime) -> list[Finding]:
        if self._examined is None or not timedelta() <= at - self._examined[0] < _EXAMINED:
            conditions = dict(self._server.conditions)
            self._examined = (at, await look_at_self(self._server.foundation, conditions))
        return self._examined[1]

    async def _troubles(self, at: datetime) -> tuple[list[Trouble], int]:
        first = first_day(at)  # refused on an earlier day, it is history
        params = {"since": micros(datetime.combine(first, time(), VIETNAM)), "limit": _TROUBLES}
        rows = await self._server.foundation.readers.fetch("delivery_group_troubled", params)
        found = [
            Trouble(
                channel_id=endpoint,
                state=state,
                code=reason,
                count=count,
                since=instant(since),
                flash=flash,
                changed=None if state in _OPEN else first,
                everywhere=Everywhere(count=total, since=instant(oldest), flash=all_flash),
            )
            for endpoint, state, reason, count, since, flash, _, total, oldest, all_flash in rows
        ]
        return found, rows[0][6] - len(rows) if rows else 0

    async def _by_hour(self, start: datetime, end: datetime) -> list[int]:
        params = {"start": micros(start), "end": micros(end)}
        found = dict(await self._server.foundation.readers.fetch("message_count_by_hour", params))
        return [found.get(hour, 0) for hour in range(_HOURS)]

    async def _deliveries(self, start: datetime, end: datetime) -> int:
        params = {"start": micros(start), "end": micros(end)}
        ((count,),) = await self._server.foundation.readers.fetch("delivery_count_between", params)
        return int(count)

    async def _waits(self) -> list[Waits]:
        rows = await self._server.foundation.readers.fetch("dispatch_count_all_lanes")
        return [
            Waits(lane=lane, count=count, since=None if since is None else instant(since), held=held)
            for lane, count, since, held in sorted(rows)
        ]
