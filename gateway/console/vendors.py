"""The page for vendors: what a system asked of late, the offices for tests, and conformance runs.

A run has a sandbox of its own beside this installation (`gateway.admin.conformance_runs`). Who may administer
starts and ends it and sees its secrets; auditors see how it goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from aiohttp import web

from gateway.accounts.roles import Permission
from gateway.admin.conformance_runs import BeginRun
from gateway.console.acts import converted
from gateway.console.agencies import one
from gateway.console.headers import saved
from gateway.console.route import Route
from gateway.console.visit import Visit
from gateway.console.words import N_
from gateway.errors import RefusedError
from gateway.model import Agency, AgencyId
from gateway.reasons import REASONS

_PAGE: Final = 50
GRADES: Final = {
    "passed": ("good", N_("passed")),
    "failed": ("bad", N_("failed")),
    "skipped": ("calm", N_("not done")),
}
_PATH: Final = "/administration/vendors"


async def show(visit: Visit) -> web.StreamResponse:
    """The connection inspector, the offices for tests, the run."""
    code, base = visit.request.query.get("office", "").strip(), visit.base
    found = await one(visit, code) if code else None
    return visit.page(
        "admin_vendors.html",
        office=found,
        code=code,
        exchanges=visit.parts.server.inspection.last(found.id) if found else [],
        offices=await _offices(visit),
        reasons=REASONS,
        host=urlsplit(base.settings.server.public_url).hostname or "localhost",
        **_run(visit),
    )


async def progress(visit: Visit) -> web.StreamResponse:
    """How the run goes, for a page that is open."""
    return visit.page("admin_run.html", **_run(visit))


def _run(visit: Visit) -> dict[str, Any]:
    run = visit.parts.conformance.last
    return {
        "run": run,
        "steps": run.steps if run is not None else [],
        "access": run.access if run is not None and visit.may(Permission.ADMINISTER) else {},
        "grades": GRADES,
    }


async def begin(visit: Visit) -> web.StreamResponse:
    """Start a run for an office."""
    form, hours = visit.form, visit.form.get("hours", "")
    given: dict[str, object] = {name: form.get(name, "").strip() for name in ("binding", "receiver", "reason")}
    given["organ_id"] = (await one(visit, form.get("organ_id", ""), is_open=True)).organ_id
    given |= {"host": form.get("host", "").strip() or "localhost"}
    given |= {"networks": form.get("networks", "").replace(",", " ").split()}
    given |= {"hours": int(hours)} if hours.isascii() and hours.isdigit() and len(hours) < 3 else {}  # noqa: PLR2004
    await visit.parts.conformance.begin(visit.base, converted(given, BeginRun), visit.actor)
    return visit.redirect(f"{_PATH}#run", flash=visit.gettext("The sandbox is being laid out."))


async def end(visit: Visit) -> web.StreamResponse:
    """End it before its time."""
    await visit.parts.conformance.stop(visit.actor)
    return visit.redirect(f"{_PATH}#run", flash=visit.gettext("The run has ended."))


async def report(visit: Visit) -> web.StreamResponse:
    """The report for the vendor, as a file."""
    run = visit.parts.conformance.last
    content = run.report if run is not None and run.ended_at is not None else b""
    if run is None or not content:
        raise RefusedError("not_found")
    name = f"conformance-{run.office.organ_id}-{run.began_at:%Y%m%d}.html"
    return web.Response(body=content, content_type="text/html", charset="utf-8", headers=saved(name))


async def _offices(visit: Visit) -> Sequence[Agency]:
    """Those that are for tests."""
    rows = await visit.base.readers.fetch("agency_list_sandbox", (_PAGE,))
    ids = [AgencyId(row[0]) for row in rows]
    found = await visit.base.directory.agencies(ids)
    return [found[key] for key in ids if key in found]


_SEES, _CHANGES = Permission.VIEW_ADMINISTRATION, Permission.ADMINISTER
ROUTES: Final = (
    Route("GET", _PATH, show, _SEES),
    Route("GET", f"{_PATH}/progress", progress, _SEES),
    Route("POST", f"{_PATH}/run", begin, _CHANGES),
    Route("POST", f"{_PATH}/run/end", end, _CHANGES),
    Route("GET", f"{_PATH}/file", report, _SEES),
)
