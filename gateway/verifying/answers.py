"""Answers about revocation that came with a bundle: whose they are.

An answer is as good as the signature of its CA, wherever it comes from; what CAs are good for, the anchors decide.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterable, Iterator

from cryptography import x509

from gateway.bundle.container import Container
from gateway.bundle.format import ACCEPTANCE, EXPORT, role_of
from gateway.errors import BundleError
from gateway.seal.embedded import certificates_of_export, certificates_of_receipt, certificates_of_stamp
from gateway.seal.path import issued_lists
from gateway.seal.profile import UNREADABLE_CERTIFICATE
from gateway.seal.unsigned import read_unsigned
from gateway.verifying.anchors import Anchors
from gateway.verifying.findings import Check, failed, passed, undecided

Lists = dict[str, x509.CertificateRevocationList]


def lists_of(container: Container) -> Lists:
    """The revocation lists that can be read, by the entry's name."""
    found = {}
    for name in container.entries:
        if role_of(name) == "revocation" and name.endswith(".crl"):
            loaded = _crl(container, name)
            if loaded is not None:
                found[name] = loaded
    return found


def check_answers(container: Container, lists: Lists, anchors: Anchors, named: Collection[str]) -> Iterator[Check]:
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
            yield undecided(name, "answer_not_examined", "an OCSP answer is kept for others", counts=False)


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
        return failed(name, "answer_of_another_ca", f"{told} did not sign it")
    return passed(name, f"of {told}, {found.last_update_utc.isoformat()}")


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
            with warnings.catch_warnings(action="ignore"):  # of names that are merely too long for X.520
                yield x509.load_der_x509_certificate(each)
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
