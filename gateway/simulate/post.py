"""Turns acts of the script into requests: edXML of either dialect, or a form, or a status."""

from __future__ import annotations

import msgspec

from gateway.clock import Clock
from gateway.simulate.acts import Answer, Send, TakeBack
from gateway.simulate.letter import PLACE, POSITION, SIGNER
from gateway.simulate.rest import Request, multipart
from gateway.simulate.script import Script
from gateway.simulate.writing import Named, Paper, Reference, Report, document_xml, status_xml


class Post:
    """The writing desk of one system."""

    def __init__(self, script: Script, clock: Clock, *, writes_forms: bool = True) -> None:
        self._script = script
        self._writes_forms = writes_forms
        self._clock = clock

    def document(self, act: Send) -> Request:
        """A submission of a document."""
        if act.way == "multipart" and self._writes_forms:
            kind, body = multipart(self._form(act), act.file_name, self._script.file_of(act))
        else:
            dialect = "A" if act.way == "multipart" else act.way
            kind, body = "application/xml", document_xml(self._paper(act), dialect, self._clock.now())
        return Request(path="/documents", body=body, content_type=kind, key=act.key)

    def status(self, about: Send, reporter: str, answer: Answer) -> bytes:
        """A status about a document, to its sender."""
        report = Report(
            reporter=self._named(reporter),
            about=_reference(about),
            code=answer.code,
            description=answer.description,
        )
        return status_xml(report, self._clock.now())

    def take_back(self, act: TakeBack) -> bytes:
        """Status 13; routed by ResponseFor/OrganId like every status, so that names the receiver."""
        about = _reference(self._script.send_of(act.about), organ_id=act.recipient)
        report = Report(reporter=self._named(act.sender), about=about, code="13", description=act.reason)
        return status_xml(report, self._clock.now())

    def _named(self, code: str) -> Named:
        return Named(code=code, name=self._script.cast.by_code[code].name)

    def _paper(self, act: Send) -> Paper:
        about = self._script.send_of(act.about) if act.about else None
        return Paper(
            sender=self._named(act.sender),
            recipients=tuple(self._named(code) for code in act.recipients),
            document_id=act.document_id,
            number=act.number,
            notation=act.notation,
            issued_on=act.issued_on,
            type_name=act.type_name,
            type_number=act.type_number,
            subject=act.subject,
            file_name=act.file_name,
            file=self._script.file_of(act),
            priority=act.priority,
            business_type=act.business_type,
            responses=(_reference(about),) if about is not None and act.business_type in {"0", "1"} else (),
            updates=about.document_id if about is not None and act.business_type == "2" else "",
            replaces=about.document_id if about is not None and act.business_type == "3" else "",
            replaced_at=about.recipients if about is not None and act.business_type == "3" else (),
        )

    def _form(self, act: Send) -> bytes:
        about = self._script.send_of(act.about) if act.about else None
        form: dict[str, object] = {
            "sender": act.sender,
            "recipients": act.recipients,
            "codeNumber": act.number,
            "codeNotation": act.notation,
            "promulgationDate": act.issued_on.isoformat(),
            "subject": act.subject,
            "typeName": act.type_name,
            "type": act.type_number,
            "place": PLACE,
            "documentId": act.document_id,
            "signer": SIGNER,
            "signerPosition": POSITION,
            "signerCompetence": "TM.",
            "priority": act.priority,
            "businessType": act.business_type,
        }
        if about is not None and act.business_type in {"0", "1"}:
            form["responsesFor"] = [
                {
                    "organId": about.sender,
                    "code": f"{about.number}/{about.notation}",
                    "promulgationDate": about.issued_on.isoformat(),
                    "documentId": about.document_id,
                }
            ]
        if about is not None and act.business_type == "2":
            form["updatesDocumentId"] = about.document_id
        return msgspec.json.encode(form)


def _reference(send: Send, *, organ_id: str = "") -> Reference:
    return Reference(
        organ_id=organ_id or send.sender,
        number=send.number,
        notation=send.notation,
        issued_on=send.issued_on,
        document_id=send.document_id,
    )
