"""Reports for paper: an incident of a channel, and the handover of a shift (sổ trực); as a page and as a PDF."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from aiohttp import web

from gateway.accounts.roles import Permission
from gateway.admin import incidents, mass, queues, urgent, watching
from gateway.alarms.rules import rule_of
from gateway.alarms.telling import described
from gateway.channel_health import ChannelHealth
from gateway.console.acts import NAMES
from gateway.console.alarms import SHOWN, open_alarms
from gateway.console.channels import HEALTH, channel_of, turn_told
from gateway.console.document_words import BY_PEOPLE, EVENTS
from gateway.console.instants import instant_given
from gateway.console.printing import Part, answer_pdf, pdf
from gateway.console.route import Route
from gateway.console.visit import Visit
from gateway.console.words import N_
from gateway.directory.endpoints import called
from gateway.ledger.proposals import Proposal
from gateway.reasons import REASONS
from gateway.reports import words

#: Hours of a shift; so long ago an incident of a channel that is up may have begun.
HOURS: Final = (4, 8, 12, 24)
_INCIDENT: Final = timedelta(hours=24)
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
        (_("Tries"), _number(visit, found.tries, least=found.least)),
        (_("Documents touched"), _number(visit, found.documents, least=found.least)),
        (_("of these only waited"), _number(visit, found.waited, least=found.least)),
        (_("Waiting now"), visit.number(found.waiting)),
    ]
    parts = [
        Part(title=_("In short"), lines=[*facts, *_least(visit, found)]),
        Part(
            title=_("What the tries came to"),
            lines=[
                (
                    visit.of(REASONS[code]).rstrip(".") if code in REASONS else code,
                    _number(visit, count, least=found.least),
                )
                for code, count in found.failures.items()
            ],
            nothing=_("No try failed."),
        ),
        await _turns(visit, [("", each) for each in reversed(turns)], found.since),
        *_touched(visit, found),
    ]
    path = f"/channels/{state.endpoint.id}/incident"
    query = {name: value for name, value in visit.request.query.items() if name == "since"}
    file = visit.address(f"{path}.pdf", **query)
    return _answer(visit, f"{_('Incident report')}: {channel.label}", parts, path, file)


async def _turns(visit: Visit, turns: Sequence[tuple[str, watching.Turn]], since: datetime) -> Part:
    """What happened to a channel, oldest first."""
    people = await visit.names({each.actor for _, each in turns} - {"gateway"})
    lines = [
        (visit.instant(each.at), turn_told(visit, each, people, times))
        for _, each, times in watching.shortened([one for one in turns if one[1].at >= since])
    ]
    cut = _earlier(visit, turns, since)
    return Part(
        title=visit.gettext("What happened"), lines=[*cut, *lines], nothing=visit.gettext("Nothing was recorded.")
    )


def _touched(visit: Visit, found: incidents.Incident) -> list[Part]:
    """Whose documents an incident touched, and which."""
    _ = visit.gettext
    offices = [
        ("", " · ".join(filter(None, (f"{each.name} ({each.organ_id})", phone)))) for each, phone in found.offices
    ]
    where, least = _("The ledger, filtered by this channel, has the others."), _least(visit, found)
    return [
        Part(title=_("Offices touched"), lines=[*_first(visit, offices, where), *least], nothing=_("None.")),
        Part(
            title=_("Which documents were touched"),
            lines=[*found.named, *_left(visit, found.documents - len(found.named), where), *least],
            nothing=_("None."),
        ),
    ]


def _number(visit: Visit, count: int, *, least: bool) -> str:
    """With a plus where there may be more."""
    return visit.number(count) + ("+" if least else "")


def _least(visit: Visit, found: incidents.Incident) -> list[tuple[str, str]]:
    """What is said where not all was gone through."""
    told = visit.gettext(
        "More happened than was gone through: numbers with a + are the least, and offices and documents may be "
        "missing. A report since a later time is whole; the ledger, filtered by this channel, has all that waits."
    )
    return [("…", told)] if found.least else []


def _left(visit: Visit, count: int, where: str) -> list[tuple[str, str]]:
    """How many are left out, and where they are to be found."""
    told = visit.ngettext("%(num)s more is not on this paper.", "%(num)s more are not on this paper.", count)
    return [("…", f"{told % {'num': visit.number(count)}} {where}")] if count > 0 else []


def _first(visit: Visit, lines: Sequence[tuple[str, str]], where: str) -> list[tuple[str, str]]:
    """As many as a paper names, and what is left out."""
    return [*lines[: watching.NAMED], *_left(visit, len(lines) - watching.NAMED, where)]


def _earlier(visit: Visit, turns: Sequence[tuple[str, watching.Turn]], since: datetime) -> list[tuple[str, str]]:
    """Said where more happened to channels since an instant than is told."""
    oldest = min((each.at for _, each in turns), default=since)
    if len(turns) < watching.EVENTS or oldest <= since:
        return []
    told = visit.gettext(
        "What happened to channels before %(when)s is not on this paper; the ledger's events keep it."
    )
    return [("…", told % {"when": visit.instant(oldest)})]


async def shift(visit: Visit) -> web.StreamResponse:
    """What the next person must know."""
    hours = _hours(visit)
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
    how = _("(signature and full name)")
    signed = ((_("Handed over by"), how, visit.user.name), (_("Taken over by"), how, ""))
    file = visit.address("/shift.pdf", hours=str(hours))
    return _answer(visit, _("Shift handover"), parts, "/shift", file, signed=signed)


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
    if len(alarms) >= SHOWN:
        lines.append(("…", _("No more alarms are told of at once; what else is wrong is told as these end.")))
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
                *_earlier(visit, turns, since),
                *(
                    (visit.instant(each.at), f"{names.get(key, key)}: {turn_told(visit, each, people, times)}")
                    for key, each, times in watching.shortened(turns)
                ),
            ],
            nothing=_("Nothing was recorded."),
        ),
    ]


async def _problems(visit: Visit) -> Part:
    """How many wait in each queue."""
    base, _ = visit.base, visit.gettext
    counts = (
        (_("Statuses that match nothing"), queues.Tally(count=await base.reads.parked())),
        (_("Documents at the wrong office"), queues.tally(await queues.misrouted(base))),
        (_("Conflicts and contradictions"), queues.tally(await queues.conflicts(base), await queues.flagged(base))),
        (_("Quarantined"), queues.tally(await queues.quarantined(base))),
    )
    lines = [(name, _number(visit, each.count, least=each.least)) for name, each in counts]
    return Part(title=_("Problems"), lines=lines)


async def _of_people(visit: Visit, since: datetime) -> list[Part]:
    """What waits for a second person, and what two persons had done."""
    base, _ = visit.base, visit.gettext
    # one more than a paper names tells that there are more
    waiting = await mass.proposals(base, waiting=True, limit=watching.NAMED + 1)
    done = await mass.consented(base, since, limit=watching.NAMED + 1)
    people = await visit.names(sorted({each.made_by for each in (*waiting, *done)}))

    def told(each: Proposal) -> tuple[str, str]:
        return _(NAMES[each.act]), f"{visit.number(each.deliveries)} · {people[each.made_by]} · {each.reason}"

    def listed(those: Sequence[Proposal], where: str) -> list[tuple[str, str]]:
        cut = [("…", " ".join((_("More are not on this paper."), where)))] if len(those) > watching.NAMED else []
        return [*(told(each) for each in those[: watching.NAMED]), *cut]

    return [
        Part(
            title=_("Waiting for a second person"),
            lines=listed(waiting, _("They come up among what waits for a second person as these are answered.")),
            nothing=_("Nothing waits for a second person."),
        ),
        Part(
            title=_("Acts on many deliveries"),
            lines=listed(done, _("Each act stands on the page of its document.")),
            nothing=_("None."),
        ),
    ]


async def _single(visit: Visit, since: datetime) -> Part:
    """What people did with deliveries: when, what, how many, who, why, and which documents."""
    done, _ = await watching.done_by_people(visit.base, since), visit.gettext
    where = _("Each act stands on the page of its document.")
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
                        ", ".join(dict.fromkeys(line.code for line in each.lines)) + _more(visit, each),
                    ),
                )
            ),
        )
        for each in done[: watching.NAMED]
    ]
    lines += _left(visit, len(done) - watching.NAMED, where)
    return Part(title=_("What people did with deliveries"), lines=lines, nothing=_("Nothing was recorded."))


def _more(visit: Visit, done: watching.Done) -> str:
    """How many of an act's deliveries are not named."""
    count = done.count - len(done.lines)
    told = visit.ngettext("and %(num)s more delivery", "and %(num)s more deliveries", count)
    return f" {told % {'num': visit.number(count)}}" if count > 0 else ""


def _answer(
    visit: Visit,
    title: str,
    parts: list[Part],
    path: str,
    file: str,
    *,
    signed: Sequence[tuple[str, str, str]] = (),
) -> web.StreamResponse:
    if not visit.request.path.endswith(".pdf"):
        return visit.page(
            "report.html", title=title, parts=parts, file=file, path=path, hours=HOURS, chosen=_hours(visit)
        )
    content = pdf(
        title,
        parts,
        language=visit.preferences.language,
        made_at=visit.at,
        foot=f"{visit.base.settings.seal.organ_id} · {visit.instant(visit.at)}",
        signed=signed,
    )
    return answer_pdf(content, "report")


def _hours(visit: Visit) -> int:
    asked = visit.request.query.get("hours", "")
    return int(asked) if asked in {str(each) for each in HOURS} else HOURS[1]


def _since(visit: Visit) -> datetime | None:
    text = visit.request.query.get("since", "")
    return instant_given(text) if text else None


ROUTES: Final = (
    Route("GET", "/channels/{id}/incident", incident, Permission.VIEW, heavy="print"),
    Route("GET", "/channels/{id}/incident.pdf", incident, Permission.VIEW, heavy="print"),
    Route("GET", "/shift", shift, Permission.VIEW, heavy="print"),
    Route("GET", "/shift.pdf", shift, Permission.VIEW, heavy="print"),
)
