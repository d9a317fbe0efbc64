"""A new ledger's database without the tenth of a second that all migrations take: they run once per process.

What is laid down is what they left, byte for byte; whoever opens it compares their checksums as ever. Not for tests
of migrations.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from gateway.fsio import make_private_dir
from gateway.storage.migrations import migrate
from gateway.storage.sqlite import SqliteSettings, connect_writer

_made: list[bytes] = []


async def lay_database(path: Path) -> None:
    """The database, where none is yet."""
    if not _made:
        _made.append(await _migrated())
    _write(path, _made[0])


def _write(path: Path, content: bytes) -> None:
    make_private_dir(path.parent)
    path.touch(0o600, exist_ok=False)
    path.write_bytes(content)


async def _migrated() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "new.sqlite"
        writer = await connect_writer(path, SqliteSettings(allow_affected_sqlite=True))
        try:
            await migrate(writer)
        finally:
            await writer.close()
        return path.read_bytes()
