"""Folding of Vietnamese text, so that `Giồng Riềng`, `giong rieng` and `GIỒNG RIỀNG` (NFD) compare equal.

`fold` is what searches compare: lower case, without diacritics, đ (and the wrong Ð of Icelandic) as d, single
spaces. `proper` is what is stored and shown: NFC, single spaces, Đ where somebody typed Ð. Pure functions.
"""

from __future__ import annotations

import re
import unicodedata

# U+00D0 and U+00F0 are Icelandic letters that look like the Vietnamese ones and are often typed for them
_ETH = str.maketrans({"\u00d0": "\u0110", "\u00f0": "\u0111"})
_STROKE = str.maketrans({"\u0110": "d", "\u0111": "d", "\u00d0": "d", "\u00f0": "d"})
_MARKS = {code: None for code in range(0x300, 0x20000) if unicodedata.combining(chr(code))}
_WORD = re.compile(r"[a-z0-9]+")

_MOST_WORDS = 12
_LONGEST_WORD = 40


def proper(text: str) -> str:
    """The text as it is stored: NFC, trimmed, single spaces, Đ for Ð."""
    return " ".join(unicodedata.normalize("NFC", text).translate(_ETH).split())


def fold(text: str) -> str:
    """The text as searches compare it."""
    plain = unicodedata.normalize("NFD", text.translate(_STROKE))
    return " ".join(plain.translate(_MARKS).casefold().split())


def words(text: str) -> list[str]:
    """The folded words of a search text, at most twelve; letters of other scripts are left out."""
    return [word[:_LONGEST_WORD] for word in _WORD.findall(fold(text))[:_MOST_WORDS]]
