"""What settings mean, in Vietnamese: by section and name. The English stands with the settings themselves.

What adapters declare has both there. A test finds a setting that has none, and a meaning that is left over.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

MEANINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "profile": "development cho phép những tiện lợi của môi trường thử",
        "server.host": "địa chỉ cổng dành cho hệ thống các cơ quan (TLS)",
        "server.port": "số cổng dành cho hệ thống các cơ quan",
        "server.public_url": "địa chỉ các cơ quan gọi tới; ghi trong mã một lần",
        "server.operations_host": "địa chỉ cổng vận hành: /healthz, /readyz và /metrics",
        "server.operations_port": "số cổng vận hành (HTTP thường: chỉ để trong máy này)",
        "server.admin_socket": "Unix socket của người quản trị, dưới thư mục dữ liệu",
        "server.request_timeout": "thời gian lâu nhất để nhận một yêu cầu, thêm một giây cho mỗi 512 KiB",
        "server.slow_body_bytes_per_second": "yêu cầu gửi tới chậm hơn mức trung bình này thì bị ngắt",
        "server.drain_timeout": "khi dừng (SIGTERM), chờ việc đang làm bao lâu",
        "server.max_connections": "số kết nối cùng lúc",
        "server.max_connections_per_address": (
            "trong đó từ một địa chỉ, mỗi giây thêm mới một phần mười; tăng lên khi đứng sau máy chủ trung gian"
        ),
        "tls.certificate": "chứng thư máy chủ và chuỗi (RSA cho hệ thống cũ)",
        "tls.key": "khóa của chứng thư đó; quyền 0600",
        "tls.client_anchors": "thư mục các CA cấp chứng thư cho hệ thống cơ quan",
        "acme.directory": "địa chỉ ACME của CA; để trống: tự đặt chứng thư vào chỗ",
        "acme.anchors": "tệp các CA để tin máy chủ ACME; để trống: của hệ điều hành",
        "acme.names": "tên miền trong chứng thư, từng tên được chứng minh với CA qua HTTP",
        "acme.contact": "thư điện tử để CA liên hệ",
        "acme.account_key": "khóa tài khoản tại CA; tạo ở lần xin đầu tiên",
        "acme.key_id": "mã khóa của tài khoản ngoài, nếu CA đòi",
        "acme.hmac_key": "tệp chứa khóa của tài khoản đó, dạng base64url; quyền 0600",
        "acme.host": "địa chỉ trả lời câu hỏi của CA, chỉ mở trong lúc xin chứng thư",
        "acme.port": "số cổng ở đó; CA hỏi cổng 80, nên nếu dùng cổng khác thì chuyển tiếp cổng 80 tới",
        "acme.renew_before": "gia hạn trước khi hết hạn bao lâu; nhiều nhất là một phần ba thời hạn cuối",
        "acme.every": "khoảng cách giữa hai lần xem",
        "seal.certificate": "chứng thư đóng dấu tiếp nhận và chuỗi",
        "seal.key": (
            "khóa của nó, RSA hoặc P-256: PEM, hoặc PKCS#12 nếu tên kết thúc bằng .p12 hay .pfx; quyền 0600"
        ),
        "seal.token": (
            'thiết bị PKCS#11 giữ khóa thay tệp, dạng "pkcs11:token=NHÃN?module-path=/usr/lib/libtoken.so"'
        ),
        "seal.secret": "tệp chứa mật khẩu PKCS#12 hoặc mã PIN của thiết bị; quyền 0600",
        "seal.socket": "của `gateway keys serve`, nơi duy nhất đọc khóa; để trống: một tiến trình con đọc",
        "seal.anchors": "thư mục các CA của dấu tiếp nhận; `fsck` dùng",
        "seal.organ_id": "mã định danh của chính trục, ghi ở From trong các trạng thái do trục lập",
        "log.vkey": "các khóa công khai của nhật ký, mỗi dòng một khóa; tên ở dòng đầu là tên nhật ký",
        "log.key": "khóa của nhật ký, Ed25519; quyền 0600; chỉ tiến trình ký đọc",
        "log.origin": 'tên nhật ký, cho `gateway log init`; để trống: theo mã định danh, như "000.00.00.H33/log"',
        "log.every": "khoảng cách giữa hai lần ký mốc nhật ký",
        "log.mark": (
            "nơi ghi mốc vừa ký; để cạnh thư mục dữ liệu, không để bên trong hay trong bản sao lưu, nếu không "
            "thì vô ích"
        ),
        "log.witnesses": (
            'ai cùng ký các mốc (docs/witness.md), dạng "URL VKEY" hoặc "URL VKEY TỆP", tệp chứa các CA; để '
            "trống: không ai"
        ),
        "log.quorum": "số bên làm chứng một bằng chứng cần có; chờ tới mốc đầu tiên đủ số đó",
        "log.witness_timeout": "thời gian lâu nhất cho một lần hỏi bên làm chứng",
        "log.witness_grace": "bên làm chứng được chậm bao lâu trước khi cảnh báo",
        "log.head_to": "mã cơ quan nhận mốc mới nhất dưới dạng văn bản, mỗi tuần một lần",
        "institution.certificate": "chứng thư của cơ quan chủ quản và chuỗi; không có tệp thì không ký gì",
        "institution.anchors": "thư mục các CA của chứng thư đó; có thể không có",
        "institution.key": "khóa của nó, như [seal] key",
        "institution.token": "thiết bị giữ khóa thay tệp, như [seal] token",
        "institution.secret": "tệp chứa mật khẩu hoặc mã PIN, như [seal] secret",
        "institution.socket": "của một `gateway keys serve` riêng; để trống: một tiến trình con đọc khóa",
        "institution.every": "khoảng cách giữa hai lần ký lên mốc mới nhất",
        "institution.timeout": "thời gian lâu nhất cho một lần ký, chẳng hạn với thiết bị chậm",
        "institution.grace": "không ký được bao lâu thì cảnh báo",
        "stamps.servers": (
            'máy chủ cấp dấu thời gian (RFC 3161) theo thứ tự hỏi, dạng "URL", "URL POLICY" hoặc "URL POLICY own"; '
            "để trống: không lấy dấu"
        ),
        "stamps.anchors": "thư mục các CA của dấu thời gian",
        "stamps.every": "khoảng cách giữa hai lần xem còn gì chưa có dấu thời gian",
        "stamps.timeout": "thời gian lâu nhất cho một lần hỏi",
        "stamps.grace": "mốc nhật ký chờ dấu thời gian bao lâu thì cảnh báo",
        "stamps.receipts": (
            "record: đóng dấu thời gian chung cho biên nhận của mỗi phút; each: từng biên nhận; none: chỉ "
            "đóng cho nhật ký"
        ),
        "enrolment.certificate": "chứng thư của CA cấp cho khóa của các cơ quan",
        "enrolment.key": "khóa của CA đó; quyền 0600; chỉ tiến trình CA đọc",
        "enrolment.certificate_days": "thời hạn chứng thư cấp ra, tính bằng ngày; nhiều nhất 398",
        "enrolment.code_lifetime": "mã một lần dùng được trong bao lâu",
        "enrolment.renew_before": "được gia hạn chứng thư từ bao lâu trước khi hết hạn",
        "storage.folder": (
            "cơ sở dữ liệu, nội dung văn bản, vùng đệm, khóa tệp; một ổ đĩa tại chỗ, không bao giờ là ổ mạng"
        ),
        "storage.allow_affected_sqlite": "chạy cả với bản SQLite còn lỗi WAL-reset; có cảnh báo",
        "storage.readers": "số kết nối chỉ đọc",
        "storage.min_free_bytes": "đĩa trống ít hơn mức này thì không nhận văn bản mới (503)",
        "storage.max_waiting_writes": "số việc chờ ghi trước khi trả 503",
        "storage.encrypt_bodies": (
            "mã hóa nội dung trên đĩa; false: nội dung mới để thường, nội dung cũ vẫn mở được"
        ),
        "storage.body_key": (
            "khóa để mã hóa; quyền 0600; không có trong bản sao lưu: hãy sao ra nơi khác (docs/encryption.md)"
        ),
        "storage.body_token": (
            "thiết bị PKCS#11 giữ khóa thay tệp, như [seal] token, thêm object=NHÃN là nhãn của khóa AES"
        ),
        "storage.body_secret": "tệp chứa mã PIN của thiết bị đó; quyền 0600",
        "storage.secrets": "thư mục khóa bí mật dùng với hệ thống bạn, mỗi khóa một tệp, quyền 0600",
        "storage.keep_ended": (
            "báo tin và đẩy lại đã kết thúc còn nằm trong danh sách bao lâu, ít nhất 7d; sự kiện vẫn giữ"
        ),
        "limits.max_body": "yêu cầu lớn nhất: một tệp 1 GiB dạng base64 cùng phần đầu",
        "limits.max_header": "phần đầu edXML lớn nhất, không kể tệp đính kèm",
        "limits.max_attachment": "một tệp đính kèm lớn nhất, sau khi giải nén",
        "limits.max_attachments_total": "tổng các tệp đính kèm của một văn bản, sau khi giải nén",
        "limits.max_zip_ratio": "tỷ lệ nén lớn nhất của tệp đính kèm nén",
        "limits.max_recipients": "số nơi nhận trong một lần gửi",
        "limits.max_attachments": "số tệp đính kèm của một văn bản",
        "limits.daily_quota": "dung lượng x số nơi nhận một cơ quan được gửi mỗi ngày",
        "limits.requests_per_second": "số yêu cầu mỗi giây của một cơ quan; dồn lại được gấp đôi",
        "limits.deliveries_per_second": (
            "văn bản x nơi nhận, trạng thái và mảnh tải lên của một cơ quan mỗi giây; dồn lại được gấp mười"
        ),
        "limits.requests_at_once": "số yêu cầu cùng lúc của một cơ quan, kể cả yêu cầu chờ lâu",
        "limits.uploads_at_once": "trong đó có nội dung trên 1 MiB hoặc không rõ dung lượng",
        "limits.uploads_open": "số lần tải lên từng mảnh còn dở của một cơ quan",
        "limits.upload_lifetime": "một lần tải lên từng mảnh được kéo dài bao lâu, từ lúc bắt đầu",
        "limits.desk_files": (
            "dung lượng tệp của một cơ quan ở bàn văn thư: của các bản nháp, và của tệp tới trong một ngày"
        ),
        "limits.desk_drafts": "số bản nháp của một cơ quan ở bàn văn thư",
        "limits.strangers_per_second": (
            "số yêu cầu mỗi giây của một địa chỉ chưa xác thực, dồn được 200; tăng lên khi đứng sau máy chủ "
            "trung gian"
        ),
        "limits.idempotency_days": "giữ Idempotency-Key bao nhiêu ngày",
        "parser.processes": (
            "số tiến trình đọc tệp từ ngoài; tệp lớn luôn chừa một tiến trình cho tệp khác, trừ khi chỉ có một"
        ),
        "parser.memory": "bộ nhớ của một tiến trình",
        "parser.timeout": "thời gian lâu nhất cho một tệp, thêm một giây cho mỗi 8 MiB",
        "parser.recycle_after": "sau bao nhiêu tệp thì thay tiến trình mới",
        "delivery.base": "lần chờ đầu sau khi hỏng tạm thời; mỗi lần sau gấp đôi",
        "delivery.cap": "lần chờ lâu nhất",
        "delivery.give_up_after": "sau bao lâu thì thôi gửi, không kể thời gian kênh ngừng",
        "delivery.give_up_hard": "sau bao lâu thì thôi gửi dù kênh ra sao",
        "delivery.warn_at": "báo trước khi đã qua phần này của thời hạn đó",
        "delivery.timeout": "thời gian lâu nhất của một lần gửi, khi kênh không đặt khác",
        "delivery.lease": "một lượt nhận việc giữ được bao lâu khi tiến trình nhận đã mất; phải dài hơn timeout",
        "delivery.max_in_flight": "số lượt gửi cùng lúc trên mọi kênh",
        "delivery.breaker_failures": "số lần hỏng kết nối liên tiếp thì tạm ngắt kênh",
        "delivery.breaker_probe": "lần chờ đầu trước khi thử lại kênh bị ngắt; gấp đôi dần tới cap",
        "delivery.ageing": "chờ bao lâu thì được nâng một bậc ưu tiên",
        "delivery.retry_after_max": "Retry-After lâu nhất được chấp nhận",
        "delivery.inbox_lease_max": "một văn bản trong hộp đến được giữ chỗ lâu nhất bao lâu",
        "delivery.poison_crashes": "số lần sập khi đang gửi thì đưa vào cách ly",
        "webhook.allowed_networks": (
            "mạng nội bộ mà kênh được dẫn tới; địa chỉ công cộng không cần, profile development không cần"
        ),
        "webhook.verify": (
            "nơi nhận có phải trả lời câu thử trước văn bản đầu tiên không; by_profile: có khi profile là strict"
        ),
        "webhook.secret_overlap": "khóa bí mật cũ còn ký song song với khóa mới bao lâu",
        "mail.host": "máy chủ gửi thư; để trống: không gửi thư",
        "mail.port": "số cổng của máy chủ đó",
        "mail.tls": "none: không mã hóa, chỉ trong máy này",
        "mail.anchors": "tệp các CA của máy chủ thư; để trống: của hệ điều hành",
        "mail.username": "tài khoản ở đó; để trống: không có",
        "mail.password_file": "tên tệp trong storage.secrets chứa mật khẩu; quyền 0600",
        "mail.sender": "địa chỉ gửi (From), như truc@vanban.example.vn",
        "mail.bounces": "địa chỉ nhận thư bị trả, dạng tên+mã@miền; để trống: địa chỉ gửi",
        "mail.bounce_folder": "Maildir mà máy chủ thư bỏ thư bị trả vào; để trống: không đọc",
        "mail.wait": "văn bản chờ bao lâu thì gửi thư báo; văn bản khẩn: ngay",
        "mail.digest_at": "giờ gửi thư tổng hợp trong ngày, giờ Việt Nam",
        "mail.per_hour": "số thư mỗi giờ cho một cơ quan; quá thì chờ",
        "mail.attach_most": "văn bản lớn nhất được kèm trong thư, nếu cơ quan muốn",
        "calls.url": "nơi nhận yêu cầu cho mỗi cuộc gọi; để trống: không gọi",
        "calls.secret_file": "tên tệp trong storage.secrets: ký các yêu cầu và liên kết trong đó",
        "calls.anchors": "tệp các CA của nơi đó; để trống: của hệ điều hành",
        "calls.priority": "gọi từ độ khẩn nào: 2 thượng khẩn, 3 hỏa tốc",
        "calls.per_hour": "số cuộc gọi mỗi giờ cho một cơ quan; quá thì chờ và gộp lại",
        "alarms.mail": 'địa chỉ nhận cảnh báo, như ["truc@example.vn"]; cần [mail] host',
        "alarms.url": "nơi cảnh báo còn được đẩy tới, mỗi cái một văn bản JSON; để trống: không đẩy",
        "alarms.secret_file": "tên tệp trong storage.secrets: ký những gì đẩy đi, như webhook",
        "alarms.anchors": "tệp các CA của nơi đó; để trống: của hệ điều hành",
        "alarms.repeat": "báo lại sau bao lâu khi chưa ai nhận việc; 0s: không báo lại",
        "alarms.settle": "sự cố phải hết bao lâu thì cảnh báo mới đóng",
        "alarms.quiet_from": "từ giờ này chỉ báo hỏa tốc, giờ Việt Nam; để trống: không có giờ yên",
        "alarms.quiet_until": "đến giờ này; lúc đó báo những gì đã giữ lại",
        "alarms.quiet_days": 'những ngày yên cả ngày, như ["sat", "sun"]',
        "alarms.backlog": "văn bản cũ nhất được chờ gửi qua một kênh bao lâu",
        "alarms.flash": "hỏa tốc được chờ bao lâu để gửi, để nhận, và để cơ quan có hệ thống đã nhận xác nhận",
        "alarms.unread": "khẩn và thượng khẩn được chờ nhận bao lâu, cũng vậy với chờ xác nhận",
        "alarms.office_silent": (
            "cơ quan được không nhận gì trong bao nhiêu giờ của ngày làm việc khi còn văn bản chờ"
        ),
        "alarms.down": "kênh được ngừng, hay danh sách của nó không đọc được, bao lâu",
        "alarms.failing": (
            "cảnh báo khi bấy nhiêu trên một trăm lần gọi qua một kênh hỏng hoặc chậm, trong mười lăm phút, "
            "hoặc lần đọc danh sách bị lỗi; 0: không"
        ),
        "alarms.deadline": "văn bản sẽ bị thôi gửi trong khoảng này",
        "alarms.disk": "đĩa trống ít nhất cho thư mục dữ liệu",
        "observe.log_level": "mức nhẹ nhất được ghi vào nhật ký chạy",
        "observe.log_format": "dòng cho máy đọc (json) hay cho người đọc (console)",
        "observe.heartbeat_url": "địa chỉ được gọi khi mọi thứ ổn, để nơi khác nhận ra khi im lặng",
        "observe.heartbeat_every": "bao lâu gọi một lần",
        "backup.folder": "nơi giữ bản sao lưu, trên đĩa khác; để trống: không diễn tập, và phải nêu --to",
        "backup.key": "tệp khóa để mã hóa bản sao, quyền 0600; để trống: không mã hóa",
        "backup.keep": "giữ lại bao nhiêu bản sau khi có bản mới; 0: tất cả",
        "backup.drill_every": "khoảng cách giữa hai lần diễn tập phục hồi",
        "backup.drill_folder": "nơi diễn tập phục hồi, dưới thư mục dữ liệu; mỗi lần xóa sạch",
        "archive.folder": (
            "nơi tự lưu sổ của tháng trước, trên đĩa khác; thư mục phải có sẵn; để trống: chỉ khi ra lệnh"
        ),
        "archive.restamp_every": (
            "bao lâu làm mới đầu nhật ký bằng hàm băm khác và đóng dấu thời gian; 0s: chỉ khi ra lệnh"
        ),
        "archive.restamp_algorithm": "hàm băm dùng cho việc đó; máy chủ dấu thời gian phải nhận",
        "cutover.served_by": "ai phục vụ các cơ quan mà chưa `gateway cutover` nào nêu",
        "cutover.poll_every": "khoảng cách giữa hai lần xem danh sách của một nguồn",
        "cutover.poll_timeout": "nguồn được im lặng lâu nhất bao lâu",
        "cutover.fetch_at_most": "số văn bản lấy trước khi tiếp nhận, văn bản khẩn lấy trước",
        "directory.sync_hour": "từ giờ nào mỗi ngày, giờ Việt Nam; -1: chỉ bằng `gateway agencies sync`",
        "directory.hold_share": "một lần được tự đổi, đóng hay làm mất nhiều nhất phần này của các cơ quan đã biết",
        "directory.close_after": "cơ quan vắng mặt bao lâu thì bị đóng",
        "directory.timeout": "hệ thống bạn được im lặng lâu nhất bao lâu khi hỏi danh bạ",
        "bindings.host": "địa chỉ cổng cho các giao thức khác (TLS, chứng thư của máy chủ)",
        "bindings.port": "số cổng đó; 0: tắt",
        "bindings.public_url": (
            'địa chỉ các cơ quan gọi tới, như "https://truc.example.vn:8444"; để trống: localhost'
        ),
        "bindings.plain_host": (
            "nơi nghe không TLS: địa chỉ trong máy, hoặc cổng VPN như wg0 và những gì tới qua đó"
        ),
        "bindings.plain_port": "số cổng HTTP thường ở đó: ai thấy đường truyền thì đọc được văn bản; 0: tắt",
        "bindings.max_connections": "số kết nối cùng lúc",
        "bindings.max_connections_per_address": "trong đó từ một địa chỉ; tăng lên khi đứng sau máy chủ trung gian",
        "bindings.max_head": "tổng các trường đầu của một yêu cầu: 1.000 nơi nhận ghi ở đó hai lần",
        "checks.policy": (
            "require: thiếu chữ ký của người hoặc của cơ quan thì chờ người xem; warn: gửi sau khi xem; "
            "record: xem trong lúc gửi; off: không xem"
        ),
        "checks.require": "mã các nơi nhận buộc phải có chữ ký, bất kể chính sách chung",
        "checks.warn": "cũng vậy, với warn",
        "checks.record": "cũng vậy, với record",
        "checks.off": "cũng vậy, với off",
        "checks.signers": "thư mục các CA của người và cơ quan ký; để trống: không tin CA nào",
        "checks.stamps": "thư mục các CA cấp dấu thời gian; để trống: không tin CA nào",
        "receivers.policy": (
            "record: xác nhận hay trạng thái không ký thì gắn với kết nối của nó; require: bị từ chối"
        ),
        "receivers.require": "mã các cơ quan buộc phải ký, bất kể chính sách chung",
        "receivers.record": "cũng vậy, không buộc ký",
        "end_to_end.policy": (
            "refuse: không nhận văn bản mà chứng thư của nơi nhận trong danh bạ không mở được; warn: nhận, có "
            "ghi chú"
        ),
        "end_to_end.refuse": "mã các nơi nhận thì từ chối, bất kể chính sách chung",
        "end_to_end.warn": "cũng vậy, không từ chối",
        "revocation.fetch": (
            "lấy danh sách thu hồi và câu trả lời OCSP theo chứng thư của CA đáng tin; false: chỉ từ tệp"
        ),
        "revocation.urls": "danh sách lấy thêm, của các CA đáng tin ở đây",
        "revocation.allowed_networks": "mạng nội bộ được hỏi; địa chỉ công cộng không cần",
        "revocation.every": "khoảng cách giữa hai lần lấy một danh sách; mỗi bản giữ một lần",
        "revocation.timeout": "thời gian lâu nhất cho một lần hỏi",
        "revocation.max_size": "danh sách lớn nhất",
        "revocation.grace": "văn bản chờ bao lâu khi CA không trả lời; sau đó theo chính sách",
        "revocation.forget": "khi nào bỏ câu trả lời đã có bản mới mà không kết luận nào dựa vào",
        "retention.rules": (
            'như ["default 10y", "business:1 5y", "type:2 never"]; mỗi tháng lập một lệnh hủy những gì đến hạn; '
            "để trống: không lập"
        ),
        "retention.confirm_within": "lệnh hủy chờ người xác nhận bao lâu thì hết hiệu lực",
        "console.host": "địa chỉ cổng của trang quản lý này (TLS)",
        "console.port": "số cổng đó; 0: tắt",
        "console.public_url": 'địa chỉ trình duyệt gọi tới, như "https://console.example.vn"; để trống: localhost',
        "console.totp": "mọi người có phải dùng thêm mã một lần không",
        "console.idle": "không dùng bao lâu thì phải đăng nhập lại",
        "console.longest": "sau khi đăng nhập bao lâu thì phải đăng nhập lại, dù thế nào",
        "console.lock_after": "sai mật khẩu liên tiếp mấy lần thì khóa người dùng",
        "console.lock_for": "khóa trong bao lâu",
        "console.tries_per_minute": (
            "số lần thử đăng nhập mỗi phút của một địa chỉ hay một trình duyệt quen; tăng lên khi đứng sau "
            "máy chủ trung gian"
        ),
        "console.max_connections": "số kết nối cùng lúc",
        "console.max_connections_per_address": (
            "trong đó từ một địa chỉ; tăng lên khi đứng sau máy chủ trung gian"
        ),
        "console.oidc.issuer": (
            'địa chỉ của hệ thống đăng nhập chung, như "https://sso.example.vn"; để trống: không dùng'
        ),
        "console.oidc.client": "trang này mang tên gì ở đó; quay lại qua PUBLIC_URL/login/back",
        "console.oidc.secret_file": (
            "tên tệp trong storage.secrets chứa khóa bí mật của trang; quyền 0600; để trống: không có"
        ),
        "console.oidc.anchors": "tệp các CA của hệ thống đó; để trống: của hệ điều hành",
        "console.oidc.name": 'chữ trên nút, sau "Đăng nhập bằng"',
        "console.oidc.timeout": "thời gian lâu nhất cho một lần hỏi hệ thống đó",
    }
)
