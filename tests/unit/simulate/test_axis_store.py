"""The axis's memory: every statement is one that its schema takes, and a transaction is all or nothing."""

from __future__ import annotations

import re
import sqlite3
from collections import defaultdict
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.simulate.axis.reading import Letter
from gateway.simulate.axis.store import Errand, Share, Store, Taking
from gateway.storage.statements import parse_blocks

AXIS = Path(__file__).resolve().parents[3] / "gateway/simulate/axis"
BLOCKS = [
    pytest.param(text, id=name)
    for path in sorted((AXIS / "sql").glob("*.sql"))
    for name, text in parse_blocks(path.name, path.read_text("utf-8"))
]
LETTER = Letter(
    sender="A",
    recipients=("B", "C"),
    document_id="d",
    number="1",
    notation="UBND",
    date="2018/11/05",
    subject="s",
    business_type="0",
    status_code="",
    about=(),
)


@pytest.mark.parametrize("text", BLOCKS)
def test_statement_is_taken_by_the_schema(text: str) -> None:
    """A misspelt column is found here, also where no other test comes by."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.executescript((AXIS / "schema.sql").read_text("utf-8"))
    if "TRANSACTION" not in text and text not in {"BEGIN IMMEDIATE", "COMMIT", "ROLLBACK"}:
        numbered = {int(found) for found in re.findall(r"\?(\d+)", text)}
        count = max(numbered) if numbered else text.count("?")
        assert connection.execute(f"EXPLAIN {text}", (None,) * count).fetchall()
    connection.close()


@pytest.mark.parametrize("text", ["SELECT misspelt FROM entry", "UPDATE nowhere SET id = 1"])
def test_statement_that_the_schema_does_not_take_is_refused(text: str) -> None:
    """The test above can fail."""
    with pytest.raises(sqlite3.OperationalError):
        test_statement_is_taken_by_the_schema(text)


def taking(**more: object) -> Taking:
    given = defaultdict(
        str,
        system_id="S",
        message_type="edoc",
        letter=LETTER,
        sha256="0" * 64,
        size=1,
        recipients=("B", "C", "X"),
        shares=(Share(system_id="T", codes=("B", "C")),),
        faults={"X": "Don vi nhan khong ton tai"},
    )
    return Taking(**(given | more))  # type: ignore[arg-type]


def test_what_fails_halfway_leaves_nothing(tmp_path: Path) -> None:
    """No message without its lines, no entry without its message."""
    store = Store(tmp_path, SystemClock())
    wrong = Errand(due_at=None, reporter="B", code="01", words="")  # type: ignore[arg-type]
    with pytest.raises(sqlite3.IntegrityError):
        store.take(taking(shares=(Share(system_id="T", codes=("B",), errands=(wrong,)),)))
    assert store.rows("axis_count_all")[0][:2] == (0, 0)
    taken = store.take(taking())
    assert taken.entries == ((2_000_000_001, "T"),)
    assert [row[4] for row in store.rows("line_list_sent", "S", "", 0)] == ["B", "C", "X"]
    store.close()


def test_open_again_finds_everything(tmp_path: Path) -> None:
    """And goes on with the next number."""
    store = Store(tmp_path, SystemClock())
    first = store.take(taking())
    store.close()
    store = Store(tmp_path, SystemClock())
    assert store.entry(first.entries[0][0], "T") is not None
    assert store.entry(first.entries[0][0], "S") is None
    assert store.take(taking()).sent_id == first.sent_id + 1
    store.close()


async def test_equal_bytes_are_kept_once(tmp_path: Path) -> None:
    """By their digest, large ones, too."""
    store = Store(tmp_path, SystemClock())
    for data in (b"small", b"large" * 300_000):
        digest = await store.bodies.keep(data)
        assert await store.bodies.keep(data) == digest
        assert await store.bodies.read(digest) == data
    assert len(list((tmp_path / "bodies").glob("*/*"))) == 2
    store.close()
