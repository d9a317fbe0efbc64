"""What a process of the sweep is told, and the words it exchanges with the sweep on its pipes.

On standard output: `ready`, and `finished` once it has nothing more to send. On standard input: `finish`; the end
of input ends the process.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import msgspec


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """One process of clients or of a receiver."""

    #: Of the gateway.
    url: str
    #: CAs of the gateway's certificate.
    anchors: str
    #: Organ id -> bearer token.
    tokens: dict[str, str]
    journal: str
    #: Documents that somebody else wrote, to be sent as they are.
    handed_in: str
    #: What the senders choose from: recipients of a document in memory, and of one that is spooled.
    recipients: tuple[tuple[str, ...], ...]
    large_recipients: tuple[str, ...]
    #: The receiver's own office, address, port, certificate and key.
    office: str
    host: str
    port: int
    certificate: str
    key: str
    secret: str
    #: Whether the receiver reports some documents as processed.
    reports: bool
    #: Whether it closes every connection after its answer.
    closes: bool = False
    #: Folder of the axis simulator and of its secrets.
    axis: str = ""
    #: Seeds what is random.
    seed: int
    #: Seconds between two documents of one sender.
    pause: float


def read_spec(path: Path) -> Spec:
    """As the sweep wrote it."""
    return msgspec.json.decode(path.read_bytes(), type=Spec)


def say(word: str) -> None:
    """One line to the sweep."""
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def listen(finish: asyncio.Event) -> asyncio.Event:
    """Sets `finish` when told to; the event it gives is set when the sweep has gone."""
    loop, gone = asyncio.get_running_loop(), asyncio.Event()

    def heard() -> None:
        line = sys.stdin.readline()
        if line.strip() == "finish":
            finish.set()
        elif not line:
            loop.remove_reader(sys.stdin.fileno())
            gone.set()

    loop.add_reader(sys.stdin.fileno(), heard)
    return gone
