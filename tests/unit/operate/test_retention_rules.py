"""What the rules of retention make of a document, and the list of what was destroyed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.config.settings import parse
from gateway.config.values import RetentionRule
from gateway.errors import ConfigError, StorageError
from gateway.ledger.purged import Purged
from gateway.purging.listed import append_list, read_list
from gateway.purging.rules import Dated, earliest_due, is_due, month_of, rule_of

NOW = datetime(2036, 1, 1, tzinfo=UTC)


def rules(*texts: str) -> tuple[RetentionRule, ...]:
    return tuple(RetentionRule.parse(each) for each in texts)


def dated(days: int, *, business: str = "0", doc_type: str = "") -> Dated:
    at = NOW - timedelta(days=days)
    return Dated(id="a", accepted_at=at, business_type=business, doc_type=doc_type)


def test_narrowest_rule_counts() -> None:
    """Type before business type before default."""
    found = rules("default 10y", "business:1 90d", "type:2 never")
    assert rule_of(found, dated(1)) == found[0]
    assert rule_of(found, dated(1, business="1")) == found[1]
    assert rule_of(found, dated(1, business="1", doc_type="2")) == found[2]


@pytest.mark.parametrize(
    ("days", "business", "doc_type", "due"),
    [
        (3659, "0", "", False),
        (3660, "0", "", True),
        (90, "1", "", True),
        (89, "1", "", False),
        (20_000, "1", "2", False),
    ],
)
def test_document_is_due_when_its_time_is_over(*, days: int, business: str, doc_type: str, due: bool) -> None:
    """To the day, and never where a rule says never."""
    found = rules("default 10y", "business:1 90d", "type:2 never")
    assert is_due(found, dated(days, business=business, doc_type=doc_type), NOW) is due


def test_without_rules_nothing_is_due() -> None:
    """Off by default; and nothing fits where only other types have rules."""
    assert not is_due((), dated(100_000), NOW)
    assert earliest_due((), NOW) is None
    assert earliest_due(rules("default never"), NOW) is None
    assert not is_due(rules("type:2 1d"), dated(100_000, doc_type=""), NOW)


def test_month_is_vietnams() -> None:
    """The evening of the last day in UTC is the next month there."""
    assert month_of(datetime(2026, 11, 30, 17, 30, tzinfo=UTC)) == "2026-12"


@pytest.mark.parametrize(
    "text", ["10y", "default", "default 10", "default 0d", "type: 1y", "other:1 1y", "default 999y", "default  1y"]
)
def test_rule_of_another_form_is_refused(text: str, tmp_path: Path) -> None:
    """The server does not start with a rule that it might understand otherwise than it was meant."""
    with pytest.raises(ConfigError, match=r"retention\.rules"):
        parse({"retention": {"rules": [text]}}, folder=tmp_path)


def test_two_rules_about_the_same_documents_are_refused(tmp_path: Path) -> None:
    """Nobody could tell which one counts."""
    with pytest.raises(ConfigError, match="same documents"):
        parse({"retention": {"rules": ["default 1y", "default 2y"]}}, folder=tmp_path)


def purged(message: str) -> Purged:
    return Purged(message=message, sha256="0" * 64, order="o", at=1)


def test_list_takes_each_message_once(tmp_path: Path) -> None:
    """Written again after a crash, it says nothing twice."""
    path = tmp_path / "log.purged"
    assert read_list(path) == []
    append_list(path, [purged("a")])
    append_list(path, [purged("a"), purged("b")])
    assert [each.message for each in read_list(path)] == ["a", "b"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_line_that_was_cut_off_is_written_again(tmp_path: Path) -> None:
    """A crash in the middle of a line loses no other one."""
    path = tmp_path / "log.purged"
    append_list(path, [purged("a"), purged("b")])
    path.write_bytes(path.read_bytes()[:-10])
    assert [each.message for each in read_list(path)] == ["a"]
    append_list(path, [purged("b")])
    assert [each.message for each in read_list(path)] == ["a", "b"]


def test_list_of_something_else_is_refused(tmp_path: Path) -> None:
    """Whoever went on without it might bring back what was destroyed."""
    path = tmp_path / "log.purged"
    path.write_text("{}\n")
    with pytest.raises(StorageError, match="not the list"):
        read_list(path)
