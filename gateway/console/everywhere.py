"""What every page uses: assets, the stream of changes, and the switches of language, time zone and light."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from gateway.accounts.roles import Permission
from gateway.console import cookies
from gateway.console.headers import SECURITY, own_address
from gateway.console.preferences import COOKIE
from gateway.console.route import Route
from gateway.console.visit import Visit
from gateway.errors import RefusedError

#: The name holds the digest of what is in it.
_FOR_EVER: Final = "public, max-age=31536000, immutable"


async def asset(visit: Visit) -> web.StreamResponse:
    """A script, a style or an icon."""
    found = visit.parts.assets.find(visit.request.path)
    if found is None:
        raise RefusedError("not_found")
    headers = {**SECURITY, "Cache-Control": _FOR_EVER, "Vary": "Accept-Encoding"}
    body = found.content
    if "gzip" in visit.request.headers.get("Accept-Encoding", ""):
        headers["Content-Encoding"], body = "gzip", found.gzipped
    return web.Response(body=body, content_type=found.content_type, charset="utf-8", headers=headers)


async def live(visit: Visit) -> web.StreamResponse:
    """That something happened."""
    return await visit.parts.live.serve(visit)


async def still_here(visit: Visit) -> web.StreamResponse:
    """Somebody is at the browser: the session goes on."""
    del visit  # the gate has written it down
    return web.Response(status=204, headers=SECURITY)


async def prefer(visit: Visit) -> web.StreamResponse:
    """Another language, time zone or theme, for this browser."""
    wanted = visit.preferences.changed(
        language=visit.form.get("language", ""),
        zone=visit.form.get("zone", ""),
        theme=visit.form.get("theme", ""),
    )
    response = visit.redirect(own_address(visit.form.get("next", "/")))
    cookies.set_lasting(response, COOKIE, wanted.cookie)
    return response


ROUTES: Final = (
    Route("GET", "/static/{name}", asset, Permission.OPEN, before_ready=True),
    Route("GET", "/live", live, Permission.SELF, before_ready=True),
    Route("POST", "/still-here", still_here, Permission.SELF, before_ready=True),
    Route("POST", "/preferences", prefer, Permission.OPEN, before_ready=True),
)
