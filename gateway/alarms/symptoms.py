"""Looks for what an alarm is about: channels, offices, what waits, the server itself. It decides nothing else.

How channels are is what their pages say (`gateway.admin.watching`), how the server is what the doctor finds
(`gateway.diagnosis.own_look`); only ages that have a setting of their own are asked of the ledger here. What is
only a consequence is not told: nothing about the backlog of a channel that is down, and nothing but hỏa tốc about
one that a person has paused. A part that cannot be looked at hides no other, and is a trouble itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from typing import Any, Final

import structlog

from gateway.admin import watching
from gateway.admin.ending_credentials import NOW, EndingCredential, ending_credentials
from gateway.admin.ending_encryption import ending_encryption
from gateway.admin.offices import reached
from gateway.admin.refusals import LATELY, Refusals, refusals
from gateway.admin.standings import standings
from gateway.admin.watching import Channel
from gateway.alarms.rules import RULES
from gateway.audit.findings import Finding
from gateway.channel_health import ChannelHealth
from gateway.clock import VIETNAM, instant, micros
from gateway.condition import Condition
from gateway.config.alerts import AlarmSettings
from gateway.diagnosis.own_look import look_at_self
from gateway.foundation import Foundation
from gateway.ledger import heard
from gateway.ledger.calendar import workdays
from gateway.model import AgencyId
from gateway.reports.missed import missed_answers
from gateway.workdays import Workdays

_LANE_RULES: Final = {0: "flash_unread", 1: "urgent_unread"}
#: Likewise, of what an office's system has taken.
_TAKEN_RULES: Final = {0: heard.RULES[True], 1: heard.RULES[False]}
#: Letters of what a finding says.
_DETAIL: Final = 300
#: Offices, or their credentials, that are named.
_NAMED: Final = 5
#: The rules that each part sees to; "server" to all others.
_PARTS: Final[Mapping[str, frozenset[str]]] = {
    "channels": frozenset(
        {
            "axis_down",
            "office_down",
            "list_unreadable",
            "list_silent",
            "failing_in_part",
            "backlog_old",
            "office_silent",
        }
    ),
    "offices": frozenset({"office_silent"}),
    "refused": frozenset({"flash_refused"}),
    "quarantined": frozenset({"flash_quarantined"}),
    "held": frozenset({"flash_held"}),
    "sending": frozenset({"flash_waiting", "deadline_near"}),
    "unread": frozenset({"flash_unread", "urgent_unread", "flash_unconfirmed", "urgent_unconfirmed"}),
    "answers": frozenset({"answers_overdue"}),
    "disk": frozenset({"disk_soon"}),
    "credentials": frozenset({"credential_ending"}),
    "encryption": frozenset({"encryption_ending"}),
}
_FAILING: Final = "watch_failing"
_OF_SERVER: Final = frozenset(RULES).difference(*_PARTS.values(), {_FAILING})
#: Offices that are looked at.
_OFFICES: Final = 10_000

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Symptom:
    """One trouble, as it is now."""

    rule: str
    subject: str
    since: datetime
    #: For people: `name`, perhaps `count` (`least`: or more), `text`, `office`, whose page it is, and its `phone`;
    #: name and text in Vietnamese as `name_vi`, `text_vi`, where they are not the same.
    facts: Mapping[str, Any] = field(default_factory=dict)
    #: The channel that it is about; "" for the server.
    endpoint_id: str = ""
    #: Of hỏa tốc: when the newest was made, in microseconds.
    newest: int = 0
    #: Whether it is bad enough to open an alarm; else it only keeps an open one from closing.
    opens: bool = True
    #: Whether one look is enough: it does not go away by itself.
    at_once: bool = False

    @property
    def told(self) -> Mapping[str, Any]:
        """The facts, with the channel for a link to its page."""
        return {**self.facts, "channel": self.endpoint_id} if self.endpoint_id else self.facts


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What a look found."""

    symptoms: tuple[Symptom, ...]
    #: Rules that could not be looked at: nobody knows whether their trouble is over.
    unseen: frozenset[str]


async def symptoms(base: Foundation, conditions: Callable[[], Mapping[str, Condition]]) -> Found:
    """All of them."""
    look, unseen = _Look(base, conditions), set[str]()
    parts = {
        "channels": look.channels,
        "offices": look.offices,
        "refused": look.refused,
        "quarantined": look.quarantined,
        "held": look.held,
        "sending": look.sending,
        "unread": look.unread,
        "answers": look.answers,
        "disk": look.disk,
        "credentials": look.credentials,
        "encryption": look.encryption,
        "server": look.server,
    }
    for name, part in parts.items():
        try:
            look.found += await part()
        except Exception as error:  # noqa: BLE001  # the part's boundary: the others are looked at
            _log.exception("alarm.not_looked", part=name, error=type(error).__name__)
            unseen |= _PARTS.get(name, _OF_SERVER)
            told = {"name": name, "text": type(error).__name__}
            look.found.append(Symptom(rule=_FAILING, subject=name, since=look.now, facts=told))
    return Found(symptoms=tuple(look.found), unseen=frozenset(unseen))


class _Look:
    """One of them, part by part."""

    def __init__(self, base: Foundation, conditions: Callable[[], Mapping[str, Condition]]) -> None:
        self._base, self._conditions = base, conditions
        self._settings, self.now = base.settings.alarms, base.clock.now()
        self._channels: dict[str, Channel] = {}
        self._calendar: Workdays | None = None
        self._refused = Refusals()
        self.found: list[Symptom] = []

    async def _workdays(self) -> Workdays:
        self._calendar = self._calendar or await workdays(self._base.readers)
        return self._calendar

    async def channels(self) -> list[Symptom]:
        """What gets through them; the other parts know only from here what they are called."""
        self._refused = await refusals(self._base, self.now)
        found = await watching.channels(self._base, await self._workdays(), self._refused)
        self._channels = {each.state.endpoint.id: each for each in found}
        return [
            symptom for each in self._channels.values() for symptom in _of_channel(each, self._settings, self.now)
        ]

    async def offices(self) -> list[Symptom]:
        """Each that fetches nothing though something waits, by the hours in which offices are open."""
        agencies = await reached(self._base, _OFFICES)
        fetching = [
            each for each in agencies.values() if each.endpoint is not None and each.endpoint.kind == "inbox"
        ]
        calendar = await self._workdays()
        found = await standings(self._base, fetching, self._channels.values(), self._refused, calendar)
        silent = {key: each for key, each in found.items() if each.judgement.health is ChannelHealth.SILENT}
        phones = await self._phones(silent)
        return [
            Symptom(
                rule="office_silent",
                subject=key,
                since=each.judgement.since or self.now,
                facts={"name": agencies[key].name, "count": each.waiting, "office": key, **phones[key]},
                endpoint_id=endpoint.id,
            )
            for key, each in silent.items()
            if (endpoint := agencies[key].endpoint) is not None
        ]

    async def refused(self) -> list[Symptom]:
        """Hỏa tốc that was refused or given up: by office, at once."""
        params = {"since": micros(self.now - LATELY)}
        return await self._at_once(
            "flash_refused", await self._base.readers.fetch("delivery_list_flash_refused", params)
        )

    async def quarantined(self) -> list[Symptom]:
        """Hỏa tốc that is kept from its office until a person decides, however long ago: by office, at once."""
        return await self._at_once(
            "flash_quarantined", await self._base.readers.fetch("delivery_list_flash_quarantined")
        )

    async def held(self) -> list[Symptom]:
        """Hỏa tốc that is held for as long as it may wait to be sent: checks that end by themselves are none."""
        params = {"before": micros(self.now - self._settings.flash)}
        rows = await self._base.readers.fetch("delivery_list_flash_held", params)
        return await self._of_offices([("flash_held", *row) for row in rows])

    async def _at_once(self, rule: str, rows: Sequence[tuple[Any, ...]]) -> list[Symptom]:
        found = await self._of_offices([(rule, *row) for row in rows])
        return [replace(each, at_once=True) for each in found]

    async def _phones(self, ids: Iterable[str]) -> dict[str, dict[str, str]]:
        """What is told of whom to call."""
        found = await self._base.directory.phones(AgencyId(each) for each in ids)
        return {key: {"phone": phone} if phone else {} for key, phone in found.items()}

    async def sending(self) -> list[Symptom]:
        """What waits to be sent, by channel."""
        fetch, settings = self._base.readers.fetch, self._settings
        waiting = await fetch("dispatch_list_flash_waiting", {"before": micros(self.now - settings.flash)})
        ending = await fetch("dispatch_list_ending", {"before": micros(self.now + settings.deadline)})
        return [
            *(
                self._waiting("flash_waiting", key, {"count": count}, instant(at), newest)
                for key, count, at, newest in waiting
            ),
            *(
                self._waiting("deadline_near", key, {"count": count, "until": at}, self.now)
                for key, count, at in ending
                if not self._is_paused(key)  # the time of a pause does not count
            ),
        ]

    def _waiting(
        self, rule: str, endpoint_id: str, facts: Mapping[str, Any], since: datetime, newest: int = 0
    ) -> Symptom:
        channel = self._channels.get(endpoint_id)
        name = channel.called if channel is not None else endpoint_id
        told = {"name": name, **facts}
        return Symptom(
            rule=rule, subject=endpoint_id, since=since, facts=told, endpoint_id=endpoint_id, newest=newest
        )

    def _is_paused(self, endpoint_id: str) -> bool:
        channel = self._channels.get(endpoint_id)
        return channel is not None and channel.judgement.health is ChannelHealth.PAUSED

    async def unread(self) -> list[Symptom]:
        """What waits to be fetched, or was taken by a system or listed by a desk and nobody confirms, by office."""
        during = heard.span(self.now, flash=self._settings.flash, urgent=self._settings.unread)
        params = {name: during[name] for name in ("flash", "urgent")}
        rows = await self._base.readers.fetch("delivery_list_unread_urgent", params)
        taken = await self._base.readers.fetch("delivery_list_unconfirmed_urgent", during)
        return await self._of_offices(
            [
                (rules[lane], agency_id, count, oldest, newest, endpoint_id)
                for rules, those in ((_LANE_RULES, rows), (_TAKEN_RULES, taken))
                for agency_id, lane, count, oldest, newest, endpoint_id in those
            ]
        )

    async def _of_offices(self, rows: Sequence[tuple[str, str, int, int, int, str]]) -> list[Symptom]:
        """Of rule, office, how many, the first, the last, channel."""
        agencies = await self._base.directory.agencies({AgencyId(row[1]) for row in rows})
        phones, found = await self._phones({row[1] for row in rows}), []
        for rule, agency_id, count, first, last, endpoint_id in rows:
            agency = agencies.get(AgencyId(agency_id))
            told = {"name": agency.name if agency is not None else agency_id, "count": count, "office": agency_id}
            found.append(
                Symptom(
                    rule=rule,
                    subject=agency_id,
                    since=instant(first),
                    facts=told | phones[agency_id],
                    endpoint_id=endpoint_id,
                    newest=last,
                )
            )
        return found

    async def answers(self) -> list[Symptom]:
        """Answers that have not come in time, by the day on which their term ended: a day off ends none."""
        today = self.now.astimezone(VIETNAM).date()
        missed = await missed_answers(self._base.readers, await self._workdays(), today)
        agencies = await self._base.directory.agencies(missed.offices)
        found = []
        for day, offices in missed.by_day.items():
            names = "; ".join(agencies[key].name for key, _ in offices.most_common(_NAMED) if key in agencies)
            told = {
                "name": f"due {day:%d %b %Y}",
                "name_vi": f"hạn {day:%d/%m/%Y}",
                "count": offices.total(),
                "text": names,
                "least": day in missed.cut,
            }
            ended = datetime.combine(day + timedelta(days=1), time(), VIETNAM)
            found.append(Symptom(rule="answers_overdue", subject=day.isoformat(), since=ended, facts=told))
        return found

    async def disk(self) -> list[Symptom]:
        """Room below the data folder."""
        free = self._base.bodies.free_bytes()
        if free >= self._settings.disk:
            return []
        told = {"name": str(self._base.settings.storage.folder), "text": f"{free // 1024**2} MiB"}
        return [Symptom(rule="disk_soon", subject="disk", since=self.now, facts=told)]

    async def credentials(self) -> list[Symptom]:
        """What offices' systems are known by and that ends within days, by office."""
        ending = await ending_credentials(self._base.readers, self._base.directory, self.now)
        return await self._ending("credential_ending", ending)

    async def encryption(self) -> list[Symptom]:
        """What others encrypt to, likewise."""
        ending = await ending_encryption(self._base.readers, self._base.directory, self.now)
        return await self._ending("encryption_ending", ending)

    async def _ending(self, rule: str, ending: Iterable[EndingCredential]) -> list[Symptom]:
        found: dict[AgencyId, list[EndingCredential]] = {}
        for each in ending:
            if each.is_now:
                found.setdefault(each.agency_id, []).append(each)
        phones = await self._phones(found)
        return [
            Symptom(
                rule=rule,
                subject=key,
                since=those[0].ends - NOW,
                facts={
                    "name": those[0].agency.name if those[0].agency else key,
                    "text": "; ".join(f"{each.label or each.sort}, {_day(each.ends)}" for each in those[:_NAMED]),
                    "office": key,
                    **phones[key],
                },
            )
            for key, those in found.items()
        ]

    async def server(self) -> list[Symptom]:
        """What the doctor finds."""
        return [
            Symptom(
                rule=each.code,
                subject=each.subject,
                since=self.now,
                facts=_of_finding(each),
            )
            for each in await look_at_self(self._base, self._conditions())
            if each.code in RULES
        ]


def _day(at: datetime) -> str:
    return f"{at.astimezone(VIETNAM):%d/%m/%Y}"


def _of_finding(finding: Finding) -> Mapping[str, Any]:
    in_vietnamese = {"name_vi": finding.subject_vi, "text_vi": finding.detail_vi[:_DETAIL]}
    facts = {"name": finding.subject, "text": finding.detail[:_DETAIL]}
    return facts | {name: each for name, each in in_vietnamese.items() if each}


def _of_channel(channel: Channel, settings: AlarmSettings, now: datetime) -> Iterator[Symptom]:
    endpoint, judgement = channel.state.endpoint, channel.judgement
    health, since = judgement.health, judgement.since or now
    if health is ChannelHealth.DOWN and now - since >= settings.down:
        yield _symptom("axis_down" if endpoint.is_relay else "office_down", channel, since)
    elif health is ChannelHealth.UNREADABLE and now - since >= settings.down:
        yield _symptom("list_unreadable", channel, since)
    elif endpoint.kind == "inbox":
        return
    elif health is ChannelHealth.SILENT:
        yield _symptom("list_silent", channel, since)
    else:
        parts = () if health is ChannelHealth.PAUSED else channel.parts
        if any(not each.is_mended(settings.failing) for each in parts):
            yield _failing(channel, opens=_opens(channel, settings))
        if not _is_explained(channel) and channel.oldest_at and now - channel.oldest_at >= settings.backlog:
            yield _symptom("backlog_old", channel, channel.oldest_at)


def _is_explained(channel: Channel) -> bool:
    """Why something waits there."""
    return channel.judgement.health in {ChannelHealth.PAUSED, ChannelHealth.DOWN}


def _opens(channel: Channel, settings: AlarmSettings) -> bool:
    """That a list cannot always be read is worth an alarm, whatever becomes of what is sent there meanwhile."""
    health, looks = channel.judgement.health, channel.looks
    is_list = looks is not None and looks.is_failing(settings.failing)
    return health is ChannelHealth.FAILING or (is_list and health is not ChannelHealth.DOWN)


def _failing(channel: Channel, *, opens: bool) -> Symptom:
    told = {"text": channel.told(vi=False), "text_vi": channel.told(vi=True)}
    symptom = _symptom("failing_in_part", channel, min(each.first_at for each in channel.parts))
    return replace(symptom, facts={**symptom.facts, **told}, opens=opens)


def _symptom(rule: str, channel: Channel, since: datetime) -> Symptom:
    endpoint = channel.state.endpoint
    facts: dict[str, Any] = {"name": channel.called, "text": channel.list_reason}
    facts |= {"count": channel.waiting} if channel.waiting else {}
    return Symptom(rule=rule, subject=endpoint.id, since=since, facts=facts, endpoint_id=endpoint.id)
