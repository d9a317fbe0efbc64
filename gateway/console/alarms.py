"""Alarms in the console: what needs a person now, seen or put off by name; and what is over.

They stand on the overview and above the alerts to offices. What is about hỏa tốc is never put off.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from aiohttp import web

from gateway.accounts.roles import Permission
from gateway.admin.alarms import AcknowledgeAlarm, SnoozeAlarm, acknowledge_alarm, snooze_alarm
from gateway.alarms.rules import RUNBOOK, RUNBOOK_VI, rule_of
from gateway.alarms.telling import described
from gateway.console.acts import converted
from gateway.console.route import Route
from gateway.console.visit import Visit
from gateway.ledger import heard
from gateway.ledger.alarms import MOST, Alarm

#: Alarms that are over, on the page.
_OVER: Final = 50
#: Open ones that a page shows: all that are open at once.
SHOWN: Final = MOST
_HOURS: Final = (1, 4, 12, 24, 72)


async def open_alarms(visit: Visit) -> list[Alarm]:
    """The most urgent first."""
    return [Alarm.of_row(row) for row in await visit.base.readers.fetch("alarm_list_open", (SHOWN,))]


async def alarm_values(visit: Visit, alarms: Sequence[Alarm]) -> dict[str, Any]:
    """What `alarms_part.html` is made of."""
    is_vi = visit.preferences.language == "vi"
    return {
        "alarms": alarms,
        "rule_of": rule_of,
        "told": lambda facts: described(facts, vi=is_vi),
        "seen_by": await visit.names({each.acknowledged_by for each in alarms} - {""}),
        "alarm_hours": _HOURS,
        "runbook": RUNBOOK_VI if is_vi else RUNBOOK,
        "may_see_to": visit.may(Permission.OPERATE),
        "heard_rules": heard.RULES,
    }


async def page_values(visit: Visit) -> dict[str, Any]:
    """The same, with what is over."""
    alarms = await open_alarms(visit)
    over = [Alarm.of_row(row) for row in await visit.base.readers.fetch("alarm_list_closed", (_OVER,))]
    return {
        **await alarm_values(visit, alarms),
        "over": over,
        "over_cut": len(over) >= _OVER,
        "open_cut": len(alarms) >= SHOWN,
    }


async def acknowledge(visit: Visit) -> web.StreamResponse:
    """Nobody is told of it again, unless more hỏa tốc joins it."""
    asked = converted(said_of(visit, "alarm"), AcknowledgeAlarm)
    done = await acknowledge_alarm(visit.parts.server, asked, visit.actor)
    if done["flash"]:
        told = visit.gettext("You see to it: nobody is told of it again, unless more express documents join it.")
    else:
        told = visit.gettext("You see to it: nobody is told of it again.")
    return seen(visit, done, told)


async def snooze(visit: Visit) -> web.StreamResponse:
    """It is told again then, if it is still there."""
    asked = converted(said_of(visit, "alarm", _HOURS), SnoozeAlarm)
    done = await snooze_alarm(visit.parts.server, asked, visit.actor)
    if done["snoozed"]:
        visit.flash(visit.gettext("The alarm is put off."))
    else:
        visit.flash(visit.gettext("The alarm was not put off: somebody sees to it already."), "note")
    return visit.redirect("/alerts")


def said_of(visit: Visit, noun: str, hours: Collection[int] = ()) -> dict[str, object]:
    """Of which alarm or alert the form is, and why; where it can be put off, for one of so many hours, else 0."""
    found: dict[str, object] = {noun: visit.request.match_info["id"], "reason": visit.form.get("reason", "")}
    if hours:
        chosen = visit.form.get("hours", "")
        found["hours"] = int(chosen) if chosen in {str(each) for each in hours} else 0
    return found


def seen(visit: Visit, done: Mapping[str, object], told: str) -> web.StreamResponse:
    """Back to the page, with what that somebody sees to it means."""
    return visit.redirect(
        "/alerts", flash=told if done["acknowledged"] else visit.gettext("It was acknowledged before.")
    )


ROUTES: Final = (
    Route("POST", "/alarms/{id}/acknowledge", acknowledge, Permission.OPERATE),
    Route("POST", "/alarms/{id}/snooze", snooze, Permission.OPERATE),
)
