"""What a provincial platform's facade is asked: the list of checks, in the order in which they run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from gateway.conformance import lgsp_trials as trials
from gateway.conformance.lgsp_trials import LgspBench, LgspCheck
from gateway.conformance.verdicts import Verdict, Words

_ACCOUNT: Final = Words(
    "Kiểm tra tài khoản, tệp mật khẩu, mã ứng dụng; hỏi đơn vị quản lý trục của tỉnh.",
    "Check account, password file and application code; ask whoever runs the platform.",
)
_HEADERS: Final = Words(
    "Mọi lời gọi cần Authorization, X-SystemId và X-SecretKey; token thiếu hoặc sai thì 401, khóa sai thì success"
    " false.",
    "Every call needs Authorization, X-SystemId and X-SecretKey; 401 for the token, success false for the others.",
)
_FILE: Final = Words(
    "Kiểm tra tệp trước khi trả success: XML, nơi gửi, nơi nhận; sai thì success false với errorCode.",
    "Look at the file before answering success: XML, sender, recipients; else success false with an errorCode.",
)
_RECEIVE: Final = Words(
    "Giữ văn bản ở trạng thái initial cho đến khi có done hoặc fail; getEdoc trả đúng các byte đã nhận.",
    "Keep a document initial until done or fail; getEdoc answers the very bytes that were received.",
)


def _check(key: str, vi: str, en: str, mend: Words, run: Callable[[LgspBench], Awaitable[Verdict]]) -> LgspCheck:
    words = Words(vi, en)
    return LgspCheck(key=key, title=words, asked=words, mend=mend, run=run)


CHECKS: Final = (
    _check("login", "Đăng nhập: có data.token", "Login: there is a data.token", _ACCOUNT, trials.entered),
    _check(
        "login-wrong", "Mật khẩu sai bị từ chối", "A wrong password is refused", _ACCOUNT, trials.entered_wrongly
    ),
    _check("token-missing", "Thiếu token thì 401", "Without a token 401", _HEADERS, trials.unauthorised("")),
    _check(
        "token-wrong", "Token lạ thì 401", "With a strange token 401", _HEADERS, trials.unauthorised("Bearer a.b.c")
    ),
    _check(
        "system-wrong",
        "X-SystemId thiếu hoặc sai bị từ chối",
        "X-SystemId missing or wrong is refused",
        _HEADERS,
        trials.without("X_SystemId"),
    ),
    _check(
        "secret-wrong",
        "X-SecretKey thiếu hoặc sai bị từ chối",
        "X-SecretKey missing or wrong is refused",
        _HEADERS,
        trials.without("X_SecretKey"),
    ),
    _check("send", "sendEdoc: success", "sendEdoc: success", _FILE, trials.sent),
    _check(
        "receive",
        "Danh sách và getEdoc: đúng các byte",
        "List and getEdoc: the very bytes",
        _RECEIVE,
        trials.listed,
    ),
    _check("days", "fromDate, toDate được xét", "fromDate and toDate count", _RECEIVE, trials.of_that_day),
    _check("unknown", "docId lạ bị từ chối", "A strange docId is refused", _RECEIVE, trials.unknown),
    _check("not-xml", "Tệp không phải XML bị từ chối", "What is no XML is refused", _FILE, trials.not_xml),
    _check("cut-off", "Tệp bị cắt bị từ chối", "A file that was cut off is refused", _FILE, trials.cut_off),
    _check(
        "unknown-recipient",
        "Nơi nhận không tồn tại bị từ chối",
        "A recipient that does not exist is refused",
        _FILE,
        trials.to_stranger,
    ),
    _check("status", "Gửi trạng thái 03", "Send a status 03", _FILE, trials.status_sent),
    _check("done", "updateStatus done, hai lần", "updateStatus done, twice", _RECEIVE, trials.done),
    _check("settled", "Sau done không còn initial", "After done it is not initial", _RECEIVE, trials.settled),
    _check("agencies", "getAgenciesList", "getAgenciesList", _HEADERS, trials.agencies),
)
