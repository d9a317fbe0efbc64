"""What the ledger has of one document, as its page tells it: recipients in sums, one story of all that happened.

Tries with what was said on the wire, statuses, people's acts with their reasons, seals and proofs stand in one
list, the newest first; what happened to many recipients in a row is told once. Of a very long story the acceptance,
what people did, and the newest tries and statuses are kept, and how much is left out is told. Read of one instant.
Whoever sees the document as a recipient alone is shown the own line, and nothing of the others'.
What belongs to it: `gateway.console.document_links`.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from gateway.audit.leaves import facts_of
from gateway.clock import instant
from gateway.console.agencies import ChannelName, channel_names
from gateway.console.document_links import Links, read_links
from gateway.directory.directory import Directory
from gateway.errors import RefusedError
from gateway.ledger.params import as_json
from gateway.mailbox import NOT_FOR_RECIPIENTS
from gateway.model import Agency, AgencyId
from gateway.states import State
from gateway.storage.readers import Reader, Readers

#: Events of one story; of a document with more, what the gateway did by itself long ago is left out.
MOST_EVENTS: Final = 3_000
#: Tries of one story, and statuses; of more, the newest.
MOST_TRIES: Final = 1_000
MOST_STATUSES: Final = 1_000
#: Facts that other parts of the story say, or that say nothing to people.
_SAID_OTHERWISE: Final = frozenset({"reason", "from", "to", "consented_by", "replay"})
#: Characters of a fact that are shown.
_LONGEST: Final = 200
_PEER_SHOWN: Final = ("http_status", "status", "address", "certificate_sha256", "duration_ms", "answer", "inquiry")


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipient:
    """One line of the document."""

    id: str
    agency_id: AgencyId
    name: str
    code: str
    state: State
    final: bool
    reason: str
    detail: str
    business_status: str
    peer_ref: str
    state_at: datetime
    dispatch_id: str
    channel: str
    group: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """One thing that happened, or the same thing several times in a row."""

    at: datetime
    until: datetime
    #: `try`, `status`, or the name of an event.
    kind: str
    #: How a try ended, the code of a status.
    what: str = ""
    actor: str = ""
    reason: str = ""
    #: In words: what was said, why a person acted.
    text: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    #: Names of the recipients that it is about; () for the document itself.
    recipients: tuple[str, ...] = ()
    times: int = 1
    #: The second person, where an act took two.
    consented_by: str = ""
    #: Of a status: the agency that reported for the recipient, where it was not the recipient itself.
    reporter: str = ""

    @property
    def same(self) -> tuple[str, ...]:
        """What is told once when it happened in a row."""
        return self.kind, self.what, self.actor, self.reason, self.consented_by, self.reporter


@dataclass(frozen=True, kw_only=True, slots=True)
class Story:
    """All of it."""

    summary: tuple[Any, ...]
    sender: Agency | None
    recipients: tuple[Recipient, ...]
    #: Whether all lines are shown, or the person's own.
    whole: bool
    told: tuple[Told, ...]
    #: Events that are left out; tries and statuses.
    untold: int
    untold_tries: int
    untold_statuses: int
    verdict: tuple[Any, ...] | None
    destroyed_at: datetime | None
    links: Links
    #: What is known of those that sent the linked documents.
    senders: Mapping[AgencyId, Agency]

    @property
    def sums(self) -> dict[str, int]:
        """How many recipients are in which group, in the order of `GROUPS`."""
        counts = {name: sum(each.group == name for each in self.recipients) for name in GROUPS}
        return {name: count for name, count in counts.items() if count}


#: Groups of recipients, as a clerk counts them.
GROUPS: Final = (
    "booked", "arrived", "fetched", "unopened", "under_way", "returned", "refused", "stuck", "withdrawn",
    "otherwise",
)  # fmt: skip


async def read_story(
    readers: Readers,
    directory: Directory,
    message_id: str,
    scope: frozenset[AgencyId] | None,
    *,
    line: str = "",
    named_before: int = 0,
) -> Story:
    """Of one document; `line`: what concerns that delivery alone. RefusedError `not_found` outside the scope."""
    async with readers.snapshot() as reader:
        summary = await reader.fetch_one("message_get_summary", (message_id,))
        if summary is None:
            raise RefusedError("not_found")
        deliveries = await reader.fetch("delivery_list_of_message", (message_id,))
        whole = scope is None or summary[2] in scope
        if not whole:
            deliveries = [row for row in deliveries if _is_shown(row, scope or frozenset())]
            if not deliveries:
                raise RefusedError("not_found")
        own = [row[0] for row in deliveries if line in {"", row[0]}]
        lines = {"lines": as_json(own)}
        attempts = await reader.fetch("attempt_list_told", lines | {"limit": MOST_TRIES})
        statuses = await reader.fetch("status_list_told", lines | {"limit": MOST_STATUSES})
        booked = {row[0] for row in await reader.fetch("delivery_list_booked", (message_id,))}
        events = await _events(reader, message_id, None if whole and not line else own)
        verdict = await reader.fetch_one("verdict_get_newest", (message_id,))
        gone = await reader.fetch("purge_find_of_messages", (as_json([message_id]),))
        links = await read_links(reader, summary, scope, named_before=named_before)
    ids = {AgencyId(row[2]) for row in deliveries} | {AgencyId(summary[2])} | links.senders
    ids |= {AgencyId(row[2]) for row in statuses}
    agencies = await directory.agencies(ids)
    endpoints = {str(each.id): each for each in await directory.endpoints()}
    channels = await channel_names(directory)
    recipients = tuple(_recipient(row, agencies, endpoints, channels, booked) for row in deliveries)
    wanted = {each.id: each for each in recipients if line in {"", each.id}}
    names = {key: agency.name for key, agency in agencies.items()}
    told = _told(wanted, names, whole=whole and not line, attempts=attempts, statuses=statuses, events=events)
    return Story(
        summary=summary,
        sender=agencies.get(AgencyId(summary[2])),
        recipients=recipients,
        whole=whole,
        told=tuple(told if line else _grouped(told)),
        untold=events[0][7] - len(events) if events else 0,
        untold_tries=attempts[0][7] - len(attempts) if attempts else 0,
        untold_statuses=statuses[0][5] - len(statuses) if statuses else 0,
        verdict=verdict,
        destroyed_at=instant(gone[0][3]) if gone else None,
        links=links,
        senders={key: agencies[key] for key in links.senders if key in agencies},
    )


async def _events(reader: Reader, message_id: str, lines: Sequence[str] | None) -> Sequence[tuple[Any, ...]]:
    """Of the whole document, or of some lines of it."""
    asked: dict[str, object] = {"message": message_id, "limit": MOST_EVENTS}
    if lines is None:
        return await reader.fetch("event_list_told", asked)
    return await reader.fetch("event_list_told_of_lines", asked | {"lines": as_json(lines)})


def _is_shown(row: tuple[Any, ...], scope: frozenset[AgencyId]) -> bool:
    return row[2] in scope and State(row[4]) not in NOT_FOR_RECIPIENTS


def _recipient(
    row: tuple[Any, ...],
    agencies: dict[AgencyId, Agency],
    endpoints: dict[str, Any],
    channels: dict[str, ChannelName],
    booked: Container[str],
) -> Recipient:
    state, endpoint = State(row[4]), endpoints.get(row[13])
    agency = agencies.get(AgencyId(row[2]))
    return Recipient(
        id=row[0],
        agency_id=AgencyId(row[2]),
        name=agency.name if agency else row[3],
        code=row[3],
        state=state,
        final=state.is_final(expects_status=bool(row[5])),
        reason=row[6],
        detail=row[7],
        business_status=row[8],
        peer_ref=row[9],
        state_at=instant(row[11]),
        dispatch_id=row[12],
        channel=channels[row[13]].called if row[13] in channels else row[13],
        group=_group(
            state,
            row[8],
            is_booked=row[0] in booked,
            is_inbox=endpoint is not None and endpoint.kind == "inbox",
            is_fetched=row[14] is not None,
        ),
    )


def _group(state: State, status: str, *, is_booked: bool, is_inbox: bool, is_fetched: bool) -> str:
    if status == "02":
        return "returned"
    if is_booked:  # whatever was answered to its sender since, as 15 or 16
        return "booked"
    if state in {State.DELIVERED, State.ACKNOWLEDGED}:
        return "arrived"
    if state in {State.QUEUED, State.IN_FLIGHT} and is_inbox:
        return "fetched" if is_fetched else "unopened"
    if state in {State.DEAD, State.HELD, State.QUARANTINED}:
        return "stuck"
    others = {State.REFUSED: "refused", State.WITHDRAWN: "withdrawn", State.HANDED_OVER: "otherwise"}
    return others.get(state, "under_way")


def _told(
    wanted: dict[str, Recipient],
    names: Mapping[AgencyId, str],
    *,
    whole: bool,
    attempts: Iterable[tuple[Any, ...]],
    statuses: Iterable[tuple[Any, ...]],
    events: Iterable[tuple[Any, ...]],
) -> list[Told]:
    carried: dict[str, list[str]] = {}
    for each in wanted.values():
        carried.setdefault(each.dispatch_id, []).append(each.name)
    found = [_try(row, carried[row[0]]) for row in attempts]
    found += [_status(row, wanted[row[0]], names) for row in statuses]
    for row in events:
        if row[3] in wanted if row[3] else whole or row[1] == "document.accepted":
            found.append(_event(row, (wanted[row[3]].name,) if row[3] else ()))
    return sorted(found, key=lambda each: each.at, reverse=True)


def _try(row: tuple[Any, ...], recipients: Sequence[str]) -> Told:
    peer = msgspec.json.decode(row[6])
    return Told(
        at=instant(row[1]),
        until=instant(row[2]) if row[2] is not None else instant(row[1]),
        kind="try",
        what=row[3],
        reason=row[4],
        text=row[5],
        facts=tuple((name, _short(peer[name])) for name in _PEER_SHOWN if name in peer),
        recipients=tuple(recipients),
    )


def _status(row: tuple[Any, ...], recipient: Recipient, names: Mapping[AgencyId, str]) -> Told:
    return Told(
        at=instant(row[3]),
        until=instant(row[3]),
        kind="status",
        what=row[1],
        text=row[4],
        recipients=(recipient.name,),
        reporter="" if row[2] == recipient.agency_id else names.get(row[2], row[2]),
    )


def _event(row: tuple[Any, ...], recipients: tuple[str, ...]) -> Told:
    facts = facts_of(row[5])
    shown = {} if row[1] == "problem.settled" else facts
    return Told(
        at=instant(row[2]),
        until=instant(row[2]),
        kind=row[1],
        actor=row[4],
        reason=str(facts.get("reason", "")),
        text=row[6],
        facts=tuple((name, _short(value)) for name, value in shown.items() if name not in _SAID_OTHERWISE),
        recipients=recipients,
        consented_by=str(facts.get("consented_by", "")),
    )


def _short(value: object) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _grouped(told: Sequence[Told]) -> Iterable[Told]:
    """The same thing in a row is told once."""
    group: list[Told] = []
    for each in told:
        if group and each.same != group[0].same:
            yield _one(group)
            group = []
        group.append(each)
    if group:
        yield _one(group)


def _one(group: Sequence[Told]) -> Told:
    first = group[0]
    if len(group) == 1:
        return first
    names = dict.fromkeys(name for each in group for name in each.recipients)
    return Told(
        at=group[-1].at,
        until=first.until,
        kind=first.kind,
        what=first.what,
        actor=first.actor,
        reason=first.reason,
        text=first.text if all(each.text == first.text for each in group) else "",
        recipients=tuple(names),
        times=len(group),
        consented_by=first.consented_by,
        reporter=first.reporter,
    )
