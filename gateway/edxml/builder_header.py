"""Writes the MessageHeader and TraceHeaderList of a document, for `gateway.edxml.builder`.

Order of the elements: as the two widespread builders emit it (`schemas/README.md`, order). What the envelope
does not say is left out; in dialect A the elements an old checker demands are written empty (texts) or as 0
(counts), because its readers fail on their absence.
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime

from gateway.clock import VIETNAM
from gateway.edxml.envelope import (
    Business,
    BusinessType,
    Dialect,
    Envelope,
    Party,
    ResponseFor,
    StaffInfo,
)
from gateway.edxml.markup import Markup

_ACTOR = "http://schemas.xmlsoap.org/soap/actor/next"


def format_date(value: date | None, text: str) -> str:
    """`yyyy/MM/dd`; a date that could not be read goes out as it came."""
    return f"{value.year:04}/{value.month:02}/{value.day:02}" if value else text


def format_instant(value: datetime | None, text: str) -> str:
    """`yyyy/MM/dd HH:mm:ss` in Vietnam's time, without zone; one that could not be read as it came."""
    if value is None:
        return text
    local = value.astimezone(VIETNAM)
    return f"{format_date(local, '')} {local:%H:%M:%S}"


def write_party(markup: Markup, name: str, party: Party, dialect: Dialect) -> None:
    """`From` or `To`."""
    contact = markup.text if dialect is Dialect.A else markup.present
    markup.open(name)
    markup.text("OrganId", party.organ_id)
    contact("OrganizationInCharge", party.organization_in_charge)
    markup.text("OrganName", party.organ_name)
    contact("OrganAdd", party.organ_add)
    contact("Email", party.email)
    contact("Telephone", party.telephone)
    contact("Fax", party.fax)
    contact("Website", party.website)
    markup.close(name)


def write_response_for(markup: Markup, answered: ResponseFor) -> None:
    """One `ResponseFor`."""
    markup.open("ResponseFor")
    markup.present("OrganId", answered.organ_id)
    markup.text("Code", answered.code)
    markup.present("PromulgationDate", format_date(answered.promulgation_date, answered.promulgation_date_text))
    markup.present("DocumentId", answered.document_id)
    markup.close("ResponseFor")


def write_message_header(markup: Markup, envelope: Envelope, dialect: Dialect) -> None:
    """The MessageHeader of a document."""
    demanded = markup.text if dialect is Dialect.A else markup.present
    markup.open("MessageHeader")
    write_party(markup, "From", envelope.sender, dialect)
    for recipient in envelope.recipients:
        write_party(markup, "To", recipient, dialect)
    markup.text("DocumentId", envelope.document_id)
    _write_code_and_type(markup, envelope)
    markup.text("Subject", envelope.subject)
    demanded("Content", envelope.content)
    markup.open("SignerInfo")
    demanded("Competence", envelope.competence)
    demanded("Position", envelope.position)
    markup.text("FullName", envelope.signer)
    markup.close("SignerInfo")
    markup.present("DueDate", format_date(envelope.due_date, ""))
    _write_other_info(markup, envelope, dialect)
    for answered in envelope.responses_for:
        write_response_for(markup, answered)
    markup.text("SteeringType", str(envelope.steering_type))
    if envelope.to_places:
        markup.open("ToPlaces")
        for place in envelope.to_places:
            markup.text("Place", place)
        markup.close("ToPlaces")
    markup.close("MessageHeader")


def _write_code_and_type(markup: Markup, envelope: Envelope) -> None:
    markup.open("Code")
    markup.text("CodeNumber", envelope.code_number)
    markup.text("CodeNotation", envelope.code_notation)
    markup.close("Code")
    markup.open("PromulgationInfo")
    markup.text("Place", envelope.place)
    markup.present("PromulgationDate", format_date(envelope.promulgation_date, envelope.promulgation_date_text))
    markup.close("PromulgationInfo")
    markup.open("DocumentType")
    markup.present("Type", envelope.doc_type)
    markup.present("TypeDetail", envelope.doc_type_detail)
    markup.text("TypeName", envelope.doc_type_name)
    markup.close("DocumentType")


def _write_other_info(markup: Markup, envelope: Envelope, dialect: Dialect) -> None:
    markup.open("OtherInfo")
    markup.text("Priority", str(envelope.priority))
    markup.text("SphereOfPromulgation", envelope.sphere)
    markup.text("TyperNotation", envelope.typer)
    for name, count in (("PromulgationAmount", envelope.copies), ("PageAmount", envelope.pages)):
        if count is not None or dialect is Dialect.A:
            markup.text(name, str(count or 0))
    if envelope.direction is not None:
        markup.text("Direction", "true" if envelope.direction else "false")
    if envelope.appendixes or dialect is Dialect.A:
        markup.open("Appendixes")
        for appendix in envelope.appendixes:
            markup.text("Appendix", appendix)
        markup.close("Appendixes")
    markup.close("OtherInfo")


def write_trace_header_list(markup: Markup, envelope: Envelope, dialect: Dialect) -> None:
    """The hops, then the `Bussiness` block; none of ours, which would break a signature over the document."""
    markup.open("TraceHeaderList", _trace_attributes(envelope) if dialect is Dialect.B else "")
    for trace in envelope.traces:
        markup.open("TraceHeader")
        markup.text("OrganId", trace.organ_id)
        markup.text("Timestamp", format_instant(trace.timestamp, trace.timestamp_text))
        markup.close("TraceHeader")
    _write_business(markup, envelope.business)
    markup.close("TraceHeaderList")


def _trace_attributes(envelope: Envelope) -> str:
    # The family writes eight random characters; derived ones keep the output the same for the same input.
    seed = f"{envelope.sender.organ_id}\n{envelope.document_id}".encode(errors="replace")
    identifier = hashlib.sha256(seed).hexdigest()[:7]
    return f' id="t{identifier}" version="1.0" mustUnderstand="1" actor="{_ACTOR}"'


def _write_business(markup: Markup, business: Business) -> None:
    markup.open("Bussiness")
    markup.present("DocumentId", business.document_id)
    markup.text("BussinessDocType", business.type.value)
    markup.text("BussinessDocReason", business.reason)
    markup.text("Paper", "1" if business.paper else "0")
    if business.type is BusinessType.UPDATE or business.receivers:
        _write_changes(markup, business)
    if business.staff:
        write_staff(markup, business.staff, mobile_first=False)
    if business.replacements:
        _write_replacements(markup, business)
    markup.close("Bussiness")


def _write_changes(markup: Markup, business: Business) -> None:
    markup.open("BussinessDocumentInfo")
    markup.text("DocumentInfo", "1" if business.document_changed else "0")
    markup.text("DocumentReceiver", "1" if business.receivers_changed else "0")
    if business.receivers:
        markup.open("ReceiverList")
        for receiver in business.receivers:
            markup.open("Receiver")
            markup.text("OrganId", receiver.organ_id)
            markup.text("ReceiverType", receiver.receiver_type)
            markup.close("Receiver")
        markup.close("ReceiverList")
    markup.close("BussinessDocumentInfo")


def _write_replacements(markup: Markup, business: Business) -> None:
    # Last, as in the standard's own numbering (2.2.8): no sample shows its place.
    markup.open("ReplacementInfoList")
    for replacement in business.replacements:
        markup.open("ReplacementInfo")
        markup.text("DocumentId", replacement.document_id)
        if replacement.organ_ids:
            markup.open("OrganIdList")
            for organ_id in replacement.organ_ids:
                markup.text("OrganId", organ_id)
            markup.close("OrganIdList")
        markup.close("ReplacementInfo")
    markup.close("ReplacementInfoList")


def write_staff(markup: Markup, staff: StaffInfo, *, mobile_first: bool) -> None:
    """Who handled it; documents and statuses differ in the order of the last two."""
    markup.open("StaffInfo")
    markup.text("Department", staff.department)
    markup.text("Staff", staff.staff)
    last = [("Email", staff.email), ("Mobile", staff.mobile)]
    for name, value in reversed(last) if mobile_first else last:
        markup.text(name, value)
    markup.close("StaffInfo")
