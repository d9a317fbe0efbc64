"""Why a clerk's act is not done."""

from __future__ import annotations

from typing import Final

from gateway.reasons.entry import permanent as _p
from gateway.reasons.entry import temporary as _t

DESK: Final = (
    _p("desk_registered", 409, "Văn bản này đã vào sổ.", "This document is in the register already.",
       "Xem số đến trong chi tiết.", "See its number in the details."),
    _p("desk_duplicate", 409, "Văn bản trùng: sổ đã có văn bản cùng cơ quan, số, ký hiệu và ngày.",
       "A duplicate: the register has a document of this issuer, number, notation and date.",
       "Trả lời “đã vào sổ số …”, hoặc xác nhận vẫn vào sổ.",
       "Answer that it is registered, or confirm that it is another one."),
    _p("desk_not_registered", 409, "Văn bản chưa vào sổ.", "The document is not in the register yet.",
       "Vào sổ (03) trước.", "Register it (03) first."),
    _p("desk_entry_voided", 409, "Dòng này của sổ đã bị hủy.", "This line of the register is struck out.",
       "Dùng dòng khác.", "Use another line."),
    _p("desk_entry_used", 409, "Số này đã dùng cho văn bản khác hoặc đã hủy.",
       "This number was used for another document, or struck out.", "Lấy số mới.", "Take a new number."),
    _p("desk_draft_changed", 409, "Người khác vừa sửa bản nháp này; thay đổi của bạn chưa được lưu.",
       "Somebody else has changed this draft meanwhile; your changes are not kept.",
       "Mở lại bản nháp, xem nội dung mới rồi nhập lại phần của bạn.",
       "Open the draft again, see what it says now, and enter yours again."),
    _t("desk_busy", 503, "Sổ đang có nhiều người ghi cùng lúc.", "Several people write to this register at once.",
       "Làm lại.", "Do it again."),
    _p("desk_form_incomplete", 422, "Biểu mẫu thiếu hoặc sai thông tin.",
       "The form lacks something, or has it wrong.", "Sửa ô nêu trong chi tiết.",
       "Mend the field named in the details."),
    _p("desk_file_unfit", 415, "Không nhận tệp loại này ở đây.", "A file of this kind is not taken here.",
       "Bản quét: PDF, PNG, JPEG hoặc TIFF.", "Scans: PDF, PNG, JPEG or TIFF."),
    _p("desk_full", 409, "Cơ quan đã dùng hết chỗ cho bản nháp, nhóm và tệp tại bàn văn thư.",
       "The office has used up its room for drafts, groups and files at the desk.",
       "Xóa bản nháp, nhóm không dùng nữa, hoặc thêm tệp vào ngày mai; cần nhiều hơn thì nhờ người vận hành"
       " nâng limits.desk_files hoặc limits.desk_drafts.",
       "Drop drafts and groups that are not needed, or bring files tomorrow; if you need more, ask the operators"
       " to raise limits.desk_files or limits.desk_drafts."),
    _p("desk_signatures_lacking", 409, "Bản PDF chưa đủ hai chữ ký số hợp lệ: người ký và cơ quan.",
       "The PDF does not carry two valid signatures: the signer's and the office's.",
       "Ký đủ rồi tải lại; chỉ gửi vẫn thiếu khi có lý do.",
       "Sign it and upload it again; send it as it is only for a reason."),
)  # fmt: skip
