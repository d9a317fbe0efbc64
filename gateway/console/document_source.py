"""The XML of a message for eyes: one element a line, files left out, the places that something was found marked.

It is no reading of the message (`gateway.edxml.parser` does that), only its text laid out; what is not XML is shown
as it is. Pure. A finding's path names elements by their local names, numbered among those of one name, from one of
the blocks of edXML on, wherever that stands; where the element is missing, the one that should hold it is marked.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final

from gateway.edxml.envelope import Finding

#: Bytes of a message that are laid out, at most.
MOST_BYTES: Final = 512 * 1024
_MOST_LINES: Final = 4_000
_LONGEST: Final = 2_000
_DEEPEST: Final = 20
#: A run of base64 that is no text.
_FILE: Final = re.compile(r"[A-Za-z0-9+/=\r\n]{400,}")
_BETWEEN: Final = re.compile(r">\s*<")
#: What is no tag, as far as it goes, or a tag: whether it closes, its local name, whether it is empty.
_TAG: Final = re.compile(
    r"<!--.*?(?:-->|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z)|<\?.*?(?:\?>|\Z)"
    # possessive, and no `<` in a value: however hostile the text, each `<` costs the way to the next one at most
    r"""|<(/?)\s*+(?:[\w.-]++:)?+([\w.-]++)(?:"[^"<]*"|'[^'<]*'|[^"'<>/]|/(?!>))*+(/?)>""",
    re.DOTALL,
)
_STEP: Final = re.compile(r"([\w.-]+)(?:\[(\d+)\])?")
#: Blocks by whatever name they have: a path counts from the outermost one.
_BLOCKS: Final = {
    "messageheader": "messageheader",
    "status": "messageheader",
    "traceheaderlist": "traceheaderlist",
    "edxmlmanifest": "edxmlmanifest",
    "manifest": "edxmlmanifest",
    "attachmentencoded": "attachmentencoded",
}
_ROOT: Final = "edxml"

#: Names in lower case, each with its number among those of one name.
_Path = tuple[tuple[str, int], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceLine:
    """A line of the text."""

    number: int
    text: str
    findings: tuple[Finding, ...] = ()


@dataclass(kw_only=True, slots=True)
class _Element:
    """One that is open; None: nobody asks for a place in it."""

    path: _Path | None
    is_in_block: bool = False
    children: Counter[str] = field(default_factory=Counter)


def laid_out(data: bytes, findings: Iterable[Finding]) -> list[SourceLine]:
    """The lines; a message that is longer than what is given ends where that ends."""
    text = _FILE.sub(lambda run: f"… {len(run[0])} …", data.decode("utf-8", "replace"))
    lines = _BETWEEN.sub(">\n<", text).splitlines()
    asked = [(finding, _path_of(finding.path)) for finding in findings]
    depths, places = _places(lines, {path[:end] for _, path in asked for end in range(len(path) + 1)})
    marked: dict[int, list[Finding]] = {}
    for finding, path in asked:
        held = next((path[:end] for end in range(len(path), 0, -1) if path[:end] in places), None)
        if held is not None:
            marked.setdefault(places[held], []).append(finding)
    return [
        SourceLine(
            number=place + 1, text="  " * depth + line.strip()[:_LONGEST], findings=tuple(marked.get(place, ()))
        )
        for place, (line, depth) in enumerate(zip(lines[:_MOST_LINES], depths, strict=False))
    ]


def _places(lines: Sequence[str], asked: Container[_Path | None]) -> tuple[list[int], dict[_Path, int]]:
    """How deep each line is, and the lines of the elements that are asked for."""
    starts = list(accumulate((len(line) + 1 for line in lines), initial=0))
    depths, places = list[int](), dict[_Path, int]()
    opened, blocks = [_Element(path=())], Counter[str]()
    for tag in _TAG.finditer("\n".join(lines)):
        if not tag[2]:
            continue
        place = bisect_right(starts, tag.start()) - 1
        is_first = place >= len(depths)
        depths += [len(opened) - 1] * (place + 1 - len(depths))
        if tag[1]:
            if len(opened) > 1:
                opened.pop()
            if is_first and not lines[place][: tag.start() - starts[place]].strip():
                depths[place] = len(opened) - 1
            continue
        child = _child(opened[-1], tag[2].lower(), blocks)
        if child.path not in asked:
            child.path = None
        elif child.path:
            places.setdefault(child.path, place)
        if not tag[3]:
            opened.append(child)
    depths += [len(opened) - 1] * (len(lines) - len(depths))
    return [min(depth, _DEEPEST) for depth in depths], places


def _child(parent: _Element, name: str, blocks: Counter[str]) -> _Element:
    """The next one of that name; blocks are counted wherever they stand, unless in one of them."""
    block = _BLOCKS.get(name)
    if block is not None and not parent.is_in_block:
        blocks[block] += 1
        return _Element(path=((block, blocks[block]),), is_in_block=True)
    parent.children[name] += 1
    path = None if parent.path is None else (*parent.path, (name, parent.children[name]))
    return _Element(path=path, is_in_block=parent.is_in_block)


def _path_of(path: str) -> _Path:
    """That of a finding; () for the whole file. One that begins nowhere is of the message's header."""
    steps = tuple((name.lower(), int(number or 1)) for name, number in _STEP.findall(path))
    for place, (name, number) in enumerate(steps):
        if name in _BLOCKS:
            return ((_BLOCKS[name], number), *steps[place + 1 :])
    return steps if not steps or steps[0][0] == _ROOT else (("messageheader", 1), *steps)
