"""The way through the console: which pages stand in the menu, in which order, and for whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gateway.accounts.roles import Permission
from gateway.console.words import N_

if TYPE_CHECKING:
    from gateway.console.visit import Visit


@dataclass(frozen=True, slots=True)
class Entry:
    """A page of the menu; it is shown to whoever may open it, and not at all while there is no such route."""

    path: str
    title: str
    #: Of `templates/icons.html`.
    icon: str
    #: Pages that belong to it under another path.
    also: tuple[str, ...] = ()


ENTRIES: Final = (
    Entry("/", N_("Overview"), "overview"),
    Entry("/desk", N_("Desk"), "desk"),
    Entry("/desk/send", N_("Send"), "send", also=("/desk/groups",)),
    Entry("/desk/registers", N_("Registers"), "book", also=("/desk/entries",)),
    Entry("/ledger", N_("Ledger"), "ledger", also=("/documents", "/acts")),
    Entry("/channels", N_("Channels"), "channels", also=("/maintenance", "/shift")),
    Entry("/offices", N_("Offices"), "map"),
    Entry("/queues", N_("Problems"), "problem"),
    Entry("/requests", N_("Requests"), "people"),
    Entry("/alerts", N_("Alerts"), "bell", also=("/alarms",)),
    Entry("/reports", N_("Reports"), "chart"),
    Entry("/audit", N_("Audit"), "seal"),
    Entry("/administration", N_("Administration"), "gear"),
)


@dataclass(frozen=True, slots=True)
class Section:
    """An entry as one person sees it."""

    entry: Entry
    is_here: bool


def sections(visit: Visit) -> list[Section]:
    """What the person may open; the longest path that fits is where the person is."""
    routes = visit.parts.pages
    if not visit.signed_in:
        return []
    shown = [entry for entry in ENTRIES if entry.path in routes and visit.may(routes[entry.path])]
    if not visit.may(Permission.VIEW):  # theirs leads to the desk
        shown = [entry for entry in shown if entry.path != "/" or len(shown) == 1]
    page = visit.request.path
    fitting = [(path, entry) for entry in shown for path in (entry.path, *entry.also) if _holds(path, page)]
    _, here = max(fitting, key=lambda each: len(each[0]), default=("", None))
    return [Section(entry, entry is here) for entry in shown]


def _holds(path: str, page: str) -> bool:
    return page == path or (path != "/" and page.startswith(f"{path}/"))
