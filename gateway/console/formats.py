"""How numbers, instants and lengths of time are written for a person, and numbers read: pure, by language and zone.

Instants are shown in Vietnam's time or UTC, as the person has chosen; the other one stands in the title of the
element.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Final, Literal

from babel.dates import format_timedelta
from babel.numbers import format_decimal
from markupsafe import Markup

from gateway.clock import VIETNAM
from gateway.console.words import LOCALES, Language

Zone = Literal["vn", "utc"]
_DAY: Final = {"vi": "%d/%m/%Y", "en": "%d %b %Y"}
_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB")
_STEP: Final = 1024
#: Digits of a number that a database holds.
_DIGITS: Final = 18
#: As Vietnamese offices write them.
_SHORT: Final = (("Ủy ban nhân dân", "UBND"), ("Ủy ban Nhân dân", "UBND"), ("Hội đồng nhân dân", "HĐND"))
#: Marks of a User-Agent; each names its forerunners, too, so the youngest come first.
_BROWSERS: Final = (
    ("coc_coc", "Cốc Cốc"),
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS: Final = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def office(name: str) -> str:
    """An office's name as offices abbreviate it themselves, for lists."""
    for whole, short in _SHORT:
        name = name.replace(whole, short)
    return name


def browser(agent: str) -> str:
    """What a browser says of itself, in two words; all of it where no word is known."""
    known = [next((name for mark, name in names if mark in agent), "") for names in (_BROWSERS, _SYSTEMS)]
    return ", ".join(filter(None, known)) if known[0] else agent


def number(value: float, language: Language) -> str:
    """1.234,5 in Vietnamese, 1,234.5 in English."""
    return format_decimal(value, locale=LOCALES[language])


def small_number(text: str) -> int:
    """A number of a form or an address; 0 for what is none."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < _DIGITS else 0


def size(count: int, language: Language) -> str:
    """A number of bytes, in the unit that suits it."""
    value, unit = float(count), 0
    while value >= _STEP and unit < len(_UNITS) - 1:
        value, unit = value / _STEP, unit + 1
    return f"{number(round(value, 1), language)} {_UNITS[unit]}"


def day(value: date | datetime, language: Language, zone: Zone = "vn") -> str:
    """29/11/2026; of an instant, the day that it falls on in the zone."""
    local = value.astimezone(_zone(zone)) if isinstance(value, datetime) else value
    return local.strftime(_DAY[language])


def instant_text(at: datetime, language: Language, zone: Zone, *, seconds: bool = False) -> str:
    """29/11/2026 18:05, with the zone's name where it is UTC."""
    clock = "%H:%M:%S" if seconds else "%H:%M"
    text = at.astimezone(_zone(zone)).strftime(f"{_DAY[language]} {clock}")
    return f"{text} UTC" if zone == "utc" else text


def instant(at: datetime, language: Language, zone: Zone, *, seconds: bool = False) -> Markup:
    """The same as an element that programs read, too."""
    other: Zone = "vn" if zone == "utc" else "utc"
    title = instant_text(at, language, other, seconds=True)
    shown = instant_text(at, language, zone, seconds=seconds)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        at.astimezone(UTC).isoformat(timespec="seconds"), title, shown
    )


def lasting(length: timedelta, language: Language) -> str:
    """3 giờ, 2 days: the largest unit alone."""
    return format_timedelta(length, threshold=1.5, granularity="second", locale=LOCALES[language])


def _zone(zone: Zone) -> timezone:
    return UTC if zone == "utc" else VIETNAM
