"""Periods as the page of reports offers them: by name, one after another, and held against an earlier one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from gateway.clock import VIETNAM
from gateway.console.visit import Visit
from gateway.console.words import N_
from gateway.errors import RefusedError
from gateway.reports.desk import Wanted
from gateway.reports.periods import Against, Period, Unit, after, before, held_against, unit_of, whole

AGAINST: Final = {
    Against.BEFORE: N_("the period before"),
    Against.YEAR: N_("the same period of the year before"),
    Against.NOTHING: N_("nothing"),
}
#: What a report is held against where nothing is said: a longer one takes long enough without.
_USUAL: Final = Against.BEFORE
_USUAL_DAYS: Final = 92
#: What people ask for: the one that goes on, or the one before it.
_PRESETS: Final = (
    (N_("This week"), Unit.WEEK, False),
    (N_("This month"), Unit.MONTH, False),
    (N_("Last month"), Unit.MONTH, True),
    (N_("This quarter"), Unit.QUARTER, False),
    (N_("Last quarter"), Unit.QUARTER, True),
    (N_("This half-year"), Unit.HALF, False),
    (N_("This year"), Unit.YEAR, False),
    (N_("Last year"), Unit.YEAR, True),
)
#: What is reported to those above, closed on the 14th.
_DECREE: Final = (
    (N_("Month"), Unit.DECREE_MONTH, False),
    (N_("Quarter"), Unit.DECREE_QUARTER, False),
    (N_("Half-year"), Unit.DECREE_HALF, False),
    (N_("Year"), Unit.DECREE_YEAR, False),
)
_ROMAN: Final = ("I", "II", "III", "IV")
_QUARTER, _JUNE = 3, 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Chosen:
    """What somebody asked for."""

    wanted: Wanted
    against: Against
    #: As somebody chose it; None: nobody did.
    said: Against | None
    #: The page's address, and the workbook's.
    here: str
    book: str


def chosen(visit: Visit) -> Chosen:
    """By the address: this month, where it says nothing."""
    query, today = visit.request.query, _today(visit)
    month = whole(Unit.MONTH, today)
    first, last = _day(query.get("from", ""), "from"), _day(query.get("to", ""), "to")
    period = Period(first=first or min(last or today, month.first), last=last or max(first or today, month.last))
    text = query.get("with", "")
    if text and text not in set(Against):
        raise RefusedError("parameter_invalid", f"with: one of {', '.join(Against)}")
    said = Against(text) if text else None
    against = said or (_USUAL if period.days <= _USUAL_DAYS else Against.NOTHING)
    return Chosen(
        wanted=Wanted(period=period, against=held_against(period, against, today)),
        against=against,
        said=said,
        here=_address(visit, "/reports", period, said),
        book=_address(visit, "/reports/report.xlsx", period, said),
    )


def offered(visit: Visit, asked: Chosen) -> dict[str, Any]:
    """What the form beside it offers."""
    today, period = _today(visit), asked.wanted.period

    def address(span: Period) -> str:
        return _address(visit, "/reports", span, asked.said)

    def linked(presets: tuple[tuple[str, Unit, bool], ...]) -> list[tuple[str, str]]:
        spans = [(name, whole(unit, today), is_before) for name, unit, is_before in presets]
        return [(name, address(before(span) if is_before else span)) for name, span, is_before in spans]

    return {
        "period": period,
        "against": asked.against,
        "ways": AGAINST,
        "presets": linked(_PRESETS),
        "decree": linked(_DECREE),
        "named": named(visit, period),
        "goes_on": period.first <= today < period.last,
        "earlier": address(before(period)),
        "later": address(after(period)) if period.last < today else "",
    }


def named(visit: Visit, period: Period) -> str:
    """What people call it; "" where it is days of no name."""
    _, unit = visit.gettext, unit_of(period)
    if unit is None:
        return ""
    last = whole(unit, period.first).last
    iso = last.isocalendar()
    numbers = {
        "year": iso.year if unit is Unit.WEEK else last.year,
        "week": iso.week,
        "month": last.month,
        "quarter": _ROMAN[(last.month - 1) // _QUARTER],
    }
    texts = {
        Unit.WEEK: _("Week %(week)s of %(year)s"),
        Unit.MONTH: _("Month %(month)s/%(year)s"),
        Unit.QUARTER: _("Quarter %(quarter)s of %(year)s"),
        Unit.HALF: _("First half of %(year)s") if last.month <= _JUNE else _("Second half of %(year)s"),
        Unit.YEAR: _("Year %(year)s"),
    }
    text = texts[Unit(unit.removeprefix("decree_"))] % numbers
    return _("%(period)s, closed on the 14th") % {"period": text} if unit.startswith("decree") else text


def _today(visit: Visit) -> date:
    return visit.at.astimezone(VIETNAM).date()


def _address(visit: Visit, path: str, period: Period, said: Against | None) -> str:
    days = {"from": period.first.isoformat(), "to": period.last.isoformat()}
    return visit.address(path, **days, **({"with": str(said)} if said else {}))


def _day(text: str, name: str) -> date | None:
    if not text:
        return None
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise RefusedError("parameter_invalid", f"{name}: not a day such as 2026-11-29") from None
    if not date(1990, 1, 1) <= found <= date(2200, 1, 1):
        raise RefusedError("parameter_invalid", f"{name}: not a day such as 2026-11-29")
    return found
