"""Whether a signer's certificate leads to a trusted CA at a point in time, was not revoked then, and may sign.

Building and validating the path is pyhanko-certvalidator's [RFC 5280 6.1], at the instant given; nothing is
fetched. Two questions are told apart: does the path hold (`certificate.path`, `certificate.validity`), and does
the revocation information given say that nothing on it was revoked by then (`certificate.revocation`). Where there
is none, or it had ended, the second is INDETERMINATE / TRY_LATER: no list is never "not revoked". Lists and OCSP
answers that came with a signature count like our own, since their issuers signed them.

A revocation after the instant does not harm [ETSI TS 119 102-1 5.2.6]; whether that instant is proven is the
caller's to say.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Final

from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import (
    DisallowedAlgorithmError,
    ExpiredError,
    InsufficientRevinfoError,
    NotYetValidError,
    PathBuildingError,
    PathValidationError,
    RevokedError,
    ValidationError,
)
from pyhanko_certvalidator.path import ValidationPath

from gateway.errors import RevocationError, StorageError
from gateway.seal.report import Check, Indication, failed, passed, undecided
from gateway.seal.revocation import Answer, RevocationStore, read_answer
from gateway.seal.trust import TrustStore
from gateway.signatures.asn1 import (
    UNREADABLE,
    certificate_of,
    finished,
    is_answer,
    issuer_of,
    list_issuer,
    list_of,
    readable,
    sha256_hex,
)
from gateway.signatures.lookups import lookup_of, require_signed
from gateway.signatures.model import Gathered, Lookup

_PATH: Final = "certificate.path"
_REVOCATION: Final = "certificate.revocation"
#: For how long a path that held is taken to hold, at most.
_MEMORY: Final = timedelta(minutes=10)
_MOST_REMEMBERED: Final = 256


@dataclass(frozen=True, kw_only=True, slots=True)
class Trust:
    """What a verdict may rest on."""

    #: None where no CA of signers is trusted: then no path can be found.
    signers: TrustStore | None
    stamps: TrustStore | None
    #: The point in time for which certificates are judged, unless a stamp proves an earlier one.
    at: datetime
    #: Revocation answers at hand.
    answers: RevocationStore | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Brought:
    """What came with a signature and may help; DER."""

    certificates: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()
    ocsps: tuple[bytes, ...] = ()


def check_signer(
    certificate: x509.Certificate,
    brought: Brought,
    *,
    store: TrustStore | None,
    at: datetime,
    gathered: Gathered,
    usage: Callable[[x509.Certificate], tuple[str, ...]],
    answers: RevocationStore | None = None,
) -> tuple[Check, ...]:
    """Usage, path and revocation of a signing certificate; what the verdict rests on goes to `gathered`."""
    own = certificate.public_bytes(Encoding.DER)
    gathered.keep_certificate(sha256_hex(own), own)
    checks = [_usage(certificate, usage)]
    trusted = store.at(at) if store is not None else ()
    if store is None or not trusted:
        reason = "no certificate authority is trusted for this purpose"
        return (*checks, undecided(_PATH, Indication.NO_CERTIFICATE_CHAIN_FOUND, reason))
    key = own, brought
    state = 0 if answers is None else answers.state()
    held = _held.get(key)
    if held is not None and held.store is store and held.state == state and held.since <= at <= held.until:
        path = held.path
    else:
        try:
            searched = _searched(
                own, brought, _Standing(store=store, trusted=trusted, at=at, answers=answers), gathered
            )
        except UNREADABLE as error:
            reason = f"the certificate, or what came with it, cannot be read: {_sentence(error)}"
            return (*checks, undecided(_PATH, Indication.CERTIFICATE_CHAIN_GENERAL_FAILURE, reason))
        if not isinstance(searched, _Path):
            return (*checks, *searched)
        path = searched
        _remember(key, path, store, state, at)
    _keep_path(gathered, path)
    at_text = at.isoformat()
    return (*checks, passed(_PATH, path=path.named, at=at_text), passed(_REVOCATION, at=at_text))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Standing:
    """What a path may rest on, at which time."""

    store: TrustStore
    trusted: tuple[x509.Certificate, ...]
    at: datetime
    answers: RevocationStore | None


def _searched(certificate: bytes, brought: Brought, standing: _Standing, gathered: Gathered) -> _Path | list[Check]:
    """The path and what it rests on, or why there is none."""
    leaf, others = certificate_of(certificate), readable(brought.certificates)
    roots = [certificate_of(each.public_bytes(Encoding.DER)) for each in standing.trusted]
    material = _material((leaf, *others), roots, brought, standing)
    inquiry = _Inquiry(leaf, others, roots, standing.at, material)
    try:
        return _path_of(inquiry.path(require_revocation=True), material)
    except (PathValidationError, PathBuildingError, ValidationError) as error:
        return inquiry.explained(error, gathered)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Material:
    """What is at hand about revocation; DER."""

    lists: tuple[bytes, ...]
    ocsps: tuple[bytes, ...]
    #: SHA-256 of those that the caller has.
    ours: frozenset[str]


def _material(
    certificates: tuple[asn1_x509.Certificate, ...],
    roots: list[asn1_x509.Certificate],
    brought: Brought,
    standing: _Standing,
) -> _Material:
    # those of CAs that may stand on the path: all others would only be looked through
    concerned = {issuer_of(each) for each in (*certificates, *roots)}
    given = (each.public_bytes(Encoding.DER) for each in standing.store.revocations)
    ours = _at_hand(certificates, standing.answers, standing.at)
    # of ours those too that were kept before SHA-1 was refused
    lists = (*given, *brought.crls, *(each.der for each in ours if each.kind == "crl"))
    ocsps = (*brought.ocsps, *(each.der for each in ours if each.kind == "ocsp"))
    return _Material(
        lists=tuple(dict.fromkeys(der for der in lists if list_issuer(der) in concerned)),
        ocsps=tuple(dict.fromkeys(filter(is_answer, ocsps))),
        ours=frozenset(each.sha256 for each in ours),
    )


def _at_hand(
    certificates: tuple[asn1_x509.Certificate, ...], answers: RevocationStore | None, at: datetime
) -> tuple[Answer, ...]:
    if answers is None:
        return ()
    try:
        return answers.about([x509.load_der_x509_certificate(each.dump()) for each in certificates], at)
    except (
        StorageError,
        OSError,
        ValueError,
    ):  # a damaged file counts as none; the server mends it
        return ()


def forget() -> None:
    """Judge every path anew."""
    _held.clear()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Path:
    chain: ValidationPath
    #: The names on it, for people.
    named: str
    material: _Material
    #: SHA-256 and DER of what it rests on.
    certificates: tuple[tuple[str, bytes], ...]
    answers: tuple[tuple[str, bytes], ...]
    lookups: tuple[Lookup, ...]


def _path_of(chain: ValidationPath, material: _Material) -> _Path:
    return _Path(
        chain=chain,
        named=_named(chain),
        material=material,
        certificates=tuple((each.sha256.hex(), each.dump()) for each in chain.iter_certs(include_root=True)),
        answers=tuple((sha256_hex(der), der) for der in (*material.lists, *material.ocsps)),
        lookups=tuple(replace(each, answered=True) for each in _lookups(chain)),
    )


def _lookups(chain: ValidationPath) -> tuple[Lookup, ...]:
    """Where the CAs tell about each certificate below the anchor."""
    certificates = [x509.load_der_x509_certificate(each.dump()) for each in chain.iter_certs(include_root=True)]
    return tuple(lookup_of(child, issuer) for issuer, child in pairwise(certificates))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Held:
    """A path that held, and the times for which it certainly does."""

    path: _Path
    store: TrustStore
    #: Of the answers at hand.
    state: int
    since: datetime
    until: datetime


_held: dict[tuple[bytes, Brought], _Held] = {}


def _remember(key: tuple[bytes, Brought], path: _Path, store: TrustStore, state: int, at: datetime) -> None:
    """Until the first thing changes: a certificate or list ends, trust in an anchor does, a revocation begins.

    One agency signs hundreds of documents a day with one certificate, and a path costs three times a signature.
    """
    if path.material.ocsps:
        return
    ends = [at + _MEMORY]
    serials = set()
    for certificate in path.chain.iter_certs(include_root=True):
        ends.append(certificate.not_valid_after.astimezone(UTC))
        serials.add(certificate.serial_number)
    for anchor in store.anchors:
        ends += [each for each in (anchor.trusted_from, anchor.trusted_until) if each > at]
    for der in path.material.lists:
        found = x509.load_der_x509_crl(der)
        if found.next_update_utc is not None:
            ends.append(found.next_update_utc)
        if any(found.get_revoked_certificate_by_serial_number(serial) for serial in serials):
            return
    if len(_held) >= _MOST_REMEMBERED:
        _held.clear()
    _held[key] = _Held(path=path, store=store, state=state, since=at, until=min(ends))


class _Inquiry:
    def __init__(
        self,
        leaf: asn1_x509.Certificate,
        others: list[asn1_x509.Certificate],
        roots: list[asn1_x509.Certificate],
        at: datetime,
        material: _Material,
    ) -> None:
        self._leaf, self._others, self._roots, self._at = leaf, others, roots, at
        self._material = material

    def path(self, *, require_revocation: bool) -> ValidationPath:
        context = ValidationContext(
            trust_roots=list(self._roots),
            other_certs=self._others,
            moment=self._at,
            best_signature_time=self._at,
            allow_fetching=False,
            crls=[list_of(der) for der in self._material.lists] if require_revocation else (),
            ocsps=self._material.ocsps if require_revocation else (),
            revocation_mode="require" if require_revocation else "soft-fail",
            retroactive_revinfo=True,
        )
        validator = CertificateValidator(self._leaf, validation_context=context)
        path: ValidationPath = finished(validator.async_validate_path())
        return path

    def explained(self, error: Exception, gathered: Gathered) -> list[Check]:
        """The checks that an error comes to; a fault of revocation hides one of the path, which comes first."""
        if not isinstance(error, RevokedError | InsufficientRevinfoError):
            return [_path_fault(error, self._at)]
        try:
            path = self.path(require_revocation=False)
        except (PathValidationError, PathBuildingError, ValidationError) as deeper:
            return [_path_fault(deeper, self._at), _revocation_fault(error)]
        _keep_path(gathered, _path_of(path, self._material))
        if isinstance(error, InsufficientRevinfoError):
            for lookup in _lookups(path):
                gathered.keep_lookup(self._judged(lookup))
        return [passed(_PATH, path=_named(path), at=self._at.isoformat()), _revocation_fault(error)]

    def _judged(self, lookup: Lookup) -> Lookup:
        """What is missing of an answer, and whether there is something to wait for."""
        issuer = x509.load_der_x509_certificate(lookup.issuer)
        is_answered, was_answered = False, False
        for der in (*self._material.lists, *self._material.ocsps):
            with suppress(RevocationError):
                answer = read_answer(der)
                if answer.subject in lookup.subjects:
                    was_answered = True
                    require_signed(answer, [issuer], max(self._at, answer.this_update))
                    is_answered = True
        hopeful = bool(lookup.crls or lookup.ocsps or was_answered)
        return replace(lookup, answered=is_answered, hopeful=hopeful)


def _path_fault(error: Exception, at: datetime) -> Check:
    text = _sentence(error)
    if isinstance(error, PathBuildingError):
        return undecided(_PATH, Indication.NO_CERTIFICATE_CHAIN_FOUND, text)
    if isinstance(error, ExpiredError | NotYetValidError):
        name = "certificate.validity"
        return undecided(name, Indication.OUT_OF_BOUNDS_NO_POE, text, at=at.isoformat())
    if isinstance(error, DisallowedAlgorithmError):
        return undecided(_PATH, Indication.CRYPTO_CONSTRAINTS_FAILURE, text)
    if isinstance(error, RevokedError | InsufficientRevinfoError):
        return _revocation_fault(error)
    return undecided(_PATH, Indication.CHAIN_CONSTRAINTS_FAILURE, text)


def _revocation_fault(error: Exception) -> Check:
    if isinstance(error, RevokedError):
        at = error.revocation_dt.isoformat()
        which = Indication.REVOKED_NO_POE if error.is_ee_cert else Indication.REVOKED_CA_NO_POE
        return undecided(_REVOCATION, which, f"a certificate of the path was revoked on {at}", revoked_at=at)
    reason = "no revocation list or answer at hand says that the path was in order then"
    return undecided(_REVOCATION, Indication.TRY_LATER, reason)


@lru_cache(maxsize=256)
def _usage(certificate: x509.Certificate, usage: Callable[[x509.Certificate], tuple[str, ...]]) -> Check:
    name = "certificate.usage"
    try:
        faults = usage(certificate)
    except UNREADABLE as error:
        faults = (f"its extensions cannot be read: {error}",)
    if faults:
        reason = f"the certificate may not sign this: {'; '.join(faults)}"
        return undecided(name, Indication.CHAIN_CONSTRAINTS_FAILURE, reason)
    return passed(name)


def failure(name: str, text: str) -> Check:
    """A signature that cannot be read."""
    return failed(name, Indication.FORMAT_FAILURE, text[:300])


def _keep_path(gathered: Gathered, path: _Path) -> None:
    for sha256, der in path.certificates:
        gathered.keep_certificate(sha256, der)
    for sha256, der in path.answers:
        if sha256 in path.material.ours:
            gathered.keep_name(sha256)
        else:
            gathered.keep_revocation(sha256, der)
    for lookup in path.lookups:
        gathered.keep_lookup(lookup)


def _named(path: ValidationPath) -> str:
    names = [each.subject.native.get("common_name", "") for each in path.iter_certs(include_root=True)]
    return " < ".join(str(each) for each in reversed(names))


def _sentence(error: Exception) -> str:
    return " ".join(str(getattr(error, "failure_msg", "") or error).split())[:300]
