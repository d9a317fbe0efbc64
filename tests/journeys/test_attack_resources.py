"""What one peer, or one machine without any credential, can take from the others: nothing they would notice."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import socket
import ssl
from pathlib import Path

import aiohttp
import pytest

from gateway.app import run_application
from gateway.config.values import Size
from gateway.errors import ProblemError
from gateway.logs import configure_logs
from gateway.mailbox import UNPACKED_AT_ONCE
from gateway.pki import client_tls_context
from gateway.seal.trust import TrustPurpose
from tests.journeys.installation import COMMUNE, PROVINCE, Installation, prepare
from tests.journeys.messages import document


def tls_of(installation: Installation) -> ssl.SSLContext:
    """What a client trusts."""
    return client_tls_context(installation.pki.anchors(TrustPurpose.TLS))


async def test_one_address_cannot_take_every_connection(tmp_path: Path, pki_folder: Path) -> None:
    """A machine that opens connections and says nothing is stopped at its share; others come in."""
    folder = tmp_path / "site"
    folder.mkdir()
    made = await prepare(folder, pki_folder)
    server = dataclasses.replace(made.settings.server, max_connections_per_address=3)
    settings = dataclasses.replace(made.settings, server=server)
    async with run_application(settings, folder / "config.toml", configure_logs("error", "json")) as app:
        made.app = app
        held = [await asyncio.open_connection("localhost", app.port, ssl=tls_of(made)) for _ in range(3)]
        refused, refused_writer = await asyncio.open_connection("localhost", app.port, ssl=tls_of(made))
        assert b"server_busy" in await refused.read()
        other = aiohttp.TCPConnector(local_addr=("127.0.0.2", 0), ssl=tls_of(made), family=socket.AF_INET)
        headers = {"Authorization": f"Bearer {made.tokens[COMMUNE]}"}
        async with (
            aiohttp.ClientSession(connector=other, headers=headers) as session,
            session.get(f"https://localhost:{app.port}/api/v1/limits") as response,
        ):
            assert response.status == 200
        for _, writer in (*held, (refused, refused_writer)):
            writer.transport.abort()


async def test_address_that_opens_connections_too_fast_is_cut_off_before_the_handshake(
    tmp_path: Path, pki_folder: Path
) -> None:
    """Handshakes cost as much as documents, so one machine begins so many a second; others notice nothing."""
    folder = tmp_path / "site"
    folder.mkdir()
    made = await prepare(folder, pki_folder)
    server = dataclasses.replace(made.settings.server, max_connections_per_address=3)
    settings = dataclasses.replace(made.settings, server=server)
    async with run_application(settings, folder / "config.toml", configure_logs("error", "json")) as app:
        made.app = app
        context, cut_off = tls_of(made), 0
        for _ in range(1000):
            try:
                _, writer = await asyncio.open_connection("localhost", app.port, ssl=context)
            except OSError:
                cut_off += 1
                if cut_off > 10:
                    break
            else:
                writer.transport.abort()
        assert cut_off > 10
        _, writer = await asyncio.open_connection("localhost", app.port, ssl=context, local_addr=("127.0.0.3", 0))
        writer.transport.abort()


async def test_client_that_leaves_its_event_stream_is_no_error_of_ours(
    capfd: pytest.CaptureFixture[str], installation: Installation
) -> None:
    """Nobody fills the log with tracebacks by hanging up."""
    assert installation.app is not None
    request = (
        "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: Bearer {installation.tokens[COMMUNE]}\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection("localhost", installation.app.port, ssl=tls_of(installation))
    writer.write(request.encode())
    await reader.readuntil(b"retry:")
    writer.transport.abort()
    async with installation.client(PROVINCE) as province, installation.client(COMMUNE) as commune:
        while installation.app.metrics.event_streams._value.get():
            await province.submit(document(PROVINCE, [COMMUNE], number=str(len((await commune.inbox()).items) + 1)))
            item = (await commune.inbox()).items[0].id
            await commune.content(item)
    assert "request.failed" not in capfd.readouterr().err


async def test_unpacked_attachments_need_room_and_are_few_at_once(installation: Installation) -> None:
    """Readers cannot fill the disk with unpacked copies: room is asked for, and their number is bounded."""
    assert installation.app is not None
    mailbox, intake = installation.app.gateway.mailbox, installation.app.gateway.intake
    async with installation.client(PROVINCE) as province, installation.client(COMMUNE) as commune:
        await province.submit(document(PROVINCE, [COMMUNE]))
        item = (await commune.inbox(wait=5)).items[0].id
        intake._min_free = Size(1 << 60)
        with pytest.raises(ProblemError) as caught:
            await commune.attachment(item, 1)
        assert caught.value.code == "disk_nearly_full"
        intake._min_free = Size(0)
        base = installation.app.foundation
        found = (await base.directory.resolve([COMMUNE], base.clock.now()))[COMMUNE]
        credential = (await base.readers.fetch("credential_list_of_agency", (found.id,)))[0][0]
        mailbox._unpacked[credential] = UNPACKED_AT_ONCE
        with pytest.raises(ProblemError) as caught:
            await commune.attachment(item, 1)
        assert caught.value.code == "rate_limited"
        del mailbox._unpacked[credential]
        await commune.attachment(item, 1)
    assert not mailbox._unpacked


async def test_uploads_that_break_off_leave_nothing(installation: Installation) -> None:
    """A sender that hangs up in the middle, again and again, leaves no file behind."""
    assert installation.app is not None
    head = (
        "POST /api/v1/documents HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/xml\r\n"
        f"Authorization: Bearer {installation.tokens[COMMUNE]}\r\nContent-Length: 5000000\r\n\r\n"
    )
    spool = installation.settings.storage.folder / "spool"
    for _ in range(5):
        _, writer = await asyncio.open_connection("localhost", installation.app.port, ssl=tls_of(installation))
        writer.write(head.encode() + b"x" * 1_000_000)
        await writer.drain()
        writer.transport.abort()
    async with asyncio.timeout(60):
        while installation.app.lifecycle.active or list(spool.iterdir()):  # noqa: ASYNC110 - no signal for it
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("declaration", ['a{}="x"', 'xmlns:a{}="u{}"'])
async def test_element_with_very_many_attributes_is_refused_at_once(
    installation: Installation, declaration: str
) -> None:
    """What costs its square in the XML library never gets that far: a small file cannot hold up the parsers."""
    many = " ".join(declaration.format(number, number) for number in range(40_000))
    body = document(COMMUNE, [PROVINCE]).replace(b"<edXML ", b"<edXML " + many.encode() + b" ", 1)
    async with installation.client(COMMUNE) as commune:
        async with asyncio.timeout(20):
            with pytest.raises(ProblemError) as caught:
                await commune.submit(body)
        assert caught.value.code == "xml_limits_exceeded"


async def test_cursor_that_no_database_holds_is_refused(installation: Installation) -> None:
    """A forged cursor is a wrong parameter, not an error of the server."""
    async with installation.client(COMMUNE) as commune:
        for number in ("9" * 30, "-1", "1_0"):
            forged = base64.urlsafe_b64encode(f"i{number}".encode()).decode().rstrip("=")
            with pytest.raises(ProblemError) as caught:
                await commune.inbox(cursor=forged)
            assert caught.value.code == "parameter_invalid"
