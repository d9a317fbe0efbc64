"""Migrations: applied once, in order, each in one transaction; changed and newer ones refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import SchemaVersionError, StorageError
from gateway.storage.migrations import MIGRATIONS, load_migrations, migrate, pending, schema_of
from gateway.storage.migrations import split_statements as split
from gateway.storage.sqlite import ENGINE, Writer, connect_writer

FIRST = "-- compat: 1\n-- The first.\nCREATE TABLE one (a TEXT NOT NULL) STRICT;\nCREATE INDEX one_a ON one (a);\n"
SECOND = "ALTER TABLE one ADD COLUMN b INTEGER; -- why\nINSERT INTO one VALUES ('semi;colon', 1);\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A program's migrations folder with two files."""
    made = tmp_path / "migrations"
    made.mkdir()
    (made / "0001_first_tables.sql").write_text(FIRST)
    (made / "0002_second.sql").write_text(SECOND)
    return made


async def meta(writer: Writer) -> dict[str, str]:
    return dict(await writer.fetch(ENGINE.get("meta_read_all")))


async def test_pending_migrations_are_applied_once_in_order(writer: Writer, folder: Path) -> None:
    """Every file runs exactly once, and the database says how far it is."""
    assert await pending(writer, folder) == ["0001_first_tables", "0002_second"]
    assert await migrate(writer, folder) == ["0001_first_tables", "0002_second"]
    assert await migrate(writer, folder) == []
    assert await pending(writer, folder) == []
    assert await writer.fetch("SELECT a, b FROM one") == [("semi;colon", 1)]
    found = await meta(writer)
    assert (found["schema_version"], found["compat_version"]) == ("2", "1")


async def test_failing_migration_leaves_nothing_of_itself(writer: Writer, folder: Path) -> None:
    """A migration is whole or absent; those before it stay."""
    (folder / "0003_bad.sql").write_text("CREATE TABLE three (a);\nINSERT INTO nowhere VALUES (1);\n")
    with pytest.raises(StorageError, match="nowhere"):
        await migrate(writer, folder)
    assert (await meta(writer))["schema_version"] == "2"
    assert "three" not in await schema_of(writer)
    assert await pending(writer, folder) == ["0003_bad"]


async def test_database_beyond_this_program_is_refused(writer: Writer, folder: Path) -> None:
    """A program older than the data's compatibility version does not start."""
    (folder / "0003_breaking.sql").write_text("-- compat: 3\nDROP INDEX one_a;\n")
    await migrate(writer, folder)
    (folder / "0003_breaking.sql").unlink()
    with pytest.raises(SchemaVersionError) as caught:
        await pending(writer, folder)
    assert caught.value.facts == {"compat_version": 3, "known": 2}


async def test_older_program_opens_a_newer_but_compatible_database(writer: Writer, folder: Path) -> None:
    """An additive migration leaves older programs working."""
    await migrate(writer, folder)
    (folder / "0002_second.sql").unlink()
    assert await migrate(writer, folder) == []


async def test_changed_migration_is_refused(writer: Writer, folder: Path) -> None:
    """What was applied is history: its file may not change."""
    await migrate(writer, folder)
    (folder / "0001_first_tables.sql").write_text(FIRST + "-- another word\n")
    with pytest.raises(StorageError, match="0001_first_tables was changed"):
        await migrate(writer, folder)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("0004_gap.sql", "numbered"),
        ("0002_twice.sql", "numbered"),
        ("3_short.sql", "NNNN_words"),
        ("0003-dash.sql", "NNNN_words"),
        ("0003_Upper.sql", "NNNN_words"),
    ],
)
def test_misnamed_migration_is_refused(folder: Path, name: str, message: str) -> None:
    """Gaps, doubles and other forms of name are found before anything runs."""
    (folder / name).write_text("SELECT 1;")
    with pytest.raises(StorageError, match=message):
        load_migrations(folder)


def test_split_keeps_triggers_texts_and_comments_whole() -> None:
    """Semicolons inside a trigger, a text or a comment do not end a statement."""
    trigger = "CREATE TRIGGER t AFTER INSERT ON one BEGIN SELECT ';'; SELECT 2; END;"
    assert split(f"-- a; b\nSELECT 1;\n{trigger}\n-- the end; really\n") == (
        "-- a; b\nSELECT 1;",
        trigger,
    )


def test_split_refuses_an_unfinished_statement() -> None:
    """A forgotten semicolon does not drop the last statement."""
    with pytest.raises(StorageError, match="SELECT 2"):
        split("SELECT 1;\nSELECT 2")


async def test_schema_dump_ignores_layout_comments_and_quoting(writer: Writer, folder: Path) -> None:
    """Two schemas that mean the same compare equal, whatever way they were written."""
    await migrate(writer, folder)
    migrated = await schema_of(writer)
    await writer.fetch("DROP TABLE one")
    await writer.fetch('CREATE TABLE "one" (\n  a TEXT  NOT NULL -- a note\n, b integer) STRICT')
    await writer.fetch("create index one_a on one(a)")
    assert await schema_of(writer) == migrated
    assert "meta" not in migrated


async def test_migrations_give_exactly_the_schema(tmp_path: Path) -> None:
    """`schema/*.sql` show what a database is after all migrations; neither may drift from the other."""
    dumps = []
    for name in ("migrated", "whole"):
        (tmp_path / name).mkdir()
        writer = await connect_writer(tmp_path / name / "gateway.db")
        try:
            if name == "migrated":
                await migrate(writer)
            else:
                files = sorted(MIGRATIONS.with_name("schema").glob("*.sql"))
                for statement in split("".join(file.read_text(encoding="utf-8") for file in files)):
                    await writer.fetch(statement)
            dumps.append(await schema_of(writer))
        finally:
            await writer.close()
    assert dumps[0] == dumps[1]
    assert dumps[0]


PARENT = (
    "CREATE TABLE two (id TEXT PRIMARY KEY) STRICT;\nCREATE TABLE child (two TEXT REFERENCES two (id)) STRICT;\n"
)
ANEW = (
    "-- foreign keys: off\nCREATE TABLE two_new (id TEXT PRIMARY KEY, more TEXT) STRICT;\n"
    "{copy}DROP TABLE two;\nALTER TABLE two_new RENAME TO two;\n"
)


async def _with_child(writer: Writer, folder: Path) -> None:
    (folder / "0003_parent.sql").write_text(PARENT)
    await migrate(writer, folder)
    await writer.begin()
    await writer.fetch("INSERT INTO two VALUES ('a')")
    await writer.fetch("INSERT INTO child VALUES ('a')")
    await writer.commit()


async def test_table_that_others_refer_to_is_built_anew_and_references_hold_again(
    writer: Writer, folder: Path
) -> None:
    """References are off for one migration only."""
    await _with_child(writer, folder)
    (folder / "0004_anew.sql").write_text(ANEW.format(copy="INSERT INTO two_new SELECT id, 'm' FROM two;\n"))
    assert await migrate(writer, folder) == ["0004_anew"]
    assert await writer.fetch("SELECT t.more FROM child AS c JOIN two AS t ON t.id = c.two") == [("m",)]
    assert await writer.fetch("PRAGMA foreign_keys") == [(1,)]


async def test_migration_that_leaves_references_to_nothing_is_refused(writer: Writer, folder: Path) -> None:
    """What others refer to may not be lost on the way."""
    await _with_child(writer, folder)
    (folder / "0004_anew.sql").write_text(ANEW.format(copy=""))
    with pytest.raises(StorageError, match="1 references to nothing"):
        await migrate(writer, folder)
    assert await writer.fetch("SELECT id FROM two") == [("a",)]
    assert await writer.fetch("PRAGMA foreign_keys") == [(1,)]
