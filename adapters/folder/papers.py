"""What clerks read: texts beside documents, receipts and refusals, Vietnamese first, English below.

Files for Windows: UTF-8 with a byte order mark and CRLF, so that the oldest editor shows them. The same facts stand
in JSON beside them, for programs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from gateway.reasons import REASONS

README = """\
THƯ MỤC TRAO ĐỔI VĂN BẢN ĐIỆN TỬ

outbox/    Đặt văn bản cần gửi vào đây: tệp edXML, hoặc PDF có tên
           <số>_<ký hiệu>_<yyyy-mm-dd>_<mã nơi nhận>[+<mã>...]_<trích yếu>.pdf
           (thêm KHAN_ hoặc HOATOC_ ở đầu tên nếu khẩn), hoặc tệp JSON mô tả cùng các tệp của nó.
inbox/     Văn bản đến, mỗi văn bản một thư mục; đọc thong-tin.txt trước.
status/    Đặt trạng thái trả lời vào đây: chép tệp trong tra-loi/ của văn bản đến.
sent/      Văn bản trục đã tiếp nhận.
receipts/  Biên nhận có chữ ký số của trục, và trạng thái từ nơi nhận.
refused/   Thứ trục không nhận, hoặc không chuyển được: đọc LY-DO.txt.

Không xóa tệp .gateway-folder và thư mục .gateway.

FOLDER FOR THE EXCHANGE OF OFFICIAL DOCUMENTS

outbox/    Put what you send here: edXML, or a PDF named
           <number>_<notation>_<yyyy-mm-dd>_<recipient's code>[+<code>...]_<subject>.pdf
           (with KHAN_ or HOATOC_ before it when urgent), or a JSON file that describes its files.
inbox/     What comes for you, one folder for each document; read thong-tin.txt first.
status/    Put your answers here: copy a file out of tra-loi/ of the document.
sent/      What the gateway has accepted.
receipts/  The gateway's sealed receipts, and statuses of recipients.
refused/   What was not accepted, or could not be delivered: read LY-DO.txt.

Do not remove the file .gateway-folder nor the folder .gateway.
""".replace("\n", "\r\n")

_PRIORITIES = {0: ("Thường", "normal"), 1: ("Khẩn", "urgent"), 2: ("Thượng khẩn", "very urgent")}
_FLASH = ("HỎA TỐC", "MOST URGENT")


def priority_words(priority: int) -> tuple[str, str]:
    """Vietnamese and English."""
    return _PRIORITIES.get(priority, _FLASH)


def table(title: tuple[str, str], facts: Sequence[tuple[str, str, str]], steps: Sequence[tuple[str, str]]) -> bytes:
    """A page: facts as (Vietnamese label, English label, value), then what to do, in both languages."""
    lines = []
    for language in (0, 1):
        lines += [title[language], ""]
        lines += [f"{fact[language]}: {_line(fact[2])}" for fact in facts if fact[2]]
        lines += ["", *(step[language] for step in steps), ""]
    return "\r\n".join(lines).encode("utf-8-sig", "replace")


def refusal(name: str, code: str, detail: str) -> tuple[bytes, bytes]:
    """LY-DO.txt and reason.json."""
    reason = REASONS[code] if code in REASONS else REASONS["internal_error"]
    page = table(
        ("TRỤC KHÔNG NHẬN TỆP NÀY", "THE GATEWAY DID NOT ACCEPT THIS FILE"),
        (
            ("Tệp", "File", name),
            ("Mã lý do", "Reason code", reason.code),
            ("Chi tiết", "Details", detail),
        ),
        (
            (f"Lý do: {reason.vi}", f"Reason: {reason.en}"),
            (f"Việc cần làm: {reason.next_vi}", f"What to do: {reason.next_en}"),
            (
                "Sửa xong, đặt lại tệp vào outbox/ (hoặc status/).",
                "When it is mended, put the file into outbox/ (or status/) again.",
            ),
        ),
    )
    facts = {
        "file": name,
        "code": reason.code,
        "detail": detail,
        "message": {"vi": reason.vi, "en": reason.en},
        "nextStep": {"vi": reason.next_vi, "en": reason.next_en},
    }
    return page, as_json(facts)


def receipt(name: str, message_id: str) -> bytes:
    """thong-tin.txt of what was accepted."""
    return table(
        ("TRỤC ĐÃ TIẾP NHẬN VĂN BẢN", "THE GATEWAY HAS ACCEPTED THE DOCUMENT"),
        (("Tệp", "File", name), ("Mã giao dịch", "Message id", message_id)),
        (
            ("Giữ answer.json, transfer.json và receipt.xml: đó là biên nhận có chữ ký số.",
             "Keep answer.json, transfer.json and receipt.xml: they are the sealed receipt."),
        ),
    )  # fmt: skip


def as_json(facts: Mapping[str, object]) -> bytes:
    """For programs; text that is no UTF-8 is marked, not lost."""
    return json.dumps(facts, ensure_ascii=False, indent=1).encode("utf-8", "replace")


def _line(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
