"""Where the XML signature of a message stands and what it says, found before anything is computed.

What makes XML signatures unsafe is that the verifier and the reader may look at different things (Somorovsky et
al. 2012). So everything that lets them differ is a fault here: a DTD, an instruction, a comment; a second signature
or one at an unexpected place; an id that stands twice, over all four attribute names; a reference that does not
mean the whole message, its own SignedProperties or its own KeyInfo; a transform, an element or an attribute
off the list. Only a signature without a fault is handed to signxml, and then only as bytes.

The expected place: a child of the root, or of `edXMLHeader` under it, where QCVN 102:2016/BTTTT has its own
block. Limits (size, depth, attributes) are those of the message's parser and are held before.
"""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from gateway.seal.profile import DS, SIGNED_PROPERTIES, XADES

ENVELOPED: Final = f"{DS}enveloped-signature"
EXCLUSIVE: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
C14N: Final = frozenset(
    {"http://www.w3.org/TR/2001/REC-xml-c14n-20010315", "http://www.w3.org/2006/12/xml-c14n11", EXCLUSIVE}
)
MOST_REFERENCES: Final = 5
MOST_TRANSFORMS: Final = 2
MOST_CERTIFICATES: Final = 10

_DS11: Final = "http://www.w3.org/2009/xmldsig11#"
_ID_NAMES: Final = frozenset({"Id", "ID", "id", "{http://www.w3.org/XML/1998/namespace}id"})
_HEADER_PATHS: Final = (("edxmlheader",), ("edxmlenvelope", "edxmlheader"))
_KEY_INFO: Final = frozenset(
    {f"{{{DS}}}{name}" for name in ("KeyName", "KeyValue", "X509Data")} | {f"{{{_DS11}}}DEREncodedKeyValue"}
)
_X509_DATA: Final = frozenset(
    {f"{{{DS}}}X509{name}" for name in ("Certificate", "CRL", "IssuerSerial", "SKI", "SubjectName")}
    | {f"{{{_DS11}}}X509Digest"}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Referred:
    """One ds:Reference."""

    #: `root`, `properties` or `keys`; "" for anything else, which is a fault.
    role: str
    digest: str
    #: Of its canonicalisation; None for the default.
    c14n: str | None


@dataclass(kw_only=True, slots=True)
class Shape:
    """What stands there."""

    element: etree._Element
    #: Clark names from below the root down to the signature's parent.
    steps: tuple[str, ...] = ()
    identifier: str = ""
    method: str = ""
    references: list[Referred] = field(default_factory=list)
    certificates: list[bytes] = field(default_factory=list)
    crls: list[bytes] = field(default_factory=list)
    #: xades:QualifyingProperties, if it has them.
    qualifying: etree._Element | None = None
    has_key_value: bool = False
    #: What departs from the one accepted form: (name of the check, sentence).
    faults: list[tuple[str, str]] = field(default_factory=list)

    @property
    def digests(self) -> frozenset[str]:
        """Digest methods of all references."""
        return frozenset(each.digest for each in self.references)

    def index(self, role: str) -> int | None:
        """The place of the reference of that role; None where there is none."""
        for index, each in enumerate(self.references):
            if each.role == role:
                return index
        return None


def signatures_in(root: etree._Element) -> list[etree._Element]:
    """Every ds:Signature, wherever it stands."""
    return list(root.iter(f"{{{DS}}}Signature"))


def repeated_ids(root: etree._Element) -> list[str]:
    """Identifiers that stand at more than one place, under whatever name."""
    seen: set[str] = set()
    repeated: list[str] = []
    for element in root.iter(etree.Element):
        for name in _ID_NAMES & set(map(str, element.attrib)) if element.attrib else ():
            value = str(element.attrib[name])
            if value in seen:
                repeated.append(value)
            seen.add(value)
    return repeated


def shape_of(root: etree._Element, signature: etree._Element) -> Shape:
    """Read a signature; never raises for what it holds."""
    shape = Shape(element=signature, identifier=signature.get("Id", ""))
    _place(root, signature, shape)
    if len(repeats := repeated_ids(root)):
        shape.faults.append(("xml.ids", f"an id stands at more than one place: {repeats[0][:60]!r}"))
    children = _children(
        signature, shape, {"SignedInfo": (1, 1), "SignatureValue": (1, 1), "KeyInfo": (0, 1), "Object": (0, 1)}
    )
    if "SignedInfo" in children:
        _read_signed_info(root, children["SignedInfo"][0], shape)
    for value in children.get("SignatureValue", []):
        _plain(value, shape)
    for keys in children.get("KeyInfo", []):
        _read_keys(keys, shape)
    for held in children.get("Object", []):
        _read_object(held, shape)
    roles = [each.role for each in shape.references if each.role]
    if roles.count("root") != 1 or len(set(roles)) != len(roles):
        shape.faults.append(("xml.references", "the whole message is not referred to exactly once"))
    if shape.qualifying is not None and "properties" not in roles:
        shape.faults.append(("xades.properties", "SignedProperties are not signed"))
    return shape


def _place(root: etree._Element, signature: etree._Element, shape: Shape) -> None:
    above = [each for each in signature.iterancestors() if each is not root]
    shape.steps = tuple(str(each.tag) for each in reversed(above))
    locals_ = tuple(etree.QName(each).localname.lower() for each in reversed(above))
    if signature is root or (locals_ and locals_ not in _HEADER_PATHS):
        where = "/".join(locals_) or "the root itself"
        shape.faults.append(("xml.place", f"the signature stands at {where[:100]}"))
        return
    at = root
    for step in shape.steps:  # signxml finds it by name, so the name must lead there alone
        same = at.findall(step)
        if len(same) != 1:
            shape.faults.append(("xml.place", "there is more than one header, so a name may mean another one"))
            return
        at = same[0]


def _children(
    element: etree._Element, shape: Shape, due: dict[str, tuple[int, int]]
) -> dict[str, list[etree._Element]]:
    """Children by local name; those not due, missing or too many are faults."""
    found: dict[str, list[etree._Element]] = {}
    here = etree.QName(element).localname
    for child in element:
        name = etree.QName(child)
        if name.namespace != DS or name.localname not in due:
            shape.faults.append(("xml.shape", f"{here} holds {name.localname[:60]}, which is not due"))
        else:
            found.setdefault(name.localname, []).append(child)
    for each, (least, most) in due.items():
        if not least <= len(found.get(each, [])) <= most:
            shape.faults.append(("xml.shape", f"{here} holds {len(found.get(each, []))} of {each}"))
    return found


def _read_signed_info(root: etree._Element, info: etree._Element, shape: Shape) -> None:
    due = {"CanonicalizationMethod": (1, 1), "SignatureMethod": (1, 1), "Reference": (1, MOST_REFERENCES)}
    children = _children(info, shape, due)
    for method in children.get("CanonicalizationMethod", []):
        _c14n(method, shape)
    for method in children.get("SignatureMethod", []):
        shape.method = method.get("Algorithm", "")
        _plain(method, shape)
    for reference in children.get("Reference", [])[:MOST_REFERENCES]:
        shape.references.append(_reference(root, reference, shape))


def _reference(root: etree._Element, reference: etree._Element, shape: Shape) -> Referred:
    due = {"Transforms": (0, 1), "DigestMethod": (1, 1), "DigestValue": (1, 1)}
    children = _children(reference, shape, due)
    for each in (*children.get("DigestMethod", []), *children.get("DigestValue", [])):
        _plain(each, shape)
    role = _role(root, reference, shape)
    if not role:
        uri = reference.get("URI")
        shape.faults.append(
            ("xml.references", f"a reference means something else: {uri if uri is None else uri[:60]!r}")
        )
    transforms = [each for holder in children.get("Transforms", []) for each in holder]
    if len(transforms) > MOST_TRANSFORMS:
        shape.faults.append(("xml.transforms", f"a reference has {len(transforms)} transforms"))
    enveloped, c14n = False, None
    for transform in transforms[:MOST_TRANSFORMS]:
        algorithm = transform.get("Algorithm", "")
        if transform.tag == f"{{{DS}}}Transform" and algorithm == ENVELOPED and role == "root" and not enveloped:
            enveloped = True
            _plain(transform, shape)
        elif c14n is None:
            c14n = _c14n(transform, shape)
        else:
            shape.faults.append(("xml.transforms", "a reference is canonicalised twice"))
    if role == "root" and not enveloped:
        shape.faults.append(("xml.transforms", "the message's reference lacks the enveloped transform"))
    method = next((each.get("Algorithm", "") for each in children.get("DigestMethod", [])), "")
    return Referred(role=role, digest=method, c14n=c14n)


def _role(root: etree._Element, reference: etree._Element, shape: Shape) -> str:
    uri, kind = reference.get("URI"), reference.get("Type", "")
    if uri == "" or (uri and uri[:1] == "#" and uri[1:] in _ids(root)):
        return "root" if kind in {"", f"{DS}Object"} else ""
    if not uri or uri[0] != "#":
        return ""
    if kind == SIGNED_PROPERTIES:
        path = f"{{{DS}}}Object/{{{XADES}}}QualifyingProperties/{{{XADES}}}SignedProperties"
        return "properties" if [uri[1:]] in [_ids(each) for each in shape.element.findall(path)] else ""
    keys = shape.element.findall(f"{{{DS}}}KeyInfo")
    return "keys" if not kind and [uri[1:]] in [_ids(each) for each in keys] else ""


def _ids(element: etree._Element) -> list[str]:
    return [str(value) for name, value in element.attrib.items() if str(name) in _ID_NAMES]


def _c14n(element: etree._Element, shape: Shape) -> str | None:
    algorithm = element.get("Algorithm", "")
    if algorithm not in C14N:
        shape.faults.append(("xml.transforms", f"{algorithm[:100]!r} is no accepted canonicalisation"))
        return None
    for child in element:
        if algorithm != EXCLUSIVE or child.tag != f"{{{EXCLUSIVE}}}InclusiveNamespaces" or len(child):
            shape.faults.append(("xml.transforms", "a canonicalisation has parameters that are not its own"))
    return algorithm


def _plain(element: etree._Element, shape: Shape) -> None:
    """It holds text at most."""
    if len(element):
        here = etree.QName(element).localname
        shape.faults.append(("xml.shape", f"{here} holds {etree.QName(element[0]).localname[:60]}"))


def _read_keys(keys: etree._Element, shape: Shape) -> None:
    for child in keys:
        if child.tag not in _KEY_INFO:
            name = etree.QName(child).localname[:60]
            shape.faults.append(("xml.shape", f"KeyInfo holds {name}, which is not due"))
        elif child.tag == f"{{{DS}}}X509Data":
            for each in child:
                _read_x509(each, shape)
        elif child.tag != f"{{{DS}}}KeyName":
            shape.has_key_value = True


def _read_x509(element: etree._Element, shape: Shape) -> None:
    name = etree.QName(element).localname
    if element.tag not in _X509_DATA:
        shape.faults.append(("xml.shape", f"X509Data holds {name[:60]}, which is not due"))
    for wanted, kept in (("X509Certificate", shape.certificates), ("X509CRL", shape.crls)):
        if element.tag == f"{{{DS}}}{wanted}":
            _plain(element, shape)
            try:
                kept.append(b64decode("".join((element.text or "").split()), validate=True))
            except (Base64Error, ValueError):
                shape.faults.append(("xml.shape", f"{wanted} is not base 64"))
    if len(shape.certificates) > MOST_CERTIFICATES:
        shape.faults.append(("xml.shape", f"there are more than {MOST_CERTIFICATES} certificates"))
        del shape.certificates[MOST_CERTIFICATES:]


def _read_object(held: etree._Element, shape: Shape) -> None:
    """The one Object that has a meaning here holds the qualifying properties and nothing else."""
    children = list(held)
    if len(children) != 1 or children[0].tag != f"{{{XADES}}}QualifyingProperties" or (held.text or "").strip():
        shape.faults.append(("xml.shape", "Object holds something else than QualifyingProperties"))
        return
    qualifying = shape.qualifying = children[0]
    if qualifying.get("Target") != f"#{shape.identifier}" or not shape.identifier:
        shape.faults.append(("xades.properties", "QualifyingProperties are about another signature"))
    for child in qualifying:
        name = etree.QName(child)
        if name.namespace != XADES or name.localname not in {"SignedProperties", "UnsignedProperties"}:
            shape.faults.append(("xades.properties", f"QualifyingProperties hold {name.localname[:60]}"))
    if len(qualifying.findall(f"{{{XADES}}}SignedProperties")) != 1:
        shape.faults.append(("xades.properties", "there are not exactly one SignedProperties"))


def forbidden(data: bytes) -> Iterator[str]:
    """Constructs that let two readers see different texts, looked for before any parser runs."""
    for mark, name in ((b"<!DOCTYPE", "a DTD"), (b"<!ENTITY", "an entity"), (b"<!--", "a comment")):
        if mark in data:
            yield name
    if data.count(b"<?") > data.lstrip().startswith(b"<?xml"):
        yield "a processing instruction"
