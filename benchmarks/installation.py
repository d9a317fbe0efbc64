"""The installation under test: development PKI, configuration, 145 pushed offices, a directory of any size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from benchmarks.papers import Office
from gateway.config import settings as config
from gateway.data.catalogue import write_catalogue
from gateway.directory.endpoint_changes import UpsertEndpoint, UpsertEndpointOperation
from gateway.directory.importer import import_agencies
from gateway.foundation import Foundation, open_foundation
from gateway.fsio import write_durably
from gateway.pki import LOOPBACK, DevPki, issue_client, issue_server, make_dev_pki
from gateway.seal.trust import TrustPurpose
from gateway.simulate.layout import free_ports

OFFICES = 145
PROVINCE = Office(code="000.00.00.H90", name="UBND tỉnh")
COMMUNES = tuple(
    Office(code=f"{number:03}.01.01.H90", name=f"UBND xã {number}") for number in range(1, OFFICES + 1)
)
_OWN = "000.00.99.H90"
_ACTOR = "operator:bench"

_CONFIG = """
profile = "development"
[server]
port = {port}
operations_port = {operations_port}
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
certificate = "certs/enrolment-ca.pem"
key = "certs/enrolment-ca.key"
[storage]
min_free_bytes = "1MiB"
[limits]
requests_per_second = 10000
deliveries_per_second = 100000
requests_at_once = 2000
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """A prepared installation."""

    folder: Path
    pki: DevPki
    port: int
    operations_port: int

    @property
    def config(self) -> Path:
        """Its configuration file."""
        return self.folder / "config.toml"


def prepare(folder: Path, names: Sequence[str] = LOOPBACK) -> Site:
    """PKI and configuration; the settings are the defaults, but for ports and paths. `names`: of all servers."""
    pki = make_dev_pki(folder / "certs", now=datetime.now(UTC), server_names=names)
    issue_client(pki.folder, "province", PROVINCE.code, now=datetime.now(UTC))
    issue_server(pki.folder, "receiver", now=datetime.now(UTC), names=names)
    port, operations_port = free_ports(2)
    site = Site(folder=folder, pki=pki, port=port, operations_port=operations_port)
    text = _CONFIG.format(port=port, operations_port=operations_port, own=_OWN)
    site.config.write_text(text, encoding="utf-8")
    (folder / "secrets").mkdir(mode=0o700)
    write_durably(folder / "secrets" / "receiver", b"secret-of-the-benchmark-0123456789")
    return site


async def fill(
    site: Site,
    *,
    receiver_port: int,
    agencies: int,
    progress: Callable[[str, int, int], None],
    at: Callable[[int], str] = lambda _: "localhost",
) -> None:
    """The directory: offices with their endpoints, and a national catalogue of `agencies` beside them.

    `at` is the host of an office and, after a colon, its port, if that is not the receivers'.
    """
    async with open_foundation(config.load(site.config), purpose="setup") as base:
        now = base.clock.now()
        for number, name in enumerate(("province", *(each.code for each in COMMUNES))):
            change = UpsertEndpoint(
                name=name,
                kind="webhook" if number else "inbox",
                settings=_webhook(site, receiver_port, at(number), number) if number else {},
                actor=_ACTOR,
                now=now,
            )
            await base.directory.apply(base.pump, UpsertEndpointOperation(), change)
        await _import(base, _own_agencies(), progress)
        if agencies:
            catalogue = site.folder / "catalogue.csv"
            write_catalogue(catalogue, agencies)
            await _import(base, catalogue.read_bytes(), progress)
        await record_certificate(site, base, "province", PROVINCE)


def _webhook(site: Site, port: int, at: str, number: int) -> dict[str, object]:
    return {
        "url": f"https://{at if ':' in at else f'{at}:{port}'}/offices/{number}",
        "secret_file": "receiver",
        "anchors_file": str(site.pki.anchors(TrustPurpose.TLS) / "root.pem"),
    }


def _own_agencies() -> bytes:
    lines = ["organ_id,name,kind,endpoint", f"{PROVINCE.code},{PROVINCE.name},province,province"]
    lines += [f"{each.code},{each.name},commune,{each.code}" for each in COMMUNES]
    lines += [f"{_OWN},Trục văn bản tỉnh,agency,"]
    return "\n".join(lines).encode()


async def _import(base: Foundation, data: bytes, progress: Callable[[str, int, int], None]) -> None:
    now = base.clock.now()
    report = await import_agencies(
        base.directory, base.pump, base.readers, data, actor=_ACTOR, now=now, progress=progress
    )
    if report.problems:
        raise RuntimeError(f"the directory was not taken: {report.problems[0]}")


async def record_certificate(site: Site, base: Foundation, name: str, office: Office) -> None:
    """An office's client certificate counts from now on."""
    now = base.clock.now()
    agency = (await base.directory.resolve([office.code], now))[office.code]
    pem = site.pki.client(name).certificate.read_bytes()
    der = x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)
    await base.accounts.record_certificate(
        agency.id,
        sha256(der).hexdigest(),
        expires_at=now + timedelta(days=1),
        label="bench",
        actor=_ACTOR,
        now=now,
    )
