"""The printable certificate of a bundle, Vietnamese and English: a ladder, each rung with its source.

A rung says no more than its source does. The paper proves nothing by itself: what is, `gateway-verify` tells.
Its QR code carries the document's digest and the checkpoint's root, so that paper and bundle can be held together.
What it says is put together here; `certificate_html` and `certificate_pdf` set it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from gateway.bundle.facts import Delivery, Facts
from gateway.model import whole_code

Language = Literal["vi", "en"]
#: Valid and the receiver's; valid, of nobody in particular; another office's; not to be confirmed.
Outcome = Literal["valid", "unbound", "other", "not"]

#: Rules of findings about files that are encrypted for their recipients (`gateway.openable`).
_ENCRYPTED: Final = "GW-ENC-"

_TEXTS: Final[dict[str, tuple[str, str]]] = {
    "title": ("Giấy xác nhận gửi, nhận văn bản", "Certificate of transmission"),
    "document": ("Văn bản", "Document"),
    "number": ("Số, ký hiệu", "Number"),
    "subject": ("Trích yếu", "Subject"),
    "sender": ("Nơi gửi", "Sender"),
    "accepted": ("Đã tiếp nhận và niêm phong", "Accepted and sealed"),
    "by_seal": ("nguồn: dấu niêm phong của trục (chữ ký số)", "source: our seal (digital signature)"),
    "bytes": ("Nội dung", "Bytes"),
    "destroyed": (
        "đã hủy theo lệnh, chỉ còn mã băm, lúc",
        "destroyed by order, only their digest is left, on",
    ),
    "encrypted": ("Mã hóa đầu cuối", "Encrypted end to end"),
    "relayed": ("Đã chuyển cho trục trung gian, mã của họ", "Handed to an intermediary, its id"),
    "fetched": ("Đã giao cho hệ thống của nơi nhận", "Handed to the receiver's system"),
    "by_peer": ("nguồn: chứng thư và trả lời của bên nhận", "source: the peer's certificate and answer"),
    "01": (
        "Trạng thái 01: phần mềm của nơi nhận báo đã đến",
        "Status 01: software of the receiver says it arrived",
    ),
    "03": ("Trạng thái 03: nơi nhận báo đã tiếp nhận", "Status 03: the receiver says that it took it in"),
    "other": ("Trạng thái", "Status"),
    "signed_valid": (
        "có chữ ký số của nơi nhận, trục đã kiểm tra: hợp lệ",
        "signed by the receiver, valid when we looked",
    ),
    "signed_unbound": (
        "có chữ ký số hợp lệ khi trục kiểm tra; chứng thư chưa được gắn với nơi nhận",
        "signed, valid when we looked, by a certificate that nobody has bound to the receiver",
    ),
    "signed_other": (
        "có chữ ký số bằng chứng thư không phải của nơi nhận",
        "signed by a certificate that is not the receiver's",
    ),
    "signed_not": (
        "có chữ ký số nhưng không xác nhận được",
        "bears a signature that could not be confirmed",
    ),
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


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusSignature:
    """What the gateway found of the signature on a status message; its report is in the bundle."""

    outcome: Outcome
    #: Of its certificate; "" where it names none.
    name: str


#: By the message's id.
Signed = Mapping[str, StatusSignature]
NOBODY: Final[Signed] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Code:
    """An id or a digest."""

    text: str


#: Texts one after the other, without anything between them.
Told = tuple[str | Code, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Ladder:
    """What became of the document at one recipient."""

    recipient: str
    state: str
    rungs: tuple[Told, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Paper:
    """All that the certificate says, in one language."""

    language: Language
    title: str
    #: What it is called, and what it is, in lines.
    rows: tuple[tuple[str, tuple[Told, ...]], ...]
    ladders: tuple[Ladder, ...]
    #: The log's checkpoint; () where there is none.
    log: Told
    #: What is not proved.
    limits_title: str
    limits: tuple[str, ...]
    how: str


@dataclass(frozen=True, slots=True)
class _Words:
    language: Language

    def __call__(self, key: str) -> str:
        vietnamese, english = _TEXTS[key]
        return vietnamese if self.language == "vi" else english


def paper_of(facts: Facts, language: Language, signed: Signed = NOBODY) -> Paper:
    """What there is to say."""
    words, document = _Words(language), facts.document
    names = {party.agency: _named(facts, party.agency, words) for party in facts.parties}
    number = whole_code(document.number, document.notation)
    log: Told = ()
    if facts.log is not None:
        told = f"{words('log')} {facts.log.size} {words('leaves')} "
        log = (told, Code(facts.log.root), f" ({facts.log.origin})")
    gone: tuple[tuple[str, tuple[Told, ...]], ...] = ()
    if isinstance(document.destroyed_at, str):
        gone = ((words("bytes"), ((f"{words('destroyed')} {document.destroyed_at}",),)),)
    return Paper(
        language=language,
        title=words("title"),
        rows=(
            (words("document"), ((Code(document.id),), (Code(f"SHA-256 {document.sha256}"),))),
            (words("number"), ((f"{number} ({document.document_id})",),)),
            (words("subject"), ((document.subject,),)),
            (words("sender"), ((names.get(document.sender, ""),),)),
            (words("accepted"), ((f"{document.accepted_at} ({words('by_seal')})",),)),
            *gone,
            *_encrypted(facts, words),
        ),
        ladders=tuple(_ladder(each, facts, names, words, signed) for each in facts.deliveries),
        log=log,
        limits_title=words("not"),
        limits=tuple(words(key) for key in ("not_1", "not_2", "not_3")),
        how=words("how"),
    )


def _encrypted(facts: Facts, words: _Words) -> Iterator[tuple[str, tuple[Told, ...]]]:
    """For whom its files are encrypted end to end, as it was found at acceptance."""
    told = [each for each in facts.document.findings if str(each.get("rule", "")).startswith(_ENCRYPTED)]
    if told:
        yield words("encrypted"), tuple((str(each.get(words.language, "")),) for each in told)


def qr_text(facts: Facts) -> str:
    """What the QR code holds: digest of the document and root of the checkpoint."""
    root = f";{facts.log.origin};{facts.log.size};{facts.log.root}" if facts.log else ""
    return f"sha256:{facts.document.sha256}{root}"


def _named(facts: Facts, agency: str, words: _Words) -> str:
    party = next(each for each in facts.parties if each.agency == agency)
    name = f"{party.name_then} ({party.code})"
    now = party.successor_name or (party.name_now if party.name_now != party.name_then else "")
    return f"{name}; {words('now')}: {now}" if now else name


def _ladder(delivery: Delivery, facts: Facts, names: dict[str, str], words: _Words, signed: Signed) -> Ladder:
    return Ladder(
        recipient=names.get(delivery.recipient, delivery.code),
        state=f"{words('state')}: {delivery.state}",
        rungs=tuple(_rungs(delivery, facts, words, signed)),
    )


def _rungs(delivery: Delivery, facts: Facts, words: _Words, signed: Signed) -> Iterator[Told]:
    """Each thing that somebody has said of this delivery, and who."""
    if delivery.peer_reference:
        yield f"{words('relayed')}: ", Code(delivery.peer_reference)
    for attempt in facts.attempts:
        if attempt.dispatch == delivery.dispatch and attempt.outcome == "delivered":
            peer = ", ".join(f"{name} {value}" for name, value in sorted(attempt.peer.items()))
            yield (f"{words('fetched')}, {attempt.ended_at or ''} ({words('by_peer')}: {peer})",)
    for status in facts.statuses:
        if status.delivery == delivery.id:
            name = words(status.code) if status.code in {"01", "03"} else f"{words('other')} {status.code}"
            said = f": “{status.description}”" if status.description else ""
            yield (
                f"{name}, {status.recorded_at}{said} (",
                Code(status.message),
                f"){_by(signed, status.message, words)}",
            )


def _by(signed: Signed, message: str, words: _Words) -> str:
    found = signed.get(message)
    if found is None:
        return ""
    return f"; {words(f'signed_{found.outcome}')}" + (f": {found.name}" if found.name else "")
