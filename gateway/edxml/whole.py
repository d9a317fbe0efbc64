"""Reads a message that lies in memory whole: the same as streaming it, in a fraction of the time.

The plan: 1. cut out the text of every ContentTransferEncoded, so that no attachment enters a tree here either;
2. give the rest to a parser with the same limits, which makes the skeleton; 3. walk it once for the `Node`s.

What comes out is what `MessageTarget` makes of the same bytes, or nothing. Whatever is wrong, or so unusual that
the two might see it differently, is left to the streaming pass: it alone refuses, and says why.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from lxml import etree

from gateway.edxml.encoded import EncodedFile
from gateway.edxml.limits import ParseLimits
from gateway.edxml.scan import (
    ENCODED,
    MOST_ATTRIBUTES,
    MOST_NAMESPACES,
    ROOTS,
    Node,
    Scan,
    are_usable,
    cost_of,
    is_usable_attribute,
    names,
)
from gateway.xml import tree_parser

_DECLARATION = b"<?xml"
_OPENING = b"ContentTransferEncoded"
_PREFIX = re.compile(rb"(?:[A-Za-z_][A-Za-z0-9_.-]*:)?")
#: Its value names a type by a prefix, so it depends on declarations that the skeleton goes without.
_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
#: No byte of markup or text costs more of `max_header_bytes`: `<a/>` is 4 bytes and costs 9.
_MOST_PER_BYTE = 3

#: Parsers that ended well and may be used again; each is taken by one thread at a time.
_idle: list[etree.XMLParser] = []


class _UnusualError(Exception):
    """The streaming pass is to judge."""


def read_whole(data: bytes, limits: ParseLimits) -> Scan | None:
    """The trees of the message that is exactly `data`; None when it is to be streamed."""
    cut = _cut(data)
    if cut is None:
        return None
    rest, texts = cut
    # Constructs that hold text in other ways, or change what it means.
    if b"&" in rest or b"<!" in rest or b"xml:" in rest or rest.count(b"<?") > rest.startswith(_DECLARATION):
        return None
    if rest.count(b"xmlns") > MOST_NAMESPACES:
        return None
    room = limits.max_header_bytes - _MOST_PER_BYTE * len(rest)
    if room < 0:
        return None
    try:
        root = _tree(rest)
        return _Walk(limits, room, texts).scan(root)
    except (etree.XMLSyntaxError, _UnusualError):
        return None


def _cut(data: bytes) -> tuple[bytes, list[bytes]] | None:
    """The message without the texts of ContentTransferEncoded, and these texts (plan 1).

    With no comment, CDATA section or instruction about, `<` begins a tag and nothing else. A tag whose attribute
    holds a `>` is cut within that attribute: then its quote is in the text, which is no base64.
    """
    rest, texts, begin = [], [], 0
    at = data.find(_OPENING)
    while at >= 0:
        tag, start = data.rfind(b"<", begin, at), data.find(b">", at) + 1
        end = data.find(b"<", start)
        attributes = data[at + len(_OPENING) : start - 1]
        if tag < 0 or start == 0 or data[end : end + 2] != b"</" or not _PREFIX.fullmatch(data, tag + 1, at):
            return None
        if attributes and (not attributes[:1].isspace() or attributes.endswith(b"/")):
            return None
        rest.append(data[begin:start])
        texts.append(data[start:end])
        begin = end
        at = data.find(_OPENING, data.find(b">", end))
    rest.append(data[begin:])
    return b"".join(rest), texts


def _tree(rest: bytes) -> etree._Element:
    """The tree of the message without attachments (plan 2)."""
    parser = _idle.pop() if _idle else tree_parser()
    parser.feed(rest)
    root: etree._Element = parser.close()
    _idle.append(parser)
    return root


class _Walk:
    """Makes the `Node`s of one message from its tree, and the tree into the skeleton (plan 3)."""

    def __init__(self, limits: ParseLimits, room: int, texts: list[bytes]) -> None:
        self._limits = limits
        self._room = room
        self._attachment_room = limits.max_total_attachment_bytes
        self._texts = texts
        self._files: list[EncodedFile] = []

    def scan(self, root: etree._Element) -> Scan:
        """What there is in the message."""
        namespaces = {prefix or "": uri for prefix, uri in root.nsmap.items()}
        if names[root.tag].folded not in ROOTS or not are_usable(namespaces):
            raise _UnusualError
        node = self._node(root, self._limits.max_depth)
        node.namespaces = namespaces
        if len(self._files) != len(self._texts):
            raise _UnusualError
        return Scan(node, self._files)

    def _node(self, element: etree._Element, levels: int) -> Node:
        """The node of `element`, below which there may be `levels` less one."""
        tag = element.tag
        name = names[tag]
        if name.tag != tag or not levels:
            raise _UnusualError
        node = Node(name.folded, name.local, name.namespace, element)
        if element.keys():
            node.attributes = self._attributes(element)
        text = element.text
        if text:
            begin = text.lstrip()
            if not begin:
                element.text = None
            elif len(begin) < len(text):
                raise _UnusualError  # libxml2 hands it out by itself or not, as the characters behind it are
            else:
                node.text = text
        tail = element.tail
        if tail:
            if not tail.isspace():
                raise _UnusualError
            element.tail = None
        if name.folded == ENCODED:
            self._read_file(node)
        if len(element):
            levels -= 1
            node.kids = [self._node(kid, levels) for kid in element]
        return node

    def _attributes(self, element: etree._Element) -> Mapping[str, str]:
        attributes = {str(key): str(value) for key, value in element.items()}
        self._room -= cost_of(attributes)
        if self._room < 0 or len(attributes) > MOST_ATTRIBUTES or _TYPE in attributes:
            raise _UnusualError
        if not all(is_usable_attribute(key) for key in attributes):
            raise _UnusualError
        return attributes

    def _read_file(self, node: Node) -> None:
        """Takes the text that was cut out of this element."""
        number, limits = len(self._files), self._limits
        if number >= min(len(self._texts), limits.max_attachments) or node.text or len(node.element):
            raise _UnusualError
        encoded = EncodedFile(limits, min(limits.max_attachment_bytes, self._attachment_room))
        if not encoded.take(self._texts[number]):
            raise _UnusualError
        self._attachment_room -= encoded.largest
        self._files.append(encoded)
        node.encoded = encoded
