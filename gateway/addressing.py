"""Who a message goes to, and what it does to earlier lines: the lookups around the pure decisions of `route`.

A document goes to its To list. A status goes to the sender of the document it is about; a take-back (13) to the
recipients of that document. Requests (13, recall, update, replacement) name their originals, so that they
never overtake them and withdraw what has not left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.directory.directory import Directory
from gateway.drafts import Checked
from gateway.edxml.envelope import Envelope, Finding, MessageKind, Severity
from gateway.errors import RefusedError
from gateway.ids import uuid7
from gateway.ledger.pages import SentMessage
from gateway.ledger.reads import Match, Reads
from gateway.ledger.rows import DeliveryRow, DispatchRow, RequestEffect, StatusEffect
from gateway.model import Agency, AgencyId, EndpointId, Lane
from gateway.reasons import reason
from gateway.route import Routed, RoutePlan, route
from gateway.status import TAKE_BACK, Correlation, correlate, exactly, is_request, requested, withdraws


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """The rows that carry the message, and its effects on earlier ones."""

    dispatches: tuple[DispatchRow, ...]
    deliveries: tuple[DeliveryRow, ...]
    findings: tuple[Finding, ...] = ()
    statuses: tuple[StatusEffect, ...] = ()
    requests: tuple[RequestEffect, ...] = ()
    original_id: str | None = None

    @property
    def recipients(self) -> frozenset[AgencyId]:
        """Everybody who gets it."""
        return frozenset(AgencyId(item.recipient_id) for item in self.deliveries)


class Addressing:
    """Makes plans."""

    def __init__(self, *, directory: Directory, reads: Reads, give_up_after: timedelta) -> None:
        self._directory, self._reads, self._give_up_after = directory, reads, give_up_after

    async def plan(
        self,
        checked: Checked,
        *,
        about_delivery: str | None = None,
        is_notice: bool = False,
        whoever_serves: bool = False,
        partly: bool = False,
    ) -> Plan:
        """The plan for a checked message; raises RefusedError where nobody may or can get it.

        `whoever_serves`: as if we served every agency; `partly`: recipients that cannot be served are left out.
        """
        if is_notice and about_delivery is not None:
            return await self._notice(checked, about_delivery)
        if checked.envelope.kind is MessageKind.STATUS and checked.envelope.status_code != TAKE_BACK:
            return await self._status(checked, about_delivery)
        return await self._document(checked, whoever_serves=whoever_serves, partly=partly)

    async def _document(self, checked: Checked, *, whoever_serves: bool, partly: bool) -> Plan:
        envelope, at = checked.envelope, checked.accepted_at
        originals: tuple[str, ...] = ()
        if is_request(envelope):
            originals = await requested(self._reads, envelope, sender_id=checked.sender.id, message_id=checked.id)
        if envelope.kind is MessageKind.STATUS:
            recipients = await self._asked_to_give_back(checked, originals)
        else:
            codes = [party.organ_id for party in envelope.recipients]
            known = await self._directory.resolve(codes, at)
            recipients = [(code, known.get(code)) for code in codes]
        decided = await self._route(checked, recipients, whoever_serves=whoever_serves)
        # A relay's other recipients are not to suffer for one that we cannot serve: the finding tells.
        relayed = checked.caller.relay_endpoint_id is not None
        refusal = decided.nothing if relayed or partly else decided.refusal
        if refusal is not None:
            raise refusal
        dispatches, deliveries = self._rows(
            checked, decided, after_id=originals[0] if originals else None, expects_status=True
        )
        everyone = tuple(item.recipient_id for item in deliveries)
        return Plan(
            dispatches=dispatches,
            deliveries=deliveries,
            findings=decided.findings + self._not_found(envelope, originals),
            requests=tuple(
                RequestEffect(original_id=item, recipient_ids=everyone, withdraws=withdraws(envelope))
                for item in originals
            ),
            original_id=originals[0] if originals else None,
        )

    async def _route(
        self, checked: Checked, recipients: Sequence[tuple[str, Agency | None]], *, whoever_serves: bool
    ) -> RoutePlan:
        envelope = checked.envelope
        is_status = envelope.kind is MessageKind.STATUS
        heirs = {agency.successor_id for _, agency in recipients if agency is not None and agency.successor_id}
        return route(
            successors=await self._directory.agencies(heirs) if heirs else {},
            message=Routed(
                kind="status" if is_status else "document",
                size=checked.size,
                business_type=envelope.status_code if is_status else str(envelope.business.type),
            ),
            sender=checked.sender,
            recipients=recipients,
            arrived_by=EndpointId(checked.arrived_by) if checked.arrived_by else None,
            arrived_from_relay=checked.caller.relay_endpoint_id is not None,
            now=checked.accepted_at,
            whoever_serves=whoever_serves,
        )

    @staticmethod
    def _not_found(envelope: Envelope, originals: Sequence[str]) -> tuple[Finding, ...]:
        if originals or not is_request(envelope):
            return ()
        return (
            Finding(
                rule="GW-REQ-01",
                severity=Severity.WARNING,
                vi="Không tìm thấy văn bản gốc mà yêu cầu này nói đến; vẫn chuyển tiếp.",
                en="The earlier document that this request means was not found; it is forwarded all the same.",
            ),
        )

    async def _asked_to_give_back(
        self, checked: Checked, originals: Sequence[str]
    ) -> list[tuple[str, Agency | None]]:
        """The recipients of the document that a 13 wants back; only one where the 13 names one."""
        if not originals:
            raise RefusedError("status_document_unknown")
        lines = await self._reads.deliveries(originals[0])
        about = checked.envelope.responses_for[0] if checked.envelope.responses_for else None
        named = [line for line in lines if about is not None and line.recipient_code == about.organ_id]
        chosen = named or lines
        agencies = await self._directory.agencies([line.recipient_id for line in chosen])
        return [(line.recipient_code, agencies.get(line.recipient_id)) for line in chosen]

    async def _status(self, checked: Checked, about_delivery: str | None) -> Plan:
        correlation = await self._correlate(checked, about_delivery)
        relayed = checked.caller.relay_endpoint_id is not None
        if correlation.parked and correlation.parked != "status_ambiguous" and not relayed:
            raise RefusedError(correlation.parked)
        effects = self._effects(checked, correlation)
        if not correlation.matches:
            return Plan(dispatches=(), deliveries=(), statuses=effects, findings=(_parked(correlation.parked),))
        return await self._to_sender(checked, correlation.matches[0], effects)

    async def _notice(self, checked: Checked, delivery_id: str) -> Plan:
        """To the sender of the document alone; a word of ours is no status of the recipient's."""
        line = await self._reads.match_delivery(delivery_id)
        if line is None:
            raise RefusedError("status_document_unknown")
        return await self._to_sender(checked, line, ())

    async def _to_sender(self, checked: Checked, line: Match, effects: tuple[StatusEffect, ...]) -> Plan:
        found = await self._directory.agencies([line.sender_id])
        # what an agency sent by us, it hears of by us, whoever serves it by now
        decided = await self._route(checked, [(line.sender_code, found.get(line.sender_id))], whoever_serves=True)
        dispatches, deliveries = self._rows(checked, decided, after_id=None, expects_status=False)
        return Plan(dispatches=dispatches, deliveries=deliveries, statuses=effects, original_id=line.message_id)

    async def _correlate(self, checked: Checked, about_delivery: str | None) -> Correlation:
        envelope, at = checked.envelope, checked.accepted_at
        line = await self._reads.match_delivery(about_delivery) if about_delivery else None
        if line is not None:  # the item a reader answered is what it answered, whatever the ladder says
            return await exactly(self._reads, line, envelope.status_code)
        senders: list[AgencyId] | None = None
        if envelope.responses_for and envelope.responses_for[0].organ_id:
            code = envelope.responses_for[0].organ_id
            known = await self._directory.resolve([code], at)
            senders = [known[code].id] if code in known else None
        reporters = sorted(await self._directory.represented_by(checked.sender.id, at))
        return await correlate(self._reads, envelope, senders=senders, reporters=reporters)

    @staticmethod
    def _effects(checked: Checked, correlation: Correlation) -> tuple[StatusEffect, ...]:
        envelope = checked.envelope
        asked = {match.request_id for match in correlation.matches}

        def effect(match: Match | None) -> StatusEffect:
            return StatusEffect(
                id=uuid7(),
                delivery_id=match.delivery_id if match else None,
                reporter_id=checked.sender.id,
                code=envelope.status_code,
                reported_at=envelope.status_at,
                description=envelope.status_description,
                matched_by=correlation.matched_by,
                parked=correlation.parked,
                answers_request=match is not None and match.message_id in asked,
            )

        return tuple(effect(match) for match in correlation.matches) or (effect(None),)

    async def more_recipients(self, sent: SentMessage, codes: Sequence[str], at: datetime) -> Plan:
        """The plan that brings a message accepted before to further recipients; all of them or none."""
        known = await self._directory.resolve(codes, at)
        found = await self._directory.agencies([sent.sender_id])
        heirs = {agency.successor_id for agency in known.values() if agency.successor_id}
        decided = route(
            message=Routed(kind="document", size=sent.size, business_type=sent.business_type),
            sender=found[sent.sender_id],
            recipients=[(code, known.get(code)) for code in codes],
            successors=await self._directory.agencies(heirs),
            arrived_by=None,
            arrived_from_relay=False,
            now=at,
        )
        if decided.refusal is not None:
            raise decided.refusal
        dispatches, deliveries = self._lines(
            sent.id, sent.priority, at, decided, after_id=sent.original_id, expects_status=True
        )
        return Plan(dispatches=dispatches, deliveries=deliveries)

    async def to_sender(
        self, status: SentMessage, line: Match, *, arrived_by: EndpointId | None, at: datetime
    ) -> Plan:
        """The plan that brings a status accepted before to the sender of the document that it means after all."""
        found = await self._directory.agencies([status.sender_id, line.sender_id])
        to = found.get(line.sender_id)
        heirs = {to.successor_id} if to is not None and to.successor_id else set()
        decided = route(
            message=Routed(kind="status", size=status.size, business_type=status.business_type),
            sender=found[status.sender_id],
            recipients=[(line.sender_code, to)],
            whoever_serves=True,
            successors=await self._directory.agencies(heirs) if heirs else {},
            arrived_by=arrived_by,
            arrived_from_relay=arrived_by is not None,
            now=at,
        )
        dispatches, deliveries = self._lines(
            status.id, status.priority, at, decided, after_id=None, expects_status=False
        )
        return Plan(dispatches=dispatches, deliveries=deliveries)

    def _rows(
        self, checked: Checked, decided: RoutePlan, *, after_id: str | None, expects_status: bool
    ) -> tuple[tuple[DispatchRow, ...], tuple[DeliveryRow, ...]]:
        return self._lines(
            checked.id,
            checked.envelope.priority,
            checked.accepted_at,
            decided,
            after_id=after_id,
            expects_status=expects_status,
        )

    def _lines(
        self,
        message_id: str,
        priority: int,
        at: datetime,
        decided: RoutePlan,
        *,
        after_id: str | None,
        expects_status: bool,
    ) -> tuple[tuple[DispatchRow, ...], tuple[DeliveryRow, ...]]:
        lane = Lane.of_priority(priority)
        dispatches: list[DispatchRow] = []
        deliveries: list[DeliveryRow] = []
        for planned in decided.dispatches:
            dispatch_id = uuid7()
            dispatches.append(
                DispatchRow(
                    id=dispatch_id,
                    message_id=message_id,
                    endpoint_id=planned.endpoint.id,
                    recipient_id=None if planned.recipient is None else planned.recipient.id,
                    state=planned.state,
                    lane=lane.rank,
                    after_id=after_id,
                    created_at=at,
                    due_at=at,
                    give_up_at=at + self._give_up_after,
                )
            )
            deliveries.extend(
                DeliveryRow(
                    id=uuid7(),
                    message_id=message_id,
                    recipient_id=item.recipient.id,
                    recipient_code=item.recipient_code,
                    endpoint_id=planned.endpoint.id,
                    dispatch_id=dispatch_id,
                    expects_status=expects_status and planned.endpoint.capabilities.answers,
                    in_inbox=planned.state == "inbox",
                    created_at=at,
                )
                for item in planned.deliveries
            )
        return tuple(dispatches), tuple(deliveries)


def _parked(code: str) -> Finding:
    why = reason(code)
    return Finding(
        rule="GW-STS-01",
        severity=Severity.WARNING,
        vi=f"Chưa gắn được trạng thái với văn bản: {why.vi}",
        en=f"The status could not be matched with a document yet: {why.en}",
    )
