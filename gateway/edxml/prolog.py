"""Finds where the XML of a file begins and what its declaration says.

Byte order marks and up to 1 KiB of junk before the first `<` are passed over (a vendor's own sample begins
with `1212`). Only UTF-8 is read: another declared encoding is refused, save `utf-16` on bytes that are
evidently not UTF-16, which .NET writes when it serialises to a string.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.errors import RefusedError

MAX_JUNK = 1024

_BOM = b"\xef\xbb\xbf"
_WIDE = (b"\xff\xfe", b"\xfe\xff", b"<\x00", b"\x00<")
_DECLARED = re.compile(rb"""<\?xml\s[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})["']""")
_READABLE = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})
_MISLABELLED = frozenset({"utf-16", "utf-16le", "utf-16be", "unicode"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Prolog:
    """What stands before the root element."""

    #: Bytes to pass over.
    skip: int
    has_mark: bool = False
    junk: bytes = b""
    #: The declared encoding when it is not the real one, else "".
    mislabelled: str = ""


def read_prolog(head: bytes) -> Prolog:
    """Judges the first bytes of a file; refuses what is no XML or not UTF-8."""
    if head.startswith(_WIDE):
        raise RefusedError("xml_encoding_invalid", "The file is UTF-16; only UTF-8 is taken.")
    has_mark = head.startswith(_BOM)
    begin = len(_BOM) if has_mark else 0
    start = _start(head, begin)
    if start < 0:
        raise RefusedError("xml_not_wellformed", "The file does not begin like XML.")
    junk = head[begin:start].strip()
    if junk.endswith(_BOM):
        has_mark, junk = True, junk[: -len(_BOM)]
    found = _DECLARED.match(head, start)
    encoding = found[1].decode("ascii").lower() if found else "utf-8"
    if encoding not in _READABLE | _MISLABELLED:
        raise RefusedError("xml_encoding_invalid", f"The encoding {encoding} is not taken, only UTF-8.")
    return Prolog(
        skip=start,
        has_mark=has_mark,
        junk=junk,
        mislabelled=encoding if encoding in _MISLABELLED else "",
    )


def _start(head: bytes, begin: int) -> int:
    """Where the XML starts: at the declaration if something stands before it, else at the first `<`."""
    first = head.find(b"<", begin, begin + MAX_JUNK + 1)
    if first >= 0 and not head[begin:first].strip():
        return first
    declared = head.find(b"<?xml", begin, begin + MAX_JUNK + len(b"<?xml"))
    return declared if declared >= 0 else first
