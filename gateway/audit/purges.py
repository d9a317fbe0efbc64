"""Whether a document that is said to be destroyed by order is: told by its leaf, and gone from the disk. Pure code.

The leaf is believed, not the row beside it: whoever removes a body and adds a row has no leaf of it.
"""

from __future__ import annotations

from gateway.audit.findings import Findings
from gateway.audit.leaves import facts_of
from gateway.audit.rows import Message, Page
from gateway.audit.stored import StoredBody
from gateway.events import Event


def examine_purge(page: Page, message: Message, body: StoredBody, findings: Findings) -> bool:
    """Whether it was destroyed, so that no bytes of it are looked for."""
    history = page.history.get(message.id, [])
    told = [facts_of(row.leaf) for row in history if row.kind == Event.BODY_PURGED]
    row = page.purges.get(message.id)
    if row is None and not told:
        return False
    if row is None or not told or {each.get("sha256") for each in told} != {message.sha256}:
        findings.add("purge_differs", message.id, f"{len(told)} leaves, {0 if row is None else 1} rows")
        return bool(told)
    if body.fault != "body_missing" and row.outcome and not row.needed:
        findings.add("body_purged_there", message.id, message.sha256)
    return True


def is_blanked(page: Page, message: Message) -> bool:
    """Whether its free text went, too: a leaf holds a digest of that."""
    history = page.history.get(message.id, [])
    return any("envelope" in facts_of(row.leaf) for row in history if row.kind == Event.BODY_PURGED)
