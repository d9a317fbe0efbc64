"""The XML of a message for eyes: one element a line, files left out, the places that something was found marked.

It is no reading of the message (`gateway.edxml.parser` does that), only its text laid out; what is not XML is shown
as it is. Pure. A finding's path names elements by their local names; the last one is what is marked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from gateway.edxml.envelope import Finding

#: Bytes of a message that are laid out, at most.
MOST_BYTES: Final = 512 * 1024
_MOST_LINES: Final = 4_000
_LONGEST: Final = 2_000
#: A run of base64 that is no text.
_FILE: Final = re.compile(r"[A-Za-z0-9+/=\r\n]{400,}")
_BETWEEN: Final = re.compile(r">\s*<")
_TAG: Final = re.compile(r"<\s*(/?)\s*(?:[\w.-]+:)?([\w.-]+)")
_LAST: Final = re.compile(r"([\w.-]+)(?:\[\d+\])?$")


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceLine:
    """A line of the text."""

    number: int
    text: str
    findings: tuple[Finding, ...] = ()


def laid_out(data: bytes, findings: Iterable[Finding]) -> list[SourceLine]:
    """The lines; a message that is longer than what is given ends where that ends."""
    marked: dict[str, list[Finding]] = {}
    for finding in findings:
        if (last := _LAST.search(finding.path)) is not None:
            marked.setdefault(last[1], []).append(finding)
    text = _FILE.sub(lambda run: f"… {len(run[0])} …", data.decode("utf-8", "replace"))
    pieces = "\n".join(_BETWEEN.sub(">\n<", line) for line in text.splitlines()).splitlines()
    lines: list[SourceLine] = []
    depth = 0
    for piece in pieces[:_MOST_LINES]:
        plain = piece.strip()
        tag = _TAG.match(plain)
        if tag is not None and tag[1]:
            depth = max(0, depth - 1)
        found = tuple(marked.get(tag[2], ())) if tag is not None and not tag[1] else ()
        lines.append(SourceLine(number=len(lines) + 1, text="  " * depth + plain[:_LONGEST], findings=found))
        if tag is not None and not tag[1] and not _closes(plain, tag[2]):
            depth = min(depth + 1, 20)
    return lines


def _closes(line: str, name: str) -> bool:
    return (
        line.endswith(("/>", "?>", "-->"))
        or re.search(rf"</\s*(?:[\w.-]+:)?{re.escape(name)}\s*>$", line) is not None
    )
