"""Which alarms open, are told again, and close: from what is open, what is seen now and what was seen before. Pure.

A trouble that is seen at one look only is none yet, unless it cannot go away by itself, and one that is missing at
one look is not over: it has to be missing for `settle`. What planned maintenance explains opens nothing; what is
open stays until it is over, and so does what could not be looked at. Hỏa tốc that joins what people were told of is
told, whoever sees to the alarm.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

from gateway.alarms.quiet import told_from
from gateway.alarms.rules import rule_of
from gateway.alarms.symptoms import Symptom
from gateway.clock import instant, micros
from gateway.config.alerts import AlarmSettings
from gateway.ledger.alarms import MOST, Alarm, Looked, NewAlarm, Way

#: Rule and subject.
Key: TypeAlias = tuple[str, str]
#: Between two tellings of an alarm that there is more of it.
_PAUSE: Final = timedelta(minutes=5)


@dataclass(kw_only=True, slots=True)
class Memory:
    """What looks before this one have seen; a new process has seen nothing yet."""

    seen: frozenset[Key] = frozenset()
    #: When what is open was seen last.
    last: dict[Key, datetime] = field(default_factory=dict)


def decide(
    memory: Memory,
    found: Sequence[Symptom],
    alarms: Sequence[Alarm],
    settings: AlarmSettings,
    *,
    explained: Collection[Key] = (),
    unseen: Collection[str] = (),
    now: datetime,
) -> Looked:
    """What is to be written; the memory moves on. Of rules that are `unseen` nobody knows how they are."""
    present = {(each.rule, each.subject): each for each in found}
    known = {(each.rule, each.subject): each for each in alarms}
    memory.last = {key: now if key in present or key[0] in unseen else memory.last.get(key, now) for key in known}
    new = [
        key
        for key, each in present.items()
        if each.opens and (each.at_once or key in memory.seen) and key not in known and key not in explained
    ]
    new.sort(key=lambda key: not rule_of(key[0]).is_flash)  # however many others there are
    memory.seen = frozenset({*present, *(key for key in memory.seen if key[0] in unseen)})
    over = [
        alarm.id for key, alarm in known.items() if now - memory.last[key] >= settings.settle and key not in present
    ]
    free = told_from(now, settings)
    seen = {alarm.id: (alarm, present[key]) for key, alarm in known.items() if key in present}
    grown = {
        key: _facts(symptom, now, alarm.facts)
        for key, (alarm, symptom) in seen.items()
        if _has_grown(alarm, symptom, now)
    }
    by = {is_flash: _due_by(alarms, settings, now, is_flash=is_flash) for is_flash in (False, True)}
    again = {
        alarm.id: _facts(present[key], now, alarm.facts) if key in present else alarm.facts
        for key, alarm in known.items()
        if alarm.id not in {*over, *grown} and _is_due(alarm, by[alarm.is_flash], now)
    }
    facts = {key: {**symptom.told, **_told(alarm.facts)} for key, (alarm, symptom) in seen.items()}
    return Looked(
        now=now,
        opened=tuple(_opened(present[key], now) for key in new[: max(MOST - len(known), 0)]),
        again=again,
        grown=grown,
        facts={
            key: each for key, each in facts.items() if key not in {*again, *grown} and each != seen[key][0].facts
        },
        closed=tuple(over),
        again_by=max(by.values()),
        ways=ways(settings),
        told_from=free,
        next_at=free + settings.repeat if settings.repeat else None,
        next_flash_at=now + settings.repeat if settings.repeat else None,
    )


def ways(settings: AlarmSettings) -> tuple[tuple[Way, str], ...]:
    """Who is told."""
    found: list[tuple[Way, str]] = [("mail", address) for address in settings.mail]
    return tuple([*found, ("push", "alarms")] if settings.url else found)


def _facts(symptom: Symptom, now: datetime, before: Mapping[str, Any]) -> Mapping[str, Any]:
    """For people, and of hỏa tốc the most that they were told, and when: what is being tried comes back."""
    if not rule_of(symptom.rule).is_flash:
        return symptom.told
    told = before.get("told", {"count": 0, "newest": 0})
    count, newest = max(told["count"], symptom.facts.get("count", 0)), max(told["newest"], symptom.newest)
    return {**symptom.told, "told": {"at": micros(now), "count": count, "newest": newest}}


def _told(facts: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"told": facts["told"]} if "told" in facts else {}


def _due_by(alarms: Sequence[Alarm], settings: AlarmSettings, now: datetime, *, is_flash: bool) -> datetime:
    """Until when what is due is told again now: with one that is due come others, so that there are fewer mails."""
    is_any = any(_is_due(each, now, now) for each in alarms if each.is_flash is is_flash)
    return now + settings.repeat / 2 if is_any else now


def _is_due(alarm: Alarm, by: datetime, now: datetime) -> bool:
    """Whether it is told again now; nobody brings forward what a person has put off."""
    put_off = alarm.snoozed_until is not None and alarm.snoozed_until > now
    return alarm.again_at is not None and alarm.again_at <= by and not put_off


def _has_grown(alarm: Alarm, symptom: Symptom, now: datetime) -> bool:
    """Whether there is hỏa tốc of which nobody was told, and it is not long since somebody was told of other."""
    told = alarm.facts.get("told")
    if not alarm.is_flash or told is None or now - instant(told["at"]) < _PAUSE:
        return False
    return bool(symptom.newest > told["newest"] or symptom.facts.get("count", 0) > told["count"])


def _opened(symptom: Symptom, now: datetime) -> NewAlarm:
    return NewAlarm(
        rule=symptom.rule,
        subject=symptom.subject,
        is_flash=rule_of(symptom.rule).is_flash,
        since=symptom.since,
        facts=_facts(symptom, now, {}),
    )
