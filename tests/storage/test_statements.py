"""Named statements: one form, no doubles, nothing unused unnoticed."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import ConfigError
from gateway.storage.statements import Statements, parse_blocks

GOOD = """\
-- name: item_list_all
-- Every item.
SELECT 1;

-- name: item_count_all
-- How many.
SELECT 2
  -- inside
  ;
"""


def test_blocks_of_a_folder_are_found_by_name(tmp_path: Path) -> None:
    """Each block is one statement under its name, without the final semicolon."""
    (tmp_path / "items.sql").write_text(GOOD)
    (tmp_path / "notes.txt").write_text("not SQL")
    statements = Statements.load(tmp_path)
    assert statements.get("item_list_all") == "SELECT 1"
    assert statements.names == {"item_list_all", "item_count_all"}


def test_names_never_asked_for_are_known(tmp_path: Path) -> None:
    """A test can prove that no statement is dead."""
    (tmp_path / "items.sql").write_text(GOOD)
    statements = Statements.load(tmp_path / "items.sql")
    statements.get("item_list_all")
    assert statements.unused == {"item_count_all"}
    with pytest.raises(KeyError):
        statements.get("item_never_was")


def test_name_in_two_files_is_refused(tmp_path: Path) -> None:
    """A name means one statement."""
    (tmp_path / "a.sql").write_text(GOOD)
    (tmp_path / "b.sql").write_text(GOOD)
    with pytest.raises(ConfigError, match="twice"):
        Statements.load(tmp_path)


def test_package_is_a_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Statements are found in an installed package, by its dotted name, with or without `__init__.py`."""
    (tmp_path / "some_package" / "sql").mkdir(parents=True)
    (tmp_path / "some_package" / "sql" / "items.sql").write_text(GOOD)
    monkeypatch.syspath_prepend(tmp_path)
    assert "item_list_all" in Statements.load("some_package.sql").names


def test_folder_without_statements_is_refused(tmp_path: Path) -> None:
    """A wrong folder is a mistake, not an empty list."""
    with pytest.raises(ConfigError, match=r"no \.sql"):
        Statements.load(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SELECT 1;\n" + GOOD, "before the first"),
        ("-- name: single\n-- Purpose.\nSELECT 1;", "object_verb"),
        ("-- name: Item_list\n-- Purpose.\nSELECT 1;", "object_verb"),
        ("-- name: item_list\nSELECT 1;", "purpose"),
        ("-- name: item_list\n-- Purpose.\n", "no statement"),
        ("-- name: item_list\n-- Purpose.\n-- only words\n", "no statement"),
    ],
)
def test_block_in_another_form_is_refused(text: str, message: str) -> None:
    """Name, purpose and statement are all required."""
    with pytest.raises(ConfigError, match=message):
        parse_blocks("x.sql", text)


def test_opening_comment_of_a_file_is_allowed() -> None:
    """A file may say what it is about."""
    assert len(parse_blocks("x.sql", "-- About items.\n\n" + GOOD)) == 2
