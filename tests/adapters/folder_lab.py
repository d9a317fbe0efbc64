"""Offices' folders for tests: on this disk, and behind a real SFTP server that can be told to misbehave."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import asyncssh

from adapters.folder import channel as folder_channel
from adapters.folder.adapter import MESSAGE
from adapters.sftp import channel as sftp_channel
from gateway.model import Endpoint, Outgoing, SendReport
from gateway.ports import Source, Surroundings, Workshop
from tests.adapters.conformance import AsTheWorkerDoes, Scene
from tests.unit.deliver.fakes import FakeBody, endpoint

Trouble = str | None


class LabClock:
    """The wall's clock, and a monotonic one that tests move."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return self.seconds


def lay(path: Path) -> Path:
    """A folder with the marker, as an administrator leaves it."""
    path.mkdir(parents=True, exist_ok=True)
    (path / ".gateway-folder").touch()
    return path


@dataclass(kw_only=True)
class Office:
    """One office's folder and how the gateway reaches it."""

    #: Where the folder lies on this disk.
    path: Path
    kind: str
    settings: dict[str, object]
    surroundings: Surroundings
    clock: LabClock = field(default_factory=LabClock)

    def endpoint(self, **more: object) -> Endpoint:
        return replace(endpoint("office"), kind=self.kind, settings=self.settings | more)

    def source(self, **more: object) -> Source:
        """A source that takes up at once what it sees."""
        make = folder_channel.make_source if self.kind == "folder" else sftp_channel.make_source
        hasty = {"settle_seconds": 0, "patience_seconds": 0}
        return make(self.endpoint(**(hasty | more)), self.surroundings)

    async def send(
        self, item: Outgoing, content: bytes, *, is_relay: bool = False, scene: Scene | None = None, **more: object
    ) -> SendReport:
        make = folder_channel.make_adapter if self.kind == "folder" else sftp_channel.make_adapter
        adapter = AsTheWorkerDoes(adapter=make(self.surroundings), scene=scene or Scene(behaviour="takes"))
        to = replace(self.endpoint(**more), is_relay=is_relay)
        try:
            return await adapter.send(to, replace(item, size=len(content)), FakeBody(content))
        finally:
            await adapter.close()

    def arrived(self, area: str = "inbox") -> list[tuple[str, bytes]]:
        """(dispatch, bytes) of each folder that has its name."""
        return [
            (json.loads((each / "info.json").read_bytes())["dispatch"], (each / MESSAGE).read_bytes())
            for each in sorted((self.path / area).glob("*"))
            if each.is_dir() and not each.name.startswith(".")
        ]

    def texts(self, pattern: str) -> list[str]:
        """Files below the folder, by pattern."""
        return sorted(str(each.relative_to(self.path)) for each in self.path.glob(pattern))


def local_office(folder: Path, workshop: Workshop | None = None) -> Office:
    """An office on this disk."""
    clock = LabClock()
    around = Surroundings(
        secrets=folder / "secrets", folder=folder, clock=clock, timeout_seconds=2.0, workshop=workshop
    )
    path = lay(folder / "office")
    return Office(path=path, kind="folder", settings={"path": str(path)}, surroundings=around, clock=clock)


@dataclass
class Habits:
    """How the SFTP server behaves from now on."""

    #: Called before each request, with its name; may sleep or raise.
    before: Callable[[str], Any] | None = None
    #: Called after a plain rename has happened.
    after_rename: Callable[[], Any] | None = None
    #: What it adds to the sizes of edXML that it tells.
    size_lie: int = 0
    #: Whether it knows OpenSSH's extensions.
    extensions: bool = True


class _Server(asyncssh.SFTPServer):
    """Serves one folder, with self._habits."""

    def __init__(self, root: Path, habits: Habits, chan: Any) -> None:
        super().__init__(chan, chroot=str(root).encode())
        self._habits = habits

    async def _play(self, name: str) -> None:
        if self._habits.before is not None:
            found = self._habits.before(name)
            if asyncio.iscoroutine(found):
                await found

    async def scandir(self, path: bytes) -> AsyncIterator[Any]:
        await self._play("scandir")
        each: Any
        async for each in super().scandir(path):
            if each.filename.endswith(b".edxml") and each.attrs.size is not None:
                each.attrs.size += self._habits.size_lie
            yield each

    async def lstat(self, path: bytes) -> Any:
        await self._play("lstat")
        found: Any = super().lstat(path)
        if not self._habits.size_lie or not path.endswith(b".edxml"):
            return found
        attrs = asyncssh.SFTPAttrs.from_local(found)
        attrs.size = (attrs.size or 0) + self._habits.size_lie
        return attrs

    async def open(self, path: bytes, pflags: int, attrs: Any) -> Any:
        await self._play("open")
        return super().open(path, pflags, attrs)

    async def write(self, file_obj: object, offset: int, data: bytes) -> int:
        await self._play("write")
        written = super().write(file_obj, offset, data)
        assert isinstance(written, int)
        return written

    async def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        if not self._habits.extensions:
            raise asyncssh.SFTPOpUnsupported("no extensions here")
        await self._play("posix_rename")
        super().posix_rename(oldpath, newpath)

    async def rename(self, oldpath: bytes, newpath: bytes) -> None:
        await self._play("rename")
        super().rename(oldpath, newpath)
        if self._habits.after_rename is not None:
            found = self._habits.after_rename()
            if asyncio.iscoroutine(found):
                await found

    def fsync(self, file_obj: object) -> None:
        if not self._habits.extensions:
            raise asyncssh.SFTPOpUnsupported("no extensions here")
        super().fsync(file_obj)

    def statvfs(self, path: bytes) -> Any:
        if not self._habits.extensions:
            raise asyncssh.SFTPOpUnsupported("no extensions here")
        return super().statvfs(path)


class _Login(asyncssh.SSHServer):
    """One user with a key or a password."""

    def __init__(self, key: asyncssh.SSHKey, connections: list[asyncssh.SSHServerConnection]) -> None:
        self._key, self._connections = key, connections

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connections.append(conn)

    def begin_auth(self, username: str) -> bool:
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return username == "gateway" and key.public_data == self._key.public_data

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return username == "gateway" and password == "a password, long enough"


@dataclass(kw_only=True)
class SftpOffice(Office):
    """An office behind an SFTP server."""

    habits: Habits
    host_key: asyncssh.SSHKey
    user_key: asyncssh.SSHKey
    connections: list[asyncssh.SSHServerConnection] = field(default_factory=list)
    acceptor: asyncssh.SSHAcceptor | None = None

    async def start(self, port: int = 0) -> None:
        """Listen."""
        root = self.path.parent
        self.acceptor = await asyncssh.listen(
            "127.0.0.1",
            port,
            server_factory=lambda: _Login(self.user_key, self.connections),
            server_host_keys=[self.host_key],
            sftp_factory=partial(_Server, root, self.habits),
            allow_scp=False,
        )

    @property
    def port(self) -> int:
        assert self.acceptor is not None
        return int(self.acceptor.get_port())

    def hang_up(self) -> None:
        """Cut every connection."""
        while self.connections:
            self.connections.pop().abort()

    async def stop(self) -> None:
        """Listen no more."""
        self.hang_up()
        if self.acceptor is not None:
            self.acceptor.close()
            await self.acceptor.wait_closed()
            self.acceptor = None


@asynccontextmanager
async def sftp_office(folder: Path, workshop: Workshop | None = None) -> AsyncIterator[SftpOffice]:
    """An office behind a real server on loopback, its key pinned and ours in the secrets folder."""
    clock = LabClock()
    secrets = folder / "secrets"
    secrets.mkdir(mode=0o700, exist_ok=True)
    path = lay(folder / "server" / "office")
    around = Surroundings(secrets=secrets, folder=folder, clock=clock, timeout_seconds=6.0, workshop=workshop)
    office = SftpOffice(
        path=path,
        kind="sftp",
        settings={},
        surroundings=around,
        clock=clock,
        habits=Habits(),
        host_key=asyncssh.generate_private_key("ssh-ed25519"),
        user_key=asyncssh.generate_private_key("ssh-ed25519"),
    )
    await office.start()
    write_secret(secrets / "office-key", office.user_key.export_private_key())
    write_secret(secrets / "office-password", b"a password, long enough\n")
    pin(folder / "known_hosts", office.port, office.host_key)
    office.settings = {
        "host": "127.0.0.1",
        "port": office.port,
        "username": "gateway",
        "root": "/office",
        "known_hosts_file": "known_hosts",
        "key_file": "office-key",
    }
    try:
        yield office
    finally:
        await office.stop()


def write_secret(path: Path, content: bytes, mode: int = 0o600) -> None:
    """A file of the secrets folder."""
    path.write_bytes(content)
    path.chmod(mode)


def pin(path: Path, port: int, key: asyncssh.SSHKey) -> None:
    """Say which key the server has."""
    path.write_text(f"[127.0.0.1]:{port} {key.export_public_key().decode()}")
