"""Has small bodies made durable by the process of `gateway.storage.body_process`.

When that process dies, the bodies it had are reported as not kept, which is the safe side.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from gateway.aside import Aside, Child
from gateway.errors import StorageError
from gateway.storage.body_process import ANSWER
from gateway.storage.body_sync import DirectorySyncError


class BodyKeeper:
    """The server's end."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-m", "gateway.storage.body_process", "{socket}", str(folder)]
        self._aside = Aside(
            Child(command=command), read=_read, died=lambda: StorageError("The process that keeps bodies has died.")
        )

    def keep(self, sha256: str, stored: bytes) -> asyncio.Future[None]:
        """Done when the file is durable under that digest.

        Fails with FileExistsError where it has one, else with OSError, DirectorySyncError or StorageError.
        """
        return self._aside.ask(bytes.fromhex(sha256) + stored)

    async def close(self) -> None:
        """Wait for the bodies under way, then end the process."""
        await self._aside.close()


def _read(answer: bytes) -> None:
    code, is_broken = ANSWER.unpack_from(answer)
    if code:
        kind = DirectorySyncError if is_broken else OSError  # OSError makes FileExistsError of its errno
        raise kind(code, answer[ANSWER.size :].decode())
