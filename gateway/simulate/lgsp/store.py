"""The facade's memory: what was sent, what waits for whom, what became of it.

A journal of JSON lines, and the documents beside it as files named by their docId. A line is synced before its
caller goes on, so whatever the facade answered is in it; the rest of a line that a crash cut off is dropped at
the next start.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec


class Taken(msgspec.Struct, frozen=True, kw_only=True, tag="taken"):
    """A document that was sent."""

    doc_id: str
    #: The account that sent it, and the code inside.
    username: str
    sender: str
    recipients: tuple[str, ...]
    #: The accounts for which it waits.
    waits_for: tuple[str, ...]
    message_type: str
    reference: str
    subject: str
    at: float
    size: int
    sha256: str


class Told(msgspec.Struct, frozen=True, kw_only=True, tag="told"):
    """What an account said about an entry of its list."""

    doc_id: str
    username: str
    status: str
    at: float


Line = Taken | Told

_decoder: msgspec.json.Decoder[Line] = msgspec.json.Decoder(Line)


class Store:
    """An open memory."""

    def __init__(self, folder: Path) -> None:
        self._bodies = folder / "documents"
        self._bodies.mkdir(parents=True, exist_ok=True)
        for left in self._bodies.glob("*.part"):
            left.unlink()
        self.taken: dict[str, Taken] = {}
        #: (docId, account) -> what it said last.
        self.told: dict[tuple[str, str], Told] = {}
        path = folder / "journal"
        kept = whole_lines(path)
        for line in kept.splitlines():
            self._learn(_decoder.decode(line))
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.ftruncate(self._file, len(kept))
        os.lseek(self._file, 0, os.SEEK_END)
        self._writing = asyncio.Lock()
        self._next = 1_000_000_001 + len(self.taken)

    def new_id(self) -> str:
        """A docId that nobody has."""
        self._next += 1
        return str(self._next - 1)

    def path_of(self, doc_id: str) -> Path:
        """Where the bytes of a document lie."""
        return self._bodies / f"{doc_id}.edxml"

    def part_of(self, doc_id: str) -> Path:
        """Where they lie while they arrive."""
        return self._bodies / f"{doc_id}.part"

    async def take(self, taken: Taken) -> None:
        """Keep a document whose bytes lie under their name for the time of arrival."""
        async with self._writing:
            await asyncio.to_thread(self._publish, taken)
            self._learn(taken)

    async def tell(self, told: Told) -> None:
        """Keep what an account said."""
        async with self._writing:
            await asyncio.to_thread(self._append, told)
            self._learn(told)

    def entries(self, username: str, message_type: str) -> Iterator[tuple[Taken, str]]:
        """The list of an account, settled entries included, with the status of each."""
        for taken in self.taken.values():
            if taken.message_type == message_type and username in taken.waits_for:
                told = self.told.get((taken.doc_id, username))
                yield taken, told.status if told else "initial"

    def close(self) -> None:
        """Close the journal."""
        os.close(self._file)

    def _learn(self, line: Line) -> None:
        if isinstance(line, Taken):
            self.taken[line.doc_id] = line
        else:
            self.told[line.doc_id, line.username] = line

    def _publish(self, taken: Taken) -> None:
        with self.part_of(taken.doc_id).open("rb") as file:
            os.fsync(file.fileno())
        self.part_of(taken.doc_id).rename(self.path_of(taken.doc_id))
        folder = os.open(self._bodies, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        self._append(taken)

    def _append(self, line: Line) -> None:
        rest = memoryview(msgspec.json.encode(line) + b"\n")
        while rest:
            rest = rest[os.write(self._file, rest) :]
        os.fdatasync(self._file)


def read_journal(folder: Path) -> list[Line]:
    """Every whole line of a facade's folder, also while it runs."""
    return [_decoder.decode(line) for line in whole_lines(folder / "journal").splitlines()]


def whole_lines(path: Path) -> bytes:
    """What a crash left whole."""
    data = path.read_bytes() if path.exists() else b""
    return data[: data.rfind(b"\n") + 1]
