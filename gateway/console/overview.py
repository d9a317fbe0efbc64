"""The overview: what needs a person now, and how the exchange goes. Its middle is fetched anew as events happen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aiohttp import web
from markupsafe import Markup

from gateway.accounts.roles import Permission, Role
from gateway.console.outlook import Outlook
from gateway.console.route import Route
from gateway.console.visit import Visit

#: Channels that are shown when all is well with them.
_CHANNELS: Final = 8
#: Of the diagram, in units of its own.
_HEIGHT, _STEP, _BAR, _FOOT = 80, 20, 8, 14
_EVERY: Final = 3


async def show(visit: Visit) -> web.StreamResponse:
    """The page; a clerk's first page is the desk, where there is one."""
    if not visit.may(Permission.VIEW):
        if visit.user.role is Role.CLERK and "/desk" in visit.parts.pages:
            return visit.redirect("/desk")
        return visit.page("welcome.html")
    return _answer(visit, "overview.html", await visit.parts.outlooks.recent())


async def show_now(visit: Visit) -> web.StreamResponse:
    """The middle of the page."""
    return _answer(visit, "overview_now.html", await visit.parts.outlooks.now())


async def show_overdue(visit: Visit) -> web.StreamResponse:
    """Answers past their due date; apart, since they take longer to find."""
    figures = await visit.parts.outlooks.overdue()
    return visit.page("overview_overdue.html", due=figures.due)


def _answer(visit: Visit, template: str, outlook: Outlook) -> web.Response:
    shown = [each for each in outlook.channels if not each.is_calm]
    calm = [each for each in outlook.channels if each.is_calm]
    return visit.page(
        template,
        outlook=outlook,
        channels=[*shown, *calm[: max(_CHANNELS - len(shown), 0)]],
        hours=_diagram(outlook.today, outlook.then, visit.gettext("Documents by the hour, today and a week ago")),
        newest=outlook.newest,
    )


def _diagram(today: Sequence[int], then: Sequence[int], title: str) -> Markup:
    """Two bars for each hour; the figures stand beside it in words."""
    most = max(*today, *then, 1)
    bars = []
    for hour, (now, before) in enumerate(zip(today, then, strict=True)):
        for place, (count, kind) in enumerate(((before, "then"), (now, "now"))):
            height = count * _HEIGHT / most
            bars.append(
                f'<rect class="{kind}" x="{hour * _STEP + place * _BAR + 1}" y="{_HEIGHT - height:.1f}" '
                f'width="{_BAR}" height="{height:.1f}"><title>{hour}:00 – {count}</title></rect>'
            )
        if hour % _EVERY == 0:
            bars.append(f'<text x="{hour * _STEP}" y="{_HEIGHT + _FOOT - 2}">{hour}</text>')
    head = Markup('<svg class="bars" viewBox="0 0 {} {}" role="img" aria-label="{}">').format(
        len(today) * _STEP, _HEIGHT + _FOOT, title
    )
    return head + Markup("".join(bars)) + Markup("</svg>")  # noqa: S704 - numbers of ours alone


ROUTES: Final = (
    Route("GET", "/", show, Permission.SELF),
    Route("GET", "/overview/now", show_now, Permission.VIEW),
    Route("GET", "/overview/overdue", show_overdue, Permission.VIEW),
)
