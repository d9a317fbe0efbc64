"""The migrations of an earlier version, for tests of one that came later."""

from __future__ import annotations

import shutil
from pathlib import Path

from gateway.storage.migrations import MIGRATIONS


def migrations_before(first: str, tmp_path: Path) -> Path:
    """A folder with those whose number is lower than `first` (four digits)."""
    folder = tmp_path / "migrations"
    folder.mkdir()
    for file in MIGRATIONS.glob("*.sql"):
        if file.name < first:
            shutil.copy(file, folder)
    return folder
