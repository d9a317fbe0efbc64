"""Templates: one environment per language, and what each template knows beside its own values.

Every template knows `visit`, the functions `state_name`, `urgency_name`, `type_and_subject`, `span` (of seconds),
and the filters `when` (an instant), `day`, `number`, `size` and `lasting` (a length of time), which write as the
person who asks likes it, `office` (a name, abbreviated for lists) and `browser` (of a session). Texts stand in
`_("…")` or `{% trans %}`. Everything is escaped.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import aiohttp_jinja2
from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from gateway.accounts.roles import Permission
from gateway.console import formats
from gateway.console.navigation import sections
from gateway.console.words import LANGUAGES, Language, translations
from gateway.desk.books import type_and_subject
from gateway.errors import StorageError
from gateway.reasons import REASONS
from gateway.reports import words
from gateway.said import read_said

if TYPE_CHECKING:
    from gateway.console.visit import Visit

_ENVIRONMENTS: Final[Mapping[Language, web.AppKey[Environment]]] = {
    language: web.AppKey(f"templates_{language}", Environment) for language in LANGUAGES
}
#: For whom something is being written.
_reader: ContextVar[Visit] = ContextVar("reader")


def set_up(app: web.Application) -> None:
    """Let the application's pages be made of templates."""
    for language, key in _ENVIRONMENTS.items():
        environment = aiohttp_jinja2.setup(
            app,
            app_key=key,
            default_helpers=False,
            loader=PackageLoader("gateway.console"),
            extensions=["jinja2.ext.i18n"],
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        environment.install_gettext_translations(  # type: ignore[attr-defined]  # of the extension
            translations(language), newstyle=True
        )
        environment.filters.update(when=_when, day=_day, number=_number, size=_size, lasting=_lasting)
        environment.filters.update(office=formats.office, browser=formats.browser)
        environment.globals.update(
            state_name=_state_name, urgency_name=_urgency_name, span=_span, type_and_subject=type_and_subject
        )
        environment.globals.update(Permission=Permission, REASONS=REASONS, read_said=read_said)


def rendered(visit: Visit, template: str, values: Mapping[str, Any]) -> str:
    """The template's text, for this person."""
    parts = visit.parts
    is_page = visit.signed_in is not None and not visit.is_fragment
    known = {
        "visit": visit,
        "asset": parts.assets.url,
        "sections": sections(visit),
        "outages": parts.base.outages.told(visit.at) if is_page else (),
        "flashes": (parts.flashes.pop(visit.session.id) or []) if is_page else [],
        "late_forms": _late_forms(visit) if is_page else 0,
    }
    token = _reader.set(visit)
    try:
        return aiohttp_jinja2.render_string(
            template, visit.request, {**known, **values}, app_key=_ENVIRONMENTS[visit.preferences.language]
        )
    finally:
        _reader.reset(token)


def _late_forms(visit: Visit) -> int:
    """How many forms of the person wait, for the line that leads to them."""
    try:
        return visit.parts.base.late_forms.count(visit.user.id, visit.at)
    except StorageError:
        return 0  # the page may be the one that tells of this very error


def _when(at: datetime | None, *, seconds: bool = False) -> Markup | str:
    liked = _reader.get().preferences
    return "–" if at is None else formats.instant(at, liked.language, liked.zone, seconds=seconds)


def _day(value: date | datetime | str) -> str:
    """A text is a day as the ledger writes it, or what somebody wrote instead."""
    liked = _reader.get().preferences
    if not isinstance(value, str):
        return formats.day(value, liked.language, liked.zone)
    try:
        return formats.day(date.fromisoformat(value), liked.language)
    except ValueError:
        return value or "–"


def _number(value: float) -> str:
    return formats.number(value, _reader.get().preferences.language)


def _size(count: int) -> str:
    return formats.size(count, _reader.get().preferences.language)


def _state_name(state: str) -> str:
    return words.state_name(state, _reader.get().preferences.language)


def _urgency_name(priority: int) -> str:
    return words.priority_name(str(priority), _reader.get().preferences.language)


def _span(seconds: int | None) -> str:
    return words.duration(seconds, _reader.get().preferences.language) or "–"


def _lasting(length: timedelta) -> str:
    return formats.lasting(length, _reader.get().preferences.language)
