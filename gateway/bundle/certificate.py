"""The printable certificate of a bundle, as a page in Vietnamese or English: a ladder, each rung with its source.

A rung says no more than its source does. The page proves nothing by itself: what is proved, `gateway-verify` tells.
Its QR code carries the document's digest and the checkpoint's root, so that paper and bundle can be held together.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Final, Literal

import segno

from gateway.bundle.facts import Delivery, Facts

Language = Literal["vi", "en"]

_TEXTS: Final[dict[str, tuple[str, str]]] = {
    "title": ("Giấy xác nhận gửi, nhận văn bản", "Certificate of transmission"),
    "document": ("Văn bản", "Document"),
    "number": ("Số, ký hiệu", "Number"),
    "subject": ("Trích yếu", "Subject"),
    "sender": ("Nơi gửi", "Sender"),
    "accepted": ("Đã tiếp nhận và niêm phong", "Accepted and sealed"),
    "by_seal": ("nguồn: dấu niêm phong của trục (chữ ký số)", "source: our seal (digital signature)"),
    "relayed": ("Đã chuyển cho trục trung gian, mã của họ", "Handed to an intermediary, its id"),
    "fetched": ("Đã giao cho hệ thống của nơi nhận", "Handed to the receiver's system"),
    "by_peer": ("nguồn: chứng thư và trả lời của bên nhận", "source: the peer's certificate and answer"),
    "01": (
        "Trạng thái 01: phần mềm của nơi nhận báo đã đến",
        "Status 01: software of the receiver says it arrived",
    ),
    "03": ("Trạng thái 03: nơi nhận báo đã tiếp nhận", "Status 03: the receiver says that it took it in"),
    "other": ("Trạng thái", "Status"),
    "log": ("Nhật ký minh bạch: mốc có", "Transparency log: a checkpoint of"),
    "leaves": ("lá, gốc", "leaves, root"),
    "then": ("khi gửi", "then"),
    "now": ("nay là", "now"),
    "state": ("trạng thái trong sổ", "state in the ledger"),
    "not": ("Điều giấy này không chứng minh", "What this does not prove"),
    "not_1": (
        "Nội dung văn bản là đúng; ai đã ký tệp bên trong; không còn thông tin nào khác về văn bản.",
        "That the contents are true; who signed the files inside; that nothing else exists about the document.",
    ),
    "not_2": (
        "Một người đã đọc: chỉ trạng thái 03 có nêu tên người hoặc số đến mới nói điều đó.",
        "That a person read it: only a status 03 that names a person or a register number says so.",
    ),
    "not_3": (
        "Giờ ghi ở đây là giờ của trục; chỉ dấu thời gian của bên thứ ba mới chứng minh thời điểm.",
        "Times here are our own record; only a third party's time stamp proves a time.",
    ),
    "how": (
        "Kiểm tra: gateway-verify TỆP --anchors THƯ-MỤC. Tờ giấy này tự nó không phải bằng chứng.",
        "Verify: gateway-verify FILE --anchors DIR. This page is no evidence by itself.",
    ),
}
_STYLE: Final = (
    "body{font:15px/1.5 'Be Vietnam Pro','DejaVu Sans',system-ui,sans-serif;max-width:46rem;margin:2rem auto;"
    "padding:0 1rem}code{overflow-wrap:anywhere}dt{font-weight:bold}li{margin:.3rem 0}"
    ".qr svg{width:9rem;height:9rem}"
)


@dataclass(frozen=True, slots=True)
class _Words:
    language: Language

    def __call__(self, key: str) -> str:
        vietnamese, english = _TEXTS[key]
        return vietnamese if self.language == "vi" else english


def page(facts: Facts, language: Language) -> bytes:
    """The page; nothing in it comes from elsewhere."""
    words, document = _Words(language), facts.document
    names = {party.agency: _named(facts, party.agency, words) for party in facts.parties}
    number = "/".join(part for part in (document.number, document.notation) if part)
    rows = (
        (words("document"), f"<code>{escape(document.id)}</code><br><code>SHA-256 {document.sha256}</code>"),
        (words("number"), f"{escape(number)} ({escape(document.document_id)})"),
        (words("subject"), escape(document.subject)),
        (words("sender"), names.get(document.sender, "")),
        (words("accepted"), f"{escape(document.accepted_at)} ({words('by_seal')})"),
    )
    told = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in rows)
    lines = "".join(_line(each, facts, names, words) for each in facts.deliveries)
    log = ""
    if facts.log is not None:
        root = f"<code>{escape(facts.log.root)}</code>"
        log = f"<p>{words('log')} {facts.log.size} {words('leaves')} {root} ({escape(facts.log.origin)})</p>"
    missing = "".join(f"<li>{words(key)}</li>" for key in ("not_1", "not_2", "not_3"))
    return (
        f'<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8"><title>{words("title")}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{words('title')}</h1><dl>{told}</dl>{lines}{log}"
        f"<h2>{words('not')}</h2><ul>{missing}</ul><p>{words('how')}</p>"
        f'<div class="qr">{code(facts)}</div></body></html>\n'
    ).encode()


def code(facts: Facts) -> str:
    """The QR code as SVG: digest of the document and root of the checkpoint."""
    root = f";{facts.log.origin};{facts.log.size};{facts.log.root}" if facts.log else ""
    out = io.BytesIO()
    segno.make(f"sha256:{facts.document.sha256}{root}", error="m", micro=False).save(
        out, kind="svg", xmldecl=False, svgns=True, nl=False
    )
    return out.getvalue().decode()


def _named(facts: Facts, agency: str, words: _Words) -> str:
    party = next(each for each in facts.parties if each.agency == agency)
    name = f"{escape(party.name_then)} ({escape(party.code)})"
    now = party.successor_name or (party.name_now if party.name_now != party.name_then else "")
    return f"{name}; {words('now')}: {escape(now)}" if now else name


def _line(delivery: Delivery, facts: Facts, names: dict[str, str], words: _Words) -> str:
    rungs = "".join(f"<li>{each}</li>" for each in _rungs(delivery, facts, words))
    state = f"{words('state')}: {escape(delivery.state)}"
    return f"<h2>{names.get(delivery.recipient, escape(delivery.code))}</h2><p>{state}</p><ol>{rungs}</ol>"


def _rungs(delivery: Delivery, facts: Facts, words: _Words) -> Iterator[str]:
    """Each thing that somebody has said of this delivery, and who."""
    if delivery.peer_reference:
        yield f"{words('relayed')}: <code>{escape(delivery.peer_reference)}</code>"
    for attempt in facts.attempts:
        if attempt.dispatch == delivery.dispatch and attempt.outcome == "delivered":
            peer = ", ".join(f"{name} {value}" for name, value in sorted(attempt.peer.items()))
            yield f"{words('fetched')}, {escape(attempt.ended_at or '')} ({words('by_peer')}: {escape(peer)})"
    for status in facts.statuses:
        if status.delivery == delivery.id:
            name = words(status.code) if status.code in {"01", "03"} else f"{words('other')} {escape(status.code)}"
            said = f": “{escape(status.description)}”" if status.description else ""
            yield f"{name}, {escape(status.recorded_at)}{said} (<code>{escape(status.message)}</code>)"
