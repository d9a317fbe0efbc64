"""The high-water mark of the transparency log: what was signed last, in a file that no backup holds.

A data folder that was restored from a copy is older than what the world has seen of its log. It would sign another
history under the same name, and nobody could tell which one is true. So before a checkpoint leaves the machine, its
size and root are written here and synced; and nothing is signed over a tree that does not continue the marked one,
until an operator declares the gap (`gateway log declare`).

The file is JSON of one object and holds no secret. One that is missing is a reason to sign only where nothing was
ever signed; one that cannot be read never is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.errors import LogRefusedError
from gateway.fsio import atomic_replace


class Mark(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What was signed last."""

    #: SHA-256 of the log's public key, hex.
    key: str
    #: The log's epoch.
    epoch: int
    #: Leaves.
    size: int
    #: Root, hex.
    root: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]

    @property
    def root_hash(self) -> bytes:
        """The root, 32 bytes."""
        return bytes.fromhex(self.root)


def read_mark(path: Path) -> Mark | None:
    """The mark; None where there is none. LogRefusedError when it cannot be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Mark)
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError, msgspec.MsgspecError) as error:
        raise LogRefusedError("mark_unreadable", f"{path}: {error}") from error


def write_mark(path: Path, mark: Mark) -> None:
    """Durably; StorageError when it cannot be written. Blocks."""
    atomic_replace(path, msgspec.json.encode(mark) + b"\n", 0o644)
