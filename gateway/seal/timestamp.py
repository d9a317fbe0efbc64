"""RFC 3161 time stamps: the request, and whether an answer, a stored token or one on a foreign signature holds.

1. what the server says: status, and a token at all
2. the token's shape, and that it is over the digest in question
3. what was asked for came back: nonce, policy, a time near ours (only while the answer is fresh)
4. the signature over the TSTInfo, by the certificate that the signed attributes name (ESSCertID, ESSCertIDv2)
5. that certificate: for time stamps alone, valid when it stamped, leading to an anchor that was trusted then
6. its revocation, by the lists at hand [RFC 3161 4, RFC 5280 5]

Every check is made as far as the answer allows, whatever failed before it. PASSED means that the authority of this
certificate saw the digest not later than `Stamp.not_later_than`. A certificate that has expired since does not take
that back; one that was revoked for any reason but a harmless one does. Nothing is fetched here.

Stamps on signatures of others are read and checked here as well (`check_token`, `stamping_faults`); how far their
authorities are trusted, `gateway.signatures.stamps` finds out as for every foreign certificate.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from gateway.errors import StampError
from gateway.seal.ocsp import check_ocsp
from gateway.seal.path import believed, find_path, issued_lists, said_of
from gateway.seal.profile import MAX_RSA_BITS, MIN_RSA_BITS
from gateway.seal.report import Check, Indication, Report, failed, passed, undecided
from gateway.seal.stamp_token import Reply, Signature, Token, read_reply
from gateway.seal.trust import TrustPurpose, TrustStore

#: How far an authority's clock may be from ours.
CLOCK_TOLERANCE: Final = timedelta(minutes=5)
_NONCE_BITS: Final = 63
_HASHES: Final[dict[str, type[hashes.HashAlgorithm]]] = {
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}
#: Reasons after which what was stamped before goes on holding [RFC 3161 4]; no reason at all is none of them.
_HARMLESS: Final = {
    x509.ReasonFlags.unspecified,
    x509.ReasonFlags.affiliation_changed,
    x509.ReasonFlags.superseded,
    x509.ReasonFlags.cessation_of_operation,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A request on its way."""

    #: TimeStampReq in DER.
    request: bytes
    #: Digest that is to be stamped.
    imprint: bytes
    nonce: int
    #: OID of the policy that was asked for; "" leaves it to the server.
    policy: str
    #: Of which hash the digest is.
    algorithm: str = "sha256"


@dataclass(frozen=True, kw_only=True, slots=True)
class Stamp:
    """What was found about an answer or a stored token."""

    report: Report
    #: None without a token.
    token: Token | None = None

    @property
    def not_later_than(self) -> datetime | None:
        """The proven time: genTime and the accuracy that is claimed for it. It holds only if `report` passed."""
        return None if self.token is None else self.token.gen_time + self.token.accuracy


def ask(imprint: bytes, *, policy: str = "", algorithm: str = "sha256") -> Asked:
    """A request for a stamp over this digest, with a fresh nonce and the wish for the certificates."""
    from asn1crypto import tsp  # whoever verifies asks nobody

    nonce = secrets.randbits(_NONCE_BITS) | 1
    values: dict[str, object] = {
        "version": 1,
        "message_imprint": {"hash_algorithm": {"algorithm": algorithm}, "hashed_message": imprint},
        "nonce": nonce,
        "cert_req": True,
    }
    if policy:
        values["req_policy"] = policy
    request = tsp.TimeStampReq(values).dump()
    return Asked(request=request, imprint=imprint, algorithm=algorithm, nonce=nonce, policy=policy)


def check_reply(raw: bytes, asked: Asked, *, anchors: TrustStore, at: datetime) -> Stamp:
    """An answer to a request just made; `at` is now."""
    return _examined(raw, (asked.algorithm, asked.imprint), anchors, at, asked)


def verify_stamp(
    raw: bytes, imprint: bytes, *, anchors: TrustStore, at: datetime, algorithm: str = "sha256"
) -> Stamp:
    """A stored TimeStampResp over this digest, as of `at`, however long ago it was made."""
    return _examined(raw, (algorithm, imprint), anchors, at, None)


def _examined(
    raw: bytes, imprint: tuple[str, bytes], anchors: TrustStore, at: datetime, asked: Asked | None
) -> Stamp:
    if anchors.purpose is not TrustPurpose.TSA:
        raise ValueError(f"time stamps are verified with tsa anchors, not {anchors.purpose}")
    if at.tzinfo is None:
        raise ValueError("at needs a time zone")
    try:
        reply = read_reply(raw)
    except StampError as error:
        return Stamp(report=Report(checks=(failed("stamp.format", Indication.FORMAT_FAILURE, str(error)),)))
    checks, unexamined = [_status(reply)], list[str]()  # 1
    token = reply.token
    if token is not None:
        checks += check_token(token, dict((imprint,)).get)  # 2, 4
        checks += [_time(token, at, is_fresh=asked is not None)]  # 3
        if asked is not None:
            checks += [_nonce(token, asked), _policy(token, asked)]
        if token.signature.certificate is not None:
            found, unexamined = _certificate(token, token.signature.certificate, anchors)  # 5, 6
            checks += found
    return Stamp(report=Report(checks=tuple(checks), not_examined=tuple(unexamined)), token=token)


def check_token(token: Token, due: Callable[[str], bytes | None]) -> tuple[Check, ...]:
    """Its shape, what it is over, its signature, and whose (2, 4).

    `due` gives the digest that must have been stamped by the hash's name; None where that hash will not do.
    """
    checks = (_format(token), _imprint(token, due(token.imprint_algorithm)), _signature(token))
    if token.signature.certificate is None:
        return checks
    return (*checks, _binding(token.signature, token.signature.certificate))


def _status(reply: Reply) -> Check:
    name = "stamp.status"
    if reply.status != "granted":
        # a token that was "granted with modifications" is not the one that was asked for [RFC 3161 2.4.2]
        reason = f"the server did not grant the request: {reply.status} {reply.told}".rstrip()
        return failed(name, Indication.SIG_CONSTRAINTS_FAILURE, reason, status=reply.status)
    if reply.token is None:
        return failed(name, Indication.FORMAT_FAILURE, "the server granted the request and sent no token")
    return passed(name)


def _format(token: Token) -> Check:
    signature = token.signature
    faults = []
    if token.version != "v1":
        faults.append(f"the TSTInfo is of version {token.version}")
    if token.content_type != "tst_info":
        faults.append(f"the content is {token.content_type}, not TSTInfo")
    if signature.content_type != token.content_type:
        faults.append("the signed attribute contentType is not that of the content, exactly once")
    if not signature.certificate_ids:
        faults.append("no signed attribute names the signer's certificate")
    if faults:
        return failed("stamp.format", Indication.FORMAT_FAILURE, "; ".join(faults))
    return passed("stamp.format", serial=f"{token.serial:x}", policy=token.policy)


def _imprint(token: Token, due: bytes | None) -> Check:
    name = "stamp.imprint"
    if due is None:
        reason = f"the stamp is over a digest by {token.imprint_algorithm[:40]}"
        return failed(name, Indication.HASH_FAILURE, reason, stamped=token.imprint.hex())
    facts = {"stamped": token.imprint.hex(), "actual": due.hex()}
    if not hmac.compare_digest(token.imprint, due):
        return failed(name, Indication.HASH_FAILURE, "the stamp is over another digest", **facts)
    return passed(name, **facts)


def _time(token: Token, at: datetime, *, is_fresh: bool) -> Check:
    name, indication = "stamp.time", Indication.SIG_CONSTRAINTS_FAILURE
    facts = {"not_later_than": (token.gen_time + token.accuracy).isoformat(), "at": at.isoformat()}
    if token.gen_time > at + CLOCK_TOLERANCE:
        return failed(name, indication, "the time in the stamp is after that of the verification", **facts)
    if is_fresh and token.gen_time < at - CLOCK_TOLERANCE:
        return failed(name, indication, "the time in a fresh stamp is long past", **facts)
    return passed(name, **facts)


def _nonce(token: Token, asked: Asked) -> Check:
    if token.nonce != asked.nonce:
        told = "holds no nonce" if token.nonce is None else "holds another nonce"
        reason = f"the stamp {told}: it answers another request"
        return failed("stamp.nonce", Indication.SIG_CONSTRAINTS_FAILURE, reason)
    return passed("stamp.nonce")


def _policy(token: Token, asked: Asked) -> Check:
    if asked.policy and token.policy != asked.policy:
        reason = f"the stamp was made under the policy {token.policy}, asked for was {asked.policy}"
        return failed("stamp.policy", Indication.SIG_CONSTRAINTS_FAILURE, reason)
    return passed("stamp.policy", policy=token.policy)


def _signature(token: Token) -> Check:
    name, signature = "stamp.signature", token.signature
    if signature.certificate is None:
        reason = "the token does not hold the certificate that it names as its signer's"
        return undecided(name, Indication.NO_SIGNING_CERTIFICATE_FOUND, reason)
    key = signature.certificate.public_key()
    method = _method(signature, key)
    if method is None:
        reason = f"{signature.method} with {signature.method_hash} and this key is not allowed"
        return failed(name, Indication.CRYPTO_CONSTRAINTS_FAILURE, reason)
    digest = hashlib.new(signature.digest_algorithm, token.content).digest()
    if signature.message_digest is None or not hmac.compare_digest(digest, signature.message_digest):
        return failed(name, Indication.HASH_FAILURE, "the signature is over another content")
    try:
        if isinstance(key, rsa.RSAPublicKey):
            assert isinstance(method, padding.AsymmetricPadding)
            key.verify(signature.value, signature.signed_attributes, method, _HASHES[signature.method_hash]())
        elif isinstance(key, ec.EllipticCurvePublicKey):
            assert isinstance(method, ec.ECDSA)
            key.verify(signature.value, signature.signed_attributes, method)
    except InvalidSignature:
        reason = "the signature value does not fit the signed attributes and the certificate"
        return failed(name, Indication.SIG_CRYPTO_FAILURE, reason)
    return passed(name, method=f"{signature.method} {signature.method_hash}")


def _method(signature: Signature, key: object) -> padding.AsymmetricPadding | ec.ECDSA | None:
    """How it is verified; None for what is too weak or does not go together."""
    if signature.method_hash not in _HASHES or signature.digest_algorithm not in _HASHES:
        return None
    algorithm = _HASHES[signature.method_hash]()
    if isinstance(key, rsa.RSAPublicKey) and MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
        if signature.method == "rsassa_pkcs1v15":
            return padding.PKCS1v15()
        if signature.method == "rsassa_pss":
            return padding.PSS(padding.MGF1(algorithm), signature.salt_bytes)
    curves = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, curves) and signature.method == "ecdsa":
        return ec.ECDSA(algorithm)
    return None


def _binding(signature: Signature, certificate: x509.Certificate) -> Check:
    """ESSCertID [RFC 2634 5.4.1] and ESSCertIDv2 [RFC 5035 4], each that is there."""
    name, indication = "stamp.signing_certificate", Indication.SIG_CONSTRAINTS_FAILURE
    for each in signature.certificate_ids:
        # the older form is of SHA-1: no other certificate of the same hash can be made, so it still names one
        if each.algorithm not in {"sha1", *_HASHES}:
            return failed(name, indication, f"the certificate is named by {each.algorithm[:40]}")
        if hashlib.new(each.algorithm, certificate.public_bytes(Encoding.DER)).digest() != each.digest:
            return failed(name, indication, "the signed attributes name another certificate")
        own = (certificate.issuer.public_bytes(), certificate.serial_number)
        if each.issuer is not None and (each.issuer, each.serial) != own:
            return failed(name, indication, "the signed attributes name another issuer or serial number")
    if not signature.certificate_ids:
        return failed(name, indication, "no signed attribute names the signer's certificate")
    return passed(name, algorithms=" ".join(each.algorithm for each in signature.certificate_ids))


def _certificate(
    token: Token, certificate: x509.Certificate, anchors: TrustStore
) -> tuple[tuple[Check, ...], list[str]]:
    checks = [_purpose(certificate), _validity(certificate, token.gen_time)]
    trusted = anchors.at(token.gen_time)
    found, path = find_path(certificate, token.signature.chain, trusted, token.gen_time, name="stamp.path")
    checks.append(found)
    unexamined: list[str] = []
    for child, issuer in pairwise(path):
        lists = issued_lists(anchors.revocations, issuer)
        listed = _revocation(child, issuer, lists, token.gen_time) if lists else None
        if told := said_of(listed, check_ocsp(child, issuer, anchors.answers, token.gen_time, is_stamp=True)):
            checks.append(replace(told, name="stamp.revocation"))
        else:
            unexamined.append(f"revocation of {child.subject.rfc4514_string()}: no list of its issuer")
    return tuple(checks), unexamined


def stamping_faults(certificate: x509.Certificate) -> tuple[str, ...]:
    """Why a certificate may not stamp: one purpose, critical [RFC 3161 2.3], and a key that may sign."""
    faults = []
    extensions = certificate.extensions
    try:
        extended = extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        faults.append("extendedKeyUsage is absent")
    else:
        if list(extended.value) != [ExtendedKeyUsageOID.TIME_STAMPING]:
            faults.append("extendedKeyUsage is not timeStamping alone")
        if not extended.critical:
            faults.append("extendedKeyUsage is not critical")
    try:
        usage = extensions.get_extension_for_class(x509.KeyUsage).value
        if not (usage.digital_signature or usage.content_commitment):
            faults.append("keyUsage lacks digitalSignature and nonRepudiation")
    except x509.ExtensionNotFound:
        pass
    return tuple(faults)


def _purpose(certificate: x509.Certificate) -> Check:
    name = "stamp.purpose"
    if faults := stamping_faults(certificate):
        reason = f"the certificate is not one for time stamps: {'; '.join(faults)}"
        return failed(name, Indication.CHAIN_CONSTRAINTS_FAILURE, reason)
    return passed(name, subject=certificate.subject.rfc4514_string())


def _validity(certificate: x509.Certificate, at: datetime) -> Check:
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    facts = {"at": at.isoformat(), "not_before": begin.isoformat(), "not_after": end.isoformat()}
    if begin <= at <= end:
        return passed("stamp.validity", **facts)
    reason = "the authority's certificate was not valid when it stamped"
    return failed("stamp.validity", Indication.CHAIN_CONSTRAINTS_FAILURE, reason, **facts)


def _revocation(
    child: x509.Certificate, issuer: x509.Certificate, lists: Sequence[x509.CertificateRevocationList], at: datetime
) -> Check:
    name, serial = "stamp.revocation", f"{child.serial_number:x}"
    for each in lists:
        entry = each.get_revoked_certificate_by_serial_number(child.serial_number)
        if entry is None or (_reason(entry) in _HARMLESS and entry.revocation_date_utc > at):
            continue
        revoked_at = entry.revocation_date_utc.isoformat()
        reason = f"{child.subject.rfc4514_string()} was revoked on {revoked_at}"
        return undecided(name, Indication.REVOKED_NO_POE, reason, serial=serial, revoked_at=revoked_at)
    newest = max(lists, key=lambda each: each.last_update_utc)
    if newest.next_update_utc is not None and newest.next_update_utc < at:
        reason = f"the issuer's newest revocation list ended on {newest.next_update_utc.isoformat()}"
        return undecided(name, Indication.TRY_LATER, reason, serial=serial)
    return believed(passed(name, serial=serial, list_of=newest.last_update_utc.isoformat()), newest, issuer)


def _reason(entry: x509.RevokedCertificate) -> x509.ReasonFlags | None:
    try:
        return entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
    except (x509.ExtensionNotFound, ValueError, UnsupportedAlgorithm):
        return None
