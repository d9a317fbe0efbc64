"""Which alarms open, are told again, and close: from what is open, what is seen now and what was seen before. Pure.

A trouble that is seen at one look only is none yet, and one that is missing at one look is not over: it has to be
missing for `settle`. What planned maintenance explains opens nothing; what is open stays until it is over.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from gateway.alarms.quiet import told_from
from gateway.alarms.rules import rule_of
from gateway.alarms.symptoms import Symptom
from gateway.config.alerts import AlarmSettings
from gateway.ledger.alarms import MOST, Alarm, Looked, NewAlarm, Way

#: Rule and subject.
Key: TypeAlias = tuple[str, str]


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
    now: datetime,
) -> Looked:
    """What is to be written; the memory moves on."""
    present = {(each.rule, each.subject): each for each in found}
    known = {(each.rule, each.subject): each for each in alarms}
    memory.last = {key: now if key in present else memory.last.get(key, now) for key in known}
    new = [key for key in present if key in memory.seen and key not in known and key not in explained]
    memory.seen = frozenset(present)
    over = [
        alarm.id for key, alarm in known.items() if now - memory.last[key] >= settings.settle and key not in present
    ]
    free = told_from(now, settings)
    return Looked(
        now=now,
        opened=tuple(_opened(present[key]) for key in new[: max(MOST - len(known), 0)]),
        again={
            alarm.id: present[key].told if key in present else alarm.facts
            for key, alarm in known.items()
            if alarm.again_at is not None and alarm.again_at <= now and alarm.id not in over
        },
        closed=tuple(over),
        ways=ways(settings),
        told_from=free,
        next_at=free + settings.repeat if settings.repeat else None,
        next_flash_at=now + settings.repeat if settings.repeat else None,
    )


def ways(settings: AlarmSettings) -> tuple[tuple[Way, str], ...]:
    """Who is told."""
    found: list[tuple[Way, str]] = [("mail", address) for address in settings.mail]
    return tuple([*found, ("push", "alarms")] if settings.url else found)


def _opened(symptom: Symptom) -> NewAlarm:
    return NewAlarm(
        rule=symptom.rule,
        subject=symptom.subject,
        is_flash=rule_of(symptom.rule).is_flash,
        since=symptom.since,
        facts=symptom.told,
    )
