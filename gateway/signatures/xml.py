"""Verifies the XML signature of a message: XMLDSig or XAdES, enveloped.

    1 pre-check   size; no DTD, instruction or comment; then one tree, within the parser's limits
    2 shape       one signature at the expected place, everything on the lists (`shape.py`)
    3 signer      the certificate that signed: the one that XAdES names, else the only leaf
    4 arithmetic  signxml, with that certificate and these algorithms and nothing else
    5 coverage    the bytes that were verified are the whole message without its signature
    6 properties  what is signed of XAdES; a stamp may prove the time
    7 trust       path and revocation at the proven time, or at the one given

Whatever fails in 1 to 3 ends the arithmetic, not the report. signxml trusts nothing by itself here: it never sees
an anchor (its default is every web CA), and its verdict on validity is made moot by judging at a time when the
certificate was valid; 7 judges that. It does NOT read the message: step 5 lets the reader read it.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from cryptography import x509
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureMethod
from signxml.exceptions import InvalidDigest, InvalidSignature, SignXMLException
from signxml.verifier import SignatureConfiguration, XMLVerifier

from gateway.errors import RefusedError
from gateway.seal.profile import DS, UNREADABLE_CERTIFICATE
from gateway.seal.report import Check, Indication, failed, passed, undecided
from gateway.signatures.algorithms import DIGESTS, LEGACY_DIGESTS, LEGACY_METHODS, METHODS, judge
from gateway.signatures.cms import digest_of
from gateway.signatures.model import Found, Gathered, Kind
from gateway.signatures.path import Brought, Trust, check_signer
from gateway.signatures.shape import EXCLUSIVE, Shape, forbidden, shape_of, signatures_in
from gateway.signatures.signer import signer_of
from gateway.signatures.stamps import read_stamp
from gateway.signatures.usage import signing_faults
from gateway.signatures.xades import Properties, check_named, read_properties, stamps_in
from gateway.xml import signed_tree, strict_parser

#: libxml2 takes no longer text than 10 MB, so a larger signed message holds several attachments; its tree costs ten
#: times as much. A larger one is INDETERMINATE.
MOST_BYTES: Final = 32 * 1024**2
WHERE: Final = "edXML"
_DECORATIVE: Final = "signature"


def verify_xml(
    data: bytes, *, trust: Trust, gathered: Gathered, agencies: tuple[str, ...] = ()
) -> tuple[Found, ...]:
    """Everything that is, or looks like, a signature of the message in `data`; () when there is none."""
    reasons = list(forbidden(data))
    if any(reason in {"a DTD", "an entity"} for reason in reasons):  # not given to any parser
        return (_unread("xml.plain", f"the message holds {reasons[0]}", Indication.FORMAT_FAILURE),)
    try:
        root = signed_tree(data)
    except RefusedError as error:
        return (_unread("xml.wellformed", str(error), Indication.FORMAT_FAILURE),)
    found = _decorative(root)
    signatures = signatures_in(root)
    if not signatures:
        return found
    limits = _limits(root)
    if limits:
        return (*found, _unread("xml.limits", limits, Indication.FORMAT_FAILURE))
    if reasons:
        return (*found, _unread("xml.plain", f"the message holds {reasons[0]}", Indication.FORMAT_FAILURE))
    shape = shape_of(root, signatures[0])
    if len(signatures) > 1:
        shape.faults.append(("xml.place", f"there are {len(signatures)} signatures"))
    return (*found, _Verification(data, root, shape, trust, gathered, agencies).found())


def _unread(name: str, reason: str, indication: Indication) -> Found:
    return Found(kind=Kind.XML, where=WHERE, checks=(failed(name, indication, reason),))


def too_large() -> Found:
    """A signed message of more than MOST_BYTES."""
    reason = f"signed messages above {MOST_BYTES // 1024**2} MiB are not verified"
    return Found(kind=Kind.XML, where=WHERE, checks=(undecided("xml.size", Indication.GENERIC, reason),))


def _decorative(root: etree._Element) -> tuple[Found, ...]:
    found = []
    for element in root.iter(etree.Element):
        if not str(element.tag).lower().endswith(_DECORATIVE):
            continue
        name = etree.QName(element)
        if name.localname.lower() == _DECORATIVE and name.namespace != DS:
            reason = "this block holds no key and no signature value, so nothing about it can be verified"
            check = undecided("qcvn.signature", Indication.SIGNED_DATA_NOT_FOUND, reason)
            found.append(Found(kind=Kind.DECORATIVE, where=WHERE, form="QCVN 102", checks=(check,)))
    return tuple(found[:1])


_MOST_DEPTH: Final = 64
_MOST_ATTRIBUTES: Final = 64
_MOST_NAMESPACES: Final = 16


def _limits(root: etree._Element) -> str:
    level, depth = [root], 0
    while level:
        depth += 1
        if depth > _MOST_DEPTH:
            return f"elements stand more than {_MOST_DEPTH} deep"
        if any(len(element.keys()) > _MOST_ATTRIBUTES for element in level):
            return f"an element has more than {_MOST_ATTRIBUTES} attributes"
        level = [kid for element in level if len(element) for kid in element.iterchildren(etree.Element)]
    return ""


class _Verification:
    """One signature."""

    def __init__(
        self,
        data: bytes,
        root: etree._Element,
        shape: Shape,
        trust: Trust,
        gathered: Gathered,
        agencies: tuple[str, ...],
    ) -> None:
        self._data, self._root, self._shape = data, root, shape
        self._trust, self._gathered, self._agencies = trust, gathered, agencies
        self._checks: list[Check] = []
        self._notes: list[str] = []
        self._properties: Properties | None = None
        self._covered = False

    def found(self) -> Found:
        """Steps 2 to 7."""
        shape = self._shape
        self._checks += [
            failed(name, Indication.FORMAT_FAILURE, reason) for name, reason in _distinct(shape.faults)
        ]
        if not shape.faults:
            self._checks.append(passed("xml.shape"))
        certificate = self._certificate()
        at, proven = self._trust.at, None
        if certificate is not None:
            if self._arithmetic(certificate) and not shape.faults:
                proven = self._proven()
                at = proven or at
            self._checks += check_signer(
                certificate,
                self._brought(),
                store=self._trust.signers,
                at=at,
                gathered=self._gathered,
                usage=signing_faults,
                answers=self._trust.answers,
            )
        return Found(
            kind=Kind.XML,
            where=WHERE,
            name=shape.identifier,
            form="XMLDSig" if shape.qualifying is None else "XAdES",
            signer=None if certificate is None else signer_of(certificate, self._agencies),
            claimed_at=self._properties.claimed_at if self._properties else None,
            proven_at=proven,
            coverage="whole" if self._covered else "",
            checks=tuple(self._checks),
            not_examined=tuple(self._notes),
        )

    def _brought(self) -> Brought:
        return Brought(certificates=tuple(self._shape.certificates), crls=tuple(self._shape.crls))

    def _certificate(self) -> x509.Certificate | None:
        """The certificate that signed, if the message says which (plan 3)."""
        name = "certificate.present"
        leaves = _leaves(tuple(self._shape.certificates))
        if len(leaves) != 1:
            reason = f"the message names {len(leaves)} signing certificates"
            self._checks.append(undecided(name, Indication.NO_SIGNING_CERTIFICATE_FOUND, reason))
            return None
        self._checks.append(passed(name))
        return leaves[0]

    def _arithmetic(self, certificate: x509.Certificate) -> bool:
        shape = self._shape
        named = " ".join([_short(shape.method), *sorted(map(_short, shape.digests))])
        current = shape.method in METHODS and shape.digests <= DIGESTS
        legacy = shape.method in METHODS | LEGACY_METHODS and shape.digests <= DIGESTS | LEGACY_DIGESTS
        check, may = judge(current=current, legacy=legacy, named=named, key=certificate.public_key())
        self._checks.append(check)
        if shape.faults or not may:
            return False
        try:
            results = self._signxml(certificate)
        except InvalidDigest as error:
            self._checks.append(failed("signature.digest", Indication.HASH_FAILURE, _sentence(error)))
            return False
        except InvalidSignature as error:
            self._checks.append(failed("signature.value", Indication.SIG_CRYPTO_FAILURE, _sentence(error)))
            return False
        except (SignXMLException, etree.LxmlError, ValueError, TypeError, KeyError) as error:
            name = "signature.key" if "public key" in str(error) else "signature.value"
            self._checks.append(failed(name, Indication.FORMAT_FAILURE, _sentence(error)))
            return False
        self._checks.append(passed("signature.value"))
        self._cover(results)
        self._qualify(results, certificate)
        return True

    def _signxml(self, certificate: x509.Certificate) -> list[Any]:
        shape = self._shape
        location = "./" + "".join(f"{step}/" for step in shape.steps)
        config = SignatureConfiguration(
            require_x509=True,
            location=location,
            expect_references=False,  # counted by the shape
            signature_methods=frozenset({SignatureMethod(shape.method)}),
            digest_algorithms=frozenset(DigestAlgorithm(each) for each in shape.digests),
            verification_time=_when_valid(certificate),
            # what XMLDSig says of a reference without one
            default_reference_c14n_method=CanonicalizationMethod.CANONICAL_XML_1_0,
        )
        found = XMLVerifier().verify(
            self._data, x509_cert=certificate, parser=strict_parser(), expect_config=config
        )
        return list(found) if isinstance(found, list) else [found]

    def _cover(self, results: list[Any]) -> None:
        """The verified bytes, and no others, are the message (plan 5)."""
        index = self._shape.index("root")
        assert index is not None, "the shape has exactly one"
        signed: bytes = results[index].signed_data
        element = self._shape.element
        method = self._shape.references[index].c14n
        own = _canonical_without(self._root, element, exclusive=method == EXCLUSIVE)
        self._covered = own == signed or _reparsed(own) == _reparsed(signed)
        if self._covered:
            digest = hashlib.sha256(signed).hexdigest()
            self._checks.append(passed("xml.coverage", sha256=digest, bytes=str(len(signed))))
        else:
            reason = "what was signed is not what is read"
            self._checks.append(failed("xml.coverage", Indication.SIG_CONSTRAINTS_FAILURE, reason))

    def _qualify(self, results: list[Any], certificate: x509.Certificate) -> None:
        index = self._shape.index("properties")
        if index is None:
            return
        try:
            properties = self._properties = read_properties(results[index].signed_data)
        except RefusedError as error:
            self._checks.append(failed("xades.properties", Indication.FORMAT_FAILURE, str(error)))
            return
        self._checks.append(check_named(properties, certificate))

    def _proven(self) -> datetime | None:
        """The earliest time that a stamp proves; each stamp is a check of its own."""
        if self._shape.qualifying is None:
            return None
        proven: list[datetime] = []
        value = self._shape.element.find(f"{{{DS}}}SignatureValue")
        assert value is not None, "the shape has exactly one"
        for token, algorithm in stamps_in(self._shape.qualifying):
            exclusive = algorithm == EXCLUSIVE
            imprint = etree.tostring(
                value, method="c14n", exclusive=exclusive, with_comments=False, with_tail=False
            )
            stamp = read_stamp(
                token, digest_of(imprint), trust=self._trust, gathered=self._gathered, brought=self._brought()
            )
            if stamp.proven_at is None:
                self._notes.append(stamp.note)
            else:
                self._checks.append(stamp.check)
                proven.append(stamp.proven_at)
        return min(proven, default=None)


@lru_cache(maxsize=256)
def _leaves(ders: tuple[bytes, ...]) -> tuple[x509.Certificate, ...]:
    """The certificates that issued none of the others; what cannot be read is none."""
    readable = []
    for der in ders:
        try:
            certificate = x509.load_der_x509_certificate(der)
            certificate.public_key()
            names = certificate.issuer.public_bytes(), certificate.subject.public_bytes()
        except UNREADABLE_CERTIFICATE:
            continue
        readable.append((certificate, *names))
    issuers = {issuer for _, issuer, subject in readable if issuer != subject}
    return tuple(certificate for certificate, _, subject in readable if subject not in issuers)


def _canonical_without(root: etree._Element, element: etree._Element, *, exclusive: bool) -> bytes:
    """The canonical message without its signature; the tree is not used afterwards but for what is in `element`."""
    parent = element.getparent()
    assert parent is not None, "the shape refuses a signature that is the root"
    index, tail = parent.index(element), element.tail
    marker = etree.Comment("")  # takes the signature's place and its tail; comments are not canonicalised
    marker.tail = tail
    parent.insert(index, marker)
    parent.remove(element)
    try:
        return etree.tostring(root, method="c14n", exclusive=exclusive, with_comments=False)
    finally:
        parent.remove(marker)
        element.tail = tail
        parent.insert(index, element)


def _reparsed(canonical: bytes) -> bytes:
    """Exclusive form with all that a parser makes of the bytes, so that unused declarations do not count."""
    return etree.tostring(signed_tree(canonical), method="c14n", exclusive=True)


def _when_valid(certificate: x509.Certificate) -> datetime:
    return certificate.not_valid_after_utc


def _distinct(faults: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """One check a name: its first reason, and how many more there are."""
    found: dict[str, list[str]] = {}
    for name, reason in faults:
        found.setdefault(name, []).append(reason)
    return [
        (name, reasons[0] if len(reasons) == 1 else f"{reasons[0]} (and {len(reasons) - 1} more)")
        for name, reasons in found.items()
    ]


def _short(identifier: str) -> str:
    return identifier.rpartition("#")[2][:60] or identifier[:60]


def _sentence(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
