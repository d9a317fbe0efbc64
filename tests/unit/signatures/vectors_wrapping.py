"""Vectors of signature wrapping: XSW 1 to 8 (Somorovsky et al. 2012) as they come out here, and their kin.

All take a message that was rightly signed by reference to its root's id, and let a reader see another one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tests.unit.signatures.vector_cases import Case, Faults
from tests.unit.signatures.vectors_xml import WITH_ID
from tests.unit.signatures.xml_made import XmlPlan, signed_xml

_FORMAT: Final = "FORMAT_FAILURE"


def cases() -> Iterator[Case]:
    """Every vector of this file."""
    good = signed_xml(XmlPlan(message=WITH_ID, uri="#d1")).decode()
    declaration, _, body = good.partition("\n")
    begin, end = body.index("<ds:Signature "), body.index("</ds:Signature>") + len("</ds:Signature>")
    signature = body[begin:end]
    original = (body[:begin] + body[end:]).strip()
    evil = original.replace("1.000.000", "9.000.000").replace(' Id="d1"', "")
    same = original.replace("1.000.000", "9.000.000")
    enveloping = signature.replace("</ds:Signature>", f"<ds:Object>{original}</ds:Object></ds:Signature>")
    extended = signature.replace(
        "</ds:Signature>", f"<ds:Object><Extensions>{original}</Extensions></ds:Object></ds:Signature>"
    )
    roles: Faults = {"xml.references": _FORMAT, "xml.transforms": _FORMAT}
    shape: Faults = {"xml.shape": _FORMAT}
    place: Faults = {"xml.place": _FORMAT}
    ids: Faults = {"xml.ids": _FORMAT}
    for name, why, root, faults in (
        ("xsw-1", "the original hangs below the signature, another message around it",
         _with(evil, enveloping), {**shape, **roles}),
        ("xsw-2", "the original stands beside the signature", _with(evil, original + signature), roles),
        ("xsw-3", "the signed original, whole, within another message", _with(evil, body.strip()),
         {**place, **roles}),
        ("xsw-4", "the original within the header of another message",
         _with(evil, signature).replace("<MessageHeader>", f"{original}<MessageHeader>"), roles),
        ("xsw-5", "another message bears the id too, the original follows", _with(same, signature + original), ids),
        ("xsw-6", "another message bears the id too, the original is in the signature",
         _with(same, enveloping), {**shape, **ids}),
        ("xsw-7", "the original within an extension before the signature",
         _with(evil, f"<Extensions>{original}</Extensions>{signature}"), roles),
        ("xsw-8", "the original within an extension in the signature", _with(evil, extended), {**shape, **roles}),
        ("moved-signature", "the signature moved into the sender's block",
         original.replace("</OrganId>", f"</OrganId>{signature}"), place),
        ("wrapped-root", "a root around everything", f"<Envelope>{body.strip()}</Envelope>", {**place, **roles}),
        ("injected-object", "an Object was added to the signature",
         _with(original, signature.replace("</ds:Signature>", "<ds:Object><x></x></ds:Object></ds:Signature>")),
         shape),
        ("injected-manifest", "a Manifest of references that nobody verifies",
         _with(original, signature.replace(
             "</ds:Signature>", '<ds:Object><ds:Manifest Id="M"></ds:Manifest></ds:Object></ds:Signature>')),
         shape),
        ("two-headers", "the signature's own place stands twice",
         original.replace("</edXMLEnvelope>", f"<edXMLHeader>{signature}</edXMLHeader></edXMLEnvelope>"), place),
        ("signature-is-root", "an enveloping signature", enveloping, {**shape, **place, **roles}),
    ):  # fmt: skip
        yield Case(name=name, why=why, data=f"{declaration}\n{root}\n".encode(), faults=(faults,))
    for attribute in ("ID", "id", "xml:id"):
        twice = good.replace("<Subject>", f'<Subject {attribute}="d1">')
        yield Case(
            name=f"id-repeated-{attribute.replace(':', '-')}-{len(attribute)}{attribute[0]}",
            why=f"the root's id stands a second time as {attribute}, which signxml does not see",
            data=twice.encode(),
            faults=(ids,),
        )


def _with(root: str, inside: str) -> str:
    return root.replace("</edXML>", f"{inside}</edXML>") if root.count("</edXML>") == 1 else root
