"""What a data folder is that cannot be examined at all, as codes of `gateway.audit.faults` with a plain detail.

`look` asks only the file system, so that a data folder without rights, a missing or an empty file is told before
anything is opened; `fault_of` translates what SQLite answers later. Neither opens the database file itself:
closing it would drop the locks that this process may hold on it.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from gateway.errors import StorageError

#: Primary result codes (https://sqlite.org/rescode.html).
_ERROR, _PERM, _BUSY, _LOCKED, _NOMEM, _READONLY, _IOERR, _CORRUPT = 1, 3, 5, 6, 7, 8, 10, 11
_CANTOPEN, _NOTADB = 14, 26
_PRIMARY = 0xFF

#: The smallest page of SQLite: no database is shorter.
_LEAST_BYTES = 512

_DAMAGED = ("database_damaged", "pages of the file do not fit together")
_BY_CODE = {
    _ERROR: ("database_damaged", "a table or column that must be there cannot be read"),
    _PERM: ("database_unreadable", "the rights do not allow it"),
    _BUSY: ("database_unreadable", "another program keeps it locked"),
    _LOCKED: ("database_unreadable", "another program keeps it locked"),
    _NOMEM: ("database_unreadable", "there is too little memory"),
    _READONLY: ("database_unreadable", "the rights do not allow it"),
    _IOERR: ("database_unreadable", "the disk answers with an error"),
    _CORRUPT: _DAMAGED,
    _CANTOPEN: ("database_unreadable", "the file, its -wal or its -shm cannot be opened by this user"),
    _NOTADB: ("database_foreign", "it does not begin as a SQLite file does"),
}


def look(database: Path, folder: Path) -> tuple[str, str, str] | None:
    """Why nothing can be opened, as code, subject and detail; None when all looks well from outside."""
    fault = _look_at_database(database)
    if fault is not None:
        return fault[0], database.name, fault[1]
    fault = _look_at_bodies(folder)
    return None if fault is None else (fault[0], "bodies", fault[1])


def _look_at_database(database: Path) -> tuple[str, str] | None:
    try:
        found = database.stat()
    except FileNotFoundError:
        folder = database.parent
        return "database_missing", f"there is no {'file' if folder.is_dir() else 'folder for'} {database}"
    except NotADirectoryError:
        return "database_missing", f"{database.parent} is no folder"
    except OSError as error:
        return "database_unreadable", f"user {os.geteuid()} may not look into {database.parent}: {error.strerror}"
    return _look_at_file(database, found)


def _look_at_file(database: Path, found: os.stat_result) -> tuple[str, str] | None:
    if not stat.S_ISREG(found.st_mode):
        return "database_foreign", f"{database} is no file"
    if found.st_size < _LEAST_BYTES:
        return "database_foreign", f"{database} holds only {found.st_size} bytes"
    if not os.access(database, os.R_OK):
        return "database_unreadable", f"user {os.geteuid()} may not read {database}"
    return None


def _look_at_bodies(folder: Path) -> tuple[str, str] | None:
    for name in ("bodies", "spool", "quarantine"):
        path = folder / name
        try:
            is_folder = stat.S_ISDIR(path.stat().st_mode)
        except OSError as error:
            return "bodies_unusable", f"{path}: {error.strerror}"
        if not is_folder:
            return "bodies_unusable", f"{path} is no folder"
    if not os.access(folder / "bodies", os.R_OK | os.X_OK):
        return "bodies_unusable", f"user {os.geteuid()} may not read {folder / 'bodies'}"
    return None


def fault_of(error: StorageError, part: str) -> tuple[str, str]:
    """What SQLite's error means, as code and detail; `part` is what was being read."""
    answered = getattr(error.__cause__, "sqlite_errorcode", None)
    code, words = _BY_CODE.get(answered & _PRIMARY, _DAMAGED) if isinstance(answered, int) else _DAMAGED
    told = str(error.__cause__ or error)
    return code, f"while reading the {part}: {words} ({told})"[:500]
