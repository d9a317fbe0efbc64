"""An ordinary document and an ordinary status, for the writing tests; names and codes are illustrative."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime

from gateway.edxml.builder import AttachmentSource
from gateway.edxml.envelope import (
    Business,
    Dialect,
    Envelope,
    MessageKind,
    Party,
    ResponseFor,
    StaffInfo,
    TraceHeader,
)

PROVINCE = Party(
    organ_id="000.00.00.H33",
    organization_in_charge="UBND tỉnh Kiên Giang",
    organ_name="UBND tỉnh Kiên Giang",
    organ_add="Số 1, đường Mẫu, Rạch Giá",
    email="vanthu@tinh.example.gov.vn",
    telephone="02970000000",
    fax="02970000001",
    website="tinh.example.gov.vn",
)
COMMUNE = Party(
    organ_id="000.05.21.H33",
    organization_in_charge="UBND huyện Mẫu",
    organ_name="UBND xã Mẫu",
    organ_add="Ấp 1, xã Mẫu",
    email="vanthu@xa.example.gov.vn",
    telephone="02970000002",
    fax="02970000003",
    website="xa.example.gov.vn",
)
DOCUMENT = Envelope(
    kind=MessageKind.DOCUMENT,
    dialect=Dialect.A,
    sender=PROVINCE,
    recipients=(COMMUNE,),
    document_id="000.00.00.H33,2018/11/05,312/UBND-NC",
    code_number="312",
    code_notation="UBND-NC",
    place="Kiên Giang",
    promulgation_date=date(2018, 11, 5),
    doc_type="18",
    doc_type_detail="0",
    doc_type_name="Công văn",
    subject="V/v rà soát <hồ sơ> & sổ sách",
    content="V/v rà soát hồ sơ",
    competence="KT. CHỦ TỊCH",
    position="PHÓ CHỦ TỊCH",
    signer="Lê Thị Mẫu",
    due_date=date(2018, 11, 30),
    to_places=("Như trên", "Lưu: VT"),
    priority=1,
    sphere="Liên thông trong tỉnh",
    typer="LTM",
    copies=1,
    pages=2,
    direction=False,
    appendixes=("Không có phụ lục",),
    traces=(TraceHeader(organ_id="000.00.00.H33", timestamp=datetime(2018, 11, 5, 1, 30, tzinfo=UTC)),),
    business=Business(
        reason="Văn bản điện tử mới",
        staff=StaffInfo(
            department="Văn thư", staff="Trần Mẫu", email="mau@tinh.example.gov.vn", mobile="84900000000"
        ),
    ),
)
STATUS = Envelope(
    kind=MessageKind.STATUS,
    dialect=Dialect.A,
    sender=COMMUNE,
    responses_for=(
        ResponseFor(
            organ_id="000.00.00.H33",
            code="312/UBND-NC",
            promulgation_date=date(2018, 11, 5),
            document_id="000.00.00.H33,2018/11/05,312/UBND-NC",
        ),
    ),
    staff=StaffInfo(department="Văn phòng", staff="Phạm Mẫu", mobile="84900000001", email="pham@xa.example.gov.vn"),
    status_code="02",
    status_description="Gửi sai nơi nhận",
    status_at=datetime(2018, 11, 5, 3, 5, 12, tzinfo=UTC),
)
PDF = b"%PDF-1.4\n1 0 obj << >> endobj\ntrailer << >>\n%%EOF\n"


def attachment(
    data: bytes = PDF, name: str = "312-UBND-NC.pdf", content_type: str = "application/pdf"
) -> AttachmentSource:
    """A file in memory with a fixed id."""
    return AttachmentSource(
        name=name,
        content_type=content_type,
        description=name,
        open=lambda: io.BytesIO(data),
        content_id="0f7b5c1e-0000-4000-8000-000000000001",
    )
