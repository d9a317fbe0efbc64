"""The institution's signature over a checkpoint of the log: detached CMS [RFC 5652], shaped as CAdES-BASELINE-B.

    SignedData of one signer over the note as the log signed it (`eContent` absent)
    signed attributes: content-type, message-digest, signing-time, signing-certificate-v2 [RFC 5035 3]
    RSA (PKCS#1 v1.5) or ECDSA on P-256, both with SHA-256; certificate and chain inside

It is written in one way only, so it is verified by writing it again from the values that it holds: whatever differs
is not ours. `openssl cms -verify` is the second opinion of the tests. PASSED means that the holder of the certified
key signed this checkpoint. It does NOT prove when: the time in it is claimed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.errors import SealError
from gateway.seal.keys import Certified
from gateway.seal.path import check_certificate
from gateway.seal.profile import (
    ECDSA_SHA256,
    P256_BYTES,
    RSA_SHA256,
    UNREADABLE_CERTIFICATE,
    algorithm_of,
    fingerprint,
    load_certificate,
    value_fits,
)
from gateway.seal.report import Check, Indication, Report, failed, passed
from gateway.seal.trust import TrustPurpose, TrustStore

#: A signature with its chain has 2 to 8 KB.
MAX_CMS_BYTES: Final = 64 * 1024
_MOST_CERTIFICATES: Final = 8
#: What asn1crypto and cryptography raise over bytes that are not what they seem.
_UNREADABLE = (*UNREADABLE_CERTIFICATE, KeyError, IndexError, AttributeError, OverflowError)
_METHODS: Final = {RSA_SHA256: "rsassa_pkcs1v15", ECDSA_SHA256: "sha256_ecdsa"}


@dataclass(frozen=True, kw_only=True, slots=True)
class CmsDraft:
    """A signature that lacks its value."""

    #: What is to be signed: the signed attributes in DER.
    attributes: bytes
    certificates: tuple[x509.Certificate, ...]
    algorithm: str

    def signed(self, value: bytes) -> bytes:
        """The CMS in DER; `value` as XML signatures carry it. SealError when it is not of this key."""
        if not value_fits(self.certificates[0].public_key(), value, self.attributes):
            raise SealError("the signature value does not fit the certificate")
        return _written(self.certificates, self.algorithm, self.attributes, value)


@dataclass(frozen=True, kw_only=True, slots=True)
class InstitutionFindings:
    """What was found about a signature."""

    report: Report
    #: None where it cannot be read.
    certificate: x509.Certificate | None = None
    #: Claimed by the signer.
    signed_at: datetime | None = None


def draft(key: Certified, note: bytes, signed_at: datetime) -> CmsDraft:
    """The signature over a note up to its value; `signed_at` is cut to whole seconds."""
    attributes = _attributes(key.certificate, sha256(note).digest(), signed_at)
    return CmsDraft(attributes=attributes, certificates=(key.certificate, *key.chain), algorithm=key.algorithm)


def verify(raw: bytes, note: bytes, *, anchors: TrustStore, at: datetime) -> InstitutionFindings:
    """A signature over this note, as of `at`; never raises for what it holds."""
    if anchors.purpose is not TrustPurpose.INSTITUTION:
        raise ValueError(f"checkpoints are verified with institution anchors, not {anchors.purpose}")
    try:
        read = _Read.of(raw)
    except _UNREADABLE as error:
        reason = f"this is no signature of the one shape: {str(error)[:200]}"
        return InstitutionFindings(report=Report(checks=(failed("format", Indication.FORMAT_FAILURE, reason),)))
    certificate, *chain = read.certificates
    own, unexamined = check_certificate(certificate, tuple(chain), anchors=anchors, at=at)
    checks = (_form(read), _digest(read, note), _value(read), _time(read, at), *own)
    report = Report(checks=checks, not_examined=unexamined)
    return InstitutionFindings(report=report, certificate=certificate, signed_at=read.signed_at)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Read:
    """The values of a signature."""

    certificates: tuple[x509.Certificate, ...]
    attributes: bytes
    digest: bytes
    signed_at: datetime
    #: As XML signatures carry it.
    value: bytes
    #: Whether the bytes are those that these values are written as.
    is_of_the_shape: bool

    @classmethod
    def of(cls, raw: bytes) -> _Read:
        """From DER; raises some of `_UNREADABLE`."""
        if len(raw) > MAX_CMS_BYTES:
            raise ValueError(f"{len(raw)} bytes are too many")
        signed = cms.ContentInfo.load(raw, strict=True)["content"]
        (signer,) = signed["signer_infos"]
        if not 1 <= len(signed["certificates"]) <= _MOST_CERTIFICATES:
            raise ValueError(f"it holds {len(signed['certificates'])} certificates")
        found = [load_certificate(each.chosen.dump()) for each in signed["certificates"]]
        serial = signer["sid"].chosen["serial_number"].native
        certificates = tuple(sorted(found, key=lambda each: each.serial_number != serial))
        algorithm = algorithm_of(certificates[0].public_key())
        for each in certificates:
            _ = each.extensions  # decoded when they are asked for
        if algorithm is None:
            raise ValueError("the key is neither RSA of 2048 bits or more nor P-256")
        attributes = signer["signed_attrs"]
        values = {each["type"].native: each["values"][0] for each in attributes}
        digest, signed_at = values["message_digest"].native, values["signing_time"].native
        value = _raw_value(signer["signature"].native, algorithm)
        due = _written(certificates, algorithm, _attributes(certificates[0], digest, signed_at), value)
        return cls(
            certificates=certificates,
            attributes=attributes.untag().dump(),
            digest=digest,
            signed_at=signed_at,
            value=value,
            is_of_the_shape=due == raw,
        )


def _raw_value(value: bytes, algorithm: str) -> bytes:
    if algorithm != ECDSA_SHA256:
        return value
    r, s = decode_dss_signature(value)
    return r.to_bytes(P256_BYTES, "big") + s.to_bytes(P256_BYTES, "big")


def _form(read: _Read) -> Check:
    if not read.is_of_the_shape:
        reason = "it is not written as such signatures are, or names another certificate"
        return failed("format", Indication.FORMAT_FAILURE, reason)
    return passed("format")


def _digest(read: _Read, note: bytes) -> Check:
    facts = {"signed": read.digest.hex(), "actual": sha256(note).hexdigest()}
    if read.digest != sha256(note).digest():
        return failed("digest", Indication.HASH_FAILURE, "it is over another checkpoint", **facts)
    return passed("digest", **facts)


def _value(read: _Read) -> Check:
    if not value_fits(read.certificates[0].public_key(), read.value, read.attributes):
        reason = "the signature value does not fit the signed attributes and the certificate"
        return failed("signature", Indication.SIG_CRYPTO_FAILURE, reason)
    return passed("signature", certificate=fingerprint(read.certificates[0]).hex())


def _time(read: _Read, at: datetime) -> Check:
    certificate, facts = read.certificates[0], {"claimed": read.signed_at.isoformat(), "at": at.isoformat()}
    if not certificate.not_valid_before_utc <= read.signed_at <= certificate.not_valid_after_utc:
        reason = "the certificate was not valid at the claimed time of signing"
        return failed("signing_time", Indication.SIG_CONSTRAINTS_FAILURE, reason, **facts)
    return passed("signing_time", **facts)


def _attributes(certificate: x509.Certificate, digest: bytes, signed_at: datetime) -> bytes:
    """A SET in DER; SHA-256 is what ESSCertIDv2 takes where it names no hash [RFC 5035 4]."""
    named = asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))
    identity = tsp.ESSCertIDv2(
        {
            "cert_hash": fingerprint(certificate),
            "issuer_serial": {
                "issuer": [asn1_x509.GeneralName("directory_name", named.issuer)],
                "serial_number": named.serial_number,
            },
        }
    )
    values: list[tuple[str, Any]] = [
        ("content_type", cms.ContentType("data")),
        ("message_digest", core.OctetString(digest)),
        ("signing_time", cms.Time({"utc_time": signed_at.astimezone(UTC).replace(microsecond=0)})),
        ("signing_certificate_v2", tsp.SigningCertificateV2({"certs": [identity]})),
    ]
    attributes = cms.CMSAttributes([cms.CMSAttribute({"type": kind, "values": [each]}) for kind, each in values])
    return bytes(attributes.dump())


def _written(certificates: Sequence[x509.Certificate], algorithm: str, attributes: bytes, value: bytes) -> bytes:
    """The CMS in DER, from its values."""
    chain = [asn1_x509.Certificate.load(each.public_bytes(Encoding.DER)) for each in certificates]
    sha = algos.DigestAlgorithm({"algorithm": "sha256"})
    if algorithm == ECDSA_SHA256:
        r, s = (int.from_bytes(half, "big") for half in (value[:P256_BYTES], value[P256_BYTES:]))
        value = encode_dss_signature(r, s)
    signer = cms.SignerInfo(
        {
            "version": "v1",
            "sid": cms.SignerIdentifier(
                "issuer_and_serial_number",
                {"issuer": chain[0].issuer, "serial_number": chain[0].serial_number},
            ),
            "digest_algorithm": sha,
            "signed_attrs": cms.CMSAttributes.load(attributes),
            "signature_algorithm": {"algorithm": _METHODS[algorithm]},
            "signature": value,
        }
    )
    signed = cms.SignedData(
        {
            "version": "v1",
            "digest_algorithms": [sha],
            "encap_content_info": {"content_type": "data"},
            "certificates": chain,
            "signer_infos": [signer],
        }
    )
    return bytes(cms.ContentInfo({"content_type": "signed_data", "content": signed}).dump())
