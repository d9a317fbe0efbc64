"""Trees of good messages, and small ways to spoil them."""

from __future__ import annotations

import io
from collections.abc import Callable

from lxml import etree

from gateway.edxml.builder import build_status, write_document
from gateway.edxml.envelope import Envelope, MessageKind
from gateway.edxml.profiles import PROFILE_A, Profile
from tests.unit.edxml_write.samples import DOCUMENT, STATUS, attachment

NS = "http://www.mic.gov.vn/TBT/QCVN_102_2016"
HEADER = "edXML/edXMLEnvelope/edXMLHeader"
MESSAGE = f"{HEADER}/MessageHeader"

Spoil = Callable[[etree._Element], None]


def message(envelope: Envelope, profile: Profile = PROFILE_A) -> bytes:
    """The message of an envelope, a document with one attachment."""
    if envelope.kind is MessageKind.STATUS:
        return build_status(envelope, profile)
    out = io.BytesIO()
    write_document(out, envelope, [attachment()], profile)
    return out.getvalue()


def tree(envelope: Envelope, profile: Profile = PROFILE_A) -> etree._Element:
    """Its tree."""
    return etree.fromstring(message(envelope, profile))


def good(kind: MessageKind) -> etree._Element:
    """A tree nothing is wrong with."""
    return tree(STATUS if kind is MessageKind.STATUS else DOCUMENT)


def at(root: etree._Element, path: str) -> etree._Element:
    """The first element whose path ends so."""
    found = root.find(".//" + "/".join(f"{{{NS}}}{name}" for name in path.split("/")))
    assert found is not None, path
    return found


def without(path: str) -> Spoil:
    """Take the element away."""

    def spoil(root: etree._Element) -> None:
        element = at(root, path)
        parent = element.getparent()
        assert parent is not None
        parent.remove(element)

    return spoil


def saying(path: str, text: str) -> Spoil:
    """Give the element another text."""

    def spoil(root: etree._Element) -> None:
        at(root, path).text = text

    return spoil


def doubled(path: str) -> Spoil:
    """Put a copy of the element behind it."""

    def spoil(root: etree._Element) -> None:
        element = at(root, path)
        element.addnext(etree.fromstring(etree.tostring(element)))

    return spoil


def first(path: str) -> Spoil:
    """Move the element to the front of its siblings."""

    def spoil(root: etree._Element) -> None:
        element = at(root, path)
        parent = element.getparent()
        assert parent is not None
        parent.insert(0, element)

    return spoil
