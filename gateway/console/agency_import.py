"""Agencies from a CSV file: what the file would change is shown first; it is done when somebody says so.

The file waits in memory between the two, for whoever brought it. Where the directory has changed meanwhile, so that
the file would do something else than was shown, nothing is done and it is shown anew.
"""

from __future__ import annotations

import asyncio
from hashlib import sha256
from typing import Any, Final

from aiohttp import web

from gateway.accounts.roles import Permission
from gateway.admin.directory import ImportAgencies, import_file
from gateway.console.acts import converted
from gateway.console.parts import ShownFile
from gateway.console.route import Route
from gateway.console.uploaded import uploaded
from gateway.console.visit import Visit
from gateway.console.words import N_
from gateway.directory.importer import ImportReport, preview_agencies
from gateway.directory.planned import PlannedRow
from gateway.errors import RefusedError

#: The largest file; `gateway agencies import` takes larger ones.
MOST_BYTES: Final = 4 * 1024 * 1024
_SHOWN: Final = 200
WHAT: Final = {
    "created": ("good", N_("new")),
    "changed": ("wait", N_("changes")),
    "closed": ("bad", N_("closes")),
}
#: What each column of the file says.
COLUMNS: Final = {
    "organ_id": N_("the code, such as 000.00.00.H33; needed"),
    "qd20_code": N_("the old code, such as H33"),
    "other_codes": N_("further codes by which it is addressed, | between them"),
    "name": N_("its name; needed for a new agency"),
    "aliases": N_("all its other names, | between them"),
    "kind": N_("one word: province, department, district, commune, ministry …"),
    "parent_organ_id": N_("a code of the agency above it"),
    "endpoint": N_("the name of its channel, which must exist"),
    "opened": N_("from which day it exists (yyyy-mm-dd); empty: since ever"),
    "closed": N_("from which day it exists no more"),
    "successor_organ_id": N_("a code of the agency that takes over; needs the day of closing"),
    "effective": N_("from which day changed codes and names hold; empty: from now on"),
    "email": N_("where its mail goes"),
    "phone": N_("its telephone number, for urgent documents"),
    "address": N_("its postal address"),
    "fax": N_("its fax number"),
    "website": N_("its website"),
    "note": N_("a remark"),
    "sandbox": N_("yes for an agency of tests"),
    "daily_quota_bytes": N_("bytes × recipients that it may send a day; 0: as the setting says"),
}


async def show(visit: Visit) -> web.StreamResponse:
    """The form for a file."""
    return _page(visit)


async def preview(visit: Visit) -> web.StreamResponse:
    """What a file would change."""
    async with uploaded(visit, {"file": MOST_BYTES}) as form:
        file = form.one("file")
        data = await asyncio.to_thread(file.path.read_bytes)
    return await _shown(visit, file.name, data)


async def _shown(visit: Visit, name: str, data: bytes, note: str = "") -> web.StreamResponse:
    report, planned = await _planned(visit, data)
    visit.parts.imports.put(visit.session.id, ShownFile(name=name, data=data, mark=_mark(report, planned)))
    return _page(visit, name=name, report=report, planned=planned, note=note)


async def apply(visit: Visit) -> web.StreamResponse:
    """Do what was shown."""
    waiting = visit.parts.imports.get(visit.session.id)
    if waiting is None or visit.form.get("mark", "") != waiting.mark:
        raise RefusedError("form_outdated")
    reason = visit.form.get("reason", "").strip()
    try:
        text = waiting.data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RefusedError("parameter_invalid", "the file is no UTF-8") from error
    request = converted({"csv": text, "reason": reason}, ImportAgencies)
    if _mark(*await _planned(visit, waiting.data)) != waiting.mark:
        note = visit.gettext("The directory has changed meanwhile. Nothing was done; look again.")
        return await _shown(visit, waiting.name, waiting.data, note)
    done = await import_file(visit.parts.server, request, visit.actor)
    visit.parts.imports.pop(visit.session.id)
    told = visit.gettext("Done: %(created)s new, %(changed)s changed, %(closed)s closed.")
    counts = {name: visit.number(done[name]) for name in ("created", "changed", "closed")}
    return visit.redirect("/administration/agencies", flash=told % counts)


async def _planned(visit: Visit, data: bytes) -> tuple[ImportReport, list[PlannedRow]]:
    base = visit.base
    return await preview_agencies(base.directory, base.pump, base.readers, data, now=visit.at)


def _mark(report: ImportReport, planned: list[PlannedRow]) -> str:
    return sha256(f"{report.digest} {planned}".encode()).hexdigest()


def _page(
    visit: Visit,
    *,
    name: str = "",
    report: ImportReport | None = None,
    planned: list[PlannedRow] | None = None,
    note: str = "",
) -> web.StreamResponse:
    rows = planned or []
    values: dict[str, Any] = {
        "action": visit.upload_url("/administration/import"),
        "name": name,
        "report": report,
        "problems": report.problems[:_SHOWN] if report is not None else (),
        "rows": rows[:_SHOWN],
        "more": len(rows) - _SHOWN,
        "mark": _mark(report, rows) if report is not None else "",
        "note": note,
        "what": WHAT,
        "columns": COLUMNS,
        "counts": {word: sum(each.what == word for each in rows) for word in WHAT},
        "unchanged": report.rows - len(rows) if report is not None else 0,
    }
    return visit.page("admin_import.html", **values)


_CHANGES: Final = Permission.ADMINISTER
ROUTES: Final = (
    Route("GET", "/administration/import", show, _CHANGES),
    Route("POST", "/administration/import", preview, _CHANGES, uploads=True),
    Route("POST", "/administration/import/apply", apply, _CHANGES),
)
