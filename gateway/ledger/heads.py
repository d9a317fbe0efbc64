"""Which document of the ledger is a week's head of the log."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Final

from gateway.clock import VIETNAM

#: The week begins so long after midnight of its Monday: documents come in the morning.
_MORNING: Final = timedelta(hours=7)


def week_of(now: datetime) -> str:
    """The ISO week whose head is due, such as 2026-W48."""
    year, week, _ = (now.astimezone(VIETNAM) - _MORNING).isocalendar()
    return f"{year}-W{week:02}"


def fingerprint_of(origin: str, week: str) -> str:
    """The fingerprint of that document: the log and the week make it, so there is one of each."""
    return hashlib.sha256(f"head\n{origin}\n{week}".encode()).hexdigest()
