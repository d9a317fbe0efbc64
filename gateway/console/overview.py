"""The overview: what needs a person now, and how the exchange goes. Its middle is fetched anew as events happen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from aiohttp import web

from gateway.accounts.roles import Permission, Role
from gateway.audit.findings import Severity
from gateway.console.alarms import alarm_values, open_alarms
from gateway.console.causes import NAMED, Cause, alike, grouped
from gateway.console.channels import HEALTH
from gateway.console.charts import hours, shares
from gateway.console.outlook import Outlook, TroubledChannel
from gateway.console.route import Route
from gateway.console.visit import Visit
from gateway.console.words import N_
from gateway.ledger.alarms import Alarm
from gateway.model import Agency, EndpointId
from gateway.reports.figures import Figures

#: Channels that are shown when all is well with them, and of the others.
_CHANNELS: Final = 8
_TROUBLED: Final = 20
#: All of them, folded.
_LISTED: Final = 300
#: Offices that are named for what they have not answered.
_LATE: Final = 5
#: Alarms of what ends, which stand in cards of their own with what ends later; what the doctor says of the same.
_ENDING: Final = frozenset({"credential_ending", "encryption_ending"})
_SAID_BY_OFFICE: Final = "encryption_last_days"


async def show(visit: Visit) -> web.StreamResponse:
    """The page; a clerk's first page is the desk, where there is one."""
    if not visit.may(Permission.VIEW):
        if visit.user.role is Role.CLERK and "/desk" in visit.parts.pages:
            return visit.redirect("/desk")
        return visit.page("welcome.html")
    return await _answer(visit, "overview.html", await visit.parts.outlooks.recent())


async def show_now(visit: Visit) -> web.StreamResponse:
    """The middle of the page."""
    return await _answer(visit, "overview_now.html", await visit.parts.outlooks.now())


async def _answer(visit: Visit, template: str, outlook: Outlook) -> web.Response:
    alarms = await open_alarms(visit)
    known = {(each.rule, each.subject) for each in alarms}
    about: dict[str, list[Alarm]] = {}
    for each in alarms:
        about.setdefault(each.facts.get("channel", ""), []).append(each)
    # a channel is told of once: what is alarming about it stands with what else does not get on there
    troubled = outlook.by_channel
    apart = [each for each in alarms if each.facts.get("channel") not in {one.id for one in troubled}]
    late = [each for each in apart if each.rule == "answers_overdue" and outlook.due and outlook.due.count]
    told = [each for each in apart if each not in late and each.rule not in _ENDING]
    many, single = alike(told)
    findings = [
        each for each in outlook.findings if (each.code, each.subject) not in known and each.code != _SAID_BY_OFFICE
    ]
    errors = [each for each in findings if each.kind.severity is Severity.ERROR]
    shown = [each for each in outlook.channels if not each.is_calm]
    calm = [each for each in outlook.channels if each.is_calm]
    first = [*shown[:_TROUBLED], *calm[: max(_CHANNELS - len(shown), 0)]]
    parts = _parts(outlook.figures)
    return visit.page(
        template,
        outlook=outlook,
        findings=errors,
        warnings=[each for each in findings if each not in errors],
        **await alarm_values(visit, alarms) | {"alarms": single},
        many=many,
        about=about,
        late=late,
        late_offices=await _late(visit, outlook),
        needs=_needs(troubled, about),
        named=NAMED,
        paused_by=await visit.names({each.state.paused_by for each in outlook.paused} - {"", "gateway"}),
        ending=[each for each in outlook.ending if each.is_now],
        ending_later=[each for each in outlook.ending if not each.is_now],
        phones=await _phones(visit, [each.id for each in troubled if each.down_since][:_TROUBLED]),
        channels=first,
        rest=[each for each in (*shown, *calm) if each not in first][:_LISTED],
        health=HEALTH,
        hours=hours(outlook.today, outlook.then, visit.gettext("Documents by the hour, today and a week ago")),
        by_hour=list(zip(outlook.today, outlook.then, strict=True)),
        fates=shares([(kind, count) for kind, _, count in parts], visit.gettext("Where today's deliveries are")),
        parts=parts,
        newest=outlook.newest,
    )


def _needs(
    troubled: Sequence[TroubledChannel], about: Mapping[str, Sequence[Alarm]]
) -> list[Cause | TroubledChannel]:
    """Causes that several channels share, and channels with something of their own: hỏa tốc first, then the bad."""
    flash = {channel for channel, those in about.items() if any(each.is_flash for each in those)}
    causes, left = grouped(troubled)
    told: list[tuple[bool, Cause | TroubledChannel]] = [
        *((bool(each.flash) or any(one.id in flash for one in each.channels), each) for each in causes),
        *((bool(each.flash) or each.id in flash, each) for each in left),
    ]
    return [each for _, each in sorted(told, key=lambda one: (not one[0], not one[1].is_bad))]


async def _late(visit: Visit, outlook: Outlook) -> list[tuple[Agency, int]]:
    """The offices with the most answers that are missed."""
    most = outlook.due.offices.most_common(_LATE) if outlook.due else []
    agencies = await visit.base.directory.agencies([key for key, _ in most])
    return [(agencies[key], count) for key, count in most if key in agencies]


async def _phones(visit: Visit, channels: Sequence[str]) -> dict[str, str]:
    """Whom to call: of channels that lead to one office alone, where its telephone number is known."""
    alone = await visit.base.directory.of_one_agency() if channels else {}
    offices = {key: alone[EndpointId(key)].id for key in channels if key in alone}
    phones = await visit.base.directory.phones(offices.values())
    return {key: phones[office] for key, office in offices.items() if phones[office]}


def _parts(figures: Figures) -> list[tuple[str, str, int]]:
    """The tone, the word and the number of what became of the day's deliveries."""
    gone = figures.withdrawn + figures.handed_over
    return [
        ("good", N_("arrived"), figures.arrived),
        ("wait", N_("waiting or on the way"), figures.waiting),
        ("bad", N_("refused or given up"), figures.refused + figures.dead),
        ("then", N_("withdrawn or handed over"), gone),
    ]


ROUTES: Final = (
    Route("GET", "/", show, Permission.SELF),
    Route("GET", "/overview/now", show_now, Permission.VIEW),
)
