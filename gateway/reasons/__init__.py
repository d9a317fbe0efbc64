"""The closed list of reason codes: what went wrong, in words for agencies, and what to do next.

A code is stable for ever. `Lasting.TEMPORARY` means that the same act may succeed later without anybody
changing anything. `http` is the status REST answers with. Texts hold no fact of a case: the case goes into
`detail`. `docs/reasons.md` is generated from this list.

One file per theme; `entry.py` says what an entry holds. Importers need this package alone.
"""

from __future__ import annotations

from itertools import chain

from gateway.reasons.console import CONSOLE
from gateway.reasons.contents import CONTENTS
from gateway.reasons.deliveries import DELIVERIES
from gateway.reasons.desk import DESK
from gateway.reasons.entry import Lasting, Reason
from gateway.reasons.evidence import EVIDENCE
from gateway.reasons.lists import LISTS
from gateway.reasons.operators import OPERATORS
from gateway.reasons.requests import REQUESTS
from gateway.reasons.retention import RETENTION
from gateway.reasons.statuses import STATUSES
from gateway.reasons.troubles import TROUBLES

__all__ = ["REASONS", "Lasting", "Reason", "is_temporary", "reason"]

_ALL = chain(
    REQUESTS, CONTENTS, LISTS, STATUSES, EVIDENCE, RETENTION, DESK, OPERATORS, CONSOLE, TROUBLES, DELIVERIES
)

#: code -> reason.
REASONS: dict[str, Reason] = {reason.code: reason for reason in _ALL}


def reason(code: str) -> Reason:
    """The entry for `code`; an unknown code is a programming error."""
    return REASONS[code]


def is_temporary(code: str) -> bool:
    """Whether trying again can help."""
    return REASONS[code].lasting is Lasting.TEMPORARY
