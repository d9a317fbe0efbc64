"""The registry of the parser's findings: rule id -> severity and texts. An id is stable for ever.

Texts may hold one `{value}`: what was found, shortened. `schemas/README.md` lists the ids and a test compares.
The rules the validator checks on a parsed message have their own registry beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.edxml.envelope import Finding, Severity

_MAX_VALUE = 80


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadingRule:
    """One thing the parser may notice."""

    id: str
    severity: Severity
    vi: str
    en: str


def _e(rule: str, vi: str, en: str) -> ReadingRule:
    return ReadingRule(id=rule, severity=Severity.ERROR, vi=vi, en=en)


def _w(rule: str, vi: str, en: str) -> ReadingRule:
    return ReadingRule(id=rule, severity=Severity.WARNING, vi=vi, en=en)


def _i(rule: str, vi: str, en: str) -> ReadingRule:
    return ReadingRule(id=rule, severity=Severity.INFO, vi=vi, en=en)


_ALL = (
    # --- the file
    _w("EDX-FILE-01", "Có ký tự thừa trước khai báo XML, đã bỏ qua: {value}",
       "Junk before the XML declaration was skipped: {value}"),
    _w("EDX-FILE-02", "Tệp bắt đầu bằng BOM, đã bỏ qua.",
       "The file begins with a byte order mark, which was skipped."),
    _w("EDX-FILE-03", "Khai báo bảng mã {value} nhưng nội dung là UTF-8.",
       "The declaration says {value} but the content is UTF-8."),
    _i("EDX-FILE-04", "Thông điệp nằm trong phần tử message mã hóa base64, đã mở ra.",
       "The message was inside a base64 message element and was unwrapped."),
    _i("EDX-FILE-05", "Thông điệp là MIME (SOAP kèm tệp), tệp đính kèm nằm trong các phần riêng.",
       "The message is MIME (SOAP with attachments), its attachments are in parts of their own."),
    _w("EDX-FILE-06", "Có dữ liệu sau ranh giới MIME cuối cùng, đã bỏ qua.",
       "What stands behind the closing MIME boundary was passed over."),
    _e("EDX-FILE-07", "Cấu trúc MIME hỏng: {value}", "The MIME structure is broken: {value}"),
    # --- names
    _w("EDX-NS-01", "Không gian tên lạ: {value}", "Unknown namespace: {value}"),
    _w("EDX-NS-02", "Thông điệp không có không gian tên.", "The message has no namespace."),
    _i("EDX-NAME-01", "Viết {value} thay cho Bussiness của quy chuẩn.",
       "Written {value} instead of the regulation's Bussiness."),
    _i("EDX-EXT-01", "Phần tử ngoài quy chuẩn, được giữ nguyên: {value}",
       "Elements beyond the regulation, kept as they are: {value}"),
    # --- who and to whom
    _e("EDX-HDR-01", "Thiếu From/OrganId.", "From/OrganId is missing."),
    _e("EDX-HDR-02", "Không có nơi nhận (To/OrganId).", "There is no recipient (To/OrganId)."),
    _w("EDX-HDR-03", "Nơi nhận không có OrganId, bị bỏ qua: {value}",
       "A recipient without an OrganId was passed over: {value}"),
    _e("EDX-HDR-04", "Phần tử {value} có nhiều hơn một, không biết tin phần tử nào.",
       "There is more than one {value}, so that none can be trusted."),
    _e("EDX-HDR-05", "Quá nhiều nơi nhận: {value}", "There are too many recipients: {value}"),
    _w("EDX-HDR-06", "Nơi nhận ghi hai lần: {value}", "A recipient is named twice: {value}"),
    # --- values
    _w("EDX-DATE-01", "Ngày không đọc được hoặc không tồn tại: {value}",
       "A date cannot be read or does not exist: {value}"),
    _w("EDX-NUM-01", "Không phải số: {value}", "Not a number: {value}"),
    _w("EDX-PRI-01", "Độ khẩn lạ, đọc là 0 (thường): {value}", "Unknown priority, read as 0 (ordinary): {value}"),
    _w("EDX-STE-01", "Loại chỉ đạo lạ, đọc là 0: {value}", "Unknown steering type, read as 0: {value}"),
    # --- what kind of act
    _w("EDX-BUS-01", "Loại nghiệp vụ lạ, đọc là 0 (văn bản mới): {value}",
       "Unknown business type, read as 0 (new): {value}"),
    _w("EDX-BUS-02", "Loại nghiệp vụ {value} đọc là lấy lại.", "Business type {value} is read as a take-back."),
    _i("EDX-BUS-03", "Thiếu Bussiness, đọc là văn bản mới.", "Bussiness is missing; read as a new document."),
    _i("EDX-BUS-04", "Loại nghiệp vụ viết bằng chữ: {value}", "The business type is written in words: {value}"),
    # --- statuses
    _i("EDX-STS-01", "Mã trạng thái {value} không đủ hai chữ số, đã thêm số 0.",
       "Status code {value} was padded to two digits."),
    _w("EDX-STS-02", "Mã trạng thái 14 được đọc là 15.", "Status code 14 is read as 15."),
    _w("EDX-STS-03", "Mã trạng thái không có trong danh mục: {value}",
       "The status code is not in the list: {value}"),
    _w("EDX-STS-04", "ResponseFor đảo OrganId và Code, đã đổi lại.",
       "ResponseFor had OrganId and Code swapped; put right."),
    # --- attachments
    _e("EDX-ATT-01", "Thiếu tệp đính kèm đã khai: {value}", "A declared attachment is missing: {value}"),
    _e("EDX-ATT-02", "Tệp đính kèm hỏng: {value}", "An attachment is damaged: {value}"),
    _e("EDX-ATT-03", "Tệp đính kèm quá lớn: {value}", "An attachment is too large: {value}"),
    _e("EDX-ATT-04", "Tệp nén bất thường (bom nén): {value}", "An abnormal archive (zip bomb): {value}"),
    _e("EDX-ATT-05", "Quá nhiều tệp đính kèm: {value}", "There are too many attachments: {value}"),
    _i("EDX-ATT-06", "Tệp đính kèm không khai trong Manifest: {value}",
       "An attachment is not in the manifest: {value}"),
    _i("EDX-ATT-07", "ContentId không khớp, ghép theo tên hoặc thứ tự: {value}",
       "The ContentId does not match; paired by name or position: {value}"),
    _w("EDX-ATT-08", "Tệp ZIP chứa nhiều tệp, chỉ tệp đầu được dùng: {value}",
       "The ZIP holds several files; only the first is used: {value}"),
    _w("EDX-ATT-09", "ContentTransferEncoded nằm ngoài Attachment, bị bỏ qua.",
       "ContentTransferEncoded outside an Attachment was passed over."),
    _w("EDX-ATT-10", "Tên tệp không an toàn, được đổi khi lưu: {value}",
       "The file name is unsafe and is changed when saved: {value}"),
    _i("EDX-ATT-11", "Tệp đính kèm mã hóa đầu cuối, trục không xem được nội dung: {value}",
       "The attachment is encrypted end to end; the gateway cannot see what it holds: {value}"),
    _w("EDX-ATT-12", "Tệp đính kèm mã hóa đầu cuối nhưng không đọc được là mã hóa cho ai: {value}",
       "The attachment is encrypted end to end, but for whom cannot be read: {value}"),
    # --- signatures
    _i("EDX-SIG-01", "Khối Signature của QCVN không kiểm chứng được, chỉ là hình thức.",
       "The Signature block in the regulation's namespace is unverifiable decoration."),
    _i("EDX-SIG-02", "Có chữ ký XML; bước đọc không kiểm tra.",
       "There is an XML signature; reading does not verify it."),
)  # fmt: skip

#: Rule id -> rule.
READING_RULES: dict[str, ReadingRule] = {rule.id: rule for rule in _ALL}


def shortened(value: str) -> str:
    """One line of at most 80 characters."""
    line = " ".join(value.split())
    return line if len(line) <= _MAX_VALUE else line[: _MAX_VALUE - 1] + "…"


def finding(rule: str, path: str = "", value: str = "") -> Finding:
    """A finding of a registered rule; an unregistered one is a programming error."""
    entry = READING_RULES[rule]
    shown = shortened(value)
    return Finding(
        rule=rule,
        severity=entry.severity,
        path=path,
        vi=entry.vi.replace("{value}", shown),
        en=entry.en.replace("{value}", shown),
    )
