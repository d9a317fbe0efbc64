"""Instants as a browser's field for date and time gives them: in Vietnam's time, and of these centuries.

What lies far outside no calendar of the machine can hold in every zone.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from gateway.clock import VIETNAM
from gateway.errors import RefusedError

_FIRST: Final = datetime(1990, 1, 1, tzinfo=VIETNAM)
_LAST: Final = datetime(2200, 1, 1, tzinfo=VIETNAM)
_LONGEST: Final = 40


def instant_given(text: str) -> datetime:
    """The instant; RefusedError `parameter_invalid` for what is none."""
    try:
        found = datetime.fromisoformat(text).replace(tzinfo=VIETNAM)
    except ValueError as error:
        raise RefusedError("parameter_invalid", text[:_LONGEST]) from error
    if not _FIRST <= found <= _LAST:
        raise RefusedError("parameter_invalid", text[:_LONGEST])
    return found
