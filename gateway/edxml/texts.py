"""Texts and paths of the light tree."""

from __future__ import annotations

import unicodedata
from itertools import pairwise

from gateway.edxml.scan import Node


def text_of(node: Node | None) -> str:
    """Trimmed and NFC; "" for a missing element."""
    if node is None:
        return ""
    text = node.text.strip()
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def path_of(root: Node | None, node: Node | None) -> str:
    """`edXML/edXMLEnvelope/…/To[2]`: local names, numbered where siblings share one; "" when not found."""
    if root is None or node is None:
        return ""
    trail = _trail(root, node)
    steps = [root.local] if trail else []
    for parent, kid in pairwise(trail):
        alike = [one for one in parent.kids if one.local == kid.local]
        index = next(number for number, one in enumerate(alike, start=1) if one is kid)
        steps.append(f"{kid.local}[{index}]" if len(alike) > 1 else kid.local)
    return "/".join(steps)


def _trail(parent: Node, wanted: Node) -> list[Node]:
    """The nodes from `parent` down to `wanted`; as deep as the parser's limit at most."""
    if parent is wanted:
        return [parent]
    for kid in parent.kids:
        trail = _trail(kid, wanted)
        if trail:
            return [parent, *trail]
    return []
