"""What a REST v1 server is asked: the list of checks, in the order in which they run, and their words."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from gateway.conformance import rest_trials as trials
from gateway.conformance.rest_trials import RestBench, RestCheck
from gateway.conformance.verdicts import Verdict, Words

_CREDENTIAL: Final = Words(
    "Kiểm tra tệp token, địa chỉ và tệp CA (--anchors); xin token mới nếu hết hạn.",
    "Check the token's file, the address and the CA file (--anchors); ask for a new token if it has expired.",
)
_SERVER: Final = Words(
    "Máy chủ không theo REST v1; so với /api/v1/openapi.json và báo người vận hành kèm traceId.",
    "The server does not keep to REST v1; compare /api/v1/openapi.json, and tell its operator the traceId.",
)


def _check(
    key: str, vi: str, en: str, run: Callable[[RestBench], Awaitable[Verdict]], mend: Words = _SERVER
) -> RestCheck:
    words = Words(vi, en)
    return RestCheck(key=key, title=words, asked=words, mend=mend, run=run)


CHECKS: Final = (
    _check("limits", "GET /limits trả 200", "GET /limits answers 200", trials.limits, _CREDENTIAL),
    _check(
        "token-missing",
        "Thiếu token thì 401",
        "Without a token 401",
        trials.stranger(""),
    ),
    _check(
        "token-wrong",
        "Token sai thì 401",
        "With a wrong token 401",
        trials.stranger("gw_wrong-token-000000000"),
    ),
    _check("send", "Gửi văn bản: 202 với sha256", "Send a document: 202 with its sha256", trials.submitted),
    _check("send-again", "Gửi lại: cùng biên nhận", "Send it again: the same receipt", trials.repeated),
    _check("receipt", "Biên nhận XAdES", "The XAdES receipt", trials.receipt),
    _check("deliveries", "Mỗi nơi nhận một dòng", "One line per recipient", trials.deliveries),
    _check(
        "idempotency-key",
        "Idempotency-Key dùng cho hai văn bản bị từ chối",
        "An Idempotency-Key used for two documents is refused",
        trials.key_reused,
    ),
    _check("digest-wrong", "Content-Digest sai thì 422", "A wrong Content-Digest is 422", trials.digest_wrong),
    _check("garbage", "Không phải XML thì 422", "What is no XML is 422", trials.garbage),
    _check("wrong-from", "From của cơ quan khác thì 403", "Another agency's From is 403", trials.wrong_sender),
    _check(
        "unknown-recipient",
        "Nơi nhận không có trong danh bạ thì 422",
        "A recipient that nobody knows is 422",
        trials.unknown_recipient,
    ),
    _check("inbox", "GET /inbox có items và cursor", "GET /inbox has items and cursor", trials.inbox),
    _check("not-found", "Mã lạ thì 404", "A strange id is 404", trials.not_there),
)
