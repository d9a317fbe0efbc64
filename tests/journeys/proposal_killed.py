"""The process that `test_mass_killed` kills: it opens a data folder and carries out what two persons want there."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from gateway.config import settings as config
from gateway.foundation import Foundation, open_foundation
from gateway.maintenance import consented
from gateway.model import AgencyId

#: So that a proposal of a few deliveries takes several transactions.
PORTION = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Folder:
    """An open data folder, as acts see it."""

    foundation: Foundation

    def requeued(self, agencies: Iterable[AgencyId]) -> None:
        """Nobody delivers here."""

    def poll(self, endpoint_id: str) -> int:
        """Nobody polls here."""
        return 0


async def carry_out(folder: Path) -> None:
    """One run of the duty."""
    consented.AT_ONCE = PORTION  # type: ignore[misc]
    async with open_foundation(config.load(folder / "config.toml"), purpose="test") as base:
        await consented.Consented(Folder(foundation=base)).run_once()


if __name__ == "__main__":
    asyncio.run(carry_out(Path(sys.argv[1])))
