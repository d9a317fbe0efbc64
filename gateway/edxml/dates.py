"""Reads the date forms that writers of edXML use; Vietnam time where none is said.

Taken: `yyyy/MM/dd`, `dd/MM/yyyy`, `yyyy-MM-dd`, `dd-MM-yyyy`, with or without a time (a space or `T` between,
seconds and fractions optional, `Z` or an offset honoured). Day before month always. Whatever cannot be read,
or does not exist (`2014/02/30`), gives None: nothing here raises.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone

from gateway.clock import VIETNAM

_FORM = re.compile(
    r"""\s*(?:(?P<y1>\d{4})[/-](?P<m1>\d{1,2})[/-](?P<d1>\d{1,2})|(?P<d2>\d{1,2})[/-](?P<m2>\d{1,2})[/-](?P<y2>\d{4}))
    (?:(?:\s+|T)(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?
    \s*(?P<zone>Z|[+-]\d{2}:?\d{2})?)?\s*""",
    re.VERBOSE | re.ASCII,
)
_DAY_MINUTES = 24 * 60


def read_date(text: str) -> date | None:
    """The calendar day as written; a time behind it is passed over."""
    found = _FORM.fullmatch(text)
    return None if found is None else _day(found)


def read_instant(text: str) -> datetime | None:
    """The aware UTC instant; a day without a time is its midnight in Vietnam."""
    found = _FORM.fullmatch(text)
    day = None if found is None else _day(found)
    if found is None or day is None:
        return None
    micros = int((found["fraction"] or "0").ljust(6, "0")[:6])
    try:
        local = datetime(
            day.year,
            day.month,
            day.day,
            int(found["hour"] or 0),
            int(found["minute"] or 0),
            int(found["second"] or 0),
            micros,
            tzinfo=_zone(found["zone"]),
        )
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _day(found: re.Match[str]) -> date | None:
    year, month, day = found["y1"] or found["y2"], found["m1"] or found["m2"], found["d1"] or found["d2"]
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def _zone(text: str | None) -> timezone:
    if text is None:
        return VIETNAM
    if text == "Z":
        return UTC
    minutes = int(text[1:3]) * 60 + int(text[-2:])
    if minutes >= _DAY_MINUTES:
        raise ValueError(text)
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))
