"""Installations for the kill sweep: one template with its PKI and directory, and a fresh copy whenever wanted."""

from __future__ import annotations

import dataclasses
import re
import shutil
import socket
from pathlib import Path

import msgspec

from gateway import config
from gateway.config import Settings
from gateway.foundation import DATABASE
from gateway.seal.trust import TrustPurpose
from tests.crash.kill_spec import Spec
from tests.journeys.installation import Installation, make_pki, prepare

#: A crash with a dispatch in flight is what the sweep is about, so none is taken for poison.
_MORE = """
poison_crashes = {poison}
[observe]
log_level = "warning"
"""
_SECRET = "secret-of-pushed-0123456789abcdef"
CLIENTS, RECEIVER = "clients", "receiver"


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """One folder with everything of one gateway and of those who speak with it."""

    folder: Path
    settings: Settings

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
    def operations_url(self) -> str:
        """Where it says how it is."""
        return f"http://127.0.0.1:{self.settings.server.operations_port}"

    @property
    def handed_in(self) -> Path:
        """Documents that the clients send as they are."""
        return self.folder / "handed-in"


class Template:
    """Made once; its ports are those of every copy."""

    def __init__(self, folder: Path, made: Installation, port: int, receiver_port: int) -> None:
        self.folder, self._made = folder, made
        self._port, self._receiver_port = port, receiver_port
        self._copies = 0

    def copy(self, *, seed: int = 0, pause: float = 1.0, apart: bool = False) -> Site:
        """A fresh installation; `apart`: on a port that the clients do not know."""
        self._copies += 1
        folder = self.folder.with_name(f"{self._copies}")
        shutil.copytree(self.folder, folder)
        text = (folder / "config.toml").read_text().replace(str(self.folder), str(folder))
        if apart:
            text = text.replace(f"\nport = {self._port}", "\nport = 0")
            text = re.sub(r"\noperations_port = \d+", "\noperations_port = 0", text)
        (folder / "config.toml").write_text(text)
        site = Site(folder=folder, settings=config.load(folder / "config.toml"))
        site.handed_in.mkdir()
        for name in (CLIENTS, RECEIVER):
            spec = self._spec(site, folder / f"{name}.journal", seed, pause)
            (folder / f"{name}.json").write_bytes(msgspec.json.encode(spec))
        return site

    def _spec(self, site: Site, journal: Path, seed: int, pause: float) -> Spec:
        pki = self._made.pki
        return Spec(
            url=f"https://localhost:{self._port}",
            anchors=str(pki.anchors(TrustPurpose.TLS)),
            tokens=self._made.tokens,
            journal=str(journal),
            handed_in=str(site.handed_in),
            port=self._receiver_port,
            certificate=str(pki.server.certificate),
            key=str(pki.server.key),
            secret=_SECRET,
            seed=seed,
            pause=pause,
        )


async def make_template(folder: Path, *, poison: int = 1000) -> Template:
    """A PKI, a directory and accounts below `folder`."""
    make_pki(folder / "pki")
    port, receiver_port = _free_port(), _free_port()
    site = folder / "template"
    site.mkdir()
    push_url = f"https://localhost:{receiver_port}/pushed"
    made = await prepare(site, folder / "pki", push_url=push_url, more=_MORE.format(poison=poison))
    text = (site / "config.toml").read_text().replace("\nport = 0", f"\nport = {port}")
    text = text.replace("\noperations_port = 0", f"\noperations_port = {_free_port()}")
    (site / "config.toml").write_text(text)
    return Template(site, made, port, receiver_port)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        found: int = probe.getsockname()[1]
        return found
