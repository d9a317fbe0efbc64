"""The demo for whoever looks at it through a browser: started, played, and what it left to be found."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

#: How long the demo may take to play, in seconds.
_READY = 600.0


@dataclass(frozen=True, kw_only=True)
class Demo:
    """Running."""

    folder: Path
    #: Of its console.
    origin: str
    #: Login -> password.
    passwords: Mapping[str, str]
    process: asyncio.subprocess.Process

    async def mend(self) -> None:
        """Telephone the office that fails: a line at the demo's terminal."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")
        await self.process.stdin.drain()


@asynccontextmanager
async def demo() -> AsyncIterator[Demo]:
    """Once it has played and waits for a newcomer; ended as by Ctrl-C."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "demo"
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway", "demo", "--folder", str(folder)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        told = ""
        try:
            async with asyncio.timeout(_READY):
                while "gateway-verify" not in told and (line := await process.stdout.readline()):
                    told += line.decode()
            found = re.search(r"console +(https://localhost:\d+)/", told)
            assert found is not None, told[-4000:]
            lines = [line.split() for line in (folder / "people.txt").read_text("utf-8").splitlines()[1:]]
            passwords = {words[0]: words[1] for words in lines}
            yield Demo(folder=folder, origin=found[1], passwords=passwords, process=process)
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGINT)
                await process.wait()
