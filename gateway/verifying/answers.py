"""Answers about revocation that came with a bundle: whose they are.

An answer is as good as the signature of its CA, wherever it comes from; what CAs are good for, the anchors decide.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress

from cryptography import x509

from gateway.bundle.container import Container
from gateway.bundle.format import ACCEPTANCE, EXPORT, role_of
from gateway.errors import BundleError
from gateway.seal.embedded import certificates_of_export, certificates_of_receipt, certificates_of_stamp
from gateway.seal.ocsp import OcspAnswer, is_authorised, names_issuer, read_ocsp
from gateway.seal.path import issued_lists
from gateway.seal.profile import UNREADABLE_CERTIFICATE, load_certificate
from gateway.seal.unsigned import read_unsigned
from gateway.verifying.anchors import Anchors
from gateway.verifying.findings import Check, failed, passed, undecided

Lists = dict[str, x509.CertificateRevocationList]
Ocsps = dict[str, OcspAnswer]


def lists_of(container: Container) -> Lists:
    """The revocation lists that can be read, by the entry's name."""
    found = {}
    for name in container.entries:
        if role_of(name) == "revocation" and name.endswith(".crl"):
            loaded = _crl(container, name)
            if loaded is not None:
                found[name] = loaded
    return found


def ocsps_of(container: Container) -> Ocsps:
    """The OCSP answers that can be read, by the entry's name."""
    found = {}
    for name in container.entries:
        if role_of(name) == "revocation" and name.endswith(".ocsp"):
            with suppress(*UNREADABLE_CERTIFICATE, BundleError):
                found[name] = read_ocsp(container.bytes_of(name))
    return found


def check_answers(
    container: Container, lists: Lists, ocsps: Ocsps, anchors: Anchors, named: Collection[str]
) -> Iterator[Check]:
    """Each answer: whose it is; `named`: digests of those that verdicts rest on."""
    entries = [name for name in container.entries if role_of(name) == "revocation"]
    if not entries:
        return
    authorities = _authorities(container, anchors)
    for entry in entries:
        file, kind = entry.rsplit("/", 1)[1].rsplit(".", 1)
        name = f"revocation.{file[:16]}"
        if container.digest_of(entry).hex() != file:
            yield failed(name, "facts_differ", "its name is not the SHA-256 of its bytes")
        elif file in named:
            yield passed(name, "a verdict rests on it")
        elif kind == "crl":
            yield _whose(name, lists.get(entry), authorities)
        else:
            yield _about(name, ocsps.get(entry), authorities)


def _whose(
    name: str, found: x509.CertificateRevocationList | None, authorities: tuple[x509.Certificate, ...]
) -> Check:
    if found is None:
        return failed(name, "answer_unreadable")
    issuers = [each for each in authorities if each.subject == found.issuer]
    told = found.issuer.rfc4514_string()
    if not issuers:
        return undecided(name, "answer_unrelated", f"of {told}", counts=False)
    if not any(issued_lists((found,), each) for each in issuers):
        if any(issued_lists((found,), each, is_sha1_taken=True) for each in issuers):
            return undecided(name, "answer_weak", f"of {told}, signed with SHA-1", counts=False)
        return failed(name, "answer_of_another_ca", f"{told} did not sign it")
    return passed(name, f"of {told}, {found.last_update_utc.isoformat()}")


def _about(name: str, found: OcspAnswer | None, known: tuple[x509.Certificate, ...]) -> Check:
    """Of an OCSP answer: who gave it, and about whom."""
    if found is None:
        return failed(name, "answer_unreadable")
    issuers = [each for each in known if names_issuer(found, each)]
    if not issuers:
        return undecided(name, "answer_unrelated", "of a CA that is not here", counts=False)
    told = issuers[0].subject.rfc4514_string()
    if not any(is_authorised(found, each) for each in issuers):
        if any(is_authorised(found, each, is_sha1_taken=True) for each in issuers):
            return undecided(name, "answer_weak", f"of {told}, signed with SHA-1", counts=False)
        return failed(name, "answer_of_another_ca", f"neither {told} nor a responder of it signed it")
    about = [each for each in known if each.serial_number == found.serial and each.issuer == issuers[0].subject]
    if not about:
        return undecided(name, "answer_unrelated", f"of {told}, about a certificate that is not here", counts=False)
    until = f" to {found.next_update.isoformat()}" if found.next_update is not None else ""
    said = found.status.name.lower() + (f" on {found.revoked_at.isoformat()}" if found.revoked_at else "")
    period = f"{found.this_update.isoformat()}{until}"
    return passed(name, f"of {told}: {about[0].subject.rfc4514_string()}: {said}; {period}")


def _authorities(container: Container, anchors: Anchors) -> tuple[x509.Certificate, ...]:
    """Every certificate that may have issued another in this bundle."""
    stores = (anchors.seal, *((anchors.tsa,) if anchors.tsa else ()))
    found = dict.fromkeys(anchor.certificate for store in stores for anchor in store.anchors)
    for name in container.entries:
        role = role_of(name)
        try:
            if name == ACCEPTANCE or role == "message_receipt":
                found |= dict.fromkeys(certificates_of_receipt(container.bytes_of(name)))
            elif role == "stamp":
                found |= dict.fromkeys(certificates_of_stamp(container.bytes_of(name)))
            elif name == EXPORT:
                seal = container.bytes_of(name)
                unsigned = read_unsigned(seal)
                found |= dict.fromkeys(certificates_of_export(seal))
                found |= dict.fromkeys(_loaded(unsigned.certificates) if unsigned else ())
        except BundleError:
            continue
    return tuple(found)


def _loaded(certificates: Iterable[bytes]) -> Iterator[x509.Certificate]:
    for each in certificates:
        try:
            yield load_certificate(each)
        except UNREADABLE_CERTIFICATE:
            continue


def _crl(container: Container, name: str) -> x509.CertificateRevocationList | None:
    try:
        with warnings.catch_warnings(action="ignore"):
            found = x509.load_der_x509_crl(container.bytes_of(name))
            _ = found.issuer, found.last_update_utc, found.next_update_utc  # decoded when they are asked for
    except (*UNREADABLE_CERTIFICATE, BundleError):
        return None
    return found
