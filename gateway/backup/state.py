"""What the server remembers of backups and drills between two runs: `backup.json` in the data folder.

Only the running server writes it, whole each time. One that is missing or cannot be read means that nothing is
known: the next drill is due at once, which is the safe side. It is not part of a copy.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec

from gateway.fsio import atomic_replace

_NAME = "backup.json"


class BackupState(msgspec.Struct, kw_only=True, frozen=True):
    """The last of each."""

    #: The newest copy that was reported to the server, and when it was taken.
    copy: str = ""
    copied_at: datetime | None = None
    #: When a drill is due; None: now.
    drill_due_at: datetime | None = None
    #: The last drill, and the last one that passed.
    drilled_at: datetime | None = None
    passed_at: datetime | None = None


def read_state(folder: Path) -> BackupState:
    """As it was left."""
    try:
        return msgspec.json.decode((folder / _NAME).read_bytes(), type=BackupState)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return BackupState()


def write_state(folder: Path, state: BackupState) -> None:
    """Durably."""
    atomic_replace(folder / _NAME, msgspec.json.encode(state))
