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

from gateway.channels import binding_options
from gateway.config.settings import Kept, Settings
from gateway.config.values import duration_text, size_text
from gateway.console.setting_words import MEANINGS

_SECRET: Final = re.compile(r"password|secret|token|pin$|passphrase")
_IN_ADDRESS: Final = re.compile(r"//[^/@\s]+@")
MASKED: Final = "•••"


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """One setting."""

    name: str
    value: str
    #: What it means, in both languages.
    vi: str
    en: str
    #: Whether the file says it; else it is the default.
    is_set: bool


def shown(settings: Settings, path: Path) -> dict[str, list[Shown]]:
    """Section -> its settings; "" for those of no section."""
    try:
        file = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError):  # it was moved, or is being written
        file = {}
    found: dict[str, list[Shown]] = {}
    for section, item, value, is_set in _all("", settings, file, binding_options(settings)):
        en = str(item.metadata.get("doc", ""))
        key = f"{section}.{item.name}" if section else item.name
        vi = MEANINGS.get(key) or str(item.metadata.get("vi", en))
        text = size_text(value) if item.type == "Size" and isinstance(value, int) else _text(item.name, value)
        one = Shown(name=item.name, value=text, vi=vi, en=en, is_set=is_set)
        found.setdefault(section, []).append(one)
    return found


def _all(
    section: str, settings: Any, file: Mapping[str, Any], options: object
) -> Iterator[tuple[str, dataclasses.Field[Any], object, bool]]:
    """The settings of a section and of those within it; those that protocols declare stand in `[bindings]`."""
    for item in dataclasses.fields(settings):
        value = options if isinstance(found := getattr(settings, item.name), Kept) else found
        if not dataclasses.is_dataclass(value):
            yield section, item, value, item.name in file
        elif value is options:
            yield from _all(section, value, file, None)
        else:
            yield from _all(f"{section}.{item.name}".lstrip("."), value, file.get(item.name, {}), options)


def _text(name: str, value: object) -> str:
    if _SECRET.search(name) and value and not isinstance(value, Path | bool | int | timedelta):
        return MASKED
    if isinstance(value, timedelta):
        return duration_text(value)
    if isinstance(value, tuple | list | frozenset):
        return ", ".join(_text(name, each) for each in value)
    return _IN_ADDRESS.sub(f"//{MASKED}@", "" if value is None else str(value))
