"""What is found at keys, certificates, the log, its stamps and witnesses; part of `gateway.check_kinds.KINDS`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gateway.audit.findings import Kind, Severity, kind

_E, _W, _I = Severity.ERROR, Severity.WARNING, Severity.INFO

EVIDENCE_KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "file_unreadable": kind(
            _E,
            "Không đọc được tệp.",
            "A file cannot be read.",
            "Tạo tệp hoặc sửa đường dẫn trong cấu hình.",
            "Make the file, or correct its path in the configuration.",
        ),
        "key_unfit": kind(
            _E,
            "Khóa không dùng được.",
            "A key cannot be used.",
            "Làm theo chi tiết; quyền của tệp khóa phải là 0600.",
            "Do as the detail says; a key file has mode 0600.",
        ),
        "key_service_unfit": kind(
            _E,
            "Tiến trình giữ khóa ký không ký được.",
            "The process that holds the sealing key does not sign.",
            "systemctl status gateway-seal.socket gateway-seal; làm theo chi tiết.",
            "systemctl status gateway-seal.socket gateway-seal; do as the detail says.",
        ),
        "key_mismatch": kind(
            _E,
            "Khóa và chứng thư không đi với nhau.",
            "A key and its certificate do not belong together.",
            "Đặt đúng cặp khóa và chứng thư.",
            "Put the matching pair in place.",
        ),
        "renewal_failing": kind(
            _E,
            "Không gia hạn được chứng thư TLS của máy chủ.",
            "The server's TLS certificate cannot be renewed.",
            "Xem docs/acme.md; thử lại bằng `gateway tls renew`.",
            "See docs/acme.md; try again by `gateway tls renew`.",
        ),
        "certificate_expired": kind(
            _E,
            "Chứng thư đã hết hạn hoặc chưa có hiệu lực.",
            "A certificate has expired or is not yet valid.",
            "Thay chứng thư rồi `gateway reload`.",
            "Replace the certificate, then `gateway reload`.",
        ),
        "certificate_soon": kind(
            _W,
            "Chứng thư sắp hết hạn.",
            "A certificate ends soon.",
            "Xin chứng thư mới ngay bây giờ.",
            "Order its successor now.",
        ),
        "certificate_last_days": kind(
            _E,
            "Chứng thư còn không quá 7 ngày, đã hết hạn hoặc không đọc được.",
            "A certificate ends within 7 days, has ended or cannot be read.",
            "Thay ngay: `gateway keys stage`, `gateway keys switch`; xem docs/keys.md.",
            "Replace it now: `gateway keys stage`, `gateway keys switch`; see docs/keys.md.",
        ),
        "certificate_usage": kind(
            _W,
            "Chứng thư ký số không hợp mục đích.",
            "The seal certificate is unfit for its purpose.",
            "Xin chứng thư có digitalSignature hoặc nonRepudiation.",
            "Order one with digitalSignature or nonRepudiation.",
        ),
        "certificate_name": kind(
            _W,
            "Chứng thư máy chủ không mang tên trong server.public_url.",
            "The server certificate does not carry the name in server.public_url.",
            "Sửa public_url hoặc xin chứng thư có tên đó.",
            "Correct public_url or order a certificate for that name.",
        ),
        "seal_untrusted": kind(
            _E,
            "Chứng thư ký số không dẫn tới neo tin cậy.",
            "The seal certificate does not lead to the seal anchors.",
            "Đặt CA cấp nó vào [seal] anchors.",
            "Put the CA above it into [seal] anchors.",
        ),
        "anchors_unfit": kind(
            _E,
            "Thư mục neo tin cậy không dùng được.",
            "A folder of anchors cannot be used.",
            "Làm theo chi tiết.",
            "Do as the detail says.",
        ),
        "enrolment_untrusted": kind(
            _W,
            "Chứng thư do CA đăng ký cấp sẽ không được chấp nhận.",
            "Certificates of the enrolment CA would not be accepted.",
            "Chép chứng thư CA đăng ký vào [tls] client_anchors.",
            "Copy the enrolment CA's certificate into [tls] client_anchors.",
        ),
        "secret_exposed": kind(
            _E,
            "Bí mật có thể bị người khác đọc.",
            "A secret may be read by others.",
            "chmod 700 cho thư mục, chmod 600 cho từng tệp.",
            "chmod 700 for the folder, chmod 600 for each file.",
        ),
        "secret_missing": kind(
            _E,
            "Không có tệp bí mật của một kênh.",
            "The secret of a channel is missing.",
            "Tạo tệp trong [storage] secrets, quyền 0600.",
            "Make the file in [storage] secrets, mode 0600.",
        ),
        "seal_failing": kind(
            _E,
            "Khóa ký biên nhận không ký được: văn bản mới bị từ chối (503), không có biên nhận nào thiếu chữ ký.",
            "The key that seals does not sign: new documents get 503, none gets a receipt without a seal.",
            "Làm theo chi tiết; xem docs/runbook.md, GatewaySealFailing.",
            "Do as the detail says; see docs/runbook.md, GatewaySealFailing.",
        ),
        "key_silent": kind(
            _E,
            "Tiến trình giữ khóa ký không trả lời.",
            "The process that signs does not answer.",
            "systemctl status gateway-seal; token chậm hoặc treo thì xem trình điều khiển của nó.",
            "systemctl status gateway-seal; if a token is slow or hangs, look at its driver.",
        ),
        "password_refused": kind(
            _E,
            "Mật khẩu của tệp PKCS#12 không đúng.",
            "The password does not open the PKCS#12 file.",
            "Sửa dòng trong tệp mật khẩu (quyền 0600), rồi `gateway reload`.",
            "Correct the line in the file with the password (mode 0600), then `gateway reload`.",
        ),
        "pin_refused": kind(
            _E,
            "Token từ chối mã PIN; không tự thử lại để token không bị khóa.",
            "The token refused the PIN; it is not tried again by itself, or the token would lock.",
            "Sửa tệp PIN, rồi chạy `gateway keys try --pin-again` một lần.",
            "Correct the PIN's file, then run `gateway keys try --pin-again` once.",
        ),
        "pin_locked": kind(
            _E,
            "Mã PIN của token đã bị khóa.",
            "The token's PIN is locked.",
            "Người quản trị token mở khóa bằng mã SO PIN; trong lúc chờ, dùng khóa dự phòng.",
            "The token's administrator unlocks it with the SO PIN; use another key meanwhile.",
        ),
        "token_missing": kind(
            _E,
            "Không thấy token.",
            "The token is not there.",
            "Cắm token, hoặc sửa nhãn trong [seal] token.",
            "Plug it in, or correct its label in the setting token.",
        ),
        "token_failed": kind(
            _E,
            "Token báo lỗi.",
            "The token fails.",
            "Xem token, dây nối và trình điều khiển của nó; nó được thử lại ở mỗi văn bản.",
            "Look at the token, its line and its driver; it is tried again with each document.",
        ),
        "token_key_missing": kind(
            _E,
            "Token không có khóa của chứng thư này.",
            "The token holds no key of this certificate.",
            "Sửa object trong cấu hình token, hoặc đặt đúng chứng thư.",
            "Correct object in the setting token, or put the right certificate in place.",
        ),
        "module_unusable": kind(
            _E,
            "Không dùng được trình điều khiển của token.",
            "The token's driver cannot be used.",
            'Cài trình điều khiển và `pip install "gateway[pkcs11]"`; kiểm tra module-path.',
            'Install the driver and `pip install "gateway[pkcs11]"`; check module-path.',
        ),
        "institution_late": kind(
            _E,
            "Khóa của cơ quan chưa ký mốc nhật ký quá lâu.",
            "The institution's key has not signed a checkpoint for too long.",
            "Xem chi tiết và docs/runbook.md, GatewayInstitutionLate.",
            "See the detail, and docs/runbook.md, GatewayInstitutionLate.",
        ),
        "log_unset": kind(
            _W,
            "Chưa thiết lập nhật ký minh bạch: không có mốc nào được ký.",
            "The transparency log is not set up: nothing of it is signed.",
            "Chạy `gateway log init`, rồi `gateway reload`.",
            "Run `gateway log init`, then `gateway reload`.",
        ),
        "log_mark_misplaced": kind(
            _E,
            "Tệp [log] mark nằm trong thư mục dữ liệu hoặc thư mục sao lưu.",
            "The file [log] mark lies in the data folder or among the backups.",
            "Đặt nó ra ngoài: sau khi khôi phục, chính nó cho biết nhật ký đã ký tới đâu.",
            "Put it elsewhere: after a restore it alone tells how far the log was signed.",
        ),
        "log_refusing": kind(
            _E,
            "Nhật ký minh bạch không được ký.",
            "The transparency log is not signed.",
            "Xem docs/runbook.md, GatewayLogNotSigned; `gateway log show` nói vì sao.",
            "See docs/runbook.md, GatewayLogNotSigned; `gateway log show` says why.",
        ),
        "stamps_late": kind(
            _E,
            "Mốc nhật ký chờ dấu thời gian quá lâu.",
            "Checkpoints wait too long for their time stamps.",
            "Xem docs/runbook.md, GatewayStampsLate.",
            "See docs/runbook.md, GatewayStampsLate.",
        ),
        "log_contradicted": kind(
            _E,
            "Một nhân chứng đã thấy lịch sử khác của nhật ký.",
            "A witness has seen another history of the log.",
            "Xem ngay docs/runbook.md, GatewayLogContradicted.",
            "See docs/runbook.md, GatewayLogContradicted, at once.",
        ),
        "witness_late": kind(
            _W,
            "Một nhân chứng không ký mốc nhật ký đã quá lâu.",
            "A witness has not cosigned for too long.",
            "Xem docs/runbook.md, GatewayWitnessLate.",
            "See docs/runbook.md, GatewayWitnessLate.",
        ),
    }
)
