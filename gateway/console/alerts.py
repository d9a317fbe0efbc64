"""Alerts to offices: mails and calls about documents that wait; seen, or put off. Above them, alarms to ourselves.

What is most urgent is never muted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from aiohttp import web

from gateway.accounts.roles import Permission
from gateway.admin.alerts import AcknowledgeAlert, SnoozeAlert, acknowledge_alert, snooze_alert
from gateway.clock import instant
from gateway.console.acts import converted
from gateway.console.alarms import page_values, said_of, seen
from gateway.console.route import Route
from gateway.console.visit import Visit
from gateway.console.words import N_
from gateway.ledger.alerts import FLASH
from gateway.model import AgencyId
from gateway.reasons import REASONS

_SHOWN: Final = 200
#: State -> tone of its badge, and what it is called.
STATES: Final[Mapping[str, tuple[str, str]]] = {
    "waiting": ("wait", N_("alert waits")),
    "sending": ("busy", N_("alert on its way")),
    "sent": ("good", N_("office told")),
    "failed": ("bad", N_("could not be told")),
    "dropped": ("calm", N_("not needed any more")),
}
#: Why nobody is told any more, where that is neither a reason of the closed list nor what became of the delivery.
WHYS: Final[Mapping[str, str]] = {
    "fetched": N_("the office has taken or opened it"),
    "acknowledged": N_("somebody there knows of it"),
    "reminded": N_("a later reminder tells of it"),
    "answered": N_("it was answered"),
    "nothing_waits": N_("nothing waited"),
}
WAYS: Final[Mapping[str, str]] = {"mail": N_("mail"), "call": N_("call")}
_HOURS: Final = (1, 4, 12, 24)


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """One alert."""

    id: str
    way: str
    agency_id: AgencyId
    delivery_id: str
    #: Of a digest.
    day: str
    #: An address or a number: personal, and shown to operators alone.
    target: str
    state: str
    created_at: datetime
    due_at: datetime
    failures: int
    ended_at: datetime | None
    reason: str
    acknowledged_at: datetime | None
    message_id: str
    number: str
    notation: str
    priority: int

    @property
    def is_flash(self) -> bool:
        """Whether nobody may put it off."""
        return self.priority >= FLASH


async def show(visit: Visit) -> web.StreamResponse:
    """The newest of them."""
    newest = await visit.parts.live.newest()
    return visit.page("alerts.html", newest=newest, **await _values(visit))


async def now(visit: Visit) -> web.StreamResponse:
    """The same, for a page that is open."""
    return visit.page("alerts_part.html", **await _values(visit))


async def _values(visit: Visit) -> dict[str, Any]:
    rows = await visit.base.readers.fetch("alert_list_shown", (_SHOWN,))
    found = [_shown(row) for row in rows]
    agencies = await visit.base.directory.agencies({each.agency_id for each in found})
    return {
        "alerts": found,
        "is_cut": len(found) >= _SHOWN,
        "offices": {key: agency.name for key, agency in agencies.items()},
        "states": STATES,
        "ways": WAYS,
        "whys": WHYS,
        "reasons": REASONS,
        "hours": _HOURS,
        "may": visit.may(Permission.OPERATE),
        **await page_values(visit),
    }


def _shown(row: tuple[Any, ...]) -> Shown:
    fields = dict(zip(Shown.__dataclass_fields__, row, strict=True))
    for name in ("created_at", "due_at", "ended_at", "acknowledged_at"):
        fields[name] = None if fields[name] is None else instant(fields[name])
    return Shown(**fields)


async def acknowledge(visit: Visit) -> web.StreamResponse:
    """Nobody else is called about the same document."""
    asked = converted(said_of(visit, "alert"), AcknowledgeAlert)
    done = await acknowledge_alert(visit.parts.server, asked, visit.actor)
    return seen(visit, done, visit.gettext("Nobody else is called about it."))


async def snooze(visit: Visit) -> web.StreamResponse:
    """Put it off for some hours."""
    asked = converted(said_of(visit, "alert", _HOURS), SnoozeAlert)
    await snooze_alert(visit.parts.server, asked, visit.actor)
    return visit.redirect("/alerts", flash=visit.gettext("The alert is put off."))


ROUTES: Final = (
    Route("GET", "/alerts", show, Permission.VIEW),
    Route("GET", "/alerts/now", now, Permission.VIEW),
    Route("POST", "/alerts/{id}/acknowledge", acknowledge, Permission.OPERATE),
    Route("POST", "/alerts/{id}/snooze", snooze, Permission.OPERATE),
)
