"""Runs a drill as a process of its own: `gateway drill --json`, from the same configuration.

If the server stops meanwhile the process is ended with it; what it restored is cleared by the next one.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from gateway.apart import run_apart
from gateway.backup.drill import DrillReport


async def drill_apart(config_path: Path) -> DrillReport:
    """The report; a process that gives none is a failed drill."""
    ended = await run_apart(config_path, "drill", "--json")
    try:
        return msgspec.json.decode(ended.out, type=DrillReport)
    except msgspec.DecodeError:
        return DrillReport(ok=False, code="internal_error", detail=f"it ended with {ended.code}: {ended.told}")
