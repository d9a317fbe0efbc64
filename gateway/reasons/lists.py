"""Reasons of what a peer lists: its offers and its catalogue of agencies."""

from __future__ import annotations

from gateway.reasons.entry import Reason
from gateway.reasons.entry import permanent as _p
from gateway.reasons.entry import temporary as _t

LISTS: tuple[Reason, ...] = (
    # --- of a peer's list that we look at
    _p("source_misconfigured", 500, "Cấu hình nguồn (source) của kênh này sai.",
       "The settings of this channel's source are wrong.",
       "Sửa theo chi tiết bằng `gateway agencies endpoint set`.",
       "Correct what the detail names with `gateway agencies endpoint set`.", operators=True),
    # --- of a peer's catalogue of agencies
    _p("catalogue_code_invalid", 422, "Danh mục có mã định danh không hợp lệ; mục này bị bỏ qua.",
       "The catalogue has a code that cannot be one; the entry is left out.",
       "Báo cho bên quản lý danh mục.", "Tell whoever keeps the catalogue.", operators=True),
    _p("catalogue_name_invalid", 422, "Tên trong danh mục trống, quá dài hoặc có ký tự điều khiển; bỏ qua mục này.",
       "A name in the catalogue is empty, too long or has control characters; the entry is left out.",
       "Báo cho bên quản lý danh mục.", "Tell whoever keeps the catalogue.", operators=True),
    _p("catalogue_id_twice", 422, "Hai cơ quan trong danh mục có cùng id; mục sau bị bỏ qua.",
       "Two agencies of the catalogue have the same id; the later one is left out.",
       "Báo cho bên quản lý danh mục.", "Tell whoever keeps the catalogue.", operators=True),
    _p("catalogue_code_twice", 422, "Một mã đứng ở hai cơ quan trong cùng danh sách; mục sau bị bỏ qua.",
       "A code stands at two agencies of one list; the later one is left out.",
       "Báo cho bên quản lý danh mục.", "Tell whoever keeps the catalogue.", operators=True),
    _p("catalogue_circle", 422, "Cơ quan nằm trên chính nó hoặc quá sâu trong danh mục; nhận mà không có cấp trên.",
       "An agency is above itself in the catalogue, or far too deep; it is taken with nobody above it.",
       "Báo cho bên quản lý danh mục.", "Tell whoever keeps the catalogue.", operators=True),
    _p("catalogue_code_kept", 409, "Danh mục gán mã của một cơ quan do ta quản lý cho cơ quan khác; không nhận.",
       "The catalogue gives a code of an agency that is kept here to another one; it is not taken.",
       "Kiểm tra hai cơ quan bằng `gateway agencies show`; báo cho bên quản lý danh mục.",
       "Look at both with `gateway agencies show`, and tell whoever keeps the catalogue.", operators=True),
    _p("catalogue_code_elsewhere", 409, "Mã này đang thuộc cơ quan khác còn hoạt động; không chuyển mã.",
       "Another agency that exists has this code; the code is not moved.",
       "Nếu cơ quan kia đã giải thể thì đóng nó bằng `gateway agencies close`.",
       "If that agency no longer exists, close it with `gateway agencies close`.", operators=True),
    _p("catalogue_differs", 409, "Danh mục ghi tên hoặc mã khác cho một cơ quan do ta quản lý; giữ như đang có.",
       "The catalogue has another name or a further code for an agency that is kept here; ours stays.",
       "Nếu danh mục đúng, sửa bằng `gateway agencies import`.",
       "If the catalogue is right, correct it with `gateway agencies import`.", operators=True),
    _t("catalogue_disturbed", 409, "Có người vừa sửa danh bạ trong lúc đồng bộ.",
       "Somebody changed an agency while the catalogue was being taken in.",
       "Chạy lại `gateway agencies sync`; phần đã ghi vẫn đúng.",
       "Run `gateway agencies sync` again; what was written stays."),
    _p("offer_unknown", 404, "Không có mục nào mang mã này trong danh sách của kênh.",
       "There is no entry with this id in a peer's list.",
       "Xem danh sách bằng `gateway offers list`.", "`gateway offers list` prints their ids.", operators=True),
    _p("entry_unreadable", 422, "Mục trong danh sách không đọc được, không có mã để tải về.",
       "The entry of the list cannot be read: it has no id by which it could be fetched.",
       "Báo cho bên quản lý kênh; khi đã rõ, kết thúc bằng `gateway offers done`.",
       "Tell whoever runs the peer; end it with `gateway offers done` once it is cleared up.", operators=True),
    _p("still_listed", 409, "Bên kia đã nhận trả lời nhưng vẫn để mục này trong danh sách.",
       "The peer was told of the entry, and goes on listing it.",
       "Báo cho bên quản lý kênh; cổng tự nhắc lại, tài liệu không mất.",
       "Tell whoever runs the peer; it is told again by itself, and nothing is lost.", operators=True),
    _p("reconciliation_unknown", 404, "Không có bản đối soát nào mang mã này.",
       "There is no reconciliation with this id.", "Xem danh sách bằng `gateway reconcile list`.",
       "`gateway reconcile list` prints their ids.", operators=True),
    _p("offer_decided", 409, "Người vận hành đã quyết định về mục này.", "An operator decided about this entry.",
       "Không cần làm gì.", "Nothing is to be done."),
)  # fmt: skip
