"""Rows of the lists that the protocol knows: what waits, what was sent, which agencies there are. Pure.

Instants are `yyyy/MM/dd HH:mm:ss` of Vietnam, as in edXML. What a state of ours is called there:

    sendStatus      done always: what is listed was accepted and is durable here
    receiveStatus   initial (waits), processing (under way, or with a person), done (arrived), fail (will not)

`sendStatusDesc` and `receiveStatusDesc` are ASCII; the second names our state, the reason code where it did not go
on, and the newest business status, so that nobody has to guess what `fail` means.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from gateway.broker import Catalogued, SentLine, Waiting
from gateway.clock import VIETNAM
from gateway.edxml.organ_ids import Scheme, scheme_of

_SERVICE: Final = "eDoc"
_KINDS: Final = {"document": "edoc", "status": "status"}
_RECEIVED: Final = {
    "queued": "initial",
    "deferred": "initial",
    "in_flight": "processing",
    "relayed": "processing",
    "held": "processing",
    "quarantined": "processing",
    "delivered": "done",
    "acknowledged": "done",
    "handed_over": "done",
    "refused": "fail",
    "dead": "fail",
    "withdrawn": "fail",
}
_ARRIVED: Final = frozenset({"delivered", "acknowledged", "handed_over"})


def time_of(at: datetime) -> str:
    """As the protocol writes instants."""
    return f"{at.astimezone(VIETNAM):%Y/%m/%d %H:%M:%S}"


def waiting_row(item: Waiting) -> dict[str, object]:
    """One entry of getReceivedEdocList."""
    at = time_of(item.accepted_at)
    return {
        "docId": item.ref,
        "serviceType": _SERVICE,
        "messageType": _KINDS[item.kind],
        "created_time": at,
        "updated_time": at,
        "from": item.sender_code,
        "to": item.recipient_code,
        "status": "processing" if item.fetched else "initial",
        "status_desc": "Da lay noi dung, chua xac nhan" if item.fetched else "Chua lay noi dung",
        "title": item.subject,
        "notation": _notation(item.number, item.notation),
        "edocId": item.document_ref,
        "businessType": item.business_type,
        "priority": item.priority,
        "size": item.size,
        "sha256": item.sha256,
    }


def sent_row(line: SentLine) -> dict[str, object]:
    """One line of getSentEdocList."""
    told = line.state if not line.reason else f"{line.state} ({line.reason})"
    if line.business_status:
        told += f", trang thai {line.business_status}"
    return {
        "serviceType": _SERVICE,
        "messageType": _KINDS[line.kind],
        "senderDocId": line.message_id,
        "receiverDocId": line.delivery_id,
        "fromCode": line.sender_code,
        "toCode": line.recipient_code,
        "title": line.subject,
        "notation": _notation(line.number, line.notation),
        "edocId": line.document_ref,
        "sentTime": time_of(line.accepted_at),
        "receivedTime": time_of(line.state_at) if line.state in _ARRIVED else "",
        "sendStatus": "done",
        "sendStatusDesc": "Truc da nhan",
        "receiveStatus": _RECEIVED.get(line.state, "processing"),
        "receiveStatusDesc": told,
    }


def agency_row(agency: Catalogued) -> dict[str, object]:
    """One agency of getAgenciesList: its code of now, and the other form as the old one."""
    return {
        "id": agency.id,
        "pid": agency.parent_id,
        "code": agency.code,
        "oldCode": next((code for code in agency.codes if code != agency.code), ""),
        "name": agency.name,
        "mail": "",
    }


def qd20_row(agency: Catalogued, level: int | None) -> dict[str, object] | None:
    """One of getAgenciesListQD20; None for an agency without such a code, or of another level."""
    code = _of_scheme(agency, Scheme.QD20)
    if not code or (level is not None and code.count(".") + 1 != level):
        return None
    return {
        "id": agency.id,
        "code": code,
        "code102": _of_scheme(agency, Scheme.QCVN102),
        "name": agency.name,
        "mail": "",
    }


def unit_row(agency: Catalogued, version: int) -> dict[str, object]:
    """One of getSynchronizeUnit."""
    return {
        "id": agency.id,
        "pid": agency.parent_id,
        "code": agency.code,
        "name": agency.name,
        "mail": "",
        "version": version,
        "centerCode": "",
        "deleted": agency.closed_at is not None,
        "modifyDate": time_of(agency.closed_at) if agency.closed_at else "",
        "isAgency": agency.kind != "relay",
    }


def _of_scheme(agency: Catalogued, scheme: Scheme) -> str:
    return next((code for code in agency.codes if scheme_of(code) is scheme), "")


def _notation(number: str, notation: str) -> str:
    return f"{number}/{notation}" if number and notation else number or notation
