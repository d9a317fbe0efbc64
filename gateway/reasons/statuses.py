"""Reasons of statuses, of acknowledgements and of what receivers sign."""

from __future__ import annotations

from gateway.reasons.entry import LATER, OPERATOR, Reason
from gateway.reasons.entry import permanent as _p
from gateway.reasons.entry import temporary as _t

STATUSES: tuple[Reason, ...] = (
    # --- statuses
    _p("status_code_unknown", 422, "Mã trạng thái không có trong danh mục.", "The status code is unknown.",
       "Dùng 01–06, 13, 15 hoặc 16.", "Use 01–06, 13, 15 or 16."),
    _p("status_reason_missing", 422, "Từ chối (02) phải có lý do.", "A refusal (02) needs a reason.",
       "Điền Description.", "Fill in Description."),
    _p("reporter_not_recipient", 422, "Cơ quan báo trạng thái không phải nơi nhận.",
       "The reporting agency is not a recipient.", "Kiểm tra mã và văn bản.", "Check code and document."),
    _p("reporter_not_authorised", 422, "Cơ quan báo trạng thái không được báo thay nơi nhận.",
       "The reporting agency does not speak for this recipient.",
       "Đề nghị nơi nhận tự báo; nếu họ giao cho cơ quan kia thì ghi đại diện trong danh bạ rồi gắn lại.",
       "Ask the recipient to report itself; if the other speaks for it, enter that in the directory, then match."),
    _p("status_document_unknown", 404, "Không tìm thấy văn bản của trạng thái này.",
       "The document of this status was not found.", "Kiểm tra ResponseFor.", "Check ResponseFor."),
    _p("status_ambiguous", 409, "Trạng thái khớp với nhiều văn bản.", "The status matches several documents.",
       *OPERATOR),
    _p("status_backwards", 409, "Trạng thái đi lùi so với trạng thái hiện tại.",
       "The status goes backwards.", "Đã ghi lịch sử, không đổi trạng thái.",
       "It was kept in the history; the state did not change."),
    _p("status_after_withdrawal", 409, "Bên nhận báo trạng thái cho văn bản đã rút trước khi rời trục.",
       "The receiver reports on a document that was withdrawn before it left.",
       "Hỏi bên nhận; nếu họ đã có văn bản, gửi yêu cầu lấy lại (13) hoặc thu hồi.",
       "Ask the receiver; if it has the document, send a take-back (13) or a recall."),
    _p("status_without_request", 409, "Không có yêu cầu lấy lại/thu hồi nào đang chờ trả lời.",
       "There is no open request to answer.", *OPERATOR),
    # --- acts on the ledger
    _p("state_forbids", 409, "Trạng thái hiện tại không cho phép thao tác này.",
       "The present state does not allow this.", "Xem lịch sử văn bản.", "See the document's timeline."),
    _p("already_left", 409, "Văn bản đã rời trục, không rút được nữa.",
       "The document has left and can no longer be withdrawn.",
       "Gửi yêu cầu lấy lại (13) hoặc thu hồi.", "Send a take-back (13) or a recall."),
    _t("item_leased", 409, "Một trình đọc khác đang giữ mục này.", "Another reader holds this item.", *LATER),
    _p("item_not_fetched", 409, "Chưa tải nội dung nên chưa xác nhận được.",
       "The content was not fetched, so it cannot be acknowledged.", "GET content trước.",
       "GET the content first."),
    # --- what receivers sign
    _p("receiver_signature_wrong", 422, "Chữ ký của nơi nhận trên yêu cầu này không đúng.",
       "The receiver's signature on this request is not right.",
       "Xem detail và docs/receivers.md: chữ ký phải mới, phủ đúng các thành phần, đúng lượt gửi và văn bản.",
       "See detail and docs/receivers.md: it must be new and cover what it should, this delivery and these bytes."),
    _p("receiver_key_unknown", 422, "Khóa ký này không phải của cơ quan, hoặc đã hết hiệu lực.",
       "The key is not one of the office, or does not count any more.",
       "Gửi khóa công khai cho người vận hành: `gateway agencies keys add`.",
       "Give the public key to the operator: `gateway agencies keys add`."),
    _p("receiver_signature_required", 422, "Cơ quan này phải ký khi xác nhận hoặc gửi trạng thái.",
       "This office must sign its acknowledgements and statuses.",
       "Ký yêu cầu theo docs/receivers.md rồi gửi lại.",
       "Sign the request as docs/receivers.md says, and send it again."),
)  # fmt: skip
