"""The development authority: `openssl ts` takes its stamps over real HTTP, and each fault is one."""

from __future__ import annotations

import asyncio
import subprocess
from hashlib import sha256
from pathlib import Path

import aiohttp
import pytest

from gateway.clock import SystemClock
from gateway.errors import InputError
from gateway.pki import DevPki, make_dev_pki
from gateway.seal.report import Verdict
from gateway.seal.timestamp import ask, check_reply
from gateway.seal.trust import TrustPurpose, TrustStore
from gateway.simulate.tsa.issuing import POLICY, Flaw
from gateway.simulate.tsa.server import QUERY, REPLY
from tests.system_tools import require_tool
from tests.tsa_process import TsaProcess, running_tsa

_DATA = b"a checkpoint"


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> DevPki:
    return make_dev_pki(tmp_path_factory.mktemp("tsa") / "pki", now=SystemClock().now())


def run(command: list[str], folder: Path) -> bytes:
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=60)
    return done.stdout + done.stderr


async def post(tsa: TsaProcess, request: bytes, kind: str = QUERY) -> tuple[int, str, bytes]:
    async with (
        aiohttp.ClientSession() as session,
        session.post(tsa.url, data=request, headers={"Content-Type": kind}) as answer,
    ):
        return answer.status, answer.content_type, await answer.read()


async def test_openssl_asks_and_accepts(pki: DevPki, tmp_path: Path) -> None:
    """Another client's request is answered, and its verifier is content."""
    openssl = require_tool("openssl", "openssl")
    (tmp_path / "data").write_bytes(_DATA)
    asking = [openssl, "ts", "-query", "-data", "data", "-sha256", "-cert", "-out", "query"]
    await asyncio.to_thread(run, asking, tmp_path)
    async with running_tsa(pki.folder) as tsa:
        status, kind, reply = await post(tsa, (tmp_path / "query").read_bytes())
    assert (status, kind) == (200, REPLY)
    (tmp_path / "reply").write_bytes(reply)
    root = str(pki.anchors(TrustPurpose.TSA) / "root.pem")
    verifying = [openssl, "ts", "-verify", "-in", "reply", "-queryfile", "query", "-CAfile", root]
    assert b"Verification: OK" in await asyncio.to_thread(run, verifying, tmp_path)


async def test_each_fault_is_one_and_the_next_answer_is_right_again(pki: DevPki) -> None:
    """Whatever was ordered, the gateway's check refuses it; nothing is left over for the next request."""
    anchors = TrustStore.load(pki.anchors(TrustPurpose.TSA), TrustPurpose.TSA)
    async with running_tsa(pki.folder) as tsa:
        for kind in (*(each for each in Flaw if each), "garbage", "page", "expired", "clock", "busy"):
            await tsa.order(kind, calls=1, seconds=3600)
            asked = ask(sha256(_DATA).digest(), policy=POLICY)
            status, _, reply = await post(tsa, asked.request)
            stamp = check_reply(reply, asked, anchors=anchors, at=SystemClock().now())
            assert stamp.report.verdict is not Verdict.PASSED, kind
            assert (status == 503) is (kind == "busy")
        await tsa.order("down", calls=1)
        with pytest.raises(aiohttp.ClientError):
            await post(tsa, asked.request)
        _, _, reply = await post(tsa, asked.request)
        stamp = check_reply(reply, asked, anchors=anchors, at=SystemClock().now())
        assert stamp.report.verdict is Verdict.PASSED
        with pytest.raises(InputError, match="unknown kind"):
            await tsa.order("nonsense")
        assert (await post(tsa, b"nonsense"))[0] == 400
        assert (await post(tsa, asked.request, "text/plain"))[0] == 415
