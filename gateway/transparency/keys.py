"""Ed25519 keys that sign notes: making one, reading one from PEM, and signing with it in this process.

`LogSigner` signs as a log does, `Cosigner` as a witness does. Reads no file; whoever does guards its mode.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.errors import ProofError
from gateway.transparency.note import Algorithm, VerifierKey, cosigned


def new_key() -> bytes:
    """A new private key, PEM (PKCS #8, not encrypted)."""
    return Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def read_key(pem: bytes) -> Ed25519PrivateKey:
    """The key in a PEM file; ProofError when it is none, which quotes nothing of the file."""
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as error:
        raise ProofError("that is no unencrypted PEM private key") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ProofError("that is not an Ed25519 key")
    return key


def verifier_of(key: Ed25519PrivateKey, name: str, algorithm: Algorithm = Algorithm.ED25519) -> VerifierKey:
    """The public half under a name."""
    return VerifierKey(name, algorithm, key.public_key().public_bytes_raw())


def of_epoch(key: VerifierKey, epoch: int) -> VerifierKey:
    """The same key under the name of the log's epoch: the first has the plain name, the next one `name/2`."""
    return key if epoch == 1 else VerifierKey(f"{key.name}/{epoch}", key.algorithm, key.public_key)


def of_origin(key: VerifierKey, origin: str, epoch: int) -> VerifierKey | None:
    """The same key under the name that a checkpoint bears; None where no epoch up to this one had it."""
    named = (of_epoch(key, number) for number in range(1, epoch + 1))
    return next((each for each in named if each.name == origin), None)


def read_vkeys(file: bytes) -> list[VerifierKey]:
    """A file of verifier keys, a line each; empty lines and those with a # are passed over. One at least."""
    try:
        lines = file.decode().splitlines()
    except UnicodeDecodeError as error:
        raise ProofError("a file of verifier keys is UTF-8") from error
    found = [VerifierKey.parse(line) for line in lines if line.strip() and not line.startswith("#")]
    if not found:
        raise ProofError("there is no verifier key in it")
    return found


@dataclass(frozen=True, slots=True)
class LogSigner:
    """A log's key."""

    #: The log's origin.
    name: str
    key: Ed25519PrivateKey = field(repr=False)

    @property
    def verifier(self) -> VerifierKey:
        """The public half."""
        return verifier_of(self.key, self.name)

    def sign(self, text: bytes) -> bytes:
        """The signature of a text."""
        return self.key.sign(text)


@dataclass(frozen=True, slots=True)
class Cosigner:
    """A witness's key."""

    name: str
    key: Ed25519PrivateKey = field(repr=False)
    #: The time now, in seconds since 1970.
    now: Callable[[], int]

    @property
    def verifier(self) -> VerifierKey:
        """The public half."""
        return verifier_of(self.key, self.name, Algorithm.COSIGNATURE_V1)

    def sign(self, text: bytes) -> bytes:
        """Time and signature over time and text."""
        at = self.now()
        return at.to_bytes(8, "big") + self.key.sign(cosigned(text, at))
