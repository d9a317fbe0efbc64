"""The demo for whoever looks at it through a browser: started, played, and the way to what it left."""

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

from playwright.async_api import Browser

from tests.console.walk import Look, Walk

#: How long the demo may take to play, in seconds.
_READY = 600.0
#: Lines of the verifier that nobody need read: there are thousands.
_HOLDS = ("  PASSED", "  INDETERMINATE", "                ")


@dataclass(frozen=True, kw_only=True)
class Demo:
    """Running."""

    folder: Path
    #: Of its console.
    origin: str
    #: What it said until then.
    told: str
    #: Login -> password.
    passwords: Mapping[str, str]
    process: asyncio.subprocess.Process

    async def mend(self) -> None:
        """Telephone the office that fails: a line at the demo's terminal."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")
        await self.process.stdin.drain()

    def walk(self, browser: Browser, look: Look) -> Walk:
        """A newcomer's, as what the demo says at its end asks for."""
        return Walk(
            browser=browser,
            origin=self.origin,
            operator="vanhanh",
            clerk="vanthu",
            auditor="kiemtra",
            password=self.passwords.__getitem__,
            failing="xã Vân Khánh Tây",
            refused="1302/UBND-VP",
            wanted="1250/UBND-VP",
            mend=self.mend,
            look=look,
        )

    async def verify(self, bundle: Path) -> int:
        """With the demo's anchors, as an inspector would; what the verifier's program ends with."""
        anchors = str(self.folder / "anchors")
        verifier = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway.verifying", str(bundle), "--anchors", anchors),
            stdout=asyncio.subprocess.PIPE,
        )
        told, _ = await verifier.communicate()
        for line in told.decode().splitlines():
            if not line.startswith(_HOLDS):
                print(line)  # noqa: T201 - for whoever makes the pictures
        assert verifier.returncode is not None
        return verifier.returncode

    async def end(self) -> int:
        """As by Ctrl-C; what it ends with."""
        self.process.send_signal(signal.SIGINT)
        return await self.process.wait()


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
            assert found is not None, told
            lines = [line.split() for line in (folder / "people.txt").read_text("utf-8").splitlines()[1:]]
            passwords = {words[0]: words[1] for words in lines}
            yield Demo(folder=folder, origin=found[1], told=told, passwords=passwords, process=process)
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGINT)
                await process.wait()
