"""Reasons of our own troubles."""

from __future__ import annotations

from gateway.reasons.entry import LATER, OPERATOR, Reason
from gateway.reasons.entry import permanent as _p
from gateway.reasons.entry import temporary as _t

TROUBLES: tuple[Reason, ...] = (
    _t("server_busy", 503, "Hệ thống đang bận.", "The gateway is busy.", *LATER),
    _t("server_stopping", 503, "Hệ thống đang khởi động lại.", "The gateway is restarting.", *LATER),
    _t("disk_nearly_full", 503, "Ổ đĩa gần đầy nên chưa nhận văn bản mới.",
       "The disk is nearly full, so nothing new is taken.", *LATER),
    _t("storage_unavailable", 503, "Kho lưu trữ tạm thời không ghi được.",
       "The store cannot be written for now.", *LATER),
    _t("body_damaged", 503, "Tệp nội dung của văn bản bị hỏng hoặc mất nên không giao cho ai.",
       "The stored bytes of this message are damaged or lost, so nobody is given them.",
       "Người vận hành khôi phục tệp; hoặc bên gửi gửi lại đúng tệp cũ.",
       "An operator restores them, or the sender sends the very same file again."),
    _p("ledger_damaged", 409, "Sổ của văn bản này bị hỏng nên chưa giao.",
       "The ledger's rows of this message are damaged, so it is not handed on.",
       "Người vận hành chạy `gateway fsck` và khôi phục.", "An operator runs `gateway fsck` and restores them."),
    _t("seal_unavailable", 503, "Chưa ký được biên nhận.", "A receipt could not be sealed.", *LATER),
    _t("internal_error", 500, "Lỗi nội bộ, đã ghi nhận.", "An internal error, which was recorded.", *OPERATOR),
)  # fmt: skip
