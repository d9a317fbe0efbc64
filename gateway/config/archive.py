"""The settings of `[archive]`, beside those of `gateway.config.settings`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

from gateway.config.values import documented as _f


@dataclass(frozen=True, kw_only=True, slots=True)
class ArchiveSettings:
    """What lasts: finished months as files that prove themselves, and the log's head renewed (docs/archive.md)."""

    folder: Path | None = _f(
        None, "where last month's goes by itself, on another disk; it must be there; empty: only by command"
    )
    restamp_every: timedelta = _f(
        timedelta(days=365), "how often the log's head is renewed by another hash and stamped; 0s: only by command"
    )
    restamp_algorithm: Literal["sha384", "sha512", "sha3-256", "sha3-512"] = _f(
        "sha512", "the hash of the day for that; the time-stamping servers must take it"
    )
