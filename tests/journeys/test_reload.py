"""Certificates exchanged while the server runs: taken when they are fit, else the old ones go on."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from gateway.app import Application
from gateway.client import GatewayClient
from gateway.errors import ConfigError
from gateway.pki import issue_server, make_dev_pki
from gateway.seal.trust import TrustPurpose
from tests.journeys.installation import COMMUNE, PROVINCE, Installation, prepare
from tests.journeys.messages import document
from tests.journeys.test_fsck import examined


async def signer_of(client: GatewayClient, number: str) -> str:
    """The sealing certificate, as the receipt of a new document has it."""
    accepted = await client.submit(document(PROVINCE, [COMMUNE], number=number))
    _, receipt = await client.receipt(accepted.id)
    return receipt.decode().partition("<ds:X509Certificate>")[2].partition("</ds:X509Certificate>")[0]


def exchanged(installation: Installation, folder: Path) -> None:
    """The sealing key and certificate of another PKI lie in the old ones' place, its root beside the old root."""
    other = make_dev_pki(folder, now=datetime.now(UTC))
    for ours, theirs in (
        (installation.pki.seal.key, other.seal.key),
        (installation.pki.seal.certificate, other.seal.certificate),
    ):
        ours.write_bytes(theirs.read_bytes())
    root = (other.anchors(TrustPurpose.SEAL) / "root.pem").read_bytes()
    (installation.pki.anchors(TrustPurpose.SEAL) / "new-root.pem").write_bytes(root)


async def test_unfit_sealing_key_is_refused_and_the_old_one_goes_on(
    installation: Installation, tmp_path: Path
) -> None:
    """An operator's mistake costs no document."""
    assert installation.app is not None
    async with installation.client(PROVINCE) as province:
        before = await signer_of(province, "204")
        exchanged(installation, tmp_path / "other")
        installation.pki.seal.key.chmod(0o640)
        with pytest.raises(ConfigError, match="chmod 600"):
            await installation.app.reload()
        assert await signer_of(province, "205") == before


async def test_new_sealing_key_is_taken_by_a_reload(tmp_path: Path, pki_folder: Path) -> None:
    """Receipts before it are the old key's, those after it the new one's, and fsck confirms both."""
    folder = tmp_path / "site"
    folder.mkdir()
    made = await prepare(folder, pki_folder)
    async with made.running() as app, made.client(PROVINCE) as province:
        before = await signer_of(province, "206")
        exchanged(made, tmp_path / "other")
        assert await signer_of(province, "207") == before
        await app.reload()
        assert await signer_of(province, "208") != before
    report = await asyncio.to_thread(examined, folder)
    assert [item.code for item in report.findings] == []


async def test_tls_certificate_near_its_end_alarms_until_the_renewed_one_is_in_use(
    tmp_path: Path, pki_folder: Path
) -> None:
    """A new file alone renews nothing; after the reload new connections get it, and open ones go on."""
    folder = tmp_path / "site"
    folder.mkdir()
    made = await prepare(folder, pki_folder)
    written(made, datetime.now(UTC) - timedelta(days=398 - 10))
    async with made.running() as app, made.client(PROVINCE) as province:
        before = await signer_of(province, "301")
        assert 9 < await days_left(app) < 11
        written(made, datetime.now(UTC))
        assert 9 < await days_left(app) < 11
        await app.reload()
        assert await days_left(app) > 380
        assert await signer_of(province, "302") == before


def written(made: Installation, issued_at: datetime) -> None:
    """The server's certificate, issued then, in place of the one there."""
    pair = issue_server(made.pki.folder, f"at{issued_at:%Y%m%d}", now=issued_at)
    made.pki.server.key.write_bytes(pair.key.read_bytes())
    made.pki.server.certificate.write_bytes(pair.certificate.read_bytes())


async def days_left(app: Application) -> float:
    """As Prometheus reads it."""
    url = f"http://127.0.0.1:{app.operations_port}/metrics"
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        text = await response.text()
    (line,) = [
        each for each in text.splitlines() if each.startswith('gateway_certificate_days_left{purpose="tls"}')
    ]
    return float(line.split()[-1])
