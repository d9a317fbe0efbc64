"""What an alarm may be about, with words, what to do, and where the runbook says more. Pure.

A rule is one of `RULES`, or the code of something that the doctor finds at the running server: then words and next
step are the doctor's own. Rules about hỏa tốc (flash) know no quiet period, and nobody puts them off.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from gateway.audit.findings import Kind, Severity, kind
from gateway.diagnosis.check_kinds import KINDS

RUNBOOK: Final = "docs/runbook.md"
#: The same in Vietnamese, with the same headings.
RUNBOOK_VI: Final = "docs/runbook.vi.md"
_E, _W = Severity.ERROR, Severity.WARNING


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One of them."""

    kind: Kind
    #: Heading in the runbook.
    runbook: str
    is_flash: bool = False
    #: Whether it says that something is not heard of, which planned maintenance explains.
    is_silence: bool = False


#: About channels, offices and documents.
_OWN: Final[Mapping[str, Rule]] = {
    "flash_waiting": Rule(
        kind=kind(
            _E,
            "Văn bản hỏa tốc chưa gửi đi được.",
            "An express document has not been sent yet.",
            "Mở trang của kênh: xem lỗi, gọi nơi nhận theo số điện thoại ở đó, chuyển bằng đường khác nếu cần.",
            "Open the channel's page: look at the fault, call the recipients listed there, use another way.",
        ),
        runbook="GatewayDeliveriesOld",
        is_flash=True,
    ),
    "flash_refused": Rule(
        kind=kind(
            _E,
            "Văn bản hỏa tốc bị từ chối hoặc đã thôi gửi: không đến cơ quan.",
            "An express document was refused or given up: it did not reach the office.",
            "Mở trang của cơ quan, xem lý do; gọi điện, gửi lại hoặc giao bằng đường khác rồi đánh dấu đã giao.",
            "Open the office's page, see why; call it, send again, or use another way and mark it as handed over.",
        ),
        runbook="Alarm refused",
        is_flash=True,
    ),
    "flash_quarantined": Rule(
        kind=kind(
            _E,
            "Văn bản hỏa tốc bị cách ly: không đến cơ quan.",
            "An express document lies in quarantine: it does not reach the office.",
            "Mở Vướng mắc, mục Bị cách ly, xem lý do; gọi cơ quan; gửi lại, hoặc hủy và giao bằng đường khác.",
            "Open Problems, Quarantined, see why; call the office; send again, or cancel and use another way.",
        ),
        runbook="Alarm quarantined",
        is_flash=True,
    ),
    "flash_held": Rule(
        kind=kind(
            _E,
            "Văn bản hỏa tốc bị giữ lại: không đến cơ quan.",
            "An express document is held: it does not reach the office.",
            "Mở trang của cơ quan, xem vì sao giữ; cho gửi tiếp, hoặc gọi điện và giao bằng đường khác.",
            "Open the office's page, see why it is held; release it, or call the office and use another way.",
        ),
        runbook="Alarm held",
        is_flash=True,
    ),
    "flash_unread": Rule(
        kind=kind(
            _E,
            "Cơ quan chưa nhận văn bản hỏa tốc.",
            "An office has not fetched an express document.",
            "Gọi điện cho cơ quan; số điện thoại ở trang của cơ quan.",
            "Call the office; its telephone number is on its page.",
        ),
        runbook="Alarm unread",
        is_flash=True,
    ),
    "urgent_unread": Rule(
        kind=kind(
            _W,
            "Cơ quan chưa nhận văn bản khẩn.",
            "An office has not fetched an urgent document.",
            "Gọi điện cho cơ quan; số điện thoại ở trang của cơ quan.",
            "Call the office; its telephone number is on its page.",
        ),
        runbook="Alarm unread",
    ),
    "flash_unconfirmed": Rule(
        kind=kind(
            _E,
            "Phần mềm của cơ quan đã nhận văn bản hỏa tốc nhưng chưa ai xác nhận.",
            "An office's system took an express document, and nobody there has confirmed it.",
            "Gọi điện cho cơ quan; số điện thoại ở trang của cơ quan. Nếu họ nói đã có, ghi lại ở cảnh báo này.",
            "Call the office; its telephone number is on its page. If it says that it has it, write that here.",
        ),
        runbook="Alarm unread",
        is_flash=True,
    ),
    "urgent_unconfirmed": Rule(
        kind=kind(
            _W,
            "Phần mềm của cơ quan đã nhận văn bản khẩn nhưng chưa ai xác nhận.",
            "An office's system took an urgent document, and nobody there has confirmed it.",
            "Gọi điện cho cơ quan; số điện thoại ở trang của cơ quan. Nếu họ nói đã có, ghi lại ở cảnh báo này.",
            "Call the office; its telephone number is on its page. If it says that it has it, write that here.",
        ),
        runbook="Alarm unread",
    ),
    "answers_overdue": Rule(
        kind=kind(
            _W,
            "Văn bản quá hạn trả lời.",
            "Answers are past their due date.",
            "Mở danh sách văn bản quá hạn trả lời; nhắc cơ quan từ trang văn bản, hoặc gọi số điện thoại ở đó.",
            "Open the list by office; remind the office from the document's page, or call the number there.",
        ),
        runbook="Alarm answers",
    ),
    "axis_down": Rule(
        kind=kind(
            _E,
            "Không gửi được qua trục.",
            "Nothing gets through to the axis.",
            "Mở trang của kênh; gọi đơn vị vận hành trục. Văn bản chờ và tự gửi lại khi trục trả lời.",
            "Open the channel's page; call the axis's operator. Documents wait, and go once it answers.",
        ),
        runbook="GatewayEndpointDown",
        is_silence=True,
    ),
    "office_down": Rule(
        kind=kind(
            _W,
            "Hệ thống của cơ quan không nhận được văn bản.",
            "An office's system takes no documents.",
            "Mở trang của kênh để xem lỗi, báo người quản trị của cơ quan.",
            "Open the channel's page for the fault, and tell the office's administrator.",
        ),
        runbook="GatewayEndpointDown",
        is_silence=True,
    ),
    "list_unreadable": Rule(
        kind=kind(
            _E,
            "Không đọc được danh sách của kênh: văn bản đến không về.",
            "A channel's list cannot be read: what is for us does not come.",
            "Xem lý do ở trang của kênh; docs/connect-axis.vi.md.",
            "See the reason on the channel's page; docs/connect-axis.md.",
        ),
        runbook="GatewaySourceDegraded",
        is_silence=True,
    ),
    "list_silent": Rule(
        kind=kind(
            _E,
            "Danh sách của kênh rỗng lâu hơn thường lệ, hoặc văn bản thử không quay lại.",
            "A channel's list has been empty for longer than is usual, or a test document has not come back.",
            "Hỏi đơn vị vận hành trục; tự gửi thử qua kênh.",
            "Ask the axis's operator; send yourself something through it.",
        ),
        runbook="GatewaySourceSilent",
        is_silence=True,
    ),
    "failing_in_part": Rule(
        kind=kind(
            _W,
            "Một phần lượt gửi, hoặc lượt đọc danh sách của kênh, bị lỗi hoặc quá chậm.",
            "A part of the calls over a channel, or of the readings of its list, fails, or is too slow.",
            "Mở trang của kênh: xem các câu trả lời gần đây, báo đơn vị vận hành bên kia. Lượt lỗi tự gửi lại.",
            "Open the channel's page: see the last replies, tell the operator there. What failed is tried again.",
        ),
        runbook="Alarm failing in part",
        is_silence=True,
    ),
    "office_silent": Rule(
        kind=kind(
            _W,
            "Cơ quan không nhận văn bản nào đã lâu.",
            "An office has fetched nothing for long.",
            "Gọi văn thư của cơ quan: hệ thống hỏng, hay không có người trực? Số điện thoại ở trang của cơ quan.",
            "Call the office's clerk: is its system broken, or nobody there? The number is on its page.",
        ),
        runbook="Alarm silent office",
        is_silence=True,
    ),
    "backlog_old": Rule(
        kind=kind(
            _W,
            "Văn bản chờ gửi quá lâu trên kênh.",
            "Documents have waited too long to be sent over a channel.",
            "Mở trang của kênh: xem tốc độ, lỗi, và dự kiến bao giờ xong.",
            "Open the channel's page: pace, faults, and when it will be done.",
        ),
        runbook="GatewayDeliveriesOld",
        is_silence=True,
    ),
    "deadline_near": Rule(
        kind=kind(
            _E,
            "Văn bản sắp hết hạn gửi, trục sẽ thôi không gửi nữa.",
            "Documents will be given up soon.",
            "Mở trang của kênh; sửa nguyên nhân, hoặc gửi bằng đường khác, hoặc gửi lại sau khi hết hạn.",
            "Open the channel's page; mend the cause, send another way, or requeue after they were given up.",
        ),
        runbook="Alarm deadline",
    ),
    "disk_soon": Rule(
        kind=kind(
            _E,
            "Ổ đĩa sắp đầy.",
            "The disk will be full soon.",
            "Tăng dung lượng hoặc lưu trữ; dưới min_free_bytes trục thôi nhận văn bản.",
            "Enlarge the disk or archive; below min_free_bytes nothing is accepted.",
        ),
        runbook="GatewayDiskNearlyFull",
    ),
    "credential_ending": Rule(
        kind=kind(
            _W,
            "Chứng thư hoặc mã truy cập của cơ quan sắp hết hạn hoặc vừa hết hạn.",
            "A certificate or token of an office ends within days, or has just ended.",
            "Gọi cơ quan và cấp cái mới trước ngày hết hạn; từ ngày đó phần mềm của cơ quan bị từ chối.",
            "Call the office and issue its successor before that day; from then on the office's system is refused.",
        ),
        runbook="Alarm credential",
    ),
    "encryption_ending": Rule(
        kind=kind(
            _E,
            "Chứng thư mã hóa của cơ quan sắp hết hạn, vừa hết hạn hoặc bị CA thu hồi.",
            "An office's certificate to encrypt to ends within days, has ended or was revoked by its CA.",
            "Gọi cơ quan xin chứng thư mới: `gateway agencies encryption add`; không dùng nữa thì `… end`.",
            "Call the office for its next one: `gateway agencies encryption add`; `… end` if it wants none.",
        ),
        runbook="Alarm encryption",
    ),
    "watch_failing": Rule(
        kind=kind(
            _E,
            "Trục không tự xem được hết các sự cố: có thể thiếu cảnh báo.",
            "Part of what alarms are about cannot be looked at: alarms may be missing.",
            "Tìm alarm.not_looked trong nhật ký của trục; tự xem trang kênh.",
            "Look for alarm.not_looked in the gateway's log; look at the channels yourself.",
        ),
        runbook="Alarm watch",
    ),
}
#: What the doctor finds, and where the runbook tells of it.
_FOUND: Final[Mapping[str, str]] = {
    "certificate_soon": "GatewayCertificateSoon",
    "certificate_last_days": "GatewayCertificateLastDays",
    "renewal_failing": "GatewayCertificateNotRenewed",
    "disk_low": "GatewayDiskNearlyFull",
    "not_ready": "GatewayRefuses",
    "seal_failing": "GatewaySealFailing",
    "log_refusing": "GatewayLogNotSigned",
    "institution_late": "GatewayInstitutionLate",
    "stamps_late": "GatewayStampsLate",
    "witness_late": "GatewayWitnessLate",
    "log_contradicted": "GatewayLogContradicted",
    "registers_late": "GatewayRegistersLate",
    "archives_late": "GatewayArchiveLate",
    "revocation_late": "GatewayRevocationUnavailable",
    "purge_remains": "GatewayPurgeRemains",
    "wal_large": "GatewayWalGrows",
}
RULES: Final[Mapping[str, Rule]] = MappingProxyType(
    {**_OWN, **{code: Rule(kind=KINDS[code], runbook=place) for code, place in _FOUND.items()}}
)
#: One that a later version has taken away and an old row still names.
_UNKNOWN: Final = Rule(
    kind=kind(_W, "Cảnh báo cũ.", "An old alarm.", "Không cần làm gì.", "Nothing to do."), runbook=""
)


def rule_of(code: str) -> Rule:
    """The rule of a row."""
    return RULES.get(code, _UNKNOWN)
