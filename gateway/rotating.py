"""Replaces the certificate and key of the seal, or of the institution, with an overlap: stage, then switch.

    stage    1 the new certificate is fit, leads to the anchors, and has not ended
             2 the new key signs for it
             3 key and certificate are written beside those in force: seal.next.key, seal.next.pem
    switch   1 what is staged is valid now and signs
             2 what is in force is kept beside: seal.old.pem, seal.old.key
             3 the certificate takes its place by one rename, then the key
             4 (the caller) the server reloads; then the old key goes, the old certificate stays

Whoever signs looks among all of these for the pair of the certificate that is asked for (`gateway.seal.signer`), so
a crash at any point leaves files with which receipts are made, before the reload and after it. Files get mode and
owner of those that they stand beside, so that root may do this for a service of another user. On a token the
successor's key lies on the same token; only the certificate is a file.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from gateway.errors import KeyFileError
from gateway.fsio import atomic_replace, fsync_dir
from gateway.seal.keys import Certificates, read_key_file
from gateway.seal.path import check_certificate
from gateway.seal.pkcs12 import is_pkcs12
from gateway.seal.profile import fingerprint, usage_faults
from gateway.seal.report import Verdict
from gateway.seal.signer import NEXT, OLD, KeyPlace, load_for, load_signer, variant
from gateway.seal.trust import TrustStore

_CERTIFICATE_MODE, _KEY_MODE = 0o644, 0o600


@dataclass(frozen=True, kw_only=True, slots=True)
class Rotation:
    """What was done."""

    #: SHA-256 of the certificates, in hex.
    certificate: str
    before: str
    begins: datetime
    ends: datetime
    #: Files that were written.
    files: tuple[Path, ...]


def stage(
    place: KeyPlace, certificate: Path, key: Path | None, *, anchors: TrustStore | None, now: datetime
) -> Rotation:
    """Steps 1 to 3 of staging; KeyFileError says what is wrong, and then nothing was written."""
    _settle(place)
    new, old = Certificates.load(certificate), Certificates.load(place.certificate)
    _require_fit(new, old, anchors, now)  # 1
    staged = replace(place, certificate=certificate)
    if place.token is None:
        if key is None:
            raise KeyFileError("name the key of the new certificate: --key FILE")
        if is_pkcs12(key) != is_pkcs12(place.key):
            raise KeyFileError(f"{key} must be of the kind of {place.key}: both PEM, or both PKCS#12")
        staged = replace(staged, key=key)
    elif key is not None:
        raise KeyFileError("the key in force is on a token: the new one must lie there, too, without --key")
    load_signer(staged)  # 2
    written = []
    if place.token is None:  # 3
        assert key is not None, "looked at above"
        written.append(_put(variant(place.key, NEXT), read_key_file(key), place.key, _KEY_MODE))
    target = variant(place.certificate, NEXT)
    written.append(_put(target, certificate.read_bytes(), place.certificate, _CERTIFICATE_MODE))
    return _rotation(new, old, written)


def switch(place: KeyPlace, *, now: datetime) -> Rotation:
    """Steps 1 to 3 of switching; KeyFileError says what is wrong, and then what was in force is."""
    _settle(place)
    staged = variant(place.certificate, NEXT)
    if not staged.exists():
        raise KeyFileError(f"nothing is staged: {staged} is not there; gateway keys stage puts it there")
    new, old = Certificates.load(staged), Certificates.load(place.certificate)
    begins, ends = new.certificate.not_valid_before_utc, new.certificate.not_valid_after_utc
    if not begins <= now <= ends:  # 1
        period = f"{begins.isoformat()} to {ends.isoformat()}"
        raise KeyFileError(f"the staged certificate is valid from {period}, not now")
    load_for(place, staged)
    written = [  # 2
        _put(variant(place.certificate, OLD), place.certificate.read_bytes(), place.certificate, _CERTIFICATE_MODE)
    ]
    next_key = variant(place.key, NEXT)
    if place.token is None and next_key.exists():
        written.append(_put(variant(place.key, OLD), read_key_file(place.key), place.key, _KEY_MODE))
    _rename(staged, place.certificate)  # 3
    if place.token is None and next_key.exists():
        _rename(next_key, place.key)
    return _rotation(new, old, written)


def forget_old_key(place: KeyPlace) -> bool:
    """Remove the key that nobody signs with any more; whether there was one."""
    old = variant(place.key, OLD)
    if place.token is not None or not old.exists():
        return False
    old.unlink()
    fsync_dir(old.parent)
    return True


def _settle(place: KeyPlace) -> None:
    """A switch that was cut off between its two renames is ended: the key in force must not lie as the next one."""
    key = variant(place.key, NEXT)
    if place.token is not None or not key.exists() or variant(place.certificate, NEXT).exists():
        return
    with suppress(KeyFileError):  # then it is a key whose certificate was not staged any more
        load_signer(replace(place, key=key))
        _rename(key, place.key)


def _require_fit(new: Certificates, old: Certificates, anchors: TrustStore | None, now: datetime) -> None:
    certificate = new.certificate
    if certificate == old.certificate:
        raise KeyFileError("this certificate is in force already")
    if faults := usage_faults(certificate):
        raise KeyFileError(f"the certificate may not sign: {'; '.join(faults)}")
    if now > certificate.not_valid_after_utc:
        raise KeyFileError(f"the certificate ended on {certificate.not_valid_after_utc.isoformat()}")
    if anchors is None:
        return
    at = max(now, certificate.not_valid_before_utc)
    checks, _ = check_certificate(certificate, new.chain, anchors=anchors, at=at)
    told = "; ".join(check.reason for check in checks if check.verdict is not Verdict.PASSED)
    if told:
        raise KeyFileError(f"auditors would not accept it: {told}. Put its CA into the folder of anchors first")


def _put(target: Path, data: bytes, beside: Path, mode: int) -> Path:
    """With the owner of the file that it stands beside."""
    atomic_replace(target, data, mode)
    with suppress(PermissionError):  # not root: then it is the same user's
        owner = beside.stat()
        os.chown(target, owner.st_uid, owner.st_gid)
    return target


def _rename(source: Path, target: Path) -> None:
    source.replace(target)
    fsync_dir(target.parent)


def _rotation(new: Certificates, old: Certificates, files: list[Path]) -> Rotation:
    return Rotation(
        certificate=fingerprint(new.certificate).hex(),
        before=fingerprint(old.certificate).hex(),
        begins=new.certificate.not_valid_before_utc,
        ends=new.certificate.not_valid_after_utc,
        files=tuple(files),
    )
