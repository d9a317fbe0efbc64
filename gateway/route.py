"""Which recipients get a message, by which channel, in which transmissions. Pure code: no I/O, no clock.

Rules, in this order for each recipient:

1. What a relay brings is for agencies we host; the others of its list are the relay's own business: skipped.
2. What came from a channel does not return to it: skipped.
3. Unknown, closed (the successor is named), without a channel, across the sandbox's border, too large for
   the peer: refused, with a code of `gateway.reasons`.
4. Served by another system (cut-over): skipped where a relay brought it, since that system fetches it there, too;
   refused otherwise, since nobody may be looking at what we would deliver. `whoever_serves` switches this off.
5. A status message for a peer that takes none: skipped.
6. An agency named twice, under any of its codes: one delivery, under the form that came first.

Deliveries to one endpoint that fans out share one dispatch; otherwise each recipient has its own. A document
to oneself is a delivery like any other. A document type that the peer is not known to understand only earns a
finding: most peers show it as a label.

It does NOT decide whether some refused recipients refuse the whole message: `RoutePlan.refusal` makes the
error for callers who want that (REST does; for a relay the rest is delivered).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple

from gateway.edxml.envelope import Finding, Severity
from gateway.errors import RefusedError
from gateway.model import Agency, AgencyId, Endpoint, EndpointId
from gateway.reasons import reason

_SHOWN = 20

SkippedWhy = Literal["not_hosted", "came_from_there", "named_twice", "takes_no_statuses", "served_elsewhere"]


class DispatchKey(NamedTuple):
    """What tells the dispatches of one message apart."""

    endpoint_id: EndpointId
    #: None: every delivery by this endpoint.
    recipient_id: AgencyId | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Routed:
    """What routing needs to know of a message."""

    kind: Literal["document", "status"]
    size: int
    business_type: str
    #: Test traffic, by the document's own flag; a test agency's documents are test traffic anyway.
    sandbox: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedDelivery:
    """A recipient that gets the message."""

    recipient: Agency
    #: The exact form of the code that the sender used.
    recipient_code: str
    endpoint: Endpoint
    dispatch_key: DispatchKey


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedDispatch:
    """One transmission."""

    key: DispatchKey
    endpoint: Endpoint
    #: The one recipient where the peer does not fan out.
    recipient: Agency | None
    deliveries: tuple[PlannedDelivery, ...]

    @property
    def state(self) -> Literal["ready", "inbox"]:
        """Where the dispatch begins: waiting for us to send, or for the receiver to fetch."""
        return "inbox" if self.endpoint.kind == "inbox" else "ready"


@dataclass(frozen=True, kw_only=True, slots=True)
class RefusedRecipient:
    """A recipient that cannot be served."""

    recipient_code: str
    recipient: Agency | None
    #: A code of `gateway.reasons`.
    reason: str
    #: One sentence about this case.
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SkippedRecipient:
    """A recipient that is somebody else's to serve, or has its delivery already."""

    recipient_code: str
    recipient: Agency | None
    why: SkippedWhy


@dataclass(frozen=True, kw_only=True, slots=True)
class RoutePlan:
    """What is to happen with a message."""

    deliveries: tuple[PlannedDelivery, ...]
    dispatches: tuple[PlannedDispatch, ...]
    refused: tuple[RefusedRecipient, ...]
    skipped: tuple[SkippedRecipient, ...]
    findings: tuple[Finding, ...]

    @property
    def refusal(self) -> RefusedError | None:
        """The error that refuses the whole message for its refused recipients, all of them named."""
        if self.refused:
            shown = "; ".join(refused.detail for refused in self.refused[:_SHOWN])
            more = len(self.refused) - _SHOWN
            return RefusedError(
                self.refused[0].reason,
                shown + (f"; and {more} more" if more > 0 else ""),
                findings=tuple(map(_refusal_finding, self.refused)),
            )
        return self.nothing

    @property
    def nothing(self) -> RefusedError | None:
        """The error for a message that nobody gets."""
        if self.deliveries:
            return None
        shown = ", ".join(skipped.recipient_code for skipped in self.skipped[:_SHOWN])
        return RefusedError("nothing_to_deliver", f"skipped: {shown}" if shown else "")


def is_hosted(agency: Agency) -> bool:
    """Whether this gateway reaches the agency without a relay."""
    return agency.endpoint is not None and not agency.endpoint.is_relay


def route(
    *,
    sender: Agency,
    message: Routed,
    recipients: Sequence[tuple[str, Agency | None]],
    successors: Mapping[AgencyId, Agency],
    arrived_by: EndpointId | None,
    arrived_from_relay: bool,
    now: datetime,
    hosted: Callable[[Agency], bool] = is_hosted,
    whoever_serves: bool = False,
) -> RoutePlan:
    """The plan for a message; `recipients` are the codes as written with whom they lead to."""
    if not recipients:
        raise RefusedError("recipients_missing")
    plan = _Plan(sender=sender, message=message, successors=successors, now=now)
    for code, agency in recipients:
        if arrived_from_relay and (agency is None or not hosted(agency)):
            plan.skip(code, agency, "not_hosted")
        elif agency is None:
            plan.refuse(code, None, "recipient_unknown", f"{code}: no agency has this code")
        elif arrived_by is not None and agency.endpoint is not None and agency.endpoint.id == arrived_by:
            plan.skip(code, agency, "came_from_there")
        elif not whoever_serves and hosted(agency) and agency.served_by != "gateway":
            plan.leave(code, agency, relayed=arrived_from_relay)
        else:
            plan.consider(code, agency)
    return plan.done()


@dataclass(kw_only=True, slots=True)
class _Plan:
    sender: Agency
    message: Routed
    successors: Mapping[AgencyId, Agency]
    now: datetime
    deliveries: dict[AgencyId, PlannedDelivery] = field(default_factory=dict)
    refused: list[RefusedRecipient] = field(default_factory=list)
    skipped: list[SkippedRecipient] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def refuse(self, code: str, agency: Agency | None, reason: str, detail: str) -> None:
        self.refused.append(RefusedRecipient(recipient_code=code, recipient=agency, reason=reason, detail=detail))

    def skip(
        self,
        code: str,
        agency: Agency | None,
        why: SkippedWhy,
    ) -> None:
        self.skipped.append(SkippedRecipient(recipient_code=code, recipient=agency, why=why))

    def leave(self, code: str, agency: Agency, *, relayed: bool) -> None:
        if relayed:
            self.skip(code, agency, "served_elsewhere")
        else:
            self.refuse(code, agency, "recipient_served_elsewhere", f"{code}: served by today's scripts")

    def consider(self, code: str, agency: Agency) -> None:
        endpoint = agency.endpoint
        if agency.closed_at is not None and agency.closed_at <= self.now:
            self.refuse(code, agency, "recipient_closed", self._closed(code, agency))
        elif endpoint is None:
            self.refuse(code, agency, "recipient_unreachable", f"{code}: the agency has no channel yet")
        elif (self.sender.sandbox or self.message.sandbox) != agency.sandbox:
            which = "a test agency" if agency.sandbox else "a production agency"
            self.refuse(code, agency, "sandbox_crossing", f"{code}: the recipient is {which}")
        elif self.message.size > endpoint.capabilities.max_bytes:
            detail = f"{code}: {self.message.size} bytes, the peer takes {endpoint.capabilities.max_bytes}"
            self.refuse(code, agency, "too_large_for_peer", detail)
        elif self.message.kind == "status" and not endpoint.capabilities.statuses:
            self.skip(code, agency, "takes_no_statuses")
        elif agency.id in self.deliveries:
            self.skip(code, agency, "named_twice")
            self.findings.append(_named_twice(code, self.deliveries[agency.id].recipient_code))
        else:
            self._deliver(code, agency, endpoint)

    def done(self) -> RoutePlan:
        groups: dict[DispatchKey, list[PlannedDelivery]] = {}
        for delivery in self.deliveries.values():
            groups.setdefault(delivery.dispatch_key, []).append(delivery)
        dispatches = tuple(
            PlannedDispatch(
                key=key,
                endpoint=group[0].endpoint,
                recipient=None if key.recipient_id is None else group[0].recipient,
                deliveries=tuple(group),
            )
            for key, group in groups.items()
        )
        return RoutePlan(
            deliveries=tuple(self.deliveries.values()),
            dispatches=dispatches,
            refused=tuple(self.refused),
            skipped=tuple(self.skipped),
            findings=tuple(self.findings),
        )

    def _deliver(self, code: str, agency: Agency, endpoint: Endpoint) -> None:
        able = endpoint.capabilities
        if self.message.kind == "document" and self.message.business_type not in able.document_types:
            self.findings.append(_type_not_understood(code, self.message.business_type))
        key = DispatchKey(endpoint.id, None if able.fans_out else agency.id)
        self.deliveries[agency.id] = PlannedDelivery(
            recipient=agency, recipient_code=code, endpoint=endpoint, dispatch_key=key
        )

    def _closed(self, code: str, agency: Agency) -> str:
        successor = None if agency.successor_id is None else self.successors.get(agency.successor_id)
        after = f"; its successor is {successor.organ_id}" if successor is not None else ""
        return f"{code}: closed on {agency.closed_at:%Y-%m-%d}{after}"


def _named_twice(code: str, first: str) -> Finding:
    return Finding(
        rule="ROUTE-TO-01",
        severity=Severity.INFO,
        path="To",
        vi=f"Nơi nhận {code} trùng với {first}; chỉ gửi một lần.",
        en=f"Recipient {code} is the same agency as {first}; it gets one delivery.",
    )


def _type_not_understood(code: str, business_type: str) -> Finding:
    return Finding(
        rule="ROUTE-TO-02",
        severity=Severity.WARNING,
        path="To",
        vi=f"Hệ thống của {code} có thể không hiểu loại nghiệp vụ {business_type}.",
        en=f"The system of {code} may not understand business type {business_type}.",
    )


def _refusal_finding(refused: RefusedRecipient) -> Finding:
    return Finding(
        rule=f"ROUTE-{refused.reason}",
        severity=Severity.ERROR,
        path="To",
        vi=f"{refused.recipient_code}: {reason(refused.reason).vi}",
        en=refused.detail,
    )
