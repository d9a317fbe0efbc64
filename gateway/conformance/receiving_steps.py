"""What the sandbox asks of a system that receives: get in, take whatever comes, answer it."""

from __future__ import annotations

from typing import Final

from gateway.conformance.evidence import answered, asked, fetched, taken
from gateway.conformance.offices import Order
from gateway.conformance.stepping import make_step
from gateway.conformance.verdicts import Words

_STORED: Final = Words(
    "Chỉ xác nhận sau khi đã lưu; gọi xác nhận một lần cho mỗi lượt giao, lặp lại cũng không sao.",
    "Acknowledge only after storing; once for each delivery, a repetition does no harm.",
)
_STATUS: Final = Words(
    "Trạng thái là thông điệp riêng: ResponseFor phải ghi đúng OrganId, Code, ngày và DocumentId của văn bản "
    "gốc; From là đơn vị của bạn.",
    "A status is a message of its own: ResponseFor must name OrganId, Code, date and DocumentId of the original; "
    "From is your agency.",
)
_REQUEST: Final = Words(
    "Văn bản loại 1, 2, 3 và trạng thái 13 là yêu cầu: trả lời 15 (đồng ý) hoặc 16 (từ chối), không phải 02 hay "
    "03.",
    "Types 1, 2, 3 and status 13 are requests: answer 15 (agreed) or 16 (refused), not 02 or 03.",
)
_DIALECT: Final = Words(
    "Đọc theo tên phần tử, không theo tiền tố hay thứ tự; chấp nhận phong bì SOAP và cả hai không gian tên.",
    "Read by local names, not by prefix or order; take the SOAP envelope and both namespaces.",
)

CONNECTING: Final = (
    make_step(
        "connect",
        "connect",
        ("Kết nối", "Connect"),
        ("Gọi một lần với thông tin xác thực đã cấp.", "Make one call with the credential you were given."),
        Words(
            "Tin tệp CA (SFTP: known_hosts) đã in ra, dùng TLS 1.2 trở lên, gửi token trong tiêu đề Authorization "
            "(SFTP: dùng khóa đã cấp; LGSP: đăng nhập với username, password, applicationCode đã cấp; X-Road: gửi "
            "X-Road-Client đã cấp).",
            "Trust the CA file (SFTP: known_hosts) that was printed, use TLS 1.2 or later, send the token in the "
            "Authorization header (SFTP: use the key you were given; LGSP: log in with the username, password and "
            "applicationCode you were given; X-Road: send the X-Road-Client you were given).",
        ),
        asked(
            "showLimits",
            "listInbox",
            "getReceivedEdocList",
            "getAgenciesList",
            "countReceiveEdoc",
            "sftpLogin",
            "login",
            "securityServer",
        ),
    ),
    make_step(
        "list",
        "list",
        ("Xem hộp thư đến", "List what waits"),
        ("Liệt kê văn bản đang chờ.", "List the documents that wait."),
        _STORED,
        asked("listInbox", "getReceivedEdocList", "syncReceivedEdocList"),
    ),
)
RECEIVING: Final = (
    make_step(
        "fetch",
        "fetch",
        ("Lấy một văn bản", "Fetch a document"),
        ("Lấy nội dung văn bản vừa đến từ {ready}.", "Fetch the document that came from {ready}."),
        _STORED,
        fetched,
        order=Order(subject="V/v kiểm tra nhận văn bản"),
    ),
    make_step(
        "take",
        "take",
        ("Nhận và xác nhận", "Take and acknowledge"),
        ("Lưu một văn bản mới, rồi xác nhận đã nhận.", "Store another document, then acknowledge it."),
        _STORED,
        taken,
        order=Order(subject="V/v kiểm tra xác nhận"),
    ),
    make_step(
        "answer-01",
        "answer",
        ("Báo 01 (đã đến)", "Report 01 (arrived)"),
        ("Báo trạng thái 01 cho văn bản của bước “take”.", "Report 01 about the document of step “take”."),
        _STATUS,
        answered("01", about="take"),
        after=("take",),
    ),
    make_step(
        "answer-03",
        "answer",
        ("Báo 03 (đã tiếp nhận)", "Report 03 (accepted)"),
        ("Báo trạng thái 03 cho văn bản của bước “take”.", "Report 03 about the document of step “take”."),
        _STATUS,
        answered("03", about="take"),
        after=("take",),
    ),
    make_step(
        "answer-02",
        "answer",
        ("Từ chối (02) có lý do", "Refuse (02) with a reason"),
        (
            "Nhận văn bản “gửi nhầm” rồi báo 02, ghi rõ lý do trong Description.",
            "Take the document “sent by mistake”, then report 02 with the reason in Description.",
        ),
        Words("Trạng thái 02 phải có lý do (Description).", "Status 02 needs a reason (Description)."),
        answered("02"),
        order=Order(subject="V/v gửi nhầm để kiểm tra từ chối"),
    ),
    make_step(
        "recall",
        "answer",
        ("Thu hồi (loại 1): trả lời 15", "A recall (type 1): answer 15"),
        (
            "{ready} thu hồi văn bản của bước “fetch”. Nhận văn bản thu hồi, trả lời 15.",
            "{ready} recalls the document of step “fetch”. Take the recall, answer 15.",
        ),
        _REQUEST,
        answered("15", "16"),
        order=Order(business_type="1", about="fetch", subject="Thu hồi văn bản kiểm tra"),
        # not before it answers: what it says of the document itself would be taken to be about its recall
        after=("fetch", "answer-03"),
    ),
    make_step(
        "update",
        "answer",
        ("Cập nhật (loại 2): trả lời 15", "An update (type 2): answer 15"),
        (
            "{ready} cập nhật văn bản của bước “take”. Nhận bản cập nhật, trả lời 15.",
            "{ready} updates the document of step “take”. Take the update, answer 15.",
        ),
        _REQUEST,
        answered("15", "16"),
        order=Order(business_type="2", about="take", subject="Cập nhật văn bản kiểm tra"),
        after=("answer-03",),
    ),
    make_step(
        "replacement",
        "take",
        ("Thay thế (loại 3)", "A replacement (type 3)"),
        (
            "{ready} thay thế văn bản của bước “take” bằng văn bản mới. Nhận và xác nhận.",
            "{ready} replaces the document of step “take” by a new one. Take and acknowledge it.",
        ),
        _REQUEST,
        taken,
        order=Order(business_type="3", about="take", subject="Thay thế văn bản kiểm tra"),
        after=("answer-03",),
    ),
    make_step(
        "take-back",
        "take",
        ("Yêu cầu lấy lại (13)", "A take-back (13)"),
        (
            "{ready} xin lấy lại văn bản của bước “answer-02”. Nhận trạng thái 13 và xác nhận.",
            "{ready} asks for the document of step “answer-02” back. Take the status 13 and acknowledge it.",
        ),
        _REQUEST,
        taken,
        order=Order(act="take_back", about="answer-02"),
        after=("answer-02",),
    ),
    make_step(
        "dialect-b",
        "take",
        ("Khuôn dạng B", "Dialect B"),
        ("Nhận văn bản có tệp không nén, tiền tố khác.", "Take a document with a bare attachment, other prefixes."),
        _DIALECT,
        taken,
        order=Order(dialect="B", subject="V/v kiểm tra khuôn dạng B"),
    ),
    make_step(
        "dialect-c",
        "take",
        ("Khuôn dạng C", "Dialect C"),
        ("Nhận văn bản trong phong bì SOAP của {old}.", "Take a document in a SOAP envelope from {old}."),
        _DIALECT,
        taken,
        order=Order(office="old", dialect="C", subject="V/v kiểm tra khuôn dạng C"),
    ),
    make_step(
        "odd",
        "take",
        ("Tệp viết ẩu", "A sloppy file"),
        (
            "Nhận văn bản có ký tự thừa ở đầu, độ khẩn 9 và phần tử lạ.",
            "Take a document with junk in front, a priority of 9 and elements nobody knows.",
        ),
        Words(
            "Đừng để một tệp xấu chặn cả hộp thư: giữ nguyên byte, xác nhận, báo văn thư hoặc trả 02.",
            "Let no bad file block the inbox: keep its bytes, acknowledge, tell the clerk or report 02.",
        ),
        taken,
        order=Order(odd=True, subject="V/v kiểm tra tệp viết ẩu"),
    ),
    make_step(
        "twice",
        "take",
        ("Cùng một văn bản hai lần", "The same document twice"),
        (
            "{ready} gửi cùng nội dung hai lần. Nhận cả hai, gắn với một số đến.",
            "{ready} sends the same content twice. Take both, link them to one registration.",
        ),
        Words(
            "Loại trùng theo mã lượt giao khi nhận lại; cùng DocumentId ở hai lượt giao là bản gửi lặp, liên kết "
            "chứ đừng báo lỗi.",
            "Dedupe on the delivery id; the same DocumentId in two deliveries is a repetition: link it, it is no "
            "error.",
        ),
        taken,
        order=Order(copies=2, subject="V/v kiểm tra gửi trùng"),
    ),
    make_step(
        "huge",
        "take",
        ("Văn bản 30 MB", "A document of 30 MB"),
        ("Nhận văn bản có tệp 30 MB.", "Take a document with a file of 30 MB."),
        Words(
            "Ghi thẳng xuống đĩa khi tải, đừng đọc cả tệp vào bộ nhớ; tải tiếp bằng Range khi đứt.",
            "Write to disk while you fetch instead of reading it all into memory; go on with Range after a break.",
        ),
        taken,
        order=Order(huge=True, dialect="B", subject="V/v kiểm tra văn bản lớn"),
    ),
)
