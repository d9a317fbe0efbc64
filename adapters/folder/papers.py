"""What clerks read: texts beside documents, receipts and refusals, Vietnamese first, English below.

Files for Windows: UTF-8 with a byte order mark and CRLF, so that the oldest editor shows them. The same facts stand
in JSON beside them, for programs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from gateway.edxml.codes import PRIORITIES
from gateway.edxml.names import safe_name
from gateway.ports import Paper
from gateway.reasons import REASONS, Reason

README = """\
THƯ MỤC TRAO ĐỔI VĂN BẢN ĐIỆN TỬ

outbox/    Đặt văn bản cần gửi vào đây: tệp edXML, hoặc PDF có tên
           <số>_<ký hiệu>_<yyyy-mm-dd>_<mã nơi nhận>[+<mã>...]_<trích yếu>.pdf
           (thêm KHAN_ hoặc HOATOC_ ở đầu tên nếu khẩn), hoặc tệp JSON mô tả cùng các tệp của nó.
inbox/     Văn bản đến, mỗi văn bản một thư mục; đọc thong-tin.txt trước.
status/    Đặt trạng thái trả lời vào đây: chép tệp trong tra-loi/ của văn bản đến.
sent/      Văn bản trục đã tiếp nhận.
receipts/  Biên nhận có chữ ký số của trục, và trạng thái từ nơi nhận.
refused/   Thứ trục không nhận, đang giữ lại hoặc không chuyển được: đọc LY-DO.txt.

Không xóa tệp .gateway-folder và thư mục .gateway.

FOLDER FOR THE EXCHANGE OF OFFICIAL DOCUMENTS

outbox/    Put what you send here: edXML, or a PDF named
           <number>_<notation>_<yyyy-mm-dd>_<recipient's code>[+<code>...]_<subject>.pdf
           (with KHAN_ or HOATOC_ before it when urgent), or a JSON file that describes its files.
inbox/     What comes for you, one folder for each document; read thong-tin.txt first.
status/    Put your answers here: copy a file out of tra-loi/ of the document.
sent/      What the gateway has accepted.
receipts/  The gateway's sealed receipts, and statuses of recipients.
refused/   What was not accepted, is held or could not be delivered: read LY-DO.txt.

Do not remove the file .gateway-folder nor the folder .gateway.
""".replace("\n", "\r\n")

_EXPRESS = 3


def priority_words(priority: int) -> tuple[str, str]:
    """Vietnamese and English; what is express stands out."""
    known = PRIORITIES.get(priority, PRIORITIES[_EXPRESS])
    return (known.vi.upper(), known.en.upper()) if priority >= _EXPRESS else (known.vi, known.en)


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
    reason = reason_of(code)
    page = table(
        ("TRỤC KHÔNG NHẬN TỆP NÀY", "THE GATEWAY DID NOT ACCEPT THIS FILE"),
        (
            ("Tệp", "File", name),
            ("Mã lý do", "Reason code", reason.code),
            ("Chi tiết", "Details", detail),
        ),
        (
            *advice(reason),
            (
                "Sửa xong, đặt lại tệp vào outbox/ (hoặc status/).",
                "When it is mended, put the file into outbox/ (or status/) again.",
            ),
        ),
    )
    return page, as_json({"file": name, **reason_facts(reason, detail)})


_TITLES = {
    "held": ("TRỤC ĐANG GIỮ LẠI VĂN BẢN", "THE GATEWAY HOLDS THE DOCUMENT"),
    "quarantined": ("TRỤC ĐÃ CÁCH LY VĂN BẢN", "THE GATEWAY HAS SET THE DOCUMENT ASIDE"),
    "dead": ("TRỤC KHÔNG CHUYỂN ĐƯỢC VĂN BẢN", "THE GATEWAY COULD NOT DELIVER THE DOCUMENT"),
    "refused": ("TRỤC KHÔNG CHUYỂN ĐƯỢC VĂN BẢN", "THE GATEWAY COULD NOT DELIVER THE DOCUMENT"),
    "listed": ("TRỤC CHƯA TIẾP NHẬN ĐƯỢC TỆP NÀY", "THE GATEWAY COULD NOT TAKE UP THIS FILE YET"),
}
_NAMES = {"held": "dang-giu-lai", "quarantined": "cach-ly", "listed": "chua-tiep-nhan"}
_STAYS = ("Đừng gửi lại: trục vẫn giữ văn bản, người vận hành sẽ quyết định.",
          "Do not send it again: the gateway has the document, its operator decides.")  # fmt: skip
_ENDS = ("Chỉ các nơi nhận nêu trên bị ảnh hưởng; muốn gửi bằng cách khác thì báo người vận hành.",
         "Only the recipients above are concerned; before sending another way, tell the operator.")  # fmt: skip
_TRIED = ("Cứ để tệp ở nguyên chỗ: trục tự thử lại. Muốn thôi thì lấy tệp ra.",
          "Leave the file where it is: the gateway tries again. To give it up, take the file away.")  # fmt: skip
_CLOSING = {"held": _STAYS, "quarantined": _STAYS, "listed": _TRIED}
_RECIPIENTS_SHOWN = 200


def paper_name(paper: Paper) -> str:
    """Of the folder that holds it: readable, and another one for each."""
    about = paper.code or paper.ref.partition("|")[0].rpartition("/")[2]
    told = safe_name(about.replace("/", "-"))[:40].rstrip(". ")
    return f"{_NAMES.get(paper.state, 'khong-chuyen-duoc')}_{told}_{paper.key}".replace(" ", "_")


def outcome(paper: Paper) -> tuple[bytes, bytes]:
    """LY-DO.txt and reason.json about a document on its way, or a file that waits."""
    reason = reason_of(paper.reason)
    entry = paper.ref.partition("|")[0]
    codes = [code for _, code in paper.deliveries]
    more = f" … ({len(codes)})" if len(codes) > _RECIPIENTS_SHOWN else ""
    page = table(
        _TITLES[paper.state],
        (
            ("Tệp", "File", entry),
            ("Số, ký hiệu", "Number and notation", paper.code),
            ("Trích yếu", "Subject", paper.subject),
            ("Nơi nhận", "Recipients", ", ".join(codes[:_RECIPIENTS_SHOWN]) + more),
            ("Mã giao dịch", "Message id", paper.message_id),
            ("Mã lý do", "Reason code", reason.code),
            ("Chi tiết", "Details", paper.detail),
        ),
        (*advice(reason), _CLOSING.get(paper.state, _ENDS)),
    )
    facts: dict[str, object] = {
        "state": paper.state,
        "file": entry,
        "messageId": paper.message_id,
        "documentId": paper.document_id,
        "documentCode": paper.code,
        "deliveries": [{"id": key, "recipient": code} for key, code in paper.deliveries],
    }
    return page, as_json({key: value for key, value in facts.items() if value} | reason_facts(reason, paper.detail))


def reason_facts(reason: Reason, detail: str) -> dict[str, object]:
    """A reason, for programs."""
    return {
        "code": reason.code,
        "detail": detail,
        "message": {"vi": reason.vi, "en": reason.en},
        "nextStep": {"vi": reason.next_vi, "en": reason.next_en},
    }


def advice(reason: Reason) -> tuple[tuple[str, str], tuple[str, str]]:
    """What happened and what to do."""
    return (
        (f"Lý do: {reason.vi}", f"Reason: {reason.en}"),
        (f"Việc cần làm: {reason.next_vi}", f"What to do: {reason.next_en}"),
    )


def reason_of(code: str) -> Reason:
    """The entry of a code; a paper is written even about one that is unknown."""
    return REASONS.get(code, REASONS["internal_error"])


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
