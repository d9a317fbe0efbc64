"""Hashing stored bodies: digest and length of what lies on the disk, many at once.

Hashing and reading let go of the interpreter, so threads use every core. A body is read in pieces; nothing
of it is kept. Opens files for reading only.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from gateway.errors import BodyDamagedError, StorageError
from gateway.storage.bodies import Bodies
from gateway.storage.body_file import BodyFile


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredBody:
    """What was found under a digest's name."""

    #: Digest of the bytes; None when there are none to hash.
    sha256: str | None
    size: int = 0
    #: Why there are none: `body_missing`, `body_unreadable`, `body_changed`.
    fault: str = ""
    detail: str = ""


class BodyHasher:
    """Hashes bodies in threads of its own; close it."""

    def __init__(self, bodies: Bodies) -> None:
        self._bodies = bodies
        self._threads = ThreadPoolExecutor(min(8, (os.cpu_count() or 1) + 2), thread_name_prefix="fsck")

    async def hash_all(self, digests: Iterable[str]) -> dict[str, StoredBody]:
        """What lies under each of the names."""
        names = list(dict.fromkeys(digests))
        found = await asyncio.gather(*(self._hash(name) for name in names))
        return dict(zip(names, found, strict=True))

    def close(self) -> None:
        """Let the threads go."""
        self._threads.shutdown()

    async def _hash(self, name: str) -> StoredBody:
        try:
            reader = await self._bodies.open(name)
        except BodyDamagedError as error:
            fault = "body_changed" if error.facts.get("changed") else "body_unreadable"
            return StoredBody(sha256=None, fault=fault, detail=str(error))
        except ValueError as error:
            return StoredBody(sha256=None, fault="body_unreadable", detail=str(error))
        except StorageError as error:
            missing = isinstance(error.__cause__, FileNotFoundError)
            fault = "body_missing" if missing else "body_unreadable"
            return StoredBody(sha256=None, fault=fault, detail="" if missing else str(error))
        return await run_digest(self._threads, reader.file)


async def run_digest(threads: ThreadPoolExecutor, file: BodyFile) -> StoredBody:
    """Digest and length of a body that was opened, or why there are none."""
    try:
        return await asyncio.get_running_loop().run_in_executor(threads, _digest, file)
    except BodyDamagedError as error:
        return StoredBody(sha256=None, fault="body_changed", detail=str(error))
    except FileNotFoundError:  # it went after it was opened: the eraser may be at work beside us
        return StoredBody(sha256=None, fault="body_missing")
    except OSError as error:
        return StoredBody(sha256=None, fault="body_unreadable", detail=str(error.strerror))


def _digest(file: BodyFile) -> StoredBody:
    digest = hashlib.sha256()
    size = 0
    for piece in file.pieces():
        digest.update(piece)
        size += len(piece)
    return StoredBody(sha256=digest.hexdigest(), size=size)


def old_bodies(bodies: Bodies, *, before: float) -> Iterator[str]:
    """The kept digests whose files were written before an instant (seconds since 1970), in order."""
    for name in bodies.iterate():
        try:
            if bodies.path_of(name).stat().st_mtime < before:
                yield name
        except (OSError, ValueError):  # just set aside, or no body at all
            continue
