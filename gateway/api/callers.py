"""Who makes a request: what the transport and the headers show, handed to the authenticator."""

from __future__ import annotations

from aiohttp import hdrs, web

from gateway.api.headers import bearer_of
from gateway.api.route import ApiParts
from gateway.model import Caller


async def authenticate(parts: ApiParts, request: web.Request) -> Caller:
    """Who makes `request`, as of now; `/events` asks again while it streams."""
    transport = request.transport
    tls = transport.get_extra_info("ssl_object") if transport is not None else None
    return await parts.authenticator.authenticate(
        certificate_der=tls.getpeercert(binary_form=True) if tls is not None else None,
        bearer=bearer_of(request.headers.get(hdrs.AUTHORIZATION)),
        address=request.remote or "",
        now=parts.clock.now(),
    )
