"""Reads TraceHeaderList: the hops and the `Bussiness` block (the regulation's own spelling)."""

from __future__ import annotations

from gateway.edxml.blocks import fields_of, read_moment, read_staff
from gateway.edxml.codes import folded_name
from gateway.edxml.envelope import Business, BusinessType, Receiver, Replacement, TraceHeader
from gateway.edxml.notes import Notes
from gateway.edxml.scan import Node
from gateway.edxml.texts import text_of

BUSINESS_NAMES = ("bussiness", "business")

_KNOWN = {kind.value: kind for kind in BusinessType}
#: Numbers that office systems keep for a take-back, and one of them sends.
_TAKE_BACK = frozenset({"4", "44"})
_WORDS = {
    "văn bản mới": BusinessType.NEW,
    "văn bản điện tử mới": BusinessType.NEW,
    "mới": BusinessType.NEW,
    "new": BusinessType.NEW,
    "thu hồi": BusinessType.RECALL,
    "thu hồi văn bản": BusinessType.RECALL,
    "revoke": BusinessType.RECALL,
    "recall": BusinessType.RECALL,
    "lấy lại": BusinessType.RECALL,
    "cập nhật": BusinessType.UPDATE,
    "update": BusinessType.UPDATE,
    "thay thế": BusinessType.REPLACEMENT,
    "văn bản thay thế": BusinessType.REPLACEMENT,
    "replace": BusinessType.REPLACEMENT,
}
_YES = frozenset({"1", "true", "yes", "có"})


def read_traces(block: Node | None, notes: Notes) -> tuple[TraceHeader, ...]:
    """The hops in file order."""
    traces = []
    for kid in block.kids if block else ():
        if kid.name == "traceheader":
            parts = fields_of(kid)
            at, text = read_moment(parts.get("timestamp"), notes)
            traces.append(TraceHeader(organ_id=text_of(parts.get("organid")), timestamp=at, timestamp_text=text))
    return tuple(traces)


def business_node(block: Node | None) -> Node | None:
    """The `Bussiness` or `Business` element."""
    for name in BUSINESS_NAMES:
        node = block.child(name) if block else None
        if node is not None:
            return node
    return None


def read_business(node: Node | None, notes: Notes) -> Business:
    """What kind of act the message is; a new document when nothing says otherwise."""
    if node is None:
        notes.add("EDX-BUS-03")
        return Business()
    if node.name == "business":
        notes.add("EDX-NAME-01", node, node.local)
    parts = {kid.name.replace("bussiness", "business"): kid for kid in reversed(node.kids)}
    kind, text = _read_type(parts.get("businessdoctype"), notes)
    changes = fields_of(parts.get("businessdocumentinfo"))
    return Business(
        type=kind,
        type_text=text,
        reason=text_of(parts.get("businessdocreason")),
        paper=text_of(parts.get("paper")).lower() in _YES,
        document_id=text_of(parts.get("documentid")),
        document_changed=text_of(changes.get("documentinfo")).lower() in _YES,
        receivers_changed=text_of(changes.get("documentreceiver")).lower() in _YES,
        receivers=_read_receivers(changes.get("receiverlist")),
        replacements=_read_replacements(parts.get("replacementinfolist")),
        staff=read_staff(parts.get("staffinfo")),
    )


def _read_type(node: Node | None, notes: Notes) -> tuple[BusinessType, str]:
    text = text_of(node)
    number = text.lstrip("0") or ("0" if text else "")
    if number in _KNOWN:
        return _KNOWN[number], text
    if number in _TAKE_BACK:
        notes.add("EDX-BUS-02", node, text)
        return BusinessType.RECALL, text
    words = _WORDS.get(folded_name(text))
    if words is None:
        notes.add("EDX-BUS-01", node, text)
        return BusinessType.NEW, text
    notes.add("EDX-BUS-04", node, text)
    return words, text


def _read_receivers(block: Node | None) -> tuple[Receiver, ...]:
    found = []
    for kid in block.kids if block else ():
        if kid.name == "receiver":
            parts = fields_of(kid)
            found.append(
                Receiver(organ_id=text_of(parts.get("organid")), receiver_type=text_of(parts.get("receivertype")))
            )
    return tuple(found)


def _read_replacements(block: Node | None) -> tuple[Replacement, ...]:
    found = []
    for kid in block.kids if block else ():
        if kid.name == "replacementinfo":
            organs = kid.child("organidlist")
            found.append(
                Replacement(
                    document_id=text_of(kid.child("documentid")),
                    organ_ids=tuple(text_of(one) for one in organs.kids if one.name == "organid") if organs else (),
                )
            )
    return tuple(found)
