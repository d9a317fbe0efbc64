"""Every rule the validator itself judges by: id, severity, texts, and the exact refusal it stands for.

The parser has a registry of its own (`gateway.edxml.findings`); ids never overlap. Ids are stable for ever:
a rule may be retired, never given another meaning. `schemas/README.md` lists them all with their origin.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.edxml.envelope import Finding, Severity


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One rule; texts may hold `{name}` and other facts of a case."""

    id: str
    severity: Severity
    vi: str
    en: str
    #: The code of `gateway.reasons` a breach is refused with; "" means `edxml_invalid` for an error.
    refusal: str = ""


def _rule(rule_id: str, severity: Severity, vi: str, en: str, refusal: str = "") -> Rule:
    return Rule(id=rule_id, severity=severity, vi=vi, en=en, refusal=refusal)


_E, _W, _I = Severity.ERROR, Severity.WARNING, Severity.INFO

_ALL = (
    # --- the lenient schema: what must be there at all
    _rule("EDX-SCH-01", _E, "Thiếu phần tử bắt buộc {name}.", "The required element {name} is missing."),
    _rule("EDX-SCH-02", _E, "Phần tử bắt buộc {name} đang để trống.", "The required element {name} is empty."),
    _rule("EDX-SCH-03", _E, "Phần tử {name} chỉ được xuất hiện một lần.", "There is more than one {name}."),
    _rule("EDX-SCH-04", _E, "Cấu trúc tại {name} không đọc được.", "The structure at {name} cannot be read."),
    # --- the strict schema: what the widespread writers emit
    _rule("EDX-SCH-11", _W, "Thiếu phần tử {name} mà nhiều hệ thống cần.",
          "The element {name} is missing, which many systems need."),
    _rule("EDX-SCH-12", _W, "Phần tử {name} đang để trống.", "The element {name} is empty."),
    _rule("EDX-SCH-13", _W, "Phần tử {name} xuất hiện nhiều lần; chỉ dùng phần tử đầu tiên.",
          "There is more than one {name}; the first is used."),
    _rule("EDX-SCH-14", _W, "{name} không theo khuôn dạng {expected}.", "{name} is not written as {expected}."),
    _rule("EDX-SCH-15", _W, "{name} dài {length} ký tự; có nơi nhận chỉ lưu được {limit}.",
          "{name} has {length} characters; some receivers store only {limit}."),
    _rule("EDX-SCH-16", _W, "Giá trị của {name} không có trong danh mục: {expected}.",
          "The value of {name} is not one of: {expected}."),
    _rule("EDX-SCH-17", _W, "Giá trị của {name} sai kiểu dữ liệu: cần {expected_vi}.",
          "The value of {name} has the wrong type: {expected_en} is needed."),
    _rule("EDX-SCH-18", _W, "Cấu trúc tại {name} khác thường.", "The structure at {name} is unusual."),
    _rule("EDX-SCH-21", _I, "Thứ tự các phần tử trong {name} khác với thứ tự thường gặp.",
          "The elements in {name} are not in the usual order."),
    _rule("EDX-SCH-22", _I, "Còn {count} điểm khác không liệt kê.", "There are {count} more that are not listed."),
    # --- rules that a schema cannot state
    _rule("EDX-RUL-01", _W, "Ngày ban hành ở tương lai.", "The document's date lies in the future."),
    _rule("EDX-RUL-02", _W, "Đồng hồ bên gửi nhanh hơn một ngày.", "The sender's clock is a day ahead."),
    _rule("EDX-RUL-03", _E, "Từ chối (02) phải có lý do ở Description.",
          "A refusal (02) needs its reason in Description.", "status_reason_missing"),
    _rule("EDX-RUL-04", _E, "Mã trạng thái không có trong danh mục.",
          "The status code is not in the code list.", "status_code_unknown"),
    _rule("EDX-RUL-05", _E, "Trạng thái không cho biết văn bản nào: ResponseFor thiếu cả DocumentId và Code.",
          "The status does not say which document: ResponseFor has neither DocumentId nor Code."),
    _rule("EDX-RUL-06", _W, "Văn bản thu hồi không có ResponseFor.", "The recall has no ResponseFor."),
    _rule("EDX-RUL-07", _W, "Văn bản cập nhật không có Bussiness/DocumentId.",
          "The update has no Bussiness/DocumentId."),
    _rule("EDX-RUL-08", _W, "Văn bản thay thế không có ReplacementInfoList.",
          "The replacement has no ReplacementInfoList."),
    _rule("EDX-RUL-09", _W, "Type không ứng với TypeName; dùng TypeName.",
          "Type does not go with TypeName; TypeName is used."),
    _rule("EDX-RUL-10", _I, "Hạn xử lý là hôm nay hoặc đã qua.", "The due date is today or has passed."),
    _rule("EDX-RUL-11", _E, "Văn bản không có cả DocumentId lẫn CodeNumber.",
          "The document has neither DocumentId nor CodeNumber."),
)  # fmt: skip

#: Parents that go without saying.
_BLOCKS = frozenset(
    {"edXML", "edXMLEnvelope", "edXMLHeader", "MessageHeader", "TraceHeaderList", "edXMLBody", "OtherInfo"}
)

#: id -> rule.
RULES: dict[str, Rule] = {rule.id: rule for rule in _ALL}


def finding(rule_id: str, path: str, **facts: object) -> Finding:
    """A breach of `rule_id` at `path`; `facts` and `{name}`, what people call that element, fill the texts."""
    rule = RULES[rule_id]
    known = {"name": _spoken(path), **facts}
    return Finding(
        rule=rule_id,
        severity=rule.severity,
        path=path,
        vi=rule.vi.format_map(known),
        en=rule.en.format_map(known),
    )


def _spoken(path: str) -> str:
    """`Subject`, but `To[2]/OrganId` where the name alone would not say which one."""
    parent, _, name = path.rpartition("/")
    holder = parent.rpartition("/")[2]
    return f"{holder}/{name}" if holder and holder not in _BLOCKS else name
