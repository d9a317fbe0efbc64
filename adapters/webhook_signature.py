"""The keys of webhooks for RFC 9421 (3.3): hmac-sha256, ed25519, ecdsa-p256-sha256. Pure."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from gateway.errors import ConfigError
from gateway.message_signatures import ECDSA_P256, ED25519, HMAC, sign

ALGORITHMS = (HMAC, ED25519, ECDSA_P256)


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """A key that signs; its id is what the receiver finds the matching one by."""

    id: str
    algorithm: str
    #: The shared secret of hmac-sha256; "" for the others.
    secret: bytes = b""
    private: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | None = None

    def sign(self, text: bytes) -> bytes:
        """The signature as RFC 9421 3.3 writes it."""
        if self.private is not None:
            return sign(self.private, text)
        return hmac.new(self.secret, text, hashlib.sha256).digest()

    @property
    def is_shared(self) -> bool:
        """Whether the receiver holds the same secret, and can prove it."""
        return self.private is None

    def mark(self) -> bytes:
        """What tells this key from another without giving it away."""
        if self.private is None:
            return hmac.new(self.secret, b"gateway: which key", hashlib.sha256).digest()
        public = self.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return hashlib.sha256(public).digest()


def key_of(name: str, algorithm: str, content: bytes) -> Key:
    """The key in a secret's file; raises ConfigError."""
    if algorithm not in ALGORITHMS:
        raise ConfigError(f"algorithm {algorithm} is not known; known: {', '.join(ALGORITHMS)}")
    if algorithm == HMAC:
        return Key(id=name, algorithm=algorithm, secret=content)
    try:
        private = load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigError(f"{name} holds no private key in PEM without a password") from error
    if algorithm == ED25519 and isinstance(private, ed25519.Ed25519PrivateKey):
        return Key(id=name, algorithm=algorithm, private=private)
    if (
        algorithm == ECDSA_P256
        and isinstance(private, ec.EllipticCurvePrivateKey)
        and isinstance(private.curve, ec.SECP256R1)
    ):
        return Key(id=name, algorithm=algorithm, private=private)
    raise ConfigError(f"the key in {name} is not one for {algorithm}")
