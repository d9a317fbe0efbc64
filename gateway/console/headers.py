"""What every answer of the console carries, and the content security policy of its pages.

Nothing is loaded from elsewhere, no script runs but those that bear the page's nonce, no style stands in an
attribute, and nobody may put a page into a frame.
"""

from __future__ import annotations

from typing import Final

from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy

from gateway.api.headers import disposition
from gateway.errors import RefusedError
from gateway.reasons import REASONS
from gateway.refusals import wait_of

SECURITY: Final[CIMultiDictProxy[str]] = CIMultiDictProxy(
    CIMultiDict(
        {
            "Cache-Control": "no-store",
            "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
            "Referrer-Policy": "no-referrer",
            "Server": "gateway",
            "Strict-Transport-Security": "max-age=31536000",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
        }
    )
)


def unreadable(refusal: RefusedError, trace_id: str) -> web.Response:
    """What is not HTTP is told so in a word, with what every answer carries."""
    headers = {**SECURITY, "Trace-Id": trace_id}
    return web.Response(status=REASONS[refusal.code].http, text=f"{refusal.code}\n", headers=headers)


def in_time(response: web.Response, refusal: RefusedError) -> web.Response:
    """A page that refuses says when to come back, where that is known."""
    if (wait := wait_of(refusal)) is not None:
        response.headers["Retry-After"] = str(wait)
    return response


def saved(name: str) -> dict[str, str]:
    """Of a file that is saved under a name."""
    return {**SECURITY, "Content-Disposition": disposition(name)}


#: A file in a frame of ours: in a sandbox without anything, which Chromium's own viewer of PDFs needs nothing of.
_FRAMED: Final = "sandbox; default-src 'none'; frame-ancestors 'self'"


def framed(name: str) -> dict[str, str]:
    """Of a file that a page of ours shows in a frame."""
    shown = disposition(name).replace("attachment", "inline", 1)
    own = {"Content-Security-Policy": _FRAMED, "X-Frame-Options": "SAMEORIGIN", "Content-Disposition": shown}
    return {**SECURITY, **own}


def page_policy(nonce: str) -> str:
    """Of a page whose scripts bear the nonce."""
    return (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


def own_address(path: str) -> str:
    """A path of this site to go on to, "/" for whatever might lead elsewhere."""
    is_own = path.startswith("/") and not path.startswith(("//", "/\\"))
    return path if is_own and path.isprintable() and "\\" not in path else "/"
