"""What a server of the axis's protocol is asked: the list of checks, in the order in which they run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from gateway.conformance import vxp_trials as trials
from gateway.conformance.verdicts import Verdict, Words
from gateway.conformance.vxp_trials import VxpBench, VxpCheck

_SIGNATURE: Final = Words(
    "Tính HMAC-SHA256 trên đúng chuỗi sign-header đã nhận; mọi tham số cần dùng phải nằm trong đó và bằng tiêu "
    "đề đã gửi; sai thì trả FAIL, không xử lý.",
    "Compute HMAC-SHA256 over the sign-header text exactly as received; every parameter in use must be in it and "
    "equal the header that was sent; else answer FAIL and do nothing.",
)
_SHAPE: Final = Words(
    'Mọi trả lời là JSON {"status":"OK"|"FAIL","ErrorCode":"0"|…,"ErrorDesc":"…"}, chỉ ký tự ASCII không dấu.',
    'Every answer is JSON {"status":"OK"|"FAIL","ErrorCode":"0"|…,"ErrorDesc":"…"}, in ASCII without accents.',
)
_SDK: Final = Words(
    "SDK của trục có các thói quen này và không sửa được ở phía khách: chấp nhận cả hai dạng.",
    "The vendor's SDK has these habits, and its users cannot mend them: take both forms.",
)
_RECEIVE: Final = Words(
    "Giữ văn bản trong danh sách cho đến khi có done hoặc fail; getEdoc trả base64 của đúng các byte đã nhận.",
    "Keep a document listed until done or fail; getEdoc answers base64 of the very bytes that were received.",
)
_FILE: Final = Words(
    "Kiểm tra tệp trước khi trả OK: mã băm, XML, đơn vị gửi; sai thì FAIL với mã và câu giải thích.",
    "Look at the file before answering OK: digest, XML, sender; else FAIL with a code and a sentence.",
)


def _check(key: str, vi: str, en: str, mend: Words, run: Callable[[VxpBench], Awaitable[Verdict]]) -> VxpCheck:
    words = Words(vi, en)
    return VxpCheck(key=key, title=words, asked=words, mend=mend, run=run)


CHECKS: Final = (
    _check("list", "Gọi có ký: danh sách", "A signed call: the list", _SIGNATURE, trials.listed),
    _check(
        "hmac-wrong",
        "HMAC bằng khóa khác bị từ chối",
        "An HMAC by another secret is refused",
        _SIGNATURE,
        trials.wrongly(secret=b"another secret"),
    ),
    _check(
        "system-unknown",
        "Mã hệ thống lạ bị từ chối",
        "An unknown system id is refused",
        _SIGNATURE,
        trials.wrongly(system_id="000.00.00.X01"),
    ),
    _check(
        "header-altered",
        "Tiêu đề khác với giá trị đã ký bị từ chối",
        "A header that differs from what was signed is refused",
        _SIGNATURE,
        trials.altered,
    ),
    _check("send", "sendEdoc: OK và DocId", "sendEdoc: OK and DocId", _FILE, trials.sent),
    _check("send-again", "Gửi lại cùng tệp", "The same file again", _SDK, trials.sent_again),
    _check(
        "hash-unpadded",
        "hash-file không đệm số 0, như SDK in ra",
        "hash-file without padding, as the SDK prints it",
        _SDK,
        trials.as_sdk(unpadded=True),
    ),
    _check(
        "line-end", "CRLF sau tệp, như SDK", "CRLF behind the file, as the SDK", _SDK, trials.as_sdk(ending=b"\r\n")
    ),
    _check("hash-wrong", "hash-file sai bị từ chối", "A wrong hash-file is refused", _FILE, trials.wrong_hash),
    _check(
        "from-wrong",
        "from khác mã hệ thống bị từ chối",
        "A from that is not the system id is refused",
        _FILE,
        trials.wrong_from,
    ),
    _check("not-xml", "Tệp không phải XML bị từ chối", "What is no XML is refused", _FILE, trials.not_xml),
    _check("junk", "Ký tự thừa trước khai báo XML", "Junk before the XML declaration", _SHAPE, trials.junked),
    _check(
        "receive",
        "Danh sách và getEdoc: đúng các byte",
        "List and getEdoc: the very bytes",
        _RECEIVE,
        trials.received,
    ),
    _check("download", "downloadEdoc: đúng các byte", "downloadEdoc: the very bytes", _RECEIVE, trials.downloaded),
    _check("status", "Gửi trạng thái 03", "Send a status 03", _FILE, trials.status_sent),
    _check(
        "leaked", "Tiêu đề của lời gọi trước còn sót", "Headers of earlier calls left over", _SDK, trials.leaked
    ),
    _check("frozen", "Thời gian ký từ hai giờ trước", "A time of signing two hours ago", _SDK, trials.of_age(2)),
    _check("replayed", "Lời gọi của ba ngày trước", "A call of three days ago", _SIGNATURE, trials.replayed),
    _check("sent-list", "getSentEdocList", "getSentEdocList", _RECEIVE, trials.sent_list),
    _check("count", "countReceiveEdoc", "countReceiveEdoc", _SHAPE, trials.counted),
    _check("done", "updateStatus docId=…, done", "updateStatus docId=…, done", _RECEIVE, trials.done("docId")),
    _check(
        "done-again", "updateStatus docid=…, lần nữa", "updateStatus docid=…, again", _SDK, trials.done("docid")
    ),
    _check("gone", "Sau done không còn trong danh sách", "After done it is not listed", _RECEIVE, trials.gone),
    _check("agencies", "getAgenciesList", "getAgenciesList", _SHAPE, trials.agencies),
    _check("shape", "Khuôn dạng mọi trả lời", "The shape of every answer", _SHAPE, trials.shape),
    _check("ascii", "ErrorDesc không dấu", "ErrorDesc without accents", _SHAPE, trials.ascii_only),
)
