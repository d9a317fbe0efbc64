"""Changes of agencies, users, channels and settings, as the ledger's history has them: newest first, in pages.

They stand in an index of their own, with the agency or the user that each is about, so that a page costs the same
however many documents the ledger has. Which kinds of events these are says the view `change` alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gateway.audit.leaves import facts_of
from gateway.clock import instant
from gateway.storage.readers import Readers

#: Above every number of an event.
_NEVER: Final = 2**63 - 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One of them."""

    seq: int
    #: Name of the event.
    kind: str
    at: datetime
    actor: str
    facts: Mapping[str, object]
    #: Why, in the person's words.
    note: str


async def list_changes(
    readers: Readers, *, limit: int, before: int | None = None, agency: str | None = None, user: str | None = None
) -> list[Change]:
    """The newest before a number; `agency`: about it; `user`: about this user, or by this user."""
    asked: dict[str, object] = {
        "before": _NEVER if before is None else before, "agency": agency, "user": user, "limit": limit,
    }  # fmt: skip
    return [
        Change(seq=row[0], kind=row[1], at=instant(row[2]), actor=row[3], facts=facts_of(row[4]), note=row[5])
        for row in await readers.fetch("change_list_newest", asked)
    ]
