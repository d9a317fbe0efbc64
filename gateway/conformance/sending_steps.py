"""What the sandbox asks of a system that sends: right things, and wrong ones to see them refused."""

from __future__ import annotations

from typing import Final

from gateway.conformance.evidence import (
    learnt,
    recalled,
    refused_with,
    sent_again,
    sent_large,
    sent_to,
    sent_together,
    withdrawn,
)
from gateway.conformance.stepping import make_step
from gateway.conformance.verdicts import Words

_DIALECT: Final = Words(
    "Đọc theo tên phần tử, không theo tiền tố hay thứ tự; chấp nhận phong bì SOAP và cả hai không gian tên.",
    "Read by local names, not by prefix or order; take the SOAP envelope and both namespaces.",
)
_SEND: Final = Words(
    "Xem mã lý do và findings trong trả lời; `gateway inspect` và GET /api/v1/connection cho biết trục đã thấy gì.",
    "See the reason code and findings in the answer; `gateway inspect` and GET /api/v1/connection tell what was "
    "seen.",
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
    "Trạng thái của nơi nhận về như một mục trong hộp thư: nhận, gắn với văn bản theo ResponseFor/DocumentId, "
    "xác nhận.",
    "A receiver's status comes like any other item: take it, match it by ResponseFor/DocumentId, acknowledge it.",
)


SENDING: Final = (
    make_step(
        "send",
        "send",
        ("Gửi một văn bản", "Send a document"),
        ("Gửi một văn bản có tệp PDF tới {ready}.", "Send a document with a PDF to {ready}."),
        _SEND,
        sent_to("ready"),
    ),
    make_step(
        "send-again",
        "send",
        ("Gửi lại: cùng biên nhận", "Send it again: the same receipt"),
        ("Gửi lại đúng tệp của bước “send”.", "Send the very same file of step “send” again."),
        _REPEAT,
        sent_again,
        after=("send",),
    ),
    make_step(
        "learn-03",
        "take",
        ("Nhận trạng thái của nơi nhận", "Take the receiver's status"),
        ("{ready} báo 01, 03, 06. Nhận và xác nhận trạng thái 03.", "{ready} reports 01, 03, 06. Take the 03."),
        _LEARN,
        learnt("ready", "03", "06"),
        after=("send",),
    ),
    make_step(
        "learn-02",
        "send",
        ("Bị từ chối (02)", "Be refused (02)"),
        ("Gửi tới {refusing}, rồi nhận trạng thái 02 của họ.", "Send to {refusing}, then take its status 02."),
        _LEARN,
        learnt("refusing", "02"),
    ),
    make_step(
        "learn-late",
        "send",
        ("Trả lời muộn", "A late answer"),
        ("Gửi tới {late}; nhận trạng thái 03 khi nó về.", "Send to {late}; take its 03 when it comes."),
        _LEARN,
        learnt("late", "03"),
    ),
    make_step(
        "learn-d",
        "send",
        ("Trạng thái khuôn dạng D", "A status of dialect D"),
        ("Gửi tới {old}; nhận trạng thái 03 khuôn dạng D.", "Send to {old}; take its 03 of dialect D."),
        _DIALECT,
        learnt("old", "03"),
    ),
    make_step(
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
    make_step(
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
    make_step(
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
        recalled("ready"),
        after=("send",),
    ),
    make_step(
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
REFUSED: Final = (
    make_step(
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
    make_step(
        "unknown-recipient",
        "send",
        ("Nơi nhận không có", "A recipient nobody knows"),
        ("Gửi tới mã 000.99.99.Z99; xem trục từ chối.", "Send to the code 000.99.99.Z99; see it refused."),
        _ERRORS,
        refused_with("recipient_unknown"),
    ),
    make_step(
        "not-xml",
        "send",
        ("Tệp hỏng", "A damaged file"),
        ("Gửi một tệp bị cắt đôi; xem trục từ chối.", "Send a file cut in half; see it refused."),
        _ERRORS,
        refused_with("xml_not_wellformed"),
    ),
    make_step(
        "digest-wrong",
        "digest",
        ("Mã băm sai", "A wrong digest"),
        (
            "Gửi với mã băm của các byte khác (Content-Digest hoặc hash-file); xem trục từ chối.",
            "Send with the digest of other bytes (Content-Digest or hash-file); see it refused.",
        ),
        _ERRORS,
        refused_with("digest_mismatch"),
    ),
    make_step(
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
