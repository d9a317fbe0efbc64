"""Looks for what an alarm is about: channels, offices, what waits, the server itself. It decides nothing else.

How channels are is what their pages say (`gateway.admin.watching`), how the server is what the doctor finds
(`gateway.diagnosis.own_look`); only ages that have a setting of their own are asked of the ledger here. What is
only a consequence is not told: nothing about the backlog of a channel that is down, and nothing but hỏa tốc about
one that a person has paused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from gateway.admin import watching
from gateway.admin.watching import Channel
from gateway.alarms.rules import RULES
from gateway.channel_health import ChannelHealth
from gateway.clock import instant, micros
from gateway.condition import Condition
from gateway.config.alerts import AlarmSettings
from gateway.diagnosis.own_look import look_at_self
from gateway.foundation import Foundation
from gateway.model import AgencyId

_LANE_RULES: Final = {0: "flash_unread", 1: "urgent_unread"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Symptom:
    """One trouble, as it is now."""

    rule: str
    subject: str
    since: datetime
    #: For people: `name`, perhaps `count` and `text`.
    facts: Mapping[str, Any] = field(default_factory=dict)
    #: The channel that it is about; "" for the server.
    endpoint_id: str = ""

    @property
    def told(self) -> Mapping[str, Any]:
        """The facts, with the channel for a link to its page."""
        return {**self.facts, "channel": self.endpoint_id} if self.endpoint_id else self.facts


async def symptoms(base: Foundation, conditions: Callable[[], Mapping[str, Condition]]) -> list[Symptom]:
    """All of them."""
    settings, now = base.settings.alarms, base.clock.now()
    channels = await watching.channels(base)
    found = [symptom for each in channels for symptom in _of_channel(each, settings, now)]
    found += await _of_documents(base, {each.state.endpoint.id: each for each in channels}, settings, now)
    free = base.bodies.free_bytes()
    if free < settings.disk:
        told = {"name": str(base.settings.storage.folder), "text": f"{free // 1024**2} MiB"}
        found.append(Symptom(rule="disk_soon", subject="disk", since=now, facts=told))
    for each in await look_at_self(base, conditions()):
        if each.code in RULES:
            told = {"name": each.subject, "text": each.detail[:300]}
            found.append(Symptom(rule=each.code, subject=each.subject, since=now, facts=told))
    return found


def _of_channel(channel: Channel, settings: AlarmSettings, now: datetime) -> Iterator[Symptom]:
    endpoint, judgement = channel.state.endpoint, channel.judgement
    health, since = judgement.health, judgement.since or now
    rule = ""
    if health is ChannelHealth.DOWN and now - since >= settings.down:
        rule = "axis_down" if endpoint.is_relay else "office_down"
    elif health is ChannelHealth.UNREADABLE and now - since >= settings.down:
        rule = "list_unreadable"
    elif health is ChannelHealth.SILENT and endpoint.kind != "inbox":
        rule = "list_silent"
    elif health in {ChannelHealth.PAUSED, ChannelHealth.DOWN} or channel.oldest_at is None:
        return
    elif endpoint.kind == "inbox":
        rule, since = (
            ("office_silent" if now - channel.oldest_at >= settings.office_silent else ""),
            channel.oldest_at,
        )
    elif now - channel.oldest_at >= settings.backlog:
        rule, since = "backlog_old", channel.oldest_at
    if rule:
        facts: dict[str, Any] = {"name": endpoint.name, "text": channel.list_reason}
        facts |= {"count": channel.waiting} if channel.waiting else {}
        yield Symptom(rule=rule, subject=endpoint.id, since=since, facts=facts, endpoint_id=endpoint.id)


async def _of_documents(
    base: Foundation, channels: Mapping[str, Channel], settings: AlarmSettings, now: datetime
) -> list[Symptom]:
    """What waits, by channel and by office."""
    flash, urgent = micros(now - settings.flash), micros(now - settings.unread)
    waiting = await base.readers.fetch("dispatch_list_flash_waiting", {"before": flash})
    ending = await base.readers.fetch("dispatch_list_ending", {"before": micros(now + settings.deadline)})
    unread = await base.readers.fetch("delivery_list_unread_urgent", {"flash": flash, "urgent": urgent})
    found = []
    for rule, rows in (("flash_waiting", waiting), ("deadline_near", ending)):
        for endpoint_id, count, at in rows:
            channel = channels.get(endpoint_id)
            is_paused = channel is not None and channel.judgement.health is ChannelHealth.PAUSED
            if rule == "deadline_near" and is_paused:  # the time of a pause does not count
                continue
            name = channel.state.endpoint.name if channel is not None else endpoint_id
            since = instant(at) if rule == "flash_waiting" else now
            facts: dict[str, Any] = {"name": name, "count": count}
            facts |= {"until": at} if rule == "deadline_near" else {}
            found.append(Symptom(rule=rule, subject=endpoint_id, since=since, facts=facts, endpoint_id=endpoint_id))
    agencies = await base.directory.agencies({AgencyId(row[0]) for row in unread})
    for agency_id, lane, count, oldest, endpoint_id in unread:
        agency = agencies.get(AgencyId(agency_id))
        told = {"name": agency.name if agency is not None else agency_id, "count": count}
        found.append(
            Symptom(
                rule=_LANE_RULES[lane],
                subject=agency_id,
                since=instant(oldest),
                facts=told,
                endpoint_id=endpoint_id,
            )
        )
    return found
