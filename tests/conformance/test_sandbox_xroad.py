"""The sandbox on X-Road: entered by a member's client, and calling a member's service; good ones and bad ones."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.pki import DevPki
from gateway.seal.trust import TrustPurpose
from tests.conformance.peers import access_of, beside
from tests.conformance.runs import conformance, conformance_until, grades, step
from tests.conformance.xroad_vendor import MemberClient, MemberService

pytestmark = pytest.mark.slow


async def test_client_of_a_member_passes_every_step(tmp_path: Path) -> None:
    """It sends again what an answer with another hash was for; nothing failed, nothing was skipped."""
    folder = tmp_path / "s"
    run = asyncio.create_task(conformance("serve", "--binding", "xroad", "--folder", folder, "--exit-after", "120"))
    async with MemberClient.open(await access_of(folder)) as client:
        code, count, told = await beside(run, client.work())
    found = grades(folder / "report.json")
    missing = {key: grade for key, grade in found.items() if grade != "passed"}
    assert (code, missing, client.doubtful) == (0, {}, 1), told
    assert count["passed"] > 30
    assert {"client-missing", "client-unknown", "hash-wrong"} <= set(found)
    assert not {"withdraw", "agencies", "serve-inbox"} & set(found)
    assert "Server.ClientProxy.UnknownMember" in told


async def test_client_that_takes_any_answer_is_told_how_to_mend_it(tmp_path: Path) -> None:
    """The hash was that of another request, and the next document went out."""
    folder = tmp_path / "s"
    marks = ("✗ .*· hash-wrong",)
    run = asyncio.create_task(conformance_until(marks, "serve", "--binding", "xroad", "--folder", folder))
    async with MemberClient.open(await access_of(folder)) as client:
        client.looks = False
        code, _, told = await beside(run, client.work())
    failed = step(folder / "report.json", "hash-wrong")
    assert (code, failed["grade"]) == (1, "failed"), told
    assert "mã băm" in failed["saw"]["vi"]
    assert "hash of another request" in failed["saw"]["en"]
    assert "Idempotency-Key" in failed["mend"]["vi"]


async def test_service_of_a_member_passes_every_step(tmp_path: Path, pki_folder: Path) -> None:
    """Called through a security server, by the gateway's own client of such services."""
    folder, service = tmp_path / "s", MemberService()
    anchors = DevPki(folder=pki_folder).anchors(TrustPurpose.TLS) / "root.pem"
    async with service.served(pki_folder) as url:
        wanted = ("--binding", "xroad", "--anchors", anchors)
        run = asyncio.create_task(conformance(url, *wanted, "--folder", folder, "--exit-after", "120"))
        code, count, told = await beside(run, service.work(await access_of(folder)))
    found = grades(folder / "report.json")
    missing = {key: grade for key, grade in found.items() if grade != "passed"}
    assert (code, missing) == (0, {}), told
    assert count["passed"] > 25
    assert {"serve-inbox", "serve-documents", "lost-answer", "unnamed"} <= set(found)
    assert not {"connect", "list", "withdraw", "hash-wrong"} & set(found)


async def test_service_that_answers_with_a_page_is_told_how_to_mend_it(tmp_path: Path, pki_folder: Path) -> None:
    """200 and HTML is no receipt; and it serves whoever asks."""
    folder, service = tmp_path / "s", MemberService()
    service.is_good = False
    anchors = DevPki(folder=pki_folder).anchors(TrustPurpose.TLS) / "root.pem"
    marks = ("✗ .*· serve-documents", "✓ .*· serve-inbox", "✗ .*· unnamed")
    async with service.served(pki_folder) as url:
        wanted = ("--binding", "xroad", "--receiver", url, "--anchors", anchors)
        run = asyncio.create_task(conformance_until(marks, "serve", *wanted, "--folder", folder))
        code, _, told = await beside(run, service.work(await access_of(folder)))
    report = folder / "report.json"
    assert code == 1, told
    failed = step(report, "serve-documents")
    assert "peer_reply_invalid" in failed["saw"]["vi"]
    assert "message_id" in failed["saw"]["en"]
    assert "X-Road-Client" in step(report, "unnamed")["mend"]["en"]
