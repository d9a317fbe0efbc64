"""What the sandbox asks beside the steps of every protocol: of clients of a facade, and of X-Road's two sides."""

from __future__ import annotations

from typing import Final

from gateway.conformance.evidence import asked
from gateway.conformance.offices import Order
from gateway.conformance.peer_evidence import (
    answers,
    doubted,
    refuses_unnamed,
    renewed,
    took_once,
    turned_away,
)
from gateway.conformance.stepping import make_step
from gateway.conformance.verdicts import Words

_HEADERS: Final = Words(
    "Mỗi lần gọi (trừ đăng nhập) gửi đủ ba tiêu đề: Authorization: Bearer, X-SystemId, X-SecretKey. "
    "401 là lỗi token: "
    "đăng nhập lại; mã 15 là sai X-SystemId hoặc X-SecretKey: báo người quản trị, đừng thử lại liên tục.",
    "Send all three headers with every call but the login: Authorization: Bearer, X-SystemId, "
    "X-SecretKey. 401 means "
    "the token: log in again; code 15 means X-SystemId or X-SecretKey: tell the administrator, do "
    "not try on and on.",
)
_CLIENT: Final = Words(
    "Gửi X-Road-Client đúng một lần, đúng tên đã đăng ký ở máy chủ bảo mật (xroad_client), từng phần "
    "cách nhau bởi /.",
    "Send X-Road-Client once, with the name registered at the security server (xroad_client), / between its parts.",
)
_SERVICE: Final = Words(
    "Dạng trả lời của từng lần gọi: docs/connect-xroad.vi.md, mục “Dịch vụ phía sau”. Lỗi thì trả "
    "4xx/5xx, đừng trả "
    "trang HTML với mã 200.",
    "The form of each answer is in docs/connect-xroad.md, “The service behind it”. Say errors by 4xx "
    "or 5xx, never by "
    "an HTML page with 200.",
)

FACADE: Final = (
    make_step(
        "agencies",
        "agencies",
        ("Lấy danh sách đơn vị", "Fetch the agencies"),
        ("Lấy danh sách đơn vị của nền tảng.", "Fetch the platform's list of agencies."),
        _HEADERS,
        asked("getAgenciesList"),
    ),
    make_step(
        "renew",
        "renew",
        ("Token hết hạn: đăng nhập lại", "The token ends: log in again"),
        (
            "Mọi token vừa hết hạn, như sau 30 phút. Gặp 401 thì đăng nhập lại một lần rồi gọi lại.",
            "All tokens have just ended, as after 30 minutes. At the 401 log in once, then make the call again.",
        ),
        Words(
            "Giữ token cho nhiều lần gọi; khi gặp 401 thì bỏ token, đăng nhập một lần, gọi lại đúng lần gọi ấy.",
            "Keep the token for many calls; at a 401 forget it, log in once, and make the same call again.",
        ),
        renewed,
        trick="end_tokens",
        after=("list",),
    ),
    make_step(
        "token-wrong",
        "agencies",
        ("Token sai", "A wrong token"),
        ("Gọi một lần với token sai; xem nền tảng từ chối (401).", "Call once with a wrong token; see the 401."),
        _HEADERS,
        turned_away("credential_invalid", "Authorization"),
    ),
    make_step(
        "header-missing",
        "renew",
        ("Thiếu tiêu đề X-SecretKey", "The header X-SecretKey is missing"),
        (
            "Gọi một lần với token đúng nhưng không có X-SecretKey; xem nền tảng từ chối (mã 15).",
            "Call once with a good token and without X-SecretKey; see it refused (code 15).",
        ),
        _HEADERS,
        turned_away("credential_missing", "X-SecretKey"),
    ),
)
MEMBER: Final = (
    make_step(
        "client-missing",
        "client",
        ("Thiếu X-Road-Client", "X-Road-Client is missing"),
        ("Gọi một lần không có X-Road-Client; xem lỗi.", "Call once without X-Road-Client; see the error."),
        _CLIENT,
        turned_away("credential_missing", "X-Road-Client"),
    ),
    make_step(
        "client-unknown",
        "client",
        ("X-Road-Client không đăng ký", "A client nobody registered"),
        (
            "Gọi một lần với X-Road-Client là VN/GOV/THU-NGHIEM/KHAC; xem lỗi của máy chủ bảo mật (X-Road-Error).",
            (
                "Call once as the X-Road-Client VN/GOV/THU-NGHIEM/KHAC; see the security server's error "
                "(X-Road-Error)."
            ),
        ),
        _CLIENT,
        turned_away("credential_invalid", "UnknownMember"),
    ),
    make_step(
        "hash-wrong",
        "hash",
        ("Mã băm trong trả lời sai", "A wrong hash in the answer"),
        (
            (
                "Gửi một văn bản mới tới {ready}. X-Road-Request-Hash của trả lời sẽ không phải của yêu "
                "cầu này: đừng coi "
                "là đã nhận, gửi lại đúng văn bản đó."
            ),
            (
                "Send a new document to {ready}. The answer's X-Road-Request-Hash will not be that of "
                "this request: do not "
                "take it for a receipt, send the same document again."
            ),
        ),
        Words(
            "So X-Road-Id và X-Road-Request-Hash của trả lời với yêu cầu; khi khác thì kết quả là "
            "không rõ: gửi lại "
            "đúng các byte đó với Idempotency-Key cũ.",
            "Compare the answer's X-Road-Id and X-Road-Request-Hash with the request; where they "
            "differ the outcome is "
            "unknown: send the same bytes again under the same Idempotency-Key.",
        ),
        doubted,
        trick="spoil_hash",
        after=("send-again",),
    ),
)
SERVICE: Final = (
    make_step(
        "serve-inbox",
        "serve",
        ("Trả lời danh sách", "Answer the list"),
        ("Trả lời GET inbox, cả khi không có gì.", "Answer GET inbox, also when nothing waits."),
        _SERVICE,
        answers("askInbox"),
    ),
    make_step(
        "serve-documents",
        "serve",
        ("Trả lời văn bản gửi tới", "Answer a document"),
        ("Trả lời POST documents bằng message_id.", "Answer POST documents with a message_id."),
        _SERVICE,
        answers("askDocuments"),
    ),
    make_step(
        "lost-answer",
        "lost",
        ("Trả lời bị mất: cùng message_id", "A lost answer: the same message_id"),
        (
            "Trả lời của lần tới bị mất trên đường; trục gửi lại với cùng Idempotency-Key. Trả lại message_id cũ.",
            (
                "Your next answer is lost on its way; the gateway sends again under the same Idempotency-Key. "
                "Give the same message_id."
            ),
        ),
        Words(
            "Lưu message_id theo Idempotency-Key trước khi trả lời; gặp lại khóa đó thì trả lời như cũ.",
            "Keep the message_id by Idempotency-Key before you answer; when the key comes again, answer the same.",
        ),
        took_once,
        trick="lose_answer",
        order=Order(subject="V/v kiểm tra mất trả lời"),
    ),
    make_step(
        "unnamed",
        "serve",
        ("Không có X-Road-Client", "No X-Road-Client"),
        (
            "Môi trường thử gọi GET inbox không có X-Road-Client: hãy từ chối (401 hoặc 403).",
            "The sandbox calls GET inbox without X-Road-Client: refuse it (401 or 403).",
        ),
        Words(
            "Chỉ trả lời khi có X-Road-Client của bên được phép, và chỉ nhận kết nối từ máy chủ bảo mật.",
            "Answer only a permitted X-Road-Client, and take connections from the security server alone.",
        ),
        refuses_unnamed,
        trick="call_unnamed",
    ),
)
