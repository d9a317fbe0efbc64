"""The folder of a system that exchanges files: where it lies, how it is reached by SFTP, and what is seen of it.

The sandbox's gateway has a channel of kind `folder` or `sftp` to it. By SFTP the developer's system and the gateway
come as two users of one server here, each with a key of its own, and see nothing but that folder.

Two things tell what a system does with files. What it put into outbox/ and status/ stands in the ledger, as what
the gateway listed there, and counts as a request. What it took are the folders that it has moved out of inbox/,
receipts/ and refused/: one that still lies there is not taken, whatever the ledger says of its delivery.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, Final, Literal

import asyncssh

from gateway.clock import rfc3339
from gateway.conformance.exposure import Exposure
from gateway.conformance.places import request_of, requests_of
from gateway.fsio import make_private_dir, write_durably
from gateway.simulate.layout import Layout
from gateway.simulate.reckoning import LedgerDelivery, LedgerView
from gateway.states import State

Kind = Literal["folder", "sftp"]

_OFFICE: Final = "trao-doi"
#: Whom the server knows: the gateway and the system under test.
_OWN_USER, _USER = "gateway", "vendor"
_OWN_KEY: Final = "exchange-key"
_AREAS: Final = ("inbox", "receipts", "refused")


@dataclass(frozen=True, kw_only=True, slots=True)
class Exchange:
    """One system's folder."""

    kind: Kind
    layout: Layout
    exposure: Exposure
    port: int
    #: The server's key, the gateway's and the system's; made anew for each sandbox.
    keys: tuple[asyncssh.SSHKey, asyncssh.SSHKey, asyncssh.SSHKey] | None = None
    #: Of the system under test, as instants.
    logins: list[str] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        """Where it lies on this machine."""
        return self.layout.simulate / "sftp" / _OFFICE

    @property
    def channel(self) -> tuple[str, dict[str, object]]:
        """Kind and settings of the gateway's channel; quick, since a developer waits."""
        return self.kind, self._settings()

    def _settings(self) -> dict[str, object]:
        pace: dict[str, object] = {"settle_seconds": 0.5, "patience_seconds": 5, "poll_seconds": 0.5}
        if self.kind == "folder":
            return pace | {"path": str(self.folder)}
        where = {"host": self.exposure.address, "port": self.port, "username": _OWN_USER, "root": f"/{_OFFICE}"}
        return pace | where | {"known_hosts_file": "simulate/known_hosts", "key_file": _OWN_KEY}

    @property
    def access(self) -> dict[str, str]:
        """What the developer needs; paths of files, no secret."""
        if self.kind == "folder":
            return {"exchange_folder": str(self.folder)}
        files = self.layout.simulate
        return {
            "sftp_host": self.exposure.host,
            "sftp_port": str(self.port),
            "sftp_user": _USER,
            "sftp_root": f"/{_OFFICE}",
            "sftp_known_hosts_file": str(files / "known_hosts"),
            "sftp_key_file": str(files / "vendor.key"),
        }

    @asynccontextmanager
    async def served(self) -> AsyncIterator[None]:
        """The SFTP server, where there is one."""
        if self.keys is None:
            yield
            return
        server, own, user = self.keys
        allowed = {_OWN_USER: own.public_data, _USER: user.public_data}
        root = str(self.folder.parent).encode()
        acceptor = await asyncssh.listen(
            self.exposure.address,
            self.port,
            server_factory=partial(_Login, allowed, self.exposure, self.logins),
            server_host_keys=[server],
            sftp_factory=partial(asyncssh.SFTPServer, chroot=root),
            allow_scp=False,
        )
        try:
            yield
        finally:
            acceptor.close()
            await acceptor.wait_closed()

    def requests(self, entries: Iterable[tuple[Any, ...]]) -> list[dict[str, Any]]:
        """The system's acts so far, as judges read requests."""
        return [request_of(at, "", "LOGIN", "sftpLogin") for at in self.logins[:1]] + requests_of(entries)

    async def seen(self, view: LedgerView, vendor: str) -> LedgerView:
        """The disk after the ledger: a document is there before the ledger says so."""
        return without_untaken(view, await asyncio.to_thread(self.waiting), vendor)

    async def play(self, trick: str) -> None:
        """Files know none."""

    def waiting(self) -> frozenset[str]:
        """Dispatches that nobody has taken out of the folder. Blocks."""
        found = set()
        for area in _AREAS:
            for file in (self.folder / area).glob("[!.]*/info.json"):
                try:
                    found.add(str(json.loads(file.read_bytes())["dispatch"]))
                except (OSError, ValueError, KeyError):  # being taken away
                    continue
        return frozenset(found)


class _Login(asyncssh.SSHServer):
    """Users by their keys alone, each from its networks."""

    def __init__(self, allowed: Mapping[str, bytes], exposure: Exposure, logins: list[str]) -> None:
        self._allowed, self._exposure, self._logins = allowed, exposure, logins
        self._user = ""
        self._peer = ip_address("0.0.0.0")  # noqa: S104 - nobody's, until somebody connects

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._peer = ip_address(conn.get_extra_info("peername")[0].partition("%")[0])

    def begin_auth(self, username: str) -> bool:
        self._user = username
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        networks = self._exposure.networks if username == _USER else self._exposure.own_networks
        is_near = any(self._peer in ip_network(each) for each in networks)
        return is_near and self._allowed.get(username) == key.public_data

    def auth_completed(self) -> None:
        if self._user == _USER:
            self._logins.append(rfc3339(datetime.now(UTC)))


async def make_exchange(layout: Layout, kind: Kind, *, exposure: Exposure, port: int) -> Exchange:
    """The folder with its marker, and for SFTP the keys."""
    made = Exchange(kind=kind, layout=layout, exposure=exposure, port=port)
    make_private_dir(made.folder.parent)
    made.folder.mkdir()
    (made.folder / ".gateway-folder").touch()
    if kind == "folder":
        return made
    server, own, user = await asyncio.to_thread(_keys)
    make_private_dir(layout.secrets)
    write_durably(layout.secrets / _OWN_KEY, own.export_private_key())
    write_durably(layout.simulate / "vendor.key", user.export_private_key())
    public = server.export_public_key().decode().strip()
    names = ",".join(dict.fromkeys(f"[{name}]:{port}" for name in (exposure.address, "localhost", exposure.host)))
    write_durably(layout.simulate / "known_hosts", f"{names} {public}\n".encode())
    return replace(made, keys=(server, own, user))


def _keys() -> tuple[asyncssh.SSHKey, asyncssh.SSHKey, asyncssh.SSHKey]:
    first, second, third = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(3))
    return first, second, third


def without_untaken(view: LedgerView, waiting: frozenset[str], vendor: str) -> LedgerView:
    """The ledger as a system sees it that has to take its documents out of a folder."""

    def seen(line: LedgerDelivery) -> LedgerDelivery:
        lies = line.state == State.DELIVERED and line.dispatch_id in waiting
        is_untaken = lies or line.state == State.IN_FLIGHT  # the gateway writes it just now
        return replace(line, state=State.QUEUED) if is_untaken and line.recipient_code == vendor else line

    return LedgerView(
        messages=view.messages,
        deliveries={key: seen(line) for key, line in view.deliveries.items()},
        attempts=view.attempts,
    )
