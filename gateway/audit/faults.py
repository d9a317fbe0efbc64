"""The closed list of what `fsck` can find.

An error means that something the gateway promised no longer holds; a warning that rows disagree in a way that
loses nothing; info that something lies about. The advice never is to delete.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gateway.audit.findings import Kind, Severity

_RESTORE = (
    "Giữ nguyên thư mục dữ liệu, khôi phục phần này từ bản sao lưu và tìm nguyên nhân.",
    "Keep the data folder as it is, restore this part from a backup and find the cause.",
)
_TAMPERED = (
    "Có người hoặc lỗi phần cứng đã sửa dữ liệu: sao chép thư mục dữ liệu, báo người phụ trách an toàn thông tin.",
    "Somebody, or failing hardware, changed the data: copy the data folder and tell whoever answers for security.",
)
_REPLACE = (
    "Dừng máy chủ, chuyển thư mục dữ liệu đi nơi khác và giữ lại, khôi phục bản sao lưu gần nhất, chạy lại fsck.",
    "Stop the server, move the data folder aside and keep it, restore the last backup, run fsck again.",
)
_EXAMINE = (
    "Xem dòng thời gian bằng `gateway show` và báo người phát triển.",
    "Look at the timeline with `gateway show` and tell the developers.",
)
_ANCHOR = (
    "Kiểm tra thư mục [seal] anchors; nếu đúng, coi như biên nhận bị sửa.",
    "Check the folder [seal] anchors; if it is right, treat the receipt as tampered with.",
)


def _error(vi: str, en: str, advice: tuple[str, str]) -> Kind:
    return Kind(severity=Severity.ERROR, vi=vi, en=en, do_vi=advice[0], do_en=advice[1])


def _warning(vi: str, en: str, advice: tuple[str, str]) -> Kind:
    return Kind(severity=Severity.WARNING, vi=vi, en=en, do_vi=advice[0], do_en=advice[1])


FAULTS: Mapping[str, Kind] = MappingProxyType(
    {
        "database_missing": _error(
            "Không có cơ sở dữ liệu ở nơi cấu hình chỉ tới.",
            "There is no database where the configuration says.",
            (
                "Kiểm tra [storage] folder. Đã từng có dữ liệu: khôi phục bản sao lưu trước khi khởi động máy chủ.",
                "Check [storage] folder. If there was data, restore the last backup before starting the server.",
            ),
        ),
        "database_unreadable": _error(
            "Không mở được cơ sở dữ liệu hoặc thư mục của nó.",
            "The database or its folder cannot be opened.",
            (
                "Chạy lệnh bằng tài khoản của dịch vụ; nếu quyền đã đúng, xem chi tiết và kiểm tra ổ đĩa (dmesg).",
                "Run it as the service's user; if rights are right, see the detail and check the disk (dmesg).",
            ),
        ),
        "database_foreign": _error(
            "Tệp không phải cơ sở dữ liệu của trục: rỗng, mất phần đầu hoặc là tệp khác.",
            "The file is no database of the gateway: it is empty, its beginning is gone, or it is another file.",
            _REPLACE,
        ),
        "database_version": _error(
            "Cơ sở dữ liệu thuộc phiên bản khác của chương trình.",
            "The database belongs to another version of the program.",
            (
                "Dùng chương trình đã ghi nó; nếu nó cũ hơn, chạy `gateway migrate` rồi `gateway fsck`.",
                "Use the program that wrote it; if it is older, run `gateway migrate`, then `gateway fsck`.",
            ),
        ),
        "database_damaged": _error("Tệp cơ sở dữ liệu bị hỏng.", "The database file is damaged.", _REPLACE),
        "bodies_unusable": _error(
            "Không dùng được thư mục nội dung văn bản.",
            "The folders of the bodies cannot be used.",
            (
                "Sửa quyền, hoặc giữ nguyên thư mục dữ liệu và khôi phục thư mục này từ bản sao lưu.",
                "Mend the rights, or keep the data folder as it is and restore this folder from a backup.",
            ),
        ),
        "body_key_unfit": _error(
            "Không mở được khóa mã hóa nội dung văn bản, nên không đọc được nội dung nào.",
            "The key that bodies are encrypted with is not here, so none can be read.",
            (
                "Đặt lại tệp [storage] body_key từ nơi giữ bản sao, hoặc sửa token; xem docs/encryption.md.",
                "Put the file [storage] body_key back from its copy, or see to the token; docs/encryption.md.",
            ),
        ),
        "anchors_unfit": _error(
            "Không đọc được neo tin cậy của con dấu, nên không kiểm tra được biên nhận.",
            "The seal's anchors cannot be read, so no receipt can be checked.",
            ("Sửa thư mục [seal] anchors theo chi tiết.", "Mend the folder [seal] anchors as the detail says."),
        ),
        "reference_broken": _error(
            "Có dòng trỏ tới dòng không tồn tại.", "A row refers to a row that does not exist.", _RESTORE
        ),
        "schema_changed": _error(
            "Cấu trúc cơ sở dữ liệu không như các bước nâng cấp tạo ra.",
            "The database's structure is not the one the migrations make.",
            _TAMPERED,
        ),
        "body_missing": _error(
            "Không có tệp nội dung của văn bản.", "The bytes of a message are not there.", _RESTORE
        ),
        "body_purged_there": _error(
            "Nội dung đã hủy theo lệnh lại nằm trên đĩa.",
            "A body that was destroyed by order lies on the disk again.",
            (
                "Khởi động máy chủ: nó tự xóa lại. Nếu vẫn còn, tìm ai đã đưa tệp trở lại.",
                "Start the server: it removes it again. If it stays, find who brought it back.",
            ),
        ),
        "purge_differs": _error(
            "Sổ nói văn bản đã bị hủy khác với lịch sử, hoặc ngược lại.",
            "The ledger and its history do not say the same of whether a document was destroyed by order.",
            _TAMPERED,
        ),
        "purge_unanswered": _error(
            "Văn bản bị hủy mà nhật ký không có hai người đứng tên cho danh sách có nó.",
            "A document was destroyed though no two persons answered in the log for a list that it stands in.",
            _TAMPERED,
        ),
        "body_changed": _error(
            "Nội dung không còn đúng mã băm hay độ dài đã ghi.",
            "The stored bytes no longer have the recorded digest or length.",
            _RESTORE,
        ),
        "body_unreadable": _error(
            "Không đọc được tệp nội dung.",
            "A body cannot be read.",
            (
                "Kiểm tra quyền của tệp và ổ đĩa; nếu tệp hỏng, giữ nó và khôi phục tệp này từ bản sao lưu.",
                "Check the file's rights and the disk; if it is damaged, keep it and restore it from a backup.",
            ),
        ),
        "content_differs": _error(
            "Nội dung văn bản nói khác với phong bì trong sổ.",
            "The bytes of a message say something else than its envelope in the ledger.",
            (
                "Nội dung đã ký là đúng. Nếu chương trình chưa nâng cấp từ đó: sổ bị sửa, báo an toàn thông tin.",
                "The sealed bytes are right. Unless the program was upgraded since: the ledger was changed.",
            ),
        ),
        "content_unread": _warning(
            "Không đọc lại được nội dung văn bản để so với sổ.",
            "The bytes of a message could not be parsed again to compare them.",
            (
                "Xem chi tiết; thường do giới hạn ([parser], [limits]) nay nhỏ hơn. Tăng giới hạn rồi chạy lại.",
                "See the detail; mostly limits ([parser], [limits]) are lower now. Raise them and run it again.",
            ),
        ),
        "body_orphan": Kind(
            severity=Severity.INFO,
            vi="Có nội dung không thuộc văn bản nào (bị ngắt trước khi ghi sổ).",
            en="A stored body belongs to no message (acceptance was cut off before the ledger).",
            do_vi="Không cần làm gì.",
            do_en="Nothing needs to be done.",
        ),
        "receipt_missing": _error("Văn bản không có biên nhận.", "A message has no receipt.", _RESTORE),
        "receipt_invalid": _error(
            "Chữ ký biên nhận không đúng với nội dung và bản ghi chuyển giao.",
            "The receipt's signature does not fit the bytes and the transfer record.",
            _TAMPERED,
        ),
        "receipt_unproven": _error(
            "Chưa đủ căn cứ để xác nhận biên nhận.", "What is at hand does not prove the receipt.", _ANCHOR
        ),
        "receipt_not_ours": _error(
            "Biên nhận được ký bằng chứng thư không phải của ta vào lúc đó.",
            "The receipt was sealed with a certificate that was not ours at that time.",
            _TAMPERED,
        ),
        "receipt_digest": _error(
            "Mã băm của biên nhận không khớp.", "The receipt's recorded digest is another.", _TAMPERED
        ),
        "transfer_differs": _error(
            "Bản ghi chuyển giao đã ký khác với sổ.",
            "The sealed transfer record differs from the ledger.",
            _TAMPERED,
        ),
        "answer_differs": _error(
            "Câu trả lời 202 đã lưu khác với sổ.", "The stored 202 differs from the ledger.", _TAMPERED
        ),
        "message_differs": _error(
            "Các cột của văn bản khác với phong bì của nó.",
            "A message's columns differ from its envelope.",
            _TAMPERED,
        ),
        "delivery_differs": _error(
            "Độ khẩn của một dòng gửi khác với văn bản của nó.",
            "A delivery's priority differs from its message's.",
            _TAMPERED,
        ),
        "row_unreadable": _error(
            "Không đọc được một dòng của sổ.", "A row of the ledger cannot be read.", _TAMPERED
        ),
        "rendition_differs": _error(
            "Bản chuyển đổi và sự kiện của nó không khớp.", "A rendition and its event do not match.", _TAMPERED
        ),
        "receiver_proof_differs": _error(
            "Chứng cứ của nơi nhận và lá của nó không khớp.",
            "What a receiver proved and its leaf do not match.",
            _TAMPERED,
        ),
        "leaf_hash": _error("Mã băm của lá không đúng.", "A leaf's hash is wrong.", _TAMPERED),
        "leaf_form": _error("Lá không ở dạng chuẩn tắc.", "A leaf is not in its canonical form.", _TAMPERED),
        "leaf_differs": _error(
            "Lá khác với các cột của sự kiện.", "A leaf differs from its event's columns.", _TAMPERED
        ),
        "event_gap": _error("Thiếu sự kiện trong lịch sử.", "Events are missing from the history.", _TAMPERED),
        "event_unknown": _error(
            "Sự kiện có tên không nằm trong danh mục.",
            "An event has a name that the registry does not know.",
            _EXAMINE,
        ),
        "event_time": Kind(
            severity=Severity.WARNING,
            vi="Giờ của sự kiện lùi hơn 5 phút so với sự kiện trước.",
            en="An event is more than 5 minutes older than the one before it.",
            do_vi="Kiểm tra đồng hồ máy chủ (NTP) tại thời điểm đó.",
            do_en="Check the server's clock (NTP) at that time.",
        ),
        "log_leaf_changed": _error(
            "Một sự kiện không còn là lá đã ghi vào nhật ký minh bạch.",
            "An event is not what became a leaf of the transparency log.",
            _TAMPERED,
        ),
        "log_leaf_missing": _error(
            "Thiếu sự kiện của một lá trong nhật ký minh bạch.",
            "The event of a leaf of the transparency log is missing.",
            _TAMPERED,
        ),
        "log_leaf_foreign": _error(
            "Có sự kiện chen vào giữa các lá của nhật ký minh bạch.",
            "An event stands between those that became leaves of the transparency log, and is none.",
            _TAMPERED,
        ),
        "log_tile_differs": _error(
            "Một mảnh cây của nhật ký minh bạch không khớp với các lá.",
            "A tile of the transparency log does not fit its leaves.",
            _TAMPERED,
        ),
        "log_tree_differs": _error(
            "Cây của nhật ký minh bạch không khớp với các lá.",
            "The tree of the transparency log does not fit its leaves.",
            _TAMPERED,
        ),
        "checkpoint_differs": _error(
            "Lịch sử hiện có không phải lịch sử đã ký tại một mốc.",
            "The history is not the one that a checkpoint was signed over.",
            _TAMPERED,
        ),
        "checkpoint_unproven": _error(
            "Chữ ký của một mốc không đúng hoặc không phải của khóa nhật ký.",
            "A checkpoint's signature does not hold, or is not by the log's key.",
            (
                "Kiểm tra [log] vkey: mọi khóa công khai của nhật ký, mỗi dòng một khóa. Nếu đúng, coi như bị sửa.",
                "Check [log] vkey: every public key of the log, a line each. If it is right, treat it as tampered.",
            ),
        ),
        "checkpoint_cosignature": _error(
            "Dòng ký của nhân chứng dưới một mốc không đúng.",
            "A witness's line below a checkpoint does not hold.",
            (
                "Kiểm tra khóa trong [log] witnesses. Nếu đúng, coi như bị sửa; gói bằng chứng theo mốc này sai.",
                "Check the keys in [log] witnesses. If they are right, treat it as tampered: bundles fail.",
            ),
        ),
        "log_mark_differs": _error(
            "Nhật ký minh bạch không nối tiếp mốc đã ký cuối cùng trên máy này.",
            "The transparency log does not continue what was signed last on this machine.",
            (
                "Nếu vừa khôi phục: `gateway log declare`. Nếu không, coi như phần cuối bị sửa hoặc cắt.",
                "After a restore: `gateway log declare`. If there was none, the tail was rewritten or cut off.",
            ),
        ),
        "renewal_missing": _error(
            "Một lần gia hạn đầu nhật ký bằng hàm băm khác không còn.",
            "A renewal of the log's head by another hash is gone, though a leaf tells of it.",
            _RESTORE,
        ),
        "renewal_differs": _error(
            "Một lần gia hạn đầu nhật ký không còn như đã ghi, hoặc không thuộc các lá này.",
            "A renewal of the log's head is not what its leaf tells of, or not over these leaves.",
            _TAMPERED,
        ),
        "foreign_missing": _error(
            "Thiếu một tệp của sổ cái đã tiếp nhận từ trục khác.",
            "A file of a ledger that was taken over is missing.",
            _RESTORE,
        ),
        "foreign_changed": _error(
            "Một tệp của sổ cái đã tiếp nhận bị thay đổi hoặc tráo.",
            "A file of a ledger that was taken over was changed, or put in another's place.",
            _RESTORE,
        ),
        "foreign_entry_wrong": _error(
            "Một mục trong tệp lưu trữ của sổ cái đã tiếp nhận không kiểm chứng được.",
            "An entry in an archive of a ledger that was taken over does not verify.",
            _RESTORE,
        ),
        "foreign_differs": _error(
            "Điều đã ghi về một sổ cái đã tiếp nhận không khớp với sự kiện của nó.",
            "What is kept of a ledger that was taken over is not what its event tells.",
            _TAMPERED,
        ),
        "foreign_stray": Kind(
            severity=Severity.INFO,
            vi="Trong foreign/ có tệp không thuộc sổ cái nào đã tiếp nhận (lần tiếp nhận bị ngắt).",
            en="In foreign/ lies a file of no ledger that was taken over (a taking was cut off before its event).",
            do_vi="Chạy lại `gateway handover take`, hoặc không cần làm gì.",
            do_en="Run `gateway handover take` again, or do nothing.",
        ),
        "register_differs": _error(
            "Sổ của một ngày đã khóa không còn là sổ đã ghi vào nhật ký minh bạch.",
            "The registers of a closed day are not those that its leaf of the log was made of.",
            _TAMPERED,
        ),
        "register_entry_missing": _error(
            "Một văn bản có trong sổ ngày đã khóa nay không còn trong sổ cái.",
            "A document that stands in the register of a closed day is not in the ledger any more.",
            _TAMPERED,
        ),
        "register_entry_foreign": _error(
            "Một văn bản thuộc ngày đã khóa nhưng không có trong sổ của ngày ấy.",
            "A document of a closed day does not stand in the register of that day.",
            _TAMPERED,
        ),
        "register_entry_changed": _error(
            "Nơi gửi, số hoặc nơi nhận của một văn bản không còn như trong sổ ngày đã khóa.",
            "A document's sender, number or recipients are not those of the register of its closed day.",
            _TAMPERED,
        ),
        "accepted_event": _error(
            "Văn bản không có đúng một sự kiện tiếp nhận khớp với nó.",
            "A message has not exactly one matching event of its acceptance.",
            _TAMPERED,
        ),
        "history_impossible": _error(
            "Lịch sử của lượt gửi có bước không thể có.",
            "A delivery's history holds a step that the states do not allow.",
            _TAMPERED,
        ),
        "state_differs": _error(
            "Trạng thái lượt gửi khác với lịch sử của nó.",
            "A delivery's state differs from its history.",
            _TAMPERED,
        ),
        "status_differs": _error(
            "Trạng thái nghiệp vụ khác với các trạng thái đã báo.",
            "A business status differs from what was reported.",
            _TAMPERED,
        ),
        "status_event": _error(
            "Trạng thái đã báo và sự kiện của nó không khớp.",
            "A reported status and its event do not match.",
            _TAMPERED,
        ),
        "dispatch_differs": _error(
            "Lần chuyển và các lượt gửi của nó mâu thuẫn.",
            "A dispatch and its deliveries contradict each other.",
            _EXAMINE,
        ),
        "delivery_stranded": _error(
            "Lượt gửi đang chờ nhưng không lần chuyển nào sẽ mang nó đi.",
            "A delivery waits, but no dispatch will carry it.",
            (
                "Dùng `gateway hold` rồi `gateway release` cho lượt gửi này.",
                "Use `gateway hold`, then `gateway release`, on this delivery.",
            ),
        ),
        "attempt_missing": _error(
            "Lịch sử nói tới một lần thử không có trong sổ.",
            "The history tells of an attempt that is not in the ledger.",
            _TAMPERED,
        ),
        "attempt_differs": _error(
            "Một lần thử khác với lịch sử.", "An attempt differs from the history.", _TAMPERED
        ),
        "attempt_open": _warning(
            "Một lần thử chưa đóng mà không ai đang giữ.",
            "An attempt is open although nobody holds it.",
            ("Khởi động lại máy chủ: phần cứu hộ sẽ đóng nó.", "Restart the server: the rescuer closes it."),
        ),
        "attempt_untold": _warning("Một lần thử không có trong lịch sử.", "An attempt has no event.", _EXAMINE),
    }
)
