"""Certificates and lists in the form that pyHanko takes, remembered, and its coroutines run to their end."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Coroutine, Iterable
from functools import lru_cache
from typing import Any, Final

from asn1crypto import crl as asn1_crl
from asn1crypto import ocsp as asn1_ocsp
from asn1crypto import x509 as asn1_x509

from gateway.seal import stamp_token
from gateway.signatures.algorithms import HASHES

#: More would only cost time: every one of them is foreign.
MOST_CERTIFICATES: Final = 20

#: What reading foreign ASN.1 raises.
UNREADABLE: Final = (*stamp_token.UNREADABLE, NotImplementedError)

_runners: list[asyncio.Runner] = []


def finished(work: Coroutine[Any, Any, Any]) -> Any:
    """The result of pyHanko's coroutines, which wait for nothing here: no fetcher is given to them."""
    if not _runners:
        _runners.append(asyncio.Runner())
    return _runners[0].run(work)


def sha256_hex(data: bytes) -> str:
    """As everywhere."""
    return hashlib.sha256(data).hexdigest()


@lru_cache(maxsize=256)
def certificate_of(der: bytes) -> asn1_x509.Certificate:
    """A certificate; what is wrong with it shows when it is used."""
    return asn1_x509.Certificate.load(der)


@lru_cache(maxsize=64)
def list_of(der: bytes) -> asn1_crl.CertificateList:
    """A revocation list, likewise."""
    return asn1_crl.CertificateList.load(der)


@lru_cache(maxsize=1024)
def list_issuer(der: bytes) -> str:
    """Of a revocation list; "" for what is none, or is signed with SHA-1 and proves nothing."""
    try:
        found = list_of(der)
        return str(found.issuer.hashable) if found["signature_algorithm"].hash_algo in HASHES else ""
    except UNREADABLE:
        return ""


@lru_cache(maxsize=256)
def is_answer(der: bytes) -> bool:
    """Whether it is an OCSP answer that says something, and not with SHA-1; what else came along is passed over."""
    try:
        answer = asn1_ocsp.OCSPResponse.load(der)
        if answer["response_status"].native != "successful" or answer.response_data.native is None:
            return False
        return answer.basic_ocsp_response["signature_algorithm"].hash_algo in HASHES
    except UNREADABLE:
        return False


def issuer_of(certificate: asn1_x509.Certificate) -> str:
    """The issuer's name as it is compared."""
    return str(certificate.issuer.hashable)


def readable(ders: Iterable[bytes]) -> list[asn1_x509.Certificate]:
    """Those that are certificates; a foreign one that is none only leaves a path unfound."""
    found = []
    for der in list(ders)[:MOST_CERTIFICATES]:
        try:
            certificate = certificate_of(der)
            _ = certificate.subject.native, certificate.public_key.native
        except UNREADABLE:
            continue
        found.append(certificate)
    return found
