"""Identification codes of agencies: the two official schemes and everything else.

QCVN 102:2016 writes `V1V2V3.Z1Z2.Y1Y2.MX` (`000.00.00.H33`), four levels read from the right. QĐ 20/2020
writes level 1 first (`H33.01.02`). The numbering was redone between them, so one is never computed from the
other: that takes the catalogue. Vendors' catalogues also hold codes outside both grammars (`28.22.H17`, or
words); those are opaque, and as good as any other for comparing.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum

_QCVN102 = re.compile(r"(?P<l4>[0-9]{3})\.(?P<l3>[0-9]{2})\.(?P<l2>[0-9]{2})\.(?P<l1>[A-Z][0-9]{2})")
_QD20 = re.compile(r"(?=.{3,35}\Z)(?P<l1>[A-Z][0-9]{2})(?P<rest>(?:\.[0-9A-Z]{1,8})*)")


class Scheme(StrEnum):
    """Which grammar a code follows."""

    #: `000.00.00.H33` [QCVN 102:2016].
    QCVN102 = "qcvn102"
    #: `H33.01.02` [QĐ 20/2020/QĐ-TTg].
    QD20 = "qd20"
    #: Neither; compared as it is.
    OPAQUE = "opaque"


def canonical(code: str) -> str:
    """The key under which two spellings of one code are equal: NFC, trimmed, upper case."""
    if code.isascii():
        return code.strip().upper()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", code).strip().upper())


def scheme_of(code: str) -> Scheme:
    """The grammar of a code in any spelling."""
    return scheme_of_canonical(canonical(code))


def scheme_of_canonical(key: str) -> Scheme:
    """The same of what `canonical` has made."""
    if _QCVN102.fullmatch(key):
        return Scheme.QCVN102
    return Scheme.QD20 if _QD20.fullmatch(key) else Scheme.OPAQUE


def parents(code: str) -> tuple[str, ...]:
    """The codes above a QĐ 20 code, nearest first: `H33.01.02` -> `H33.01`, `H33`; () for other schemes."""
    key = canonical(code)
    if not _QD20.fullmatch(key):
        return ()
    groups = key.split(".")
    return tuple(".".join(groups[:count]) for count in range(len(groups) - 1, 0, -1))
