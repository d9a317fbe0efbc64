"""Handlers of the link in a call: a page that says what it is for, and the button behind it.

Opening a link changes nothing: telephones and mail filters open links by themselves. The page has no script and
loads nothing.
"""

from __future__ import annotations

from typing import Final

from aiohttp import web

from gateway.api import queries
from gateway.api.headers import SECURITY
from gateway.api.route import Call, checked

_POLICY: Final = "default-src 'none'; form-action 'self'; frame-ancestors 'none'"
_PAGE: Final = (
    '<!doctype html><html lang="vi"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width"><title>Trục văn bản</title></head><body>{}</body></html>'
)
_ASK: Final = (
    "<p>Văn bản khẩn đang chờ cơ quan nhận.<br>An urgent document waits.</p>"
    '<form method="post"><button>Tôi đã biết, không gọi người khác / I know, call nobody else</button></form>'
)
_DONE: Final = "<p>Đã ghi nhận, không gọi thêm ai.<br>Noted; nobody else is called.</p>"


async def show(call: Call) -> web.Response:
    """GET /alerts/{token}."""
    done = await call.gateway.alert(checked(call.path, queries.ByToken).token)
    return _page(_DONE if done else _ASK)


async def acknowledge(call: Call) -> web.Response:
    """POST /alerts/{token}."""
    await call.gateway.acknowledge_alert(checked(call.path, queries.ByToken).token)
    return _page(_DONE)


def _page(content: str) -> web.Response:
    headers = SECURITY.copy()
    headers["Content-Security-Policy"] = _POLICY
    headers["Referrer-Policy"] = "no-referrer"
    return web.Response(text=_PAGE.format(content), headers=headers, content_type="text/html")
