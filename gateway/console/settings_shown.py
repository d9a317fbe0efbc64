"""The settings in force as a page shows them: each with its meaning, its value, and where that comes from.

Settings name files of secrets and hold none; what might be one all the same (a name that says so, a password in an
address) is masked.
"""

from __future__ import annotations

import dataclasses
import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from gateway.config.settings import Kept, Settings

_SECRET: Final = re.compile(r"password|secret|token|pin$|passphrase")
_IN_ADDRESS: Final = re.compile(r"//[^/@\s]+@")
MASKED: Final = "•••"


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """One setting."""

    name: str
    value: str
    meaning: str
    #: Whether the file says it; else it is the default.
    is_set: bool


def shown(settings: Settings, path: Path) -> dict[str, list[Shown]]:
    """Section -> its settings; "" for those of no section."""
    try:
        file = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError):  # it was moved, or is being written
        file = {}
    found: dict[str, list[Shown]] = {}
    for item in dataclasses.fields(settings):
        value = getattr(settings, item.name)
        if dataclasses.is_dataclass(value):
            found[item.name] = list(_section(value, file.get(item.name, {})))
        else:
            found.setdefault("", []).append(_one(item, value, item.name in file))
    return found


def _section(section: Any, file: Mapping[str, Any]) -> Iterator[Shown]:
    for item in dataclasses.fields(section):
        value = getattr(section, item.name)
        if isinstance(value, Kept):
            for name, each in value.values.items():
                yield Shown(name=name, value=_text(name, each), meaning="", is_set=True)
        else:
            yield _one(item, value, item.name in file)


def _one(item: dataclasses.Field[Any], value: object, is_set: bool) -> Shown:  # noqa: FBT001
    meaning = str(item.metadata.get("doc", ""))
    return Shown(name=item.name, value=_text(item.name, value), meaning=meaning, is_set=is_set)


def _text(name: str, value: object) -> str:
    if _SECRET.search(name) and value and not isinstance(value, Path | bool | int | timedelta):
        return MASKED
    if isinstance(value, tuple | list | frozenset):
        return ", ".join(_text(name, each) for each in value)
    return _IN_ADDRESS.sub(f"//{MASKED}@", "" if value is None else str(value))
