"""The one shape a receipt may have, as data, and the walk that holds a file against it.

Signature wrapping, second signatures, extra references, foreign transforms and hidden comments all need a
place to stand; here there is none. Every element, attribute and text of the file is either named in the shape
or a fault. The walk goes on after a fault as far as positions can still be told, so that the report holds
everything; values are collected only from places that the shape names.

`read` refuses before any parser runs: files above the size cap, another encoding than UTF-8, and every `<!`
or `<?` after the declaration, which leaves no DTD, entity, comment, CDATA or instruction to be treated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from lxml import etree

from gateway.errors import RefusedError
from gateway.seal.profile import (
    ASIC,
    C14N,
    DS,
    MAX_EXPORT_BYTES,
    MAX_RECEIPT_BYTES,
    MAX_SEALED_ENTRIES,
    SHA256,
    SIGNED_PROPERTIES,
    XADES,
)
from gateway.xml import small_tree

_DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>'
_ID_NAMES = {"Id", "ID", "id", "{http://www.w3.org/XML/1998/namespace}id"}
_NAMESPACES = {("asic", ASIC), ("ds", DS), ("xades", XADES)}
_MAX_CERTIFICATES = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One element of the shape."""

    #: In Clark notation.
    tag: str
    #: The value an attribute must have; None takes any and collects it as `key@name`.
    attributes: Mapping[str, str | None] = field(default_factory=dict)
    children: tuple[Part, ...] = ()
    #: Where the values found here are collected; "" when there are none.
    key: str = ""
    #: Whether it holds text, collected as `key`.
    text: bool = False
    #: How often it may stand there in a row, at least once.
    at_most: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What the walk collected."""

    #: One sentence per departure from the shape.
    faults: tuple[str, ...]
    #: Identifiers that stand at more than one place, over all four attribute names.
    repeated_ids: tuple[str, ...] = ()
    #: Texts and attributes by the keys of the shape.
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: Canonical form of ds:SignedInfo, in the context of the file; b"" when there is not exactly one.
    signed_info: bytes = b""
    #: Canonical form of xades:SignedProperties, likewise.
    signed_properties: bytes = b""

    def one(self, key: str) -> str | None:
        """The only value of `key`; None when there is none or more than one."""
        values = self.values.get(key, ())
        return values[0] if len(values) == 1 else None


def _digest(key: str) -> tuple[Part, Part]:
    return (
        Part(tag=f"{{{DS}}}DigestMethod", attributes={"Algorithm": SHA256}),
        Part(tag=f"{{{DS}}}DigestValue", key=key, text=True),
    )


def _data_reference(key: str, at_most: int = 1) -> Part:
    attributes = {"Id": None, "URI": None}
    return Part(
        tag=f"{{{DS}}}Reference",
        key=key,
        attributes=attributes,
        children=_digest(f"{key}.digest"),
        at_most=at_most,
    )


def _format(key: str, at_most: int = 1) -> Part:
    return Part(
        at_most=at_most,
        tag=f"{{{XADES}}}DataObjectFormat",
        key=f"{key}.format",
        attributes={"ObjectReference": None},
        children=(Part(tag=f"{{{XADES}}}MimeType", key=f"{key}.type", text=True),),
    )


_TRANSFORMS = Part(
    tag=f"{{{DS}}}Transforms",
    children=(Part(tag=f"{{{DS}}}Transform", attributes={"Algorithm": C14N}),),
)


def _signed_info(*references: Part) -> Part:
    return Part(
        tag=f"{{{DS}}}SignedInfo",
        children=(
            Part(tag=f"{{{DS}}}CanonicalizationMethod", attributes={"Algorithm": C14N}),
            Part(tag=f"{{{DS}}}SignatureMethod", key="method", attributes={"Algorithm": None}),
            *references,
            Part(
                tag=f"{{{DS}}}Reference",
                key="properties_reference",
                attributes={"Type": SIGNED_PROPERTIES, "URI": None},
                children=(_TRANSFORMS, *_digest("properties.digest")),
            ),
        ),
    )


_CERTIFICATES = Part(
    tag=f"{{{DS}}}KeyInfo",
    children=(
        Part(
            tag=f"{{{DS}}}X509Data",
            children=(
                Part(tag=f"{{{DS}}}X509Certificate", key="certificate", text=True, at_most=_MAX_CERTIFICATES),
            ),
        ),
    ),
)
_SIGNING_CERTIFICATE = Part(
    tag=f"{{{XADES}}}SigningCertificateV2",
    children=(
        Part(
            tag=f"{{{XADES}}}Cert",
            children=(
                Part(tag=f"{{{XADES}}}CertDigest", children=_digest("signing_certificate.digest")),
                Part(tag=f"{{{XADES}}}IssuerSerialV2", key="signing_certificate.issuer", text=True),
            ),
        ),
    ),
)


def _signature(references: tuple[Part, ...], formats: tuple[Part, ...]) -> Part:
    properties = Part(
        tag=f"{{{XADES}}}SignedProperties",
        key="properties",
        attributes={"Id": None},
        children=(
            Part(
                tag=f"{{{XADES}}}SignedSignatureProperties",
                children=(
                    Part(tag=f"{{{XADES}}}SigningTime", key="signing_time", text=True),
                    _SIGNING_CERTIFICATE,
                ),
            ),
            Part(tag=f"{{{XADES}}}SignedDataObjectProperties", children=formats),
        ),
    )
    qualifying = Part(
        tag=f"{{{XADES}}}QualifyingProperties",
        key="qualifying",
        attributes={"Target": None},
        children=(properties,),
    )
    return Part(
        tag=f"{{{DS}}}Signature",
        key="signature",
        attributes={"Id": None},
        children=(
            _signed_info(*references),
            Part(tag=f"{{{DS}}}SignatureValue", key="signature.value", text=True),
            _CERTIFICATES,
            Part(tag=f"{{{DS}}}Object", children=(qualifying,)),
        ),
    )


_RECEIPT = _signature(
    (_data_reference("document"), _data_reference("transfer")), (_format("document"), _format("transfer"))
)
#: [ETSI EN 319 162-1 4.4.4]: signatures of a container stand in an element of their own.
_EXPORT = Part(
    tag=f"{{{ASIC}}}XAdESSignatures",
    children=(
        _signature((_data_reference("entry", MAX_SEALED_ENTRIES),), (_format("entry", MAX_SEALED_ENTRIES),)),
    ),
)


@lru_cache(maxsize=8)  # several looks are taken at one seal
def read(xades: bytes) -> Reading:
    """Hold a receipt against the shape; never raises for what the file holds."""
    if ASIC.encode() in xades:
        return Reading(faults=("the file declares a namespace that is not due",))
    return _read(xades, _RECEIPT, MAX_RECEIPT_BYTES)


@lru_cache(maxsize=1)
def read_export(xades: bytes) -> Reading:
    """The same for the seal over a bundle's entries, which are collected as `entry`."""
    return _read(xades, _EXPORT, MAX_EXPORT_BYTES)


def canonical_parts(xades: bytes, *tags: str) -> tuple[bytes, ...] | None:
    """The canonical form of the one element of each tag, in the context of the file; None for what is no seal."""
    if _refusal(xades, MAX_EXPORT_BYTES):
        return None
    try:
        root = small_tree(xades, MAX_EXPORT_BYTES)
    except RefusedError:
        return None
    return tuple(_canonical(root, tag) for tag in tags)


def _read(xades: bytes, shape: Part, most: int) -> Reading:
    refusal = _refusal(xades, most)
    if refusal:
        return Reading(faults=(refusal,))
    try:
        root = small_tree(xades, most)
    except RefusedError as error:
        return Reading(faults=(f"the file cannot be read as XML: {error}",))
    faults: list[str] = []
    values: dict[str, list[str]] = {}
    _walk(root, shape, "", faults, values)
    return Reading(
        faults=tuple(faults),
        repeated_ids=tuple(_repeated_ids(root)),
        values={key: tuple(found) for key, found in values.items()},
        signed_info=_canonical(root, f"{{{DS}}}SignedInfo"),
        signed_properties=_canonical(root, f"{{{XADES}}}SignedProperties"),
    )


def _refusal(xades: bytes, most: int) -> str:
    if len(xades) > most:
        return f"the file is larger than {most} bytes"
    if not xades.startswith(_DECLARATION):
        return "the file does not begin with the XML declaration of a receipt (UTF-8)"
    body = xades[len(_DECLARATION) :]
    if b"<!" in body:
        return "the file holds a DTD, a comment or CDATA"
    if b"<?" in body:
        return "the file holds a processing instruction"
    return ""


def _walk(element: etree._Element, part: Part, above: str, faults: list[str], values: dict[str, list[str]]) -> None:
    here = f"{above}/{etree.QName(element).localname}"
    if element.tag != part.tag:
        faults.append(f"{here} stands where {etree.QName(part.tag).localname} is due")
        return
    _walk_attributes(element, part, here, faults, values)
    text = element.text or ""
    if part.text:
        values.setdefault(part.key, []).append(text)
    elif text:
        faults.append(f"{here} holds text")
    if not set(element.nsmap.items()) <= _NAMESPACES:
        faults.append(f"{here} declares a namespace that is not due")
    if any(child.tail for child in element):
        faults.append(f"{here} holds text between its elements")
    children = list(element)
    for number, due in enumerate(part.children):
        # what repeats leaves alone as many of its name as are due after it
        kept = sum(later.tag == due.tag for later in part.children[number + 1 :])
        taken, most = 0, 1
        if due.at_most > 1:
            most = min(due.at_most, sum(child.tag == due.tag for child in children) - kept)
        while children and taken < most and (taken == 0 or children[0].tag == due.tag):
            _walk(children.pop(0), due, here, faults, values)
            taken += 1
        if not taken:
            faults.append(f"{here} lacks {etree.QName(due.tag).localname}")
    faults += [f"{here} holds {etree.QName(child).localname}, which is not due" for child in children]


def _walk_attributes(
    element: etree._Element, part: Part, here: str, faults: list[str], values: dict[str, list[str]]
) -> None:
    found = {str(name): str(value) for name, value in element.attrib.items()}
    for name, fixed in part.attributes.items():
        value = found.pop(name, None)
        if value is None:
            faults.append(f"{here} lacks the attribute {name}")
        elif fixed is None:
            values.setdefault(f"{part.key}@{name}", []).append(value)
        elif value != fixed:
            faults.append(f"{here} has {name} {value[:100]!r} where {fixed} is due")
    faults += [f"{here} has the attribute {name}, which is not due" for name in found]


def _repeated_ids(root: etree._Element) -> Iterator[str]:
    seen: set[str] = set()
    for element in root.iter():
        for name, value in element.attrib.items():
            if str(name) in _ID_NAMES:
                if str(value) in seen:
                    yield str(value)
                seen.add(str(value))


def _canonical(root: etree._Element, tag: str) -> bytes:
    found = list(root.iter(tag))
    if len(found) != 1:
        return b""
    try:
        return etree.tostring(found[0], method="c14n", exclusive=False, with_comments=False, with_tail=False)
    except etree.C14NError:
        # A relative namespace URI: canonicalisation is undefined, so nothing can have been signed.
        return b""
