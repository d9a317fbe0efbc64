"""Reads the header of a message into an `Envelope`: the fields of a document, or of a status.

Order, prefixes and namespaces play no part; of elements that may occur once the first is read. What is
missing or odd is noted; only a missing sender, missing or too many recipients and a header or sender that
occurs twice refuse the message here.
"""

from __future__ import annotations

from gateway.edxml.attachments import Attached
from gateway.edxml.blocks import (
    MAX_EXTENSIONS,
    fields_of,
    read_day,
    read_listed,
    read_moment,
    read_number,
    read_party,
    read_response,
    read_staff,
    unknown_leaves,
)
from gateway.edxml.business import business_node, read_business, read_traces
from gateway.edxml.codes import PRIORITIES, STATUS_CODES, STEERING_TYPES
from gateway.edxml.dialects import Blocks
from gateway.edxml.envelope import Dialect, Envelope, MessageKind, Party, ResponseFor
from gateway.edxml.limits import ParseLimits
from gateway.edxml.notes import Notes
from gateway.edxml.organ_ids import canonical
from gateway.edxml.scan import Node
from gateway.edxml.texts import text_of

_HEADER = frozenset(
    {
        "from", "to", "documentid", "code", "promulgationinfo", "documenttype", "subject", "content",
        "signerinfo", "duedate", "otherinfo", "responsefor", "steeringtype", "toplaces",
        "staffinfo", "statuscode", "description", "timestamp",
    }
)  # fmt: skip
_OTHER = frozenset(
    {
        "priority", "sphereofpromulgation", "typernotation", "promulgationamount", "pageamount", "direction",
        "appendixes",
    }
)  # fmt: skip
_STAFF = frozenset({"department", "staff", "email", "mobile"})
_TRACES = frozenset({"traceheader", "bussiness", "business"})
_BUSINESS = frozenset(
    {
        "bussinessdoctype", "bussinessdocreason", "bussinessdocumentinfo", "businessdoctype",
        "businessdocreason", "businessdocumentinfo", "documentid", "paper", "staffinfo", "replacementinfolist",
    }
)  # fmt: skip
_TRUTH = {"true": True, "1": True, "false": False, "0": False}
_CODE_LENGTH = 2
_OLD_AGREEMENT, _AGREEMENT = "14", "15"


def is_status(header: Node) -> bool:
    """Whether the header is that of a status message."""
    return header.name == "status" or header.child("statuscode") is not None


def read_status(header: Node, dialect: Dialect, notes: Notes) -> Envelope:
    """The envelope of a status message."""
    parts = fields_of(header)
    code, code_text = _read_status_code(parts.get("statuscode"), notes)
    at, at_text = read_moment(parts.get("timestamp"), notes)
    return Envelope(
        kind=MessageKind.STATUS,
        dialect=dialect,
        sender=_read_sender(header, notes),
        recipients=tuple(read_party(kid) for kid in header.kids if kid.name == "to"),
        responses_for=_read_responses(header, notes),
        extensions=_extensions(header, parts, Blocks(), notes),
        status_code=code,
        status_code_text=code_text,
        status_description=text_of(parts.get("description")),
        status_at=at,
        status_at_text=at_text,
        staff=read_staff(parts.get("staffinfo")),
    )


def read_document(
    header: Node, blocks: Blocks, attached: Attached, dialect: Dialect, limits: ParseLimits, notes: Notes
) -> Envelope:
    """The envelope of a document."""
    traces = blocks.traces
    parts = fields_of(header)
    code, issued = fields_of(parts.get("code")), fields_of(parts.get("promulgationinfo"))
    kind, signer = fields_of(parts.get("documenttype")), fields_of(parts.get("signerinfo"))
    other = fields_of(parts.get("otherinfo"))
    day, day_text = read_day(issued.get("promulgationdate"), notes)
    return Envelope(
        kind=MessageKind.DOCUMENT,
        dialect=dialect,
        sender=_read_sender(header, notes),
        recipients=_read_recipients(header, limits, notes),
        document_id=text_of(parts.get("documentid")),
        code_number=text_of(code.get("codenumber")) or text_of(parts.get("code")),
        code_notation=text_of(code.get("codenotation")),
        place=text_of(issued.get("place")),
        promulgation_date=day,
        promulgation_date_text=day_text,
        doc_type=text_of(kind.get("type")),
        doc_type_detail=text_of(kind.get("typedetail")),
        doc_type_name=text_of(kind.get("typename")),
        subject=text_of(parts.get("subject")),
        content=text_of(parts.get("content")),
        competence=text_of(signer.get("competence")),
        position=text_of(signer.get("position")),
        signer=text_of(signer.get("fullname")),
        due_date=read_day(parts.get("duedate"), notes)[0],
        to_places=_texts(parts.get("toplaces"), "place"),
        priority=read_listed(other.get("priority"), PRIORITIES, notes, "EDX-PRI-01"),
        sphere=text_of(other.get("sphereofpromulgation")),
        typer=text_of(other.get("typernotation")),
        copies=read_number(other.get("promulgationamount"), notes),
        pages=read_number(other.get("pageamount"), notes),
        direction=_TRUTH.get(text_of(other.get("direction")).lower()),
        appendixes=_texts(other.get("appendixes"), "appendix"),
        steering_type=read_listed(parts.get("steeringtype"), STEERING_TYPES, notes, "EDX-STE-01"),
        responses_for=_read_responses(header, notes),
        business=read_business(business_node(traces), notes),
        traces=read_traces(traces, notes),
        attachments=attached.attachments,
        extensions=_extensions(header, parts, blocks, notes),
    )


def _texts(block: Node | None, name: str) -> tuple[str, ...]:
    return tuple(text_of(kid) for kid in block.kids if kid.name == name) if block else ()


def _read_responses(header: Node, notes: Notes) -> tuple[ResponseFor, ...]:
    return tuple(read_response(kid, notes) for kid in header.kids if kid.name == "responsefor")


def _read_sender(header: Node, notes: Notes) -> Party:
    senders = [kid for kid in header.kids if kid.name == "from"]
    if len(senders) > 1 or (senders and sum(kid.name == "organid" for kid in senders[0].kids) > 1):
        notes.refuse("edxml_invalid", "EDX-HDR-04", senders[0], "From/OrganId")
    sender = read_party(senders[0]) if senders else Party(organ_id="")
    if not sender.organ_id:
        notes.refuse("sender_missing", "EDX-HDR-01", senders[0] if senders else header)
    return sender


def _read_recipients(header: Node, limits: ParseLimits, notes: Notes) -> tuple[Party, ...]:
    recipients: list[Party] = []
    seen: set[str] = set()
    for node in header.kids:
        if node.name != "to":
            continue
        party = read_party(node)
        key = canonical(party.organ_id)
        if not key:
            notes.add("EDX-HDR-03", node, party.organ_name)
            continue
        if key in seen:
            notes.add("EDX-HDR-06", node, party.organ_id)
        seen.add(key)
        recipients.append(party)
    if not recipients:
        notes.refuse("recipients_missing", "EDX-HDR-02", header)
    elif len(recipients) > limits.max_recipients:
        notes.refuse("recipients_too_many", "EDX-HDR-05", header, str(len(recipients)))
    return tuple(recipients)


def _read_status_code(node: Node | None, notes: Notes) -> tuple[str, str]:
    """The code in two digits ("" for one that is not listed) and as written."""
    text = text_of(node)
    digits = text.lstrip("0") if text.isascii() and text.isdigit() else ""
    code = digits.zfill(_CODE_LENGTH) if digits else ""
    if code == _OLD_AGREEMENT:
        notes.add("EDX-STS-02", node)
        return _AGREEMENT, text
    if code not in STATUS_CODES:
        notes.add("EDX-STS-03", node, text)
        return "", text
    if code != text:
        notes.add("EDX-STS-01", node, text)
    return code, text


def _extensions(header: Node, parts: dict[str, Node], blocks: Blocks, notes: Notes) -> tuple[tuple[str, str], ...]:
    traces = blocks.traces
    business = business_node(traces)
    found = [
        *unknown_leaves(header, _HEADER),
        *unknown_leaves(parts.get("otherinfo"), _OTHER),
        *unknown_leaves(parts.get("staffinfo"), _STAFF),
        *unknown_leaves(traces, _TRACES),
        *unknown_leaves(business, _BUSINESS),
        *unknown_leaves(business.child("staffinfo") if business else None, _STAFF),
        *((one.local, text_of(one)) for one in blocks.strays),
    ][:MAX_EXTENSIONS]
    if found:
        notes.add("EDX-EXT-01", header, ", ".join(name for name, _ in found))
    return tuple(found)
