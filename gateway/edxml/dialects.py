"""Finds the blocks of a message wherever a dialect puts them, and tells which dialect it is.

A: default namespace, blocks in `edXMLEnvelope`. B: the same with schema-instance declarations, xlink references
or attributes on TraceHeaderList. C: e-doc.vn namespace, a SOAP header with MessageHeader, or MIME. D: a SOAP
header with `Status`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.edxml.envelope import Dialect
from gateway.edxml.notes import Notes
from gateway.edxml.scan import Node

QCVN = "http://www.mic.gov.vn/TBT/QCVN_102_2016"
EDOC = "http://www.e-doc.vn/Schema/"

_SOAP = frozenset({"http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope"})
_KNOWN = _SOAP | {QCVN, EDOC, EDOC.rstrip("/")}
_XMLDSIG = "http://www.w3.org/2000/09/xmldsig#"
_SCHEMA = frozenset({"http://www.w3.org/2001/XMLSchema-instance", "http://www.w3.org/2001/XMLSchema"})

_HEADERS = frozenset({"messageheader", "status"})
_MANIFESTS = frozenset({"edxmlmanifest", "manifest"})
_OTHERS = frozenset({"traceheaderlist", "attachmentencoded", "signature", "digitalsignature"})
_BLOCKS = _HEADERS | _MANIFESTS | _OTHERS
_MOST_STRAYS = 64


@dataclass(kw_only=True, slots=True)
class Blocks:
    """The first block of each kind."""

    header: Node | None = None
    #: How many headers of that name there are.
    headers: int = 0
    traces: Node | None = None
    manifest: Node | None = None
    attachments: Node | None = None
    signature: Node | None = None
    #: Leaves with text outside all blocks.
    strays: list[Node] = field(default_factory=list)


def find_blocks(root: Node) -> Blocks:
    """Walks everything outside the blocks, in document order."""
    found: dict[str, Node] = {}
    counts: dict[str, int] = {}
    blocks = Blocks()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.name in _BLOCKS:
            found.setdefault("manifest" if node.name in _MANIFESTS else node.name, node)
            counts[node.name] = counts.get(node.name, 0) + 1
        elif node.kids:
            waiting += reversed(node.kids)
        elif node.text and node is not root and len(blocks.strays) < _MOST_STRAYS:
            blocks.strays.append(node)
    blocks.header = found.get("messageheader") or found.get("status")
    blocks.headers = counts.get(blocks.header.name, 0) if blocks.header else 0
    blocks.traces = found.get("traceheaderlist")
    blocks.manifest = found.get("manifest")
    blocks.attachments = found.get("attachmentencoded")
    blocks.signature = found.get("signature")
    return blocks


def dialect_of(root: Node, blocks: Blocks, *, is_mime: bool) -> Dialect:
    """The family the writer belongs to."""
    header = blocks.header
    if header is not None and header.name == "status":
        return Dialect.D
    if (
        is_mime
        or root.name == "envelope"
        or (header is not None and header.namespace.rstrip("/") == EDOC.rstrip("/"))
    ):
        return Dialect.C
    has_schema = not _SCHEMA.isdisjoint(root.namespaces.values())
    if has_schema or (blocks.traces and blocks.traces.attributes) or _has_links(blocks.manifest):
        return Dialect.B
    return Dialect.A


def _has_links(manifest: Node | None) -> bool:
    return manifest is not None and any(kid.attributes for kid in manifest.kids)


def note_namespaces(root: Node, header: Node, notes: Notes) -> None:
    """Notes namespaces that implementers invented, or none at all."""
    for node in (root, header) if header.namespace != root.namespace else (header,):
        if not node.namespace:
            notes.add("EDX-NS-02", node)
        elif node.namespace not in _KNOWN:
            notes.add("EDX-NS-01", node, node.namespace)


def note_signatures(blocks: Blocks, notes: Notes) -> None:
    """Says what a Signature block is worth."""
    node = blocks.signature
    if node is not None:
        notes.add("EDX-SIG-02" if node.namespace == _XMLDSIG else "EDX-SIG-01", node)
