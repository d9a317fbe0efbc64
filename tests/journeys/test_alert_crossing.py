"""The gateway is killed between a mail server's acceptance and our record of it."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from gateway.admin.alerts import SetAlerts
from gateway.client import GatewayClient
from gateway.commands.acting import ask
from gateway.config import settings as config
from gateway.foundation import DATABASE
from gateway.pki import client_tls_context
from gateway.seal.trust import TrustPurpose
from gateway.simulate.layout import free_ports
from tests.adapters.mail_server import ACCOUNT, PASSWORD, serving
from tests.crash.kill_process import Gateway
from tests.journeys.crossing import Site
from tests.journeys.installation import COMMUNE, PROVINCE, Installation, prepare
from tests.journeys.messages import document
from tests.journeys.receiver import Receiver

pytestmark = pytest.mark.slow

_ADDRESS = "vanthu@xa.example.vn"
_SECONDS = 60


async def test_a_notice_is_not_doubled_without_a_trace(
    tmp_path: Path, pki_folder: Path, receiver: Receiver
) -> None:
    """The second mail says that it may be one, and the ledger shows an attempt of which nobody knows the end."""
    async with serving(receiver.context()) as server:
        site, installation = await _prepared(tmp_path, pki_folder, server.port)
        first = await Gateway.start(site, forked=True)
        assert await first.ready()
        server.taken = first.kill
        await ask(installation.settings, "alerts", SetAlerts(organ_id=COMMUNE, mail=[_ADDRESS], reason="kiểm thử"))
        await _submit(installation)
        async with asyncio.timeout(_SECONDS):
            assert await first.gone() < 0
        assert _rows(site) == ([("sending", 0)], [None])
        server.taken = None
        second = await Gateway.start(site, forked=True)
        try:
            assert await second.ready()
            mails = await server.wait_for(2, _SECONDS)
            async with asyncio.timeout(_SECONDS):
                await _until(lambda: _is_sent(site))
        finally:
            second.terminate()
            await second.gone()
    assert [mail.to for mail in mails] == [[_ADDRESS]] * 2
    assert ["bản gửi lại" in mail.message.get_content() for mail in mails] == [False, True]
    assert mails[0].message["Message-ID"] == mails[1].message["Message-ID"]
    assert _rows(site) == ([("sent", 1)], ["unknown", "sent"])


async def test_a_mail_server_that_is_away_stops_nothing(
    tmp_path: Path, pki_folder: Path, receiver: Receiver
) -> None:
    """Documents are accepted and fetched meanwhile, and the alert waits."""
    async with serving(receiver.context()) as server:
        port = server.port
    site, installation = await _prepared(tmp_path, pki_folder, port)
    running = await Gateway.start(site, forked=True)
    try:
        assert await running.ready()
        await ask(installation.settings, "alerts", SetAlerts(organ_id=COMMUNE, mail=[_ADDRESS], reason="kiểm thử"))
        await _submit(installation)
        async with asyncio.timeout(_SECONDS):
            await _until(lambda: _has_failed(site))
        async with _client(installation, COMMUNE) as commune:
            assert len((await commune.inbox(wait=5)).items) == 1
    finally:
        running.terminate()
        await running.gone()


async def _prepared(tmp_path: Path, pki_folder: Path, mail_port: int) -> tuple[Site, Installation]:
    folder = tmp_path / "site"
    folder.mkdir()
    anchors = folder / "certs" / "anchors" / "tls" / "root.pem"
    mail = (
        f'[mail]\nhost = "localhost"\nport = {mail_port}\nanchors = "{anchors}"\nusername = "{ACCOUNT}"\n'
        'password_file = "mail"\nsender = "truc@vanban.example.vn"\nbounces = "bounce@vanban.example.vn"\n'
        'wait = "0s"\ndigest_at = "23:59"\n'
    )
    installation = await prepare(folder, pki_folder, more=mail)
    password = folder / "secrets" / "mail"
    password.write_text(PASSWORD)
    password.chmod(0o600)
    port, operations = free_ports(2)
    path = folder / "config.toml"
    text = path.read_text().replace("\nport = 0\n", f"\nport = {port}\n", 1)
    path.write_text(re.sub(r"operations_port = 0", f"operations_port = {operations}", text))
    installation.settings = config.load(path)
    return Site(folder=folder, config=path), installation


def _client(installation: Installation, organ_id: str) -> GatewayClient:
    return GatewayClient(
        f"https://localhost:{installation.settings.server.port}",
        tls=client_tls_context(installation.pki.anchors(TrustPurpose.TLS)),
        token=installation.tokens[organ_id],
    )


async def _submit(installation: Installation) -> None:
    async with _client(installation, PROVINCE) as province:
        await province.submit(document(PROVINCE, [COMMUNE]))


async def _until(question: Callable[[], bool]) -> None:
    while not question():  # noqa: ASYNC110  # another process's row has no event to wait for
        await asyncio.sleep(0.1)


def _is_sent(site: Site) -> bool:
    return _rows(site)[0] == [("sent", 1)]


def _has_failed(site: Site) -> bool:
    return "deferred" in _rows(site)[1]


def _rows(site: Site) -> tuple[list[tuple[str, int]], list[str | None]]:
    """(state, doubted) of the alerts, and how the attempts ended."""
    with closing(sqlite3.connect(f"file:{site.folder / 'data' / DATABASE}?mode=ro", uri=True)) as ledger:
        alerts = ledger.execute("SELECT state, doubted FROM alert WHERE delivery_id IS NOT NULL").fetchall()
        attempts = ledger.execute("SELECT outcome FROM alert_attempt ORDER BY started_at").fetchall()
    return alerts, [row[0] for row in attempts]
