"""Runs a drill as a process of its own: `gateway drill --json`, from the same configuration.

If the server stops meanwhile the process is ended with it; what it restored is cleared by the next one.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from pathlib import Path

import msgspec

from gateway.backup.drill import DrillReport

_SHOWN = 400


async def drill_apart(config_path: Path) -> DrillReport:
    """The report; a process that gives none is a failed drill."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "gateway", "--config", str(config_path), "drill", "--json"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await process.communicate()
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    try:
        return msgspec.json.decode(out, type=DrillReport)
    except msgspec.DecodeError:
        told = err.decode("utf-8", "replace").strip()[-_SHOWN:]
        return DrillReport(ok=False, code="internal_error", detail=f"it ended with {process.returncode}: {told}")
