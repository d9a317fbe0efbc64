"""Installations for the kill sweep: one template with its PKI and directory, and a fresh copy whenever wanted."""

from __future__ import annotations

import dataclasses
import re
import shutil
from pathlib import Path

import msgspec

from gateway.config import settings as config
from gateway.config.settings import Settings
from gateway.directory.endpoint_changes import UpsertEndpoint, UpsertEndpointOperation
from gateway.foundation import DATABASE, open_foundation
from gateway.pki import LOOPBACK, DevPki
from gateway.seal.trust import TrustPurpose
from gateway.simulate.layout import free_ports
from tests.crash.kill_spec import Spec, read_spec
from tests.journeys.installation import AXIS, COMMUNE, MINISTRY, PROVINCE, PUSHED, Installation, make_pki, prepare

#: A crash with a dispatch in flight is what the sweep is about, so none is taken for poison.
_MORE = """
poison_crashes = {poison}
[limits]
requests_per_second = 10000
deliveries_per_second = 10000
uploads_open = 10000
[observe]
log_level = "warning"
[log]
every = "500ms"
[checks]
warn = ["{commune}"]
[archive]
folder = "{archives}"
"""
_SECRET = "secret-of-{}-0123456789abcdef"
CLIENTS, RECEIVER, AXIS_RECEIVER, BEHIND_AXIS = "clients", "receiver", "axis", "ministry"
#: The module of each (`tests.crash.kill_…`).
PROGRAMS = {CLIENTS: "clients", RECEIVER: "receiver", AXIS_RECEIVER: "receiver", BEHIND_AXIS: "ministry"}


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Places:
    """Who listens where; as it is, everybody on loopback, without an axis."""

    #: In the certificate of everybody.
    names: tuple[str, ...] = LOOPBACK
    #: Where the gateway listens, and what it is called.
    listen: str = "127.0.0.1"
    gateway: str = "localhost"
    port: int = dataclasses.field(default_factory=lambda: free_ports(1)[0])
    #: Where the pushed office listens, and the URL that it is reached by.
    office: tuple[str, int] = dataclasses.field(default_factory=lambda: ("127.0.0.1", free_ports(1)[0]))
    office_url: str = ""
    axis: tuple[str, int] = ("127.0.0.1", 1)
    axis_url: str = ""
    #: Where an axis listens that the gateway is a member of; 0: none.
    member_port: int = 0
    #: What one of its tries may take, in seconds.
    timeout: float = 5


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """One folder with everything of one gateway and of those who speak with it."""

    folder: Path
    settings: Settings

    @classmethod
    def of(cls, folder: Path) -> Site:
        """As its configuration file says."""
        return cls(folder=folder, settings=config.load(folder / "config.toml"))

    @property
    def config(self) -> Path:
        """The configuration file."""
        return self.folder / "config.toml"

    @property
    def database(self) -> Path:
        """The ledger."""
        return self.settings.storage.folder / DATABASE

    @property
    def journals(self) -> list[Path]:
        """Of the clients, of the receiver, and of whoever else notes what it was promised."""
        return sorted(self.folder.glob("*.journal"))

    @property
    def axis(self) -> Path:
        """What belongs to the axis that the gateway is a member of; it is not there where it is none's."""
        return self.folder / "vxp"

    @property
    def operations_url(self) -> str:
        """Where it says how it is."""
        return f"http://127.0.0.1:{self.settings.server.operations_port}"

    @property
    def handed_in(self) -> Path:
        """Documents that the clients send as they are."""
        return self.folder / "handed-in"

    @property
    def pki(self) -> DevPki:
        """Its own copy."""
        return DevPki(folder=self.folder / "certs")

    def change(self, name: str, **changes: object) -> None:
        """What a process that is not started yet will be told."""
        path = self.folder / f"{name}.json"
        path.write_bytes(msgspec.json.encode(msgspec.structs.replace(read_spec(path), **changes)))


class Template:
    """Made once; its addresses are those of every copy."""

    def __init__(self, folder: Path, made: Installation, places: Places) -> None:
        self.folder, self._made, self._places = folder, made, places
        self._copies = 0

    @property
    def companions(self) -> tuple[str, ...]:
        """Who speaks with a gateway of it in a sweep."""
        return (RECEIVER, *((BEHIND_AXIS,) if self._places.member_port else ()), CLIENTS)

    def copy(self, *, seed: int = 0, pause: float = 1.0, apart: bool = False) -> Site:
        """A fresh installation; `apart`: on a port that the clients do not know."""
        self._copies += 1
        folder = self.folder.with_name(f"{self._copies}")
        shutil.copytree(self.folder, folder)
        text = (folder / "config.toml").read_text().replace(str(self.folder), str(folder))
        if apart:
            text = text.replace(f"\nport = {self._places.port}", "\nport = 0")
            text = re.sub(r"\noperations_port = \d+", "\noperations_port = 0", text)
        (folder / "config.toml").write_text(text)
        site = Site.of(folder)
        site.handed_in.mkdir()
        for name in PROGRAMS:
            spec = self._spec(site, name, seed, pause)
            (folder / f"{name}.json").write_bytes(msgspec.json.encode(spec))
        return site

    def _spec(self, site: Site, name: str, seed: int, pause: float) -> Spec:
        places, is_axis = self._places, name in {AXIS_RECEIVER, BEHIND_AXIS}
        pushed = (PUSHED, MINISTRY) if places.axis_url or places.member_port else (PUSHED,)
        host, port = places.axis if is_axis else places.office
        if name == BEHIND_AXIS:
            host, port = "localhost", places.member_port
        return Spec(
            url=f"https://{places.gateway}:{places.port}",
            anchors=str(site.pki.anchors(TrustPurpose.TLS)),
            tokens=self._made.tokens,
            journal=str(site.folder / f"{name}.journal"),
            handed_in=str(site.handed_in),
            recipients=((COMMUNE, *pushed), *((each,) for each in pushed), (COMMUNE,)),
            large_recipients=pushed,
            office=AXIS if is_axis else PUSHED,
            host=host,
            port=port,
            certificate=str(site.pki.server.certificate),
            key=str(site.pki.server.key),
            secret=_SECRET.format("axis" if is_axis else "pushed"),
            reports=not is_axis,
            axis=str(site.axis),
            seed=seed,
            pause=pause,
        )


async def make_template(folder: Path, *, poison: int = 1000, places: Places | None = None) -> Template:
    """A PKI, a directory and accounts below `folder`."""
    places = places or Places()
    make_pki(folder / "pki", names=places.names)
    site = folder / "template"
    (site / "archives").mkdir(parents=True)
    made = await prepare(
        site,
        folder / "pki",
        push_url=places.office_url or f"https://localhost:{places.office[1]}/pushed",
        axis_url=places.axis_url,
        more=_MORE.format(poison=poison, commune=COMMUNE, archives=site / "archives"),
        timeout_seconds=places.timeout,
    )
    if places.member_port:
        await _join_axis(made, places.member_port)
    text = (site / "config.toml").read_text().replace("\nport = 0", f"\nport = {places.port}")
    text = text.replace('\nhost = "127.0.0.1"', f'\nhost = "{places.listen}"')
    text = text.replace("\noperations_port = 0", f"\noperations_port = {free_ports(1)[0]}")
    (site / "config.toml").write_text(text)
    return Template(site, made, places)


async def _join_axis(made: Installation, port: int) -> None:
    """The channel `axis` becomes a member's: sent to, listed, fetched from, told what became of it."""
    settings: dict[str, object] = {
        "url": f"https://localhost:{port}",
        "system_id": PROVINCE,
        "secret_file": "axis",
        "anchors_file": str(made.pki.anchors(TrustPurpose.TLS) / "root.pem"),
        "poll_seconds": 0.2,
        "poll_seconds_min": 0.05,
    }
    async with open_foundation(made.settings, purpose="setup") as base:
        change = UpsertEndpoint(
            name="axis",
            kind="vxp",
            settings=settings,
            capabilities={"fans_out": True},
            is_relay=True,
            actor="operator:test",
            now=base.clock.now(),
        )
        await base.directory.apply(base.pump, UpsertEndpointOperation(), change)
