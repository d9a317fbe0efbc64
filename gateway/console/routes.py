"""The table of routes: all there is of the console. A page that is not here does not exist.

Each area lists its own (`ROUTES` in its module); a line for it stands here.
"""

from __future__ import annotations

from typing import Final

from gateway.console import (
    account,
    acts,
    administration,
    agency_import,
    alarms,
    alerts,
    audit,
    calendar,
    channels,
    desk_inbox,
    desk_registers,
    desk_send,
    document,
    everywhere,
    kept,
    ledger,
    ledger_files,
    maintenance,
    office,
    offices,
    orders,
    overview,
    people,
    provider,
    queues,
    reminders,
    reports,
    requests,
    shifts,
    sign_in,
    telephoned,
    vendors,
)
from gateway.console.route import Route

ROUTES: Final[tuple[Route, ...]] = (
    *everywhere.ROUTES,
    *sign_in.ROUTES,
    *kept.ROUTES,
    *provider.ROUTES,
    *account.ROUTES,
    *overview.ROUTES,
    *acts.ROUTES,
    *requests.ROUTES,
    *orders.ROUTES,
    *queues.ROUTES,
    *reports.ROUTES,
    *ledger.ROUTES,
    *ledger_files.ROUTES,
    *document.ROUTES,
    *reminders.ROUTES,
    *channels.ROUTES,
    *maintenance.ROUTES,
    *shifts.ROUTES,
    *offices.ROUTES,
    *office.ROUTES,
    *desk_inbox.ROUTES,
    *desk_send.ROUTES,
    *desk_registers.ROUTES,
    *alarms.ROUTES,
    *telephoned.ROUTES,
    *alerts.ROUTES,
    *audit.ROUTES,
    *people.ROUTES,
    *administration.ROUTES,
    *agency_import.ROUTES,
    *calendar.ROUTES,
    *vendors.ROUTES,
)
