"""The ledger: lines that fit a filter of the address, with columns to choose, and views to keep.

A page shows the lines that it was asked for and goes on showing those: what comes meanwhile is told as a number
("12 new") and shown when somebody asks for it; the states of the lines shown change in their places.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import parse_qsl, urlencode

from aiohttp import web

from gateway.accounts.roles import Permission
from gateway.console.agencies import channel_names, known, meant, names_of, told_apart
from gateway.console.ledger_columns import TITLES, USUAL, Row, Words, chosen, named
from gateway.console.looks import looked_up
from gateway.console.route import Route
from gateway.console.visit import Visit
from gateway.directory.fold import fold
from gateway.edxml.codes import DOCUMENT_TYPES, PRIORITIES, STATUS_CODES
from gateway.errors import RefusedError
from gateway.ledger.inquiries import LookupAct
from gateway.ledger.saved_views import (
    ForgetView,
    ForgetViewOperation,
    KeepView,
    KeepViewOperation,
    SavedView,
    saved_views,
)
from gateway.model import Agency
from gateway.search.filter import FIELDS, Filter, parse
from gateway.search.lines import Line, Search
from gateway.states import State

_PAGE: Final = 50
_PLACES: Final = ("before", "after", "order")
#: The other order of lines is the newest first, which an address does not name.
_OLDEST: Final = "oldest"
_NAMES: Final = ("sender_name", "recipient_name")
_MOST_DIGITS: Final = 18
#: `125`, `125/UBND-VP`, `125 / 2026 / QĐ-UBND`; not `15 tháng 3/2026`. What separates the parts is in none of them:
#: a text that could be taken apart in many ways would hold up the whole process.
_NUMBER: Final = re.compile(r"\d+( ?[/-] ?[^\s/-]+)*")
#: Offices that are offered.
_OFFICES: Final = 5
#: Lines whose states one page asks for again.
_SHOWN: Final = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What an address asks for."""

    filter: Filter
    columns: tuple[str, ...]
    before: int | None = None
    after: int | None = None
    #: Whether the oldest lines come first.
    is_oldest: bool = False

    @property
    def is_first(self) -> bool:
        """Whether it is the first page."""
        return self.before is None and self.after is None

    @property
    def turned(self) -> str:
        """The same in the other order, from its beginning."""
        return replace(self, is_oldest=not self.is_oldest).address()

    def address(self, path: str = "/ledger", **place: int | str | None) -> str:
        """The same filter and columns, at another place."""
        pairs = self.filter.pairs
        if self.columns != USUAL:
            pairs = [*pairs, ("columns", ",".join(self.columns))]
        if self.is_oldest and path == "/ledger":
            pairs = [*pairs, ("order", _OLDEST)]
        pairs = [*pairs, *((name, str(value)) for name, value in place.items() if value is not None)]
        return f"{path}?{urlencode(pairs)}" if pairs else path


async def show(visit: Visit) -> web.StreamResponse:
    """The page."""
    query = visit.request.query
    if "q" in query:
        return visit.redirect(_quick(query["q"]))
    if any(name in query for name in _NAMES):
        return visit.redirect((await _named(visit)).address())
    asked = asked_of(visit)
    search, newest = Search(visit.base.readers), await visit.parts.live.newest()
    after = 0 if asked.is_oldest and asked.is_first else asked.after
    page = await search.page(asked.filter, visit.scope, limit=_PAGE, before=asked.before, after=after)
    lines = page.lines[::-1] if asked.is_oldest else page.lines
    agencies = await known(visit, (*asked.filter.sender, *asked.filter.recipient))
    is_newest = asked.is_first and not asked.is_oldest
    if asked.filter.address and visit.may(Permission.AUDIT):
        await looked_up(visit, LookupAct.SEARCHED, asked.filter.address, len(page.lines))
    return visit.page(
        "ledger.html",
        newest=newest,
        asked=asked,
        page=page,
        rows=await rows_of(visit, lines),
        is_newest=is_newest,
        top=max((line.seq for line in page.lines), default=0) if is_newest else None,
        shown=",".join(str(line.seq) for line in page.lines),
        offices=await _offices(visit, asked),
        senders=names_of(agencies, asked.filter.sender),
        recipients=names_of(agencies, asked.filter.recipient),
        views=await saved_views(visit.base.readers, visit.user.id),
        channels=(await channel_names(visit.base.directory)).values(),
        titles=TITLES,
        states=[str(each) for each in State],
        statuses=STATUS_CODES,
        priorities=PRIORITIES,
        types={fold(each.name): each.name for each in DOCUMENT_TYPES.values()},
        words=Words(visit),
    )


async def count(visit: Visit) -> web.StreamResponse:
    """How many lines fit, as a part of the page."""
    asked = asked_of(visit)
    found = await Search(visit.base.readers).count(asked.filter, visit.scope)
    return visit.page("ledger_count.html", found=found)


async def news(visit: Visit) -> web.StreamResponse:
    """How many have come since the page was made."""
    asked = asked_of(visit)
    found = await Search(visit.base.readers).count(asked.filter, visit.scope, above=asked.after or 0, most=99)
    return visit.page("ledger_news.html", found=found, asked=asked)


async def again(visit: Visit) -> web.StreamResponse:
    """The lines that a page shows, as they are now."""
    columns = chosen(visit.request.query.getall("columns", []))
    parts = visit.request.query.get("lines", "").split(",")[:_SHOWN]
    seqs = [int(part) for part in parts if part.isascii() and part.isdigit() and len(part) <= _MOST_DIGITS]
    lines = await Search(visit.base.readers).shown(seqs, visit.scope)
    if _is_oldest(visit.request.query.get("order", "")):
        lines.reverse()
    return visit.page("ledger_rows.html", rows=await rows_of(visit, lines), columns=columns, words=Words(visit))


async def keep_view(visit: Visit) -> web.StreamResponse:
    """Keep the filter under a name, for oneself."""
    kept = parse(_pairs(visit.form.get("filter", "")))
    columns = chosen([visit.form.get("columns", "")])
    asked = Asked(filter=kept, columns=columns, is_oldest=_is_oldest(visit.form.get("order", "")))
    pairs = [*kept.pairs, ("order", _OLDEST)] if asked.is_oldest else kept.pairs
    view = SavedView(name=visit.form.get("name", ""), filter=urlencode(pairs), columns=columns)
    await visit.base.pump.submit(KeepViewOperation(), KeepView(owner=visit.user.id, view=view, now=visit.at))
    return visit.redirect(asked.address(), flash=visit.gettext("The view is kept."))


async def forget_view(visit: Visit) -> web.StreamResponse:
    """A view of one's own goes."""
    ask = ForgetView(owner=visit.user.id, name=visit.form.get("name", ""))
    await visit.base.pump.submit(ForgetViewOperation(), ask)
    return visit.redirect("/ledger", flash=visit.gettext("The view is gone."))


def asked_of(visit: Visit) -> Asked:
    """What the address of a request asks for."""
    query = visit.request.query
    pairs = [(name, value) for name, value in query.items() if name not in (*_PLACES, "columns")]
    return Asked(
        filter=parse(pairs),
        columns=chosen(query.getall("columns", [])),
        before=_place(query.get("before", "")),
        after=_place(query.get("after", "")),
        is_oldest=_is_oldest(query.get("order", "")),
    )


async def _named(visit: Visit) -> Asked:
    """The filter of a form, in which agencies are named as people do."""
    query = visit.request.query
    kept = [(name, value) for name, value in query.items() if name not in (*_PLACES, *_NAMES, "columns")]
    found = parse(kept)
    senders, recipients = query.get("sender_name", "").strip(), query.get("recipient_name", "").strip()
    found = replace(
        found,
        sender=await meant(visit, senders) if senders else (),
        recipient=await meant(visit, recipients) if recipients else (),
    )
    return Asked(
        filter=found,
        columns=chosen(query.getall("columns", [])),
        is_oldest=_is_oldest(query.get("order", "")),
    )


def _quick(text: str) -> str:
    """What the search of the bar leads to: a number, or words."""
    plain = " ".join(text.split())[:200]
    if not plain:
        return "/ledger"
    is_number = _NUMBER.fullmatch(plain) is not None
    return Asked(filter=parse([("code" if is_number else "text", plain)]), columns=USUAL).address()


def _place(value: str) -> int | None:
    if not value:
        return None
    if not (value.isascii() and value.isdigit() and len(value) <= _MOST_DIGITS):
        raise RefusedError("parameter_invalid", "before, after: not a place in the ledger")
    return int(value)


def _is_oldest(value: str) -> bool:
    if value not in {"", _OLDEST}:
        raise RefusedError("parameter_invalid", f"order: {value[:80]} is not {_OLDEST}")
    return value == _OLDEST


def _pairs(address: str) -> list[tuple[str, str]]:
    return [(name, value) for name, value in parse_qsl(address, max_num_fields=100) if name in FIELDS]


async def _offices(visit: Visit, asked: Asked) -> Sequence[Agency]:
    """Those that the words may mean: the search of the bar is for offices, too."""
    if not (asked.filter.text and asked.is_first):
        return ()
    return await visit.base.directory.search(asked.filter.text, limit=_OFFICES)


async def rows_of(visit: Visit, lines: Sequence[Line]) -> list[Row]:
    """Lines with the names of their agencies and channels."""
    agencies = await known(visit, {key for line in lines for key in (line.sender_id, line.recipient_id)})
    return named(lines, await told_apart(visit, agencies), await channel_names(visit.base.directory))


ROUTES: Final = (
    Route("GET", "/ledger", show, Permission.VIEW_OWN, heavy="page"),
    Route("GET", "/ledger/count", count, Permission.VIEW_OWN, heavy="page"),
    Route("GET", "/ledger/news", news, Permission.VIEW_OWN),
    Route("GET", "/ledger/lines", again, Permission.VIEW_OWN),
    Route("POST", "/ledger/views", keep_view, Permission.SELF),
    Route("POST", "/ledger/views/forget", forget_view, Permission.SELF),
)
