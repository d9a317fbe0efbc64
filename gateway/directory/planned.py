"""What a row of a file would change, in words for whoever looks before it is done. Pure code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec

from gateway.directory.diff import DirectoryRows
from gateway.directory.records import Record
from gateway.directory.rows import AgencyRow
from gateway.model import AgencyId

_COLUMNS = (
    "kind", "parent_organ_id", "endpoint", "contact", "closed", "successor_organ_id", "sandbox",
    "daily_quota_bytes",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedRow:
    """A row that would change something."""

    line: int
    what: Literal["created", "changed", "closed"]
    code: str
    name: str
    #: Columns of the file that say something new; of a new agency none.
    columns: tuple[str, ...] = ()


def planned(row: AgencyRow, rows: DirectoryRows, records: Mapping[AgencyId, Record]) -> PlannedRow:
    """`rows`: those of this row alone, and not empty."""
    if rows.created:
        return PlannedRow(line=row.line, what="created", code=row.codes[0], name=row.name or "")
    record = records[rows.changed[0]]
    return PlannedRow(
        line=row.line,
        what="closed" if rows.closed else "changed",
        code=row.codes[0],
        name=row.name or record.current_name(row.effective or record.opened) or "",
        columns=tuple(_columns(rows, record)),
    )


def _columns(rows: DirectoryRows, record: Record) -> list[str]:
    found = []
    if rows.codes_new:
        found.append("organ_id")
    if rows.names_new or (rows.names_ended and not rows.closed):
        found.append("name")
    held = (
        record.kind,
        record.parent_id,
        record.endpoint_id,
        msgspec.json.encode(record.contact, order="sorted").decode(),
        record.closed,
        record.successor_id,
        int(record.sandbox),
        record.daily_quota_bytes,
    )
    said = rows.agencies_changed[0][: len(_COLUMNS)]
    return found + [name for name, old, new in zip(_COLUMNS, held, said, strict=True) if old != new]
