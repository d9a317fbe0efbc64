"""Assembles XML text element by element, for the builders.

Guarantees: every text is escaped; a character that XML 1.0 cannot carry is refused with `parameter_invalid`,
naming the element; the same calls give the same text. Plain string assembly, because a header of seventy small
elements is built in a fraction of the time of a tree. It does NOT check order, nesting or the presence of elements:
the builders do that by construction.
"""

from __future__ import annotations

import re

from gateway.errors import RefusedError

#: The regulation's namespace, QCVN 102:2016/BTTTT.
NAMESPACE = "http://www.mic.gov.vn/TBT/QCVN_102_2016"
#: Under which dialects A and B write everything in the envelope.
PREFIX = "edXML:"

_FORBIDDEN = "[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
_ILLEGAL = re.compile(_FORBIDDEN)
_SPECIAL = re.compile(rf"[&<>\"\t\n\r]|{_FORBIDDEN}")


def escape(value: str, element: str) -> str:
    """`value` as element content; `element` names it when it is refused."""
    if not _SPECIAL.search(value):
        return value
    _refuse_illegal(value, element)
    # A bare carriage return would be read back as a line feed (XML 1.0, 2.11).
    return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")


def escape_attribute(value: str, element: str) -> str:
    """`value` as an attribute in double quotes, white space kept as it is."""
    escaped = escape(value, element)
    return escaped.replace('"', "&quot;").replace("\t", "&#9;").replace("\n", "&#10;")


def _refuse_illegal(value: str, element: str) -> None:
    found = _ILLEGAL.search(value)
    if found:
        raise RefusedError("parameter_invalid", f"{element} holds U+{ord(found[0]):04X}, which XML cannot carry")


class Markup:
    """Collects the text of one message in the namespace prefix of the dialects we write."""

    __slots__ = ("_parts",)

    def __init__(self) -> None:
        self._parts: list[str] = []

    def raw(self, markup: str) -> None:
        """Markup that is already XML."""
        self._parts.append(markup)

    def open(self, name: str, attributes: str = "") -> None:
        """A start tag; `attributes` are XML already and begin with a space."""
        self._parts.append(f"<{PREFIX}{name}{attributes}>")

    def close(self, name: str) -> None:
        """The end tag."""
        self._parts.append(f"</{PREFIX}{name}>")

    def text(self, name: str, value: str) -> None:
        """An element with text, also when the text is empty."""
        self._parts.append(f"<{PREFIX}{name}>{escape(value, name)}</{PREFIX}{name}>")

    def present(self, name: str, value: str) -> None:
        """An element with text, left out when the text is empty."""
        if value:
            self.text(name, value)

    def take(self) -> bytes:
        """Everything collected since the last call, as UTF-8."""
        data = "".join(self._parts).encode()
        self._parts.clear()
        return data
