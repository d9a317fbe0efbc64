"""What the seal's tests share: signers from the test PKI, and resigning by somebody who holds a good key."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from lxml import etree

from gateway.seal.keys import Certified
from gateway.seal.profile import DS, ECDSA_SHA256, RSA_SHA256, XADES
from gateway.seal.writer import Sealer
from tests.pki.build import build

SIGNED_AT: Final = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
#: When the vectors are verified.
AT: Final = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
DOCUMENT: Final = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    "<edXML><edXMLEnvelope><Subject>Về việc họp giao ban</Subject></edXMLEnvelope></edXML>\n"
).encode()
TRANSFER: Final = (
    b'{"sender":"000.00.00.H32","recipients":["000.01.32.H32"],"received_at":"2026-11-22T09:30:00Z"}\n'
)


class Signer(Certified, Protocol):
    """A sealing key, wherever it lives."""

    def sign(self, data: bytes) -> bytes:
        """The signature value as XML signatures carry it; for ECDSA that is r and s side by side."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class VectorSigner:
    """A sealing key whose ECDSA is deterministic, for vectors that come out the same every time."""

    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    algorithm: str
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

    def sign(self, data: bytes) -> bytes:
        """The signature value of `data`."""
        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        pair = self.key.sign(data, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
        r, s = decode_dss_signature(pair)
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def signer(member: str) -> VectorSigner:
    """The signer of a member of the test PKI, fit or not."""
    found = build()[member]
    algorithm = RSA_SHA256 if isinstance(found.key, rsa.RSAPrivateKey) else ECDSA_SHA256
    return VectorSigner(certificate=found.certificate, chain=found.sent, algorithm=algorithm, key=found.key)


class SignedSealer(Sealer):
    """Drafts, and signs at once with the key it is given."""

    def __init__(self, signer: Signer) -> None:
        super().__init__(signer)
        self._signer = signer

    def seal(self, **facts: Any) -> bytes:
        """The receipt; the arguments are those of `draft`."""
        draft = self.draft(**facts)
        return draft.signed(self._signer.sign(draft.signed_info))


def sealed(member: str = "seal-p256", *, signed_at: datetime = SIGNED_AT) -> str:
    """A receipt over DOCUMENT and TRANSFER, as text to be altered."""
    digest = hashlib.sha256(DOCUMENT).digest()
    sealer = SignedSealer(signer(member))
    return sealer.seal(document_sha256=digest, transfer=TRANSFER, signed_at=signed_at).decode()


def altered(receipt: str, pattern: str, replacement: str) -> str:
    """`receipt` with the one match of `pattern` replaced."""
    result, count = re.subn(pattern, lambda _: replacement, receipt, flags=re.DOTALL)
    assert count == 1, (pattern, count)
    return result


def resigned(receipt: str, member: str = "seal-p256") -> str:
    """`receipt`, its properties digest and signature value computed anew by the holder of a genuine key."""
    root = etree.fromstring(receipt.encode())
    properties = _canonical(root, f"{{{XADES}}}SignedProperties")
    digest = b64encode(hashlib.sha256(properties).digest()).decode()
    pattern = r"(?<=<ds:DigestValue>)[^<]*(?=</ds:DigestValue></ds:Reference></ds:SignedInfo>)"
    receipt = altered(receipt, pattern, digest)
    signed_info = _canonical(etree.fromstring(receipt.encode()), f"{{{DS}}}SignedInfo")
    value = b64encode(signer(member).sign(signed_info)).decode()
    return altered(receipt, r"(?<=<ds:SignatureValue>)[^<]*", value)


def _canonical(root: etree._Element, tag: str) -> bytes:
    element = next(root.iter(tag))
    return etree.tostring(element, method="c14n", exclusive=False, with_comments=False, with_tail=False)
