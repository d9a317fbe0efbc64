"""HTTP Message Signatures (RFC 9421), as far as the webhook writes them. Pure.

A signature covers *components*: derived ones such as `@method`, and header fields, each by its name in lower case.
`signature_base` writes the text that is signed (RFC 9421 2.5), `parameters_of` the line that names what is covered
(2.3), `headers_of` the two header fields that carry a signature under a label (4). Keys sign by hmac-sha256,
ed25519 or ecdsa-p256-sha256 (3.3); the last is written as r and s, 32 bytes each, not as DER.

Component values must be what the receiver sees: one line of ASCII, trimmed. A value that is not raises ValueError,
and so does a string parameter that no structured field can hold (RFC 8941 3.3.3).

It does NOT sign responses, fields with parameters (`;sf`, `;bs`) or trailers: nothing here needs them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from gateway.errors import ConfigError

HMAC, ED25519, ECDSA = "hmac-sha256", "ed25519", "ecdsa-p256-sha256"
ALGORITHMS = (HMAC, ED25519, ECDSA)

_COORDINATE_BYTES = 32


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
        if isinstance(self.private, ed25519.Ed25519PrivateKey):
            return self.private.sign(text)
        if isinstance(self.private, ec.EllipticCurvePrivateKey):
            r, s = decode_dss_signature(self.private.sign(text, ec.ECDSA(SHA256())))
            return r.to_bytes(_COORDINATE_BYTES, "big") + s.to_bytes(_COORDINATE_BYTES, "big")
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
        algorithm == ECDSA
        and isinstance(private, ec.EllipticCurvePrivateKey)
        and isinstance(private.curve, ec.SECP256R1)
    ):
        return Key(id=name, algorithm=algorithm, private=private)
    raise ConfigError(f"the key in {name} is not one for {algorithm}")


def parameters_of(names: Sequence[str], numbers: Mapping[str, int], texts: Mapping[str, str]) -> str:
    """The covered components and the signature's parameters, as `Signature-Input` and the base hold them."""
    covered = " ".join(_quoted(name) for name in names)
    said = "".join(f";{name}={value}" for name, value in numbers.items())
    return f"({covered}){said}" + "".join(f";{name}={_quoted(value)}" for name, value in texts.items())


def signature_base(components: Iterable[tuple[str, str]], parameters: str) -> bytes:
    """The text that is signed."""
    lines = [f"{_quoted(name)}: {_one_line(name, value)}" for name, value in components]
    return "\n".join([*lines, f'"@signature-params": {parameters}']).encode("ascii")


def headers_of(signed: Mapping[str, tuple[str, bytes]]) -> dict[str, str]:
    """`Signature-Input` and `Signature` of signatures by their labels: (parameters, signature)."""
    inputs = ", ".join(f"{label}={parameters}" for label, (parameters, _) in signed.items())
    values = ", ".join(f"{label}=:{base64.b64encode(value).decode()}:" for label, (_, value) in signed.items())
    return {"Signature-Input": inputs, "Signature": values}


def _quoted(text: str) -> str:
    if not text.isascii() or not text.isprintable():
        raise ValueError("a structured field's string is printable ASCII")
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _one_line(name: str, value: str) -> str:
    if not value.isascii() or "\n" in value or "\r" in value or value != value.strip():
        raise ValueError(f"the value of {name} is not one trimmed line of ASCII")
    return value
