"""Small trees for the checks to look at: right but for what a test puts in."""

from __future__ import annotations

from pathlib import Path

EVENTS = (
    'class Event(StrEnum):\n    DOCUMENT_ACCEPTED = "document.accepted"\n    DELIVERY_MOVED = "delivery.moved"\n'
)
STATES = """\
from enum import StrEnum


class State(StrEnum):
    QUEUED = "queued"
    DELIVERED = "delivered"


class Trigger(StrEnum):
    MOVED = "moved"


TRANSITIONS = {(State.QUEUED, Trigger.MOVED): State.DELIVERED}
"""
REASONS = '_ALL = (_p("not_found", 404, "", "", "", ""), _t("peer_busy", 503, "", "", "", ""))\n'
CODE = """\
async def accept(tx):
    await tx.fetch("message_get_one")
    EventRow(kind=Event.DOCUMENT_ACCEPTED)
    Move(trigger=Trigger.MOVED, reason="peer_busy")
    raise RefusedError("not_found")
"""
SQL = "-- name: message_get_one\n-- One message.\nSELECT 1;\n"
MIGRATION = (
    "CREATE TABLE delivery (\n  id TEXT,\n  state TEXT NOT NULL CHECK (state IN ('queued', 'delivered'))\n);\n"
)
TEST = "def test_table():\n    assert TRANSITIONS\n"

GOOD = {
    "gateway/events.py": EVENTS,
    "gateway/states.py": STATES,
    "gateway/reasons/requests.py": REASONS,
    "gateway/journey.py": CODE,
    "gateway/ledger/sql/reads.sql": SQL,
    "gateway/storage/migrations/0001_first.sql": MIGRATION,
    "tests/test_states.py": TEST,
    "docs/references.md": "## RFC 5035\n\n- 5 something\n",
    "adapters/loopback.py": '"""As [RFC 5035 5] says."""\n',
}


def plant(root: Path, **files: str) -> Path:
    """The good tree at `root`, with these files instead; names are given with `__` for `/`."""
    changed = {key.replace("__", "/"): text for key, text in files.items()}
    for name, text in {**GOOD, **changed}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def write(root: Path, name: str, text: str) -> Path:
    """One more file in a planted tree; gives back the root."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return root
