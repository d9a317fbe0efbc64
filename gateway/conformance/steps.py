"""What the sandbox asks of a system, as data: each step's words, what a test office does for it, and its judge.

The steps are the same for every protocol; `HOW` says which call does it in which of them. A step without a way in a
protocol is not asked there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gateway.conformance.evidence import (
    Judge,
    answered,
    asked,
    fetched,
    learnt,
    refused_with,
    sent_again,
    sent_large,
    sent_to,
    sent_together,
    taken,
    withdrawn,
)
from gateway.conformance.offices import BY_KEY, Order
from gateway.conformance.verdicts import Words


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One of them."""

    key: str
    title: Words
    #: What the developer does; {ready} and the like become codes of test offices.
    do: Words
    mend: Words
    #: Which line of HOW names the call.
    how: str
    judge: Judge
    #: What a test office sends when the step opens.
    order: Order | None = None
    #: Steps that must have passed before.
    after: tuple[str, ...] = ()

    def told(self) -> Words:
        """With the codes filled in."""
        codes = {key: office.code for key, office in BY_KEY.items()}
        return Words(self.do.vi.format(**codes), self.do.en.format(**codes))


#: Protocol -> action -> the call.
HOW: Final[Mapping[str, Mapping[str, str]]] = {
    "rest": {
        "connect": "GET /api/v1/limits  (Authorization: Bearer …)",
        "list": "GET /api/v1/inbox?wait=30",
        "fetch": "GET /api/v1/inbox/{id}/content",
        "take": "GET /api/v1/inbox/{id}/content, POST /api/v1/inbox/{id}/ack",
        "answer": "POST /api/v1/inbox/{id}/status  JSON, or POST /api/v1/statuses  edXML",
        "send": "POST /api/v1/documents  Content-Type: application/xml",
        "withdraw": "POST /api/v1/documents/{id}/withdraw  JSON {reason}",
    },
    "vxp": {
        "connect": "POST …/getReceivedEdocList",
        "list": "POST …/getReceivedEdocList  messagetype=edoc",
        "fetch": "POST …/getEdoc  docId",
        "take": "POST …/getEdoc, POST …/updateStatus  docId, status=done",
        "answer": "POST …/sendEdoc  messagetype=status",
        "send": "POST …/sendEdoc  messagetype=edoc",
        "replay": "POST …/sendEdoc",
        "sign": "POST …/getReceivedEdocList",
    },
    "webhook": {
        "take": "200 sau khi lưu / 200 once it is stored",
        "answer": "POST /api/v1/statuses  edXML  (Authorization: Bearer …)",
        "send": "POST /api/v1/documents  Content-Type: application/xml",
        "withdraw": "POST /api/v1/documents/{id}/withdraw  JSON {reason}",
    },
}

_STORED: Final = Words(
    "Chỉ xác nhận sau khi đã lưu; gọi xác nhận một lần cho mỗi lượt giao, lặp lại cũng không sao.",
    "Acknowledge only after storing; once for each delivery, a repetition does no harm.",
)
_STATUS: Final = Words(
    "Trạng thái là thông điệp riêng: ResponseFor phải ghi đúng OrganId, Code, ngày và DocumentId của văn bản gốc; "
    "From là đơn vị của bạn.",
    "A status is a message of its own: ResponseFor must name OrganId, Code, date and DocumentId of the "
    "original; From "
    "is your agency.",
)
_REQUEST: Final = Words(
    "Văn bản loại 1, 2, 3 và trạng thái 13 là yêu cầu: trả lời 15 (đồng ý) hoặc 16 (từ chối), không phải 02 "
    "hay 03.",
    "Types 1, 2, 3 and status 13 are requests: answer 15 (agreed) or 16 (refused), not 02 or 03.",
)
_DIALECT: Final = Words(
    "Đọc theo tên phần tử, không theo tiền tố hay thứ tự; chấp nhận phong bì SOAP và cả hai không gian tên.",
    "Read by local names, not by prefix or order; take the SOAP envelope and both namespaces.",
)
_SEND: Final = Words(
    "Xem mã lý do và findings trong trả lời; `gateway inspect` và GET /api/v1/connection cho biết trục đã thấy gì.",
    "See the reason code and findings in the answer; `gateway inspect` and GET /api/v1/connection tell what "
    "was seen.",
)
_REPEAT: Final = Words(
    "Khi không nhận được trả lời, gửi lại đúng các byte cũ (và Idempotency-Key cũ): trục trả lại biên nhận cũ.",
    "When no answer came, send the very same bytes (and Idempotency-Key) again: the old receipt comes back.",
)
_ERRORS: Final = Words(
    "Đọc mã lý do trong trả lời và ghi cho người dùng; lỗi vĩnh viễn thì đừng tự gửi lại.",
    "Read the reason code and show it to the user; do not repeat by yourself what was refused for good.",
)
_LEARN: Final = Words(
    "Trạng thái của nơi nhận về như một mục trong hộp thư: nhận, gắn với văn bản theo "
    "ResponseFor/DocumentId, xác nhận.",
    "A receiver's status comes like any other item: take it, match it by ResponseFor/DocumentId, acknowledge it.",
)


def _step(
    key: str,
    how: str,
    titles: tuple[str, str],
    do: tuple[str, str],
    mend: Words,
    judge: Judge,
    *,
    order: Order | None = None,
    after: tuple[str, ...] = (),
) -> Step:
    return Step(
        key=key,
        how=how,
        title=Words(*titles),
        do=Words(*do),
        mend=mend,
        judge=judge,
        order=order,
        after=after,
    )


_CONNECTING: Final = (
    _step(
        "connect",
        "connect",
        ("Kết nối", "Connect"),
        ("Gọi một lần với thông tin xác thực đã cấp.", "Make one call with the credential you were given."),
        Words(
            "Tin tệp CA đã in ra, dùng TLS 1.2 trở lên, gửi token trong tiêu đề Authorization.",
            "Trust the CA file that was printed, use TLS 1.2 or later, send the token in the Authorization header.",
        ),
        asked("showLimits", "listInbox", "getReceivedEdocList", "getAgenciesList", "countReceiveEdoc"),
    ),
    _step(
        "list",
        "list",
        ("Xem hộp thư đến", "List what waits"),
        ("Liệt kê văn bản đang chờ.", "List the documents that wait."),
        _STORED,
        asked("listInbox", "getReceivedEdocList"),
    ),
)
_RECEIVING: Final = (
    _step(
        "fetch",
        "fetch",
        ("Lấy một văn bản", "Fetch a document"),
        ("Lấy nội dung văn bản vừa đến từ {ready}.", "Fetch the document that came from {ready}."),
        _STORED,
        fetched,
        order=Order(subject="V/v kiểm tra nhận văn bản"),
    ),
    _step(
        "take",
        "take",
        ("Nhận và xác nhận", "Take and acknowledge"),
        ("Lưu một văn bản mới, rồi xác nhận đã nhận.", "Store another document, then acknowledge it."),
        _STORED,
        taken,
        order=Order(subject="V/v kiểm tra xác nhận"),
    ),
    _step(
        "answer-01",
        "answer",
        ("Báo 01 (đã đến)", "Report 01 (arrived)"),
        ("Báo trạng thái 01 cho văn bản của bước “take”.", "Report 01 about the document of step “take”."),
        _STATUS,
        answered("01", about="take"),
        after=("take",),
    ),
    _step(
        "answer-03",
        "answer",
        ("Báo 03 (đã tiếp nhận)", "Report 03 (accepted)"),
        ("Báo trạng thái 03 cho văn bản của bước “take”.", "Report 03 about the document of step “take”."),
        _STATUS,
        answered("03", about="take"),
        after=("take",),
    ),
    _step(
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
    _step(
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
        after=("fetch",),
    ),
    _step(
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
    _step(
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
    _step(
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
    _step(
        "dialect-b",
        "take",
        ("Khuôn dạng B", "Dialect B"),
        ("Nhận văn bản có tệp không nén, tiền tố khác.", "Take a document with a bare attachment, other prefixes."),
        _DIALECT,
        taken,
        order=Order(dialect="B", subject="V/v kiểm tra khuôn dạng B"),
    ),
    _step(
        "dialect-c",
        "take",
        ("Khuôn dạng C", "Dialect C"),
        ("Nhận văn bản trong phong bì SOAP của {old}.", "Take a document in a SOAP envelope from {old}."),
        _DIALECT,
        taken,
        order=Order(office="old", dialect="C", subject="V/v kiểm tra khuôn dạng C"),
    ),
    _step(
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
    _step(
        "twice",
        "take",
        ("Cùng một văn bản hai lần", "The same document twice"),
        (
            "{ready} gửi cùng nội dung hai lần. Nhận cả hai, gắn với một số đến.",
            "{ready} sends the same content twice. Take both, link them to one registration.",
        ),
        Words(
            "Loại trùng theo mã lượt giao khi nhận lại; cùng DocumentId ở hai lượt giao là bản gửi lặp, "
            "liên kết chứ "
            "đừng báo lỗi.",
            "Dedupe on the delivery id; the same DocumentId in two deliveries is a repetition: link it, it "
            "is no error.",
        ),
        taken,
        order=Order(copies=2, subject="V/v kiểm tra gửi trùng"),
    ),
    _step(
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
_SENDING: Final = (
    _step(
        "send",
        "send",
        ("Gửi một văn bản", "Send a document"),
        ("Gửi một văn bản có tệp PDF tới {ready}.", "Send a document with a PDF to {ready}."),
        _SEND,
        sent_to("ready"),
    ),
    _step(
        "send-again",
        "send",
        ("Gửi lại: cùng biên nhận", "Send it again: the same receipt"),
        ("Gửi lại đúng tệp của bước “send”.", "Send the very same file of step “send” again."),
        _REPEAT,
        sent_again,
        after=("send",),
    ),
    _step(
        "learn-03",
        "take",
        ("Nhận trạng thái của nơi nhận", "Take the receiver's status"),
        ("{ready} báo 01, 03, 06. Nhận và xác nhận trạng thái 03.", "{ready} reports 01, 03, 06. Take the 03."),
        _LEARN,
        learnt("ready", "03", "06"),
        after=("send",),
    ),
    _step(
        "learn-02",
        "send",
        ("Bị từ chối (02)", "Be refused (02)"),
        ("Gửi tới {refusing}, rồi nhận trạng thái 02 của họ.", "Send to {refusing}, then take its status 02."),
        _LEARN,
        learnt("refusing", "02"),
    ),
    _step(
        "learn-late",
        "send",
        ("Trả lời muộn", "A late answer"),
        ("Gửi tới {late}; nhận trạng thái 03 khi nó về.", "Send to {late}; take its 03 when it comes."),
        _LEARN,
        learnt("late", "03"),
    ),
    _step(
        "learn-d",
        "send",
        ("Trạng thái khuôn dạng D", "A status of dialect D"),
        ("Gửi tới {old}; nhận trạng thái 03 khuôn dạng D.", "Send to {old}; take its 03 of dialect D."),
        _DIALECT,
        learnt("old", "03"),
    ),
    _step(
        "send-several",
        "send",
        ("Một văn bản, nhiều nơi nhận", "One document, several recipients"),
        (
            "Gửi một văn bản tới cả {ready} và {late} (hai phần tử To).",
            "Send one document to both {ready} and {late} (two To elements).",
        ),
        Words(
            "Ghi mọi nơi nhận vào To của cùng một tệp; theo dõi trạng thái theo từng nơi.",
            "Name every recipient in To of one file; follow the state of each.",
        ),
        sent_together("ready", "late"),
    ),
    _step(
        "send-large",
        "send",
        ("Gửi văn bản lớn hơn 1 MB", "Send more than 1 MB"),
        ("Gửi tới {ready} một văn bản lớn hơn 1 MB.", "Send a document of more than 1 MB to {ready}."),
        Words(
            "Gửi với Content-Length, không chia khúc; đặt thời gian chờ ít nhất 60 giây.",
            "Send with Content-Length, not chunked; wait at least 60 seconds for the answer.",
        ),
        sent_large,
    ),
    _step(
        "send-recall",
        "send",
        ("Thu hồi văn bản đã gửi", "Recall what you sent"),
        (
            "Gửi văn bản thu hồi (BussinessDocType 1) cho văn bản của bước “send”.",
            "Send a recall (BussinessDocType 1) of the document of step “send”.",
        ),
        Words(
            "Văn bản thu hồi giữ DocumentId của văn bản gốc, BussinessDocType 1, ResponseFor chỉ văn bản gốc.",
            "A recall keeps the original's DocumentId, BussinessDocType 1, and its ResponseFor names the original.",
        ),
        sent_to("ready", business_type="1"),
        after=("send",),
    ),
    _step(
        "withdraw",
        "withdraw",
        ("Rút văn bản chưa rời trục", "Withdraw what has not left"),
        ("Gửi tới {absent}, rồi rút lại.", "Send to {absent}, then withdraw it."),
        Words(
            "Rút được khi chưa ai lấy; sau đó chỉ còn cách gửi 13 hoặc thu hồi.",
            "Withdrawing works until somebody has fetched it; afterwards send a 13 or a recall.",
        ),
        withdrawn("absent"),
    ),
)
_REFUSED: Final = (
    _step(
        "wrong-from",
        "send",
        ("From không phải của mình", "A From that is not yours"),
        (
            "Gửi một văn bản có From/OrganId là {ready}; xem trục từ chối.",
            "Send a document whose From/OrganId is {ready}; see it refused.",
        ),
        _ERRORS,
        refused_with("sender_not_permitted"),
    ),
    _step(
        "unknown-recipient",
        "send",
        ("Nơi nhận không có", "A recipient nobody knows"),
        ("Gửi tới mã 000.99.99.Z99; xem trục từ chối.", "Send to the code 000.99.99.Z99; see it refused."),
        _ERRORS,
        refused_with("recipient_unknown"),
    ),
    _step(
        "not-xml",
        "send",
        ("Tệp hỏng", "A damaged file"),
        ("Gửi một tệp bị cắt đôi; xem trục từ chối.", "Send a file cut in half; see it refused."),
        _ERRORS,
        refused_with("xml_not_wellformed"),
    ),
    _step(
        "digest-wrong",
        "send",
        ("Mã băm sai", "A wrong digest"),
        (
            "Gửi với mã băm của các byte khác (Content-Digest hoặc hash-file); xem trục từ chối.",
            "Send with the digest of other bytes (Content-Digest or hash-file); see it refused.",
        ),
        _ERRORS,
        refused_with("digest_mismatch"),
    ),
    _step(
        "hmac-wrong",
        "sign",
        ("HMAC sai", "A wrong HMAC"),
        (
            "Gọi một lần với hash-header tính bằng khóa khác; xem trục từ chối.",
            "Make one call whose hash-header is made with another secret; see it refused.",
        ),
        _ERRORS,
        refused_with("credential_invalid"),
    ),
)

STEPS: Final = (*_CONNECTING, *_RECEIVING, *_SENDING, *_REFUSED)


def steps_of(binding: str) -> tuple[Step, ...]:
    """Those that the protocol has a way for."""
    return tuple(step for step in STEPS if step.how in HOW[binding])
