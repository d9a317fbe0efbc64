"""Folding of Vietnamese text, so that `Giồng Riềng`, `giong rieng` and `GIỒNG RIỀNG` (NFD) compare equal.

`fold` is what searches compare: lower case, without diacritics, đ (and the wrong Ð of Icelandic) as d, single
spaces. `proper` is what is stored and shown: NFC, single spaces, Đ where somebody typed Ð. `number_key` is how the
number and notation of documents are looked for. Pure functions.
"""

from __future__ import annotations

import re
import unicodedata

# U+00D0 and U+00F0 are Icelandic letters that look like the Vietnamese ones and are often typed for them
_ETH = str.maketrans({"\u00d0": "\u0110", "\u00f0": "\u0111"})
_STROKE = str.maketrans({"\u0110": "d", "\u0111": "d", "\u00d0": "d", "\u00f0": "d"})
_MARKS = {code: None for code in range(0x300, 0x20000) if unicodedata.combining(chr(code))}
_WORD = re.compile(r"[a-z0-9]+")

_OTHERS = re.compile(r"[^a-z0-9]+")
# digits, with spaces or dots between them, perhaps a letter (`12a`); then what separates them from the notation
_NUMBER = re.compile(r"(?:so[\s:.]*)?(\d[\d\s.]*(?:[a-z](?![a-z0-9]))?)[\s/,.:\u2010-\u2015\u2212-]*(.*)")

#: What offices abbreviate in their names, folded.
_SHORT = (("ubnd", "uy ban nhan dan"), ("hdnd", "hoi dong nhan dan"))

_MOST_WORDS = 12
_LONGEST_WORD = 40


def proper(text: str) -> str:
    """The text as it is stored: NFC, trimmed, single spaces, Đ for Ð."""
    return " ".join(unicodedata.normalize("NFC", text).translate(_ETH).split())


def fold(text: str) -> str:
    """The text as searches compare it."""
    plain = unicodedata.normalize("NFD", text.translate(_STROKE))
    return " ".join(plain.translate(_MARKS).casefold().split())


def written_out(text: str) -> str:
    """Folded, with abbreviations of names written out: `UBND xã Một` and `Ủy ban nhân dân xã Một` compare equal."""
    whole = dict(_SHORT)
    return " ".join(whole.get(word, word) for word in fold(text).split())


def shortened(text: str) -> str:
    """The inverse."""
    text = fold(text)
    for short, whole in _SHORT:
        text = text.replace(whole, short)
    return text


def words(text: str) -> list[str]:
    """The folded words of a search text, at most twelve; letters of other scripts are left out."""
    return [word[:_LONGEST_WORD] for word in _WORD.findall(fold(text))[:_MOST_WORDS]]


def squeezed(text: str) -> str:
    """Folded letters and digits alone, as one word."""
    return _OTHERS.sub("", fold(text))


def number_parts(text: str) -> tuple[str, str]:
    """Number and notation of what somebody typed, folded: `Số 0125 / UBND–VP` is `("125", "ubnd–vp")`.

    The number is without zeros before it, spaces or dots; what begins with no digit is a notation alone.
    """
    folded = fold(unicodedata.normalize("NFKC", text))
    found = _NUMBER.match(folded)
    if found is None:
        return "", folded
    return squeezed(found[1]).lstrip("0") or "0", found[2]


def number_key(text: str) -> tuple[str, str]:
    """By what a document is looked for, whoever wrote its number: `("125", "ubndvp")`.

    Leading zeros, spaces, dashes, capitals, Unicode forms and Đ or Ð make no difference. Two documents may well
    have one key: this finds, it does not tell them apart. Registers compare more strictly
    (`gateway.transparency.registers.number_text`).
    """
    number, notation = number_parts(text)
    return number, squeezed(notation)
