"""The simulators' own edXML writer: documents of types 0 to 3 and statuses, in dialect A or B.

Written from the same public samples as `gateway.edxml.builder` and from none of its code. Dialect A is the
axis vendor's Java SDK (default namespace, attachment as base64 of a ZIP), dialect B the .NET family
(schema-instance attributes, xlink references, attachment as base64 of the raw file). No limits are checked:
what a simulator writes may be wrong on purpose.
"""

from __future__ import annotations

import base64
import io
import zipfile
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from uuid import NAMESPACE_URL, uuid5
from xml.sax.saxutils import escape

from gateway.clock import VIETNAM
from gateway.simulate.letter import PLACE, POSITION, SIGNER

NAMESPACE = "http://www.mic.gov.vn/TBT/QCVN_102_2016"

_SCHEMA = (
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
    ' xmlns:xlink="http://www.w3.org/1999/xlink"'
)
_ACTOR = "http://schemas.xmlsoap.org/soap/actor/next"
_REASONS = {
    "0": "Văn bản điện tử mới",
    "1": "Thu hồi văn bản điện tử",
    "2": "Cập nhật văn bản điện tử",
    "3": "Văn bản thay thế",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Named:
    """An office as a message names it."""

    code: str
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """The document that a message answers, recalls or reports on."""

    organ_id: str
    number: str
    notation: str
    issued_on: date
    document_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Paper:
    """A document as its writer means it."""

    sender: Named
    recipients: tuple[Named, ...]
    document_id: str
    number: str
    notation: str
    issued_on: date
    type_name: str
    type_number: int
    subject: str
    file_name: str
    file: bytes
    priority: int = 0
    #: By when an answer is wanted.
    due_on: date | None = None
    business_type: Literal["0", "1", "2", "3"] = "0"
    #: Type 1: what is recalled. Others: what is answered.
    responses: tuple[Reference, ...] = ()
    #: Type 2: the updated document.
    updates: str = ""
    #: Type 3: the replaced document, and who had received it.
    replaces: str = ""
    replaced_at: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """A status message as its writer means it."""

    reporter: Named
    about: Reference
    code: str
    description: str
    staff: str = "Văn thư"


def document_xml(paper: Paper, dialect: Literal["A", "B"], at: datetime) -> bytes:
    """The whole message."""
    root_attributes = _SCHEMA if dialect == "B" else ""
    content_id = str(uuid5(NAMESPACE_URL, f"{paper.document_id}/{paper.file_name}"))
    header = _document_header(paper) + _traces(paper, dialect, at)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<edXML xmlns="{NAMESPACE}"{root_attributes}>'
        f'<edXML:edXMLEnvelope xmlns:edXML="{NAMESPACE}"><edXML:edXMLHeader>{header}</edXML:edXMLHeader>'
        f'<edXML:edXMLBody><edXML:edXMLManifest version="1.0">{_reference(paper, dialect, content_id)}'
        "</edXML:edXMLManifest></edXML:edXMLBody></edXML:edXMLEnvelope>"
        f"{_attachment(paper, dialect, content_id)}</edXML>\n"
    ).encode()


def status_xml(report: Report, at: datetime) -> bytes:
    """A status message, the same in both dialects but for attributes nobody reads."""
    staff = _e("Department", "Văn thư") + _e("Staff", report.staff) + _e("Mobile", "") + _e("Email", "")
    body = (
        _party("From", report.reporter)
        + _response(report.about)
        + f"<edXML:StaffInfo>{staff}</edXML:StaffInfo>"
        + _e("StatusCode", report.code)
        + _e("Description", report.description)
        + _e("Timestamp", _instant(at))
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<edXML xmlns="{NAMESPACE}"><edXML:edXMLEnvelope xmlns:edXML="{NAMESPACE}"><edXML:edXMLHeader>'
        f"<edXML:MessageHeader>{body}</edXML:MessageHeader>"
        "</edXML:edXMLHeader></edXML:edXMLEnvelope></edXML>\n"
    ).encode()


def _document_header(paper: Paper) -> str:
    parts = [
        _party("From", paper.sender),
        *(_party("To", recipient) for recipient in paper.recipients),
        _e("DocumentId", paper.document_id),
        _g("Code", _e("CodeNumber", paper.number) + _e("CodeNotation", paper.notation)),
        _g("PromulgationInfo", _e("Place", PLACE) + _e("PromulgationDate", _day(paper.issued_on))),
        _g(
            "DocumentType",
            _e("Type", str(paper.type_number)) + _e("TypeDetail", "0") + _e("TypeName", paper.type_name),
        ),
        _e("Subject", paper.subject),
        _e("Content", paper.subject),
        _g("SignerInfo", _e("Competence", "TM.") + _e("Position", POSITION) + _e("FullName", SIGNER)),
        _e("DueDate", _day(paper.due_on)) if paper.due_on is not None else "",
        _other_info(paper),
        *(_response(answered) for answered in paper.responses),
        _e("SteeringType", "0"),
        _g("ToPlaces", _e("Place", "Như trên") + _e("Place", "Lưu: VT")),
    ]
    return _g("MessageHeader", "".join(parts))


def _other_info(paper: Paper) -> str:
    return _g(
        "OtherInfo",
        _e("Priority", str(paper.priority))
        + _e("SphereOfPromulgation", "Liên thông văn bản")
        + _e("TyperNotation", "NVM")
        + _e("PromulgationAmount", "1")
        + _e("PageAmount", "1")
        + _e("Direction", "false")
        + _g("Appendixes", _e("Appendix", "Không có phụ lục")),
    )


def _traces(paper: Paper, dialect: str, at: datetime) -> str:
    attributes = f' id="t1234567" version="1.0" mustUnderstand="1" actor="{_ACTOR}"' if dialect == "B" else ""
    trace = _g("TraceHeader", _e("OrganId", paper.sender.code) + _e("Timestamp", _instant(at)))
    return f"<edXML:TraceHeaderList{attributes}>{trace}{_business(paper)}</edXML:TraceHeaderList>"


def _business(paper: Paper) -> str:
    staff = _e("Department", "Văn thư") + _e("Staff", "Trần Thị Mẫu") + _e("Email", "") + _e("Mobile", "")
    parts = [
        _e("DocumentId", paper.updates) if paper.updates else "",
        _e("BussinessDocType", paper.business_type),
        _e("BussinessDocReason", _REASONS[paper.business_type]),
        _e("Paper", "0"),
    ]
    if paper.business_type == "2":
        changes = _e("DocumentInfo", "1") + _e("DocumentReceiver", "0")
        parts.append(_g("BussinessDocumentInfo", changes))
    parts.append(_g("StaffInfo", staff))
    if paper.replaces:
        organs = "".join(_e("OrganId", code) for code in paper.replaced_at)
        replaced = _e("DocumentId", paper.replaces) + _g("OrganIdList", organs)
        parts.append(_g("ReplacementInfoList", _g("ReplacementInfo", replaced)))
    return _g("Bussiness", "".join(parts))


def _reference(paper: Paper, dialect: str, content_id: str) -> str:
    name = escape(paper.file_name)
    attributes = ""
    if dialect == "B":
        attributes = f' xlink:href="cid:{content_id}" xlink:role="XLinkRole" xlink:type="simple"'
    kind = "application/zip" if dialect == "A" else "application/pdf"
    return (
        f"<edXML:Reference{attributes}>{_e('ContentId', 'cid:' + content_id)}{_e('ContentType', kind)}"
        f"<edXML:Description>{name}</edXML:Description><edXML:AttachmentName>{name}</edXML:AttachmentName>"
        "</edXML:Reference>"
    )


def _attachment(paper: Paper, dialect: str, content_id: str) -> str:
    name = escape(paper.file_name)
    if dialect == "A":
        kind, payload, identifier = "application/zip", _zipped(paper), f"cid:{content_id}"
        opened = f'<edXML:ContentTransferEncoded xmlns:edXML="{NAMESPACE}">'
        closed = "</edXML:ContentTransferEncoded>"
    else:
        kind, payload, identifier = "application/pdf", paper.file, content_id
        opened, closed = "<ContentTransferEncoded>", "</ContentTransferEncoded>"
    return (
        f"<AttachmentEncoded><Attachment><ContentId>{identifier}</ContentId>"
        f"<AttachmentName>{name}</AttachmentName><Description>{name}</Description>"
        f"<ContentType>{kind}</ContentType>{opened}{base64.b64encode(payload).decode()}{closed}"
        "</Attachment></AttachmentEncoded>"
    )


def _zipped(paper: Paper) -> bytes:
    # The vendor's ZIP holds one entry whose inner name says nothing; receivers must use AttachmentName.
    entry = zipfile.ZipInfo(f"{uuid5(NAMESPACE_URL, paper.document_id)}.edxml", date_time=(2018, 11, 1, 8, 0, 0))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(entry, paper.file, compress_type=zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _party(name: str, office: Named) -> str:
    contact = "".join(_e(part, "") for part in ("OrganAdd", "Email", "Telephone", "Fax", "Website"))
    return _g(
        name,
        _e("OrganId", office.code)
        + _e("OrganizationInCharge", office.name)
        + _e("OrganName", office.name)
        + contact,
    )


def _response(about: Reference) -> str:
    return _g(
        "ResponseFor",
        _e("OrganId", about.organ_id)
        + _e("Code", f"{about.number}/{about.notation}")
        + _e("PromulgationDate", _day(about.issued_on))
        + _e("DocumentId", about.document_id),
    )


def _g(name: str, content: str) -> str:
    return f"<edXML:{name}>{content}</edXML:{name}>"


def _e(name: str, text: str) -> str:
    return f"<edXML:{name}>{escape(text)}</edXML:{name}>"


def _day(value: date) -> str:
    return value.strftime("%Y/%m/%d")


def _instant(at: datetime) -> str:
    return at.astimezone(VIETNAM).strftime("%Y/%m/%d %H:%M:%S")
