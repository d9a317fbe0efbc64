"""Every named SQL statement is one that the database takes: its tables, columns and functions exist."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.storage.statements import parse_blocks
from tests.unit.project.new_database import new_database
from tools.checks.source import sources

ROOT = Path(__file__).resolve().parents[3]
BLOCKS = [
    pytest.param(text, id=name)
    for source in sources(ROOT, ".sql", folders=("gateway",))
    # schema and engine have their own tests in tests/storage, a simulator's memory in tests/unit/simulate
    if not source.name.startswith(("gateway/storage/", "gateway/simulate/axis/"))
    for name, text in parse_blocks(source.name, source.text)
]
_NAMED = re.compile(r"[:@]([a-z_]\w*)")
_COMMENT = re.compile(r"--.*")
_MOST_PARAMETERS = 64


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A new data folder's database, in the SQLite that the gateway would use."""
    with new_database(tmp_path_factory.mktemp("statements")) as connection:
        connection.text_factory = bytes  # what EXPLAIN shows is not always text
        yield connection


@pytest.mark.parametrize("text", BLOCKS)
def test_statement_is_taken_by_the_schema(database: Any, text: str) -> None:
    """A misspelt column is found here, also where no other test comes by."""
    _explain(database, text)


@pytest.mark.parametrize("text", ["SELECT misspelt FROM message", "UPDATE nowhere SET id = ?", "SELEC 1"])
def test_statement_that_the_schema_does_not_take_is_refused(database: Any, text: str) -> None:
    """The test above can fail."""
    with pytest.raises(database.OperationalError):
        _explain(database, text)


def _explain(database: Any, text: str) -> None:
    named = set(_NAMED.findall(_COMMENT.sub("", text)))
    if named:
        database.execute(f"EXPLAIN {text}", defaultdict(lambda: None, dict.fromkeys(named))).fetchall()
        return
    for count in range(_MOST_PARAMETERS):
        try:
            database.execute(f"EXPLAIN {text}", (None,) * count).fetchall()
        except database.ProgrammingError:  # another number of parameters
            continue
        return
    pytest.fail("it takes more parameters than any statement should")
