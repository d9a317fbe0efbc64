"""The rules a schema cannot state: dates against the clock, and parts of a message against each other.

Pure: the envelope and the time go in, findings come out. A clock that runs wrong is never a reason to refuse.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from gateway.clock import VIETNAM
from gateway.edxml.builder_status import REJECTION
from gateway.edxml.codes import STATUS_CODES, type_conflicts
from gateway.edxml.envelope import BusinessType, Envelope, Finding, MessageKind
from gateway.validate_rules import finding

_HEADER = "edXML/edXMLEnvelope/edXMLHeader"
_MESSAGE = f"{_HEADER}/MessageHeader"
_TRACE = f"{_HEADER}/TraceHeaderList/TraceHeader"
_BUSSINESS = f"{_HEADER}/TraceHeaderList/Bussiness"

#: From when on a sender's clock is remarked on; less is ordinary drift and wrong zones.
CLOCK_TOLERANCE = timedelta(days=1)


def message_findings(envelope: Envelope, now: datetime) -> Iterator[Finding]:
    """What the rules say about a message received at `now`."""
    yield from _clock(envelope, now)
    if envelope.kind is MessageKind.STATUS:
        yield from _status(envelope)
    else:
        yield from _document(envelope, now)
        yield from _business(envelope)


def _clock(envelope: Envelope, now: datetime) -> Iterator[Finding]:
    latest = now + CLOCK_TOLERANCE
    for number, trace in enumerate(envelope.traces, start=1):
        if trace.timestamp and trace.timestamp > latest:
            yield finding("EDX-RUL-02", f"{_TRACE}[{number}]/Timestamp")
            return
    if envelope.status_at and envelope.status_at > latest:
        yield finding("EDX-RUL-02", f"{_MESSAGE}/Timestamp")


def _status(envelope: Envelope) -> Iterator[Finding]:
    if envelope.status_code not in STATUS_CODES:
        yield finding("EDX-RUL-04", f"{_MESSAGE}/StatusCode")
    if envelope.status_code == REJECTION and not envelope.status_description:
        yield finding("EDX-RUL-03", f"{_MESSAGE}/Description")
    answered = envelope.responses_for[0] if envelope.responses_for else None
    if answered and not answered.document_id and not answered.code:
        yield finding("EDX-RUL-05", f"{_MESSAGE}/ResponseFor")


def _document(envelope: Envelope, now: datetime) -> Iterator[Finding]:
    today = now.astimezone(VIETNAM).date()
    if not envelope.document_id and not envelope.code_number:
        yield finding("EDX-RUL-11", _MESSAGE)
    if envelope.promulgation_date and envelope.promulgation_date > today:
        yield finding("EDX-RUL-01", f"{_MESSAGE}/PromulgationInfo/PromulgationDate")
    if envelope.due_date and envelope.due_date <= today:
        yield finding("EDX-RUL-10", f"{_MESSAGE}/DueDate")
    if type_conflicts(envelope.doc_type, envelope.doc_type_name):
        yield finding("EDX-RUL-09", f"{_MESSAGE}/DocumentType/Type")


def _business(envelope: Envelope) -> Iterator[Finding]:
    business = envelope.business
    if business.type is BusinessType.RECALL and not envelope.responses_for:
        yield finding("EDX-RUL-06", f"{_MESSAGE}/ResponseFor")
    if business.type is BusinessType.UPDATE and not business.document_id:
        yield finding("EDX-RUL-07", f"{_BUSSINESS}/DocumentId")
    if business.type is BusinessType.REPLACEMENT and not business.replacements:
        yield finding("EDX-RUL-08", f"{_BUSSINESS}/ReplacementInfoList")
