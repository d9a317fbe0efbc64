"""How far one question to the index of lines goes: pure code.

The index goes through every line that has the words of a question, in whatever column, until one fits. Where none
does, neither a limit nor the number of a last line stops it: a word of every file name, looked for in subjects,
would cost what the ledger holds. So the block of a line is one of its facts, a question names the blocks that it is
about, and it ends with them. How many those are depends on the rarest of the words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.search.words import Condition

#: A block has 65,536 numbers; as in `search_text`.
BLOCK_BITS: Final = 16
#: Blocks of one question.
_MOST_BLOCKS: Final = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """The lines between two numbers, neither of which belongs to it."""

    low: int
    high: int
    #: What keeps a question within it; none where a rare word does.
    bounds: tuple[Condition, ...] = ()


def span_of(low: int, high: int, *, newer: bool, reach: int | None, is_last: bool) -> Span:
    """The part of a range that is asked about next: from its newest line, or its oldest, on.

    `reach`: the line up to which the rarest word was seen often enough; None where it is so seldom in the range
    that all of it may be asked about. `is_last`: beyond the range the index holds nothing.
    """
    if reach is None and is_last:
        return Span(low=low, high=high)
    first, last = (low + 1) >> BLOCK_BITS, (high - 1) >> BLOCK_BITS
    if newer:
        wanted = last if reach is None else reach >> BLOCK_BITS
        last = min(last, wanted, first + _MOST_BLOCKS - 1)
        high = min(high, (last + 1) << BLOCK_BITS)
    else:
        wanted = first if reach is None else reach >> BLOCK_BITS
        first = max(first, wanted, last - _MOST_BLOCKS + 1)
        low = max(low, (first << BLOCK_BITS) - 1)
    blocks = tuple((f"g{block}",) for block in range(first, last + 1))
    return Span(low=low, high=high, bounds=(Condition(("facts",), blocks),))
