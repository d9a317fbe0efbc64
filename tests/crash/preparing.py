"""Makes the installation, data folder included, in a process that the recorder sees: SITE PKI URL.

Prints the offices' tokens.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import msgspec

from tests.journeys.installation import prepare


async def _main(site: Path, pki: Path, push_url: str) -> None:
    made = await prepare(site, pki, push_url=push_url, data="disk/data")
    sys.stdout.buffer.write(msgspec.json.encode(made.tokens))


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]))
