"""Sets the stage: PKI, settings, directory, channels, credentials, and what each simulator process is told.

Works on the data folder while no gateway runs. Everything lies below the demo's folder; tokens and secrets are
files of mode 0600.
"""

from __future__ import annotations

import asyncio
import secrets
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import msgspec
from cryptography import x509

from gateway.accounts.shared_secrets import Wish, loopback
from gateway.clock import Clock, SystemClock
from gateway.config import settings as config
from gateway.directory.changes import AddRepresentation, AddRepresentationOperation
from gateway.directory.endpoint_changes import UpsertEndpoint, UpsertEndpointOperation
from gateway.directory.importer import import_agencies
from gateway.errors import EnvironmentRefusedError
from gateway.foundation import Foundation, open_foundation
from gateway.fsio import write_durably
from gateway.model import Agency
from gateway.pki import DevPki, issue_client, issue_server, make_dev_pki
from gateway.seal.profile import fingerprint
from gateway.seal.trust import TrustPurpose
from gateway.simulate.axis_stage import write_axis, write_axis_faults
from gateway.simulate.cast import Cast
from gateway.simulate.layout import Layout, free_ports
from gateway.simulate.people import add_people
from gateway.simulate.province import BROWSER_ENDPOINT, DIVISIONS_ENDPOINT, GATEWAY, directory_csv
from gateway.simulate.spec import Faults, ProcessSpec, SystemSpec
from gateway.simulate.systems import ROLES, System
from gateway.simulate.witnesses import NAMES, DemoWitness, make_witnesses, settings_of

ACTOR = "operator:demo"
SIMULATORS = "simulators"
_LIFETIME = timedelta(days=30)

#: Short waits, so that working days pass in a minute; the meaning of each is in config.example.toml.
CONFIG = """\
# Written by `gateway demo`. Development only: the keys of its CAs lie beside it.
profile = "development"

[server]
port = {port}
public_url = "https://localhost:{port}"
operations_port = {operations_port}
drain_timeout = "10s"

[tls]
certificate = "certs/dev/server.pem"
key = "certs/dev/server.key"
client_anchors = "certs/dev/anchors/tls"

[seal]
certificate = "certs/dev/seal.pem"
key = "certs/dev/seal.key"
anchors = "certs/dev/anchors/seal"
organ_id = "{organ_id}"

[log]
vkey = "certs/dev/log.vkey"
key = "certs/dev/log.key"
every = "2s"
{witnesses}
[institution]
certificate = "certs/dev/institution.pem"
key = "certs/dev/institution.key"
anchors = "certs/dev/anchors/institution"
every = "2s"

[enrolment]
certificate = "certs/dev/enrolment-ca.pem"
key = "certs/dev/enrolment-ca.key"

[storage]
folder = "data"
secrets = "secrets"
min_free_bytes = "64MiB"

[delivery]
base = "250ms"
cap = "2s"
timeout = "3s"
lease = "10s"
breaker_probe = "500ms"
retry_after_max = "5s"

[bindings]
port = {bindings_port}
public_url = "https://localhost:{bindings_port}"
"""

#: The demo's own: a sandbox has no people.
CONSOLE = """\

[console]
port = {console_port}
public_url = "https://localhost:{console_port}"
"""

#: The demo's own; a sandbox has no authority beside it.
STAMPS = """\

# Run by the demo itself: it shows how stamps are made, and proves nothing to others.
[stamps]
servers = ["{tsa_url} own"]
anchors = "certs/dev/anchors/tsa"
every = "2s"
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """What is set up."""

    layout: Layout
    pki: DevPki
    url: str
    #: Where the axis listens, and where the gateway speaks the axis's protocol itself.
    axis_url: str
    bindings_url: str
    operations_url: str
    #: Pages for people.
    console_url: str
    #: The demo's own time-stamping authority, not independent.
    tsa_url: str
    systems: tuple[System, ...]
    #: Of its log; on this machine, so not independent.
    witnesses: tuple[DemoWitness, ...]

    def journal(self, system: System) -> Path:
        """Where a system keeps its journal."""
        return self.layout.journals / f"{system.name}.jsonl"

    def token_file(self, system: System) -> Path:
        """Where a system's bearer token lies."""
        return self.layout.simulate / f"{system.name}.token"

    def secret_file(self, system: System) -> Path:
        """Where a system keeps what it shares with the other side of its protocol."""
        if system.behind_relay:
            return self.layout.axis / f"{system.name}.secret"
        folder = self.layout.secrets if system.receives == "push" else self.layout.simulate
        return folder / system.name

    def process_file(self, role: str) -> Path:
        """What the process of a role is told."""
        return self.layout.simulate / f"{role}.json"


async def set_stage(folder: Path, cast: Cast, systems: Sequence[System]) -> Stage:
    """Everything up to the first start; replaces an earlier demo in `folder`, an absolute path."""
    clock = SystemClock()
    layout = Layout(folder=folder)
    await asyncio.to_thread(layout.renew)
    pushed = [system for system in systems if system.receives == "push"]
    port, operations_port, bindings_port, console_port, axis_port, tsa_port, *ports = free_ports(
        6 + len(NAMES) + len(pushed)
    )
    pki = await asyncio.to_thread(_make_pki, layout, systems, clock)
    witnesses = make_witnesses(layout, pki.log_vkey, [ports.pop() for _ in NAMES], clock)
    tsa_url = f"http://127.0.0.1:{tsa_port}/"
    text = (CONFIG + STAMPS + CONSOLE).format(
        port=port,
        operations_port=operations_port,
        bindings_port=bindings_port,
        console_port=console_port,
        organ_id=GATEWAY,
        tsa_url=tsa_url,
        witnesses=settings_of(witnesses),
    )
    write_durably(layout.config, text.encode())
    stage = Stage(
        layout=layout,
        pki=pki,
        url=f"https://localhost:{port}",
        axis_url=f"https://localhost:{axis_port}",
        bindings_url=f"https://localhost:{bindings_port}/vxp",
        operations_url=f"http://127.0.0.1:{operations_port}",
        console_url=f"https://localhost:{console_port}/",
        tsa_url=tsa_url,
        systems=tuple(systems),
        witnesses=tuple(witnesses),
    )
    listening = dict(zip((system.name for system in pushed), ports, strict=True))
    await _fill_directory(stage, cast, listening, clock)
    _write_processes(stage, listening)
    return stage


def _make_pki(layout: Layout, systems: Sequence[System], clock: Clock) -> DevPki:
    pki = make_dev_pki(layout.pki, now=clock.now(), log_origin=f"{GATEWAY}/log")
    for purpose in (TrustPurpose.SEAL, TrustPurpose.TSA, TrustPurpose.INSTITUTION):
        shutil.copytree(pki.anchors(purpose), layout.anchors / purpose)
    shutil.copy(pki.log_vkey, layout.anchors)
    issue_server(layout.pki, SIMULATORS, now=clock.now())
    for system in systems:
        if system.uses_certificate:
            issue_client(layout.pki, system.name, system.owner, now=clock.now())
    return pki


async def _fill_directory(stage: Stage, cast: Cast, listening: dict[str, int], clock: Clock) -> None:
    settings = config.load(stage.layout.config)
    async with open_foundation(settings, clock=clock, purpose="demo") as base:
        for wanted in _endpoints(stage, listening, clock):
            await base.directory.apply(base.pump, UpsertEndpointOperation(), wanted)
        report = await import_agencies(
            base.directory, base.pump, base.readers, directory_csv(cast), actor=ACTOR, now=clock.now()
        )
        if report.problems:
            raise EnvironmentRefusedError(f"the demo's directory is wrong: {report.problems[0].en}")
        codes = {code for system in stage.systems for code in (system.owner, *system.codes)}
        agencies = await base.directory.resolve(codes, clock.now())
        for system in stage.systems:
            await _give_credential(stage, system, agencies[system.owner], base)
        representations = [
            _representation(agencies[system.owner], agencies[code], clock)
            for system in stage.systems
            for code in system.represents
        ]
        operation = AddRepresentationOperation()
        await asyncio.gather(*(base.pump.submit(operation, each) for each in representations))
        await add_people(base, cast, stage.layout, ACTOR)


def _endpoints(stage: Stage, listening: dict[str, int], clock: Clock) -> list[UpsertEndpoint]:
    found = [
        UpsertEndpoint(name=BROWSER_ENDPOINT, kind="inbox", actor=ACTOR, now=clock.now()),
        UpsertEndpoint(
            name=DIVISIONS_ENDPOINT, kind="inbox", capabilities={"answers": False}, actor=ACTOR, now=clock.now()
        ),
    ]
    found += [
        UpsertEndpoint(
            name=system.endpoint,
            kind="vxp" if system.behind_relay else "webhook" if system.receives == "push" else "inbox",
            settings=_settings(stage, system, listening),
            capabilities={"fans_out": system.behind_relay},
            is_relay=system.behind_relay,
            actor=ACTOR,
            now=clock.now(),
        )
        for system in stage.systems
    ]
    return found


def _settings(stage: Stage, system: System, listening: dict[str, int]) -> dict[str, object]:
    """How the gateway reaches it; nothing where it comes by itself."""
    anchors = stage.pki.anchors(TrustPurpose.TLS) / "root.pem"
    common: dict[str, object] = {
        "anchors_file": str(anchors.relative_to(stage.layout.folder)),
        "timeout_seconds": system.attempt_seconds,
    }
    if system.behind_relay:
        if system.faults != Faults():
            write_axis_faults(stage.layout, GATEWAY)
        secret = write_axis(stage.layout, own_system=GATEWAY, member=system.name, codes=system.codes)
        write_durably(stage.layout.secrets / "axis", secret)
        more = {"url": stage.axis_url, "system_id": GATEWAY, "secret_file": "axis"}
        return common | more | {"poll_seconds": 0.5, "poll_seconds_min": 0.1}
    if system.receives == "push":
        write_durably(stage.layout.secrets / system.name, secrets.token_hex(32).encode())
        return common | {"url": f"https://localhost:{listening[system.name]}/receive", "secret_file": system.name}
    return {}


async def _give_credential(stage: Stage, system: System, owner: Agency, base: Foundation) -> None:
    now = base.clock.now()
    if system.behind_relay:
        return  # the axis knows it, we do not
    if system.receives == "member":
        wish = Wish(
            agency_id=owner.id,
            binding="vxp",
            system_id=owner.organ_id,
            lifetime=_LIFETIME,
            overlap=timedelta(),
            networks=tuple(loopback()),
            label=system.name,
            actor=ACTOR,
            why="demo",
        )
        issued = await base.shared_secrets.issue(wish, now)
        write_durably(stage.secret_file(system), issued.secret.encode())
    elif system.uses_certificate:
        pem = stage.pki.client(system.name).certificate.read_bytes()
        known = fingerprint(x509.load_pem_x509_certificate(pem)).hex()
        await base.accounts.record_certificate(
            owner.id, known, expires_at=now + _LIFETIME, label=system.name, actor=ACTOR, now=now
        )
    else:
        token, _ = await base.accounts.issue_token(
            owner.id, label=system.name, lifetime=_LIFETIME, actor=ACTOR, now=now
        )
        write_durably(stage.token_file(system), token.encode())


def _representation(agent: Agency, principal: Agency, clock: Clock) -> AddRepresentation:
    now = clock.now()
    return AddRepresentation(
        agent_id=agent.id, principal_id=principal.id, start=now, end=None, actor=ACTOR, now=now
    )


def _write_processes(stage: Stage, listening: dict[str, int]) -> None:
    for role in ROLES:
        spec = ProcessSpec(
            role=role,
            gateway_url=stage.url,
            anchors=str(stage.pki.anchors(TrustPurpose.TLS)),
            systems=tuple(_spec(stage, system, listening) for system in stage.systems if system.role == role),
        )
        write_durably(stage.process_file(role), msgspec.json.format(msgspec.json.encode(spec)))


def _spec(stage: Stage, system: System, listening: dict[str, int]) -> SystemSpec:
    own = stage.pki.client(system.name) if system.uses_certificate else None
    listens = stage.pki.simulator(SIMULATORS) if system.receives == "push" else None
    is_member = system.receives == "member"
    return SystemSpec(
        name=system.name,
        receives=system.receives,
        codes=system.codes,
        journal=str(stage.journal(system)),
        certificate=str(own.certificate) if own else "",
        key=str(own.key) if own else "",
        token_file="" if own or is_member else str(stage.token_file(system)),
        port=listening.get(system.name, 0),
        server_certificate=str(listens.certificate) if listens else "",
        server_key=str(listens.key) if listens else "",
        secret_file=str(stage.secret_file(system)) if listens or is_member else "",
        member_url=(stage.axis_url if system.behind_relay else stage.bindings_url) if is_member else "",
        system_id=(system.name if system.behind_relay else system.owner) if is_member else "",
        behind_relay=system.behind_relay,
        answers_by_form=system.answers_by_form,
        faults=system.faults,
    )
