"""Vectors of XML signatures: accepted ones, altered ones, algorithms, keys, constructs of XML, XAdES."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gateway.seal.profile import C14N, DS
from tests.unit.signatures.cms_made import SIGNED_AT
from tests.unit.signatures.vector_cases import Case, Faults
from tests.unit.signatures.xml_made import ENVELOPED, EXCLUSIVE, MESSAGE, XmlPlan, signed_xml

_FORMAT: Final = "FORMAT_FAILURE"
_WEAK: Final = "CRYPTO_CONSTRAINTS_FAILURE"
_BAD_VALUE: Final = {"signature.value": "SIG_CRYPTO_FAILURE"}
_BAD_DIGEST: Final = {"signature.digest": "HASH_FAILURE"}
_UNSURE: Final = "INDETERMINATE"
WITH_ID: Final = MESSAGE.replace("<edXML xmlns", '<edXML Id="d1" xmlns')


def cases() -> Iterator[Case]:
    """Every vector of this file."""
    yield from _accepted()
    yield from _altered()
    yield from _algorithms()
    yield from _keys()
    yield from _shapes()
    yield from _constructs()
    yield from _properties()


def _case(name: str, why: str, data: str | bytes, *faults: Faults, verdict: str = "FAILED") -> Case:
    raw = data.encode() if isinstance(data, str) else data
    return Case(name=name, why=why, data=raw, faults=faults, verdict=verdict)


def _plan(name: str, why: str, plan: XmlPlan, faults: Faults, verdict: str = "FAILED") -> Case:
    return Case(name=name, why=why, data=signed_xml(plan), faults=(faults,), verdict=verdict)


def _accepted() -> Iterator[Case]:
    for name, why, plan in (
        ("xml-accepted-p256", "ECDSA on P-256, the message referred to as the empty URI", XmlPlan()),
        ("xml-accepted-rsa", "RSA of 2048 bits with SHA-512", XmlPlan(member="person", hash_name="sha512")),
        ("xml-accepted-exclusive", "exclusive canonicalisation", XmlPlan(transforms=(ENVELOPED, EXCLUSIVE))),
        ("xml-accepted-in-header", "the signature stands in edXMLHeader", XmlPlan(before="</edXMLHeader>")),
        ("xml-accepted-root-id", "the message referred to by its root's id", XmlPlan(message=WITH_ID, uri="#d1")),
        ("xades-accepted", "XAdES-BASELINE-B", XmlPlan(member="person", xades=True)),
    ):
        yield _plan(name, why, plan, {}, "PASSED")
    stamped = signed_xml(XmlPlan(xades=True, stamper="stamper"))
    yield Case(
        name="xades-accepted-stamped", why="XAdES-BASELINE-T: the stamp proves the time",
        data=stamped, verdict="PASSED", proven_at=SIGNED_AT,
    )  # fmt: skip
    decorative = MESSAGE.replace("</edXMLHeader>", "<Signature><SignedInfo></SignedInfo></Signature></edXMLHeader>")
    yield _case(
        "xml-decorative", "the Signature block of QCVN 102 holds no key: it proves nothing, and says nothing wrong",
        decorative, {"qcvn.signature": "SIGNED_DATA_NOT_FOUND"}, verdict=_UNSURE,
    )  # fmt: skip
    yield Case(
        name="xml-unsigned",
        why="no signature: nothing is proved",
        data=MESSAGE.encode(),
        faults=(),
        verdict=_UNSURE,
    )


def _altered() -> Iterator[Case]:
    good = signed_xml().decode()
    yield _case("xml-content-altered", "a figure differs", good.replace("1.000.000", "9.000.000"), _BAD_DIGEST)
    at = good.index("<ds:SignatureValue>") + 40
    swapped = "A" if good[at] != "A" else "B"
    yield _case(
        "xml-value-altered", "the signature value differs", good[:at] + swapped + good[at + 1 :], _BAD_VALUE
    )
    at = good.index("<ds:DigestValue>") + 20
    swapped = "A" if good[at] != "A" else "B"
    yield _case("xml-digest-altered", "the signed digest differs", good[:at] + swapped + good[at + 1 :], _BAD_VALUE)
    yield _plan(
        "xml-certificate-of-another", "another certificate is shown than the key's own",
        XmlPlan(shown="agency-rsa", member="person"), _BAD_VALUE,
    )  # fmt: skip


def _algorithms() -> Iterator[Case]:
    weak: Faults = {"signature.algorithms": _WEAK}
    yield _plan(
        "xml-sha1", "SHA-1 is evidence of what came, and proves nothing", XmlPlan(hash_name="sha1"), weak, _UNSURE
    )
    yield _plan("xml-rsa-1024", "so is RSA of 1024 bits", XmlPlan(member="person-weak"), weak, _UNSURE)
    more = "http://www.w3.org/2001/04/xmldsig-more#"
    for name, why, method in (
        ("xml-md5", "MD5 is never computed", f"{more}rsa-md5"),
        ("xml-hmac", "an HMAC keyed with a public certificate is everybody's to make", f"{more}hmac-sha256"),
        ("xml-hmac-sha1", "the same with SHA-1", f"{DS}hmac-sha1"),
        ("xml-dsa", "DSA is not taken", "http://www.w3.org/2009/xmldsig11#dsa-sha256"),
        ("xml-method-unknown", "an unknown signature method", "urn:example:none"),
    ):
        yield _plan(name, why, XmlPlan(method=method), weak)
    truncated = signed_xml().decode().replace(
        "></ds:SignatureMethod>", "><ds:HMACOutputLength>8</ds:HMACOutputLength></ds:SignatureMethod>"
    )  # fmt: skip
    yield _case(
        "xml-hmac-truncated", "HMACOutputLength leaves eight bits to guess (CVE-2009-0217)",
        truncated.replace("ecdsa-sha256", "hmac-sha256"), {"xml.shape": _FORMAT, **weak},
    )  # fmt: skip
    pss = "http://www.w3.org/2007/05/xmldsig-more#rsa-pss"
    yield _plan(
        "xml-pss-parameters", "RSA-PSS with parameters of its own", XmlPlan(member="person", method=pss), weak
    )
    confused = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
    yield _plan(
        "xml-method-of-another-key",
        "an RSA method over a P-256 key",
        XmlPlan(method=confused),
        {"signature.value": _FORMAT},
    )


def _keys() -> Iterator[Case]:
    none: Faults = {"certificate.present": "NO_SIGNING_CERTIFICATE_FOUND"}
    good = signed_xml(XmlPlan(member="person")).decode()
    begin, end = good.index("<ds:KeyInfo>"), good.index("</ds:KeyInfo>") + len("</ds:KeyInfo>")
    yield _case("xml-no-key", "no certificate, so nobody signed", good[:begin] + good[end:], none, verdict=_UNSURE)
    numbers = "<ds:RSAKeyValue><ds:Modulus>0S2P2Q==</ds:Modulus><ds:Exponent>AQAB</ds:Exponent></ds:RSAKeyValue>"
    value = f"<ds:KeyValue>{numbers}</ds:KeyValue>"
    yield _case(
        "xml-bare-key", "a bare key belongs to nobody",
        good[:begin] + f"<ds:KeyInfo>{value}</ds:KeyInfo>" + good[end:], none, verdict=_UNSURE,
    )  # fmt: skip
    yield _plan(
        "xml-key-confusion", "KeyValue and certificate name different keys",
        XmlPlan(member="person", more_keys=value), {"signature.key": _FORMAT},
    )  # fmt: skip
    retrieval = '<ds:RetrievalMethod URI="http://example.org/key"></ds:RetrievalMethod>'
    yield _plan("xml-retrieval-method", "a key to be fetched", XmlPlan(more_keys=retrieval), {"xml.shape": _FORMAT})


def _shapes() -> Iterator[Case]:
    good = signed_xml().decode()
    transforms: Faults = {"xml.transforms": _FORMAT}
    for name, why, extra in (
        ("xml-xslt", "XSLT runs code", "http://www.w3.org/TR/1999/REC-xslt-19991116"),
        ("xml-xpath", "XPath signs what it likes", "http://www.w3.org/TR/1999/REC-xpath-19991116"),
        ("xml-base64", "base 64 changes what is signed", f"{DS}base64"),
        ("xml-transform-unknown", "an unknown transform, which signxml passes over", "urn:example:none"),
        ("xml-c14n-with-comments", "canonical form with comments", f"{C14N}#WithComments"),
    ):
        yield _plan(name, why, XmlPlan(transforms=(ENVELOPED, extra)), transforms)
    yield _plan(
        "xml-three-transforms", "more transforms than two", XmlPlan(transforms=(ENVELOPED, C14N, C14N)), transforms
    )
    yield _plan("xml-not-enveloped", "the signature would sign itself", XmlPlan(transforms=(C14N,)), transforms)
    for name, why, uri in (
        ("xml-reference-external", "a reference to a file elsewhere", "file:///etc/passwd"),
        ("xml-reference-xpointer", "an XPointer", "#xpointer(/)"),
        ("xml-reference-dangling", "a reference to nothing", "#nothing"),
    ):
        yield _plan(name, why, XmlPlan(uri=uri), {"xml.references": _FORMAT, "xml.transforms": _FORMAT})
    another = (
        f'<ds:Reference URI="#d9"><ds:DigestMethod Algorithm="{DS}sha1"></ds:DigestMethod>'
        "<ds:DigestValue>AAAA</ds:DigestValue></ds:Reference>"
    )
    faults = {"xml.references": _FORMAT, "signature.algorithms": _WEAK}
    yield _plan(
        "xml-reference-of-a-part",
        "a second reference to a part of the message",
        XmlPlan(more_references=another),
        faults,
    )
    yield _plan(
        "xml-thirty-references", "a load of references (W3C best practice 1)",
        XmlPlan(more_references=another * 30), {"xml.shape": _FORMAT, **faults},
    )  # fmt: skip
    info = good[good.index("<ds:SignedInfo>") : good.index("<ds:SignatureValue>")]
    yield _case(
        "xml-two-signed-info", "two SignedInfo: one verified, the other read (CVE-2025-29774)",
        good.replace("<ds:SignatureValue>", f"{info}<ds:SignatureValue>"),
        {"xml.shape": _FORMAT},
    )  # fmt: skip
    begin, end = good.index("<ds:Signature "), good.index("</ds:Signature>") + len("</ds:Signature>")
    twice = good[:end] + good[begin:end].replace('Id="S"', 'Id="S2"') + good[end:]
    yield _case("xml-two-signatures", "two signatures: which one counts?", twice, {"xml.place": _FORMAT})
    many = " ".join(f'a{n}="1"' for n in range(70))
    yield _case(
        "xml-many-attributes",
        "an element with 70 attributes",
        good.replace("<Subject>", f"<Subject {many}>"),
        {"xml.limits": _FORMAT},
    )
    deep = "<x>" * 70 + "</x>" * 70
    yield _case(
        "xml-deep", "elements 70 deep", good.replace("</Subject>", f"{deep}</Subject>"), {"xml.limits": _FORMAT}
    )


def _constructs() -> Iterator[Case]:
    good = signed_xml().decode()
    declaration, _, body = good.partition("\n")
    plain: Faults = {"xml.plain": _FORMAT}
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha"}">' for n in range(10))
    for name, why, subset in (
        ("xml-dtd", "a DTD may give attributes that nobody signed", "<!ELEMENT x ANY>"),
        ("xml-xxe", "an external entity", '<!ENTITY x SYSTEM "file:///etc/passwd">'),
        ("xml-billion-laughs", "entities that grow a thousand million fold", laughs),
        ("xml-quadratic", "one long entity, used often", f'<!ENTITY q "{"a" * 5000}">'),
    ):
        used = body.replace(
            "<Subject>",
            "<Subject>&l9;" if "laughs" in name else "<Subject>&q;&q;&q;" if "quad" in name else "<Subject>",
        )
        yield _case(name, why, f"{declaration}\n<!DOCTYPE edXML [{subset}]>\n{used}", plain)
    yield _case(
        "xml-external-dtd", "an external DTD",
        f'{declaration}\n<!DOCTYPE edXML SYSTEM "http://example.org/x.dtd">\n{body}', plain,
    )  # fmt: skip
    yield _case(
        "xml-comment-in-text", "1<!---->.000.000: some readers stop at the comment (CVE-2017-11427)",
        good.replace("1.000.000", "1<!---->.000.000"), plain,
    )  # fmt: skip
    at = good.index("<ds:DigestValue>") + 20
    yield _case(
        "xml-comment-in-digest",
        "a comment in DigestValue (CVE-2025-29775)",
        good[:at] + "<!--x-->" + good[at:],
        plain,
    )
    yield _case(
        "xml-instruction", "a processing instruction in the text", good.replace("đồng", "<?x y?>đồng"), plain
    )
    void = (
        signed_xml(XmlPlan(transforms=(ENVELOPED, EXCLUSIVE)))
        .decode()
        .replace("<Subject>", '<Subject xmlns:v="1">')
    )
    yield _case(
        "xml-void-canonicalisation", "a relative namespace: canonicalisation fails, and must not come to nothing"
        " (CVE-2025-66568)", void, {"signature.value": _FORMAT},
    )  # fmt: skip
    yield _case("xml-not-wellformed", "cut off", good[:-20], {"xml.wellformed": _FORMAT})


def _properties() -> Iterator[Case]:
    good = signed_xml(XmlPlan(xades=True)).decode()
    bound: Faults = {"xades.properties": _FORMAT}
    yield _plan(
        "xades-another-target",
        "the properties are about another signature",
        XmlPlan(xades=True, target="#T"),
        bound,
    )
    yield _plan(
        "xades-untyped", "the reference to the properties has no Type", XmlPlan(xades=True, properties_type=""),
        {"xml.references": _FORMAT, **bound},
    )  # fmt: skip
    yield _case(
        "xades-time-moved", "the signing time was changed", good.replace("T08:00:00Z", "T09:00:00Z"), _BAD_DIGEST
    )
    begin, end = good.index("<xades:SignedProperties"), good.index("</xades:QualifyingProperties>")
    properties = good[begin:end]
    later = properties.replace("T08:00:00Z", "T09:00:00Z").replace('Id="P"', 'Id="Q"')
    yield _case(
        "xades-properties-moved", "other properties stand where the signed ones belong",
        good.replace(properties, later).replace("</ds:Object>", f"</ds:Object><ds:Object>{properties}</ds:Object>"),
        {"xml.shape": _FORMAT, "xml.references": _FORMAT, **bound},
    )  # fmt: skip
    yield _case(
        "xades-properties-twice",
        "two SignedProperties, the id of one",
        good.replace(properties, properties + later),
        bound,
    )
    unsigned = signed_xml().decode().replace(
        "</ds:KeyInfo>", f"</ds:KeyInfo><ds:Object>{good[good.index('<xades:QualifyingProperties') : end]}"
        "</xades:QualifyingProperties></ds:Object>",
    )  # fmt: skip
    yield _case("xades-properties-unsigned", "properties that nobody signed", unsigned, bound)
    yield _plan(
        "xades-names-another", "the signer named another certificate of the same key",
        XmlPlan(xades=True, member="person", named="person-twin"),
        {"xades.certificate": "NO_SIGNING_CERTIFICATE_FOUND"},
    )  # fmt: skip
    stamped = signed_xml(XmlPlan(xades=True, stamper="stamper-not-critical"))
    yield Case(
        name="xades-stamp-wrong-usage",
        why="a stamp whose certificate may not stamp proves no time, and harms nothing",
        data=stamped, verdict="PASSED",
    )  # fmt: skip
