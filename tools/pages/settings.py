"""`config.example.toml`, made from the settings' dataclasses: meaning, unit and default of each."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from adapters import BindingOptions
from gateway.config.settings import BindingSettings, Kept, Settings
from gateway.config.values import (
    Addresses,
    Networks,
    Size,
    StampServers,
    Weekdays,
    Witnesses,
    duration_text,
    size_text,
)

_HEAD = """\
# Every setting of the gateway with its default; made by `make docs` from gateway/config/settings.py.
# Uncomment what you change; a key that is not listed here refuses to start. Paths are relative to this file's
# folder; durations are written "250ms", "30s", "5m", "12h" or "5d", sizes "64KiB", "20MiB" or "1GiB".
# No secret belongs in this file: settings name files, whose modes are checked.
"""


def example() -> str:
    """The whole file."""
    hints = get_type_hints(Settings)
    top = [item for item in dataclasses.fields(Settings) if not dataclasses.is_dataclass(hints[item.name])]
    parts = [_HEAD]
    parts += ["\n".join(_lines(hints[item.name], item)) + "\n" for item in top]
    parts += [_table(item.name, hints[item.name]) for item in dataclasses.fields(Settings) if item not in top]
    return "\n".join(parts)


def _table(name: str, kind: type) -> str:
    hints = get_type_hints(kind)
    lines = [f"# {(kind.__doc__ or '').strip()}", f"[{name}]"]
    nested = [item for item in dataclasses.fields(kind) if dataclasses.is_dataclass(hints[item.name])]
    for item in dataclasses.fields(kind):
        lines += _lines(hints[item.name], item) if item not in nested else []
    if kind is BindingSettings:  # the adapters declare these
        declared = get_type_hints(BindingOptions)
        lines += [line for item in dataclasses.fields(BindingOptions) for line in _lines(declared[item.name], item)]
    tables = [_table(f"{name}.{item.name}", hints[item.name]) for item in nested if hints[item.name] is not Kept]
    return "\n".join(["\n".join(lines) + "\n", *tables])


def _lines(hint: Any, item: dataclasses.Field[Any]) -> Iterator[str]:
    yield f"# {item.metadata['doc']} [{_unit(hint)}]"
    yield f"#{item.name} = {written(hint, item.default)}"


def _unit(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return " or ".join(map(str, get_args(hint)))
    if hint == Path | None:
        return "path or empty"
    if hint == Networks:
        return "list of networks"
    if hint in (StampServers, Witnesses, Addresses, Weekdays):
        return "list of texts"
    names = {timedelta: "duration", Size: "size", Path: "path", bool: "true or false", int: "number"}
    return names.get(hint, "number" if hint is float else "text")


def written(hint: Any, value: Any) -> str:
    """A default as TOML."""
    if hint is timedelta:
        return f'"{duration_text(value)}"'
    if hint is Size:
        return f'"{size_text(value)}"'
    if value is None:
        return '""'
    if isinstance(value, tuple):
        return json.dumps(value)
    if isinstance(value, bool | str | Path):
        return json.dumps(str(value) if isinstance(value, Path) else value, ensure_ascii=False)
    return f"{value}"
