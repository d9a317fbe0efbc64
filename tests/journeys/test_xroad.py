"""Two members of X-Road over two security servers' work: our client at one end, our own service at the other."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from adapters.xroad.client_source import XroadSource
from gateway.model import Endpoint, Outcome, OutcomeKind, Outgoing
from gateway.ports import Settlement
from gateway.simulate.security_server import SecurityServer, serving
from tests.adapters.xroad_lab import XroadLab
from tests.journeys.installation import COMMUNE, PROVINCE
from tests.journeys.messages import document, status
from tests.journeys.test_xroad_provider import CLIENTS, register
from tests.journeys.vxp_lab import VxpLab, vxp_lab
from tests.unit.deliver.fakes import FakeBody, outgoing

DONE = Settlement(done=True, message_id="0193")


class Members:
    """The offices' side: adapters and sources of members, through a security server."""

    def __init__(self, lab: XroadLab, server: SecurityServer) -> None:
        self._lab, self.server = lab, server

    def channel(self, organ_id: str) -> Endpoint:
        return self._lab.endpoint(client=CLIENTS[organ_id], url=f"https://localhost:{self.server.port}")

    async def send(self, organ_id: str, content: bytes, item: Outgoing) -> Outcome:
        adapter = self._lab.adapter()
        try:
            report = await adapter.send(self.channel(organ_id), item, FakeBody(content))
        finally:
            await adapter.close()
        (outcome,) = report.outcomes.values()
        return outcome

    def inbox(self, organ_id: str) -> XroadSource:
        return XroadSource(self.channel(organ_id), self._lab.surroundings())


async def fetched(source: XroadSource, ref: str) -> bytes:
    got = bytearray()

    async def write(piece: bytes) -> None:
        got.extend(piece)

    await source.fetch(ref, write)
    return bytes(got)


@pytest.fixture
async def gateway(tmp_path: Path, pki_folder: Path) -> AsyncIterator[VxpLab]:
    """The gateway whose service the members call."""
    async with vxp_lab(tmp_path / "site", pki_folder) as found:
        for organ_id in CLIENTS:
            await register(found, organ_id)
        yield found


@pytest.fixture
async def members(gateway: VxpLab, tmp_path: Path) -> AsyncIterator[Members]:
    """The security server passes on what it judged."""

    async def provider(method: str, path: str, headers: dict[str, str], body: bytes) -> web.Response:
        passed = {name: value for name, value in headers.items() if name.lower() not in {"host", "content-length"}}
        url = f"https://localhost:{gateway.port}/xroad{path}"
        async with gateway.session.request(method, url, headers=passed, data=body or None) as reply:
            told = {"Content-Type": reply.headers.get("Content-Type", "application/octet-stream")}
            return web.Response(status=reply.status, body=await reply.read(), headers=told)

    (tmp_path / "members").mkdir()
    async with AsyncExitStack() as stack:
        lab = XroadLab(tmp_path / "members", stack)
        context: ssl.SSLContext = lab.context()
        server = await stack.enter_async_context(serving(provider, context))
        server.clients = tuple(CLIENTS.values())
        yield Members(lab, server)


async def test_document_and_status_go_from_member_to_member(members: Members, gateway: VxpLab) -> None:
    """Sent, listed, fetched, settled; what is sent twice is one message there; a refusal says why."""
    content, item = document(PROVINCE, [COMMUNE]), outgoing()
    first = await members.send(PROVINCE, content, item)
    again = await members.send(PROVINCE, content, item)
    assert (first.kind, first) == (OutcomeKind.DELIVERED, again)
    commune = members.inbox(COMMUNE)
    (entry,) = await commune.listed()
    assert (entry.kind, entry.sender_code, entry.recipient_codes) == ("document", PROVINCE, (COMMUNE,))
    assert await fetched(commune, entry.ref) == content
    assert await commune.settle(entry.ref, DONE)
    assert await commune.listed() == ()
    await commune.close()

    answer = status(COMMUNE, "03", sender=PROVINCE)
    assert (await members.send(COMMUNE, answer, replace(outgoing(), kind="status"))).kind is OutcomeKind.DELIVERED
    province = members.inbox(PROVINCE)
    (told,) = await province.listed()
    assert told.kind == "status"
    assert await fetched(province, told.ref) == answer
    await province.close()
    (line,) = await gateway.app.foundation.reads.deliveries(first.peer_ref)
    assert (line.state, line.business_status) == ("acknowledged", "03")

    garbage = await members.send(PROVINCE, b"<edXML/>", outgoing())
    assert (garbage.kind, garbage.reason) == (OutcomeKind.REFUSED, "peer_refused")
    foreign = await members.send(PROVINCE, document(COMMUNE, [PROVINCE], number="4"), outgoing())
    assert (foreign.kind, foreign.reason) == (OutcomeKind.DEFERRED, "peer_credential_rejected")


async def test_what_broke_off_behind_the_provider_is_the_same_message_when_it_is_sent_again(
    members: Members, gateway: VxpLab
) -> None:
    """The provider had it, and nobody knew."""
    content, item = document(PROVINCE, [COMMUNE]), outgoing()
    members.server.orders.append("Server.ServerProxy.ServiceFailed!")
    assert (await members.send(PROVINCE, content, item)).kind is OutcomeKind.UNKNOWN
    assert (await members.send(PROVINCE, content, item)).kind is OutcomeKind.DELIVERED
    commune = members.inbox(COMMUNE)
    assert len(await commune.listed()) == 1
    await commune.close()
