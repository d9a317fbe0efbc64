"""The `#:` comments above an enum's members, which Python itself does not keep."""

from __future__ import annotations

import inspect
import re
from enum import Enum

_MEMBER = re.compile(r"(?P<name>[A-Z][A-Z_]*) = ")


def documented(kind: type[Enum]) -> dict[str, str]:
    """Member name -> its comment as one line; a member without one is missing."""
    told: dict[str, str] = {}
    comment: list[str] = []
    for line in map(str.strip, inspect.getsource(kind).splitlines()):
        if line.startswith("#: "):
            comment.append(line[3:])
            continue
        if (match := _MEMBER.match(line)) and comment:
            told[match["name"]] = " ".join(comment)
        comment = []
    return told
