"""The simulators' client tries again until there is a final answer, with one key and the same bytes."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP

from aiohttp import web

from gateway.pki import DevPki, client_tls_context
from gateway.seal.trust import TrustPurpose
from gateway.simulate.layout import free_ports
from gateway.simulate.rest import Request, Rest, multipart

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
REQUEST = Request(path="/documents", body=b"<edXML/>", content_type="application/xml", key="circular")


@dataclass
class Seen:
    """What the server got, and how long the client rested."""

    bodies: list[bytes] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)

    async def rest(self, seconds: float) -> None:
        self.pauses.append(seconds)


@asynccontextmanager
async def against(pki: DevPki, handler: Handler, seen: Seen) -> AsyncIterator[Rest]:
    """A client and a server that answers as the handler says, over TLS."""

    async def handle(request: web.Request) -> web.StreamResponse:
        seen.bodies.append(await request.read())
        seen.keys.append(request.headers.get("Idempotency-Key", ""))
        return await handler(request)

    application = web.Application()
    application.router.add_route("*", "/{any:.*}", handle)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    (port,) = free_ports(1)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki.server.certificate, pki.server.key)
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=context).start()
    trusted = client_tls_context(pki.anchors(TrustPurpose.TLS))
    rest = Rest(f"https://localhost:{port}", trusted, token="gw_test", pauses=seen.rest)
    try:
        yield rest
    finally:
        await rest.close()
        await runner.cleanup()


async def test_submission_is_repeated_with_the_same_key_and_bytes(pki: DevPki) -> None:
    """Busy, broken and cut-off answers are not final."""
    seen = Seen()

    async def answer(request: web.Request) -> web.StreamResponse:
        match len(seen.bodies):
            case 1:
                return web.Response(status=503)
            case 2:
                assert request.transport is not None
                request.transport.abort()
                return web.Response()
            case 3:
                return web.json_response({"code": "idempotency_key_in_use"}, status=409)
            case _:
                return web.json_response({"id": "m1"}, status=202)

    async with against(pki, answer, seen) as rest:
        reply = await rest.submit(REQUEST)
    assert (reply.status, reply.json["id"], reply.tries) == (202, "m1", 4)
    assert set(seen.bodies) == {b"<edXML/>"}
    assert set(seen.keys) == {'"circular"'}
    assert seen.pauses == sorted(seen.pauses)


async def test_refusal_is_final_and_has_a_reason(pki: DevPki) -> None:
    """What no repetition can change is not repeated."""
    seen = Seen()

    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.json_response({"code": "recipient_unknown"}, status=422)

    async with against(pki, answer, seen) as rest:
        reply = await rest.submit(REQUEST)
    assert (reply.status, reply.reason, reply.tries) == (422, "recipient_unknown", 1)


async def test_inbox_goes_on_from_its_cursor(pki: DevPki) -> None:
    """The cursor is given back as it came."""
    seen = Seen()
    queries: list[str] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        queries.append(request.query.get("cursor", ""))
        return web.json_response({"items": [], "cursor": "a/b c"})

    async with against(pki, answer, seen) as rest:
        _, cursor = await rest.inbox("")
        await rest.inbox(cursor)
    assert queries == ["", "a/b c"]


async def test_content_that_may_no_longer_be_had_is_nothing(pki: DevPki) -> None:
    """A withdrawn item is left alone."""

    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.json_response({"code": "state_forbids"}, status=409)

    async with against(pki, answer, Seen()) as rest:
        assert await rest.content("d1") is None


def test_form_holds_metadata_and_file() -> None:
    """The body is a well-formed form, the same at every try."""
    kind, body = multipart(b'{"a": 1}', "Công văn.pdf", b"%PDF-1.4\r\n--x")
    assert multipart(b'{"a": 1}', "Công văn.pdf", b"%PDF-1.4\r\n--x") == (kind, body)
    message = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
    first, second = message.iter_parts()
    assert (first.get_param("name", header="content-disposition"), first.get_payload()) == ("metadata", '{"a": 1}')
    assert second.get_param("name", header="content-disposition") == "file"
    assert second.get_payload(decode=True) == b"%PDF-1.4\r\n--x"
