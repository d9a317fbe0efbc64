"""The closed list of what `check` and `doctor` can find, each with a sentence and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gateway.audit.findings import Kind, Severity, kind
from gateway.diagnosis.doctor_kinds import DOCTOR_KINDS
from gateway.diagnosis.evidence_kinds import EVIDENCE_KINDS

_E, _W, _I = Severity.ERROR, Severity.WARNING, Severity.INFO

KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        # Configuration
        "lease_short": kind(
            _E,
            "delivery.lease phải dài hơn delivery.timeout.",
            "delivery.lease must be longer than delivery.timeout.",
            "Tăng lease lên ít nhất 1,5 lần timeout.",
            "Raise lease to at least 1.5 times timeout.",
        ),
        "retry_order": kind(
            _E,
            "Các thời hạn thử lại mâu thuẫn.",
            "The retry times contradict each other.",
            "Giữ base ≤ cap và give_up_after ≤ give_up_hard.",
            "Keep base <= cap and give_up_after <= give_up_hard.",
        ),
        "organ_id_missing": kind(
            _E,
            "Chưa đặt mã định danh của trục (seal.organ_id).",
            "The gateway's own organ id is not set.",
            "Ghi seal.organ_id: mã dùng trong From của các trạng thái do trục gửi.",
            "Set seal.organ_id: it is the From of the statuses that the gateway writes for itself.",
        ),
        "organ_id_opaque": kind(
            _W,
            "seal.organ_id không thuộc dạng mã chính thức nào, và chưa có danh bạ để đối chiếu.",
            "seal.organ_id has neither official form, and there is no directory yet that knows it.",
            "Kiểm tra mã (ví dụ 000.00.00.H33), rồi nhập danh bạ có mã này.",
            "Check the code (such as 000.00.00.H33), then import a directory that has it.",
        ),
        "database_unreadable": kind(
            _E,
            "Có cơ sở dữ liệu nhưng không đọc được.",
            "There is a database, but it cannot be read.",
            "Chạy `gateway fsck`: nó nói rõ hỏng gì và phải làm gì.",
            "Run `gateway fsck`: it says what is wrong and what to do.",
        ),
        "organ_id_unknown": kind(
            _W,
            "Danh bạ không có seal.organ_id: trục không gửi được trạng thái của chính mình.",
            "The directory does not know seal.organ_id: the gateway sends no statuses of its own.",
            "Sửa mã, hoặc thêm cơ quan mang mã này bằng `gateway agencies import`.",
            "Correct the code, or add an agency with it by `gateway agencies import`.",
        ),
        "alarms_unmailed": kind(
            _E,
            "Cảnh báo được gửi bằng thư nhưng chưa đặt máy chủ thư.",
            "Alarms go out by mail, but no mail server is set.",
            "Đặt [mail] host và sender, hoặc bỏ alarms.mail.",
            "Set [mail] host and sender, or take away alarms.mail.",
        ),
        "alarms_unset": kind(
            _W,
            "Không ai được báo khi có cảnh báo.",
            "Nobody is told of alarms.",
            "Đặt [alarms] mail hoặc url; nếu không, chỉ thấy trong trang quản trị.",
            "Set [alarms] mail or url; otherwise they are seen in the console only.",
        ),
        "operations_exposed": kind(
            _W,
            "Cổng vận hành (HTTP thường) mở ra ngoài máy.",
            "The operations listener (plain HTTP) leaves the machine.",
            "Đặt server.operations_host là 127.0.0.1 hoặc chặn bằng tường lửa.",
            "Set server.operations_host to 127.0.0.1, or fence it with a firewall.",
        ),
        "failpoints_armed": kind(
            _E,
            "GATEWAY_FAILPOINTS đang được đặt: tiến trình sẽ tự kết thúc.",
            "GATEWAY_FAILPOINTS is set: the process will kill itself.",
            "Bỏ biến môi trường này khỏi dịch vụ.",
            "Remove the variable from the service's environment.",
        ),
        "development_profile": kind(
            _W,
            "Đang chạy profile development.",
            "The profile is development.",
            'Dùng profile = "strict" khi vận hành thật.',
            'Use profile = "strict" in production.',
        ),
        # Machine
        "folder_unfit": kind(
            _E,
            "Thư mục dữ liệu không dùng được.",
            "The data folder cannot be used.",
            "Dùng một ổ đĩa cục bộ, thuộc người dùng của dịch vụ, quyền 0700.",
            "Use a local disk, owned by the service's user, mode 0700.",
        ),
        "disk_low": kind(
            _E,
            "Đĩa gần đầy: văn bản mới sẽ bị từ chối (503).",
            "The disk is nearly full: new documents get 503.",
            "Giải phóng hoặc mở rộng đĩa.",
            "Free or add disk space.",
        ),
        "disk_soon": kind(
            _W,
            "Đĩa còn ít chỗ.",
            "The disk has little room left.",
            "Lên kế hoạch mở rộng đĩa.",
            "Plan more disk space.",
        ),
        "backup_unset": kind(
            _W,
            "Chưa cấu hình sao lưu: mất ổ đĩa là mất tất cả.",
            "No backup is configured: a dead disk takes everything.",
            "Đặt backup.folder ở ổ đĩa khác và bật gateway-backup.timer; xem docs/backup.md.",
            "Set backup.folder to another disk and enable gateway-backup.timer; see docs/backup.md.",
        ),
        "backup_same_disk": kind(
            _W,
            "Bản sao lưu nằm cùng ổ đĩa với dữ liệu.",
            "The copies lie on the same disk as the data.",
            "Chuyển backup.folder sang ổ đĩa khác.",
            "Move backup.folder to another disk.",
        ),
        "backup_key_unfit": kind(
            _E,
            "Không dùng được tệp khóa sao lưu, nên không sao lưu và không diễn tập được.",
            "The key file of the backups cannot be used, so there are neither copies nor drills.",
            "Tạo khóa bằng `gateway backup-key`, hoặc sửa quyền tệp thành 0600.",
            "Make one with `gateway backup-key`, or give the file the mode 0600.",
        ),
        "sqlite_affected": kind(
            _E,
            "SQLite này có lỗi WAL-reset làm hỏng dữ liệu.",
            "This SQLite has the WAL-reset bug, which corrupts data.",
            "Cài pysqlite3 0.6.1 trở lên.",
            "Install pysqlite3 0.6.1 or later.",
        ),
        "sqlite_overridden": kind(
            _W,
            "Đang chạy trên SQLite có lỗi WAL-reset (allow_affected_sqlite).",
            "It runs on a SQLite with the WAL-reset bug (allow_affected_sqlite).",
            "Cài pysqlite3 0.6.1 trở lên rồi bỏ thiết lập này.",
            "Install pysqlite3 0.6.1 or later and drop the setting.",
        ),
        "schema_newer": kind(
            _E,
            "Dữ liệu do phiên bản mới hơn ghi.",
            "The data was written by a newer version.",
            "Dùng phiên bản mới hơn của chương trình.",
            "Run the newer version of the program.",
        ),
        "migrations_pending": kind(
            _I,
            "Lần khởi động tới sẽ nâng cấp cơ sở dữ liệu.",
            "The next start will migrate the database.",
            "Sao lưu thư mục dữ liệu trước đó.",
            "Back the data folder up before.",
        ),
        "port_taken": kind(
            _E,
            "Cổng mạng đã bị chiếm hoặc không mở được.",
            "A port is taken or cannot be opened.",
            "Dừng chương trình kia hoặc đổi cổng trong cấu hình.",
            "Stop the other program, or change the port.",
        ),
        "plain_http": kind(
            _W,
            "Có cổng HTTP không mã hóa: ai đọc được đường truyền thì đọc được văn bản và giả được nơi gửi.",
            "Plain HTTP is open: whoever sees the line reads the documents, and can send in others' names.",
            "Chỉ dùng sau VPN; chuyển các hệ thống cũ sang TLS 1.2 rồi đặt bindings.plain_port = 0.",
            "Use it behind a VPN only; move old systems to TLS 1.2, then set bindings.plain_port = 0.",
        ),
        "plain_host_unfit": kind(
            _E,
            "HTTP không mã hóa không được mở ở đây.",
            "Plain HTTP may not be opened here.",
            "Ghi tên giao diện mạng của VPN (như wg0), không ghi địa chỉ của nó; địa chỉ chỉ được là loopback.",
            "Name the VPN's interface (such as wg0), not its address; an address may only be loopback.",
        ),
        "head_small": kind(
            _W,
            "Tiêu đề HTTP bị giới hạn quá nhỏ: văn bản gửi 1.000 nơi sẽ bị từ chối.",
            "Header fields are bounded too tightly: a document to 1,000 recipients will be refused.",
            "Đặt bindings.max_head ít nhất 96KiB.",
            "Set bindings.max_head to 96KiB at least.",
        ),
        "bindings_closed": kind(
            _E,
            "Cổng của các giao thức khác không trả lời.",
            "The listener of the other protocols does not answer.",
            "Xem nhật ký khi khởi động; kiểm tra bindings.host và bindings.port.",
            "Look at the log of the last start; check bindings.host and bindings.port.",
        ),
        "shared_key_unfit": kind(
            _E,
            "Không mở được khóa bí mật dùng chung: các hệ thống dùng nó không đăng nhập được.",
            "Shared secrets cannot be opened: systems that use them are refused.",
            "Chép lại tệp khóa từ bản sao lưu (chmod 600), hoặc thu hồi rồi cấp khóa mới.",
            "Put the key file back from a backup (chmod 600), or revoke the secrets and issue new ones.",
        ),
        "second_factors_lost": kind(
            _E,
            "Không mở được mã xác thực của người dùng: họ không đăng nhập được vào trang quản lý.",
            "People's second factors cannot be opened: they cannot sign in to the console.",
            "Chép lại tệp khóa từ bản sao lưu (chmod 600); không còn thì `gateway users reset TÊN` cho từng người.",
            "Put the key file back from a backup (chmod 600), or `gateway users reset LOGIN` for each of them.",
        ),
        "parser_memory": kind(
            _E,
            "Bộ nhớ của tiến trình đọc văn bản quá nhỏ.",
            "The parsers' memory is too small.",
            "Đặt parser.memory ít nhất 256MiB.",
            "Set parser.memory to 256MiB at least.",
        ),
        "parser_memory_large": kind(
            _W,
            "Các tiến trình đọc văn bản có thể dùng hết bộ nhớ máy.",
            "The parsers may use up the machine's memory.",
            "Giảm parser.processes hoặc parser.memory.",
            "Lower parser.processes or parser.memory.",
        ),
        "parser_alone": kind(
            _W,
            "Chỉ có một tiến trình đọc văn bản: một tệp lớn làm mọi văn bản khác phải chờ.",
            "There is only one parser: a large file holds up every other document.",
            "Đặt parser.processes ít nhất bằng 2.",
            "Set parser.processes to 2 at least.",
        ),
        "clock_behind": kind(
            _E,
            "Đồng hồ máy chậm hơn sự kiện mới nhất trong sổ.",
            "The clock is behind the newest event of the ledger.",
            "Bật đồng bộ thời gian (chrony, systemd-timesyncd).",
            "Switch time synchronisation on.",
        ),
        "socket_path": kind(
            _E,
            "Đường dẫn của socket quản trị quá dài.",
            "The path of the administrators' socket is too long.",
            "Đặt server.admin_socket ngắn hơn 100 ký tự.",
            "Set server.admin_socket to less than 100 characters.",
        ),
        **EVIDENCE_KINDS,
        **DOCTOR_KINDS,
    }
)
