"""Our own clients at our own endpoints: what another gateway's adapters do, this gateway's bindings take.

The two halves of each protocol were written apart, so this is where they have to agree.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web
from cryptography.hazmat.primitives.serialization import Encoding

from adapters.vxp.client import VxpAdapter
from adapters.vxp.reader import VxpSource
from adapters.xroad.client import XroadAdapter
from adapters.xroad.client_source import XroadSource
from gateway.accounts.shared_secrets import Wish, loopback
from gateway.clock import SystemClock
from gateway.model import Capabilities, Doubt, Endpoint, EndpointId, OutcomeKind, Outgoing, Sha256Hex
from gateway.ports import Settlement, Surroundings
from gateway.seal.trust import TrustPurpose
from gateway.simulate.security_server import CLIENT, SERVICE, serving
from tests.adapters.certificates import issue, server_context
from tests.journeys.installation import COMMUNE, PROVINCE
from tests.journeys.messages import document
from tests.journeys.vxp_lab import VxpLab, vxp_lab
from tests.unit.deliver.fakes import FakeBody, outgoing


@pytest.fixture
async def lab(tmp_path: Path, pki_folder: Path) -> AsyncIterator[VxpLab]:
    """One for each test."""
    async with vxp_lab(tmp_path / "site", pki_folder) as found:
        yield found


class Content(FakeBody):
    """Bytes in memory that know their digest."""

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def letter(content: bytes) -> Outgoing:
    """A claimed dispatch of a document from the province to the commune."""
    item = outgoing("peer", "r1", size=len(content))
    return replace(
        item,
        sha256=Sha256Hex(hashlib.sha256(content).hexdigest()),
        sender_code=PROVINCE,
        notation="125/UBND-VP",
        subject="V/v thử nghiệm liên thông",
        deliveries=tuple(replace(one, recipient_code=COMMUNE) for one in item.deliveries),
    )


async def received(source: VxpSource | XroadSource) -> dict[str, bytes]:
    """All that waits, with its content."""
    found: dict[str, bytes] = {}
    for item in await source.listed():
        pieces: list[bytes] = []

        async def keep(piece: bytes, pieces: list[bytes] = pieces) -> None:
            pieces.append(piece)

        await source.fetch(item.ref, keep)
        found[item.ref] = b"".join(pieces)
    return found


async def test_member_of_the_axis_sends_to_and_receives_from_the_vxp_endpoint(lab: VxpLab, tmp_path: Path) -> None:
    """Sent once, known again by the sent list when the answer was lost, fetched and settled."""
    anchors = lab.installation.pki.anchors(TrustPurpose.TLS) / "root.pem"
    near = Surroundings(secrets=tmp_path, folder=tmp_path, clock=SystemClock(), timeout_seconds=20)
    channels = {}
    for organ_id in (PROVINCE, COMMUNE):
        await lab.sdk(organ_id)
        (tmp_path / organ_id).write_text(lab.secrets[organ_id])
        (tmp_path / organ_id).chmod(0o600)
        settings: dict[str, object] = {
            "url": lab.url, "system_id": organ_id, "secret_file": organ_id, "anchors_file": str(anchors),
        }  # fmt: skip
        channels[organ_id] = Endpoint(
            id=EndpointId("peer"), name="peer", kind="vxp", settings=settings,
            capabilities=Capabilities(fans_out=True), is_relay=True,
        )  # fmt: skip
    content = document(PROVINCE, [COMMUNE])
    item, adapter = letter(content), VxpAdapter(near)
    [first] = (await adapter.send(channels[PROVINCE], item, Content(content))).outcomes.values()
    assert (first.kind, len(first.peer_ref)) == (OutcomeKind.RELAYED, 36)
    await adapter.close()
    doubt = Doubt(since=SystemClock().now() - timedelta(minutes=1), transmissions=1, inquiries=0, taken=frozenset())
    again = VxpAdapter(near)
    [adopted] = (
        await again.send(channels[PROVINCE], replace(item, doubt=doubt), Content(content))
    ).outcomes.values()
    assert (adopted.kind, adopted.peer_ref) == (first.kind, first.peer_ref)
    await again.close()
    source = VxpSource(channels[COMMUNE], near)
    [(ref, got)] = (await received(source)).items()
    assert got == content
    assert await source.settle(ref, Settlement(done=True))
    assert await source.listed() == ()
    await source.close()


@asynccontextmanager
async def behind_a_security_server(lab: VxpLab, folder: Path) -> AsyncIterator[Endpoint]:
    """The channel of a consumer whose security server passes on to our provider."""
    authority, clients = issue("security server's CA"), issue("information systems' CA")
    (folder / "anchors.pem").write_bytes(authority.certificate.public_bytes(Encoding.PEM))
    issue("gateway", by=clients).write(folder / "gateway.pem")

    async def provider(method: str, path: str, headers: dict[str, str], body: bytes) -> web.Response:
        url = f"https://localhost:{lab.port}/xroad/{path.lstrip('/')}"
        async with lab.session.request(method, url, headers=headers, data=body or None) as reply:
            kept = {"Content-Type": reply.headers["Content-Type"]}
            return web.Response(status=reply.status, body=await reply.read(), headers=kept)

    context = server_context(issue("security server", by=authority), folder, client_ca=clients)
    async with serving(provider, context) as server:
        settings: dict[str, object] = {
            "url": f"https://localhost:{server.port}", "client": CLIENT, "service": SERVICE,
            "anchors_file": "anchors.pem", "certificate_file": "gateway.pem", "key_file": "gateway.pem",
            "hash_check": "computed",
        }  # fmt: skip
        yield Endpoint(id=EndpointId("peer"), name="peer", kind="xroad", settings=settings)


async def test_consumer_sends_and_receives_through_a_security_server(lab: VxpLab, tmp_path: Path) -> None:
    """Sent twice it is one document; what waits is fetched, refused with words or settled."""
    base = lab.app.foundation
    now = base.clock.now()
    agency = (await base.directory.resolve([PROVINCE], now))[PROVINCE]
    wish = Wish(
        agency_id=agency.id, binding="xroad", system_id=CLIENT, lifetime=timedelta(days=1), overlap=timedelta(0),
        networks=tuple(loopback()), label="", actor="operator:test", why="test", secret=False,
    )  # fmt: skip
    await base.shared_secrets.issue(wish, now)
    near = Surroundings(secrets=tmp_path, folder=tmp_path, clock=SystemClock(), timeout_seconds=20)
    content = document(PROVINCE, [PROVINCE, COMMUNE])
    async with behind_a_security_server(lab, tmp_path) as channel:
        adapter, source, item = XroadAdapter(near), XroadSource(channel, near), letter(content)
        [first], [again] = [
            (await adapter.send(channel, item, Content(content))).outcomes.values() for _ in range(2)
        ]
        assert first.kind is OutcomeKind.DELIVERED, first
        assert first.peer_ref == again.peer_ref
        foreign = document(COMMUNE, [PROVINCE], number="9")
        [refused] = (await adapter.send(channel, letter(foreign), Content(foreign))).outcomes.values()
        assert refused.kind is OutcomeKind.DEFERRED, refused
        [(ref, got)] = (await received(source)).items()
        assert got == content
        assert await source.settle(ref, Settlement(done=False, reason="peer_refused", detail="not for us"))
        assert await source.listed() == ()
        await adapter.close()
        await source.close()
    lines = await base.reads.deliveries(first.peer_ref)
    held = next(line for line in lines if line.recipient_code == PROVINCE)
    assert (held.state, held.reason, held.detail) == ("held", "receiver_cannot_use", "peer_refused not for us")
