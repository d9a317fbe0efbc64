"""What was destroyed by order, and why something is not."""

from __future__ import annotations

from typing import Final

from gateway.reasons.entry import permanent as _p

RETENTION: Final = (
    _p("body_purged", 410, "Nội dung văn bản đã được hủy theo lệnh; sổ và bằng chứng vẫn còn.",
       "The bytes of this document were destroyed by order; ledger and evidence stay.",
       "Xin bản gốc ở cơ quan gửi hoặc nơi nhận khác.", "Ask the sender or another recipient for the original."),
    _p("document_retained", 409, "Văn bản đang được giữ lại theo yêu cầu pháp lý nên không hủy.",
       "The document is retained for a legal reason, so it is not destroyed.",
       "Xem `gateway retain list`; khi hết lý do, `gateway retain end`.",
       "See `gateway retain list`; when the reason has ended, `gateway retain end`.", operators=True),
    _p("purge_undelivered", 409, "Văn bản còn có thể được chuyển cho nơi nhận, hoặc chưa kiểm chữ ký xong.",
       "Somebody may be sent the document yet, or its signatures are not examined yet.",
       "Kết thúc các lượt gửi trước (`gateway show`): rút lại, bàn giao hoặc chờ đến nơi.",
       "End its deliveries first (`gateway show`): withdrawn, handed over or arrived.", operators=True),
    _p("purge_shared", 409, "Văn bản khác có cùng nội dung và không có trong lệnh.",
       "Other messages have the same bytes and are not in the order.",
       "Đưa cả các văn bản nêu trong detail vào lệnh.", "Put those named in the detail into the order, too.",
       operators=True),
    _p("purge_one_person", 409, "Lệnh hủy cần hai người: người này đã đứng tên lệnh.",
       "An order to destroy needs two persons, and this one has answered for it already.",
       "Người thứ hai, bằng tài khoản khác, chạy `gateway purge confirm`.",
       "A second person, with another user id, runs `gateway purge confirm`.", operators=True),
)  # fmt: skip
