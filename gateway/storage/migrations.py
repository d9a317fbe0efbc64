"""The schema's history: numbered files, applied once, never changed.

`migrations/NNNN_words.sql` are applied in order, each in one transaction together with its row in `meta`, so
a crash leaves the database before or after a migration. A file may say `-- compat: N` in its opening
comments: from then on only programs that know migration N or a later one may open the database; without it
older programs go on working. It may say `-- foreign keys: off` where it builds a table anew that others refer
to: every reference is checked before that commit. `meta` holds `schema_version`, `compat_version` and the SHA-256
of each file.

Refused: a database whose `compat_version` is beyond this program (SchemaVersionError); a file whose bytes
are no longer those that were applied, a gap, a number used twice, a name in another form (StorageError).

The table `meta` belongs to this runner: it makes it, and migrations and `schema/*.sql` leave it out.
It does NOT go backwards: a restore does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from gateway.errors import SchemaVersionError, StorageError
from gateway.failpoints import failpoint
from gateway.storage.driver import DRIVER_ERRORS, choose_driver, translate
from gateway.storage.sqlite import ENGINE, Writer

#: Where this program's migrations lie.
MIGRATIONS = Path(__file__).with_name("migrations")

_FILE = re.compile(r"(\d{4})_[a-z0-9]+(_[a-z0-9]+)*\.sql")
_COMPAT = re.compile(r"^-- compat: (\d+)$", re.MULTILINE)
_KEYS_OFF = re.compile(r"^-- foreign keys: off$", re.MULTILINE)
_TOKEN = re.compile(
    r"""(?P<skip>\s+|--[^\n]*|/\*.*?\*/)|(?P<text>'(?:''|[^'])*')|"(?P<name>\w+)"|(?P<word>\w+)|(?P<mark>.)""",
    re.DOTALL,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Migration:
    """One file."""

    #: Its number, from 1 without gaps.
    number: int
    #: The file's name without `.sql`.
    name: str
    #: SHA-256 of the file's bytes, hexadecimal.
    checksum: str
    #: Oldest program (by its newest migration) that may open the result; None leaves it as it was.
    compat: int | None
    #: Whether it builds a table anew that others refer to.
    keys_off: bool
    #: Its statements.
    statements: tuple[str, ...]


def load_migrations(folder: Path) -> list[Migration]:
    """The folder's files in order, checked for form, gaps and doubles."""
    found = [_load(path) for path in sorted(folder.glob("*.sql"))]
    numbers = [migration.number for migration in found]
    if numbers != list(range(1, len(found) + 1)):
        raise StorageError(f"{folder}: migrations must be numbered 0001, 0002, … once each, not {numbers}")
    return found


async def pending(writer: Writer, folder: Path = MIGRATIONS) -> list[str]:
    """The names of the migrations still to apply; refuses as `migrate` does, writes nothing."""
    return [migration.name for migration in await _outstanding(writer, folder)]


async def migrate(writer: Writer, folder: Path = MIGRATIONS) -> list[str]:
    """Apply what is pending; the names applied."""
    try:
        outstanding = await _outstanding(writer, folder)
        for migration in outstanding:
            if migration.keys_off:
                await writer.fetch(ENGINE.get("foreign_keys_off"))
            try:
                await _apply(writer, migration)
            finally:
                await writer.fetch(ENGINE.get("foreign_keys_on"))
    except DRIVER_ERRORS as error:
        raise translate(error) from error
    return [migration.name for migration in outstanding]


async def schema_of(writer: Writer) -> str:
    """The schema as text in which layout, comments and quoting no longer matter; for comparing two."""
    rows = await writer.fetch(ENGINE.get("schema_list_all"))
    return "\n".join(f"{kind} {name}: {_normalised(sql or '')}" for kind, name, sql in rows)


def split_statements(script: str) -> tuple[str, ...]:
    """The statements of a script; semicolons inside texts and triggers do not split."""
    is_whole = choose_driver(allow_affected_sqlite=True).module.complete_statement
    statements: list[str] = []
    rest = ""
    for piece in re.split(r"(?<=;)", script):
        rest += piece
        if is_whole(rest):
            statements.append(rest.strip())
            rest = ""
    if _normalised(rest):
        raise StorageError(f"a statement does not end with a semicolon: {rest.strip()[:80]!r}")
    return tuple(statements)


def _load(path: Path) -> Migration:
    form = _FILE.fullmatch(path.name)
    if form is None:
        raise StorageError(f"{path.name} is not of the form NNNN_words.sql", path=str(path))
    data = path.read_bytes()
    script = data.decode("utf-8")
    compat = _COMPAT.search(script)
    return Migration(
        number=int(form[1]),
        name=path.stem,
        checksum=sha256(data).hexdigest(),
        compat=int(compat[1]) if compat else None,
        keys_off=_KEYS_OFF.search(script) is not None,
        statements=split_statements(script),
    )


async def _outstanding(writer: Writer, folder: Path) -> list[Migration]:
    known = load_migrations(folder)
    meta = await _meta(writer)
    refuse_newer(meta, known)
    applied = int(meta.get("schema_version", "0"))
    for migration in known[:applied]:
        if meta.get(_key(migration)) != migration.checksum:
            raise StorageError(
                f"the migration {migration.name} was changed after it had been applied; install this release again"
            )
    return known[applied:]


def refuse_newer(meta: Mapping[str, str], known: Sequence[Migration]) -> None:
    """SchemaVersionError for data that only a later program understands."""
    compat = int(meta.get("compat_version", "0"))
    if compat > len(known):
        raise SchemaVersionError(
            f"The data needs a program that knows migration {compat}; this one knows {len(known)}."
            " Install the version that wrote it, or restore a backup made before the upgrade.",
            compat_version=compat,
            known=len(known),
        )


async def _meta(writer: Writer) -> dict[str, str]:
    if not await writer.fetch(ENGINE.get("meta_exists_any")):
        return {}
    return dict(await writer.fetch(ENGINE.get("meta_read_all")))


async def _apply(writer: Writer, migration: Migration) -> None:
    await writer.begin()
    try:
        await writer.fetch(ENGINE.get("meta_create_missing"))
        for statement in migration.statements:
            await writer.fetch(statement)
        if migration.keys_off:
            await _require_references(writer, migration)
        rows: list[tuple[Any, ...]] = [
            ("schema_version", str(migration.number)),
            (_key(migration), migration.checksum),
        ]
        if migration.compat is not None:
            rows.append(("compat_version", str(migration.compat)))
        await writer.execute_many(ENGINE.get("meta_write_value"), rows)
        failpoint("migrate.commit.before")
        await writer.commit()
        failpoint("migrate.commit.after")
    except BaseException:
        await writer.rollback()
        raise


async def _require_references(writer: Writer, migration: Migration) -> None:
    lost = await writer.fetch(ENGINE.get("foreign_keys_check"))
    if lost:
        raise StorageError(f"the migration {migration.name} would leave {len(lost)} references to nothing")


def _key(migration: Migration) -> str:
    return f"migration_{migration.number:04}"


def _normalised(sql: str) -> str:
    tokens = (token for token in _TOKEN.finditer(sql) if token["skip"] is None)
    return " ".join(t["text"] or (t["name"] or t["word"] or t["mark"] or "").lower() for t in tokens)
