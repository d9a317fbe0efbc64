"""The closed list of what `check` and `doctor` can find, each with a sentence and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gateway.audit.findings import Kind, Severity

_E, _W, _I = Severity.ERROR, Severity.WARNING, Severity.INFO


def _kind(severity: Severity, vi: str, en: str, do_vi: str, do_en: str) -> Kind:
    return Kind(severity=severity, vi=vi, en=en, do_vi=do_vi, do_en=do_en)


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        # Configuration
        "lease_short": _kind(
            _E,
            "delivery.lease phải dài hơn delivery.timeout.",
            "delivery.lease must be longer than delivery.timeout.",
            "Tăng lease lên ít nhất 1,5 lần timeout.",
            "Raise lease to at least 1.5 times timeout.",
        ),
        "retry_order": _kind(
            _E,
            "Các thời hạn thử lại mâu thuẫn.",
            "The retry times contradict each other.",
            "Giữ base ≤ cap và give_up_after ≤ give_up_hard.",
            "Keep base <= cap and give_up_after <= give_up_hard.",
        ),
        "organ_id_missing": _kind(
            _E,
            "Chưa đặt mã định danh của trục (seal.organ_id).",
            "The gateway's own organ id is not set.",
            "Ghi seal.organ_id: mã dùng trong From của các trạng thái do trục gửi.",
            "Set seal.organ_id: it is the From of the statuses that the gateway writes for itself.",
        ),
        "organ_id_opaque": _kind(
            _W,
            "seal.organ_id không thuộc dạng mã chính thức nào, và chưa có danh bạ để đối chiếu.",
            "seal.organ_id has neither official form, and there is no directory yet that knows it.",
            "Kiểm tra mã (ví dụ 000.00.00.H33), rồi nhập danh bạ có mã này.",
            "Check the code (such as 000.00.00.H33), then import a directory that has it.",
        ),
        "database_unreadable": _kind(
            _E,
            "Có cơ sở dữ liệu nhưng không đọc được.",
            "There is a database, but it cannot be read.",
            "Chạy `gateway fsck`: nó nói rõ hỏng gì và phải làm gì.",
            "Run `gateway fsck`: it says what is wrong and what to do.",
        ),
        "organ_id_unknown": _kind(
            _W,
            "Danh bạ không có seal.organ_id: trục không gửi được trạng thái của chính mình.",
            "The directory does not know seal.organ_id: the gateway sends no statuses of its own.",
            "Sửa mã, hoặc thêm cơ quan mang mã này bằng `gateway agencies import`.",
            "Correct the code, or add an agency with it by `gateway agencies import`.",
        ),
        "operations_exposed": _kind(
            _W,
            "Cổng vận hành (HTTP thường) mở ra ngoài máy.",
            "The operations listener (plain HTTP) leaves the machine.",
            "Đặt server.operations_host là 127.0.0.1 hoặc chặn bằng tường lửa.",
            "Set server.operations_host to 127.0.0.1, or fence it with a firewall.",
        ),
        "failpoints_armed": _kind(
            _E,
            "GATEWAY_FAILPOINTS đang được đặt: tiến trình sẽ tự kết thúc.",
            "GATEWAY_FAILPOINTS is set: the process will kill itself.",
            "Bỏ biến môi trường này khỏi dịch vụ.",
            "Remove the variable from the service's environment.",
        ),
        "development_profile": _kind(
            _W,
            "Đang chạy profile development.",
            "The profile is development.",
            'Dùng profile = "strict" khi vận hành thật.',
            'Use profile = "strict" in production.',
        ),
        # Keys and certificates
        "file_unreadable": _kind(
            _E,
            "Không đọc được tệp.",
            "A file cannot be read.",
            "Tạo tệp hoặc sửa đường dẫn trong cấu hình.",
            "Make the file, or correct its path in the configuration.",
        ),
        "key_unfit": _kind(
            _E,
            "Khóa không dùng được.",
            "A key cannot be used.",
            "Làm theo chi tiết; quyền của tệp khóa phải là 0600.",
            "Do as the detail says; a key file has mode 0600.",
        ),
        "key_service_unfit": _kind(
            _E,
            "Tiến trình giữ khóa ký không ký được.",
            "The process that holds the sealing key does not sign.",
            "systemctl status gateway-seal.socket gateway-seal; làm theo chi tiết.",
            "systemctl status gateway-seal.socket gateway-seal; do as the detail says.",
        ),
        "key_mismatch": _kind(
            _E,
            "Khóa và chứng thư không đi với nhau.",
            "A key and its certificate do not belong together.",
            "Đặt đúng cặp khóa và chứng thư.",
            "Put the matching pair in place.",
        ),
        "certificate_expired": _kind(
            _E,
            "Chứng thư đã hết hạn hoặc chưa có hiệu lực.",
            "A certificate has expired or is not yet valid.",
            "Thay chứng thư rồi `gateway reload`.",
            "Replace the certificate, then `gateway reload`.",
        ),
        "certificate_soon": _kind(
            _W,
            "Chứng thư sắp hết hạn.",
            "A certificate ends soon.",
            "Xin chứng thư mới ngay bây giờ.",
            "Order its successor now.",
        ),
        "certificate_usage": _kind(
            _W,
            "Chứng thư ký số không hợp mục đích.",
            "The seal certificate is unfit for its purpose.",
            "Xin chứng thư có digitalSignature hoặc nonRepudiation.",
            "Order one with digitalSignature or nonRepudiation.",
        ),
        "certificate_name": _kind(
            _W,
            "Chứng thư máy chủ không mang tên trong server.public_url.",
            "The server certificate does not carry the name in server.public_url.",
            "Sửa public_url hoặc xin chứng thư có tên đó.",
            "Correct public_url or order a certificate for that name.",
        ),
        "seal_untrusted": _kind(
            _E,
            "Chứng thư ký số không dẫn tới neo tin cậy.",
            "The seal certificate does not lead to the seal anchors.",
            "Đặt CA cấp nó vào [seal] anchors.",
            "Put the CA above it into [seal] anchors.",
        ),
        "anchors_unfit": _kind(
            _E,
            "Thư mục neo tin cậy không dùng được.",
            "A folder of anchors cannot be used.",
            "Làm theo chi tiết.",
            "Do as the detail says.",
        ),
        "enrolment_untrusted": _kind(
            _W,
            "Chứng thư do CA đăng ký cấp sẽ không được chấp nhận.",
            "Certificates of the enrolment CA would not be accepted.",
            "Chép chứng thư CA đăng ký vào [tls] client_anchors.",
            "Copy the enrolment CA's certificate into [tls] client_anchors.",
        ),
        "secret_exposed": _kind(
            _E,
            "Bí mật có thể bị người khác đọc.",
            "A secret may be read by others.",
            "chmod 700 cho thư mục, chmod 600 cho từng tệp.",
            "chmod 700 for the folder, chmod 600 for each file.",
        ),
        "secret_missing": _kind(
            _E,
            "Không có tệp bí mật của một kênh.",
            "The secret of a channel is missing.",
            "Tạo tệp trong [storage] secrets, quyền 0600.",
            "Make the file in [storage] secrets, mode 0600.",
        ),
        # Machine
        "folder_unfit": _kind(
            _E,
            "Thư mục dữ liệu không dùng được.",
            "The data folder cannot be used.",
            "Dùng một ổ đĩa cục bộ, thuộc người dùng của dịch vụ, quyền 0700.",
            "Use a local disk, owned by the service's user, mode 0700.",
        ),
        "disk_low": _kind(
            _E,
            "Đĩa gần đầy: văn bản mới sẽ bị từ chối (503).",
            "The disk is nearly full: new documents get 503.",
            "Giải phóng hoặc mở rộng đĩa.",
            "Free or add disk space.",
        ),
        "disk_soon": _kind(
            _W,
            "Đĩa còn ít chỗ.",
            "The disk has little room left.",
            "Lên kế hoạch mở rộng đĩa.",
            "Plan more disk space.",
        ),
        "backup_unset": _kind(
            _W,
            "Chưa cấu hình sao lưu: mất ổ đĩa là mất tất cả.",
            "No backup is configured: a dead disk takes everything.",
            "Đặt backup.folder ở ổ đĩa khác và bật gateway-backup.timer; xem docs/backup.md.",
            "Set backup.folder to another disk and enable gateway-backup.timer; see docs/backup.md.",
        ),
        "backup_same_disk": _kind(
            _W,
            "Bản sao lưu nằm cùng ổ đĩa với dữ liệu.",
            "The copies lie on the same disk as the data.",
            "Chuyển backup.folder sang ổ đĩa khác.",
            "Move backup.folder to another disk.",
        ),
        "backup_key_unfit": _kind(
            _E,
            "Không dùng được tệp khóa sao lưu, nên không sao lưu và không diễn tập được.",
            "The key file of the backups cannot be used, so there are neither copies nor drills.",
            "Tạo khóa bằng `gateway backup-key`, hoặc sửa quyền tệp thành 0600.",
            "Make one with `gateway backup-key`, or give the file the mode 0600.",
        ),
        "sqlite_affected": _kind(
            _E,
            "SQLite này có lỗi WAL-reset làm hỏng dữ liệu.",
            "This SQLite has the WAL-reset bug, which corrupts data.",
            "Cài pysqlite3 0.6.1 trở lên.",
            "Install pysqlite3 0.6.1 or later.",
        ),
        "sqlite_overridden": _kind(
            _W,
            "Đang chạy trên SQLite có lỗi WAL-reset (allow_affected_sqlite).",
            "It runs on a SQLite with the WAL-reset bug (allow_affected_sqlite).",
            "Cài pysqlite3 0.6.1 trở lên rồi bỏ thiết lập này.",
            "Install pysqlite3 0.6.1 or later and drop the setting.",
        ),
        "schema_newer": _kind(
            _E,
            "Dữ liệu do phiên bản mới hơn ghi.",
            "The data was written by a newer version.",
            "Dùng phiên bản mới hơn của chương trình.",
            "Run the newer version of the program.",
        ),
        "migrations_pending": _kind(
            _I,
            "Lần khởi động tới sẽ nâng cấp cơ sở dữ liệu.",
            "The next start will migrate the database.",
            "Sao lưu thư mục dữ liệu trước đó.",
            "Back the data folder up before.",
        ),
        "port_taken": _kind(
            _E,
            "Cổng mạng đã bị chiếm hoặc không mở được.",
            "A port is taken or cannot be opened.",
            "Dừng chương trình kia hoặc đổi cổng trong cấu hình.",
            "Stop the other program, or change the port.",
        ),
        "parser_memory": _kind(
            _E,
            "Bộ nhớ của tiến trình đọc văn bản quá nhỏ.",
            "The parsers' memory is too small.",
            "Đặt parser.memory ít nhất 256MiB.",
            "Set parser.memory to 256MiB at least.",
        ),
        "parser_memory_large": _kind(
            _W,
            "Các tiến trình đọc văn bản có thể dùng hết bộ nhớ máy.",
            "The parsers may use up the machine's memory.",
            "Giảm parser.processes hoặc parser.memory.",
            "Lower parser.processes or parser.memory.",
        ),
        "parser_alone": _kind(
            _W,
            "Chỉ có một tiến trình đọc văn bản: một tệp lớn làm mọi văn bản khác phải chờ.",
            "There is only one parser: a large file holds up every other document.",
            "Đặt parser.processes ít nhất bằng 2.",
            "Set parser.processes to 2 at least.",
        ),
        "clock_behind": _kind(
            _E,
            "Đồng hồ máy chậm hơn sự kiện mới nhất trong sổ.",
            "The clock is behind the newest event of the ledger.",
            "Bật đồng bộ thời gian (chrony, systemd-timesyncd).",
            "Switch time synchronisation on.",
        ),
        "socket_path": _kind(
            _E,
            "Đường dẫn của socket quản trị quá dài.",
            "The path of the administrators' socket is too long.",
            "Đặt server.admin_socket ngắn hơn 100 ký tự.",
            "Set server.admin_socket to less than 100 characters.",
        ),
        # Layers
        "name_unknown": _kind(
            _E,
            "Không phân giải được tên máy.",
            "The name does not resolve.",
            "Kiểm tra DNS hoặc url của kênh.",
            "Check DNS, or the channel's url.",
        ),
        "connect_failed": _kind(
            _E,
            "Không mở được kết nối TCP.",
            "No TCP connection could be opened.",
            "Kiểm tra tường lửa và xem máy bên kia có chạy không.",
            "Check firewalls, and whether the peer runs.",
        ),
        "tls_failed": _kind(
            _E,
            "Bắt tay TLS thất bại.",
            "The TLS handshake failed.",
            "Kiểm tra chứng thư của bên kia, tên máy và anchors_file.",
            "Check the peer's certificate, its name, and anchors_file.",
        ),
        "clock_skew": _kind(
            _W,
            "Đồng hồ của bên kia lệch.",
            "The peer's clock differs.",
            "Báo bên kia đồng bộ thời gian: chữ ký có thời hạn.",
            "Tell the peer to synchronise: signatures are dated.",
        ),
        "channel_down": _kind(
            _W,
            "Kênh đang ngừng hoặc tạm dừng.",
            "The channel is down or paused.",
            "Xem chi tiết; `gateway resume` nếu đang tạm dừng.",
            "See the detail; `gateway resume` if it is paused.",
        ),
        "channel_unfit": _kind(
            _E,
            "Cấu hình của kênh không dùng được.",
            "The channel's settings cannot be used.",
            "Sửa bằng `gateway agencies endpoint set`.",
            "Mend it with `gateway agencies endpoint set`.",
        ),
        "last_refused": _kind(
            _W,
            "Lần chuyển gần nhất không thành công.",
            "The last transmission did not succeed.",
            "Xem câu trả lời trong chi tiết.",
            "See the reply in the detail.",
        ),
        "server_stopped": _kind(
            _E,
            "Máy chủ không chạy.",
            "The server does not run.",
            "Khởi động `gateway serve` và xem nhật ký.",
            "Start `gateway serve` and look at its log.",
        ),
        "not_ready": _kind(
            _E,
            "Máy chủ chạy nhưng không nhận được văn bản.",
            "The server runs but cannot accept documents.",
            "Xem chi tiết của /readyz.",
            "See the details of /readyz.",
        ),
        "wal_large": _kind(
            _W,
            "Tệp WAL lớn bất thường.",
            "The write-ahead log is unusually large.",
            "Tìm tiến trình đang giữ một lượt đọc dài.",
            "Look for a process that holds a long read open.",
        ),
        "layer_fine": _kind(_I, "Tầng này tốt.", "This layer is fine.", "Không cần làm gì.", "Nothing to do."),
    }
)
