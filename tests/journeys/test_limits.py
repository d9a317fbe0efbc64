"""Shares and reservations on the whole gateway: what one agency has under way leaves the others theirs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from gateway.app import Application
from gateway.errors import ProblemError
from gateway.pki import client_tls_context
from gateway.seal.trust import TrustPurpose
from tests.journeys.installation import COMMUNE, PROVINCE, PUSHED, Installation, prepare
from tests.journeys.messages import document, status

MEGABYTE = 1_000_000
#: What no attachment format makes smaller.
LARGE = Random(1).randbytes(2 * MEGABYTE)


async def until(condition: Callable[[], bool]) -> None:
    """What the server does next has no signal that a test could wait for."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def begin_upload(installation: Installation, organ_id: str, framing: str) -> asyncio.StreamWriter:
    """The head of a document and nothing of its body."""
    assert installation.app is not None
    tls = client_tls_context(installation.pki.anchors(TrustPurpose.TLS))
    _, writer = await asyncio.open_connection("localhost", installation.app.port, ssl=tls)
    head = (
        "POST /api/v1/documents HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/xml\r\n"
        f"Authorization: Bearer {installation.tokens[organ_id]}\r\n{framing}\r\n\r\n"
    )
    writer.write(head.encode())
    await writer.drain()
    return writer


def leave_room(app: Application, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """A disk that has `size` bytes more than must stay free."""
    free = app.settings.storage.min_free_bytes + size
    monkeypatch.setattr(app.foundation.bodies, "free_bytes", lambda: free)


async def test_uploads_begun_at_once_share_what_the_disk_has(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of ten that would each fit, those are refused before a byte that do not fit together; a small one goes on."""
    app = installation.app
    assert app is not None
    intake = app.gateway.intake
    leave_room(app, monkeypatch, 10 * MEGABYTE)
    uploads = [await begin_upload(installation, COMMUNE, f"Content-Length: {3 * MEGABYTE}") for _ in range(3)]
    await until(lambda: intake.reserved == 9 * MEGABYTE)
    async with installation.client(PROVINCE) as province:
        with pytest.raises(ProblemError) as caught:
            await province.submit(document(PROVINCE, [COMMUNE], content=LARGE))
        assert (caught.value.status, caught.value.code) == (503, "disk_nearly_full")
        assert caught.value.retry_after
        await province.submit(document(PROVINCE, [COMMUNE]))
        for writer in uploads:
            writer.transport.abort()
        await until(lambda: intake.reserved == 0)
        await province.submit(document(PROVINCE, [COMMUNE], number="126", content=LARGE))
    assert intake.reserved == 0


async def test_upload_of_unknown_length_reserves_as_it_grows(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who does not say how much comes is promised some, then more, until the disk has no more to promise."""
    app = installation.app
    assert app is not None
    leave_room(app, monkeypatch, 32 * 1024**2)
    writer = await begin_upload(installation, COMMUNE, "Transfer-Encoding: chunked")
    await until(lambda: app.gateway.intake.reserved == 16 * 1024**2)
    writer.write(b"1000000\r\n" + b"x" * 0x1000000 + b"\r\n")
    await until(lambda: app.gateway.intake.reserved == 32 * 1024**2)
    async with installation.client(PROVINCE) as province:
        with pytest.raises(ProblemError, match="disk_nearly_full"):
            await province.submit(document(PROVINCE, [COMMUNE]))
    writer.transport.abort()
    await until(lambda: app.gateway.intake.reserved == 0)


async def test_upload_cancelled_by_the_end_of_the_server_gives_its_disk_back(
    tmp_path: Path, pki_folder: Path
) -> None:
    """The handler is cancelled in the middle of a body; neither bytes nor a promise of them stay."""
    folder = tmp_path / "site"
    folder.mkdir()
    made = await prepare(folder, pki_folder)
    async with made.running() as app:
        writer = await begin_upload(made, COMMUNE, f"Content-Length: {5 * MEGABYTE}")
        writer.write(b"<" + b"x" * MEGABYTE)
        await until(lambda: app.gateway.intake.reserved == 5 * MEGABYTE)
    assert app.gateway.intake.reserved == 0
    assert not list((made.settings.storage.folder / "spool").iterdir())
    writer.transport.abort()


async def test_deliveries_are_what_an_agency_has_a_share_of(tmp_path: Path, pki_folder: Path) -> None:
    """A document costs as many as it has recipients; statuses count too; others have theirs, and may read on."""
    folder = tmp_path / "site"
    folder.mkdir()
    made = await prepare(folder, pki_folder, more="[limits]\ndeliveries_per_second = 1\n")
    async with made.running(), made.client(COMMUNE) as commune, made.client(PROVINCE) as province:
        accepted, refused = 0, None
        while refused is None and accepted < 20:  # ten deliveries at once and one a second
            try:
                await province.submit(document(PROVINCE, [COMMUNE, PUSHED], number=str(accepted)))
                accepted += 1
            except ProblemError as error:
                refused = error
        assert refused is not None
        assert (accepted >= 5, refused.code, bool(refused.retry_after)) == (True, "rate_limited", True)
        assert (await province.limits()).deliveries_per_second == 1
        item = (await commune.inbox()).items[0]
        await commune.post_status(status(COMMUNE, "03", sender=PROVINCE, number=item.number))
        await commune.submit(document(COMMUNE, [PROVINCE]))


async def test_credential_over_its_rate_is_told_when_to_come_back(tmp_path: Path, pki_folder: Path) -> None:
    """429 over TLS with Retry-After and both languages, while another agency is served at once."""
    folder = tmp_path / "site"
    folder.mkdir()
    made = await prepare(folder, pki_folder, more="[limits]\nrequests_per_second = 1\n")
    async with made.running(), made.client(COMMUNE) as commune, made.client(PROVINCE) as province:
        answers = await asyncio.gather(*(commune.limits() for _ in range(10)), return_exceptions=True)
        problems = [answer for answer in answers if isinstance(answer, ProblemError)]
        assert {(each.status, each.code, each.retry_after) for each in problems} == {(429, "rate_limited", 1)}
        assert len(answers) - len(problems) >= 2
        assert (await province.limits()).requests_per_second == 1
