"""The closed list of reason codes: what went wrong, in words for agencies, and what to do next.

A code is stable for ever. `Lasting.TEMPORARY` means that the same act may succeed later without anybody
changing anything. `http` is the status REST answers with. Texts hold no fact of a case: the case goes into
`detail`. `docs/reasons.md` is generated from this list.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Lasting(StrEnum):
    """Whether trying again can help."""

    TEMPORARY = "temporary"
    PERMANENT = "permanent"


@dataclass(frozen=True, kw_only=True, slots=True)
class Reason:
    """One entry of the list."""

    code: str
    lasting: Lasting
    http: int
    #: What happened, for the peer: Vietnamese, English.
    vi: str
    en: str
    #: What to do next: Vietnamese, English.
    next_vi: str
    next_en: str
    #: The next step is an operator's, at the command line; else it is the peer's.
    operators: bool = False


def _p(code: str, http: int, vi: str, en: str, next_vi: str, next_en: str, *, operators: bool = False) -> Reason:
    return Reason(code=code, lasting=Lasting.PERMANENT, http=http, vi=vi, en=en, next_vi=next_vi, next_en=next_en,
                  operators=operators)  # fmt: skip


def _t(code: str, http: int, vi: str, en: str, next_vi: str, next_en: str) -> Reason:
    return Reason(code=code, lasting=Lasting.TEMPORARY, http=http, vi=vi, en=en, next_vi=next_vi, next_en=next_en)


_FIX_FILE = ("Sửa tệp rồi gửi lại.", "Mend the file and send it again.")
_LATER = ("Thử lại sau thời gian ghi ở Retry-After.", "Try again after the time in Retry-After.")
_OPERATOR = ("Liên hệ người vận hành trục.", "Ask the gateway's operator.")

_ALL = (
    # --- of the request itself
    _p("request_malformed", 400, "Yêu cầu sai cú pháp.", "The request is malformed.",
       "Đối chiếu với tài liệu OpenAPI.", "Compare it with the OpenAPI document."),
    _p("parameter_invalid", 422, "Tham số không hợp lệ.", "A parameter is invalid.",
       "Sửa tham số nêu trong detail.", "Correct the parameter named in detail."),
    _p("media_type_unsupported", 415, "Không nhận kiểu nội dung này.", "This content type is not taken.",
       "Dùng application/xml hoặc multipart/form-data.", "Use application/xml or multipart/form-data."),
    _p("not_found", 404, "Không tìm thấy.", "There is no such thing here.",
       "Kiểm tra mã trong đường dẫn.", "Check the id in the path."),
    _p("method_not_allowed", 405, "Không dùng được phương thức này.", "This method is not allowed here.",
       "Xem tài liệu OpenAPI.", "See the OpenAPI document."),
    _p("range_not_satisfiable", 416, "Khoảng byte yêu cầu nằm ngoài tệp.",
       "The requested range lies outside the file.", "Tải lại từ đầu, không có Range.",
       "Fetch it again without Range."),
    _p("body_too_large", 413, "Nội dung vượt quá giới hạn.", "The body is over the limit.",
       "Xem giới hạn ở /api/v1/limits, chia nhỏ hoặc nén tệp.", "See /api/v1/limits; split or compress."),
    _t("body_cut_off", 400, "Nội dung bị đứt giữa chừng.", "The body ended early.",
       "Gửi lại với cùng Idempotency-Key.", "Send it again with the same Idempotency-Key."),
    _t("body_too_slow", 408, "Gửi nội dung quá chậm.", "The body came too slowly.",
       "Kiểm tra đường truyền rồi gửi lại.", "Check the line and send it again."),
    _t("upload_offset_mismatch", 409, "Vị trí gửi tiếp không đúng.", "The upload does not stand at this offset.",
       "Hỏi vị trí bằng HEAD rồi gửi tiếp từ đó.", "Ask for the offset with HEAD and go on from there."),
    _t("upload_in_use", 423, "Lượt gửi này đang được dùng.", "The upload is being used by another request.",
       "Đợi yêu cầu kia xong rồi thử lại.", "Wait for the other request, then try again."),
    _t("upload_incomplete", 409, "Lượt gửi chưa đủ byte.", "The upload is not whole yet.",
       "Gửi tiếp phần còn lại.", "Send the rest of it."),
    _t("uploads_too_many", 429, "Quá nhiều lượt gửi chưa xong.", "Too many uploads are open.",
       "Hoàn tất hoặc hủy (DELETE) lượt gửi cũ.", "Finish or DELETE older ones."),
    _p("tus_version_unsupported", 412, "Không hỗ trợ phiên bản tus này.", "This version of tus is not supported.",
       "Dùng Tus-Resumable: 1.0.0.", "Use Tus-Resumable: 1.0.0."),
    _p("digest_mismatch", 422, "Mã băm không khớp nội dung.", "The digest does not match the body.",
       "Tính lại SHA-256 trên đúng các byte gửi đi.", "Compute SHA-256 over the exact bytes sent."),
    _p("idempotency_key_reused", 422, "Idempotency-Key đã dùng cho nội dung khác.",
       "This Idempotency-Key was used with another body.", "Dùng khóa mới cho văn bản mới.",
       "Use a new key for a new document."),
    _t("idempotency_key_in_use", 409, "Yêu cầu cùng Idempotency-Key đang được xử lý.",
       "A request with this Idempotency-Key is being handled.", *_LATER),
    _p("idempotency_key_invalid", 400, "Idempotency-Key không hợp lệ.", "The Idempotency-Key is invalid.",
       "Dùng 1 đến 255 ký tự ASCII in được.", "Use 1 to 255 printable ASCII characters."),
    # --- who asks
    _p("credential_missing", 401, "Thiếu thông tin xác thực.", "No credential was given.",
       "Gửi chứng thư máy khách hoặc Authorization: Bearer.", "Use a client certificate or a bearer token."),
    _p("credential_invalid", 401, "Thông tin xác thực không đúng.", "The credential is not valid.",
       "Kiểm tra token hoặc chứng thư, đăng ký lại nếu cần.", "Check token or certificate; enrol again."),
    _p("credential_revoked", 401, "Thông tin xác thực đã bị thu hồi.", "The credential was revoked.",
       *_OPERATOR),
    _p("credential_expired", 401, "Thông tin xác thực đã hết hạn.", "The credential has expired.",
       "Gia hạn chứng thư hoặc xin token mới.", "Renew the certificate or ask for a new token."),
    _p("address_not_allowed", 403, "Địa chỉ mạng này không được phép.", "This source address is not allowed.",
       *_OPERATOR),
    _p("not_permitted", 403, "Không có quyền làm việc này.", "This is not permitted to you.", *_OPERATOR),
    _p("sender_not_permitted", 403, "Hệ thống không được phép gửi thay cơ quan này.",
       "This system may not speak for the sending agency.",
       "Kiểm tra From/OrganId hoặc đăng ký đại diện.", "Check From/OrganId or register a representation."),
    _p("enrolment_code_invalid", 403, "Mã đăng ký sai, đã dùng hoặc hết hạn.",
       "The enrolment code is wrong, used or expired.", "Xin mã mới.", "Ask for a new code."),
    _p("signing_request_invalid", 422, "Yêu cầu cấp chứng thư (CSR) không hợp lệ.",
       "The certificate signing request is invalid.", "Tạo CSR RSA ≥ 2048 hoặc P-256.",
       "Make a CSR with RSA of 2048 bits or more, or P-256."),
    _t("rate_limited", 429, "Gửi quá nhanh.", "Too many requests.", *_LATER),
    _t("quota_exceeded", 429, "Vượt hạn mức của cơ quan (byte × nơi nhận).",
       "The agency's quota (bytes × recipients) is used up.", *_LATER),
    # --- the XML
    _p("xml_not_wellformed", 422, "Tệp không phải XML đúng cú pháp.", "The file is not well-formed XML.",
       *_FIX_FILE),
    _p("xml_encoding_invalid", 422, "Sai bảng mã ký tự.", "The character encoding is wrong.",
       "Lưu tệp bằng UTF-8.", "Save the file as UTF-8."),
    _p("xml_forbidden_construct", 422, "XML có DTD hoặc thực thể, không được nhận.",
       "The XML holds a DTD or entities, which are not taken.", "Bỏ DOCTYPE khỏi tệp.",
       "Remove the DOCTYPE."),
    _p("xml_limits_exceeded", 422, "XML quá sâu hoặc phần đầu quá lớn.",
       "The XML is too deep or its header too large.", *_FIX_FILE),
    _p("parser_failed", 422, "Không đọc được tệp trong giới hạn bộ nhớ và thời gian.",
       "The file could not be read within the limits of memory and time.", *_FIX_FILE),
    _p("not_edxml", 422, "Tệp XML không phải edXML.", "The XML is not edXML.",
       "Đối chiếu với schemas/README.md.", "Compare it with schemas/README.md."),
    _p("edxml_invalid", 422, "edXML thiếu hoặc sai thành phần bắt buộc.",
       "The edXML lacks something required, or has it wrong.", "Xem findings.", "See findings."),
    _p("sender_missing", 422, "Thiếu From/OrganId.", "From/OrganId is missing.", *_FIX_FILE),
    _p("recipients_missing", 422, "Không có nơi nhận (To).", "There is no recipient (To).", *_FIX_FILE),
    _p("recipients_too_many", 422, "Quá nhiều nơi nhận.", "There are too many recipients.",
       "Chia thành nhiều lần gửi.", "Split the submission."),
    _p("attachment_missing", 422, "Thiếu tệp đính kèm đã khai trong Manifest.",
       "An attachment named in the manifest is missing.", *_FIX_FILE),
    _p("attachment_invalid", 422, "Tệp đính kèm hỏng hoặc bị cắt.",
       "An attachment is damaged or cut off.", *_FIX_FILE),
    _p("attachment_too_large", 422, "Tệp đính kèm quá lớn khi giải nén.",
       "An attachment is too large when unpacked.", *_FIX_FILE),
    _p("attachments_too_many", 422, "Quá nhiều tệp đính kèm.", "There are too many attachments.",
       "Gộp hoặc chia thành nhiều lần gửi.", "Merge them or split the submission."),
    _p("attachment_bomb", 422, "Tệp nén có tỷ lệ nén bất thường.",
       "An archive has an abnormal compression ratio.", *_FIX_FILE),
    # --- the addressees
    _p("sender_unknown", 422, "Không biết cơ quan gửi.", "The sending agency is unknown.", *_OPERATOR),
    _p("recipient_unknown", 422, "Không biết nơi nhận.", "A recipient is unknown.",
       "Tra mã ở /api/v1/agencies.", "Look the code up at /api/v1/agencies."),
    _p("recipient_closed", 422, "Nơi nhận đã ngừng hoạt động.", "A recipient was closed.",
       "Gửi tới cơ quan kế thừa nêu trong detail.", "Send to the successor named in detail."),
    _p("sender_closed", 422, "Cơ quan gửi đã ngừng hoạt động.", "The sending agency was closed.",
       "Gửi bằng mã của cơ quan kế thừa.", "Send under the successor's code."),
    _p("recipient_unreachable", 422, "Nơi nhận chưa có đường kết nối.", "A recipient has no channel.",
       *_OPERATOR),
    _p("nothing_to_deliver", 422, "Không còn nơi nhận nào trên đường này.",
       "No recipient is left on this way.", *_OPERATOR),
    _p("sandbox_crossing", 422, "Văn bản thử nghiệm không được gửi cho cơ quan thật.",
       "Test traffic may not reach a production agency.", "Chọn cơ quan thử nghiệm.",
       "Choose a test agency."),
    _p("sender_served_elsewhere", 409, "Cơ quan gửi còn dùng hệ thống cũ, chưa chuyển sang trục này.",
       "The sending agency is still served by the system before this gateway.",
       "Gửi bằng hệ thống cũ cho đến ngày chuyển đổi.", "Send by the old system until its cut-over."),
    _p("recipient_served_elsewhere", 409, "Nơi nhận còn dùng hệ thống cũ, chưa chuyển sang trục này.",
       "A recipient is still served by the system before this gateway.",
       "Gửi cho nơi này bằng hệ thống cũ cho đến ngày chuyển đổi.",
       "Send to it by the old system until its cut-over."),
    # --- of a peer's list that we look at
    _p("source_misconfigured", 500, "Cấu hình nguồn (source) của kênh này sai.",
       "The settings of this channel's source are wrong.",
       "Sửa theo chi tiết bằng `gateway agencies endpoint set`.",
       "Correct what the detail names with `gateway agencies endpoint set`.", operators=True),
    # --- statuses
    _p("file_name_invalid", 422, "Tên tệp không theo quy ước.", "The name of the file does not follow the rule.",
       "Đặt lại tên theo mẫu nêu trong chi tiết.", "Name it as the details say."),
    _p("file_kind_unknown", 415, "Loại tệp này không gửi riêng được.", "A file of this kind is not sent by itself.",
       "Gửi tệp edXML, PDF đặt tên theo mẫu, hoặc JSON mô tả kèm các tệp.",
       "Send edXML, a PDF named by the rule, or a JSON file that describes its files."),
    _p("file_missing", 422, "Thiếu tệp mà tệp mô tả nêu tên.", "A file that the description names is missing.",
       "Đặt tệp mô tả và mọi tệp nó nêu tên vào cùng thư mục.",
       "Put the description and all files that it names into the folder."),
    _p("file_unsafe", 422, "Đây là liên kết, thư mục hoặc tệp đặc biệt, không phải tệp thường.",
       "This is a link, a folder or a special file, not a plain file.",
       "Chép chính tệp đó vào, không dùng liên kết hay thư mục.",
       "Copy the file itself there, not a link or a folder."),
    _p("status_code_unknown", 422, "Mã trạng thái không có trong danh mục.", "The status code is unknown.",
       "Dùng 01–06, 13, 15 hoặc 16.", "Use 01–06, 13, 15 or 16."),
    _p("status_reason_missing", 422, "Từ chối (02) phải có lý do.", "A refusal (02) needs a reason.",
       "Điền Description.", "Fill in Description."),
    _p("reporter_not_recipient", 422, "Cơ quan báo trạng thái không phải nơi nhận.",
       "The reporting agency is not a recipient.", "Kiểm tra mã và văn bản.", "Check code and document."),
    _p("status_document_unknown", 404, "Không tìm thấy văn bản của trạng thái này.",
       "The document of this status was not found.", "Kiểm tra ResponseFor.", "Check ResponseFor."),
    _p("status_ambiguous", 409, "Trạng thái khớp với nhiều văn bản.", "The status matches several documents.",
       *_OPERATOR),
    _p("status_backwards", 409, "Trạng thái đi lùi so với trạng thái hiện tại.",
       "The status goes backwards.", "Đã ghi lịch sử, không đổi trạng thái.",
       "It was kept in the history; the state did not change."),
    _p("status_after_withdrawal", 409, "Bên nhận báo trạng thái cho văn bản đã rút trước khi rời trục.",
       "The receiver reports on a document that was withdrawn before it left.",
       "Hỏi bên nhận; nếu họ đã có văn bản, gửi yêu cầu lấy lại (13) hoặc thu hồi.",
       "Ask the receiver; if it has the document, send a take-back (13) or a recall."),
    _p("status_without_request", 409, "Không có yêu cầu lấy lại/thu hồi nào đang chờ trả lời.",
       "There is no open request to answer.", *_OPERATOR),
    # --- acts on the ledger
    _p("state_forbids", 409, "Trạng thái hiện tại không cho phép thao tác này.",
       "The present state does not allow this.", "Xem lịch sử văn bản.", "See the document's timeline."),
    _p("already_left", 409, "Văn bản đã rời trục, không rút được nữa.",
       "The document has left and can no longer be withdrawn.",
       "Gửi yêu cầu lấy lại (13) hoặc thu hồi.", "Send a take-back (13) or a recall."),
    _t("item_leased", 409, "Một trình đọc khác đang giữ mục này.", "Another reader holds this item.", *_LATER),
    _p("item_not_fetched", 409, "Chưa tải nội dung nên chưa xác nhận được.",
       "The content was not fetched, so it cannot be acknowledged.", "GET content trước.",
       "GET the content first."),
    # --- what operators name
    _p("delivery_unknown", 404, "Không có lượt gửi nào mang mã này.", "There is no delivery with this id.",
       "Xem mã lượt gửi bằng `gateway show VĂN-BẢN`, hoặc chọn bằng --document, --recipient, --state.",
       "`gateway show DOCUMENT` prints the ids of deliveries; or choose by --document, --recipient, --state.",
       operators=True),
    _p("document_unknown", 404, "Không tìm thấy văn bản này trong sổ.", "The ledger knows no such document.",
       "Dùng mã văn bản (hoặc phần đầu của mã), DocumentId, số/ký hiệu hoặc SHA-256 của tệp.",
       "Give its id (or the beginning of it), its DocumentId, number/notation, or the SHA-256 of its bytes.",
       operators=True),
    _p("parked_status_unknown", 404, "Không có trạng thái chưa gắn nào mang mã này.",
       "There is no parked status with this id.", "Xem danh sách bằng `gateway statuses parked --all`.",
       "`gateway statuses parked --all` prints their ids.", operators=True),
    _p("channel_unknown", 404, "Không có kênh kết nối nào mang tên này.", "There is no channel of this name.",
       "Xem tên các kênh bằng `gateway agencies endpoint list`.",
       "`gateway agencies endpoint list` prints the names of all channels.", operators=True),
    _p("agency_unknown", 404, "Danh bạ không có cơ quan nào mang mã này.", "No agency has this code.",
       "Tìm mã bằng `gateway agencies list TỪ-KHÓA` (không cần dấu).",
       "`gateway agencies list WORDS` finds codes by name, without diacritics.", operators=True),
    # --- of backups
    _p("backup_running", 409, "Một lần sao lưu khác đang chạy.", "Another backup is running.",
       "Chờ nó xong.", "Wait until it has ended.", operators=True),
    _p("copy_unknown", 404, "Không có bản sao lưu này.", "There is no such copy.",
       "`gateway backup --list` liệt kê các bản sao lưu.", "`gateway backup --list` lists the copies.",
       operators=True),
    _p("copy_damaged", 409, "Bản sao lưu hỏng.", "The copy is damaged.",
       "Dùng bản trước đó, và tìm nguyên nhân ở ổ đĩa sao lưu.",
       "Use the one before it, and look for the cause at the backup's disk.", operators=True),
    _p("copy_incomplete", 409, "Bản sao lưu thiếu tệp văn bản.", "Bodies are missing from the copy.",
       "Tìm ở bản sao khác; hoặc chấp nhận thiếu bằng --accept-missing.",
       "Look in other backup folders, or take it as it is with --accept-missing.", operators=True),
    _p("copy_key_wrong", 409, "Khóa không phải của bản sao lưu này.", "The key is not the copy's.",
       "Dùng tệp khóa có mã nêu trong chi tiết.", "Use the key file with the id named above.", operators=True),
    _p("restore_not_empty", 409, "Thư mục đích không trống.", "The folder to restore into is not empty.",
       "Chuyển thư mục cũ đi nơi khác, đừng xóa: nó có thể còn văn bản mới hơn bản sao lưu.",
       "Move the old folder away, do not delete it: it may hold what is newer than the copy.", operators=True),
    # --- our own troubles
    _t("server_busy", 503, "Hệ thống đang bận.", "The gateway is busy.", *_LATER),
    _t("server_stopping", 503, "Hệ thống đang khởi động lại.", "The gateway is restarting.", *_LATER),
    _t("disk_nearly_full", 503, "Ổ đĩa gần đầy nên chưa nhận văn bản mới.",
       "The disk is nearly full, so nothing new is taken.", *_LATER),
    _t("storage_unavailable", 503, "Kho lưu trữ tạm thời không ghi được.",
       "The store cannot be written for now.", *_LATER),
    _t("body_damaged", 503, "Tệp nội dung của văn bản bị hỏng hoặc mất nên không giao cho ai.",
       "The stored bytes of this message are damaged or lost, so nobody is given them.",
       "Người vận hành khôi phục tệp; hoặc bên gửi gửi lại đúng tệp cũ.",
       "An operator restores them, or the sender sends the very same file again."),
    _p("ledger_damaged", 409, "Sổ của văn bản này bị hỏng nên chưa giao.",
       "The ledger's rows of this message are damaged, so it is not handed on.",
       "Người vận hành chạy `gateway fsck` và khôi phục.", "An operator runs `gateway fsck` and restores them."),
    _t("seal_unavailable", 503, "Chưa ký được biên nhận.", "A receipt could not be sealed.", *_LATER),
    _t("internal_error", 500, "Lỗi nội bộ, đã ghi nhận.", "An internal error, which was recorded.", *_OPERATOR),
    # --- of deliveries
    _t("connect_failed", 502, "Không kết nối được tới nơi nhận.", "The receiver could not be reached.",
       "Hệ thống tự thử lại.", "The gateway tries again by itself."),
    _t("connection_lost", 502, "Kết nối đứt khi đang gửi.", "The connection broke while sending.",
       "Hệ thống tự thử lại.", "The gateway tries again by itself."),
    _t("peer_timeout", 504, "Nơi nhận không trả lời kịp.", "The receiver did not answer in time.",
       "Hệ thống tự thử lại.", "The gateway tries again by itself."),
    _t("peer_busy", 503, "Nơi nhận đang bận.", "The receiver is busy.",
       "Hệ thống tự thử lại.", "The gateway tries again by itself."),
    _t("peer_error", 502, "Nơi nhận báo lỗi.", "The receiver reported an error.",
       "Hệ thống tự thử lại.", "The gateway tries again by itself."),
    _t("peer_reply_invalid", 502, "Nơi nhận trả lời không đúng khuôn dạng.",
       "The receiver's answer made no sense.", "Hệ thống tự thử lại.", "The gateway tries again by itself."),
    _t("peer_tls_failed", 502, "Không bắt tay TLS được với nơi nhận.", "TLS with the receiver failed.",
       "Kiểm tra chứng thư hai bên.", "Check the certificates of both sides."),
    _t("folder_unprepared", 502, "Thư mục của đơn vị không có dấu hiệu nhận biết hoặc thiếu thư mục con.",
       "The office's folder lacks its marker or one of its folders.",
       "Kiểm tra ổ chia sẻ đã gắn chưa; xem docs/connect-folder.vi.md.",
       "See whether the share is mounted; see docs/connect-folder.md."),
    _t("folder_forbidden", 502, "Không được phép đọc hoặc ghi thư mục của đơn vị.",
       "The office's folder may not be read or written.",
       "Cấp quyền đọc, ghi thư mục cho người dùng của trục.",
       "Let the gateway's user read and write the folder."),
    _t("folder_full", 502, "Ổ đĩa của đơn vị đã đầy.", "The office's disk is full.",
       "Giải phóng chỗ trên ổ đĩa.", "Free some room on it."),
    _t("file_changing", 409, "Tệp đang được ghi hoặc vừa thay đổi.",
       "The file is being written or has just changed.",
       "Không cần làm gì: trục sẽ đọc lại.", "Nothing: it is read again."),
    _t("host_key_wrong", 502, "Khóa của máy chủ SFTP không đúng khóa đã ghim.",
       "The SFTP server's key is not the pinned one.",
       "Hỏi quản trị máy chủ; chỉ sửa known_hosts_file khi đã xác minh.",
       "Ask the server's administrator; change known_hosts_file only when that is verified."),
    _t("peer_credential_rejected", 502, "Nơi nhận không chấp nhận thông tin xác thực của trục.",
       "The receiver rejects the gateway's credential.", "Cấp lại khóa cho nơi nhận.",
       "Renew the receiver's secret."),
    _p("peer_refused", 422, "Nơi nhận từ chối văn bản.", "The receiver refuses the message.",
       "Xem chi tiết của lần gửi, sửa rồi gửi lại.", "See the attempt's detail, mend and send again."),
    _p("too_large_for_peer", 422, "Văn bản lớn hơn mức nơi nhận chịu được.",
       "The message is larger than the receiver can take.", "Gửi bằng kênh khác.", "Use another channel."),
    _t("rendition_failed", 500, "Chưa lập được bản chuyển đổi cho nơi nhận.",
       "The copy in the receiver's dialect could not be made.", *_OPERATOR),
    _t("outcome_unknown", 502, "Không rõ nơi nhận đã nhận hay chưa.", "The outcome is unknown.",
       "Hệ thống gửi lại với cùng mã để nơi nhận loại trùng.",
       "The gateway sends again with the same id, so that the receiver can dedupe."),
    _p("gave_up", 504, "Đã quá thời hạn mà chưa chuyển được.", "The time allowed for delivery has passed.",
       "Người vận hành kiểm tra rồi cho gửi lại.", "An operator checks and requeues it."),
    _p("held_by_operator", 409, "Người vận hành đang giữ lại.", "An operator holds it.", *_OPERATOR),
    _p("held_after_restore", 409, "Giữ lại sau khi khôi phục từ bản sao lưu: không rõ đã chuyển hay chưa.",
       "Held after a restore from a backup: whether it went out is unknown.", *_OPERATOR),
    _p("confirmed_by_operator", 409, "Người vận hành đã hỏi nơi nhận và xác nhận văn bản đã tới.",
       "An operator asked the receiver and recorded that it had arrived.",
       "Không cần làm gì.", "Nothing is to be done."),
    _p("withdrawn_by_sender", 409, "Bên gửi đã rút trước khi văn bản rời trục.",
       "The sender withdrew it before it left.", "Không cần làm gì.", "Nothing is to be done."),
    _p("recalled_before_leaving", 409, "Bản gốc chưa rời trục nên đã rút ngay tại trục.",
       "The original had not left, so it was withdrawn here.", "Không cần làm gì.", "Nothing is to be done."),
    _p("poison", 500, "Văn bản này nhiều lần làm dừng hệ thống.", "This message was in flight at several crashes.",
       "Người vận hành kiểm tra.", "An operator examines it."),
)  # fmt: skip

#: code -> reason.
REASONS: dict[str, Reason] = {reason.code: reason for reason in _ALL}


def reason(code: str) -> Reason:
    """The entry for `code`; an unknown code is a programming error."""
    return REASONS[code]


def is_temporary(code: str) -> bool:
    """Whether trying again can help."""
    return REASONS[code].lasting is Lasting.TEMPORARY
