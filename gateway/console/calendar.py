"""Holidays and working days of a year: the rule's, and those that people entered."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from gateway.accounts.roles import Permission
from gateway.admin.calendar import EnterDays, enter_days
from gateway.clock import VIETNAM
from gateway.console.acts import converted
from gateway.console.route import Route
from gateway.console.visit import Visit
from gateway.errors import RefusedError
from gateway.ledger.calendar import MOST, entered_days
from gateway.workdays import off_by_law

_FIRST, _LAST = 2000, 2100
_DIGITS: Final = 4


async def show(visit: Visit) -> web.StreamResponse:
    """One year."""
    year = _year(visit)
    entered = [each for each in await entered_days(visit.base.readers) if each.day.year == year]
    said = {each.day for each in entered}
    by_law = {day: names for day, names in sorted(off_by_law(year).items()) if day not in said}
    return visit.page(
        "admin_calendar.html",
        year=year,
        entered=entered,
        by_law=by_law,
        lunar_missing=not any(not each.works and each.day.month <= _TET_UNTIL for each in entered),
        names=await visit.names({each.by for each in entered}),
        most=MOST,
    )


async def change(visit: Visit) -> web.StreamResponse:
    """Enter some days, or take them out again."""
    form = visit.form
    first = form.get("first", "")
    given = {
        "first": first,
        "last": form.get("last", "") or first,
        "what": form.get("what", ""),
        "name": form.get("name", ""),
        "reason": form.get("reason", "").strip(),
    }
    request = converted(given, EnterDays)
    for day in (request.first, request.last):
        if not _FIRST <= day.year <= _LAST:
            raise RefusedError("parameter_invalid", f"{_FIRST} - {_LAST}")
    await enter_days(visit.parts.server, request, visit.actor)
    path = visit.address("/administration/calendar", year=str(request.first.year))
    return visit.redirect(path, flash=visit.gettext("Done."))


def _year(visit: Visit) -> int:
    text = visit.request.query.get("year", "")
    if not text:
        return visit.at.astimezone(VIETNAM).year
    if not (text.isascii() and text.isdigit() and len(text) == _DIGITS and _FIRST <= int(text) <= _LAST):
        raise RefusedError("parameter_invalid", "year")
    return int(text)


#: Tết falls between the end of January and the end of February.
_TET_UNTIL: Final = 2
ROUTES: Final = (
    Route("GET", "/administration/calendar", show, Permission.VIEW_ADMINISTRATION),
    Route("POST", "/administration/calendar", change, Permission.ADMINISTER),
)
