"""Time-ordered identifiers (UUID version 7, RFC 9562 5.7), made here until the standard library has them."""

from __future__ import annotations

import os
import time
from uuid import UUID


def uuid7() -> str:
    """A new UUIDv7 as text: 48 bits of Unix milliseconds, then 74 random bits, so it cannot be guessed."""
    millis = time.time_ns() // 1_000_000
    value = (millis << 80) | int.from_bytes(os.urandom(10), "big")
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    return str(UUID(int=value))
