"""The server's certificate comes from a CA by ACME, is renewed as it runs, and a CA's mistake changes nothing."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from gateway.acme.fit import due_at
from gateway.acme.order import order
from gateway.app import Application
from gateway.clock import SystemClock
from gateway.config import settings as config
from gateway.errors import RenewalError
from gateway.maintenance.renewer import Renewal, Renewer, renew_apart
from gateway.observe import Metrics
from gateway.pki import DevPki
from gateway.seal.trust import TrustPurpose
from gateway.simulate.layout import free_ports
from tests.acme_ca import AcmeCa
from tests.journeys.installation import Installation, prepare

NAME = "docs.example.vn"


@pytest.fixture
async def ca(pki_folder: Path) -> AsyncIterator[AcmeCa]:
    """A CA that asks where the gateway answers."""
    async with AcmeCa(port=free_ports(1)[0]).running(DevPki(folder=pki_folder).server) as made:
        yield made


async def _site(ca: AcmeCa, tmp_path: Path, pki_folder: Path, more: str = "") -> Installation:
    folder = tmp_path / "site"
    folder.mkdir()
    root = DevPki(folder=pki_folder).anchors(TrustPurpose.TLS) / "root.pem"
    assert root.exists()
    text = f"""
[acme]
directory = "{ca.url}/directory"
anchors = "{root}"
names = ["{NAME}"]
contact = "it@example.vn"
host = "127.0.0.1"
port = {ca.port}
{more}
"""
    return await prepare(folder, pki_folder, more=text)


def _leaf(made: Installation) -> x509.Certificate:
    return x509.load_pem_x509_certificates(made.settings.tls.certificate.read_bytes())[0]


async def _renewed(made: Installation) -> Renewal:
    return await renew_apart(made.folder / "config.toml")


async def _refusal(made: Installation) -> str:
    settings = config.load(made.folder / "config.toml")
    with pytest.raises(RenewalError) as caught:
        await asyncio.to_thread(order, settings.acme, settings.tls, datetime.now(UTC))
    return str(caught.value)


async def test_certificate_is_ordered_once_and_for_the_key_that_is_there(
    ca: AcmeCa, tmp_path: Path, pki_folder: Path
) -> None:
    """The one in place lacks the name; the next look finds nothing to do, and asks the CA for nothing."""
    made = await _site(ca, tmp_path, pki_folder)
    key = made.settings.tls.key.read_bytes()
    done = await _renewed(made)
    assert (done.ok, done.renewed) == (True, True), done
    assert made.settings.tls.key.read_bytes() == key
    names = _leaf(made).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [NAME]
    assert ca.contacts == ["mailto:it@example.vn"]
    assert made.settings.acme.account_key.stat().st_mode & 0o077 == 0
    again = await _renewed(made)
    assert (again.ok, again.renewed, len(ca.orders)) == (True, False, 1)
    due, _ = due_at(made.settings.tls.certificate, [NAME], timedelta(days=30))
    assert due is not None
    assert timedelta(days=59) < due - datetime.now(UTC) < timedelta(days=61)


async def test_running_server_shows_the_new_certificate_and_the_account_is_used_again(
    ca: AcmeCa, tmp_path: Path, pki_folder: Path
) -> None:
    """No restart; a file that was spoilt is mended by the same account."""
    made = await _site(ca, tmp_path, pki_folder)
    async with made.running() as app:
        await _looked(app)
        assert app.renewer.condition.words.startswith("a certificate"), app.renewer.condition.words
        shown = await _shown(app.port)
        assert shown == _leaf(made)
        assert app.tls_ends_at == shown.not_valid_after_utc
        made.settings.tls.certificate.write_bytes(b"")
        await app.renewer.run_once()
        assert (len(ca.orders), len(ca.accounts)) == (2, 1)
        assert await _shown(app.port) == _leaf(made) != shown


async def _looked(app: Application) -> None:
    """The duty's own first look, which begins with the server."""
    async with asyncio.timeout(60):
        while app.renewer.condition.words == "not looked yet":  # noqa: ASYNC110 - it is told to no one
            await asyncio.sleep(0.05)


async def _shown(port: int) -> x509.Certificate:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    try:
        der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    finally:
        writer.close()
        await writer.wait_closed()
    return x509.load_der_x509_certificate(der)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("limited", "rateLimited: too many certificates"),
        ("other_key", "for another key"),
        ("other_name", f"lacks {NAME}"),
        ("expired", "is not valid now"),
        ("garbage", "no certificate"),
        ("page", "gave no certificate"),
        ("elsewhere", "could not prove by HTTP"),
        ("down", "gave no certificate"),
    ],
)
async def test_what_goes_wrong_is_told_and_the_old_certificate_stays(
    ca: AcmeCa, tmp_path: Path, pki_folder: Path, fault: str, told: str
) -> None:
    """Every mistake of the CA, and of the way to it."""
    made = await _site(ca, tmp_path, pki_folder)
    if fault == "elsewhere":
        ca.port = 1
    elif fault == "down":
        text = (made.folder / "config.toml").read_text()
        (made.folder / "config.toml").write_text(text.replace(ca.url, "https://localhost:1"))
    ca.fault = fault
    before = made.settings.tls.certificate.read_bytes()
    assert told in await _refusal(made)
    assert made.settings.tls.certificate.read_bytes() == before
    assert not [each for each in made.settings.tls.certificate.parent.iterdir() if each.name.startswith("tmp")]


async def test_port_that_is_taken_is_named(ca: AcmeCa, tmp_path: Path, pki_folder: Path) -> None:
    """An operator sees which setting it is."""
    made = await _site(ca, tmp_path, pki_folder)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", ca.port))
        taken.listen()
        assert f"127.0.0.1:{ca.port} ([acme] host, port)" in await _refusal(made)


@pytest.mark.parametrize("right", [True, False])
async def test_external_account(ca: AcmeCa, tmp_path: Path, pki_folder: Path, *, right: bool) -> None:
    """Where the CA wants one; the key comes from a file that others may not read."""
    ca.external = ("agency-7", "c2VjcmV0LW9mLXRoZS1hY2NvdW50LTEyMzQ1Njc4OTA")
    file = tmp_path / "hmac.key"
    file.write_text(ca.external[1] if right else "b3RoZXItb3RoZXItb3RoZXItb3RoZXItb3RoZXItMTI")
    file.chmod(0o600)
    made = await _site(ca, tmp_path, pki_folder, f'key_id = "agency-7"\nhmac_key = "{file}"')
    if not right:
        assert "externalAccountRequired" in await _refusal(made)
        return
    done = await _renewed(made)
    assert (done.ok, done.renewed) == (True, True), done


async def test_failing_renewal_is_shown_and_tried_ever_more_slowly() -> None:
    """By the metric, and by what /readyz and doctor tell; the first success ends it."""
    answers = [Renewal(ok=False, detail="down")] * 7 + [Renewal(ok=True, renewed=True, detail="in place")]
    taken: list[int] = []

    async def renew() -> Renewal:
        return answers.pop(0)

    metrics = Metrics()
    renewer = Renewer(
        renew, lambda: taken.append(1), usual=timedelta(hours=12), is_set=True, clock=SystemClock(), metrics=metrics
    )
    waits = []
    for _ in range(7):
        await renewer.run_once()
        waits.append(renewer.every / timedelta(hours=1))
    assert waits == [1, 2, 4, 8, 16, 24, 24]
    assert renewer.condition.words.endswith(": down")
    assert metrics.renewal_failing._value.get() == 1
    assert not taken
    await renewer.run_once()
    assert (renewer.every, renewer.condition.words, taken) == (timedelta(hours=12), "in place", [1])
    assert metrics.renewal_failing._value.get() == 0
