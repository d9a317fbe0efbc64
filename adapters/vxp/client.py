"""The gateway as a member of the national axis: one `sendEdoc` for each dispatch and all its recipients.

A document goes out as it was received, with the CRLF behind it that the vendor's SDK writes, always with a
Content-Length and never chunked. `to` names the recipients of this dispatch. Where there are more than one header
line may name (`VALUE_LENGTH_MAX`), a call takes the first of them, and the others follow with the next try
(`rest_follows`): so each try is one call, and each recipient has the id of the call that named it.

The axis knows no key by which it could tell a repetition, and a lost answer loses the id that it gave. So where
an earlier try may have arrived (`Outgoing.doubt`) the axis is asked first what it has from us, by sender,
recipient, notation, title and time (`adapters.vxp.outcomes`). For each recipient:

- one such document: it is that one, *relayed* under the id that the list has (`inquiry: adopted`);
- none for any of them: the outcome stays unknown and the question is put again, since lists lag; after ASKED_TWICE
  questions it is sent once more, marked `possible_duplicate`. Where that ends unknown as well (a proxy's page is no
  answer) it is asked on, less and less often, until the list shows what went out later and so does not lag: then
  it goes out again. A list that shows no such thing within `lag_seconds` has it *held*: an axis whose list lags by
  hours, or is empty, gets two copies at most, whatever becomes of its answers;
- several: *held*, for a person to decide.

Times are compared by the axis's clock, whose offset from ours its answers tell (`Date`).

A list that cannot be read settles nothing. One with lines that cannot be read, and that may be it, is no proof
either: asked again (`inquiry: unclear`), then *held*. Statuses may be repeated without harm, so nobody asks about
them.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import aiohttp

from adapters.upload import Upload, deferred, of_error, report_all
from adapters.vxp.calls import Acting
from adapters.vxp.outcomes import Search, blames_document, outcome_of_send
from adapters.vxp.sent import Span, walk_sent
from adapters.vxp.settings import Manners, manners_of
from adapters.vxp.wire import VALUE_LENGTH_MAX, digest_of
from gateway.clock import VIETNAM
from gateway.errors import ConfigError, SourceError
from gateway.model import (
    ASKED_TWICE,
    DeliveryId,
    Doubt,
    Endpoint,
    Outcome,
    OutcomeKind,
    Outgoing,
    OutgoingDelivery,
    SendReport,
)
from gateway.ports import Body, Surroundings, allowed_seconds

#: Transmissions in doubt after which nothing goes out again by itself.
_SENT_MOST: Final = 2
#: Seconds between two looks into a list that may lag; doubled with each.
_FIRST_WAIT: Final = 0.5
_DOUBLINGS_MOST: Final = 7
_DAY: Final = timedelta(days=1)
_GIVEN_MOST: Final = 20_000
_ESCAPED: Final = 2  # a quote in `to` is two characters in sign-header
_TYPES = {"document": "edoc", "status": "status"}


class VxpAdapter:
    """Sends to channels of kind vxp; one pool of connections for each."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._channels: dict[str, tuple[Endpoint, Acting, Manners]] = {}
        #: Ids that the axes gave, by channel: none of them is that of another dispatch, committed or not.
        self._given: OrderedDict[tuple[str, str], str] = OrderedDict()

    async def send(self, endpoint: Endpoint, outgoing: Outgoing, body: Body) -> SendReport:
        """Transmit once, or ask whether that is done already."""
        began = self._surroundings.clock.monotonic()
        try:
            calls, manners = await self._calls(endpoint)
            report = await self._settled(calls, manners, outgoing)
            if report is None:
                report = await self._transmit(endpoint, calls, manners, outgoing, body)
        except ConfigError as error:
            return report_all(outgoing, deferred("connect_failed", str(error)), {})
        except SourceError as error:
            return report_all(outgoing, deferred(error.code, error.detail), {"inquiry": "failed"})
        self._remember(outgoing, report)
        if calls.clock_offset is not None:
            report.peer["clock_offset_seconds"] = round(calls.clock_offset.total_seconds())
        report.peer["duration_ms"] = round((self._surroundings.clock.monotonic() - began) * 1000)
        return report

    async def close(self) -> None:
        """Close every connection."""
        channels, self._channels = list(self._channels.values()), {}
        for _, calls, _ in channels:
            await calls.close()

    async def _calls(self, endpoint: Endpoint) -> tuple[Acting, Manners]:
        known = self._channels.get(endpoint.id)
        if (
            known is not None
            and known[0].settings == endpoint.settings
            and known[0].capabilities == endpoint.capabilities
        ):
            return known[1], known[2]
        calls = Acting(endpoint, self._surroundings, connections=endpoint.capabilities.max_in_flight)
        manners = manners_of(endpoint)
        self._channels[endpoint.id] = (endpoint, calls, manners)
        if known is not None:
            await known[1].retire()
        return calls, manners

    def _remember(self, outgoing: Outgoing, report: SendReport) -> None:
        for outcome in report.outcomes.values():
            if outcome.peer_ref:
                self._given[outgoing.endpoint_id, outcome.peer_ref] = outgoing.dispatch_id
        while len(self._given) > _GIVEN_MOST:
            self._given.popitem(last=False)

    async def _settled(self, calls: Acting, manners: Manners, outgoing: Outgoing) -> SendReport | None:
        """What is known of something in doubt; None where it goes out (again)."""
        if outgoing.doubt is None or outgoing.kind == "status":
            return None
        taken = [
            ref
            for (endpoint_id, ref), dispatch_id in self._given.items()
            if endpoint_id == outgoing.endpoint_id and dispatch_id != outgoing.dispatch_id
        ]
        search = Search(
            outgoing,
            system_id=calls.system_id,
            tolerance=manners.tolerance,
            offset=lambda: calls.clock_offset or timedelta(),
            taken=taken,
        )
        await walk_sent(calls, self._span(outgoing.doubt, manners), search.see)
        found, facts = search.found(), {"unreadable": search.unread} if search.unread else {}
        if any(found.values()):
            outcomes = {key: _judged(refs) for key, refs in found.items()}
            told = "adopted" if all(len(refs) == 1 for refs in found.values()) else "several"
            return SendReport(outcomes=outcomes, peer={"inquiry": told, **facts}, answered=True)
        lag = manners.lag - (self._surroundings.clock.now() - outgoing.doubt.last)
        outcome = _absent(outgoing.doubt, search.unread, lag=None if search.is_current else lag)
        if outcome is None:
            return None
        told = "unclear" if search.unread else "none"
        return report_all(outgoing, outcome, {"inquiry": told, **facts}, answered=True)

    def _span(self, doubt: Doubt, manners: Manners) -> Span:
        """The days since it came into doubt, and one more on either side: the axis's clock is not ours."""
        first, last = doubt.since - manners.tolerance - _DAY, self._surroundings.clock.now() + _DAY
        return Span(
            message_type=_TYPES["document"],
            first=first.astimezone(VIETNAM).date(),
            last=last.astimezone(VIETNAM).date(),
            page=manners.sent_page,
        )

    async def _transmit(
        self, endpoint: Endpoint, calls: Acting, manners: Manners, outgoing: Outgoing, body: Body
    ) -> SendReport:
        parameters = {"from": calls.system_id, "servicetype": "eDoc", "messagetype": _TYPES[outgoing.kind]}
        facts: dict[str, object] = {} if outgoing.doubt is None else {"possible_duplicate": True}
        named = outgoing.deliveries
        if manners.names_recipients and outgoing.kind == "document":  # a status is routed by what it is about
            named = nameable(outgoing.deliveries)
            parameters["to"] = recipients_text(named)
        parameters["hash-file"] = digest_of(body.sha256, manners.hash_file)
        upload = Upload(body, media_type="application/octet-stream", end=manners.end)
        allowed = allowed_seconds(endpoint, outgoing.size, self._surroundings.timeout_seconds)
        try:
            status, retry_after, content = await calls.transmit(parameters, upload, allowed)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            return report_all(outgoing, of_error(error, upload, allowed), upload.peer | facts)
        outcome = outcome_of_send(status, retry_after, content, self._surroundings.clock, manners.codes)
        facts["http_status"] = status
        outcomes = {one.id: outcome for one in outgoing.deliveries}
        if outcome.kind is OutcomeKind.RELAYED:
            outcomes |= _following(outgoing.deliveries[len(named) :])
        return SendReport(outcomes=outcomes, peer=upload.peer | facts, answered=blames_document(outcome))


def nameable(deliveries: Sequence[OutgoingDelivery]) -> tuple[OutgoingDelivery, ...]:
    """As many of them, from the first, as one header line may name; one at least."""
    length, count = 2, 0
    for one in deliveries:
        length += len(json.dumps(one.recipient_code)) + 1 + _ESCAPED
        if length > VALUE_LENGTH_MAX:
            break
        count += 1
    return tuple(deliveries[: max(1, count)])


def recipients_text(deliveries: Sequence[OutgoingDelivery]) -> str:
    """The value of `to`."""
    return json.dumps([one.recipient_code for one in deliveries], separators=(",", ":"))


def _following(deliveries: Sequence[OutgoingDelivery]) -> dict[DeliveryId, Outcome]:
    detail = f"{len(deliveries)} more recipients than one call can name"
    outcome = Outcome(kind=OutcomeKind.DEFERRED, reason="rest_follows", detail=detail, retry_after=1.0)
    return {one.id: outcome for one in deliveries}


def _absent(doubt: Doubt, unread: int, *, lag: timedelta | None) -> Outcome | None:
    """What follows from a list that does not show it; None where it goes out (again).

    `lag`: for how long the list may still lag behind the last try; None: it does not.
    """
    if unread:
        detail = f"the axis lists {unread} that cannot be read and may be it"
        if doubt.unclear + 1 >= ASKED_TWICE:
            return Outcome(kind=OutcomeKind.HELD, reason="outcome_untraced", detail=detail)
        return Outcome(kind=OutcomeKind.UNKNOWN, reason="outcome_unknown", detail=detail)
    if doubt.inquiries + 1 < ASKED_TWICE:
        return _judged(())
    if doubt.transmissions >= _SENT_MOST and lag is not None:
        detail = f"{doubt.transmissions} transmissions ended unknown, and the axis lists none of them"
        if lag > timedelta():
            detail += f"; it is asked for {lag.total_seconds():.0f} s more, while its list shows nothing later"
            wait = min(_FIRST_WAIT * 2 ** min(doubt.inquiries, _DOUBLINGS_MOST), lag.total_seconds())
            return Outcome(kind=OutcomeKind.UNKNOWN, reason="outcome_unknown", detail=detail, retry_after=wait)
        return Outcome(kind=OutcomeKind.HELD, reason="outcome_untraced", detail=detail)
    return None


def _judged(refs: tuple[str, ...]) -> Outcome:
    """What the sent list says of one recipient."""
    if len(refs) == 1:
        return Outcome(kind=OutcomeKind.RELAYED, peer_ref=refs[0])
    if refs:
        detail = f"the axis has {len(refs)} that may be it: {', '.join(refs[:5])}"
        return Outcome(kind=OutcomeKind.HELD, reason="outcome_ambiguous", detail=detail)
    detail = "the axis does not list it; it is asked once more before it is sent again"
    return Outcome(kind=OutcomeKind.UNKNOWN, reason="outcome_unknown", detail=detail)
