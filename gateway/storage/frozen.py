"""Copies of a database that nobody writes, and reading them.

`copy_database` takes one consistent copy of a database while others go on writing: it holds one snapshot for all
of it, so that commits neither wait nor begin the copy anew; meanwhile the log is not reset and grows by what is
committed. `FrozenDatabase` reads such a copy without making a file beside it (`immutable`), so the bytes that were
hashed are the bytes that are read. Both are synchronous and for a process or a thread that has nothing else to do.

It does NOT sync the copy: whoever gives it its name does.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from gateway.errors import StorageError
from gateway.storage.driver import DRIVER_ERRORS, choose_driver, refusal_of, translate
from gateway.storage.sqlite import ENGINE, connect_lookup
from gateway.storage.statements import Statements

#: Pages copied between two looks at the progress: 8 MiB.
_PAGES = 2048

#: Called with pages done and pages in all.
Pages = Callable[[int, int], None]


def copy_database(source: Path, target: Path, *, progress: Pages, allow_affected_sqlite: bool = False) -> None:
    """One state of `source` as the new file `target`; StorageError, and no file, when that fails."""
    reading = connect_lookup(source, allow_affected_sqlite=allow_affected_sqlite)
    try:
        target.touch(mode=0o600, exist_ok=False)
        driver = choose_driver(allow_affected_sqlite=allow_affected_sqlite)
        with contextlib.closing(driver.module.connect(str(target), isolation_level=None)) as writing:
            # nobody reads it before it is whole: no journal, and the caller syncs
            writing.execute(ENGINE.get("copy_journal_off")).fetchall()
            writing.execute(ENGINE.get("copy_synchronous_off")).fetchall()
            reading.execute(ENGINE.get("transaction_begin_deferred"))
            reading.execute(ENGINE.get("snapshot_fix_any")).fetchall()
            reading.backup(writing, pages=_PAGES, progress=lambda _, left, total: progress(total - left, total))
            reading.execute(ENGINE.get("transaction_rollback_all"))
    except OSError as error:
        target.unlink(missing_ok=True)
        raise refusal_of(error, f"The copy {target} could not be written") from error
    except DRIVER_ERRORS as error:
        target.unlink(missing_ok=True)
        raise translate(error) from error
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    finally:
        reading.close()


class FrozenDatabase:
    """A database file that nobody writes, open for reading."""

    def __init__(self, path: Path, statements: Statements) -> None:
        self._statements = statements
        driver = choose_driver(allow_affected_sqlite=True)  # one that cannot be written has no log to lose
        try:
            self._connection: Any = driver.module.connect(
                f"{path.absolute().as_uri()}?mode=ro&immutable=1",
                isolation_level=None,
                uri=True,
                check_same_thread=False,
            )
        except DRIVER_ERRORS as error:
            raise translate(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._connection.close()

    def fetch(self, name: str, params: Sequence[object] | Mapping[str, object] = ()) -> list[tuple[Any, ...]]:
        """All rows of a named SELECT; StorageError when the file is none of ours or damaged."""
        try:
            return self._connection.execute(self._statements.get(name), params).fetchall()  # type: ignore[no-any-return]
        except DRIVER_ERRORS as error:
            raise translate(error) from error

    def fetch_one(self, name: str) -> tuple[Any, ...]:
        """The only row."""
        rows = self.fetch(name)
        if len(rows) != 1:
            raise StorageError(f"{name} gave {len(rows)} rows where one was expected")
        return rows[0]
