"""What a handler is given: who asks, in which language, with which form; and how a page is answered.

The gate (`gate.py`) has looked at session, permission, origin and token before. A handler asks besides whether the
very thing may be seen: `visit.scope` is None for whoever sees all, else the offices of a clerk, and what lies
outside of them is `not_found`, as if it were not there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from multidict import MultiDict, MultiDictProxy

from gateway.accounts.roles import Permission, Role
from gateway.accounts.sign_in import Session
from gateway.accounts.users import User
from gateway.console import formats
from gateway.console.headers import SECURITY, page_policy
from gateway.console.parts import ConsoleParts, Flash
from gateway.console.preferences import Preferences
from gateway.console.rendering import rendered
from gateway.console.route import Route
from gateway.console.words import translations
from gateway.errors import RefusedError
from gateway.foundation import Foundation
from gateway.model import AgencyId

#: The field and the header field that bear a form's token.
TOKEN_FIELD, TOKEN_HEADER = "form-token", "X-Form-Token"
#: The field by which a form that was kept says which it is; what pages send of themselves.
KEPT_FIELD = "kept-form"
#: The header field of what is only to be kept, and not done: a page that goes away sends it.
KEEP_HEADER = "X-Keep"


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedIn:
    """Who it is, and by which session."""

    user: User
    session: Session
    offices: frozenset[AgencyId]


@dataclass(kw_only=True, slots=True)
class Visit:
    """One request, let in."""

    request: web.Request
    parts: ConsoleParts
    at: datetime
    trace_id: str
    preferences: Preferences
    nonce: str
    #: What the browser holds: its session's id, or a stranger's; forms' tokens are made of it.
    held: str
    route: Route | None = None
    signed_in: SignedIn | None = None
    #: The fields of a form, without files.
    form: MultiDictProxy[str] = field(default_factory=lambda: MultiDictProxy(MultiDict()))
    #: Where somebody comes back to who asks for this address later: itself, or the page that a form was on.
    page_path: str = "/"

    @property
    def base(self) -> Foundation:
        """The data folder: readers, pump, directory, clock."""
        return self.parts.base

    @property
    def user(self) -> User:
        """Who asks."""
        return self._signed_in().user

    @property
    def session(self) -> Session:
        """By which session."""
        return self._signed_in().session

    @property
    def offices(self) -> frozenset[AgencyId]:
        """For whom a clerk acts."""
        return self._signed_in().offices

    @property
    def actor(self) -> str:
        """Who acts, as events name it."""
        return self.user.actor

    @property
    def scope(self) -> frozenset[AgencyId] | None:
        """Whose documents may be seen; None: everybody's."""
        return self.offices if self.user.role is Role.CLERK else None

    @property
    def is_fragment(self) -> bool:
        """Whether a part of a page is asked for, by htmx."""
        return self.request.headers.get("HX-Request") == "true"

    @property
    def token(self) -> str:
        """What forms of this browser bear."""
        return form_token(self.held)

    @property
    def path(self) -> str:
        """The address of this page, with its query."""
        return self.request.path_qs

    def may(self, permission: Permission) -> bool:
        """Whether the person may."""
        if self.signed_in is None:
            return permission is Permission.OPEN
        return self.user.may(permission)

    def require(self, permission: Permission) -> None:
        """RefusedError `not_permitted` when not."""
        if not self.may(permission):
            raise RefusedError("not_permitted")

    async def is_still_signed_in(self) -> bool:
        """Whether the session counts yet, for what lasts longer than a request; this is no use of it."""
        base = self.base
        session = await base.sign_in.find(self.held)
        user = await base.users.get(self.user.id)
        is_open = session is not None and session.is_open(base.clock.now(), base.settings.console.idle)
        return is_open and user is not None and user.disabled_at is None

    async def reach(self) -> frozenset[AgencyId] | None:
        """Whose documents the person sees by now, for what lasts longer than a request; None: everybody's.

        A clerk's: those of the own offices, and of the closed ones that these have succeeded.
        """
        if self.scope is None:
            return None
        offices, now = await self.base.users.offices(self.user.id), self.base.clock.now()
        return offices.union(*[await self.base.directory.predecessors_of(office, now) for office in offices])

    def gettext(self, text: str) -> str:
        """In the person's language."""
        return str(translations(self.preferences.language).gettext(text))

    def ngettext(self, one: str, many: str, count: int) -> str:
        """Likewise, of a number of things."""
        return str(translations(self.preferences.language).ngettext(one, many, count))

    def number(self, value: float) -> str:
        """As the person writes it."""
        return formats.number(value, self.preferences.language)

    def instant(self, at: datetime) -> str:
        """Likewise, in the zone that was chosen."""
        return formats.instant_text(at, self.preferences.language, self.preferences.zone)

    def of(self, words: Any) -> str:
        """The text of something that has `vi` and `en`: a reason, the kind of a finding."""
        return str(words.vi if self.preferences.language == "vi" else words.en)

    def flash(self, text: str, kind: str = "done") -> None:
        """Say it at the top of the next page: done, note or wrong."""
        kept = self.parts.flashes.get(self.session.id) or []
        self.parts.flashes.put(self.session.id, [*kept, Flash(text=text, kind=kind)][-10:])

    def page(self, template: str, *, status: int = 200, **values: Any) -> web.Response:
        """A page, or a part of one, made of a template."""
        response = web.Response(
            text=rendered(self, template, values), status=status, content_type="text/html", headers=SECURITY
        )
        response.headers["Content-Security-Policy"] = page_policy(self.nonce)
        return response

    def redirect(self, path: str, *, flash: str = "") -> web.Response:
        """Go on to a page of ours."""
        if flash:
            self.flash(flash)
        return web.Response(status=303, headers={**SECURITY, "Location": path})

    def address(self, path: str, **query: str) -> str:
        """A path with its query."""
        return f"{path}?{urlencode(query)}" if query else path

    def upload_url(self, path: str) -> str:
        """The address for a form with files, of a route with `uploads`."""
        return self.address(path, **{TOKEN_FIELD: self.token})

    async def names(self, actors: Iterable[str]) -> Mapping[str, str]:
        """What people call users among the actors of events."""
        return await self.base.users.names(actors)

    def _signed_in(self) -> SignedIn:
        assert self.signed_in is not None, "this route is open to strangers"
        return self.signed_in


def form_token(held: str) -> str:
    """Nobody can make it who does not hold what the browser holds, and it tells nothing of that."""
    return sha256(f"form:{held}".encode()).hexdigest()
