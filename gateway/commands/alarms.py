"""alarms: what needs a person who looks after the gateway; seen to, put off, over."""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

from gateway.admin.alarms import LONGEST_SNOOZE, AcknowledgeAlarm, SnoozeAlarm, Telephoned
from gateway.alarms.rules import RUNBOOK, rule_of
from gateway.alarms.telling import described
from gateway.audit.findings import Finding
from gateway.clock import rfc3339
from gateway.commands.acting import open_for_reading, perform
from gateway.commands.context import FINE, Context, Subparsers, add_command, add_group, add_json, add_reason
from gateway.commands.inputs import whole
from gateway.ledger.alarms import MOST, Alarm

_COLUMNS = ("opened_at", "closed_at", "rule", "detail", "acknowledged_by", "note")
_INSTANTS = ("since", "opened_at", "acknowledged_at", "snoozed_until", "again_at", "closed_at")


def add(parsers: Subparsers) -> None:
    """The command with its subcommands."""
    group = add_group(parsers, "alarms", "what is wrong with the gateway, its channels and what waits")
    listing = add_command(
        group, "list", _list, "list the alarms that are open, express first", more="Times are UTC."
    )
    add_json(listing)
    history = add_command(group, "history", _history, "list the alarms that are over, newest first")
    history.add_argument(
        "--limit", type=whole, default=50, metavar="N", help="at most so many (default: %(default)s)"
    )
    add_json(history)
    acknowledge = add_command(
        group,
        "acknowledge",
        _acknowledge,
        "say that you see to an alarm",
        more="Nobody is told of it again, unless more express documents join it.",
    )
    _target(acknowledge)
    snooze = add_command(
        group,
        "snooze",
        _snooze,
        "put an alarm off",
        more="It is told again then. What is about express documents, or what somebody sees to, is not put off.",
    )
    _target(snooze)
    snooze.add_argument(
        "--hours", type=whole, required=True, metavar="N", help=f"for so long, 1 to {LONGEST_SNOOZE}"
    )
    telephoned = add_command(
        group,
        "telephoned",
        _telephoned,
        "say that an office has urgent documents, as somebody there told you by telephone",
        more="For documents that its system took and nobody there confirmed. Their alarm is over then, and does "
        "not come back for them; the documents' story says who telephoned with whom. It is no status of the "
        "office: its own clerk alone gives that.",
    )
    _target(telephoned)
    telephoned.add_argument("--spoke-to", required=True, metavar="NAME", help="with whom you spoke")
    telephoned.add_argument(
        "--delivery",
        action="append",
        default=[],
        metavar="ID",
        help="this one alone, repeatable (default: all of the alarm)",
    )


def _target(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("alarm", metavar="ALARM", help="its id, as `gateway alarms list` prints it")
    add_reason(parser)
    add_json(parser)


def _list(context: Context, args: argparse.Namespace) -> int:
    alarms = asyncio.run(_alarms(context, "alarm_list_open", MOST))
    if args.json:
        context.print_json([_as_json(each) for each in alarms])
        return FINE
    for each in alarms:
        rule = rule_of(each.rule)
        what = f"{described(each.facts, vi=False)} · since {rfc3339(each.since)}"
        context.findings([Finding(code=each.rule, kind=rule.kind, subject=each.id, detail=what)])
        for line in (_seen(each), f"{RUNBOOK}: {rule.runbook}" if rule.runbook else ""):
            if line:
                context.say(f"        {line}")
    if not alarms:
        context.say("No alarm is open.")
    return FINE


def _seen(alarm: Alarm) -> str:
    if alarm.acknowledged_at is not None:
        return f"{alarm.acknowledged_by} sees to it since {rfc3339(alarm.acknowledged_at)}: {alarm.note}"
    if alarm.snoozed_until is not None:
        return f"put off until {rfc3339(alarm.snoozed_until)}: {alarm.note}"
    return ""


def _history(context: Context, args: argparse.Namespace) -> int:
    alarms = [_as_json(each) for each in asyncio.run(_alarms(context, "alarm_list_closed", args.limit))]
    if args.json:
        context.print_json(alarms)
    else:
        context.table(_COLUMNS, ([each[name] for name in _COLUMNS] for each in alarms))
    return FINE


async def _alarms(context: Context, statement: str, limit: int) -> list[Alarm]:
    async with open_for_reading(context.settings) as ledger:
        return [Alarm.of_row(row) for row in await ledger.readers.fetch(statement, (limit,))]


def _as_json(alarm: Alarm) -> dict[str, Any]:
    kind = rule_of(alarm.rule).kind
    instants = {name: getattr(alarm, name) for name in _INSTANTS}
    return {
        "id": alarm.id,
        "rule": alarm.rule,
        "subject": alarm.subject,
        "detail": described(alarm.facts, vi=False),
        "severity": str(kind.severity),
        "flash": alarm.is_flash,
        **{name: "" if at is None else rfc3339(at) for name, at in instants.items()},
        "acknowledged_by": alarm.acknowledged_by,
        "note": alarm.note,
        "vi": kind.vi,
        "en": kind.en,
        "do": {"vi": kind.do_vi, "en": kind.do_en},
    }


def _acknowledge(context: Context, args: argparse.Namespace) -> int:
    request = AcknowledgeAlarm(alarm=args.alarm, reason=args.reason)
    reply = asyncio.run(perform(context, "acknowledge-alarm", request))
    if args.json:
        context.print_json(reply)
    elif not reply["acknowledged"]:
        context.say("Somebody sees to it already.")
    else:
        joins = ", unless more express documents join it" if reply["flash"] else ""
        context.say(f"You see to it: nobody is told of it again{joins}.")
    return FINE


def _snooze(context: Context, args: argparse.Namespace) -> int:
    request = SnoozeAlarm(alarm=args.alarm, hours=args.hours, reason=args.reason)
    reply = asyncio.run(perform(context, "snooze-alarm", request))
    if args.json:
        context.print_json(reply)
    elif not reply["snoozed"]:
        context.say("Not put off: somebody sees to it already.")
    else:
        context.say(f"Put off until {reply['until']}.")
    return FINE


def _telephoned(context: Context, args: argparse.Namespace) -> int:
    request = Telephoned(alarm=args.alarm, deliveries=args.delivery, spoke_to=args.spoke_to, reason=args.reason)
    reply = asyncio.run(perform(context, "telephoned", request))
    if args.json:
        context.print_json(reply)
    else:
        context.say(f"Written down for {reply['heard']} documents; alarms that are over: {reply['over']}.")
    return FINE
