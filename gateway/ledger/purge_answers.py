"""Whether two persons answered for an order: by the leaves of the log, not by the row beside them. Pure code.

Whoever writes a confirmed order into the database has no leaves of two persons; whoever writes a document into an
order that is confirmed has a list that they did not answer for. `gateway.maintenance.eraser` carries neither out,
and `gateway.audit` names what was destroyed so. It does NOT know who a person is beyond the actor in the leaf.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Any

import msgspec

from gateway.events import Event


def list_digest(ids: Iterable[str]) -> str:
    """SHA-256 over ids, a line each, in order."""
    return sha256("".join(f"{each}\n" for each in sorted(ids)).encode()).hexdigest()


def is_answered(leaves: Iterable[bytes], digest: str) -> bool:
    """Whether the leaves about one order tell of a list with this digest, and of two persons for it.

    The first one made the order or, where a rule made it, backed it; the second one confirmed it.
    """
    first, second, is_ordered = set[str](), set[str](), False
    for leaf in leaves:
        told = _read(leaf)
        facts, actor = told.get("facts", {}), str(told.get("actor", ""))
        if facts.get("list") != digest:
            continue
        if told.get("kind") == Event.PURGE_ORDERED:
            is_ordered = True
            first |= set() if "month" in facts else {actor}
        elif told.get("kind") == Event.PURGE_BACKED:
            first.add(actor)
        elif told.get("kind") == Event.PURGE_CONFIRMED:
            second.add(actor)
    return is_ordered and any(one != other for one in first for other in second)


def _read(leaf: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(leaf)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) and isinstance(found.get("facts", {}), dict) else {}
