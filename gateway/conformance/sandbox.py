"""Lays the sandbox out: keys, settings, a directory of test agencies, credentials. Everything in one folder.

The developer's agency and the test offices are marked as sandbox, so nothing could leave even if the folder were
pointed at real channels. Tokens and secrets are files of mode 0600; `access.json` names what a script needs.
"""

from __future__ import annotations

import asyncio
import csv
import io
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

import msgspec

from gateway.admin.bindings import IssueSecret, issue_secret
from gateway.admin.conformance_runs import ACCESS
from gateway.clock import Clock
from gateway.config import settings as config
from gateway.conformance.exposure import Exposure
from gateway.conformance.offices import OFFICES
from gateway.conformance.places import Place
from gateway.conformance.placing import Ground, Pushed, make_place
from gateway.conformance.xroad import SYSTEM
from gateway.directory.changes import AddRepresentation, AddRepresentationOperation
from gateway.directory.endpoint_changes import UpsertEndpoint, UpsertEndpointOperation
from gateway.directory.importer import import_agencies
from gateway.errors import EnvironmentRefusedError
from gateway.foundation import Foundation, open_foundation
from gateway.fsio import write_durably
from gateway.model import AgencyId
from gateway.pki import LOOPBACK, make_dev_pki
from gateway.seal.trust import TrustPurpose
from gateway.simulate.layout import Layout, free_ports
from gateway.simulate.province import GATEWAY
from gateway.simulate.stage import CONFIG

VENDOR_NAME: Final = "Phần mềm của nhà cung cấp (thử nghiệm)"
#: The agency whose credential speaks for all test offices.
HOSTING: Final = "don-vi-thu.H33"
_ACTOR: Final = "operator:conformance"
_WHY: Final = "conformance sandbox"
_LIFETIME: Final = timedelta(days=30)
#: The channel of the system under test.
VENDOR_ENDPOINT: Final = "nha-cung-cap"
_OFFICES_ENDPOINT: Final = "don-vi-thu"
#: Protocols in which it calls a place of its own.
_MET: Final = frozenset({"lgsp", "xroad", "xroad-service"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Sandbox:
    """What was laid out."""

    layout: Layout
    organ_id: str
    url: str
    operations_url: str
    #: CAs that the server's certificate leads to, as a folder and as one file.
    anchors: Path
    ca_file: Path
    token: str
    offices_token: str
    #: For protocols with a shared secret: base_url, system_id, secret_file.
    shared: dict[str, str]
    #: Where the system and the gateway meet, if not at the gateway's own REST.
    place: Place | None

    @property
    def access_file(self) -> Path:
        """What a script needs, as JSON; it appears once the gateway answers."""
        return self.layout.folder / ACCESS

    @property
    def admin_socket(self) -> Path:
        """Of the running gateway."""
        return config.load(self.layout.config).server.admin_socket

    def open_for_scripts(self) -> None:
        """Say how to get in, now that somebody answers there."""
        write_durably(self.access_file, msgspec.json.format(msgspec.json.encode(self.access())))

    def access(self) -> dict[str, str]:
        """Where to go, and with what: paths of files, no secret."""
        folder = self.layout.simulate
        return {
            "organ_id": self.organ_id,
            "rest_url": f"{self.url}/api/v1",
            "token_file": str(folder / "vendor.token"),
            "ca_file": str(self.ca_file),
            **{f"offices.{office.key}": office.code for office in OFFICES},
            **self.shared,
        }


class _Desk:
    """The data folder before a server has it."""

    def __init__(self, foundation: Foundation) -> None:
        self.foundation = foundation

    def requeued(self, agencies: Iterable[AgencyId]) -> None:
        """Nobody waits."""

    def poll(self, endpoint_id: str) -> int:  # noqa: ARG002
        """Nothing is polled yet."""
        return 0


async def lay_out(
    folder: Path,
    organ_id: str,
    *,
    exposure: Exposure,
    port: int,
    pushed: Pushed | None,
    binding: str,
    clock: Clock,
) -> Sandbox:
    """Everything up to the first start, in an absolute folder of our own."""
    layout = Layout(folder=folder)
    await asyncio.to_thread(layout.renew)
    free = free_ports(4)
    # where the system under test calls, which is not always the gateway's own REST
    chosen, met = (free[0], port or free[3]) if binding in _MET else (port or free[0], free[3])
    names = tuple(dict.fromkeys((*LOOPBACK, exposure.host)))
    pki = await asyncio.to_thread(make_dev_pki, layout.pki, now=clock.now(), server_names=names)
    text = CONFIG.format(
        port=chosen, operations_port=free[1], bindings_port=free[2], organ_id=GATEWAY, witnesses=""
    )
    write_durably(layout.config, _opened(text, exposure).encode())
    hook = pushed if binding == "webhook" else None
    secret_name = await asyncio.to_thread(_share, layout, hook)
    ground = Ground(
        layout=layout,
        exposure=exposure,
        pki=pki,
        clock=clock,
        organ_id=organ_id,
        port=met,
        bindings_url=exposure.url(free[2]),
        pushed=pushed,
    )
    place = await make_place(binding, ground)
    async with open_foundation(config.load(layout.config), clock=clock, purpose="conformance") as base:
        await _fill(base, organ_id, place.channel if place is not None else _channel(hook, secret_name))
        token = await _token(base, organ_id, exposure.networks)
        offices_token = await _token(base, HOSTING, exposure.own_networks)
        shared = await _secret(base, layout, organ_id, exposure.networks) if binding == "vxp" else {}
        if binding == "xroad":
            await _name_member(base, organ_id, exposure.own_networks)
    if place is not None:
        shared |= place.access
    if hook is not None:
        shared["webhook_secret_file"] = str(layout.secrets / secret_name)
    write_durably(layout.simulate / "vendor.token", token.encode())
    anchors = pki.anchors(TrustPurpose.TLS)
    return Sandbox(
        layout=layout,
        organ_id=organ_id,
        url=exposure.url(chosen),
        operations_url=f"http://127.0.0.1:{free[1]}",
        anchors=anchors,
        ca_file=anchors / "root.pem",
        token=token,
        offices_token=offices_token,
        shared=shared,
        place=place,
    )


def _opened(text: str, exposure: Exposure) -> str:
    """The configuration on the one address that was asked for, by the name that the developer's machine knows."""
    if exposure.host == "localhost":
        return text
    for section in ("[server]\n", "[bindings]\n"):
        text = text.replace(section, f'{section}host = "{exposure.address}"\n')
    return text.replace('public_url = "https://localhost:', f'public_url = "{exposure.url(0).removesuffix("0")}')


def _share(layout: Layout, pushed: Pushed | None) -> str:
    """The name of the file with the webhook's secret: the developer's own, or a new one."""
    if pushed is None:
        return ""
    secret = pushed.secret_file.read_bytes().strip() if pushed.secret_file else secrets.token_hex(32).encode()
    write_durably(layout.secrets / "vendor", secret)
    return "vendor"


def _channel(pushed: Pushed | None, secret_name: str) -> tuple[str, dict[str, object]]:
    """Kind and settings of the channel of the system under test."""
    if pushed is None:
        return "inbox", {}
    settings = {"url": pushed.url, "secret_file": secret_name, "allow_internal": True, "timeout_seconds": 30}
    if pushed.url.startswith("http://"):
        settings["allow_plain"] = True
    if pushed.anchors is not None:
        settings["anchors_file"] = str(pushed.anchors.resolve())
    return "webhook", settings


async def _fill(base: Foundation, organ_id: str, channel: tuple[str, dict[str, object]]) -> None:
    now = base.clock.now()
    for name, (kind, more) in ((VENDOR_ENDPOINT, channel), (_OFFICES_ENDPOINT, ("inbox", {}))):
        change = UpsertEndpoint(name=name, kind=kind, settings=more, actor=_ACTOR, now=now)
        await base.directory.apply(base.pump, UpsertEndpointOperation(), change)
    rows = [
        _row(organ_id, VENDOR_NAME, "agency", VENDOR_ENDPOINT),
        *(_row(office.code, f"Đơn vị thử: {office.words.vi}", "agency", _OFFICES_ENDPOINT) for office in OFFICES),
        _row(HOSTING, "Hệ thống của các đơn vị thử", "system", _OFFICES_ENDPOINT),
        _row(GATEWAY, "Trục liên thông (thử nghiệm)", "system", ""),
    ]
    data = _csv(rows)
    report = await import_agencies(base.directory, base.pump, base.readers, data, actor=_ACTOR, now=now)
    if report.problems:
        raise EnvironmentRefusedError(f"{organ_id} cannot be an agency's code: {report.problems[0].en}")
    agencies = await base.directory.resolve([HOSTING, *(office.code for office in OFFICES)], now)
    for office in OFFICES:
        representation = AddRepresentation(
            agent_id=agencies[HOSTING].id,
            principal_id=agencies[office.code].id,
            start=now,
            end=None,
            actor=_ACTOR,
            now=now,
        )
        await base.pump.submit(AddRepresentationOperation(), representation)


def _row(code: str, name: str, kind: str, endpoint: str) -> dict[str, str]:
    return {"organ_id": code, "name": name, "kind": kind, "endpoint": endpoint, "sandbox": "yes"}


def _csv(rows: list[dict[str, str]]) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


async def _token(base: Foundation, organ_id: str, networks: tuple[str, ...]) -> str:
    now = base.clock.now()
    agency = (await base.directory.resolve([organ_id], now))[organ_id]
    token, _ = await base.accounts.issue_token(
        agency.id, label="conformance", lifetime=_LIFETIME, networks=networks, actor=_ACTOR, now=now
    )
    return token


async def _secret(base: Foundation, layout: Layout, organ_id: str, networks: tuple[str, ...]) -> dict[str, str]:
    asked = IssueSecret(organ_id=organ_id, binding="vxp", label="conformance", networks=list(networks), reason=_WHY)
    issued = await issue_secret(_Desk(base), asked, _ACTOR)
    file = layout.simulate / "vendor.secret"
    write_durably(file, str(issued["secret"]).encode())
    return {
        "vxp_url": str(issued["base_url"]),
        "vxp_system_id": str(issued["system_id"]),
        "vxp_secret_file": str(file),
    }


async def _name_member(base: Foundation, organ_id: str, networks: tuple[str, ...]) -> None:
    """The X-Road client that the system is; believed from here, where the sandbox's security server is."""
    asked = IssueSecret(
        organ_id=organ_id,
        binding="xroad",
        system_id=SYSTEM,
        label="conformance",
        networks=list(networks),
        reason=_WHY,
    )
    await issue_secret(_Desk(base), asked, _ACTOR)
