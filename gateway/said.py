"""What a peer said, as it is kept: one beginning of it, and where that was cut a mark, with how long all of it was.

The mark stands in the text itself, so that whatever shows the text shows it. Pure code.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

#: Characters that are kept.
LONGEST: Final = 500
_MARK: Final = re.compile(r"…(?: \[([0-9]{1,12})(\+?) B\])?\Z")


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """A kept text, read."""

    text: str
    is_cut: bool = False
    #: Bytes of all of it; None where that is not known.
    size: int | None = None
    #: It had more than these.
    or_more: bool = False


def shortened(
    text: str, most: int = LONGEST, *, size: int | None = None, or_more: bool = False, is_cut: bool = False
) -> str:
    """The beginning of a text that is longer, with the mark; `is_cut`: it was longer before."""
    if len(text) <= most and not is_cut:
        return text
    mark = "…" if size is None else f"… [{size}{'+' if or_more else ''} B]"
    return text[: most - len(mark)] + mark


def read_said(text: str) -> Said:
    """What was kept; a text of just the length that used to be kept was cut before there was a mark."""
    found = _MARK.search(text)
    if found is None:
        return Said(text=text, is_cut=len(text) == LONGEST)
    size = int(found[1]) if found[1] else None
    return Said(text=text[: found.start()], is_cut=True, size=size, or_more=bool(found[2]))
