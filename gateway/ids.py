"""Time-ordered identifiers (UUID version 7, RFC 9562 5.7), made here until the standard library has them."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterator
from datetime import datetime

_RANDOM_BYTES = 10
_AT_ONCE = 400

#: Random bytes for the next identifiers; asking the system for each would let go of the interpreter's lock.
_waiting: deque[bytes] = deque()
os.register_at_fork(after_in_child=_waiting.clear)


def uuid7() -> str:
    """A new UUIDv7 as text: 48 bits of Unix milliseconds, then 74 random bits, so it cannot be guessed."""
    value = (time.time_ns() // 1_000_000 << 80) | int.from_bytes(_random(), "big")
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def uuid7_series(count: int) -> Iterator[str]:
    """So many UUIDv7 of one millisecond, each greater than the one before, by its last 62 bits alone, too.

    Rows that are written in their order lie side by side in every index over them.
    """
    head = time.time_ns() // 1_000_000 << 16 | 0x7 << 12 | int.from_bytes(_random(), "big") & 0xFFF
    step = (1 << 62) // max(1, count)
    for number in range(count):
        tail = number * step + int.from_bytes(_random(), "big") % step
        text = f"{head << 64 | 0x2 << 62 | tail:032x}"
        yield f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def uuid7_floor(at: datetime) -> str:
    """What no UUIDv7 that was made at or after that instant sorts below."""
    text = f"{int(at.timestamp() * 1000) << 80:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _random() -> bytes:
    while True:
        try:
            return _waiting.popleft()  # one step for all threads: nobody gets the same bytes
        except IndexError:
            fresh = os.urandom(_RANDOM_BYTES * _AT_ONCE)
            _waiting.extend(fresh[at : at + _RANDOM_BYTES] for at in range(0, len(fresh), _RANDOM_BYTES))
