"""What an entry of the closed list says, and the steps that many entries share."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Lasting(StrEnum):
    """Whether trying again can help."""

    TEMPORARY = "temporary"
    PERMANENT = "permanent"


@dataclass(frozen=True, kw_only=True, slots=True)
class Reason:
    """One entry of the list."""

    code: str
    lasting: Lasting
    http: int
    #: What happened, for the peer: Vietnamese, English.
    vi: str
    en: str
    #: What to do next: Vietnamese, English.
    next_vi: str
    next_en: str
    #: The next step is an operator's, at the command line; else it is the peer's.
    operators: bool = False


def permanent(
    code: str, http: int, vi: str, en: str, next_vi: str, next_en: str, *, operators: bool = False
) -> Reason:
    """An entry for what needs a change before it can succeed."""
    return Reason(code=code, lasting=Lasting.PERMANENT, http=http, vi=vi, en=en, next_vi=next_vi, next_en=next_en,
                  operators=operators)  # fmt: skip


def temporary(code: str, http: int, vi: str, en: str, next_vi: str, next_en: str) -> Reason:
    """An entry for what may succeed later by itself."""
    return Reason(code=code, lasting=Lasting.TEMPORARY, http=http, vi=vi, en=en, next_vi=next_vi, next_en=next_en)


FIX_FILE = ("Sửa tệp rồi gửi lại.", "Mend the file and send it again.")
LATER = ("Thử lại sau thời gian ghi ở Retry-After.", "Try again after the time in Retry-After.")
OPERATOR = ("Liên hệ người vận hành trục.", "Ask the gateway's operator.")
