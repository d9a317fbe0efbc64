"""The process that `test_purge_process` kills: it opens a data folder and carries out what is confirmed there."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Collection
from pathlib import Path

from gateway.config import settings as config
from gateway.foundation import open_foundation
from gateway.maintenance.eraser import Eraser
from gateway.observe import Metrics


class NoUploads:
    """Nobody uploads anything here."""

    async def erase(self, digests: Collection[str]) -> int:
        """There is none."""
        return 0


async def carry_out(folder: Path) -> None:
    """One run of the eraser."""
    async with open_foundation(config.load(folder / "config.toml"), purpose="test") as base:
        await Eraser(base, NoUploads(), Metrics()).run_once()


if __name__ == "__main__":
    asyncio.run(carry_out(Path(sys.argv[1])))
