"""Reports for paper: an incident of a channel, and the handover of a shift (sổ trực); as a page and as a PDF."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from aiohttp import web

from gateway.accounts.roles import Permission
from gateway.admin import incidents, mass, queues, urgent, watching
from gateway.alarms.rules import rule_of
from gateway.alarms.telling import described
from gateway.channel_health import ChannelHealth
from gateway.clock import VIETNAM
from gateway.console.acts import NAMES
from gateway.console.alarms import open_alarms
from gateway.console.channels import HEALTH, channel_of, turn_told
from gateway.console.document_words import BY_PEOPLE, EVENTS
from gateway.console.printing import Part, answer_pdf, pdf
from gateway.console.route import Route
from gateway.console.visit import Visit
from gateway.console.words import N_
from gateway.directory.endpoints import called
from gateway.errors import RefusedError
from gateway.ledger.proposals import Proposal
from gateway.reasons import REASONS
from gateway.reports import words

#: Hours of a shift; so long ago an incident of a channel that is up may have begun.
HOURS: Final = (4, 8, 12, 24)
_INCIDENT: Final = timedelta(hours=24)
_OFFICES: Final = 200
_ACTS: Final = {
    **EVENTS,
    **BY_PEOPLE,
    "document.readdressed": (N_("Forwarded to another office, or recipients added"), "busy"),
}
#: Of the day, in the order of the reports.
_FIGURES: Final = (
    "documents", "received", "arrived", "registered", "returned", "refused", "dead", "withdrawn", "handed_over",
    "waiting",
)  # fmt: skip


async def incident(visit: Visit) -> web.StreamResponse:
    """From when nothing got through, what was touched, and the recovery."""
    channel = await channel_of(visit)
    state = channel.state
    turns = await watching.history(visit.base, state.endpoint.id)
    ended = incidents.stops(turns, visit.at - _INCIDENT, visit.at)
    began = _since(visit) or incidents.began_at(channel, visit.at) or (ended[-1][0] if ended else None)
    found = await incidents.incident(visit.base, channel, began or visit.at - _INCIDENT, visit.at)
    _ = visit.gettext
    over_at = visit.instant(found.over_at) if found.over_at else "–"
    facts = [
        (_("Channel"), channel.called),
        (_("Began"), visit.instant(began) if began else _("nothing in the last 24 hours")),
        (_("Over at"), over_at if found.is_over else _("it goes on")),
        (_("Last good exchange"), visit.instant(found.last_good_at) if found.last_good_at else "–"),
        (_("Tries"), visit.number(found.tries)),
        (_("Documents touched"), visit.number(found.documents)),
        (_("of these only waited"), visit.number(found.waited)),
        (_("Waiting now"), visit.number(found.waiting)),
    ]
    failures = [
        (visit.of(REASONS[code]) if code in REASONS else code, visit.number(count))
        for code, count in found.failures.items()
    ]
    people = await visit.names({each.actor for each in turns} - {"gateway"})
    history = [
        (visit.instant(each.at), turn_told(visit, each, people, times))
        for _key, each, times in watching.shortened(
            [("", each) for each in reversed(turns) if each.at >= found.since]
        )
    ]
    parts = [
        Part(title=_("In short"), lines=facts),
        Part(title=_("What the tries came to"), lines=failures, nothing=_("No try failed.")),
        Part(title=_("What happened"), lines=history, nothing=_("Nothing was recorded.")),
        Part(
            title=_("Offices touched"),
            lines=[
                ("", " · ".join(filter(None, (f"{each.name} ({each.organ_id})", phone))))
                for each, phone in found.offices[:_OFFICES]
            ],
            nothing=_("None."),
        ),
        Part(title=_("Documents touched, the first of them"), lines=list(found.named), nothing=_("None.")),
    ]
    path = f"/channels/{state.endpoint.id}/incident"
    query = {name: value for name, value in visit.request.query.items() if name == "since"}
    file = visit.address(f"{path}.pdf", **query)
    return _answer(visit, f"{_('Incident report')}: {channel.label}", parts, path, file)


async def shift(visit: Visit) -> web.StreamResponse:
    """What the next person must know."""
    asked = visit.request.query.get("hours", "")
    hours = int(asked) if asked in {str(each) for each in HOURS} else HOURS[1]
    since, _ = visit.at - timedelta(hours=hours), visit.gettext
    period = [
        (_("Start of the shift"), visit.instant(since)),
        (_("End of the shift"), visit.instant(visit.at)),
        (_("Handed over by"), visit.user.name),
    ]
    parts = [
        Part(title=_("Period"), lines=period),
        await _figures(visit),
        await _alarms(visit),
        await _maintenance(visit),
        *await _of_channels(visit, since),
        await _problems(visit),
        *await _of_people(visit, since),
        await _single(visit, since),
    ]
    return _answer(visit, _("Shift handover"), parts, "/shift", visit.address("/shift.pdf", hours=str(hours)))


async def _alarms(visit: Visit) -> Part:
    """Since when, what it is, and what whoever sees to it has written."""
    is_vi, _ = visit.preferences.language == "vi", visit.gettext
    alarms = await open_alarms(visit)
    names = await visit.names({each.acknowledged_by for each in alarms} - {""})
    lines = [
        (
            visit.instant(each.since),
            " · ".join(
                part
                for part in (
                    visit.of(rule_of(each.rule).kind),
                    described(each.facts, vi=is_vi),
                    names.get(each.acknowledged_by, each.acknowledged_by),
                    each.note,
                )
                if part
            ),
        )
        for each in alarms
    ]
    return Part(title=_("Alarms"), lines=lines, nothing=_("No alarm is open."))


async def _figures(visit: Visit) -> Part:
    """Of the day, as the overview has them."""
    language, figures = visit.preferences.language, (await visit.parts.outlooks.recent()).figures
    lines = [(words.word(key, language), visit.number(getattr(figures, key))) for key in _FIGURES]
    return Part(title=visit.gettext("Today's documents"), lines=lines)


async def _maintenance(visit: Visit) -> Part:
    """What is announced, with the reason."""
    _, leads_to = visit.gettext, await visit.base.directory.of_one_agency()
    labels: dict[str, str] = {key: each.name for key, each in leads_to.items()}
    lines = [
        (
            f"{visit.instant(each.starts_at)} – {visit.instant(each.ends_at)}",
            f"{called(each.name, labels.get(each.endpoint_id, '')) or _('the whole gateway')} · {each.why}",
        )
        for each in visit.base.outages.known(visit.at)
    ]
    return Part(title=_("Planned maintenance"), lines=lines, nothing=_("No maintenance is announced."))


async def _urgent(visit: Visit) -> Part:
    """What is urgent and waits, over all channels, the most urgent first, and whom to call."""
    language, _ = visit.preferences.language, visit.gettext
    found = await urgent.everywhere(visit.base)
    lines = [
        (
            f"{call.line.code} ({words.priority_name(str(call.line.priority), language)})",
            " · ".join(
                filter(
                    None,
                    (
                        call.line.recipient,
                        call.phone,
                        words.state_name(call.line.state, language),
                        call.line.subject,
                    ),
                )
            ),
        )
        for call in found.calls
    ]
    if found.more:
        told = _("%(more)s more are not on this list; the ledger has all %(count)s of them.")
        numbers = {
            "more": visit.number(found.more) + found.or_more,
            "count": visit.number(found.count) + found.or_more,
        }
        lines.append(("…", told % numbers))
    return Part(title=_("Urgent documents that wait, and whom to call"), lines=lines, nothing=_("None."))


def _state(visit: Visit, channel: watching.Channel) -> list[str]:
    judgement = channel.judgement
    told = [visit.gettext(HEALTH[judgement.health][1])]
    if judgement.health is ChannelHealth.FAILING:
        told.append(channel.told(vi=visit.preferences.language == "vi"))
    return told


def _waiting(visit: Visit, count: int) -> str:
    return visit.gettext("waiting: %(count)s") % {"count": visit.number(count)}


async def _of_channels(visit: Visit, since: datetime) -> list[Part]:
    """Which are in trouble, and what happened to them."""
    _ = visit.gettext
    channels = await watching.channels(visit.base)
    names: dict[str, str] = {each.state.endpoint.id: each.called for each in channels}
    troubled = [each for each in channels if each.judgement.health is not ChannelHealth.FINE]
    turns = await watching.turns(visit.base, since)
    people = await visit.names({each.actor for _, each in turns} - {"gateway"})
    return [
        Part(
            title=_("Channels in trouble"),
            lines=[
                (each.called, " · ".join((*_state(visit, each), _waiting(visit, each.waiting))))
                for each in troubled
            ],
            nothing=_("None: every channel is up."),
        ),
        await _urgent(visit),
        Part(
            title=_("What happened to channels"),
            lines=[
                (visit.instant(each.at), f"{names.get(key, key)}: {turn_told(visit, each, people, times)}")
                for key, each, times in watching.shortened(turns)
            ],
            nothing=_("Nothing was recorded."),
        ),
    ]


async def _problems(visit: Visit) -> Part:
    """How many wait in each queue."""
    base, _ = visit.base, visit.gettext
    counts = (
        (_("Statuses that match nothing"), await base.reads.parked()),
        (_("Documents at the wrong office"), len(await queues.misrouted(base))),
        (_("Conflicts and contradictions"), len(await queues.conflicts(base)) + len(await queues.flagged(base))),
        (_("Quarantined"), len(await queues.quarantined(base))),
    )
    return Part(title=_("Problems"), lines=[(name, visit.number(count)) for name, count in counts])


async def _of_people(visit: Visit, since: datetime) -> list[Part]:
    """What waits for a second person, and what two persons had done."""
    base, _ = visit.base, visit.gettext
    waiting = await mass.proposals(base, waiting=True)
    done = [
        each
        for each in await mass.proposals(base, waiting=False)
        if each.answer == "consented" and each.answered_at is not None and each.answered_at >= since
    ]
    people = await visit.names(sorted({each.made_by for each in (*waiting, *done)}))

    def told(each: Proposal) -> tuple[str, str]:
        return _(NAMES[each.act]), f"{visit.number(each.deliveries)} · {people[each.made_by]} · {each.reason}"

    return [
        Part(
            title=_("Waiting for a second person"),
            lines=[told(each) for each in waiting],
            nothing=_("Nothing waits for a second person."),
        ),
        Part(title=_("Acts on many deliveries"), lines=[told(each) for each in done], nothing=_("None.")),
    ]


async def _single(visit: Visit, since: datetime) -> Part:
    """What people did with deliveries: when, what, how many, who, why, and which documents."""
    done, _ = await watching.done_by_people(visit.base, since), visit.gettext
    people = await visit.names({each.actor for each in done})
    lines = [
        (
            visit.instant(each.at),
            " · ".join(
                filter(
                    None,
                    (
                        f"{_(_ACTS[each.kind][0])} ({visit.number(each.count)})",
                        people.get(each.actor, each.actor),
                        each.why,
                        ", ".join(dict.fromkeys(line.code for line in each.lines)),
                    ),
                )
            ),
        )
        for each in done
    ]
    return Part(title=_("What people did with deliveries"), lines=lines, nothing=_("Nothing was recorded."))


def _answer(visit: Visit, title: str, parts: list[Part], path: str, file: str) -> web.StreamResponse:
    if not visit.request.path.endswith(".pdf"):
        return visit.page("report.html", title=title, parts=parts, file=file, path=path, hours=HOURS)
    content = pdf(
        title,
        parts,
        language=visit.preferences.language,
        made_at=visit.at,
        foot=f"{visit.base.settings.seal.organ_id} · {visit.instant(visit.at)}",
    )
    return answer_pdf(content, "report")


def _since(visit: Visit) -> datetime | None:
    text = visit.request.query.get("since", "")
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=VIETNAM)
    except ValueError as error:
        raise RefusedError("parameter_invalid", text[:40]) from error


ROUTES: Final = (
    Route("GET", "/channels/{id}/incident", incident, Permission.VIEW, heavy="print"),
    Route("GET", "/channels/{id}/incident.pdf", incident, Permission.VIEW, heavy="print"),
    Route("GET", "/shift", shift, Permission.VIEW, heavy="print"),
    Route("GET", "/shift.pdf", shift, Permission.VIEW, heavy="print"),
)
