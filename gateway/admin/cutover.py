"""Who serves an agency, changed by operators: watch it, take it over, give it back.

`take` makes the gateway responsible from that instant: what is listed for the agency afterwards is accepted. What
was listed before and still waits is the operator's choice, since the scripts may be in the middle of it: it is
accepted too, or left to them. Taking changes rows only; the watcher, at its next look, accepts. Each act may be
repeated and then changes nothing more.

`return` stops that. What the gateway holds for the agency goes on to its end, or is held so that it can be
exported; nothing is withdrawn or deleted. What has been accepted and still stands in the peer's list is named,
because whoever reads that list next meets it a second time.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import field

from gateway.admin.acts import ActOnDeliveries, Change, Desk, Reply, act_on_deliveries
from gateway.admin.directory import Code
from gateway.directory.changes import SetServedBy, SetServedByOperation
from gateway.errors import RefusedError
from gateway.foundation import Foundation
from gateway.ledger.offers import Assigned, AssignedOperation, Route
from gateway.model import Agency, ServedBy
from gateway.route import is_hosted

_SET, _ASSIGN = SetServedByOperation(), AssignedOperation()
_routes = msgspec.json.Decoder(list[Route])
_codes = msgspec.json.Decoder(list[str])

_SERVED: dict[str, ServedBy] = {"watch": "shadow", "take": "gateway", "return": "scripts"}


class ChangeCutover(Change, kw_only=True):
    """Watch, take over or give back one agency."""

    act: Literal["watch", "take", "return"]
    organ_id: Code
    #: take: whose what is listed now is.
    waiting: Literal["gateway", "scripts"] = "gateway"
    #: return: let what is open go on, or hold what has not left.
    open: Literal["finish", "hold"] = "finish"


class Waiting(msgspec.Struct, frozen=True):
    """An entry of a peer's list that has not become a message."""

    id: str
    channel: str
    ref: str
    kind: str
    sender: str
    verdict: str
    reason: str
    left: bool
    recipients: list[str] = field(default_factory=list)


async def change_cutover(desk: Desk, request: ChangeCutover, actor: str) -> Reply:
    """Carry it out, and say what hangs on it."""
    base = desk.foundation
    agency = await base.directory.require(request.organ_id, base.clock.now())
    if not is_hosted(agency):
        raise RefusedError("recipient_unreachable", f"{agency.organ_id} has no channel of its own: route it first")
    served = _SERVED[request.act]
    changed = await base.directory.apply(
        base.pump,
        _SET,
        SetServedBy(agency_id=agency.id, served_by=served, actor=actor, now=base.clock.now(), why=request.reason),
    )
    reply: Reply = {"organ_id": agency.organ_id, "served_by": served, "changed": changed}
    if request.act == "take":
        return reply | {"waiting": await _assign(base, agency, request)}
    if request.act == "return":
        return reply | await _given_back(desk, agency, request, actor)
    return reply


async def _assign(base: Foundation, agency: Agency, request: ChangeCutover) -> list[Reply]:
    waiting = await waiting_for(base, agency)
    assigned = Assigned(
        ids=tuple(each.id for each in waiting), to_scripts=request.waiting == "scripts", at=base.clock.now()
    )
    await base.pump.submit(_ASSIGN, assigned)
    return [
        {"channel": each.channel, "ref": each.ref, "kind": each.kind, "from": each.sender, "to": request.waiting}
        | {"verdict": each.verdict, "reason": each.reason}
        for each in waiting
    ]


async def waiting_for(base: Foundation, agency: Agency) -> list[Waiting]:
    """What is listed for an agency and has not become a message."""
    rows = await base.readers.fetch("offer_list_waiting")
    return [
        Waiting(row[0], row[1], row[2], row[3], row[4], row[7], row[8], row[10] is not None, _codes.decode(row[5]))
        for row in rows
        if _is_for(agency, row[5], row[6])
    ]


def _is_for(agency: Agency, listed: str, routes: str) -> bool:
    routed = _routes.decode(routes)
    if routed:
        return any(each.agency == agency.id for each in routed)
    return not set(_codes.decode(listed)).isdisjoint(agency.codes)


async def _given_back(desk: Desk, agency: Agency, request: ChangeCutover, actor: str) -> Reply:
    base = desk.foundation
    held: list[Any] = []
    if request.open == "hold":
        hold = ActOnDeliveries(act="hold", recipient=agency.organ_id, reason=request.reason)
        held = [item["id"] for item in (await act_on_deliveries(desk, hold, actor))["items"] if item["moved"]]
    rows = await base.readers.fetch("delivery_list_open_of_agency", {"agency": agency.id})
    names = (
        "delivery", "message", "direction", "recipient", "state", "business_status", "document_id", "sha256",
        "accepted_at",
    )  # fmt: skip
    again = await base.readers.fetch("offer_list_unacknowledged")
    return {
        "held": held,
        "open": [dict(zip(names, row, strict=True)) for row in rows],
        "listed_again": [
            {"channel": row[0], "ref": row[1], "message": row[2]}
            for row in again
            if _is_for(agency, row[3], row[4])
        ],
    }
