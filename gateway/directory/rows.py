"""One agency per row: the CSV that `gateway agencies import` reads. Pure code; see README.md for the columns.

- UTF-8 with or without a byte order mark; separated by commas or, as Excel writes it here, by semicolons;
  several values in one cell are separated by `|`.
- A cell that is empty, or a column that is absent, says nothing: what the directory holds stays. A `-`
  clears it. Dates are `yyyy-mm-dd` and mean that day's midnight in Vietnam.
- An apostrophe before what a spreadsheet would take for a formula is not meant (`gateway.formulas`).
- Every bad cell becomes a `RowProblem` with line, column and what to do; reading goes on to the next row.

It does NOT know what the directory holds; `gateway.directory.importer` compares.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time

from gateway.clock import VIETNAM, micros
from gateway.directory.fold import proper
from gateway.directory.records import Period
from gateway.edxml.organ_ids import canonical
from gateway.formulas import meant

COLUMNS = (
    "organ_id", "qd20_code", "other_codes", "name", "aliases", "kind", "parent_organ_id", "endpoint", "opened",
    "closed", "successor_organ_id", "effective", "email", "phone", "address", "fax", "website", "note",
    "sandbox", "daily_quota_bytes",
)  # fmt: skip
CONTACT = ("email", "phone", "address", "fax", "website", "note")

_CODE = re.compile(r"[^\s;,|]{1,50}")
_KIND = re.compile(r"[a-z][a-z_]{0,39}")
_TRUTH = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False, "": False}
_LONGEST = 500
#: What is told of a header that is none of ours.
_SHOWN_COLUMN, _MOST_COLUMNS = 40, 40
_CLEARED = "-"
#: Since ever: the opening of an agency whose date nobody knows.
_ALWAYS = Period(0, None)


@dataclass(frozen=True, kw_only=True, slots=True)
class RowProblem:
    """Why a row cannot be taken, and what to do."""

    #: Line of the file, from 1 (the header).
    line: int
    #: The column; "" for the whole row.
    column: str
    vi: str
    en: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AgencyRow:
    """What a row says; None where it says nothing, "" (or an empty tuple) where it clears."""

    line: int = 0
    #: Every code given, the organ id first.
    codes: tuple[str, ...]
    name: str | None = None
    aliases: tuple[str, ...] | None = None
    kind: str | None = None
    parent: str | None = None
    #: Name of the endpoint.
    endpoint: str | None = None
    opened: int | None = None
    closed: int | None = None
    successor: str | None = None
    #: From when changed codes and names hold; None: from the import.
    effective: int | None = None
    contact: dict[str, str] = field(default_factory=dict)
    sandbox: bool | None = None
    #: 0 clears it.
    daily_quota_bytes: int | None = None

    @property
    def canonicals(self) -> tuple[str, ...]:
        """The codes as they are compared."""
        return tuple(canonical(code) for code in self.codes)

    @property
    def period(self) -> Period:
        """From opening to closing, as far as the row says."""
        if self.opened is None and self.closed is None:
            return _ALWAYS
        return Period(self.opened or 0, self.closed)


class _Cells:
    """One row under reading: takes cells, gathers problems."""

    def __init__(self, line: int, cells: dict[str, str]) -> None:
        self.line = line
        self._cells = cells
        self.problems: list[RowProblem] = []

    def refuse(self, column: str, vi: str, en: str) -> None:
        self.problems.append(RowProblem(line=self.line, column=column, vi=vi, en=en))

    def raw(self, column: str) -> str | None:
        value = self._cells.get(column, "").strip()
        if value == _CLEARED:
            return ""
        return meant(value).strip() or None

    def text(self, column: str) -> str | None:
        value = self.raw(column)
        if value is not None and (len(value) > _LONGEST or not value.isprintable()):
            self.refuse(
                column,
                f"Bỏ ký tự điều khiển và rút còn tối đa {_LONGEST} ký tự.",
                f"Remove control characters and keep at most {_LONGEST} characters.",
            )
            return None
        return None if value is None else proper(value)

    def texts(self, column: str) -> tuple[str, ...] | None:
        value = self.text(column)
        return None if value is None else tuple(filter(None, (proper(part) for part in value.split("|"))))

    def code(self, column: str) -> str | None:
        codes = self.codes(column)
        return None if codes is None else codes[0] if codes else ""

    def codes(self, column: str) -> tuple[str, ...] | None:
        value = self.raw(column)
        if value is None:
            return None
        codes = tuple(filter(None, (part.strip() for part in value.split("|"))))
        if not all(_CODE.fullmatch(code) and code.isprintable() for code in codes):
            self.refuse(
                column,
                "Mã có từ 1 đến 50 ký tự, không có khoảng trắng, dấu phẩy hay chấm phẩy; sửa ô này.",
                "A code has 1 to 50 characters without spaces, commas or semicolons; correct this cell.",
            )
            return None
        return codes

    def day(self, column: str) -> int | None:
        value = self.raw(column)
        if not value:
            return None
        try:
            return micros(datetime.combine(date.fromisoformat(value), time(), VIETNAM))
        except (ValueError, OverflowError):
            self.refuse(
                column, "Viết ngày theo dạng yyyy-mm-dd.", "Write the date as yyyy-mm-dd, and one that exists."
            )
            return None

    def kind(self) -> str | None:
        value = self.raw("kind")
        if value and not _KIND.fullmatch(value):
            self.refuse(
                "kind",
                "Dùng một từ tiếng Anh chữ thường, ví dụ commune, district, department.",
                "Use one lower-case word such as commune, district, department.",
            )
        return value or None

    def truth(self, column: str) -> bool | None:
        value = self.raw(column)
        if value is None:
            return None
        if value.lower() not in _TRUTH:
            self.refuse(column, "Ghi yes hoặc no.", "Write yes or no.")
        return _TRUTH.get(value.lower())

    def count(self, column: str) -> int | None:
        value = self.raw(column)
        if value is None:
            return None
        if not (value or "0").isascii() or not (value or "0").isdigit() or len(value) > 15:  # noqa: PLR2004
            self.refuse(column, "Ghi một số nguyên byte.", "Write a whole number of bytes.")
            return None
        return int(value or "0")


def read_rows(data: bytes) -> Iterator[AgencyRow | list[RowProblem]]:
    """The rows of a file in order; a bad one as its problems, an empty line as none of them.

    A bad header or encoding ends the reading.
    """
    fault = _fault_of_encoding(data)
    if fault is not None:
        yield [fault]
        return
    with io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig", newline="") as text:
        delimiter = _delimiter(text.readline())
        text.seek(0)
        reader = csv.reader(text, delimiter=delimiter, strict=True)
        try:
            yield from _rows(reader)
        except csv.Error as error:
            yield [
                RowProblem(
                    line=reader.line_num,
                    column="",
                    vi=f"CSV sai cú pháp hoặc ô quá dài ({error}); kiểm tra dấu ngoặc kép từ đây trở lên.",
                    en=f"The CSV is malformed or a cell too long ({error}); check quotes here and above.",
                )
            ]


def row_of(cells: dict[str, str], line: int = 0) -> AgencyRow | list[RowProblem]:
    """What the cells of one row say."""
    take = _Cells(line, cells)
    given = [take.codes(column) or () for column in ("organ_id", "qd20_code", "other_codes")]
    codes = {canonical(code): code for group in given for code in group}
    if not codes and not take.problems:
        take.refuse(
            "organ_id", "Dòng chưa có mã định danh nào; điền organ_id.", "The row has no code; fill in organ_id."
        )
    contact = {column: value for column in CONTACT if (value := take.text(column)) is not None}
    opened, closed = take.day("opened"), take.day("closed")
    if opened is not None and closed is not None and closed <= opened:
        take.refuse("closed", "Ngày đóng phải sau ngày mở.", "The closing day must be after the opening day.")
    row = AgencyRow(
        line=line,
        codes=tuple(codes.values()),
        name=take.text("name") or None,
        aliases=take.texts("aliases"),
        kind=take.kind(),
        parent=take.code("parent_organ_id"),
        endpoint=take.text("endpoint"),
        opened=opened,
        closed=closed,
        successor=take.code("successor_organ_id"),
        effective=take.day("effective"),
        contact=contact,
        sandbox=take.truth("sandbox"),
        daily_quota_bytes=take.count("daily_quota_bytes"),
    )
    if row.successor and closed is None:
        take.refuse(
            "successor_organ_id",
            "Có cơ quan kế thừa thì phải có ngày đóng; điền closed.",
            "A successor needs a closing day; fill in closed.",
        )
    return take.problems or row


def _rows(reader: Iterator[list[str]]) -> Iterator[AgencyRow | list[RowProblem]]:
    header = [name.strip().lower() for name in next(reader, [])]
    problems = _faults_of_header(header)
    if problems:
        yield problems
        return
    line = 2
    for cells in reader:
        start, line = line, reader.line_num + 1  # type: ignore[attr-defined]
        if not any(cell.strip() for cell in cells):
            yield []
            continue
        if len(cells) != len(header):
            yield [
                RowProblem(
                    line=start,
                    column="",
                    vi=f"Dòng có {len(cells)} ô, tiêu đề có {len(header)}; kiểm tra dấu phân cách và ngoặc kép.",
                    en=f"The row has {len(cells)} cells, the header {len(header)}; check separators and quotes.",
                )
            ]
            continue
        yield row_of(dict(zip(header, cells, strict=True)), start)


def _faults_of_header(header: list[str]) -> list[RowProblem]:
    problems = []
    if not {"organ_id", "qd20_code", "other_codes"} & set(header):
        problems.append(("organ_id", "Thiếu cột organ_id.", "The column organ_id is missing; add it."))
    for name in header[:_MOST_COLUMNS]:  # of more there are some that are unknown, or stand twice, among the first
        if name not in COLUMNS:
            problems.append(
                (
                    name,
                    f"Không có cột này; các cột dùng được: {', '.join(COLUMNS)}.",
                    f"There is no such column; rename or remove it. Known: {', '.join(COLUMNS)}.",
                )
            )
        elif header.count(name) > 1:
            problems.append((name, "Cột lặp lại; bỏ bớt.", "The column stands twice; remove one."))
    # a wrong file's first line may be anything, and of any length
    return [RowProblem(line=1, column=_shown(column), vi=vi, en=en) for column, vi, en in problems]


def _shown(column: str) -> str:
    return "".join(mark if mark.isprintable() else "?" for mark in column[:_SHOWN_COLUMN])


def _fault_of_encoding(data: bytes) -> RowProblem | None:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return RowProblem(
            line=data.count(b"\n", 0, error.start) + 1,
            column="",
            vi="Tệp không phải UTF-8; lưu lại dạng CSV UTF-8.",
            en="The file is not UTF-8; save it again as CSV UTF-8.",
        )
    return None


def _delimiter(header: str) -> str:
    return ";" if header.count(";") > header.count(",") else ","
