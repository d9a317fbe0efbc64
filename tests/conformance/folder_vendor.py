"""A system for tests that exchanges files, in a folder of this machine or over SFTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import asyncssh

from tests.conformance.papers import Papers

_AREAS = ("inbox", "receipts", "refused")
_DONE = "da-luu"


class Files(Protocol):
    """The office's folder, by paths in it."""

    async def names(self, area: str) -> list[str]:
        """What it holds."""
        ...

    async def read(self, path: str) -> bytes | None:
        """A file, if it is there."""
        ...

    async def put(self, path: str, content: bytes) -> None:
        """A new file, whole as soon as it has its name."""
        ...

    async def move(self, old: str, new: str) -> None:
        """Away with it."""
        ...


class LocalFiles:
    """On this machine."""

    def __init__(self, root: Path) -> None:
        self._root = root
        (root / _DONE).mkdir()

    async def names(self, area: str) -> list[str]:
        folder = self._root / area
        return [each.name for each in folder.iterdir()] if folder.is_dir() else []

    async def read(self, path: str) -> bytes | None:
        file = self._root / path
        return file.read_bytes() if file.is_file() else None

    async def put(self, path: str, content: bytes) -> None:
        temporary = self._root / f"{path}.part"
        temporary.write_bytes(content)
        temporary.rename(self._root / path)

    async def move(self, old: str, new: str) -> None:
        (self._root / old).rename(self._root / new)


class SftpFiles:
    """On the server."""

    def __init__(self, client: asyncssh.SFTPClient, root: str) -> None:
        self._client, self._root = client, root

    async def names(self, area: str) -> list[str]:
        try:
            return [str(name) for name in await self._client.listdir(f"{self._root}/{area}")]
        except asyncssh.SFTPNoSuchFile:
            return []

    async def read(self, path: str) -> bytes | None:
        try:
            async with self._client.open(f"{self._root}/{path}", "rb") as file:
                content: Any = await file.read()
                return bytes(content)
        except asyncssh.SFTPNoSuchFile:
            return None

    async def put(self, path: str, content: bytes) -> None:
        temporary = f"{self._root}/{path}.part"
        async with self._client.open(temporary, "wb") as file:
            await file.write(content)
        await self._client.posix_rename(temporary, f"{self._root}/{path}")

    async def move(self, old: str, new: str) -> None:
        await self._client.posix_rename(f"{self._root}/{old}", f"{self._root}/{new}")


@asynccontextmanager
async def files_of(access: dict[str, str]) -> AsyncIterator[Files]:
    """By what the sandbox says."""
    if "exchange_folder" in access:
        yield LocalFiles(Path(access["exchange_folder"]))
        return
    async with asyncssh.connect(
        access["sftp_host"],
        int(access["sftp_port"]),
        username=access["sftp_user"],
        client_keys=[access["sftp_key_file"]],
        known_hosts=access["sftp_known_hosts_file"],
        config=None,
        agent_path=None,
    ) as connection:
        client = await connection.start_sftp_client()
        await client.mkdir(f"{access['sftp_root']}/{_DONE}")
        yield SftpFiles(client, access["sftp_root"])


class FolderVendor:
    """Does whatever the sandbox asks, whichever step is open."""

    def __init__(self, access: dict[str, str]) -> None:
        self._access, self._papers = access, Papers(access)

    @classmethod
    async def of(cls, folder: Path) -> FolderVendor:
        """As soon as the sandbox says how to get in."""
        path = folder / "access.json"
        async with asyncio.timeout(150):
            while not path.is_file():  # noqa: ASYNC110 - another process makes it
                await asyncio.sleep(0.05)
        return cls(json.loads(path.read_text()))

    async def work(self) -> None:
        """Until cancelled."""
        async with files_of(self._access) as files:
            async with asyncio.timeout(60):
                while "outbox" not in await files.names("."):  # noqa: ASYNC110 - the gateway makes it
                    await asyncio.sleep(0.1)
            await self._send(files)
            while True:
                for area in _AREAS:
                    for name in await files.names(area):
                        if not name.startswith("."):
                            await self._take(files, f"{area}/{name}", name)
                await asyncio.sleep(0.2)

    async def _take(self, files: Files, path: str, name: str) -> None:
        content = await files.read(f"{path}/info.json")
        if content is None:
            return  # a receipt, or a reason: for clerks
        info = json.loads(content)
        assert await files.read(f"{path}/van-ban.edxml")
        await files.move(path, f"{_DONE}/{name}")
        if info["kind"] == "status":
            return
        answer = "15" if info["businessType"] in {"1", "2"} else "03"
        answer = "02" if "gửi nhầm" in info["subject"] else answer
        for line in info["deliveries"]:
            for code in ("01", answer):
                await files.put(f"status/{line['id']}.{code}", f"Trạng thái {code}".encode())

    async def _send(self, files: Files) -> None:
        first = self._papers.document("ready")
        late = self._access["offices.late"]
        sent = {
            "a.edxml": first,
            "a-lan-2.edxml": first,
            "b.edxml": self._papers.document("refusing"),
            f"5_TN_2026-03-02_{late}_V/v thử gửi".replace("/", "-") + ".pdf": b"%PDF-1.4\n%%EOF\n",
            "c.edxml": self._papers.document("old"),
            "d.edxml": self._papers.document("ready", "late"),
            "e.edxml": self._papers.document("ready", padding=1_500_000),
            "f.edxml": self._papers.document("ready", about="7001"),
            "g.edxml": self._papers.document("late", sender=self._access["offices.ready"]),
            "h.edxml": self._papers.document("000.99.99.Z99"),
            "i.edxml": first[: len(first) // 2],
        }
        for name, content in sent.items():
            await files.put(f"outbox/{name}", content)
