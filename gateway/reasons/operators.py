"""Reasons of the operators' acts: what they name, backups, alerts by mail."""

from __future__ import annotations

from gateway.reasons.entry import Reason
from gateway.reasons.entry import permanent as _p

OPERATORS: tuple[Reason, ...] = (
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
    _p("task_unknown", 404, "Không có việc nào đang mở mang mã này.", "There is no open task with this id.",
       "Xem danh sách bằng `gateway tasks list`.", "`gateway tasks list` prints their ids.", operators=True),
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
    _p("body_key_unfit", 409, "Không mở được khóa mã hóa nội dung văn bản.",
       "The key that bodies are encrypted with is not here.",
       "Đặt lại tệp [storage] body_key từ nơi giữ bản sao, hoặc sửa token; xem docs/encryption.md.",
       "Put the file [storage] body_key back from its copy, or see to the token: docs/encryption.md.",
       operators=True),
    _p("restore_not_empty", 409, "Thư mục đích không trống.", "The folder to restore into is not empty.",
       "Chuyển thư mục cũ đi nơi khác, đừng xóa: nó có thể còn văn bản mới hơn bản sao lưu.",
       "Move the old folder away, do not delete it: it may hold what is newer than the copy.", operators=True),
    # --- of alerts by mail
    _p("mail_address_refused", 422, "Máy chủ thư từ chối địa chỉ này.", "A mail server refuses this address.",
       "Hỏi cơ quan địa chỉ đúng rồi đặt lại bằng `gateway alerts set`.",
       "Ask the agency for its address and set it with `gateway alerts set`.", operators=True),
    _p("mail_refused", 422, "Máy chủ thư từ chối thư này.", "The mail server refuses this mail.",
       "Xem chi tiết: máy chủ thư có thể coi là thư rác hoặc quá lớn.",
       "See the detail: it may take it for spam, or it is too large.", operators=True),
)  # fmt: skip
