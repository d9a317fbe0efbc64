"""What clients and receivers of the kill sweep know by themselves: JSON lines, each synced before it is acted on.

It shares nothing with the gateway's ledger; `kill_check` compares the two.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import msgspec


class Line(msgspec.Struct, frozen=True):
    """One delivery named by a 202."""

    delivery: str
    recipient: str


class Sent(msgspec.Struct, frozen=True, kw_only=True, tag="sent"):
    """A 202 that reached its client."""

    key: str
    message: str
    sha256: str
    lines: tuple[Line, ...]
    #: Requests until it came; the others were cut off, unanswered or refused for the moment.
    tries: int


class Arrived(msgspec.Struct, frozen=True, kw_only=True, tag="arrived"):
    """A delivery that reached its office: pushed, or fetched from the inbox."""

    delivery: str
    recipient: str
    message: str
    sha256: str
    #: What a pushed receiver dedupes on; "" where it was fetched.
    dispatch: str = ""
    #: Whether the office processed it now; False for what dedupe caught.
    first: bool
    at: float


class Wrong(msgspec.Struct, frozen=True, kw_only=True, tag="wrong"):
    """Something that no client should ever see."""

    what: str


Record = Sent | Arrived | Wrong

_DECODER: msgspec.json.Decoder[Record] = msgspec.json.Decoder(Record)


class Journal:
    """An open journal."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def note(self, record: Record) -> None:
        """Durable when this returns."""
        os.write(self._file, msgspec.json.encode(record) + b"\n")
        os.fdatasync(self._file)


def read_journals(paths: list[Path]) -> list[Record]:
    """Every whole line."""
    found: list[Record] = []
    for path in paths:
        data = path.read_bytes() if path.exists() else b""
        found += [_DECODER.decode(line) for line in data[: data.rfind(b"\n") + 1].splitlines()]
    return found


def now() -> float:
    """Wall clock, as every process of the sweep writes it."""
    return time.time()
