"""Answers that are past their due date: as many as the overview counts, by office; and the documents of one office.

The report by office counts others: of documents that were accepted in a period, and those that were answered late.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from aiohttp import web

from gateway.accounts.roles import Permission
from gateway.clock import VIETNAM
from gateway.console.route import Route
from gateway.console.visit import Visit
from gateway.errors import RefusedError
from gateway.ledger.calendar import workdays
from gateway.model import AgencyId
from gateway.reports.missed import missed_by

#: Documents of one office that are shown, and that are counted.
_SHOWN: Final = 200
_COUNTED: Final = 2_000
#: The days whose documents the report is of.
_REPORTED: Final = timedelta(days=90)


async def show(visit: Visit) -> web.StreamResponse:
    """The offices, the most answers first; of one, its documents."""
    if office := visit.request.query.get("office", "")[:80]:
        return visit.page("overdue_office.html", **await _of_office(visit, AgencyId(office)))
    found = await visit.parts.outlooks.overdue(visit.at)
    offices = found.offices.most_common() if found is not None else []
    keys = [key for key, _ in offices]
    today = visit.at.astimezone(VIETNAM).date()
    return visit.page(
        "overdue.html",
        due=found,
        offices=offices,
        agencies=await visit.base.directory.agencies(keys),
        phones=await visit.base.directory.phones(keys),
        since={key: min(day for day, those in found.by_day.items() if those[key]) for key in keys} if found else {},
        reported=visit.address("/reports", **{"from": (today - _REPORTED).isoformat(), "to": today.isoformat()}),
    )


async def _of_office(visit: Visit, office: AgencyId) -> dict[str, Any]:
    base = visit.base
    known = (await base.directory.agencies([office])).get(office)
    if known is None:
        raise RefusedError("not_found")
    calendar, today = await workdays(base.readers), visit.at.astimezone(VIETNAM).date()
    lines = await missed_by(base.readers, calendar, today, office, limit=_COUNTED)
    shown = lines[:_SHOWN]
    return {
        "office": known,
        "phone": (await base.directory.phones([office]))[office],
        "lines": shown,
        "ends": {each.day: calendar.end_of(each.day) for each in shown},
        "senders": await base.directory.agencies({each.sender_id for each in shown}),
        "more": len(lines) - len(shown),
        "or_more": len(lines) == _COUNTED,
    }


ROUTES: Final = (Route("GET", "/reports/overdue", show, Permission.VIEW),)
