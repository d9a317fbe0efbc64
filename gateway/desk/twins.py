"""When two documents are the same for a register: issuer, number, notation, day and business type agree.

Written variants count as equal: leading zeros, spaces, dashes, accents, Đ and Ð, an issuer's UBND and HĐND. The key
is a digest, so that a line holds nothing of a document that was destroyed.
"""

from __future__ import annotations

import hashlib
import re

from gateway.directory.fold import fold, written_out

_DASHES = re.compile(r"[\u2010-\u2015\u2212\s]+")


def twin_key(
    *, issuer: str, number: str, notation: str, issued_on: str, itself: str, business_type: str = "0"
) -> str:
    """The key; a document without a number is like no other one but `itself`: its name, or its words."""
    plain = _plain(number).lstrip("0")
    parts = [written_out(issuer), plain, _plain(notation), issued_on, business_type] if plain else ["", itself]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _plain(text: str) -> str:
    return _DASHES.sub("-", fold(text)).replace("-", "")
