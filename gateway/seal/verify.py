"""Verifies the gateway's own seals, over documents and over bundles, offline, without anything but the arguments.

1. read the file strictly and hold it against the one shape (`shape`)
2. compare the identifiers: each must follow from the document's digest, none may stand twice
3. compare the digests of document, transfer manifest and SignedProperties
4. take the certificates; check that the signed properties name the first one
5. check the signature value over the canonical SignedInfo
6. check the certificate at the given time (`path`), and that the claimed signing time fits it

Every check is made as far as the file allows, whatever failed before it. PASSED means that the holder of the
certified key sealed exactly this document and this transfer manifest. It does NOT prove when (no time stamp
is examined) nor that the certificate belongs to the gateway somebody has in mind: compare the subject.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import re
from base64 import b64decode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from cryptography import x509

from gateway.seal.path import check_certificate
from gateway.seal.profile import (
    DOCUMENT_NAME,
    ECDSA_SHA256,
    RSA_SHA256,
    TRANSFER_NAME,
    TRANSFER_TYPE,
    UNREADABLE_CERTIFICATE,
    algorithm_of,
    fingerprint,
    load_certificate,
    value_fits,
)
from gateway.seal.report import Check, Indication, Report, Verdict, failed, passed, undecided
from gateway.seal.shape import Reading, read, read_export
from gateway.seal.trust import TrustPurpose, TrustStore
from gateway.seal.writer import issuer_serial

#: How far the sealing machine's clock may be ahead of the verifier's.
_CLOCK_TOLERANCE = timedelta(minutes=5)
_EXPORT_ID = re.compile(r"E-[0-9a-f]{32}")
_NO_TIME_STAMP = "time of sealing: claimed by the signer, no time stamp examined"


def verify_receipt(
    xades: bytes,
    *,
    document_sha256: bytes,
    transfer: bytes,
    anchors: TrustStore,
    at: datetime,
    document_name: str = DOCUMENT_NAME,
    transfer_name: str = TRANSFER_NAME,
) -> Report:
    """All findings about a receipt; raises only for wrong use (a store of another purpose, a naive `at`)."""
    if anchors.purpose is not TrustPurpose.SEAL:
        raise ValueError(f"receipts are verified with seal anchors, not {anchors.purpose}")
    if at.tzinfo is None:
        raise ValueError("at needs a time zone")
    reading = read(xades)  # 1
    checks = [_shape(reading), _ids(reading), _names(reading, document_name, transfer_name)]  # 2
    checks += [  # 3
        _digest(reading, "document", document_sha256),
        _digest(reading, "transfer", hashlib.sha256(transfer).digest()),
        _properties_digest(reading),
    ]
    found, unexamined = check_signer(reading, anchors=anchors, at=at)
    return Report(checks=(*checks, *found), not_examined=(_NO_TIME_STAMP, *unexamined))


def verify_export(xades: bytes, *, entries: Mapping[str, bytes], anchors: TrustStore, at: datetime) -> Report:
    """All findings about the seal over a bundle: `entries` are the digests of all that it must be over, by name."""
    reading = read_export(xades)
    due = list(entries)
    sealed = list(reading.values.get("entry@URI", ()))
    checks = [_shape(reading, "seal.shape"), _export_ids(reading, len(sealed)), _entries(sealed, due)]
    for name, value in zip(sealed, reading.values.get("entry.digest", ()), strict=False):
        if name in entries:
            wrong = _compared(f"digest of {name}", name, _decoded(value), entries[name])
            checks += [wrong] if wrong.verdict is not Verdict.PASSED else []
    checks.append(_properties_digest(reading))
    found, unexamined = check_signer(reading, anchors=anchors, at=at)
    return Report(checks=(*checks, *found), not_examined=(_NO_TIME_STAMP, *unexamined))


def check_signer(
    reading: Reading, *, anchors: TrustStore, at: datetime
) -> tuple[tuple[Check, ...], tuple[str, ...]]:
    """Steps 4 to 6 of any seal of ours: the checks, and what was not examined."""
    certificates = _certificates(reading)  # 4
    if isinstance(certificates, Check):
        return (certificates,), ()
    certificate, chain = certificates[0], certificates[1:]
    checks = [_binding(reading, certificate), *_signature(reading, certificate)]  # 5
    found, unexamined = check_certificate(certificate, chain, anchors=anchors, at=at)  # 6
    return (*checks, *found, _signing_time(reading, certificate, at)), unexamined


def _entries(sealed: list[str], due: list[str]) -> Check:
    name, indication = "seal.entries", Indication.SIGNED_DATA_NOT_FOUND
    if len(set(sealed)) != len(sealed):
        return failed(name, Indication.FORMAT_FAILURE, "the seal names an entry twice")
    missing, extra = [each for each in sealed if each not in due], [each for each in due if each not in sealed]
    if missing:
        return failed(name, indication, f"sealed, but not there: {', '.join(missing)[:500]}")
    if extra:
        return failed(name, Indication.SIG_CONSTRAINTS_FAILURE, f"there, but not sealed: {', '.join(extra)[:500]}")
    return passed(name, entries=str(len(sealed)))


def _export_ids(reading: Reading, count: int) -> Check:
    name, indication = "seal.ids", Indication.FORMAT_FAILURE
    if reading.repeated_ids:
        return failed(name, indication, f"identifiers stand twice: {', '.join(reading.repeated_ids)[:500]}")
    base = reading.one("signature@Id") or ""
    numbered = tuple(f"{base}-{number}" for number in range(count))
    fits = (
        _EXPORT_ID.fullmatch(base)
        and reading.values.get("entry@Id") == numbered
        and reading.values.get("entry.format@ObjectReference") == tuple(f"#{each}" for each in numbered)
        and reading.one("properties@Id") == f"{base}-P"
        and reading.one("properties_reference@URI") == f"#{base}-P"
        and reading.one("qualifying@Target") == f"#{base}"
    )
    return passed(name) if fits else failed(name, indication, "identifiers do not fit together")


def _shape(reading: Reading, name: str = "receipt.shape") -> Check:
    if reading.faults:
        reason = "; ".join(reading.faults[:20])
        return failed(name, Indication.FORMAT_FAILURE, reason, faults=str(len(reading.faults)))
    return passed(name)


def _ids(reading: Reading) -> Check:
    name, indication = "receipt.ids", Indication.FORMAT_FAILURE
    if reading.repeated_ids:
        return failed(name, indication, f"identifiers stand twice: {', '.join(reading.repeated_ids)}")
    digest = _decoded(reading.one("document.digest"))
    if digest is None:
        return undecided(name, indication, "the document's digest cannot be read")
    base = f"S-{digest.hex()[:32]}"
    due = {
        "signature@Id": base,
        "document@Id": f"{base}-D",
        "transfer@Id": f"{base}-T",
        "properties@Id": f"{base}-P",
        "properties_reference@URI": f"#{base}-P",
        "qualifying@Target": f"#{base}",
        "document.format@ObjectReference": f"#{base}-D",
        "transfer.format@ObjectReference": f"#{base}-T",
    }
    wrong = [key for key, value in due.items() if reading.one(key) != value]
    if wrong:
        return failed(name, indication, f"identifiers do not fit together: {', '.join(wrong)}")
    return passed(name, signature_id=base)


def _names(reading: Reading, document_name: str, transfer_name: str) -> Check:
    due = {"document@URI": document_name, "transfer@URI": transfer_name, "transfer.type": TRANSFER_TYPE}
    wrong = [
        f"{key} is {(reading.one(key) or '')[:100]!r}" for key, value in due.items() if reading.one(key) != value
    ]
    if wrong:
        return failed("receipt.names", Indication.SIG_CONSTRAINTS_FAILURE, "; ".join(wrong))
    return passed("receipt.names", document_type=reading.one("document.type") or "")


def _digest(reading: Reading, key: str, actual: bytes) -> Check:
    return _compared(f"{key}.digest", key, _decoded(reading.one(f"{key}.digest")), actual)


def _compared(name: str, key: str, sealed: bytes | None, actual: bytes) -> Check:
    if sealed is None:
        return undecided(name, Indication.FORMAT_FAILURE, f"the receipt holds no readable digest of {key}")
    facts = {"sealed": sealed.hex(), "actual": actual.hex()}
    if not hmac.compare_digest(sealed, actual):
        return failed(name, Indication.HASH_FAILURE, f"the {key} is not the one that was sealed", **facts)
    return passed(name, **facts)


def _properties_digest(reading: Reading) -> Check:
    if not reading.signed_properties:
        reason = "the receipt holds not exactly one SignedProperties"
        return undecided("properties.digest", Indication.FORMAT_FAILURE, reason)
    return _digest(reading, "properties", hashlib.sha256(reading.signed_properties).digest())


def _certificates(reading: Reading) -> tuple[x509.Certificate, ...] | Check:
    name, indication = "certificate.present", Indication.NO_SIGNING_CERTIFICATE_FOUND
    encoded = [_decoded(value) for value in reading.values.get("certificate", ())]
    if not encoded or None in encoded:
        return undecided(name, indication, "the receipt holds no readable certificate")
    try:
        certificates = tuple(load_certificate(each) for each in encoded if each)
        for each in certificates:
            each.public_key()  # decoded when it is asked for
    except UNREADABLE_CERTIFICATE as error:
        return undecided(name, indication, f"a certificate cannot be read: {error}")
    return certificates


def _binding(reading: Reading, certificate: x509.Certificate) -> Check:
    name, indication = "signing_certificate.binding", Indication.SIG_CONSTRAINTS_FAILURE
    digest = _decoded(reading.one("signing_certificate.digest"))
    issuer = _decoded(reading.one("signing_certificate.issuer"))
    if digest is None or issuer is None:
        return undecided(name, Indication.FORMAT_FAILURE, "SigningCertificateV2 cannot be read")
    actual = fingerprint(certificate)
    facts = {"sealed": digest.hex(), "actual": actual.hex()}
    if not hmac.compare_digest(digest, actual):
        return failed(name, indication, "the signed properties name another certificate", **facts)
    if issuer != issuer_serial(certificate):
        return failed(name, indication, "IssuerSerialV2 names another issuer or serial number", **facts)
    return passed(name, subject=certificate.subject.rfc4514_string(), **facts)


def _signature(reading: Reading, certificate: x509.Certificate) -> tuple[Check, ...]:
    method, key = reading.one("method@Algorithm"), certificate.public_key()
    due = algorithm_of(key)
    if method not in {RSA_SHA256, ECDSA_SHA256} or method != due:
        reason = "the signature method is not allowed, or not with this kind of key"
        indication = Indication.CRYPTO_CONSTRAINTS_FAILURE
        # A value of another method is not computed: weak methods must not look half valid.
        return (failed("signature.method", indication, reason, method=(method or "")[:100]),)
    value = _decoded(reading.one("signature.value"))
    return (passed("signature.method", method=method), _value(key, value, reading.signed_info))


def _value(key: object, value: bytes | None, signed_info: bytes) -> Check:
    name = "signature.value"
    if value is None or not signed_info:
        return undecided(name, Indication.FORMAT_FAILURE, "signature value or SignedInfo cannot be read")
    if not value_fits(key, value, signed_info):
        reason = "the signature value does not fit SignedInfo and certificate"
        return failed(name, Indication.SIG_CRYPTO_FAILURE, reason)
    return passed(name)


def _signing_time(reading: Reading, certificate: x509.Certificate, at: datetime) -> Check:
    name, text = "signing_time", reading.one("signing_time") or ""
    try:
        claimed = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return failed(name, Indication.FORMAT_FAILURE, "SigningTime is not an instant in UTC")
    facts = {"claimed": claimed.isoformat(), "at": at.isoformat()}
    if claimed > at + _CLOCK_TOLERANCE:
        reason = "the claimed time of sealing is after the time of verification"
        return failed(name, Indication.SIG_CONSTRAINTS_FAILURE, reason, **facts)
    if not certificate.not_valid_before_utc <= claimed <= certificate.not_valid_after_utc:
        reason = "the certificate was not valid at the claimed time of sealing"
        return failed(name, Indication.SIG_CONSTRAINTS_FAILURE, reason, **facts)
    return passed(name, **facts)


def _decoded(value: str | None) -> bytes | None:
    """Strict base64 in its one canonical writing; None for anything else."""
    if not value:
        return None
    try:
        raw = b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if binascii.b2a_base64(raw, newline=False).decode("ascii") == value else None
