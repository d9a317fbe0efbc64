"""The demo's folder: what lies where, and whether an earlier one may be replaced.

build/demo/DEMO            marks the folder as ours; without it nothing is ever deleted
config.toml                the gateway's settings, for all commands on what the demo left
people.txt                 how the console's users sign in
document.edxml             a document to send by hand while the demo stays up
certs/dev/                 the development PKI
anchors/                   what a verifier is given: roots of seals and time stamps, keys of log and witnesses
witnesses/                 the witnesses of the log, a folder each
data/ secrets/             the gateway's data folder and its peers' secrets
simulate/                  one JSON file per simulator process, tokens, journals/
logs/                      what every process wrote
"""

from __future__ import annotations

import contextlib
import errno
import secrets
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.errors import EnvironmentRefusedError
from gateway.foundation import DATABASE

_MARKER = "DEMO"
#: Below those that a system gives to outgoing connections, and to listeners that take any: one of them could be
#: somebody else's before it is used, or while its process is started again.
_PORTS: Final = range(10_000, 32_000)
_MARKED = "Made by `gateway demo`, which replaces this folder whenever it runs.\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """Paths below the demo's folder."""

    folder: Path

    @property
    def config(self) -> Path:
        """The gateway's settings."""
        return self.folder / "config.toml"

    @property
    def people(self) -> Path:
        """Logins and passwords of the console's users."""
        return self.folder / "people.txt"

    @property
    def sample(self) -> Path:
        """A document to send by hand."""
        return self.folder / "document.edxml"

    @property
    def pki(self) -> Path:
        """The development PKI."""
        return self.folder / "certs" / "dev"

    @property
    def anchors(self) -> Path:
        """What whoever verifies the demo's evidence must have from elsewhere."""
        return self.folder / "anchors"

    @property
    def evidence(self) -> Path:
        """The bundle of one document, made at the demo's end."""
        return self.folder / "evidence.asice"

    @property
    def witnesses(self) -> Path:
        """The witnesses' folders."""
        return self.folder / "witnesses"

    @property
    def data(self) -> Path:
        """The gateway's data folder."""
        return self.folder / "data"

    @property
    def database(self) -> Path:
        """The ledger."""
        return self.data / DATABASE

    @property
    def secrets(self) -> Path:
        """Shared secrets of pushed systems."""
        return self.folder / "secrets"

    @property
    def simulate(self) -> Path:
        """The simulators' own files."""
        return self.folder / "simulate"

    @property
    def axis(self) -> Path:
        """The axis's own files."""
        return self.folder / "axis"

    @property
    def journals(self) -> Path:
        """One file per simulated system."""
        return self.simulate / "journals"

    @property
    def logs(self) -> Path:
        """One file per process."""
        return self.folder / "logs"

    def renew(self) -> None:
        """An empty folder; one that is not ours is refused, unless it is empty."""
        if self.folder.exists():
            if not (self.folder / _MARKER).is_file() and any(self.folder.iterdir()):
                raise EnvironmentRefusedError(
                    f"{self.folder} holds files that the demo did not make; name another --folder"
                )
            shutil.rmtree(self.folder)
        self.folder.mkdir(parents=True)
        (self.folder / _MARKER).write_text(_MARKED, "utf-8")
        for path in (self.secrets, self.simulate, self.journals, self.logs, self.axis):
            path.mkdir(mode=0o700)


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on now, all different; nobody is given them before they are used."""
    draw, found = secrets.SystemRandom(), list[int]()
    with contextlib.ExitStack() as held:
        while len(found) < count:
            taken, port = held.enter_context(socket.socket()), draw.choice(_PORTS)
            try:
                taken.bind(("127.0.0.1", port))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
            else:
                found.append(port)
    return found
