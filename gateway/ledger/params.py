"""Parameters of set-based statements: one JSON text that `json_each` unfolds."""

from __future__ import annotations

import msgspec


def as_json(value: object) -> str:
    """`value` as compact JSON text."""
    return msgspec.json.encode(value).decode()
