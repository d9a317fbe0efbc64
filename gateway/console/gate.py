"""What happens to every request of the console, in this order; one middleware, so nothing gets past it.

1. the session: open, of somebody who is not disabled; its use is written down. Scripts, styles and icons are given
   to everybody before that, without the steps that follow.
2. how often: a person asks for so many pages and sends so many forms in a time, a program with a person's session
   no more, and a stranger asks for so much from a browser or an address. All counts, what is not there and what is
   only sent elsewhere, too. One too many is answered late, so that whoever asks again at once asks seldom.
3. whether it is for them: a stranger is asked to sign in, but where a page is open to everybody. A form that comes
   after its session has ended is kept for its person and comes back after signing in, beside others; where no room
   is left for it, that is said at once (`form_not_kept`). Of one with files the page comes back, where the browser
   has what was typed, and says that the files are to be chosen again (`late_pages`). What a page asks for by
   itself leads nowhere: somebody may be filling in a form on it. No such path, or no such method: only who is
   signed in is told so. Whoever must choose a password or set a second factor first is sent there. Then the
   permission of the route; what has none is let in nowhere (`Route` has no default).
4. of all but GET: it comes from a page of ours (Sec-Fetch-Site, Origin), and the form bears its token; one from
   before the person signed in anew is shown again, and nothing done
5. the handler; for a heavy page in its turn, for a form with files as one of few of a person
6. whatever was raised becomes a page, or a part of one, with code and next step in the person's language; an
   unknown exception is logged with its traceback and shown as `internal_error`
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler as AiohttpHandler
from multidict import MultiDict, MultiDictProxy

from gateway.accounts.late_forms import LateForm
from gateway.accounts.roles import Permission
from gateway.accounts.sign_in import Session
from gateway.config.console import ConsoleSettings
from gateway.console import cookies, late_pages
from gateway.console.headers import SECURITY, in_time, own_address
from gateway.console.parts import ConsoleParts
from gateway.console.preferences import COOKIE, Preferences
from gateway.console.route import Route
from gateway.console.visit import KEEP_HEADER, KEPT_FIELD, TOKEN_FIELD, TOKEN_HEADER, SignedIn, Visit, form_token
from gateway.errors import RefusedError
from gateway.ids import uuid7
from gateway.ratelimit import site_of
from gateway.reasons import REASONS
from gateway.refusals import refusal_of

#: Longest time that a form without files may take.
_FORM_SECONDS: Final = 30.0
_NONCE_BYTES: Final = 16
#: Before one request too many is answered, in seconds.
_HELD_BACK: Final = 1.0
_READS: Final = frozenset({"GET", "HEAD"})
#: A form with one of these is kept for nobody: it would be shown again in clear.
_SECRET: Final = frozenset({"password", "old", "new", "again", "secret"})

_log: Any = structlog.get_logger("gateway.console")


class Gate:
    """The middleware of the console."""

    def __init__(self, parts: ConsoleParts, routes: Mapping[Any, Route]) -> None:
        self._parts, self._routes = parts, routes

    @property
    def _settings(self) -> ConsoleSettings:
        return self._parts.base.settings.console

    @web.middleware
    async def pass_through(self, request: web.Request, handler: AiohttpHandler) -> web.StreamResponse:
        """The six steps."""
        visit = self._begin(request, self._routes.get(handler))
        self._parts.lifecycle.begin()
        try:
            response = await self._serve(visit, handler)
        except (ConnectionError, asyncio.CancelledError):
            raise
        except Exception as error:  # noqa: BLE001 - the boundary of a request: recorded, answered, and on
            response = self._refuse(visit, error)
        finally:
            self._parts.lifecycle.end()
        if not response.prepared:
            response.headers["Trace-Id"] = visit.trace_id
        return response

    def _begin(self, request: web.Request, route: Route | None) -> Visit:
        held = cookies.held(request, cookies.SESSION) or cookies.held(request, cookies.STRANGER)
        return Visit(
            request=request,
            parts=self._parts,
            at=self._parts.base.clock.now(),
            trace_id=uuid7().replace("-", ""),
            preferences=Preferences.read(request.cookies.get(COOKIE, "")),
            nonce=secrets.token_urlsafe(_NONCE_BYTES),
            held=held or secrets.token_urlsafe(32),
            route=route,
        )

    async def _serve(self, visit: Visit, handler: AiohttpHandler) -> web.StreamResponse:
        request, route = visit.request, visit.route
        if self._parts.lifecycle.stopping.is_set():
            raise RefusedError("server_stopping")
        if route is not None and self._parts.assets.find(request.path) is not None:
            return await route.handler(visit)  # the same for everybody: nobody is looked for, nothing is counted
        # asked before a form is read
        visit.page_path = visit.path if request.method in _READS else await page_of(request, request.path) or "/"
        ended = await self._recognise(visit)
        await self._count(visit)
        is_open = route is not None and route.permission is Permission.OPEN
        if visit.signed_in is None and not is_open:
            return await self._ask_to_sign_in(visit, ended)
        if route is None:
            await _refuse_unrouted(request, handler)
        assert route is not None
        if visit.signed_in is not None and not route.before_ready and (first := self._first(visit)):
            return visit.redirect(first)
        visit.require(route.permission)
        if request.method not in _READS and (elsewhere := await self._check_form(visit, route)) is not None:
            return elsewhere
        visit.page_path = page_of_form(visit.page_path, visit.form)
        is_late = self._tell_late(visit)
        response = await self._answer(visit, route)
        if is_late and not response.prepared:
            late_pages.forget(request, response, visit.user.id, request.path)
        if request.method not in _READS and visit.signed_in is not None:
            await self._forget_kept(visit)
        if visit.signed_in is None and not response.prepared:
            cookies.set_stranger(response, visit.held)
        self._mark(visit, response)
        return response

    async def _answer(self, visit: Visit, route: Route) -> web.StreamResponse:
        """Step 5."""
        if route.uploads:
            with self._parts.uploads.one(visit.user.id):
                return await route.handler(visit)
        if not route.heavy:
            return await route.handler(visit)
        async with self._parts.turns.one(visit.user.id, prints=route.heavy == "print"):
            return await route.handler(visit)

    def _mark(self, visit: Visit, response: web.StreamResponse) -> None:
        """The browser of somebody who is signed in is known from now on, whatever address it comes from later."""
        if visit.signed_in is None or response.prepared:
            return
        devices = self._parts.base.sign_in.devices
        if not devices.whose(cookies.held(visit.request, cookies.DEVICE), visit.at):
            cookies.set_lasting(response, cookies.DEVICE, devices.mark(visit.user.id, visit.at))

    async def _recognise(self, visit: Visit) -> Session | None:
        """Find out who it is; a session that has ended is given back."""
        held = cookies.held(visit.request, cookies.SESSION)
        if not held:
            return None
        base = self._parts.base
        session = await base.sign_in.find(held)
        if session is None:
            return None
        user = await base.users.get(session.user_id)
        if user is None or user.disabled_at is not None or not session.is_open(visit.at, self._settings.idle):
            return session
        if not (_is_stream(visit.request) or "X-Live" in visit.request.headers):
            # what a page asks for by itself is no sign of a person
            await base.sign_in.touch(session, visit.at)
        offices = await base.users.offices(user.id)
        visit.signed_in = SignedIn(user=user, session=session, offices=offices)
        return None

    async def _count(self, visit: Visit) -> None:
        """One request less of the person's, else of the stranger's browser or address."""
        parts, now = self._parts, self._parts.base.clock.monotonic()
        try:
            if visit.signed_in is None:
                parts.strangers.take(browser_or_address(visit), now)
            else:
                is_form = visit.request.method not in _READS
                limit = parts.forms if is_form else parts.openings if _is_stream(visit.request) else parts.reads
                limit.take(visit.user.id, now)
        except RefusedError as error:
            await parts.lifecycle.stopped_within(_HELD_BACK)
            raise RefusedError("asked_too_often", retry_after=error.retry_after) from error

    def _first(self, visit: Visit) -> str:
        """Where somebody must go before anything else."""
        user = visit.user
        if user.password_ends_at is not None:
            return "/account/password"
        if self._settings.totp == "required" and user.totp is None and user.password is not None:
            return "/account/second-factor"
        return ""

    async def _ask_to_sign_in(self, visit: Visit, ended: Session | None) -> web.StreamResponse:
        request = visit.request
        if visit.is_fragment and "X-Live" in request.headers:
            return web.Response(status=401, headers=SECURITY)
        late_page = ""
        back = await _page_around(request) if visit.is_fragment else visit.path if request.method in _READS else "/"
        if request.method not in _READS and ended is not None:
            if visit.route is not None and visit.route.uploads:
                back = visit.page_path
                late_page = back if _is_sent_form(visit) else ""
            elif await self._keep(visit, ended):
                back = visit.page_path
        sign_in = visit.address("/login", **({"next": back} if back != "/" else {}))
        if visit.is_fragment:
            return web.Response(status=401, headers={**SECURITY, "HX-Redirect": sign_in})
        if _is_stream(request):
            return web.Response(status=401, headers=SECURITY)
        response = visit.redirect(sign_in)
        if late_page and ended is not None:
            late_pages.remember(request, response, ended.user_id, late_page)
        return response

    async def _keep(self, visit: Visit, ended: Session) -> bool:
        """Keep a form whose session has ended, for the same person; what did not come from our page is left."""
        if visit.route is None:
            return False
        try:
            _check_origin(visit.request)
            fields = await _fields(visit.request)
        except RefusedError:
            return False
        # where nothing was filled in nothing is lost: a page that asks by itself, or signs out
        if not fields.keys() - {TOKEN_FIELD} or not _is_token(visit, fields.get(TOKEN_FIELD, "")):
            return False
        self._parts.forms.take(ended.user_id, self._parts.base.clock.monotonic())
        return await self._keep_for(ended.user_id, visit, fields)

    def _tell_late(self, visit: Visit) -> bool:
        """Whether it is the page of a form with files that came late, which its person is told now."""
        request = visit.request
        if request.method != "GET" or visit.is_fragment or visit.signed_in is None:
            return False
        if not late_pages.is_remembered(request, visit.user.id, request.path):
            return False
        told = visit.gettext(
            "Your session had ended when you sent this form: nothing was done. Choose its files again."
        )
        visit.flash(told, "note")
        return True

    async def _keep_for(self, user_id: str, visit: Visit, fields: MultiDictProxy[str]) -> bool:
        """Whether it is one that may be kept; `form_not_kept` where it cannot be."""
        if not _SECRET.isdisjoint(fields):
            return False
        visit.page_path = page_of_form(visit.page_path, fields)
        await self._parts.base.late_forms.put(user_id, _form_of(visit, fields))
        return True

    async def _forget_kept(self, visit: Visit) -> None:
        """What was kept was sent now, and done."""
        await self._parts.base.late_forms.sent(visit.user.id, _form_of(visit, visit.form))

    async def _check_form(self, visit: Visit, route: Route) -> web.StreamResponse | None:
        """Refuse what is not a form of ours.

        One of ours from before the person signed in anew, in another tab for example, is shown again instead:
        nothing is done before the person has seen it and sends it.
        """
        request = visit.request
        _check_origin(request)
        if route.uploads:
            given = request.query.get(TOKEN_FIELD, "")
        else:
            visit.form = await _fields(request)
            given = visit.form.get(TOKEN_FIELD, "")
        if _is_token(visit, given):
            return await self._keep_unsent(visit) if KEEP_HEADER in request.headers else None
        is_ours = request.headers.get("Sec-Fetch-Site") == "same-origin" and not route.uploads
        if visit.signed_in is None or not is_ours or not await self._keep_for(visit.user.id, visit, visit.form):
            raise RefusedError("form_outdated")
        if visit.is_fragment:
            return web.Response(status=409, headers={**SECURITY, "HX-Redirect": "/kept"})
        return visit.redirect("/kept")

    async def _keep_unsent(self, visit: Visit) -> web.StreamResponse:
        """A page that goes away gives what is being filled in to be kept; nothing of it is done."""
        if visit.signed_in is None or not visit.form or not await self._keep_for(visit.user.id, visit, visit.form):
            raise RefusedError("form_not_kept")
        return web.Response(status=204, headers=SECURITY)

    def _refuse(self, visit: Visit, error: Exception) -> web.StreamResponse:
        refusal = (
            RefusedError("body_too_large")
            if isinstance(error, web.HTTPRequestEntityTooLarge)
            else refusal_of(error)
        )
        who = visit.signed_in.user.id if visit.signed_in else ""
        if refusal.code == "internal_error":
            _log.error("page.failed", path=visit.request.path, user=who, trace_id=visit.trace_id, exc_info=error)
        else:
            if refusal.code == "secret_key_lost":
                _log.error("secret_key.lost", user=who, error=str(error), trace_id=visit.trace_id)
            _log.info("page.refused", path=visit.request.path, user=who, code=refusal.code, trace_id=visit.trace_id)
        reason = REASONS[refusal.code]
        template = "error_part.html" if visit.is_fragment else "error.html"
        folded = is_technical(refusal.detail, visit.preferences.language)
        page = visit.page(template, status=reason.http, reason=reason, refusal=refusal, folded=folded)
        return in_time(page, refusal)


def browser_or_address(visit: Visit) -> str:
    """For whom counts what a stranger does: who signed in in this browser, else the address, which many share."""
    whose = visit.base.sign_in.devices.whose(cookies.held(visit.request, cookies.DEVICE), visit.at)
    return f"browser {whose}" if whose else site_of(visit.request.remote or "")


def is_technical(detail: str, language: str) -> bool:
    """Whether what a refusal adds is for those who mend it: several words, none of them Vietnamese.

    Names and what the desk says have Vietnamese letters; a code or a number is one word. In English all is shown.
    """
    return language == "vi" and detail.isascii() and len(detail.split()) > 1


async def page_of(request: web.Request, path: str) -> str:
    """The page that a form was on, as far as its address tells.

    Whoever asks names it, a stranger too: no page lies deeper than the deepest route, so none is looked for there.
    """
    router = request.app.router
    deepest = max(resource.canonical.count("/") for resource in router.resources())
    path = "/".join(own_address(path).split("/", deepest + 1)[: deepest + 1])
    while path:
        found = await router.resolve(request.clone(method="GET", rel_url=path))
        if found.http_exception is None:
            return path
        path = path.rpartition("/")[0]
    return ""


async def page_that_exists(request: web.Request, wanted: str) -> str:
    """Where to go on after signing in: an address that forms alone are sent to is none, and leads to their page."""
    address = own_address(wanted)
    path = urlsplit(address).path
    found = await request.app.router.resolve(request.clone(method="GET", rel_url=path))
    if not isinstance(found.http_exception, web.HTTPMethodNotAllowed):
        return address
    return await page_of(request, path) or "/"


def page_of_form(page: str, fields: Mapping[str, str]) -> str:
    """The page that a form was on: the one that it names itself, else what its address tells."""
    return own_address(fields["back"]) if fields.get("back") else page


async def _page_around(request: web.Request) -> str:
    """The page that htmx asked for a part of, or for something beside it."""
    asked = _split(request.headers.get("HX-Current-URL", ""))
    path = own_address(asked.path)
    page = await page_of(request, path)
    return f"{page}?{asked.query}" if asked.query and page == path else page or "/"


def _form_of(visit: Visit, fields: Mapping[str, str]) -> LateForm:
    """A form as it is kept; one that was kept before says which it is."""
    left = tuple((name, value) for name, value in fields.items() if name not in {TOKEN_FIELD, KEPT_FIELD})
    request, known = visit.request, fields.get(KEPT_FIELD, "")
    return LateForm(id=known, path=request.path, fields=left, at=visit.at, query=request.query_string)


def _is_stream(request: web.Request) -> bool:
    return request.path == "/live"


def _is_token(visit: Visit, in_form: str) -> bool:
    given = visit.request.headers.get(TOKEN_HEADER, "") or in_form
    return secrets.compare_digest(given.encode(errors="replace"), form_token(visit.held).encode())


def _is_sent_form(visit: Visit) -> bool:
    """Whether a form with files, which nobody keeps, was sent from a page of ours."""
    try:
        _check_origin(visit.request)
    except RefusedError:
        return False
    return _is_token(visit, visit.request.query.get(TOKEN_FIELD, ""))


def _check_origin(request: web.Request) -> None:
    """A page of ours asks. Browsers that do not say so are held to the token, which no other site can know."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None and site not in {"same-origin", "none"}:
        raise RefusedError("form_outdated")
    origin = request.headers.get("Origin", "null")
    if origin != "null" and _split(origin).netloc != request.host:
        raise RefusedError("form_outdated")


def _split(address: str) -> SplitResult:
    """The parts of an address that a browser names; what is none has no parts."""
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit("")


async def _fields(request: web.Request) -> MultiDictProxy[str]:
    if request.content_type != "application/x-www-form-urlencoded":
        if request.can_read_body:
            raise RefusedError("media_type_unsupported", "application/x-www-form-urlencoded")
        return MultiDictProxy(MultiDict())
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise RefusedError("media_type_unsupported", "Content-Encoding")
    try:
        async with asyncio.timeout(_FORM_SECONDS):
            posted = await request.post()
    except TimeoutError as error:
        raise RefusedError("body_too_slow") from error
    except (UnicodeDecodeError, ValueError, LookupError) as error:
        raise RefusedError("parameter_invalid", "the form is no UTF-8") from error
    return MultiDictProxy(MultiDict((name, str(value)) for name, value in posted.items()))


async def _refuse_unrouted(request: web.Request, handler: AiohttpHandler) -> None:
    """Why there is no route."""
    try:
        await handler(request)
    except web.HTTPMethodNotAllowed as error:
        raise RefusedError("method_not_allowed") from error
    except web.HTTPException as error:
        raise RefusedError("not_found") from error
