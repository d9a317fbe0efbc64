"""A whole installation for tests: PKI, data folder, three offices and a relay, and the server in this process.

Everything is real: TLS on loopback, SQLite, signatures, the parser's processes. Offices: a province that pulls
(`province`), a commune that pulls (`commune`), a commune that is pushed (`pushed`, its receiver belongs to the
test), and an axis that relays for a ministry.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway.app import Application, run_application
from gateway.client import GatewayClient
from gateway.config import settings as config
from gateway.config.settings import Settings
from gateway.directory.endpoint_changes import UpsertEndpoint, UpsertEndpointOperation
from gateway.directory.importer import import_agencies
from gateway.foundation import Foundation, database_of, open_foundation
from gateway.logs import configure_logs
from gateway.pki import LOOPBACK, DevPki, client_tls_context, make_dev_pki
from gateway.seal.trust import TrustPurpose
from tests.migrated import lay_database

PROVINCE, COMMUNE, PUSHED = "000.00.00.H33", "005.02.01.H33", "006.02.01.H33"
MINISTRY, AXIS, OWN = "000.00.00.G22", "vxp.saas.03", "000.00.99.H33"

CSV = f"""organ_id,qd20_code,name,kind,endpoint
{PROVINCE},H33,UBND tỉnh Kiên Giang,province,province
{COMMUNE},,UBND xã Một,commune,commune
{PUSHED},,UBND xã Hai,commune,pushed
{MINISTRY},G22,Văn phòng Chính phủ,ministry,axis
{AXIS},,Trục liên thông,relay,axis
{OWN},,Trục văn bản tỉnh,agency,
"""


@dataclass(kw_only=True)
class Installation:
    """Where it lies and how to enter it."""

    folder: Path
    pki: DevPki
    settings: Settings
    tokens: dict[str, str] = field(default_factory=dict)
    app: Application | None = None

    def client(self, organ_id: str) -> GatewayClient:
        """A client with the token of one office."""
        assert self.app is not None
        return GatewayClient(
            f"https://localhost:{self.app.port}",
            tls=client_tls_context(self.pki.anchors(TrustPurpose.TLS)),
            token=self.tokens[organ_id],
        )

    async def reads_dialect(self, channel: str, dialect: str) -> None:
        """From now on the system behind that webhook reads nothing else."""
        assert self.app is not None
        base = self.app.foundation
        endpoint = next(item for item in await base.directory.endpoints() if item.name == channel)
        change = UpsertEndpoint(
            name=endpoint.name,
            kind="webhook",
            settings=endpoint.settings,
            capabilities={"dialect": dialect},
            actor="operator:test",
            now=base.clock.now(),
        )
        await base.directory.apply(base.pump, UpsertEndpointOperation(), change)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Application]:
        """The server, started and stopped."""
        logs = configure_logs("warning", "json")
        async with run_application(self.settings, self.folder / "config.toml", logs) as app:
            self.app = app
            yield app
        self.app = None


CONFIG = """
profile = "development"
[server]
host = "127.0.0.1"
port = 0
operations_port = 0
drain_timeout = "2s"
[tls]
certificate = "certs/server.pem"
key = "certs/server.key"
client_anchors = "certs/anchors/tls"
[seal]
certificate = "certs/seal.pem"
key = "certs/seal.key"
anchors = "certs/anchors/seal"
organ_id = "{own}"
[enrolment]
certificate = "certs/authorities/enrolment-ca.pem"
key = "certs/authorities/enrolment-ca.key"
[storage]
folder = "{data}"
min_free_bytes = "1MiB"
[parser]
processes = 1
[delivery]
base = "50ms"
cap = "200ms"
breaker_probe = "100ms"
{more}
"""


def make_pki(folder: Path, names: Sequence[str] = LOOPBACK) -> DevPki:
    """One PKI for a whole test run; `prepare` copies it."""
    return make_dev_pki(folder, now=datetime.now(UTC), server_names=names)


async def prepare(
    folder: Path,
    pki_folder: Path,
    *,
    push_url: str = "https://localhost:1/",
    axis_url: str = "",
    more: str = "",
    data: str = "data",
    timeout_seconds: float = 5,
) -> Installation:
    """Lay out the installation and fill its directory; `data` is its data folder, the time is the receivers'."""
    shutil.copytree(pki_folder, folder / "certs")
    pki = DevPki(folder=folder / "certs")
    text = CONFIG.format(own=OWN, data=data, more=more)
    text = text.replace("certs/server.pem", str(pki.server.certificate)).replace(
        "certs/server.key", str(pki.server.key)
    )
    text = text.replace("certs/seal.pem", str(pki.seal.certificate)).replace("certs/seal.key", str(pki.seal.key))
    text = text.replace("certs/authorities/enrolment-ca.pem", str(pki.enrolment_ca.certificate))
    text = text.replace("certs/authorities/enrolment-ca.key", str(pki.enrolment_ca.key))
    (folder / "config.toml").write_text(text)
    secrets = folder / "secrets"
    secrets.mkdir(mode=0o700)
    for name in ("pushed", "axis"):
        (secrets / name).write_text(f"secret-of-{name}-0123456789abcdef")
        (secrets / name).chmod(0o600)
    made = Installation(folder=folder, pki=pki, settings=config.load(folder / "config.toml"))
    await lay_database(database_of(made.settings))
    async with open_foundation(made.settings, purpose="setup") as base:
        await _fill(made, base, (push_url, axis_url or push_url), timeout_seconds)
    return made


async def _fill(made: Installation, base: Foundation, urls: tuple[str, str], timeout_seconds: float) -> None:
    push_url, axis_url = urls
    now = base.clock.now()
    webhook = {
        "anchors_file": str(made.pki.anchors(TrustPurpose.TLS) / "root.pem"),
        "timeout_seconds": timeout_seconds,
    }
    endpoints: list[tuple[str, str, Mapping[str, object], Mapping[str, object], bool]] = [
        ("province", "inbox", {}, {}, False),
        ("commune", "inbox", {}, {}, False),
        ("pushed", "webhook", webhook | {"url": push_url, "secret_file": "pushed"}, {}, False),
        ("axis", "webhook", webhook | {"url": axis_url, "secret_file": "axis"}, {"fans_out": True}, True),
    ]
    for name, kind, settings, capabilities, is_relay in endpoints:
        change = UpsertEndpoint(
            name=name,
            kind=kind,
            settings=settings,
            capabilities=capabilities,
            is_relay=is_relay,
            actor="operator:test",
            now=now,
        )
        await base.directory.apply(base.pump, UpsertEndpointOperation(), change)
    report = await import_agencies(
        base.directory, base.pump, base.readers, CSV.encode(), actor="operator:test", now=now
    )
    assert not report.problems, report.problems
    for organ_id in (PROVINCE, COMMUNE, PUSHED, AXIS):
        agency = (await base.directory.resolve([organ_id], now))[organ_id]
        token, _ = await base.accounts.issue_token(
            agency.id, label="test", lifetime=timedelta(days=1), actor="operator:test", now=now
        )
        made.tokens[organ_id] = token
