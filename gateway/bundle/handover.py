"""A whole ledger for its successor: `handover.json` beside the archives of all its months. Format 1.

    handover.json          this, written last: a folder without it is none
    ledger-2026-10.asice   the archives of every month, and `ledger-final.asice` up to the last leaf
    open.jsonl             deliveries that were open, a JSON object a line
    log.vkey               the log's public keys; an auditor has them from elsewhere
    copy/                  where it was asked for: a backup of the data folder (docs/backup.md), bodies and all

The archives prove the ledger; this is their list. The last leaf, `ledger.ended`, names the successor and the digest
of `open.jsonl`: nothing here needs to be believed but what the log signed.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any, Final

import msgspec

from gateway.bundle.facts import Part
from gateway.errors import BundleError

HANDOVER: Final = "handover.json"
HANDOVER_FORMAT: Final = "edoc-ledger-handover"
HANDOVER_VERSION: Final = 1
OPEN: Final = "open.jsonl"
VKEYS: Final = "log.vkey"
FINAL: Final = "ledger-final.asice"
COPY: Final = "copy"
#: Below the data folder of a successor: ledgers that were taken over.
FOREIGN: Final = "foreign"
#: Of the event whose leaf is the log's last.
ENDED: Final = "ledger.ended"
MAX_BYTES: Final = 16 * 1024 * 1024


class HandedFile(Part, kw_only=True, frozen=True):
    """An archive of the folder."""

    name: str
    sha256: str
    first: int
    until: int


class Handover(Part, kw_only=True, frozen=True):
    """The whole."""

    format: str = HANDOVER_FORMAT
    version: int = HANDOVER_VERSION
    made_at: str
    made_by: str
    program: str
    #: Organ id of the gateway that ends, and of its successor.
    gateway: str
    successor: str
    #: The log as it ended.
    origin: str
    size: int
    root: str
    #: In the order of the log.
    archives: list[HandedFile]
    #: Deliveries in `open.jsonl`.
    open: int
    #: Name of the copy below `copy/`; "" where none was made.
    copy: str


class TakenFile(Part, kw_only=True, frozen=True):
    """A file of the folder as the successor keeps it."""

    name: str
    size: int
    sha256: str


class OpenDelivery(Part, kw_only=True, frozen=True):
    """A delivery that was open."""

    delivery: str
    message: str
    document_id: str
    sha256: str
    #: Codes as the document has them.
    sender: str
    recipient: str
    state: str
    accepted_at: str


def digest_of(path: Path) -> str:
    """SHA-256 of a file, read from the disk; raises OSError."""
    with path.open("rb", buffering=0) as file:
        return file_digest(file, "sha256").hexdigest()


def list_digest(files: Iterable[TakenFile]) -> str:
    """SHA-256 over what `sha256sum` prints of them, by name: what the leaf of a taking names."""
    lines = (f"{each.sha256}  {each.name}\n" for each in sorted(files, key=lambda each: each.name))
    return sha256("".join(lines).encode()).hexdigest()


def written(facts: Handover) -> bytes:
    """The file."""
    return msgspec.json.format(msgspec.json.encode(facts, order="deterministic"), indent=1) + b"\n"


def read(file: bytes) -> Handover:
    """The facts; BundleError for another format, another version, or a wrong shape."""
    try:
        head = msgspec.json.decode(file, type=dict[str, Any])
        if (head.get("format"), head.get("version")) != (HANDOVER_FORMAT, HANDOVER_VERSION):
            raise BundleError(f"{HANDOVER} is of another format or version", code="version_unknown")
        return msgspec.json.decode(file, type=Handover)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BundleError(f"{HANDOVER} cannot be read: {error}", code="facts_unreadable") from error
