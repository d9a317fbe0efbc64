"""Reasons of the evidence: time stamps, bundles, the transparency log, the registers of closed days."""

from __future__ import annotations

from gateway.reasons.entry import LATER, Reason
from gateway.reasons.entry import permanent as _p
from gateway.reasons.entry import temporary as _t

EVIDENCE: tuple[Reason, ...] = (
    # --- time stamps
    _t("no_stamp", 409, "Không lấy được dấu thời gian, nên không lập được gói lưu trữ lâu dài.",
       "No time stamp is to be had, so the bundle cannot be made to last.",
       "Kiểm tra [stamps] servers bằng `gateway doctor`, hoặc xuất không có --lta.",
       "Look at [stamps] servers with `gateway doctor`, or export without --lta."),
    _p("bundle_unfit", 409, "Gói này không gia hạn được.", "This bundle cannot be made to last longer.",
       "Xem chi tiết; `gateway-verify TỆP` cho biết thêm; hoặc xuất lại với --lta.",
       "See the detail; `gateway-verify FILE` says more; or export it anew with --lta.", operators=True),
    # --- of the transparency log
    _t("proof_pending", 409, "Chưa có bằng chứng: sự kiện chưa nằm trong mốc đã ký nào của nhật ký minh bạch.",
       "There is no proof yet: no signed checkpoint of the log covers this.", *LATER),
    _p("leaf_unknown", 404, "Nhật ký minh bạch không có lá này.", "The log has no such leaf.",
       "`gateway log show` cho biết số lá.", "`gateway log show` tells how many leaves there are.", operators=True),
    _p("log_unset", 409, "Chưa thiết lập nhật ký minh bạch.", "The transparency log is not set up.",
       "Chạy `gateway log init`.", "Run `gateway log init`.", operators=True),
    _p("log_in_order", 409, "Nhật ký minh bạch nối tiếp đúng mốc đã ký cuối cùng: không có gì phải khai báo.",
       "The log continues what was signed last: there is nothing to declare.",
       "`gateway log show` cho biết tình trạng.", "`gateway log show` tells how it is.", operators=True),
    # --- of bundles
    _p("bundle_too_large", 409, "Bằng chứng có nhiều mục hơn một gói chứa được.",
       "There is more evidence than one bundle holds.",
       "Dùng `gateway log prove` cho từng mục của nhật ký; báo cho nhóm phát triển.",
       "`gateway log prove` proves single leaves of the log; tell the developers.", operators=True),
    # --- of the registers of closed days
    _p("register_open", 409, "Có ngày chưa khóa sổ.", "A day of these is not closed.",
       "`gateway register list` cho biết các ngày đã khóa; mỗi ngày khóa sau nửa đêm giờ Việt Nam.",
       "`gateway register list` prints the closed days; each is closed after its midnight in Vietnam.",
       operators=True),
    _p("document_exists", 409, "Có văn bản như vậy: không thể chứng minh là không có.",
       "There is such a document: its absence cannot be proved.",
       "Xem văn bản bằng `gateway show`; xuất bằng chứng bằng `gateway export`.",
       "`gateway show` tells of it; `gateway export` writes its evidence.", operators=True),
    _p("register_differs", 409, "Sổ cái không còn khớp với sổ của ngày đã khóa.",
       "The ledger is not what the register of a closed day was made of.",
       "Chạy `gateway fsck`: nó nêu tên mục bị sửa.", "Run `gateway fsck`: it names the entry.", operators=True),
)  # fmt: skip
