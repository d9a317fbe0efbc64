"""Trust stores: folders of CA certificates that something may lead to, one folder for each purpose.

What an agency's TLS certificate leads to must never vouch for a seal, so TLS, seal and time-stamp anchors
are separate folders, loaded separately. A folder holds `NAME.pem` (one or more CA certificates), optionally
`NAME.toml` saying from when until when this installation trusts them and why, and `NAME.crl.pem` (revocation
lists). Anything else in it is ignored.

Refused, because a mistake here makes forgeries valid: a missing or empty store, a folder or file that
everybody may write, a certificate that is no CA, a note that is not understood. It does NOT fetch anything
and does not judge whether an anchor is still within its own validity: the path check does, at its own time.
"""

from __future__ import annotations

import stat
import tomllib
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from enum import StrEnum
from pathlib import Path

from cryptography import x509

from gateway.errors import TrustStoreError
from gateway.seal.ocsp import OcspAnswer
from gateway.seal.profile import UNREADABLE_CERTIFICATE, fingerprint

_CRL_SUFFIX = ".crl.pem"
_NOTE_KEYS = {"trusted_from", "trusted_until", "note"}
_EVER = datetime.min.replace(tzinfo=UTC)
_FOREVER = datetime.max.replace(tzinfo=UTC)


class TrustPurpose(StrEnum):
    """What the certificates below a store's anchors may be used for."""

    TLS = "tls"
    SEAL = "seal"
    TSA = "tsa"
    #: The institution's signature over checkpoints of the log.
    INSTITUTION = "institution"
    #: Signatures that others made on what they send: people and agencies.
    SIGNERS = "signers"


@dataclass(frozen=True, kw_only=True, slots=True)
class Anchor:
    """One CA certificate and the period in which this installation trusts it."""

    certificate: x509.Certificate
    #: File name without `.pem`.
    name: str
    trusted_from: datetime = _EVER
    trusted_until: datetime = _FOREVER
    #: Who checked it and how; free text.
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrustStore:
    """The anchors and revocation lists of one purpose."""

    purpose: TrustPurpose
    anchors: tuple[Anchor, ...]
    revocations: tuple[x509.CertificateRevocationList, ...] = ()
    #: OCSP answers that came with what is verified.
    answers: tuple[OcspAnswer, ...] = ()

    @classmethod
    def load(cls, directory: Path, purpose: TrustPurpose) -> TrustStore:
        """The store in `directory`; raises TrustStoreError saying which file is wrong and why."""
        _refuse_writable(directory)
        anchors: list[Anchor] = []
        revocations: list[x509.CertificateRevocationList] = []
        for path in sorted(directory.glob("*.pem")):
            _refuse_writable(path)
            if path.name.endswith(_CRL_SUFFIX):
                revocations.append(_revocation_list(path))
            else:
                anchors += _anchors(path)
        if not anchors:
            raise TrustStoreError(f"{directory} holds no CA certificate (*.pem)", path=str(directory))
        return cls(purpose=purpose, anchors=tuple(anchors), revocations=tuple(revocations))

    def at(self, at: datetime) -> tuple[x509.Certificate, ...]:
        """The certificates trusted at that time."""
        return tuple(each.certificate for each in self.anchors if each.trusted_from <= at <= each.trusted_until)


def _refuse_writable(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise TrustStoreError(f"cannot read {path}: {error.strerror}", path=str(path)) from error
    if mode & stat.S_IWOTH:
        raise TrustStoreError(f"{path} may be written by everybody; run: chmod o-w {path}", path=str(path))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise TrustStoreError(f"cannot read {path}: {error.strerror}", path=str(path)) from error


def _revocation_list(path: Path) -> x509.CertificateRevocationList:
    try:
        return x509.load_pem_x509_crl(_read(path))
    except UNREADABLE_CERTIFICATE as error:
        raise TrustStoreError(f"{path} is not a PEM revocation list", path=str(path)) from error


def _anchors(path: Path) -> list[Anchor]:
    try:
        certificates = x509.load_pem_x509_certificates(_read(path))
    except UNREADABLE_CERTIFICATE as error:
        raise TrustStoreError(f"{path} holds no PEM certificate", path=str(path)) from error
    begin, end, note = _note(path.with_suffix(".toml"))
    found = []
    for certificate in certificates:
        if not _is_ca(certificate):
            digest = fingerprint(certificate).hex()
            raise TrustStoreError(f"{path}: certificate {digest} is not a CA's", path=str(path))
        anchor = Anchor(certificate=certificate, name=path.stem, trusted_from=begin, trusted_until=end, note=note)
        found.append(anchor)
    return found


def _is_ca(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, *UNREADABLE_CERTIFICATE):
        return False


def _note(path: Path) -> tuple[datetime, datetime, str]:
    if not path.exists():
        return _EVER, _FOREVER, ""
    _refuse_writable(path)
    try:
        note = tomllib.loads(_read(path).decode("utf-8"))
    except ValueError as error:
        raise TrustStoreError(f"{path} is not TOML: {error}", path=str(path)) from error
    unknown = sorted(note.keys() - _NOTE_KEYS)
    if unknown:
        raise TrustStoreError(f"{path}: unknown key {', '.join(unknown)}", path=str(path))
    begin = _instant(path, note.get("trusted_from", _EVER), time.min)
    end = _instant(path, note.get("trusted_until", _FOREVER), time.max)
    return begin, end, str(note.get("note", ""))


def _instant(path: Path, value: object, of_day: time) -> datetime:
    """A date means its whole day, UTC; an instant needs a time zone."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC) if value not in (_EVER, _FOREVER) else value
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime.combine(value, of_day, UTC)
    raise TrustStoreError(f"{path}: {value!r} is neither a date nor an instant with offset", path=str(path))
