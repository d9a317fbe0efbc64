"""Brings the tree of a message of any dialect into the one form the schemas describe.

What it does: finds the blocks by local name wherever the dialect puts them (envelope, SOAP header, `Status`),
rebuilds them in one namespace with the regulation's spelling (`Bussiness`), children in the order the
widespread writers emit. What it found on the way is told: children out of that order, and second
occurrences of what may occur once, of which the first is kept.

It does NOT judge, and it drops what the schemas say nothing about: vendor extensions, signatures, comments,
attributes other than the manifest's version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from lxml import etree

from gateway.edxml.envelope import MessageKind
from gateway.edxml.markup import NAMESPACE

_NSMAP = {"e": NAMESPACE}


@dataclass(frozen=True, slots=True)
class _Child:
    """What a parent may hold under one name."""

    rank: int
    name: str
    tag: str
    repeats: bool
    #: Its own children; None for an element with text.
    shape: _Shape | None


_Shape = Mapping[str, _Child]


def _shape(names: str, **shapes: _Shape) -> _Shape:
    """Children in canonical order; a name that ends in `*` may repeat; `shapes` are those with children."""
    children = {}
    for rank, word in enumerate(names.split()):
        name = word.rstrip("*")
        children[name.lower()] = _Child(rank, name, f"{{{NAMESPACE}}}{name}", word.endswith("*"), shapes.get(name))
    return children


_PARTY = _shape("OrganId OrganizationInCharge OrganName OrganAdd Email Telephone Fax Website")
_RESPONSE_FOR = _shape("OrganId Code PromulgationDate DocumentId")
_STAFF = _shape("Department Staff Email Mobile")
_STATUS_HEADER = _shape(
    "From ResponseFor* StaffInfo StatusCode Description Timestamp",
    From=_PARTY,
    ResponseFor=_RESPONSE_FOR,
    StaffInfo=_STAFF,
)
_DOCUMENT_HEADER = _shape(
    "From To* DocumentId Code PromulgationInfo DocumentType Subject Content SignerInfo DueDate OtherInfo"
    " ResponseFor* SteeringType ToPlaces",
    From=_PARTY,
    To=_PARTY,
    Code=_shape("CodeNumber CodeNotation"),
    PromulgationInfo=_shape("Place PromulgationDate"),
    DocumentType=_shape("Type TypeDetail TypeName"),
    SignerInfo=_shape("Competence Position FullName"),
    OtherInfo=_shape(
        "Priority SphereOfPromulgation TyperNotation PromulgationAmount PageAmount Direction Appendixes",
        Appendixes=_shape("Appendix*"),
    ),
    ResponseFor=_RESPONSE_FOR,
    ToPlaces=_shape("Place*"),
)
_BUSSINESS = _shape(
    "DocumentId BussinessDocType BussinessDocReason Paper BussinessDocumentInfo StaffInfo ReplacementInfoList",
    BussinessDocumentInfo=_shape(
        "DocumentInfo DocumentReceiver ReceiverList",
        ReceiverList=_shape("Receiver*", Receiver=_shape("OrganId ReceiverType")),
    ),
    StaffInfo=_STAFF,
    ReplacementInfoList=_shape(
        "ReplacementInfo*",
        ReplacementInfo=_shape("DocumentId OrganIdList", OrganIdList=_shape("OrganId*")),
    ),
)
_TRACE_LIST = _shape("TraceHeader* Bussiness", TraceHeader=_shape("OrganId Timestamp"), Bussiness=_BUSSINESS)
_MANIFEST = _shape("Reference*", Reference=_shape("ContentId ContentType Description AttachmentName"))
_ENCODED = _shape(
    "Attachment*",
    Attachment=_shape("ContentId AttachmentName Description ContentType ContentTransferEncoded"),
)
#: Writers differ here without any harm, so the order of these is not remarked on.
_ORDER_FREE = frozenset({"StaffInfo"})

#: The blocks to look for: lower-case local name -> canonical name.
_BLOCKS = {
    "messageheader": "MessageHeader",
    "status": "MessageHeader",
    "traceheaderlist": "TraceHeaderList",
    "edxmlmanifest": "edXMLManifest",
    "manifest": "edXMLManifest",
    "attachmentencoded": "AttachmentEncoded",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Normalised:
    """The tree and what was found while it was made. Paths are those of the tree."""

    root: etree._Element
    #: Parents whose children stand in another order.
    out_of_order: list[str] = field(default_factory=list)
    #: Parent path and name of elements that occur more than once though they may not.
    duplicates: list[tuple[str, str]] = field(default_factory=list)


def path_of(element: etree._Element) -> str:
    """`edXML/edXMLEnvelope/…/To[2]`, by local names."""
    return plain_path(element.getroottree().getpath(element))


def plain_path(xpath: str) -> str:
    """The same from libxml2's path of a normalised element."""
    return xpath.replace("/e:", "/").lstrip("/")


def normalise(skeleton: etree._Element, kind: MessageKind) -> Normalised:
    """The canonical tree of a message."""
    blocks: dict[str, etree._Element] = {}
    _find_blocks(skeleton, blocks)
    root = etree.Element(f"{{{NAMESPACE}}}edXML", nsmap=_NSMAP)
    found = Normalised(root=root)
    envelope = _add(root, "edXMLEnvelope")
    header = _add(envelope, "edXMLHeader")
    is_status = kind is MessageKind.STATUS
    message_shape = _STATUS_HEADER if is_status else _DOCUMENT_HEADER
    _add_block(header, "MessageHeader", message_shape, blocks, found)
    if is_status:
        return found
    _add_block(header, "TraceHeaderList", _TRACE_LIST, blocks, found)
    if "edXMLManifest" in blocks:
        target = _add_block(_add(envelope, "edXMLBody"), "edXMLManifest", _MANIFEST, blocks, found)
        version = blocks["edXMLManifest"].get("version")
        if target is not None and version is not None:
            target.set("version", version)
    _add_block(root, "AttachmentEncoded", _ENCODED, blocks, found)
    return found


def _find_blocks(element: etree._Element, blocks: dict[str, etree._Element]) -> None:
    for child in element.iterchildren("*"):
        name = _BLOCKS.get(_local(child.tag))
        if name is None:
            _find_blocks(child, blocks)
        else:
            blocks.setdefault(name, child)


def _add(parent: etree._Element, name: str) -> etree._Element:
    return etree.SubElement(parent, f"{{{NAMESPACE}}}{name}")


def _add_block(
    parent: etree._Element, name: str, shape: _Shape, blocks: dict[str, etree._Element], found: Normalised
) -> etree._Element | None:
    source = blocks.get(name)
    if source is None:
        return None
    target = _add(parent, name)
    _copy(source, target, name, shape, found)
    return target


def _copy(source: etree._Element, target: etree._Element, name: str, shape: _Shape, found: Normalised) -> None:
    known: list[tuple[_Child, etree._Element]] = []
    seen: set[int] = set()
    last = 0
    ordered = True
    for child in source.iterchildren("*"):
        entry = shape.get(_local(child.tag))
        if entry is None:
            continue
        if entry.rank in seen and not entry.repeats:
            found.duplicates.append((path_of(target), entry.name))
            continue
        seen.add(entry.rank)
        ordered = ordered and entry.rank >= last
        last = entry.rank
        known.append((entry, child))
    if not ordered:
        known.sort(key=lambda pair: pair[0].rank)
        if name not in _ORDER_FREE:
            found.out_of_order.append(path_of(target))
    for entry, child in known:
        copy = etree.SubElement(target, entry.tag)
        if entry.shape is None:
            copy.text = (child.text or "").strip()
        else:
            _copy(child, copy, entry.name, entry.shape, found)


@lru_cache(maxsize=1024)
def _local(tag: str) -> str:
    """The local name in lower case, in the regulation's spelling."""
    name = tag.rpartition("}")[2].lower()
    return f"buss{name[3:]}" if name.startswith("business") else name
