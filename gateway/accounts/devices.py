"""Browsers in which somebody signed in lately: each keeps a mark that strangers cannot make.

A mark proves no identity and opens nothing; whoever shows one has tries, and places for the check of a password,
of its own, whatever address the try comes from and whatever others do there. It says who only as a digest, so that
all marks of one person share these. The key is this process's own: after a start marks are given anew to whoever
is at work.
"""

from __future__ import annotations

import hmac
import secrets
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from gateway.clock import instant, micros

#: How long a mark counts.
LASTING: Final = timedelta(days=30)
_KEY_BYTES: Final = 32
_DIGITS: Final = 32
_PARTS: Final = 3
_MOST: Final = 200


class Devices:
    """Makes marks and looks whether one is ours."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(_KEY_BYTES)

    def mark(self, user_id: str, now: datetime) -> str:
        """For the browser of somebody who has signed in."""
        text = f"{self.of(user_id)}.{micros(now + LASTING)}"
        return f"{text}.{self._mac(text)}"

    def of(self, user_id: str) -> str:
        """What all marks of a person have in common."""
        return self._mac(f"who {user_id}")

    def whose(self, mark: str, now: datetime) -> str:
        """What all marks of one person have in common; "" where it is none of ours, or too old."""
        parts = mark.split(".") if len(mark) <= _MOST and mark.isascii() else []
        if len(parts) != _PARTS or not hmac.compare_digest(parts[2], self._mac(f"{parts[0]}.{parts[1]}")):
            return ""
        return parts[0] if now < instant(int(parts[1])) else ""

    def _mac(self, text: str) -> str:
        return hmac.new(self._key, text.encode(), sha256).hexdigest()[:_DIGITS]
