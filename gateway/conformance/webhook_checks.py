"""What a webhook's receiver is asked to do: the list of checks, in the order in which they run, and their words."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from gateway.conformance import webhook_trials as trials
from gateway.conformance.verdicts import Verdict, Words
from gateway.conformance.webhook_trials import Bench, Check

_DAY: Final = 86_400
_FORGED: Final = Words(
    "Tính lại HMAC-SHA256 trên “timestamp.dispatch id.Gateway-Deliveries.sha256 của thân”, so sánh bằng hàm so "
    "sánh thời gian hằng; sai hoặc thiếu thì trả 401 và không lưu gì.",
    "Compute HMAC-SHA256 over “timestamp.dispatch id.Gateway-Deliveries.sha256 of the body”, compare in constant "
    "time; if it is wrong or missing answer 401 and store nothing.",
)
_STORE: Final = Words(
    "Lưu xong mới trả 200; thân rỗng, hoặc JSON có đúng một dòng cho mỗi lượt giao trong Gateway-Deliveries.",
    "Store it, then answer 200: with an empty body, or JSON with exactly one line for each delivery of "
    "Gateway-Deliveries.",
)
_NOT_5XX: Final = Words(
    "Tệp không đọc được thì trả 422 (từ chối hẳn), hoặc lưu nguyên rồi trả 200. Trả 5xx hay im lặng thì trục gửi "
    "lại nhiều ngày.",
    "Answer 422 (refused for good) to a file that cannot be read, or keep its bytes and answer 200. After a 5xx "
    "or silence the gateway sends it again for days.",
)


def _check(
    key: str,
    titles: tuple[str, str],
    asked: tuple[str, str],
    mend: Words,
    run: Callable[[Bench], Awaitable[Verdict]],
) -> Check:
    return Check(key=key, title=Words(*titles), asked=Words(*asked), mend=mend, run=run)


_AGAIN: Final = Words(
    "Nhớ Idempotency-Key (mã dispatch) hoặc mã lượt giao trong cùng giao dịch với việc lưu; gặp lại thì trả kết "
    "quả cũ.",
    "Remember the Idempotency-Key (dispatch id) or the delivery ids in the transaction that stores; when it "
    "comes again, give the old answer.",
)
_HEADER: Final = Words(
    "Nâng giới hạn tiêu đề của máy chủ web lên ít nhất 16 KB (nginx: large_client_header_buffers 8 32k; Tomcat: "
    "maxHttpHeaderSize=32768; Kestrel: MaxRequestHeadersTotalSize).",
    "Raise the web server's limit of headers to at least 16 KB (nginx: large_client_header_buffers 8 32k; "
    "Tomcat: maxHttpHeaderSize=32768; Kestrel: MaxRequestHeadersTotalSize).",
)
_BUSINESS: Final = Words(
    "Đọc BussinessDocType 1 (thu hồi), 2 (cập nhật), 3 (thay thế); nhận như văn bản, đưa vào việc của văn thư, "
    "rồi báo 15 hoặc 16. Cùng DocumentId với văn bản gốc không phải là trùng.",
    "Read BussinessDocType 1 (recall), 2 (update), 3 (replacement); take them like documents, give them to the "
    "clerk, then report 15 or 16. The same DocumentId as the original is no duplicate.",
)
_LARGE: Final = Words(
    "Ghi thân xuống đĩa khi nhận, đừng giữ cả tệp trong bộ nhớ; nâng giới hạn thân (nginx: client_max_body_size "
    "100m), hoặc trả 413 rõ ràng.",
    "Write the body to disk as it comes instead of keeping it in memory; raise the limit of bodies (nginx: "
    "client_max_body_size 100m), or answer a clear 413.",
)
_LINE: Final = Words(
    "Đợi đủ Content-Length byte, ít nhất 60 giây; nếu kết nối đứt thì bỏ phần đã nhận, không ghi nhớ "
    "Idempotency-Key.",
    "Wait for Content-Length bytes, at least 60 seconds; when the connection breaks, drop what came and do not "
    "remember the Idempotency-Key.",
)
_DIGEST: Final = Words(
    "So Content-Digest (RFC 9530, sha-256) với các byte đã nhận; khác thì trả 400 hoặc 422.",
    "Compare Content-Digest (RFC 9530, sha-256) with the bytes received; answer 400 or 422 when it differs.",
)
_CLOCK: Final = Words(
    "Đồng bộ giờ máy chủ (NTP) và từ chối Gateway-Timestamp lệch quá vài phút, trước khi xử lý.",
    "Keep the server's clock (NTP) and refuse a Gateway-Timestamp that is more than some minutes away.",
)
_WAIT: Final = Words(
    "Retry-After là số giây (0 đến 86400) hoặc ngày giờ HTTP; bỏ tiêu đề nếu không biết.",
    "Retry-After is a number of seconds (0 to 86400) or an HTTP date; leave it out if you do not know.",
)

CHECKS: Final = (
    _check(
        "push",
        ("Nhận một văn bản đúng", "A valid document is taken"),
        ("POST một văn bản khuôn dạng A, ký đúng.", "A POST with a document of dialect A, signed correctly."),
        _STORE,
        trials.plain,
    ),
    _check(
        "verification",
        ("Trả lời câu hỏi xác minh", "The challenge is answered"),
        (
            "Gateway-Kind: verification; JSON có challenge.",
            "Gateway-Kind: verification; JSON with a challenge.",
        ),
        Words(
            'Trả 200 và JSON {"challenge": …, "proof": "v1=" + hex HMAC-SHA256(khóa, "verification." + '
            "challenge)}.",
            'Answer 200 and JSON {"challenge": …, "proof": "v1=" + hex HMAC-SHA256(secret, "verification." + '
            "challenge)}.",
        ),
        trials.verification,
    ),
    _check(
        "signature-wrong",
        ("Từ chối chữ ký sai", "A wrong signature is refused"),
        ("Văn bản ký bằng khóa khác.", "A document signed with another secret."),
        _FORGED,
        trials.forged(
            Words("văn bản ký bằng khóa khác", "a document signed with another secret"), secret=b"another " * 4
        ),
    ),
    _check(
        "signature-missing",
        ("Từ chối khi thiếu chữ ký", "A missing signature is refused"),
        ("Không có Gateway-Signature.", "Without Gateway-Signature."),
        _FORGED,
        trials.forged(Words("văn bản không ký", "an unsigned document"), without=("Gateway-Signature",)),
    ),
    _check(
        "body-changed",
        ("Từ chối thân bị sửa", "A changed body is refused"),
        ("Chữ ký đúng của các byte khác.", "A valid signature of other bytes."),
        _FORGED,
        trials.changed,
    ),
    _check(
        "digest-wrong",
        ("Từ chối Content-Digest sai", "A wrong Content-Digest is refused"),
        ("Chữ ký đúng, Content-Digest của các byte khác.", "A valid signature, the Content-Digest of other bytes."),
        _DIGEST,
        trials.forged(Words("Content-Digest sai", "a wrong Content-Digest"), digest_of=b"other bytes"),
    ),
    _check(
        "timestamp-old",
        ("Từ chối dấu thời gian cũ", "An old timestamp is refused"),
        ("Ký đúng, nhưng từ một ngày trước.", "Signed correctly, a day ago."),
        _CLOCK,
        trials.forged(Words("yêu cầu của một ngày trước", "a request of a day ago"), clock_off=-_DAY),
    ),
    _check(
        "again",
        ("Gửi lại không tạo văn bản thứ hai", "A repetition makes no second document"),
        ("Cùng một dispatch hai lần.", "The same dispatch twice."),
        _AGAIN,
        trials.sent_again,
    ),
    _check(
        "again-at-once",
        ("Gửi trùng đồng thời", "The same dispatch twice at once"),
        ("Hai yêu cầu cùng dispatch, cùng lúc.", "Two requests of one dispatch at the same time."),
        _AGAIN,
        trials.sent_twice_at_once,
    ),
    _check(
        "per-delivery",
        ("Trả lời từng lượt giao", "An answer for each delivery"),
        ("Một văn bản cho ba lượt giao.", "One document for three deliveries."),
        _STORE,
        trials.several,
    ),
    _check(
        "many-deliveries",
        ("Một trăm lượt giao trong tiêu đề", "A hundred deliveries in the header"),
        ("Gateway-Deliveries dài khoảng 5 KB.", "A Gateway-Deliveries of some 5 KB."),
        _HEADER,
        trials.many,
    ),
    _check(
        "parts",
        ("Một dispatch gửi nhiều phần", "A dispatch in parts"),
        (
            "Gateway-Part 1/2 và 2/2: cùng dispatch, khác lượt giao và Idempotency-Key.",
            "Gateway-Part 1/2 and 2/2: one dispatch, other deliveries and another Idempotency-Key each.",
        ),
        Words(
            "Loại trùng theo Idempotency-Key hoặc mã lượt giao, đừng theo Gateway-Dispatch-Id: phần sau sẽ bị bỏ "
            "mất.",
            "Dedupe on the Idempotency-Key or the delivery ids, not on Gateway-Dispatch-Id: later parts would be "
            "lost.",
        ),
        trials.in_parts,
    ),
    _check(
        "rotation",
        ("Đổi khóa", "A rotation of secrets"),
        ("Hai dòng Gateway-Signature, dòng sau đúng.", "Two lines of Gateway-Signature, the second right."),
        _FORGED,
        trials.in_rotation,
    ),
    _check(
        "recall",
        ("Nhận thu hồi (1)", "A recall (1) is taken"),
        ("Văn bản, rồi bản thu hồi nó.", "A document, then its recall."),
        _BUSINESS,
        trials.business("1", "Thu hồi văn bản kiểm tra"),
    ),
    _check(
        "update",
        ("Nhận cập nhật (2)", "An update (2) is taken"),
        ("Văn bản, rồi bản cập nhật nó.", "A document, then its update."),
        _BUSINESS,
        trials.business("2", "Cập nhật văn bản kiểm tra"),
    ),
    _check(
        "replacement",
        ("Nhận thay thế (3)", "A replacement (3) is taken"),
        ("Văn bản, rồi bản thay thế nó.", "A document, then its replacement."),
        _BUSINESS,
        trials.business("3", "Thay thế văn bản kiểm tra"),
    ),
    _check(
        "status",
        ("Nhận trạng thái", "A status is taken"),
        ("Gateway-Kind: status, trạng thái 03.", "Gateway-Kind: status, a status 03."),
        Words(
            "Nhận cả Gateway-Kind: status; tìm văn bản theo ResponseFor/DocumentId; không tìm thấy cũng lưu và "
            "trả 200.",
            "Take Gateway-Kind: status, too; find the document by ResponseFor/DocumentId; store it and answer "
            "200 even when there is none.",
        ),
        trials.reporting(dialect_d=False),
    ),
    _check(
        "dialect-b",
        ("Khuôn dạng B", "Dialect B"),
        (
            "Tệp đính kèm không nén, tiền tố và thuộc tính khác.",
            "Attachments not zipped, other prefixes and attributes.",
        ),
        _STORE,
        trials.in_dialect("B"),
    ),
    _check(
        "dialect-c",
        ("Khuôn dạng C", "Dialect C"),
        ("edXML trong phong bì SOAP, không gian tên cũ.", "edXML inside a SOAP envelope, the old namespace."),
        _STORE,
        trials.in_dialect("C"),
    ),
    _check(
        "dialect-d",
        ("Trạng thái khuôn dạng D", "A status of dialect D"),
        ("Trạng thái trong SOAP header, ngày/tháng/năm.", "A status in a SOAP header, day first."),
        _STORE,
        trials.reporting(dialect_d=True),
    ),
    _check(
        "junk",
        ("Ký tự thừa trước khai báo XML", "Junk before the XML declaration"),
        ("“1212” đứng trước <?xml …?>.", "“1212” in front of <?xml …?>."),
        _NOT_5XX,
        trials.unreadable(trials.junked),
    ),
    _check(
        "garbage",
        ("Thân không phải XML", "A body that is not XML"),
        ("Các byte vô nghĩa, ký đúng.", "Meaningless bytes, signed correctly."),
        _NOT_5XX,
        trials.unreadable(lambda _: b"\x00\xff<<<not xml>>>" * 20),
    ),
    _check(
        "big",
        ("Văn bản 30 MB", "A document of 30 MB"),
        ("Tệp đính kèm 30 MB.", "An attachment of 30 MB."),
        _LARGE,
        trials.big,
    ),
    _check(
        "slow",
        ("Đường truyền chậm", "A slow line"),
        ("Thân đến trong ba giây.", "The body comes within three seconds."),
        _LINE,
        trials.slow,
    ),
    _check(
        "cut-off",
        ("Đường truyền đứt rồi gửi lại", "A line that breaks, then the whole"),
        (
            "Một nửa thân, đứt, rồi gửi lại cả tệp cùng dispatch.",
            "Half the body, a break, then all of it, same dispatch.",
        ),
        _LINE,
        trials.cut_off,
    ),
    _check(
        "retry-after",
        ("Retry-After hợp lý", "Retry-After makes sense"),
        ("Mọi trả lời 429 và 503 của lần kiểm tra này.", "Every 429 and 503 of this run."),
        _WAIT,
        trials.retry_after,
    ),
)
