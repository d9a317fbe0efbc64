"""A headless Chromium with one page, driven over the DevTools protocol: files into inputs, text out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp

_ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
    "--remote-debugging-port=0", "--remote-allow-origins=*", "--window-size=1100,1400",
)  # fmt: skip
_START_SECONDS = 120
_STEP_SECONDS = 0.05


@dataclass(kw_only=True)
class Page:
    """The page that is open."""

    socket: aiohttp.ClientWebSocketResponse
    _numbers: count[int] = field(default_factory=lambda: count(1))

    async def call(self, method: str, **parameters: object) -> Mapping[str, Any]:
        """One command; its result."""
        number = next(self._numbers)
        await self.socket.send_json({"id": number, "method": method, "params": parameters})
        while True:
            answer = await self.socket.receive_json(timeout=_START_SECONDS)
            if answer.get("id") == number:
                assert "result" in answer, answer
                result: Mapping[str, Any] = answer["result"]
                return result

    async def value(self, expression: str) -> Any:
        """What a script gives."""
        result = await self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    async def open(self, url: str) -> None:
        """Load it and wait until it is there."""
        await self.call("Page.enable")
        await self.call("Page.navigate", url=url)
        await self.until("document.readyState === 'complete' && location.protocol === 'file:'")

    async def until(self, condition: str) -> None:
        """Wait for what a script says."""
        async with asyncio.timeout(_START_SECONDS):
            while not await self.value(condition):  # noqa: ASYNC110 - the page is another process
                await asyncio.sleep(_STEP_SECONDS)

    async def choose(self, selector: str, files: Sequence[Path]) -> None:
        """As a person chooses files."""
        root = await self.call("DOM.getDocument")
        node = await self.call("DOM.querySelector", nodeId=root["root"]["nodeId"], selector=selector)
        names = [str(path) for path in files]
        await self.call("DOM.setFileInputFiles", nodeId=node["nodeId"], files=names)


@asynccontextmanager
async def browser(program: str, folder: Path) -> AsyncIterator[Page]:
    """The browser, its profile in `folder`; ended with the block."""
    process = await asyncio.create_subprocess_exec(
        program, *_ARGUMENTS, f"--user-data-dir={folder}", "about:blank",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        port = await _port(folder / "DevToolsActivePort", process)
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                targets = json.loads(await answer.text())
            url = next(each["webSocketDebuggerUrl"] for each in targets if each["type"] == "page")
            async with session.ws_connect(url, max_msg_size=0) as socket:
                yield Page(socket=socket)
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def _port(file: Path, process: asyncio.subprocess.Process) -> int:
    async with asyncio.timeout(_START_SECONDS):
        while (found := _written(file)) is None:
            assert process.returncode is None, "the browser did not start"
            await asyncio.sleep(_STEP_SECONDS)
    return found


def _written(file: Path) -> int | None:
    text = file.read_text() if file.exists() else ""
    return int(text.split()[0]) if "\n" in text else None
