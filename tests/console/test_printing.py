"""Papers of the console: what belongs together is not parted by the end of a page, and who signs has room."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime

import pytest

from gateway.console.printing import Part, pdf
from tests.system_tools import require_tool

AT = datetime(2026, 11, 30, 17, 30, tzinfo=UTC)


def pages_of(file: bytes, *options: str) -> list[str]:
    """The text of each."""
    asked = [require_tool("pdftotext", "poppler-utils"), *options, "-", "-"]
    return subprocess.run(asked, input=file, capture_output=True, check=True).stdout.decode().split("\f")


@pytest.mark.parametrize("lines", range(35, 60))
def test_a_heading_stands_on_the_page_of_its_first_line(lines: int) -> None:
    """However much stands before it."""
    parts = [
        Part(title="Đầu", lines=[("", "dòng")] * lines),
        Part(title="Cuối cùng", lines=[], nothing="Không có."),
    ]
    pages = pages_of(pdf("Giấy", parts, language="vi", made_at=AT, foot="x"))
    assert [page for page in pages if ("Cuối cùng" in page) != ("Không có." in page)] == []


SIGNED = (("Người bàn giao", "(ký)", "Trần Văn Vận Hành"), ("Người nhận bàn giao", "(ký)", ""))


@pytest.mark.parametrize("lines", range(25, 60))
def test_no_sheet_bears_signatures_alone(lines: int) -> None:
    """The last heading, or the last line below it, is on theirs."""
    first = Part(title="Đầu", lines=[("", "dòng")] * lines)
    nothing = Part(title="Cuối", lines=[], nothing="Không có.")
    last = Part(title="Cuối", lines=[*first.lines[1:], ("", "dòng cuối")])
    for parts, what in (([first, nothing], "Cuối"), ([last], "dòng cuối")):
        pages = pages_of(pdf("Giấy", parts, language="vi", made_at=AT, foot="x", signed=SIGNED))
        assert [page for page in pages if "Người nhận bàn giao" in page and what not in page] == []


def test_who_hands_over_and_who_takes_over_sign_beside_each_other() -> None:
    """Both on one line, as on paper."""
    (laid, _) = pages_of(pdf("Giấy", [], language="vi", made_at=AT, foot="x", signed=SIGNED), "-layout")
    (line,) = [each for each in laid.splitlines() if "Người bàn giao" in each]
    assert line.split("Người bàn giao")[1].strip() == "Người nhận bàn giao"
    assert "Trần Văn Vận Hành" in laid
