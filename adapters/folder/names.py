"""Names of files as clerks type them.

A PDF becomes a document by its name alone:

    [HOATOC_|KHAN_]<number>_<notation>_<date>_<recipient>[+<recipient>…]_<subject>.pdf
    12_UBND-VP_2026-03-02_000.00.01.H33+000.00.02.H33_Về việc nghỉ lễ.pdf

The date is yyyy-mm-dd or dd-mm-yyyy; the codes are those of the directory; underscores in the subject are spaces.
HOATOC_ and KHAN_ (with or without accents) before any name in the outbox take it up before others; they make a
PDF's document urgent, too. Whatever is wrong is told in one sentence in each language.

Names are compared in NFC and without regard to case, as shares of Windows and macOS change both.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date

from gateway.errors import RefusedError

_PARTS = 5
_CODES_MAX = 200
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,49}")
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_EUROPEAN = re.compile(r"(\d{1,2})-(\d{1,2})-(\d{4})")
_URGENT = (("HOATOC_", 3), ("HOA-TOC_", 3), ("THUONGKHAN_", 2), ("KHAN_", 1))
#: While a program still writes, or for itself.
_UNFINISHED = (".part", ".partial", ".tmp", ".temp", ".filepart", ".crdownload", ".download", ".swp", ".lock", "~")
_OWN = frozenset({"thumbs.db", "desktop.ini", "readme.txt"})
_WHAT = (
    "<số>_<ký hiệu>_<yyyy-mm-dd>_<mã nơi nhận>[+<mã>…]_<trích yếu>.pdf",
    "<number>_<notation>_<yyyy-mm-dd>_<recipient's code>[+<code>…]_<subject>.pdf",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedDocument:
    """What a PDF's name says."""

    number: str
    notation: str
    day: date
    recipients: tuple[str, ...]
    subject: str
    priority: int


def same(name: str) -> str:
    """A form in which two names are equal if a share may take them for the same."""
    return unicodedata.normalize("NFC", name).casefold()


def is_unfinished(name: str) -> bool:
    """Whether a program says by the name that the file is not for us, or not yet."""
    plain = same(name)
    return plain.startswith((".", "~$", "~")) or plain.endswith(_UNFINISHED) or plain in _OWN


def urgency(name: str) -> int:
    """Priority that a name begins with: 3, 2, 1; 0 for none."""
    plain = _unaccented(name)
    return next((priority for prefix, priority in _URGENT if plain.startswith(prefix)), 0)


def extension(name: str) -> str:
    """Lower case, without the dot."""
    return same(name).rpartition(".")[2] if "." in name else ""


def read_name(name: str) -> NamedDocument:
    """What the name of a PDF says; RefusedError tells the clerk what is wrong with it."""
    priority = urgency(name)
    text = unicodedata.normalize("NFC", name)
    if any(ord(char) < ord(" ") or "\ud800" <= char <= "\udfff" for char in text):
        raise _wrong("tên tệp có ký tự hỏng", "the name holds damaged characters")
    text = text.rpartition(".")[0]
    if priority:
        text = text.partition("_")[2]
    parts = text.split("_", _PARTS - 1)
    if len(parts) < _PARTS:
        raise _wrong(f"tên tệp chỉ có {len(parts)} phần", f"the name has only {len(parts)} parts")
    number, notation, day, codes, subject = (part.strip() for part in parts)
    if not number or len(number) > 50 or not notation or len(notation) > 50:  # noqa: PLR2004
        raise _wrong("số hoặc ký hiệu trống hay dài quá 50", "number or notation is empty or longer than 50")
    return NamedDocument(
        number=number,
        notation=notation,
        day=_day(day),
        recipients=_codes(codes),
        subject=_subject(subject),
        priority=priority,
    )


def _day(text: str) -> date:
    found = _ISO.fullmatch(text)
    turned = _EUROPEAN.fullmatch(text)
    try:
        if found:
            return date(int(found[1]), int(found[2]), int(found[3]))
        if turned:
            return date(int(turned[3]), int(turned[2]), int(turned[1]))
    except ValueError as error:
        raise _wrong(f"không có ngày “{text}”", f"there is no such day as “{text}”") from error
    raise _wrong(f"“{text}” không phải ngày dạng 2026-03-02", f"“{text}” is no date such as 2026-03-02")


def _codes(text: str) -> tuple[str, ...]:
    codes = tuple(dict.fromkeys(code.strip() for code in text.split("+")))
    if len(codes) > _CODES_MAX:
        raise _wrong(f"quá {_CODES_MAX} nơi nhận", f"more than {_CODES_MAX} recipients")
    for code in codes:
        if not _CODE.fullmatch(code):
            raise _wrong(f"“{code}” không phải mã cơ quan", f"“{code}” is no agency's code")
    return codes


def _subject(text: str) -> str:
    subject = " ".join(text.replace("_", " ").split())
    if not subject:
        raise _wrong("thiếu trích yếu", "the subject is missing")
    return subject


def _wrong(vi: str, en: str) -> RefusedError:
    return RefusedError("file_name_invalid", f"{vi}; cần {_WHAT[0]} / {en}; it must be {_WHAT[1]}")


def _unaccented(name: str) -> str:
    plain = unicodedata.normalize("NFD", name).replace("đ", "d").replace("Đ", "D")
    kept = "".join(char for char in plain if not unicodedata.combining(char))
    return kept.upper().replace(" ", "", 1) if kept[:8].upper().startswith(("HOA TOC", "THUONG ")) else kept.upper()
