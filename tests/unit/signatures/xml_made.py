"""XML signatures of the test PKI over a small message, written by hand: the same bytes every time.

A plan says how a signature departs from a good one *before* it is signed, so that its arithmetic holds; what is
done to it afterwards is the caller's.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from dataclasses import dataclass
from typing import Final

from asn1crypto import tsp, x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from gateway.seal.profile import C14N, DS, SIGNED_PROPERTIES, XADES
from tests.pki.build import Member
from tests.unit.signatures.cms_made import SIGNED_AT, pki, raw_signature, stamp_token

MESSAGE: Final = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<edXML xmlns="http://www.mic.gov.vn/TBT/QCVN_102_2016">\n'
    "  <edXMLEnvelope><edXMLHeader><MessageHeader>"
    "<From><OrganId>000.00.00.H33</OrganId></From><Subject>Chi 1.000.000 đồng</Subject>"
    "</MessageHeader></edXMLHeader></edXMLEnvelope>\n"
    "</edXML>\n"
)
ENVELOPED: Final = f"{DS}enveloped-signature"
EXCLUSIVE: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
_HERE: Final = "@signature@"
_ALGORITHMS: Final = {
    "sha1": (f"{DS}sha1", f"{DS}rsa-sha1", "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1"),
    "sha256": (
        "http://www.w3.org/2001/04/xmlenc#sha256",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
    ),
    "sha512": (
        "http://www.w3.org/2001/04/xmlenc#sha512",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512",
    ),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class XmlPlan:
    """How a signature departs from a good one."""

    member: str = "agency"
    message: str = MESSAGE
    #: Before which text it stands.
    before: str = "</edXML>"
    hash_name: str = "sha256"
    xades: bool = False
    #: The certificate shown and named, where it is not the key's own.
    shown: str = ""
    #: The certificate that XAdES names, where it is not the one shown.
    named: str = ""
    uri: str = ""
    #: Of the message's reference, one after the other.
    transforms: tuple[str, ...] = (ENVELOPED, C14N)
    #: Put into SignedInfo, KeyInfo or beside them.
    more_references: str = ""
    more_keys: str = ""
    more_inside: str = ""
    target: str = "#S"
    method: str = ""
    properties_type: str = SIGNED_PROPERTIES
    stamper: str = ""


def signed_xml(plan: XmlPlan = XmlPlan()) -> bytes:
    """The message with its signature."""
    at = plan.message.rindex(plan.before)
    framed = plan.message[:at] + _HERE + plan.message[at:]
    member, shown = pki()[plan.member], pki()[plan.shown or plan.member]
    digest, rsa_method, ec_method = _ALGORITHMS[plan.hash_name]
    method = plan.method or (rsa_method if isinstance(member.key, rsa.RSAPrivateKey) else ec_method)
    exclusive = EXCLUSIVE in plan.transforms
    content = _canonical(etree.fromstring(framed.replace(_HERE, "").encode()), exclusive=exclusive)
    keys = _keys(shown, plan)
    qualifying = _qualifying(pki()[plan.named] if plan.named else shown, plan) if plan.xades else ""
    references = _reference(plan.uri, "", plan.transforms, digest, _digest(content, plan.hash_name))
    if plan.xades:
        properties = _inside(framed, qualifying, f"{{{XADES}}}SignedProperties")
        value = _digest(properties, plan.hash_name)
        references += _reference("#P", plan.properties_type, (C14N,), digest, value)
    info = (
        f'<ds:SignedInfo><ds:CanonicalizationMethod Algorithm="{C14N}"></ds:CanonicalizationMethod>'
        f'<ds:SignatureMethod Algorithm="{method}"></ds:SignatureMethod>{references}{plan.more_references}'
        "</ds:SignedInfo>"
    )
    value = _xml_value(member, _inside(framed, info, f"{{{DS}}}SignedInfo"), plan.hash_name)
    value_element = f"<ds:SignatureValue>{value}</ds:SignatureValue>"
    if plan.stamper:
        about = _inside(framed, value_element, f"{{{DS}}}SignatureValue")
        qualifying = qualifying.replace("</xades:QualifyingProperties>", _stamped(about, plan.stamper))
    held = f"<ds:Object>{qualifying}</ds:Object>" if plan.xades else ""
    signature = _open() + f"{info}{value_element}{keys}{held}{plan.more_inside}</ds:Signature>"
    return framed.replace(_HERE, signature).encode()


def _open() -> str:
    return f'<ds:Signature xmlns:ds="{DS}" xmlns:xades="{XADES}" Id="S">'


def _inside(framed: str, part: str, tag: str) -> bytes:
    """The canonical form of a part in the place where it will stand."""
    root = etree.fromstring(framed.replace(_HERE, f"{_open()}{part}</ds:Signature>").encode())
    return _canonical(next(root.iter(tag)))


def _canonical(element: etree._Element, *, exclusive: bool = False) -> bytes:
    return etree.tostring(element, method="c14n", exclusive=exclusive, with_comments=False, with_tail=False)


def _digest(data: bytes, hash_name: str) -> str:
    return b64encode(hashlib.new(hash_name, data, usedforsecurity=False).digest()).decode()


def _reference(uri: str, kind: str, transforms: tuple[str, ...], method: str, value: str) -> str:
    listed = "".join(f'<ds:Transform Algorithm="{each}"></ds:Transform>' for each in transforms)
    typed = f' Type="{kind}"' if kind else ""
    return (
        f'<ds:Reference{typed} URI="{uri}"><ds:Transforms>{listed}</ds:Transforms>'
        f'<ds:DigestMethod Algorithm="{method}"></ds:DigestMethod>'
        f"<ds:DigestValue>{value}</ds:DigestValue></ds:Reference>"
    )


def _keys(shown: Member, plan: XmlPlan) -> str:
    certificates = "".join(
        f"<ds:X509Certificate>{b64encode(each.public_bytes(Encoding.DER)).decode()}</ds:X509Certificate>"
        for each in (shown.certificate, *shown.sent)
    )
    return f"<ds:KeyInfo>{plan.more_keys}<ds:X509Data>{certificates}</ds:X509Data></ds:KeyInfo>"


def _qualifying(named: Member, plan: XmlPlan) -> str:
    der = named.certificate.public_bytes(Encoding.DER)
    certificate = x509.Certificate.load(der)
    issuer = tsp.IssuerSerial(
        {
            "issuer": [x509.GeneralName({"directory_name": certificate.issuer})],
            "serial_number": certificate.serial_number,
        }
    )
    digest = b64encode(hashlib.sha256(der).digest()).decode()
    return (
        f'<xades:QualifyingProperties Target="{plan.target}"><xades:SignedProperties Id="P">'
        "<xades:SignedSignatureProperties>"
        f"<xades:SigningTime>{SIGNED_AT.isoformat().replace('+00:00', 'Z')}</xades:SigningTime>"
        "<xades:SigningCertificateV2><xades:Cert><xades:CertDigest>"
        f'<ds:DigestMethod Algorithm="{_ALGORITHMS["sha256"][0]}"></ds:DigestMethod>'
        f"<ds:DigestValue>{digest}</ds:DigestValue></xades:CertDigest>"
        f"<xades:IssuerSerialV2>{b64encode(issuer.dump()).decode()}</xades:IssuerSerialV2>"
        "</xades:Cert></xades:SigningCertificateV2></xades:SignedSignatureProperties>"
        "</xades:SignedProperties></xades:QualifyingProperties>"
    )


def _stamped(about: bytes, stamper: str) -> str:
    token = b64encode(stamp_token(about, stamper, SIGNED_AT)).decode()
    return (
        "<xades:UnsignedProperties><xades:UnsignedSignatureProperties><xades:SignatureTimeStamp>"
        f'<ds:CanonicalizationMethod Algorithm="{C14N}"></ds:CanonicalizationMethod>'
        f"<xades:EncapsulatedTimeStamp>{token}</xades:EncapsulatedTimeStamp>"
        "</xades:SignatureTimeStamp></xades:UnsignedSignatureProperties></xades:UnsignedProperties>"
        "</xades:QualifyingProperties>"
    )


def _xml_value(member: Member, data: bytes, hash_name: str) -> str:
    raw = raw_signature(member, data, hash_name)
    if not isinstance(member.key, rsa.RSAPrivateKey):
        r, s = decode_dss_signature(raw)
        raw = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    return b64encode(raw).decode()
