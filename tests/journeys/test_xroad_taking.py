"""A member of X-Road that hands a document in is answered 202 only once it is durably ours."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import aiohttp
import pytest

from gateway.foundation import DATABASE, open_foundation
from gateway.pki import client_tls_context
from gateway.seal.trust import TrustPurpose
from gateway.simulate.layout import free_ports
from tests.crash.kill_process import Gateway
from tests.journeys.crossing import Channel, client_of, prepared
from tests.journeys.installation import COMMUNE, PROVINCE, Installation
from tests.journeys.messages import document
from tests.journeys.taking import HeldCommit, messages
from tests.journeys.test_xroad_provider import CLIENTS, call, name_member, register
from tests.journeys.vxp_lab import vxp_lab

_KEY = {"Idempotency-Key": "k-1"}


async def test_no_answer_while_the_commit_is_held(
    tmp_path: Path, pki_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The security server would sign it, and the member forget its document."""
    async with vxp_lab(tmp_path / "site", pki_folder) as lab:
        await register(lab, PROVINCE)
        held = HeldCommit(monkeypatch)
        content = document(PROVINCE, [COMMUNE])
        asking = asyncio.create_task(call(lab, "POST", "documents", CLIENTS[PROVINCE], content, **_KEY))
        try:
            async with asyncio.timeout(60):
                await held.reached.wait()
            done, _ = await asyncio.wait({asking}, timeout=1)  # time enough for an answer that must not come
            assert not done
        finally:
            held.let_go()
        assert (await asking)[0] == 202


class _Pulls:
    """The suite's channel leads nowhere: members come to us."""

    async def channel(self, installation: Installation) -> Channel:
        return Channel(kind="inbox", settings={})


@pytest.mark.parametrize("point", ["accept.record.before", "accept.record.after"])
async def test_killed_around_the_commit_the_member_asks_again_and_it_is_one_message(
    tmp_path: Path, pki_folder: Path, point: str
) -> None:
    """No answer came, so it sends the same request; whichever side the kill was on, there is one document."""
    (xroad_port,) = free_ports(1)
    bindings = f"[bindings]\nport = {xroad_port}\n"
    site, installation, port = await prepared(tmp_path, pki_folder, _Pulls(), more=bindings)
    async with open_foundation(installation.settings, purpose="setup") as base:
        await name_member(base, PROVINCE)
    content = document(PROVINCE, [COMMUNE])
    tls = client_tls_context(installation.pki.anchors(TrustPurpose.TLS))
    headers = {"X-Road-Client": CLIENTS[PROVINCE], "X-Road-Id": "id-1", "X-Road-Request-Id": "request-1"} | _KEY
    url = f"https://localhost:{xroad_port}/xroad/documents"
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls), headers=headers) as session:
        armed = await Gateway.start(site, armed=f"{point}=kill", forked=True)
        assert await armed.ready()
        with pytest.raises(aiohttp.ClientError):
            async with session.post(url, data=content) as reply:
                await reply.read()
        assert await armed.gone() < 0
        again = await Gateway.start(site, forked=True)
        try:
            assert await again.ready()
            async with session.post(url, data=content) as reply:
                assert reply.status == 202
                assert ("Idempotency-Replayed" in reply.headers) == point.endswith(".after")
            async with client_of(installation, port, COMMUNE) as commune:
                (item,) = (await commune.inbox()).items
                assert await commune.content(item.id) == content
        finally:
            again.terminate()
            await again.gone()
    assert messages(site.folder / "data" / DATABASE) == [hashlib.sha256(content).hexdigest()]
