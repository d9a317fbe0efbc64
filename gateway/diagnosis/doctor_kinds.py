"""What `doctor` finds at the running server and at its channels; part of `gateway.diagnosis.check_kinds.KINDS`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gateway.audit.findings import Kind, Severity, kind

_E, _W, _I = Severity.ERROR, Severity.WARNING, Severity.INFO

DOCTOR_KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "name_unknown": kind(
            _E,
            "Không phân giải được tên máy.",
            "The name does not resolve.",
            "Kiểm tra DNS hoặc url của kênh.",
            "Check DNS, or the channel's url.",
        ),
        "connect_failed": kind(
            _E,
            "Không mở được kết nối TCP.",
            "No TCP connection could be opened.",
            "Kiểm tra tường lửa và xem máy bên kia có chạy không.",
            "Check firewalls, and whether the peer runs.",
        ),
        "tls_failed": kind(
            _E,
            "Bắt tay TLS thất bại.",
            "The TLS handshake failed.",
            "Kiểm tra chứng thư của bên kia, tên máy và anchors_file.",
            "Check the peer's certificate, its name, and anchors_file.",
        ),
        "purge_remains": kind(
            _W,
            "Nội dung đã có lệnh hủy vẫn còn ở nơi chưa xóa được.",
            "Something of an order to destroy lies where it could not be removed yet.",
            "`gateway purge list`, `gateway purge show LỆNH`; gắn ổ sao lưu hoặc làm theo lý do ghi ở đó.",
            "`gateway purge list`, `gateway purge show ORDER`; mount the backup, or do as it says there.",
        ),
        "purge_waiting": kind(
            _I,
            "Có lệnh hủy đang chờ người xác nhận.",
            "An order to destroy waits for a person.",
            "Xem `gateway purge list`; người thứ hai xác nhận hoặc hủy lệnh.",
            "See `gateway purge list`; a second person confirms it, or it is cancelled.",
        ),
        "clock_skew": kind(
            _W,
            "Đồng hồ của bên kia lệch.",
            "The peer's clock differs.",
            "Báo bên kia đồng bộ thời gian: chữ ký có thời hạn.",
            "Tell the peer to synchronise: signatures are dated.",
        ),
        "channel_down": kind(
            _W,
            "Kênh đang ngừng hoặc tạm dừng.",
            "The channel is down or paused.",
            "Xem chi tiết; `gateway resume` nếu đang tạm dừng.",
            "See the detail; `gateway resume` if it is paused.",
        ),
        "channel_unfit": kind(
            _E,
            "Cấu hình của kênh không dùng được.",
            "The channel's settings cannot be used.",
            "Sửa bằng `gateway agencies endpoint set`.",
            "Mend it with `gateway agencies endpoint set`.",
        ),
        "channel_unverified": kind(
            _W,
            "Nơi nhận của kênh chưa trả lời thử thách xác minh; văn bản chờ.",
            "The channel's receiver has not answered the verification challenge; documents wait.",
            "Bên nhận làm theo docs/connect-webhook.vi.md, rồi `gateway agencies endpoint verify KÊNH`.",
            "The receiver does as docs/connect-webhook.md says; then `gateway agencies endpoint verify CHANNEL`.",
        ),
        "address_bounced": kind(
            _W,
            "Có địa chỉ thư trả về, không gửi báo tin tới đó nữa.",
            "A mail address bounces; no alerts go there any more.",
            "`gateway alerts bounced` liệt kê; hỏi cơ quan địa chỉ đúng rồi `gateway alerts set`.",
            "`gateway alerts bounced` lists them; ask the agency for its address, then `gateway alerts set`.",
        ),
        "target_not_allowed": kind(
            _E,
            "Địa chỉ của kênh không được phép kết nối.",
            "The channel's address may not be dialled.",
            "Thêm mạng đó vào [webhook] allowed_networks nếu đúng là nơi nhận.",
            "Add the network to [webhook] allowed_networks if it is the receiver's.",
        ),
        "secret_overlap": kind(
            _I,
            "Kênh đang dùng đồng thời khóa cũ và khóa mới.",
            "The channel signs with its old and its new key.",
            "Nhắc bên nhận chuyển sang khóa mới trước thời điểm trong chi tiết.",
            "Remind the receiver to change over before the instant in the detail.",
        ),
        "last_refused": kind(
            _W,
            "Lần chuyển gần nhất không thành công.",
            "The last transmission did not succeed.",
            "Xem câu trả lời trong chi tiết.",
            "See the reply in the detail.",
        ),
        "server_stopped": kind(
            _E,
            "Máy chủ không chạy.",
            "The server does not run.",
            "Khởi động `gateway serve` và xem nhật ký.",
            "Start `gateway serve` and look at its log.",
        ),
        "ledger_ended": kind(
            _I,
            "Sổ giao nhận này đã bàn giao cho trục khác và đã kết thúc.",
            "This ledger was handed over to another gateway and has ended.",
            "Không khởi động lại; vẫn đọc được bằng `gateway show`. Xem docs/handover.vi.md.",
            "It never starts again; `gateway show` reads it. See docs/handover.md.",
        ),
        "handover_unfinished": kind(
            _E,
            "Việc bàn giao bị ngắt khi đang ghi danh mục; bản bàn giao có thể đã có hiệu lực.",
            "A handover broke off when its list was written; it may stand already.",
            "Chạy lại `gateway handover make` cho cùng trục kế thừa, vào cùng thư mục.",
            "Run `gateway handover make` again for the same successor, into the same folder.",
        ),
        "not_ready": kind(
            _E,
            "Máy chủ chạy nhưng không nhận được văn bản.",
            "The server runs but cannot accept documents.",
            "Xem chi tiết của /readyz.",
            "See the details of /readyz.",
        ),
        "wal_large": kind(
            _W,
            "Tệp WAL lớn bất thường.",
            "The write-ahead log is unusually large.",
            "Tìm tiến trình đang giữ một lượt đọc dài.",
            "Look for a process that holds a long read open.",
        ),
        "source_degraded": kind(
            _E,
            "Không đọc được danh sách của kênh.",
            "The channel's list cannot be read.",
            "Xem lý do; docs/connect-axis.vi.md.",
            "See the reason; docs/connect-axis.md.",
        ),
        "source_failing": kind(
            _W,
            "Danh sách của kênh lúc đọc được, lúc không.",
            "The channel's list cannot be read time after time.",
            "Xem trang của kênh trên giao diện; hỏi bên kia, và xem đường truyền.",
            "See the channel's page in the console; ask the peer, and look at the line.",
        ),
        "source_silent": kind(
            _E,
            "Danh sách rỗng lâu hơn thường lệ.",
            "The list has been empty for longer than is usual.",
            "Hỏi bên kia, hoặc tự gửi thử qua kênh.",
            "Ask the peer, or send yourself something through it.",
        ),
        "canary_missing": kind(
            _E,
            "Văn bản thử đã gửi mà chưa quay lại.",
            "A test document went out and has not come back.",
            "Hỏi bên kia: danh sách của ta thiếu văn bản.",
            "Ask the peer: its list for us lacks documents.",
        ),
        "canary_fine": kind(
            _I, "Văn bản thử của kênh.", "The channel's test document.", "Không cần làm gì.", "Nothing to do."
        ),
        "offers_stuck": kind(
            _W,
            "Có mục trong danh sách chưa nhận được.",
            "Entries of the list could not be accepted.",
            "Xem `gateway offers list`.",
            "See `gateway offers list`.",
        ),
        "reconciliation_old": kind(
            _W,
            "Đêm qua chưa so được sổ với bên kia.",
            "The night's comparison with the peer's books could not be made.",
            "`gateway reconcile KÊNH` cho biết vì sao.",
            "`gateway reconcile CHANNEL` says why.",
        ),
        "layer_fine": kind(_I, "Tầng này tốt.", "This layer is fine.", "Không cần làm gì.", "Nothing to do."),
    }
)
