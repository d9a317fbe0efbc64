"""The code lists of edXML: priorities, business types, status codes, steering types, document types.

Statuses and business types as the vendors' builders write them; document types from the 2022 amendment of
QCVN 102:2016, the parts not seen there from the older list of 32 types. How list and number map onto
`Type` is not settled among writers, so the name decides and the number is only compared.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from gateway.edxml.envelope import BusinessType


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeName:
    """What a code is called."""

    code: str
    vi: str
    en: str


class Reporter(StrEnum):
    """Who sends a status code."""

    RECEIVER = "receiver"
    ORIGINAL_SENDER = "original_sender"


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusCode:
    """One entry of the StatusCode list."""

    code: str
    vi: str
    en: str
    reporter: Reporter
    #: Codes it may follow; () where the list names no predecessor. 15 and 16 also answer business types 1 to 3.
    follows: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class BusinessName:
    """One entry of the BussinessDocType list."""

    type: BusinessType
    vi: str
    en: str
    #: What writers put in BussinessDocReason.
    usual_reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DocumentType:
    """One name of the two lists of document types."""

    name: str
    #: Its number among the legal normative documents, 0 when it is not one.
    normative: int = 0
    #: Its number among the administrative documents, 0 when it is not one.
    administrative: int = 0


def _status(code: str, vi: str, en: str, follows: str = "", by: Reporter = Reporter.RECEIVER) -> StatusCode:
    return StatusCode(code=code, vi=vi, en=en, reporter=by, follows=tuple(follows.split()))


#: Code -> entry. 07 to 12 are not in use; 14 is read as 15.
STATUS_CODES: dict[str, StatusCode] = {
    entry.code: entry
    for entry in (
        _status("01", "Đã đến", "Arrived"),
        _status("02", "Từ chối tiếp nhận", "Refused", "01"),
        _status("03", "Đã tiếp nhận", "Accepted", "01"),
        _status("04", "Phân công xử lý", "Assigned", "03"),
        _status("05", "Đang xử lý", "In progress", "03 04"),
        _status("06", "Hoàn thành", "Finished", "05"),
        _status("13", "Yêu cầu lấy lại văn bản", "Take-back requested", by=Reporter.ORIGINAL_SENDER),
        _status("15", "Đồng ý cập nhật, lấy lại hoặc thu hồi", "Change agreed", "13"),
        _status("16", "Từ chối cập nhật, lấy lại hoặc thu hồi", "Change refused", "13"),
    )
}


#: OtherInfo/Priority.
PRIORITIES: dict[int, CodeName] = {
    number: CodeName(code=str(number), vi=vi, en=en)
    for number, vi, en in (
        (0, "Thường", "Ordinary"),
        (1, "Khẩn", "Urgent"),
        (2, "Thượng khẩn", "Very urgent"),
        (3, "Hỏa tốc", "Express"),
        (4, "Hỏa tốc hẹn giờ", "Express by a set hour"),
    )
}

#: SteeringType.
STEERING_TYPES: dict[int, CodeName] = {
    number: CodeName(code=str(number), vi=vi, en=en)
    for number, vi, en in (
        (0, "Không phải chỉ đạo", "No steering"),
        (1, "Chỉ đạo", "Steering"),
        (2, "Báo cáo chỉ đạo", "Report on a steering"),
    )
}

#: BussinessDocType.
BUSINESS_TYPES: dict[BusinessType, BusinessName] = {
    entry.type: entry
    for entry in (
        BusinessName(type=BusinessType.NEW, vi="Văn bản mới", en="New", usual_reason="Văn bản điện tử mới"),
        BusinessName(type=BusinessType.RECALL, vi="Thu hồi", en="Recall", usual_reason="Thu hồi văn bản điện tử"),
        BusinessName(type=BusinessType.UPDATE, vi="Cập nhật", en="Update", usual_reason="Cập nhật văn bản điện tử"),
        BusinessName(
            type=BusinessType.REPLACEMENT, vi="Thay thế", en="Replacement", usual_reason="Văn bản thay thế"
        ),
    )
}

# fmt: off
_NORMATIVE = (
    "Hiến pháp", "Luật", "Pháp lệnh", "Lệnh", "Nghị quyết", "Nghị quyết liên tịch", "Nghị định", "Quyết định",
    "Thông tư", "Thông tư liên tịch", "Chỉ thị", "Bộ luật",
    "Văn bản quy phạm pháp luật của chính quyền địa phương ở đơn vị hành chính - kinh tế đặc biệt",
)
_ADMINISTRATIVE = (
    "Nghị quyết", "Quyết định", "Chỉ thị", "Quy chế", "Quy định", "Thông cáo", "Thông báo", "Hướng dẫn",
    "Chương trình", "Kế hoạch", "Phương án", "Đề án", "Dự án", "Báo cáo", "Biên bản", "Tờ trình", "Hợp đồng",
    "Công văn", "Công điện", "Bản ghi nhớ", "Bản cam kết", "Bản thỏa thuận", "Giấy chứng nhận",
    "Giấy ủy quyền", "Giấy mời", "Giấy giới thiệu", "Giấy nghỉ phép", "Giấy đi đường", "Giấy biên nhận hồ sơ",
    "Phiếu gửi", "Phiếu chuyển", "Thư công",
)
# fmt: on
#: Every vendor sample numbers the commonest letter 1, though the list says 18.
_WIDESPREAD = {"công văn": "1"}
_TONES = str.maketrans({"Đ": "đ", "Ð": "đ", "ð": "đ"})


def folded_name(text: str) -> str:
    """A name for comparing: NFC, lower case, single spaces, a bracketed remark dropped."""
    plain = unicodedata.normalize("NFC", text).translate(_TONES).lower()
    plain = plain.split("(", 1)[0].replace("oả", "ỏa").replace("uỷ", "ủy")
    return " ".join(plain.split())


def _document_types() -> dict[str, DocumentType]:
    names = dict.fromkeys((*_NORMATIVE, *_ADMINISTRATIVE))
    return {
        folded_name(name): DocumentType(
            name=name,
            normative=_NORMATIVE.index(name) + 1 if name in _NORMATIVE else 0,
            administrative=_ADMINISTRATIVE.index(name) + 1 if name in _ADMINISTRATIVE else 0,
        )
        for name in names
    }


#: Folded name -> document type.
DOCUMENT_TYPES: dict[str, DocumentType] = _document_types()


def document_type(name: str) -> DocumentType | None:
    """The document type of a TypeName in any spelling."""
    return DOCUMENT_TYPES.get(folded_name(name))


def type_conflicts(number: str, name: str) -> bool:
    """Whether `Type` is a number that no list gives to `TypeName`; False when either is unknown."""
    known = document_type(name)
    digits = number.strip()
    if known is None or not (digits.isascii() and digits.isdigit()):
        return False
    digits = digits.lstrip("0")
    return digits not in {
        str(known.normative),
        str(known.administrative),
        _WIDESPREAD.get(folded_name(name), ""),
    }
