"""What the axis saw and did, as JSON lines: every call, every message taken, handed out, settled or put there.

A line is written before the reply leaves, without syncing: a killed process loses none of it. A message committed
right before a kill gets its line at the next start, marked `recovered`. Whoever compares afterwards reads it with
`read_axis_journal`. Waiting for a line needs no polling: `wait` returns when enough lines of a kind have come.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import msgspec


class Called(msgspec.Struct, frozen=True, kw_only=True, tag="called"):
    """A call and how it ended."""

    at: str
    operation: str
    method: str
    system: str
    agent: str
    #: docId, as it was given.
    doc: str
    #: OK, FAIL, or what was done to it.
    outcome: str
    code: str = ""
    words: str = ""
    faults: tuple[str, ...] = ()


class Taken(msgspec.Struct, frozen=True, kw_only=True, tag="taken"):
    """A message that sendEdoc accepted, whether or not the sender got the answer."""

    doc_id: str
    system: str
    message_type: str
    sender: str
    document_id: str
    status_code: str
    sha256: str
    size: int
    #: Those of the entries, beside the systems whose lists they are in.
    entries: tuple[tuple[str, str], ...]
    #: All whom it is for, those that nobody knows included.
    to: tuple[str, ...]
    recovered: bool = False


class Handed(msgspec.Struct, frozen=True, kw_only=True, tag="handed"):
    """Bytes that a system fetched; the reply may still have been cut."""

    doc_id: str
    system: str
    sha256: str


class Settled(msgspec.Struct, frozen=True, kw_only=True, tag="settled"):
    """What a system said of an entry."""

    doc_id: str
    system: str
    status: str
    words: str


class Put(msgspec.Struct, frozen=True, kw_only=True, tag="put"):
    """An entry that nobody sent."""

    doc_id: str
    system: str
    sha256: str


Line = Called | Taken | Handed | Settled | Put

_DECODER: msgspec.json.Decoder[Line] = msgspec.json.Decoder(Line)


class AxisJournal:
    """An open journal."""

    def __init__(self, path: Path) -> None:
        kept = _whole(path)
        self._lines = [_DECODER.decode(line) for line in kept.splitlines()]
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.ftruncate(self._file, len(kept))
        os.lseek(self._file, 0, os.SEEK_END)
        self._grown = asyncio.Event()

    @property
    def last_taken(self) -> int:
        """The newest message that has its line."""
        return max((int(line.doc_id) for line in self._lines if isinstance(line, Taken)), default=0)

    def write(self, line: Line) -> None:
        """Append a line."""
        rest = memoryview(msgspec.json.encode(line) + b"\n")
        while rest:
            rest = rest[os.write(self._file, rest) :]
        self._lines.append(line)
        self._grown.set()
        self._grown = asyncio.Event()

    async def wait(self, fits: Callable[[Line], bool], count: int) -> list[Line]:
        """Until so many lines fit, old ones included; those."""
        found: list[Line] = []
        looked_at = 0
        while True:
            found += [line for line in self._lines[looked_at:] if fits(line)]
            if len(found) >= count:
                return found
            looked_at = len(self._lines)
            await self._grown.wait()

    def close(self) -> None:
        """Give the file back."""
        os.close(self._file)


def read_axis_journal(path: Path) -> list[Line]:
    """Every whole line of a journal; none where the file does not exist."""
    return [_DECODER.decode(line) for line in _whole(path).splitlines()]


def _whole(path: Path) -> bytes:
    if not path.exists():
        return b""
    data = path.read_bytes()
    return data[: data.rfind(b"\n") + 1]
