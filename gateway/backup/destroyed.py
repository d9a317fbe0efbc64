"""Which bodies of a copy are not to be brought back: those that the list beside the log's mark says are gone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from gateway.ledger.params import as_json
from gateway.ledger.purged import Purged
from gateway.storage.frozen import FrozenDatabase
from gateway.storage.statements import Statements

_AT_ONCE: Final = 2_000


def destroyed_in(database: Path, listed: Sequence[Purged]) -> frozenset[str]:
    """Digests of a copied database that belong to destroyed messages alone; it may be older than their orders."""
    messages = sorted({each.message for each in listed})
    known, found = frozenset(messages), set[str]()
    with FrozenDatabase(database, Statements.load("gateway.backup")) as copy:
        for start in range(0, len(messages), _AT_ONCE):
            asked = {"messages": as_json(messages[start : start + _AT_ONCE])}
            digests = sorted(row[0] for row in copy.fetch("copy_list_made_of", asked))
            owners = copy.fetch("copy_list_owners", {"digests": as_json(digests)})
            needed = {digest for digest, message in owners if message not in known}
            found |= set(digests) - needed
    return frozenset(found)
