"""What figures are called, Vietnamese and English; used by the workbook, the console and the command."""

from __future__ import annotations

from typing import Final, Literal

from gateway.directory.endpoints import called
from gateway.edxml.codes import BUSINESS_TYPES, PRIORITIES, STATUS_CODES
from gateway.edxml.envelope import BusinessType
from gateway.reasons import REASONS

Language = Literal["vi", "en"]

_TEXTS: Final[dict[str, tuple[str, str]]] = {
    "title": ("Báo cáo gửi, nhận văn bản điện tử", "Report on documents sent and received"),
    "period": ("Kỳ báo cáo", "Period"),
    "against": ("So với kỳ", "Held against"),
    "this_period": ("Kỳ này", "This period"),
    "earlier": ("Kỳ so sánh", "Earlier"),
    "share": ("Tỷ lệ", "Share"),
    "change": ("Tăng, giảm", "Change"),
    "growth": ("Tăng, giảm (%)", "Change (%)"),
    "made_at": ("Lập lúc", "Made at"),
    "basis": (
        "Tính theo ngày trục tiếp nhận (giờ Việt Nam), tình trạng tại thời điểm lập, không tính văn bản thử.",
        "By the day of acceptance (Vietnam's time), as things stood when it was made. Tests are left out.",
    ),
    "summary": ("Tổng hợp", "Summary"),
    "agencies": ("Theo cơ quan", "By agency"),
    "types": ("Theo loại văn bản", "By type"),
    "business_types": ("Theo nghiệp vụ", "By business type"),
    "priorities": ("Theo độ khẩn", "By urgency"),
    "channels": ("Theo kênh", "By channel"),
    "state": ("Trạng thái", "State"),
    "states": ("Theo trạng thái gửi", "By state"),
    "statuses": ("Theo trạng thái xử lý", "By business status"),
    "refusals": ("Lý do không gửi được", "Why sending failed"),
    "other_sentences": ("Lý do khác, ít gặp hơn", "Other reasons, less frequent"),
    "returned_why": ("Lý do nơi nhận từ chối (02)", "Why recipients refused (02)"),
    "days": ("Theo ngày", "By day"),
    "weeks": ("Theo tuần", "By week"),
    "months": ("Theo tháng", "By month"),
    "late": ("Trả lời trễ hoặc quá hạn", "Late or overdue answers"),
    "slowest": ("Đến nơi chậm nhất", "Slowest to arrive"),
    "slowest_registering": ("Tiếp nhận chậm nhất", "Slowest to register"),
    "silent": ("Nơi nhận im lặng", "Silent offices"),
    "unreached": ("chưa văn bản nào đến", "nothing has arrived"),
    "unanswered": ("đã đến, chưa báo trạng thái nào", "arrived, no status at all"),
    "name": ("Tên", "Name"),
    "code": ("Mã định danh", "Code"),
    "reason_code": ("Mã lý do", "Reason code"),
    "figure": ("Chỉ tiêu", "Figure"),
    "month": ("Tháng", "Month"),
    "reason": ("Lý do", "Reason"),
    "lines": ("Lượt", "Lines"),
    "day": ("Ngày", "Day"),
    "documents": ("Văn bản phát hành", "Issued"),
    "sent": ("Lượt gửi đi", "Lines sent"),
    "received": ("Lượt gửi đến", "Received"),
    "arrived": ("Đã đến", "Arrived"),
    "registered": ("Đã tiếp nhận (03)", "Registered (03)"),
    "returned": ("Bị từ chối tiếp nhận (02)", "Returned (02)"),
    "refused": ("Bị từ chối", "Refused"),
    "dead": ("Hết hạn gửi", "Given up"),
    "withdrawn": ("Đã rút lại", "Withdrawn"),
    "handed_over": ("Chuyển đường khác", "Handed over"),
    "waiting": ("Đang chờ", "Waiting"),
    "arrival_median": ("Trung vị đến nơi", "Median to arrival"),
    "arrival_p95": ("p95 đến nơi", "p95 to arrival"),
    "registration_median": ("Trung vị tiếp nhận", "Median to registration"),
    "registration_p95": ("p95 tiếp nhận", "p95 to registration"),
    "due_lines": ("Có hạn trả lời", "Answer due"),
    "due_early": ("Trước hạn", "Early"),
    "due_on_time": ("Đúng hạn", "On time"),
    "due_late": ("Trễ hạn", "Late"),
    "due_overdue": ("Quá hạn, chưa trả lời", "Overdue"),
    "due_missed": ("Trễ hoặc quá hạn", "Late or overdue"),
    "due_open": ("Chưa đến hạn", "Not due yet"),
    "untold": ("(không ghi)", "(not told)"),
}

_STATES: Final[dict[str, tuple[str, str]]] = {
    "queued": ("Chờ gửi", "Queued"),
    "in_flight": ("Đang gửi", "In flight"),
    "relayed": ("Trục trung gian đã nhận", "Relayed"),
    "delivered": ("Đã đến", "Delivered"),
    "acknowledged": ("Nơi nhận đã báo", "Acknowledged"),
    "deferred": ("Sẽ gửi lại", "Deferred"),
    "held": ("Tạm giữ", "Held"),
    "refused": ("Bị từ chối", "Refused"),
    "dead": ("Hết hạn gửi", "Given up"),
    "quarantined": ("Cách ly", "Quarantined"),
    "withdrawn": ("Đã rút lại", "Withdrawn"),
    "handed_over": ("Chuyển đường khác", "Handed over"),
}


def word(key: str, language: Language) -> str:
    """What a figure, a column or a part is called."""
    return _TEXTS[key][language == "en"]


def state_name(state: str, language: Language) -> str:
    """What a delivery's state is called."""
    return _STATES[state][language == "en"]


def status_name(code: str, language: Language) -> str:
    """What a business status is called, with its code."""
    known = STATUS_CODES.get(code)
    return f"{code} {getattr(known, language)}" if known else code


def priority_name(key: str, language: Language) -> str:
    """What an urgency is called."""
    known = PRIORITIES.get(int(key))
    return str(getattr(known, language)) if known else key


def business_name(key: str, language: Language) -> str:
    """What a business type is called."""
    known = BUSINESS_TYPES.get(BusinessType(key)) if key in set(BusinessType) else None
    return str(getattr(known, language)) if known else key


def reason_name(code: str, language: Language) -> str:
    """What a reason code says."""
    known = REASONS.get(code)
    return str(getattr(known, language)) if known else code or word("untold", language)


def named(part: str, key: str, language: Language, label: str = "") -> str:
    """What a row of one of the parts is called; a channel by its label, with its own name where that is another."""
    if label:
        return called(key, label)
    if part == "priorities":
        return priority_name(key, language)
    if part == "business_types":
        return business_name(key, language)
    return key or word("untold", language)


def duration(seconds: int | None, language: Language) -> str:
    """`45 giây`, `12 phút`, `3 giờ 20 phút`, `2 ngày 4 giờ`; "" where there is none."""
    if seconds is None:
        return ""
    units = (("ngày", "d", 86_400), ("giờ", "h", 3_600), ("phút", "min", 60), ("giây", "s", 1))
    parts, rest = [], seconds
    for vi, en, size in units:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {vi if language == 'vi' else en}")
    return " ".join(parts[:2]) or ("0 giây" if language == "vi" else "0 s")
