"""A gateway that speaks the axis's protocol without TLS on an interface of its namespace, until its input ends.

`python -m tests.network.plain_server FOLDER PKI INTERFACE PORT`; says "ready" when it listens.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.journeys.vxp_lab import vxp_lab


async def main(folder: str, pki: str, interface: str, port: str) -> None:
    """Serve."""
    lines = f'plain_host = "{interface}"\nplain_port = {port}'
    async with vxp_lab(Path(folder), Path(pki), bindings=lines):
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
