"""Verifies a file that somebody brought, in a process with little memory, no key and no connection.

It is what `gateway-verify` does, with the anchors of this installation; so a bundle of another gateway is told as
not trusted here. Who wants to trust nobody verifies on a machine of his own, with anchors that he was given.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from gateway.config.settings import Settings
from gateway.errors import GatewayError, PoolError
from gateway.parsing.pool import PARSED_PER_SECOND, ParserPool

#: The largest file that is taken.
MOST_BYTES: Final = 256 * 1024 * 1024
_SECONDS: Final = 30.0
#: Bundles come seldom.
_IDLE: Final = 30.0
_MEMORY: Final = 1024 * 1024**2


@dataclass(frozen=True, kw_only=True, slots=True)
class _Task:
    """Paths, all of them."""

    file: str
    seal: str
    tsa: str
    vkey: str
    at: datetime


class Checker:
    """One per console; its process starts with the first file and ends when it is idle."""

    def __init__(self) -> None:
        self._pool = ParserPool(processes=1, memory=_MEMORY, recycle_after=50, preload=(), idle=_IDLE)

    async def check(self, file: Path, size: int, settings: Settings, at: datetime) -> dict[str, Any]:
        """What was found, as `gateway-verify --json` tells it, and the words for each reason; else PoolError."""
        task = _Task(
            file=str(file),
            seal=str(settings.seal.anchors),
            tsa=str(settings.stamps.anchors),
            vkey=str(settings.log.vkey),
            at=at,
        )
        seconds = _SECONDS + size / PARSED_PER_SECOND
        answer = await self._pool.run(verified, task, timeout=seconds, size=size)
        try:
            return msgspec.json.decode(answer, type=dict[str, Any])
        except msgspec.DecodeError as error:
            raise PoolError("What examined it sent no report.", kind="broken") from error

    async def close(self) -> None:
        """End the process."""
        await self._pool.close()


def verified(task: _Task) -> bytes:
    """Runs in the process: what it needs is imported there alone."""
    from gateway.seal.trust import TrustPurpose, TrustStore
    from gateway.transparency.keys import read_vkeys
    from gateway.verifying.anchors import Anchors
    from gateway.verifying.findings import REASONS
    from gateway.verifying.verify import verify_file

    try:
        tsa, vkey = Path(task.tsa), Path(task.vkey)
        anchors = Anchors(
            seal=TrustStore.load(Path(task.seal), TrustPurpose.SEAL),
            tsa=TrustStore.load(tsa, TrustPurpose.TSA) if tsa.is_dir() else None,
            log=tuple(read_vkeys(vkey.read_bytes())) if vkey.is_file() else (),
        )
    except GatewayError:
        anchors = None
    found = verify_file(Path(task.file), anchors, task.at)
    shape = found.shape()
    words = {check.reason: REASONS[check.reason] for check in found.checks if check.reason in REASONS}
    return msgspec.json.encode(shape | {"words": words})
