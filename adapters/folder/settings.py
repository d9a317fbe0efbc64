"""Settings of a channel of kind `folder` or `sftp`, beside those that say where the folder is.

`path` (folder only): the office's folder, absolute or beside the configuration. `agency`: whose it is, where
several stand behind the channel. `settle_seconds` (10): how long a file must have stood still before it is taken
up. `patience_seconds` (300): how long a file that is no document, or lacks another, waits for what makes it one.
`max_bytes` (300 MB): the largest document, in either direction. `answers` (true): whether ready-made files for
statuses are put beside a document that arrives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import ConfigError
from gateway.model import Endpoint

#: Entries looked at in one folder; an office with more is served in turns.
ENTRIES_MAX = 20_000
#: Entries told to the watcher at once, the most urgent and oldest first.
LISTED_MAX = 1_000
_NUMBER_MAX = 10**15


@dataclass(frozen=True, kw_only=True, slots=True)
class FolderSettings:
    """What both kinds share."""

    settle_seconds: float = 10.0
    patience_seconds: float = 300.0
    max_bytes: int = 300_000_000
    answers: bool = True


def settings_of(endpoint: Endpoint) -> FolderSettings:
    """Read them; ConfigError says what is wrong."""
    given = endpoint.settings
    return FolderSettings(
        settle_seconds=_number(given, "settle_seconds", 10.0),
        patience_seconds=_number(given, "patience_seconds", 300.0),
        max_bytes=int(_number(given, "max_bytes", 300_000_000)),
        answers=given.get("answers", True) is not False,
    )


def path_of(endpoint: Endpoint, folder: Path) -> Path:
    """The office's folder on this machine."""
    value = endpoint.settings.get("path")
    if not isinstance(value, str) or not value:
        raise ConfigError("the channel has no path: give the office's folder")
    path = folder / value
    if path == Path(path.anchor):
        raise ConfigError("the root of the disk is no office's folder")
    return path


def _number(given: Mapping[str, object], name: str, default: float) -> float:
    value = given.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _NUMBER_MAX:
        raise ConfigError(f"{name} is no number from 0 to {_NUMBER_MAX}")
    return float(value)
