"""Instants as people type them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from gateway.clock import VIETNAM
from gateway.errors import InputError

_AHEAD = re.compile(r"\+?(\d+)([mhd])")
_MINUTES = {"m": 1, "h": 60, "d": 1440}


def parse_instant(text: str, *, now: datetime) -> datetime:
    """`2026-11-23T08:00` (Vietnam's time unless a zone is given), or `30m`, `2h`, `3d` from now."""
    ahead = _AHEAD.fullmatch(text.strip())
    try:
        if ahead:
            return now + timedelta(minutes=int(ahead[1]) * _MINUTES[ahead[2]])
        at = datetime.fromisoformat(text.strip())
    except (ValueError, OverflowError) as error:
        told = f"{text[:60]!r} is no instant; write 2026-11-23T08:00 (Vietnam's time), or 30m, 2h, 3d from now"
        raise InputError(told) from error
    return at if at.tzinfo is not None else at.replace(tzinfo=VIETNAM)
