"""`gateway` that tells the axis `done` before its own commit, to prove that the sweep notices.

python -m tests.crash.hasty serve
"""

from __future__ import annotations

import sys

from adapters.vxp.reader import VxpSource, Write
from gateway import cli
from gateway.ports import Settlement

_fetch = VxpSource.fetch


async def _fetch_and_tell(source: VxpSource, ref: str, write: Write) -> None:
    await _fetch(source, ref, write)
    await source.settle(ref, Settlement(done=True))


if __name__ == "__main__":
    VxpSource.fetch = _fetch_and_tell  # type: ignore[assignment]
    sys.exit(cli.main())
