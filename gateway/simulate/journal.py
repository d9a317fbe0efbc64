"""A simulated system's own memory: every message it received and every one it sent, with the answer it got.

An append-only file of JSON lines, one file per system. `receive` and `send` return only after the line is
synced, so whatever a system acknowledged is in its journal; lines that wait while a sync runs share the next
one. The dedupe set (delivery ids) is rebuilt from the file when it is opened; a last line that was cut off
by a crash was never acknowledged and is dropped.

It shares nothing with the gateway's ledger: the demo compares the two at the end (`gateway.simulate.reckoning`).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from pathlib import Path

import msgspec


class Received(msgspec.Struct, frozen=True, kw_only=True, tag="received"):
    """One delivery that reached this system, whether for the first time or again."""

    delivery: str
    recipient: str
    #: "" where the system pulls: dispatches are seen by pushed systems only.
    dispatch: str = ""
    #: The id that the other side's protocol has for it, where that names no deliveries: `delivery` is then
    #: `<digest>/<recipient>`.
    ref: str = ""
    message: str
    kind: str
    sha256: str
    #: The Gateway-Attempt that brought it; 0 where the system pulls.
    attempt: int = 0
    document_id: str
    #: Whether it was handed to the office; False for a repetition that dedupe caught.
    first: bool
    #: Whether what was read is what the script sent: digest, sender, attachment.
    sound: bool = True
    note: str = ""


class Accepted(msgspec.Struct, frozen=True):
    """One line of a 202."""

    delivery: str
    recipient: str


class Sent(msgspec.Struct, frozen=True, kw_only=True, tag="sent"):
    """One submission with the final answer; the tries before it were refused, cut off or unanswered."""

    #: The act of the script, or `<document>/<recipient>/<code>` for an answer.
    key: str
    idempotency_key: str
    kind: str
    path: str
    http_status: int
    tries: int
    message: str = ""
    sha256: str = ""
    deliveries: tuple[Accepted, ...] = ()
    #: The reason code where it was not a 2xx.
    reason: str = ""


Record = Received | Sent

_DECODER: msgspec.json.Decoder[Record] = msgspec.json.Decoder(Record)


class Journal:
    """An open journal; one task at a time syncs it."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = _whole_lines(path)
        self._seen = {record.delivery for record in _decode(kept) if isinstance(record, Received)}
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.ftruncate(self._file, len(kept))
        os.lseek(self._file, 0, os.SEEK_END)
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._flusher: asyncio.Task[None] | None = None

    async def receive(self, record: Received) -> bool:
        """Note an arrival durably; True when the office gets it now, False when it had it already."""
        first = record.delivery not in self._seen
        self._seen.add(record.delivery)
        await self._append(msgspec.structs.replace(record, first=first))
        return first

    async def send(self, record: Sent) -> None:
        """Note a submission and its answer durably."""
        await self._append(record)

    async def close(self) -> None:
        """Wait for what is being synced, then close the file."""
        if self._flusher is not None:
            await self._flusher
        os.close(self._file)

    async def _append(self, record: Record) -> None:
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((msgspec.json.encode(record) + b"\n", done))
        if self._flusher is None or self._flusher.done():
            self._flusher = asyncio.create_task(self._flush())
        await asyncio.shield(done)

    async def _flush(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                await asyncio.to_thread(self._write, b"".join(line for line, _ in batch))
            except OSError as error:
                for _, done in batch:
                    done.set_exception(error)
                continue
            for _, done in batch:
                done.set_result(None)

    def _write(self, lines: bytes) -> None:
        rest = memoryview(lines)
        while rest:
            rest = rest[os.write(self._file, rest) :]
        os.fdatasync(self._file)


def read_journal(path: Path) -> list[Record]:
    """Every whole record of a journal; none where the file does not exist."""
    return list(_decode(_whole_lines(path)))


def _decode(lines: bytes) -> Iterable[Record]:
    return (_DECODER.decode(line) for line in lines.splitlines())


def _whole_lines(path: Path) -> bytes:
    if not path.exists():
        return b""
    data = path.read_bytes()
    return data[: data.rfind(b"\n") + 1]
