"""Papers of the console: what belongs together is not parted by the end of a page, and who signs has room."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime

import pytest

from gateway.console.printing import Part, pdf
from tests.system_tools import require_tool

AT = datetime(2026, 11, 30, 17, 30, tzinfo=UTC)


def pages_of(file: bytes) -> list[str]:
    """The text of each."""
    tool = require_tool("pdftotext", "poppler-utils")
    return subprocess.run([tool, "-", "-"], input=file, capture_output=True, check=True).stdout.decode().split("\f")


@pytest.mark.parametrize("lines", range(35, 60))
def test_a_heading_stands_on_the_page_of_its_first_line(lines: int) -> None:
    """However much stands before it."""
    parts = [
        Part(title="Đầu", lines=[("", "dòng")] * lines),
        Part(title="Cuối cùng", lines=[], nothing="Không có."),
    ]
    pages = pages_of(pdf("Giấy", parts, language="vi", made_at=AT, foot="x"))
    assert [page for page in pages if ("Cuối cùng" in page) != ("Không có." in page)] == []


@pytest.mark.parametrize("lines", range(25, 60))
def test_no_sheet_bears_signatures_alone(lines: int) -> None:
    """The last heading is on theirs."""
    parts = [
        Part(title="Đầu", lines=[("", "dòng")] * lines),
        Part(title="Cuối cùng", lines=[], nothing="Không có."),
    ]
    signed = (("Người bàn giao", "(ký)", "A"), ("Người nhận bàn giao", "(ký)", ""))
    pages = pages_of(pdf("Giấy", parts, language="vi", made_at=AT, foot="x", signed=signed))
    assert [page for page in pages if ("Cuối cùng" in page) != ("Người nhận bàn giao" in page)] == []


def test_who_hands_over_and_who_takes_over_sign_beside_each_other() -> None:
    signed = (("Người bàn giao", "(ký)", "Trần Văn Vận Hành"), ("Người nhận bàn giao", "(ký)", ""))
    (told, _) = pages_of(pdf("Giấy", [], language="vi", made_at=AT, foot="x", signed=signed))
    assert "Người bàn giao" in told.split("Người nhận bàn giao")[0]
    assert "Trần Văn Vận Hành" in told
