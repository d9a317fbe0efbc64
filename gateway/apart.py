"""Runs one of the gateway's own commands as a process of its own, which ends with the server at the latest."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_SHOWN = 400


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """A process that has ended."""

    code: int
    out: bytes
    #: The end of what it said on standard error.
    told: str


async def run_apart(config_path: Path, *arguments: str, seconds: float | None = None) -> Ended:
    """`gateway ARGUMENTS` from the same configuration; TimeoutError after so many seconds."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "gateway", "--config", str(config_path), *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(seconds):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return Ended(code=process.returncode or 0, out=out, told=err.decode("utf-8", "replace").strip()[-_SHOWN:])
