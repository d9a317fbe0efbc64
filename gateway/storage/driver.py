"""Which SQLite runs under us, and what its errors mean.

SQLite from 3.7.0 to 3.51.2 can corrupt a database in WAL mode when two connections race a WAL reset (mended
in 3.51.3, and in the branches 3.50.7 and 3.44.6: https://sqlite.org/wal.html#walresetbug). The driver
`pysqlite3` carries a newer SQLite than most systems' Python; the standard library's module is used only when
its SQLite is outside the range. An affected one is refused, or taken with an alarm when the operator
overrides.

Driver exceptions never leave the storage package: `translate` turns them into StorageError.
"""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from types import ModuleType

from gateway.errors import EnvironmentRefusedError, LedgerDamagedError, RefusedError, StorageError

_FIXED = (3, 51, 3)
_FIRST_AFFECTED = (3, 7, 0)
#: First mended release of an older branch, by (major, minor).
_BACKPORTS = {(3, 50): 7, (3, 44): 6}

#: Result codes (primary, https://sqlite.org/rescode.html) that speak of the machine, not of the statement:
#: BUSY, NOMEM, READONLY, IOERR, CORRUPT, FULL, CANTOPEN, PROTOCOL, NOTADB.
_ENGINE_CODES = frozenset({5, 7, 8, 10, 11, 13, 14, 15, 26})
#: CORRUPT: a page that a statement came by; others may be sound. A disk that cannot read gives it too.
_DAMAGE = 11
_PRIMARY = 0xFF


@dataclass(frozen=True, kw_only=True, slots=True)
class Driver:
    """The chosen DB-API module."""

    #: The module: `pysqlite3.dbapi2` or `sqlite3`.
    module: ModuleType
    #: Its name, for the report.
    name: str
    #: The version of the SQLite inside it.
    version: tuple[int, int, int]
    #: What the operator must be told; empty when all is well.
    alarm: str = ""


def wal_reset_affected(version: tuple[int, int, int]) -> bool:
    """Whether this SQLite has the WAL-reset bug."""
    if not _FIRST_AFFECTED <= version < _FIXED:
        return False
    mended = _BACKPORTS.get(version[:2])
    return mended is None or version[2] < mended


def choose_driver(*, allow_affected_sqlite: bool = False, modules: Iterable[ModuleType] | None = None) -> Driver:
    """The first sound module; else the newest with an alarm if allowed; else EnvironmentRefusedError."""
    drivers = [_driver(module) for module in (_installed() if modules is None else modules)]
    for driver in drivers:
        if not wal_reset_affected(driver.version):
            return driver
    newest = max(drivers, key=lambda driver: driver.version)
    text = (
        f"SQLite {_dotted(newest.version)} ({newest.name}) can corrupt a database in WAL mode; "
        "install pysqlite3 0.6.1 or later"
    )
    if not allow_affected_sqlite:
        raise EnvironmentRefusedError(text, version=_dotted(newest.version))
    return Driver(module=newest.module, name=newest.name, version=newest.version, alarm=text)


def _installed() -> list[ModuleType]:
    try:
        from pysqlite3 import dbapi2
    except ImportError:
        return [sqlite3]
    return [dbapi2, sqlite3]


def _driver(module: ModuleType) -> Driver:
    return Driver(module=module, name=module.__name__.partition(".")[0], version=tuple(module.sqlite_version_info))


def _dotted(version: tuple[int, int, int]) -> str:
    return ".".join(map(str, version))


#: The exceptions a connection may raise: two modules, two hierarchies.
DRIVER_ERRORS: tuple[type[Exception], ...] = tuple({sqlite3.Error, *(m.Error for m in _installed())})


def is_engine_failure(error: BaseException) -> bool:
    """Whether the machine failed (disk, memory, a lock), so that running the statement again cannot help."""
    code = getattr(error, "sqlite_errorcode", None)
    return isinstance(code, int) and code & _PRIMARY in _ENGINE_CODES


def is_damage(error: BaseException) -> bool:
    """Whether a page that the statement needed is damaged."""
    code = getattr(error, "sqlite_errorcode", None)
    return isinstance(code, int) and code & _PRIMARY == _DAMAGE


def is_busy(error: BaseException) -> bool:
    """Whether somebody else holds the lock."""
    code = getattr(error, "sqlite_errorcode", None)
    return isinstance(code, int) and code & _PRIMARY == sqlite3.SQLITE_BUSY


def translate(error: Exception) -> Exception:
    """What callers see of a driver's exception: StorageError; anything else is returned as it is."""
    if not isinstance(error, DRIVER_ERRORS):
        return error
    kind = LedgerDamagedError if is_damage(error) else StorageError
    translated = kind(words_of(error))
    translated.__cause__ = error
    return translated


def words_of(error: BaseException) -> str:
    """What it is, with SQLite's own name for it."""
    name = getattr(error, "sqlite_errorname", None)
    return f"{type(error).__name__}: {error}{f' ({name})' if name else ''}"


def refusal_of(error: OSError, doing: str) -> RefusedError | StorageError:
    """A file error in the callers' words: a full disk is a temporary refusal, all else a StorageError."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return RefusedError("disk_nearly_full", f"{doing}: {error.strerror}", retry_after=60)
    return StorageError(f"{doing}: {error.strerror}", errno=error.errno)
