"""The streaming pass: events of the XML parser in, a light tree and a skeleton out, attachments on the way.

`MessageTarget` builds two things at once: `Node`s, which the readers of the blocks walk by folded local name,
and the skeleton, an lxml tree of the same message for the schemas. Text inside ContentTransferEncoded enters
neither: it goes to an `EncodedFile`. Everything else counts against `max_header_bytes`.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import msgspec
from lxml import etree

from gateway.edxml.encoded import EncodedFile
from gateway.edxml.limits import ParseLimits
from gateway.errors import RefusedError
from gateway.xml import SaxTarget

#: Roots (folded) of messages and of the wrapper of provincial statuses.
ROOTS = frozenset({"edxml", "edxmlenvelope", "envelope", "message"})

#: What nearly every message declares, for which lxml need not be asked.
_FAMILIAR = frozenset({"http://www.mic.gov.vn/TBT/QCVN_102_2016", "http://www.w3.org/2001/XMLSchema-instance"})
_FAMILIAR_PREFIXES = frozenset({"", "edXML", "xsi"})
ENCODED = "contenttransferencoded"
#: What an element costs beside its name, so that a million empty ones are not free.
_ELEMENT_COST = 8
#: The memory of names is bounded both ways, since hostile files choose them.
_MOST_NAMES, _LONGEST_REMEMBERED = 4096, 200
_UNNAMED = "unnamed"
#: On one element. libxml2 looks through them one after the other, so they cost their square.
MOST_ATTRIBUTES, MOST_NAMESPACES = 64, 16


_NOTHING: Mapping[str, str] = MappingProxyType({})


class _Name(NamedTuple):
    folded: str
    local: str
    namespace: str
    #: A tag that lxml takes.
    tag: str
    cost: int


class Node(msgspec.Struct, eq=False):
    """An element; a structure, since those are made in a fifth of the time of an object with a method for it."""

    #: Folded local name.
    name: str
    #: Local name as written.
    local: str
    namespace: str
    #: Its twin in the skeleton.
    element: etree._Element
    attributes: Mapping[str, str] = _NOTHING
    #: What it declares.
    namespaces: Mapping[str, str] = _NOTHING
    #: Before its first child.
    text: str = ""
    kids: list[Node] = []
    #: The decoded stream of a ContentTransferEncoded.
    encoded: EncodedFile | None = None

    def child(self, name: str) -> Node | None:
        """The first child of that folded name."""
        for kid in self.kids:
            if kid.name == name:
                return kid
        return None


class _Names(dict[str, _Name]):
    """Takes tags apart; the few hundred names of the format are remembered for the life of the process."""

    def __missing__(self, tag: str) -> _Name:
        name = _take_apart(tag)
        if len(tag) <= _LONGEST_REMEMBERED:
            if len(self) >= _MOST_NAMES:
                self.clear()
            self[tag] = name
        return name


#: Tag -> its parts.
names: Final = _Names()


def _take_apart(tag: str) -> _Name:
    namespace, _, local = tag[1:].rpartition("}") if tag[:1] == "{" else ("", "", tag)
    local = local.rpartition(":")[2] or _UNNAMED
    return _Name(local.lower(), local, namespace, _usable_tag(namespace, local), len(local) + _ELEMENT_COST)


def _usable_tag(namespace: str, local: str) -> str:
    """libxml2 lets through namespaces and names that lxml's tree refuses; the skeleton goes without them."""
    for tag in (f"{{{namespace}}}{local}" if namespace else local, local):
        try:
            etree.Element(tag)
        except ValueError:
            continue
        return tag
    return _UNNAMED


class Scan(NamedTuple):
    """What one pass over a message gave."""

    root: Node | None
    #: The ContentTransferEncoded elements, in file order.
    files: list[EncodedFile]


class MessageTarget(SaxTarget):
    """Builds the trees of one message."""

    def __init__(self, limits: ParseLimits) -> None:
        self._limits = limits
        self._max_depth = limits.max_depth
        self._room = limits.max_header_bytes
        self._attachment_room = limits.max_total_attachment_bytes
        self._stack: list[Node] = []
        self._buffer: list[str] = []
        self._encoded: EncodedFile | None = None
        self._root: Node | None = None
        self._files: list[EncodedFile] = []

    def take(self) -> Scan:
        """Hands over what was built and forgets it.

        A parser, its context and its target hold each other in lxml until a collection finds them: with them the
        trees of every message would stay so long.
        """
        scan = Scan(self._root, self._files)
        self._root, self._files, self._encoded = None, [], None
        self._stack.clear()
        return scan

    def start(self, tag: str, attributes: Mapping[str, str], namespaces: Mapping[str, str]) -> None:
        """An element begins."""
        name = names[tag]
        stack = self._stack
        self._room -= name.cost
        if attributes or namespaces:
            self._count(attributes, namespaces)
        if self._room < 0 or len(stack) >= self._max_depth:
            self._refuse_size()
        if stack:
            if self._buffer:
                self._flush()
            if self._encoded is not None:
                raise RefusedError("attachment_invalid", "There is an element inside ContentTransferEncoded.")
            parent = stack[-1]
            element = etree.SubElement(parent.element, name.tag, None, _usable(namespaces) if namespaces else None)
            node = Node(name.folded, name.local, name.namespace, element, attributes, namespaces)
            parent.kids.append(node)
        else:
            if name.folded not in ROOTS:
                raise RefusedError("not_edxml", f"The root element is {name.local[:60]}.")
            element = etree.Element(name.tag, None, _usable(namespaces))
            node = Node(name.folded, name.local, name.namespace, element, attributes, namespaces)
            self._root = node
        if attributes:
            _copy_attributes(attributes, element)
        stack.append(node)
        if name.folded == ENCODED:
            self._begin_file(node)

    def data(self, text: str) -> None:
        """Some text."""
        if self._encoded is not None:
            self._encoded.feed(text)
            return
        self._room -= len(text)
        if self._room < 0:
            self._refuse_size()
        # Indentation; inside a text, white space always comes behind something.
        if self._buffer or not text.isspace():
            self._buffer.append(text)

    def end(self, tag: str) -> None:
        """An element ends."""
        del tag
        if self._buffer:
            self._flush()
        if self._encoded is not None:
            self._encoded.finish()
            self._attachment_room -= self._encoded.largest
            self._encoded = None
        self._stack.pop()

    def _flush(self) -> None:
        """Text before the first child is the node's; what follows a child only shows in the skeleton."""
        buffer = self._buffer
        text = buffer[0] if len(buffer) == 1 else "".join(buffer)
        buffer.clear()
        node = self._stack[-1]
        if node.kids:
            node.kids[-1].element.tail = text
        else:
            node.text = node.element.text = text

    def _begin_file(self, node: Node) -> None:
        room = max(0, min(self._limits.max_attachment_bytes, self._attachment_room))
        if len(self._files) >= self._limits.max_attachments:
            room = 0
        node.encoded = self._encoded = EncodedFile(self._limits, room)
        self._files.append(node.encoded)

    def _count(self, attributes: Mapping[str, str], namespaces: Mapping[str, str]) -> None:
        if len(attributes) > MOST_ATTRIBUTES or len(namespaces) > MOST_NAMESPACES:
            raise RefusedError(
                "xml_limits_exceeded",
                f"An element has more than {MOST_ATTRIBUTES} attributes or {MOST_NAMESPACES} namespaces.",
            )
        self._room -= cost_of(attributes) + cost_of(namespaces)

    def _refuse_size(self) -> None:
        raise RefusedError(
            "xml_limits_exceeded",
            f"The limits are {self._limits.max_header_bytes} bytes outside attachments"
            f" and {self._limits.max_depth} levels.",
        )


# lxml asks for each parser anew whether `start` takes namespaces; told once, it need not take the function apart.
MessageTarget.start.__signature__ = inspect.signature(MessageTarget.start)  # type: ignore[attr-defined]


def _usable(namespaces: Mapping[str, str]) -> dict[Any, str] | None:
    """The declarations as lxml takes them (None is the default prefix, whatever its stubs say)."""
    usable: dict[Any, str] = {prefix or None: uri for prefix, uri in namespaces.items() if _is_usable(prefix, uri)}
    return usable or None


def are_usable(namespaces: Mapping[str, str]) -> bool:
    """Whether lxml's tree takes all these declarations."""
    return all(_is_usable(prefix, uri) for prefix, uri in namespaces.items())


def cost_of(texts: Mapping[str, str]) -> int:
    """What attributes or declarations count against `max_header_bytes`."""
    return sum(len(key) + len(value) + _ELEMENT_COST for key, value in texts.items())


def _is_usable(prefix: str, uri: str) -> bool:
    if uri in _FAMILIAR and prefix in _FAMILIAR_PREFIXES:
        return True
    if not uri:
        return False
    declared: dict[Any, str] = {prefix or None: uri}
    try:
        etree.Element("x", None, declared)
    except ValueError:
        return False
    return True


def _copy_attributes(attributes: Mapping[str, str], element: etree._Element) -> None:
    for key, value in attributes.items():
        # An attribute whose namespace lxml refuses says nothing to a schema.
        if is_usable_attribute(key):
            element.set(key, value)


def is_usable_attribute(key: str) -> bool:
    """Whether lxml's tree takes an attribute of that name."""
    return _usable_tag("", key) == key
