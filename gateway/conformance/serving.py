"""The sandbox."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from gateway.conformance.verdicts import Result


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What the command line asks for."""

    organ_id: str
    binding: str
    port: int
    folder: Path | None
    receiver: str
    secret_file: Path | None
    seconds: float | None
    report: Path | None


async def serve(wanted: Wanted, console: Console) -> list[Result]:
    """Run it."""
    console.print(wanted.organ_id)
    return []
