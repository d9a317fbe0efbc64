"""Agencies as rows of the file that an import reads: what is listed may be edited and taken in again.

Listed are those that exist, as they are now. What cannot be said by a day (an opening at noon) is left empty, which
an import takes as "stays as it is". Closed agencies are left out.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Final

from gateway.clock import VIETNAM, instant, micros
from gateway.directory.directory import Directory
from gateway.directory.records import Record
from gateway.directory.rows import CONTACT
from gateway.model import Agency, AgencyId

_PORTION: Final = 500


async def listed(directory: Directory, at: datetime) -> AsyncIterator[list[dict[str, str]]]:
    """Portions of rows: column -> cell."""
    after: AgencyId | None = None
    while True:
        agencies = await directory.page(limit=_PORTION, after=after)
        open_ones = [each for each in agencies if each.closed_at is None]
        records = await directory.records([each.id for each in open_ones])
        parents = await directory.agencies({each.parent_id for each in open_ones if each.parent_id is not None})
        yield [_row(each, records[each.id], parents, at) for each in open_ones]
        if len(agencies) < _PORTION:
            return
        after = agencies[-1].id


def _row(agency: Agency, record: Record, parents: Mapping[AgencyId, Agency], at: datetime) -> dict[str, str]:
    codes = {code.scheme: code.code for code in reversed(record.current_codes(micros(at)))}
    others = [code for code in agency.codes if code not in {codes.get("qcvn102"), codes.get("qd20")}]
    aliases = [each.name for each in record.names if each.is_alias and each.period.holds(micros(at))]
    parent = parents.get(agency.parent_id) if agency.parent_id is not None else None
    return {
        "organ_id": codes.get("qcvn102", ""),
        "qd20_code": codes.get("qd20", ""),
        "other_codes": "|".join(others),
        "name": agency.name,
        "aliases": "|".join(aliases),
        "kind": agency.kind,
        "parent_organ_id": parent.organ_id if parent is not None else "",
        "endpoint": agency.endpoint.name if agency.endpoint is not None else "",
        "opened": _day(record.opened),
        "sandbox": "yes" if agency.sandbox else "",
        "daily_quota_bytes": "" if agency.daily_quota_bytes is None else str(agency.daily_quota_bytes),
        **{name: record.contact.get(name, "") for name in CONTACT},
    }


def _day(at: int) -> str:
    """The day that begins at an instant; "" for one at which none does, or since ever."""
    if not at:
        return ""
    local = instant(at).astimezone(VIETNAM)
    return local.date().isoformat() if local.time() == local.time().min else ""
