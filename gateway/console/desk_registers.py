"""The registers of a clerk's offices: lines of some days, what is written beside them, and the files to print."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Final

from aiohttp import web

from gateway.accounts.roles import Permission
from gateway.console.desk_parts import (
    beside_of,
    chosen_office,
    clerk_of,
    day_text,
    desk_of,
    file_response,
    today,
)
from gateway.console.headers import saved
from gateway.console.looks import looked_at_desk, looked_up
from gateway.console.route import Route
from gateway.console.signed import signed_of
from gateway.console.visit import Visit
from gateway.desk.books import printed, workbook
from gateway.errors import RefusedError
from gateway.ledger.desk import Span
from gateway.ledger.entries import Direction
from gateway.ledger.inquiries import LookupAct
from gateway.model import Agency, DeliveryView

_PAGE: Final = 100
_FILES: Final = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
}


async def show(visit: Visit) -> web.StreamResponse:
    """The newest lines of one register."""
    offices = await _kept_by(visit)
    if not offices:
        raise RefusedError("not_found")
    span = _span(visit, offices)
    entries = await desk_of(visit).reads.entries(span)
    return visit.page(
        "desk_registers.html",
        offices=offices,
        span=span,
        entries=entries[:_PAGE],
        before=entries[_PAGE - 1].id if len(entries) > _PAGE else "",
        actors=await visit.names(entry.actor for entry in entries),
        newest=await visit.parts.live.newest(),
    )


async def _kept_by(visit: Visit) -> list[Agency]:
    """Whose registers the clerk reads: own offices first, then those that they have succeeded."""
    clerk = await clerk_of(visit)
    found = await visit.base.directory.agencies(clerk.reach)
    return sorted(found.values(), key=lambda agency: (agency.id not in clerk.offices, agency.name))


def _span(visit: Visit, offices: list[Agency]) -> Span:
    query = dict(visit.request.query)
    direction: Direction = "out" if query.get("direction") == "out" else "in"
    now = today(visit)
    first, last = day_text(query, "first"), day_text(query, "last")
    return Span(
        office_id=chosen_office(offices, query.get("office", "")),
        direction=direction,
        first=date.fromisoformat(first) if first else date(now.year, 1, 1),
        last=date.fromisoformat(last) if last else now,
        before=query.get("before", "")[:64],
        limit=_PAGE + 1,
    )


async def download(visit: Visit) -> web.StreamResponse:
    """The register as a workbook or to print."""
    kind = visit.request.match_info["kind"]
    if kind not in _FILES:
        raise RefusedError("not_found")
    offices = await _kept_by(visit)
    span = _span(visit, offices)
    office = next(agency for agency in offices if agency.id == span.office_id)
    parents = await visit.base.directory.agencies([office.parent_id] if office.parent_id else [])
    above = "".join(parent.name for parent in parents.values())
    book = await desk_of(visit).books.book(
        office.id, office.name, span.direction, span.first, span.last, above=above
    )
    question = f"register {span.direction} {office.organ_id} {span.first} - {span.last}"
    await looked_up(visit, LookupAct.TAKEN, question, len(book.entries))
    made = await (
        asyncio.to_thread(workbook, book) if kind == "xlsx" else asyncio.to_thread(printed, book, visit.at)
    )
    file = f"so-{'den' if span.direction == 'in' else 'di'}-{span.first}-{span.last}.{kind}"
    return web.Response(body=made, content_type=_FILES[kind], headers=saved(file))


async def amend(visit: Visit) -> web.StreamResponse:
    """What is written beside a line."""
    fields = {name: str(value) for name, value in visit.form.items()}
    entry = await desk_of(visit).registering.amend(
        await clerk_of(visit), visit.request.match_info["id"], beside_of(fields)
    )
    flash = visit.gettext("Line %(number)s is changed.") % {"number": entry.number}
    return visit.redirect(f"/desk/entries/{entry.id}", flash=flash)


async def void(visit: Visit) -> web.StreamResponse:
    """Strike a line out."""
    entry = await desk_of(visit).registering.void(
        await clerk_of(visit), visit.request.match_info["id"], visit.form.get("reason", "")
    )
    flash = visit.gettext("Line %(number)s is struck out.") % {"number": entry.number}
    return visit.redirect(f"/desk/entries/{entry.id}", flash=flash)


async def show_entry(visit: Visit) -> web.StreamResponse:
    """One line with what may be done to it."""
    clerk = await clerk_of(visit)
    entry = await desk_of(visit).registering.entry(clerk, visit.request.match_info["id"])
    lines: list[DeliveryView] = []
    if entry.direction == "out" and entry.message_id:
        lines = await visit.parts.server.gateway.outbox.deliveries(
            clerk.for_office(entry.office_id), entry.message_id
        )
    agencies = await visit.base.directory.agencies([line.recipient_id for line in lines])
    verdict = await visit.base.reads.verdict(entry.message_id) if entry.message_id else None
    return visit.page(
        "desk_entry.html",
        entry=entry,
        signed=await signed_of(visit, entry.message_id, verdict) if entry.message_id else None,
        may_change=entry.office_id in clerk.offices,
        actors=await visit.names([entry.actor]),
        receivers=await desk_of(visit).reads.receivers(entry.office_id) if entry.direction == "in" else (),
        lines=[(line, agencies[line.recipient_id].name) for line in lines if line.recipient_id in agencies],
    )


async def show_file(visit: Visit) -> web.StreamResponse:
    """A scan, or a file of a draft."""
    file, body = await desk_of(visit).papers.open(await clerk_of(visit), visit.request.match_info["id"])
    await looked_at_desk(visit, "desk file", file.id, file.office_id)
    return await file_response(visit, body.file, body.size, file.name, file.content_type)


ROUTES: Final = (
    Route("GET", "/desk/registers", show, Permission.DESK),
    Route("GET", "/desk/registers/file/{kind}", download, Permission.DESK, heavy="print"),
    Route("GET", "/desk/entries/{id}", show_entry, Permission.DESK),
    Route("POST", "/desk/entries/{id}/amend", amend, Permission.DESK),
    Route("POST", "/desk/entries/{id}/void", void, Permission.DESK),
    Route("GET", "/desk/files/{id}", show_file, Permission.DESK),
)
