"""Planned maintenance: what is announced for a channel or the whole gateway; announce, and call off.

What is announced stands at the top of every page from a day before, with the reason, and in the answers of REST
without it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from aiohttp import web

from gateway.accounts.roles import Permission
from gateway.admin.outages import AnnounceOutage, EndOutage, announce_outage, end_outage
from gateway.clock import VIETNAM, rfc3339
from gateway.console.acts import converted
from gateway.console.agencies import channel_names
from gateway.console.instants import instant_given
from gateway.console.route import Route
from gateway.console.visit import Visit

_FORM: Final = "%Y-%m-%dT%H:%M"


async def show(visit: Visit) -> web.StreamResponse:
    """The page."""
    known = visit.base.outages.known(visit.at)
    local = visit.at.astimezone(VIETNAM)
    return visit.page(
        "maintenance.html",
        known=known,
        people=await visit.names({each.by for each in known}),
        channels=(await channel_names(visit.base.directory)).values(),
        channel=visit.request.query.get("channel", "")[:64],
        starts=local.strftime(_FORM),
        ends=(local + timedelta(hours=2)).strftime(_FORM),
        may=visit.may(Permission.OPERATE),
    )


async def announce(visit: Visit) -> web.StreamResponse:
    """From when until when, and why."""
    request = {
        "channel": visit.form.get("channel", ""),
        "starts_at": rfc3339(instant_given(visit.form.get("starts", ""))),
        "ends_at": rfc3339(instant_given(visit.form.get("ends", ""))),
        "reason": visit.form.get("reason", ""),
    }
    await announce_outage(visit.parts.server, converted(request, AnnounceOutage), visit.actor)
    return visit.redirect("/maintenance", flash=visit.gettext("It is announced."))


async def end(visit: Visit) -> web.StreamResponse:
    """It does not come, or is over."""
    request = {"outage": visit.request.match_info["id"], "reason": visit.form.get("reason", "")}
    await end_outage(visit.parts.server, converted(request, EndOutage), visit.actor)
    return visit.redirect("/maintenance", flash=visit.gettext("It is announced no longer."))


ROUTES: Final = (
    Route("GET", "/maintenance", show, Permission.VIEW),
    Route("POST", "/maintenance", announce, Permission.OPERATE),
    Route("POST", "/maintenance/{id}/end", end, Permission.OPERATE),
)
