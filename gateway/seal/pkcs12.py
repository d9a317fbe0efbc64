"""A signing key in a PKCS#12 file (.p12, .pfx), as CAs hand it out: the password lies in a file of its own.

The file holds a certificate, too, but the one beside it is what receipts carry, so that both kinds of key files are
renewed in the same way; the two must be the same. The password's file has the mode of a key.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from gateway.errors import KeyFileError
from gateway.seal.keys import Certificates, PemSigner, read_key_file

_SUFFIXES: Final = {".p12", ".pfx"}
#: A password or PIN is a line.
_MOST_SECRET_BYTES: Final = 1024


def is_pkcs12(path: Path) -> bool:
    """Whether a key file is of this kind, by its name."""
    return path.suffix.lower() in _SUFFIXES


def read_secret(path: Path) -> bytes:
    """A password or PIN: the file's first line without its end; raises KeyFileError."""
    raw = read_key_file(path)
    secret, _, more = raw.partition(b"\n")
    secret = secret.removesuffix(b"\r")
    if not secret or more.strip() or len(secret) > _MOST_SECRET_BYTES:
        raise KeyFileError(f"{path} must hold one line, the password or PIN", path=str(path))
    return secret


def load_pkcs12(key_file: Path, secret: Path | None, certificate_file: Path) -> PemSigner:
    """The key of the file; raises KeyFileError with what to do about it."""
    raw = read_key_file(key_file)
    password = read_secret(secret) if secret is not None else None
    try:
        key, _, _ = pkcs12.load_key_and_certificates(raw, password)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        # The cause is kept out of the message: it could quote the file.
        raise KeyFileError(_refused(key_file, secret), code="password_refused", path=str(key_file)) from error
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise KeyFileError(f"{key_file} holds no RSA or EC key", path=str(key_file))
    known = Certificates.load(certificate_file)
    if key.public_key() != known.certificate.public_key():
        raise KeyFileError(
            f"{key_file} is not the key of the first certificate in {certificate_file}; take that out of it: "
            f"openssl pkcs12 -in {key_file} -clcerts -nokeys -out {certificate_file}",
            key_file=str(key_file),
            certificate_file=str(certificate_file),
        )
    return PemSigner(key=key, certificate=known.certificate, chain=known.chain, algorithm=known.algorithm)


def _refused(key_file: Path, secret: Path | None) -> str:
    if secret is None:
        return f"{key_file} does not open without a password: name the file with it in the setting secret"
    return f"{key_file} does not open with the password in {secret}, or is no PKCS#12 file: correct that line"
