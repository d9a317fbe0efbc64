"""What a file says about which code is whose and when, by line: what its rows may refer to. Pure code.

Holds one entry per code and small numbers per row, so that a file of 125,000 rows is checked in some ten
megabytes.
"""

from __future__ import annotations

from gateway.directory.records import Period
from gateway.directory.rows import AgencyRow, RowProblem
from gateway.edxml.organ_ids import canonical

_ALWAYS = Period(0, None)
#: Rows of a file that have one code, one agency after the other.
_MOST_HOLDERS = 50


class FileIndex:
    """Codes of a file's good rows."""

    def __init__(self) -> None:
        self._first: dict[str, int] = {}
        self._further: dict[str, list[int]] = {}
        self._periods: dict[int, Period] = {}
        self._parents: dict[int, str] = {}
        #: Lines that are not taken.
        self.bad: set[int] = set()

    def add(self, row: AgencyRow) -> list[RowProblem]:
        """Take a row in, or say why its codes cannot be its own."""
        for form, code in zip(row.canonicals, row.codes, strict=True):
            lines = self._lines(form)
            if len(lines) >= _MOST_HOLDERS:
                return [_too_often(row.line, code, lines[0])]
            for line in lines:
                if not self._before(line, row.period):
                    return [_twice(row.line, code, line)]
        for form in row.canonicals:
            if form in self._first:
                self._further.setdefault(form, []).append(row.line)
            else:
                self._first[form] = row.line
        if row.period != _ALWAYS:
            self._periods[row.line] = row.period
        if row.parent:
            self._parents[row.line] = canonical(row.parent)
        return []

    def holds(self, form: str, at: int | None) -> bool:
        """Whether a good row holds the code at an instant; None: at all."""
        return any(at is None or self._period(line).holds(at) for line in self._lines(form) if line not in self.bad)

    def ended_before(self, form: str, row: AgencyRow) -> bool:
        """Whether another row closes the holder of a code before this row's agency opens."""
        if row.opened is None or form not in self._further:
            return False
        return any(line < row.line and line not in self.bad for line in self._lines(form))

    def circles(self) -> list[int]:
        """Lines of agencies that would be above themselves."""
        done: set[int] = set()
        found: list[int] = []
        for start in list(self._parents):
            path: dict[int, None] = {}  # in their order
            line: int | None = start
            while line is not None and line not in done and line not in path:
                path[line] = None
                line = self._line_at(self._parents.get(line), line)
            if line in path:
                found += list(path)[list(path).index(line) :]
            done.update(path)
        return found

    def _line_at(self, form: str | None, child: int) -> int | None:
        if form is None:
            return None
        opened = self._period(child).start
        lines = [line for line in self._lines(form) if line not in self.bad]
        return next((line for line in lines if self._period(line).holds(opened)), lines[0] if lines else None)

    def _lines(self, form: str) -> list[int]:
        first = self._first.get(form)
        return [] if first is None else [first, *self._further.get(form, ())]

    def _period(self, line: int) -> Period:
        return self._periods.get(line, _ALWAYS)

    def _before(self, line: int, later: Period) -> bool:
        end = self._period(line).end
        return end is not None and end <= later.start


def _twice(line: int, code: str, other: int) -> RowProblem:
    return RowProblem(
        line=line,
        column="organ_id",
        vi=f"Mã {code} đã có ở dòng {other}; ghi ngày opened, closed không chồng nhau, cơ quan cũ đứng trước.",
        en=f"Code {code} stands at line {other} too; give opened and closed days that do not overlap, "
        "the older agency first.",
    )


def _too_often(line: int, code: str, first: int) -> RowProblem:
    return RowProblem(
        line=line,
        column="organ_id",
        vi=f"Mã {code} đã có ở {_MOST_HOLDERS} dòng trên, từ dòng {first}, nhiều nhất mà một tệp được có; "
        "kiểm tra mã, hoặc nhập các cơ quan sau bằng một tệp khác.",
        en=f"Code {code} stands at {_MOST_HOLDERS} lines above already, from line {first} on, the most that a file "
        "may have; check the code, or import the later agencies by another file.",
    )
