"""The columns of the ledger: what they are called, which are shown where nobody chose, what a file has in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gateway.clock import VIETNAM
from gateway.console.agencies import ChannelName
from gateway.console.visit import Visit
from gateway.console.words import N_
from gateway.edxml.codes import PRIORITIES, STATUS_CODES
from gateway.model import AgencyId
from gateway.reasons import REASONS
from gateway.reports.words import state_name
from gateway.search.export import Column, Value
from gateway.search.filter import NO_REASON
from gateway.search.lines import Line

TITLES: Final[Mapping[str, str]] = {
    "accepted": N_("Accepted at"),
    "code": N_("Number and notation"),
    "subject": N_("Subject"),
    "sender": N_("From"),
    "recipient": N_("Recipient"),
    "type": N_("Document type"),
    "urgency": N_("Urgency"),
    "state": N_("State"),
    "status": N_("Receipt"),
    "changed": N_("State since"),
    "reason": N_("Reason"),
    "channel": N_("Channel"),
    "date": N_("Date of document"),
    "size": N_("Size"),
}
USUAL: Final = ("accepted", "code", "subject", "sender", "recipient", "urgency", "state", "status")


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A line with the names that belong to it."""

    line: Line
    sender: str
    recipient: str
    channel: ChannelName


def chosen(values: Sequence[str]) -> tuple[str, ...]:
    """The columns of an address, in the order of the table; the usual ones where none is known."""
    asked = {part for value in values for part in value.split(",")}
    return tuple(name for name in TITLES if name in asked) or USUAL


def named(lines: Sequence[Line], names: Mapping[AgencyId, str], channels: Mapping[str, ChannelName]) -> list[Row]:
    """Rows for lines; an agency that has no name is told by its code."""
    return [
        Row(
            line=line,
            sender=names.get(line.sender_id, line.sender_code),
            recipient=names.get(line.recipient_id, line.recipient_code),
            channel=channels.get(line.endpoint_id)
            or ChannelName(id=line.endpoint_id, name=line.endpoint_id, label=line.endpoint_id),
        )
        for line in lines
    ]


def for_file(visit: Visit, columns: Sequence[str]) -> list[Column[Row]]:
    """The columns of a file, in the person's language; instants in Vietnam's time."""
    return [Column(title=visit.gettext(TITLES[name]), value=_value(visit, name)) for name in columns]


def _value(visit: Visit, name: str) -> Callable[[Row], Value]:
    words = Words(visit)
    values: Mapping[str, Callable[[Row], Value]] = {
        "accepted": lambda row: _local(row.line.accepted_at),
        "code": lambda row: row.line.code,
        "subject": lambda row: row.line.subject,
        "sender": lambda row: row.sender,
        "recipient": lambda row: row.recipient,
        "type": lambda row: row.line.type_name,
        "urgency": lambda row: visit.of(PRIORITIES[row.line.priority]),
        "state": lambda row: state_name(str(row.line.state), visit.preferences.language),
        "status": lambda row: words.status(row.line.business_status),
        "changed": lambda row: _local(row.line.state_at),
        "reason": lambda row: words.reason(row.line.reason),
        "channel": lambda row: row.channel.called,
        "date": lambda row: row.line.dated or "",
        "size": lambda row: row.line.size,
    }
    return values[name]


class Words:
    """Codes in the person's words."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit

    def status(self, code: str) -> str:
        """A business status."""
        known = STATUS_CODES.get(code)
        return f"{code} {self._visit.of(known)}" if known else code

    def reason(self, code: str) -> str:
        """A reason; its code where it is none of ours."""
        if code == NO_REASON:
            return self._visit.gettext("none")
        return self._visit.of(REASONS[code]) if code in REASONS else code


def _local(at: datetime) -> datetime:
    return at.astimezone(VIETNAM)
