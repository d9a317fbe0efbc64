"""The key that seals, behind a port of three facts and one act.

`PemSigner` reads a key and certificate (with chain) from PEM files. It guarantees that the key file is a
regular file that nobody but its owner may read, that key and certificate belong together, and that the
algorithm is RSA-SHA256 with 2048 bits or more, or ECDSA-SHA256 on P-256. What is wrong but does not prevent
starting, such as an expired certificate, is reported by `findings`, because an operator must be able to
start a gateway that only lets agencies fetch.

The server does not load it: it knows the certificate, and a process of its own signs (`gateway.signing`).
It does NOT check what it signs and does not protect the key from somebody who runs code in this process.
"""

from __future__ import annotations

import os
import shlex
import stat
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature

from gateway.errors import KeyFileError
from gateway.seal.profile import P256_BYTES, algorithm_of, usage_faults

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_SOON = timedelta(days=60)


class Certified(Protocol):
    """What a receipt says of its key."""

    @property
    def certificate(self) -> x509.Certificate:
        """The certificate of the key."""
        ...

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """The CAs above it as far as they are sent along, nearest first, without the root."""
        ...

    @property
    def algorithm(self) -> str:
        """The XML signature method, a URI of `gateway.seal.profile`."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyFinding:
    """Something an operator should know about a sealing key."""

    #: `certificate_expired`, `certificate_not_yet_valid`, `certificate_expires_soon`, `certificate_usage`.
    code: str
    #: One sentence.
    text: str
    #: Instants and names, for logs.
    facts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Certificates:
    """A sealing certificate and its chain from a PEM file."""

    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    algorithm: str

    @classmethod
    def load(cls, file: Path) -> Certificates:
        """Read it; raises KeyFileError with what to do about it."""
        certificate, *chain = _certificates(file)
        algorithm = algorithm_of(certificate.public_key())
        if algorithm is None:
            raise KeyFileError(
                f"{file}: use RSA of 2048 to 8192 bits or P-256 for sealing", certificate_file=str(file)
            )
        roots_left_out = tuple(each for each in chain if each.issuer != each.subject)
        return cls(certificate=certificate, chain=roots_left_out, algorithm=algorithm)

    def findings(self, now: datetime) -> tuple[KeyFinding, ...]:
        """What an operator should know at `now`; empty when all is well."""
        begin, end = self.certificate.not_valid_before_utc, self.certificate.not_valid_after_utc
        facts = {"not_before": begin.isoformat(), "not_after": end.isoformat()}
        found = []
        if now < begin:
            text = f"the seal certificate is valid only from {begin.isoformat()}"
            found.append(KeyFinding(code="certificate_not_yet_valid", text=text, facts=facts))
        if now > end:
            text = f"the seal certificate expired on {end.isoformat()}"
            found.append(KeyFinding(code="certificate_expired", text=text, facts=facts))
        elif now > end - _SOON:
            text = f"the seal certificate expires on {end.isoformat()}"
            found.append(KeyFinding(code="certificate_expires_soon", text=text, facts=facts))
        found += [
            KeyFinding(code="certificate_usage", text=f"the seal certificate is unfit: {fault}", facts=facts)
            for fault in usage_faults(self.certificate)
        ]
        return tuple(found)


@dataclass(frozen=True, kw_only=True, slots=True)
class PemSigner:
    """A key from a PEM file."""

    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    algorithm: str
    #: Never printed.
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey = field(repr=False)

    @classmethod
    def load(cls, key_file: Path, certificate_file: Path) -> PemSigner:
        """Read both files; raises KeyFileError with what to do about it."""
        key = _private_key(key_file)
        known = Certificates.load(certificate_file)
        if key.public_key() != known.certificate.public_key():
            raise KeyFileError(
                f"{key_file} is not the key of the first certificate in {certificate_file}",
                key_file=str(key_file),
                certificate_file=str(certificate_file),
            )
        return cls(key=key, certificate=known.certificate, chain=known.chain, algorithm=known.algorithm)

    def sign(self, data: bytes) -> bytes:
        """The signature value of `data`."""
        return self._signed(data, hashes.SHA256())

    def sign_digest(self, digest: bytes) -> bytes:
        """The same of something of which only the SHA-256 is given; ValueError where it is none."""
        return self._signed(digest, Prehashed(hashes.SHA256()))

    def _signed(self, data: bytes, algorithm: hashes.SHA256 | Prehashed) -> bytes:
        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.sign(data, padding.PKCS1v15(), algorithm)
        r, s = decode_dss_signature(self.key.sign(data, ec.ECDSA(algorithm)))
        return r.to_bytes(P256_BYTES, "big") + s.to_bytes(P256_BYTES, "big")


def read_key_file(path: Path) -> bytes:
    """The bytes of a file that only its owner may read; raises KeyFileError naming the chmod that mends it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise KeyFileError(f"cannot read {path}: {error.strerror}", path=str(path)) from error
    try:
        # The opened file is examined, not the path, so that nobody can swap it in between.
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise KeyFileError(f"{path} is not a regular file", path=str(path))
        mode = stat.S_IMODE(status.st_mode)
        if mode & _OTHERS:
            raise KeyFileError(
                f"{path} may be read by others (mode {mode:04o}); run: chmod 600 {shlex.quote(str(path))}",
                path=str(path),
                mode=f"{mode:04o}",
            )
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read()
    finally:
        os.close(descriptor)


def _private_key(path: Path) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey:
    pem = read_key_file(path)
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as error:
        # The cause is kept out of the message: it could quote the file.
        raise KeyFileError(f"{path} holds no unencrypted PEM private key", path=str(path)) from error
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise KeyFileError(f"{path} is neither an RSA nor an EC key", path=str(path))
    return key


def _certificates(path: Path) -> tuple[x509.Certificate, ...]:
    try:
        return tuple(x509.load_pem_x509_certificates(path.read_bytes()))
    except OSError as error:
        raise KeyFileError(f"cannot read {path}: {error.strerror}", path=str(path)) from error
    except ValueError as error:
        raise KeyFileError(f"{path} holds no PEM certificate", path=str(path)) from error
