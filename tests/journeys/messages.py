"""Messages for journey tests, built with the gateway's own builder (the simulators have another)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from io import BytesIO

from gateway.clock import VIETNAM
from gateway.edxml.builder import AttachmentSource, build_status, write_document
from gateway.edxml.envelope import (
    Business,
    BusinessType,
    Dialect,
    Envelope,
    MessageKind,
    Party,
    Replacement,
    ResponseFor,
    TraceHeader,
)
from gateway.edxml.profiles import PROFILE_A

DAY = date(2018, 11, 5)
NOW = datetime(2018, 11, 5, 8, 30, tzinfo=VIETNAM)


def document_id(sender: str, number: str = "125") -> str:
    """As offices write it."""
    return f"{sender},{DAY:%Y/%m/%d},{number}/UBND-VP"


def document(
    sender: str,
    recipients: Sequence[str],
    *,
    number: str = "125",
    subject: str = "V/v thử nghiệm liên thông",
    business: BusinessType = BusinessType.NEW,
    about: str = "",
    priority: int = 0,
    content: bytes = b"%PDF-1.4\nmot trang\n%%EOF\n",
    due: date | None = None,
    answers: ResponseFor | None = None,
    and_answers: Sequence[ResponseFor] = (),
) -> bytes:
    """A document with one PDF; `about` is the DocumentId that types 1 to 3 mean."""
    envelope = Envelope(
        kind=MessageKind.DOCUMENT,
        dialect=Dialect.A,
        sender=Party(organ_id=sender, organ_name="Cơ quan gửi", organization_in_charge="Cơ quan gửi"),
        recipients=tuple(Party(organ_id=code, organ_name="Cơ quan nhận") for code in recipients),
        document_id=document_id(sender, number),
        code_number=number,
        code_notation="UBND-VP",
        place="Rạch Giá",
        promulgation_date=DAY,
        doc_type="18",
        doc_type_detail="0",
        doc_type_name="Công văn",
        subject=subject,
        content=subject,
        competence="TM.",
        position="Chủ tịch",
        signer="Nguyễn Văn Mẫu",
        priority=priority,
        due_date=due,
        responses_for=(ResponseFor(organ_id=sender, document_id=about),)
        if business is BusinessType.RECALL
        else (answers, *and_answers)
        if answers is not None
        else (),
        business=Business(
            type=business,
            type_text=business.value,
            reason="Lý do",
            document_id=about if business is BusinessType.UPDATE else "",
            replacements=(Replacement(document_id=about, organ_ids=tuple(recipients)),)
            if business is BusinessType.REPLACEMENT
            else (),
        ),
        traces=(TraceHeader(organ_id=sender, timestamp=NOW),),
    )
    out = BytesIO()
    source = AttachmentSource(
        name=f"{number}.pdf", content_type="application/pdf", open=lambda: BytesIO(content), content_id="f1"
    )
    write_document(out, envelope, [source], PROFILE_A)
    return out.getvalue()


def status(
    reporter: str,
    code: str,
    *,
    sender: str,
    number: str = "125",
    description: str = "",
    organ_id: str | None = None,
) -> bytes:
    """A status about `document(sender, number=…)`."""
    envelope = Envelope(
        kind=MessageKind.STATUS,
        dialect=Dialect.A,
        sender=Party(organ_id=reporter, organ_name="Cơ quan báo", organization_in_charge="Cơ quan báo"),
        responses_for=(
            ResponseFor(
                organ_id=sender,
                code=f"{number}/UBND-VP",
                promulgation_date=DAY,
                document_id=document_id(sender, number),
            ),
        ),
        status_code=code,
        status_description=description,
        status_at=NOW,
    )
    return build_status(envelope, PROFILE_A)
