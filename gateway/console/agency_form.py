"""One agency by a form: a new one, or another name, other contacts. And all as the file that an import reads.

A form says what one row of such a file says, and goes the same way: the directory's rules and events are the same.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from typing import Final

from aiohttp import web

from gateway.accounts.roles import Permission
from gateway.admin.directory import ImportAgencies, import_file
from gateway.console.acts import converted
from gateway.console.agencies import one
from gateway.console.headers import saved
from gateway.console.route import Route
from gateway.console.visit import Visit
from gateway.console.words import N_
from gateway.directory.listed import listed
from gateway.directory.rows import COLUMNS, CONTACT, row_of
from gateway.errors import RefusedError
from gateway.model import Agency
from gateway.search.export import Column, csv_of

#: What an import takes for "nothing more".
_CLEARED: Final = "-"
#: Sorts of agencies that a form offers; a file may say others.
KINDS: Final = {
    "commune": N_("commune or ward"),
    "district": N_("district"),
    "department": N_("department of the province"),
    "province": N_("province"),
    "ministry": N_("ministry or central agency"),
    "agency": N_("another agency"),
}


async def add(visit: Visit) -> web.StreamResponse:
    """A new agency; one that has the code already is led to."""
    form = visit.form
    code = form.get("organ_id", "").strip()
    held = (await visit.base.directory.resolve([code], visit.at)).get(code)
    if held is not None and held.closed_at is None:
        told = visit.gettext("%(code)s is the code of this agency already. Nothing was changed.") % {"code": code}
        return visit.redirect(f"/administration/agencies/{held.id}", flash=told)
    cells = {name: form.get(name, "").strip() for name in ("organ_id", "name", "kind", "endpoint", *CONTACT)}
    if above := form.get("above", "").strip():
        cells["parent_organ_id"] = (await one(visit, above, is_open=True)).organ_id
    await _write(visit, cells)
    made = await visit.base.directory.require(code, visit.base.clock.now())
    return visit.redirect(
        f"/administration/agencies/{made.id}", flash=visit.gettext("The agency is in the directory.")
    )


async def describe(visit: Visit, agency: Agency) -> None:
    """What it is called from now on, and how people reach it; a contact that is left empty is gone."""
    form = visit.form
    contacts = {name: form.get(name, "").strip() or _CLEARED for name in CONTACT}
    await _write(visit, {"organ_id": agency.organ_id, "name": form.get("name", "").strip(), **contacts})


async def _write(visit: Visit, cells: Mapping[str, str]) -> None:
    """Bring the directory to what one row says; RefusedError names the field that cannot be taken."""
    problems = row_of(dict(cells))
    if not isinstance(problems, list):
        text = io.StringIO()
        writer = csv.DictWriter(text, fieldnames=list(cells))
        writer.writeheader()
        writer.writerow(cells)
        given = {"csv": text.getvalue(), "reason": visit.form.get("reason", "").strip()}
        done = await import_file(visit.parts.server, converted(given, ImportAgencies), visit.actor)
        told = [f"{each['column']}: {each['vi']} / {each['en']}" for each in done["problems"]]
    else:
        told = [f"{each.column}: {each.vi} / {each.en}" for each in problems]
    if told:
        raise RefusedError("parameter_invalid", "; ".join(told))


async def as_csv(visit: Visit) -> web.StreamResponse:
    """The agencies that exist, to edit and take in again."""
    columns = [Column(title=name, value=_cell(name)) for name in COLUMNS]
    pieces = [piece async for piece in csv_of(listed(visit.base.directory, visit.at), columns)]
    return web.Response(body=b"".join(pieces), content_type="text/csv", headers=saved("agencies.csv"))


def _cell(name: str) -> Callable[[dict[str, str]], str]:
    return lambda row: row.get(name, "")


ROUTES: Final = (
    Route("POST", "/administration/agencies", add, Permission.ADMINISTER),
    Route("GET", "/administration/agencies.csv", as_csv, Permission.VIEW_ADMINISTRATION, heavy="page"),
)
