"""The documents and statuses that the kit sends: every dialect, every kind of business, and damaged ones.

Written with the simulators' writer. Dialect C is A's content inside a SOAP envelope of the older namespace, D is
a status in a SOAP header with its prefix bound to the wrong namespace, as older provincial systems write them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from xml.sax.saxutils import escape

from gateway.clock import VIETNAM
from gateway.simulate.pdf import make_pdf
from gateway.simulate.writing import NAMESPACE, Named, Paper, Reference, Report, document_xml, status_xml

Dialect = Literal["A", "B", "C"]
BusinessType = Literal["0", "1", "2", "3"]

_SOAP: Final = "http://schemas.xmlsoap.org/soap/envelope/"
_OLD: Final = "http://www.e-doc.vn/Schema/"
_NOTATION: Final = "TN-KTKN"
#: What the axis vendor's sample begins with.
JUNK: Final = b"1212"


@dataclass(frozen=True, kw_only=True, slots=True)
class Sheet:
    """What is asked for when a document is written."""

    sender: Named
    recipients: tuple[Named, ...]
    number: str
    subject: str
    dialect: Dialect = "A"
    business_type: BusinessType = "0"
    #: The document that types 1 to 3 are about.
    about: Reference | None = None
    priority: int = 0
    #: Bytes of the attachment beyond a page of PDF.
    padding: int = 0


def reference_of(sender: str, number: str, at: datetime) -> Reference:
    """The document of that number, as others refer to it."""
    day = at.astimezone(VIETNAM).date()
    return Reference(
        organ_id=sender,
        number=number,
        notation=_NOTATION,
        issued_on=day,
        document_id=f"{sender},{day:%Y/%m/%d},{number}/{_NOTATION}",
    )


def document(sheet: Sheet, at: datetime) -> bytes:
    """The whole document."""
    about = sheet.about
    # A recall, an update keep the number of what they are about; a replacement has its own.
    own = reference_of(sheet.sender.code, sheet.number, at)
    if about is not None and sheet.business_type in {"1", "2"}:
        own = about
    paper = Paper(
        sender=sheet.sender,
        recipients=sheet.recipients,
        document_id=own.document_id,
        number=own.number,
        notation=own.notation,
        issued_on=own.issued_on,
        type_name="Công văn",
        type_number=18,
        subject=sheet.subject,
        file_name=f"{own.number}-{own.notation}.pdf",
        file=_file(sheet),
        priority=sheet.priority,
        business_type=sheet.business_type,
        responses=(about,) if about is not None and sheet.business_type == "1" else (),
        updates=about.document_id if about is not None and sheet.business_type == "2" else "",
        replaces=about.document_id if about is not None and sheet.business_type == "3" else "",
        replaced_at=tuple(one.code for one in sheet.recipients) if sheet.business_type == "3" else (),
    )
    if sheet.dialect != "C":
        return document_xml(paper, sheet.dialect, at)
    return _soap(document_xml(paper, "A", at).decode()).encode()


def status(reporter: Named, about: Reference, code: str, description: str, at: datetime) -> bytes:
    """A status message of dialect A."""
    return status_xml(Report(reporter=reporter, about=about, code=code, description=description), at)


def status_d(reporter: Named, about: Reference, code: str, description: str, at: datetime) -> bytes:
    """The same in dialect D: dates day first, everything in the SOAP header."""
    local = at.astimezone(VIETNAM)
    answered = (
        _e("OrganId", about.organ_id)
        + _e("Code", f"{about.number}/{about.notation}")
        + _e("PromulgationDate", f"{about.issued_on:%d/%m/%Y}")
        + _e("DocumentId", about.document_id)
    )
    body = (
        f"<edXML:ResponseFor>{answered}</edXML:ResponseFor>"
        f"<edXML:From>{_e('OrganId', reporter.code)}{_e('OrganName', reporter.name)}</edXML:From>"
        + _e("StatusCode", code)
        + _e("Description", description)
        + _e("Timestamp", f"{local:%d/%m/%Y %H:%M:%S}")
        + f"<edXML:StaffInfo>{_e('Department', 'Văn phòng')}{_e('Staff', 'Văn thư')}</edXML:StaffInfo>"
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<SOAP-ENV:Envelope xmlns:SOAP-ENV="{_SOAP}" xmlns:edXML="{_SOAP}"><SOAP-ENV:Header>'
        f"<edXML:Status>{body}</edXML:Status></SOAP-ENV:Header><SOAP-ENV:Body/></SOAP-ENV:Envelope>\n"
    ).encode()


def _e(name: str, text: str) -> str:
    return f"<edXML:{name}>{escape(text)}</edXML:{name}>"


def odd(data: bytes) -> bytes:
    """As bad builders write: junk in front, a priority of 9, elements that nobody knows."""
    text = data.decode()
    text = text.replace(
        "<edXML:SteeringType>0</edXML:SteeringType>", "<edXML:SteeringType/><edXML:LaLam>?</edXML:LaLam>"
    )
    text = text.replace("</edXML:OtherInfo>", "<edXML:ReplyFors/></edXML:OtherInfo>")
    text = text.replace("<edXML:Priority>0<", "<edXML:Priority>9<")
    return JUNK + text.encode()


def _file(sheet: Sheet) -> bytes:
    page = make_pdf(sheet.subject, (f"So: {sheet.number}/{_NOTATION}",))
    if not sheet.padding:
        return page
    # Past the end of the file, where readers ignore it, and such that a ZIP makes it no smaller.
    return page + hashlib.shake_256(sheet.number.encode()).digest(sheet.padding)


def _soap(text: str) -> str:
    """Dialect C of dialect A's text."""
    header = _between(text, "<edXML:edXMLHeader>", "</edXML:edXMLHeader>")
    manifest = _between(text, "<edXML:edXMLBody>", "</edXML:edXMLBody>").replace("edXMLManifest", "Manifest")
    attached = text[text.index("<AttachmentEncoded>") : text.index("</AttachmentEncoded>")] + "</AttachmentEncoded>"
    attached = attached.replace(f' xmlns:edXML="{NAMESPACE}"', "")
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<SOAP-ENV:Envelope xmlns:SOAP-ENV="{_SOAP}" xmlns:edXML="{_OLD}"><SOAP-ENV:Header>{header}'
        f"<edXML:ErrorList/></SOAP-ENV:Header><SOAP-ENV:Body>{manifest}{attached}</SOAP-ENV:Body>"
        "</SOAP-ENV:Envelope>\n"
    )


def _between(text: str, opening: str, closing: str) -> str:
    return text.partition(opening)[2].partition(closing)[0]
