"""A receiver's own signature on its acknowledgements and answers (RFC 9421, docs/receivers.md): the client's side.

Covered are method and whole URL, the digest of the bytes that were received (`Gateway-Document-Digest`), and, where
there is a body, its `Content-Digest`. The key is an Ed25519, P-256, P-384 or RSA key; its id is the SHA-256 of the
public half.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gateway.bundle.receivers import DOCUMENT_DIGEST, TAG
from gateway.errors import ConfigError
from gateway.message_signatures import (
    PrivateKey,
    algorithms_of,
    digest_field,
    headers_of,
    key_id,
    parameters_of,
    sign,
    signature_base,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReceiverSigner:
    """Signs what a receiver says."""

    private: PrivateKey

    @classmethod
    def of_pem(cls, pem: bytes) -> ReceiverSigner:
        """From a private key in PEM without a password; ConfigError for what is none that we take."""
        try:
            key = load_pem_private_key(pem, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise ConfigError("the signing key is no private key in PEM without a password") from error
        if not isinstance(key, PrivateKey) or not algorithms_of(key.public_key()):
            raise ConfigError("signing keys are Ed25519, P-256, P-384 or RSA of 2048 to 8192 bits")
        return cls(private=key)

    @property
    def key_id(self) -> str:
        """As `gateway agencies keys list` prints it."""
        return key_id(self.private.public_key())

    def headers(self, url: str, *, document_sha256: str, at: datetime, body: bytes | None = None) -> dict[str, str]:
        """What to send with a POST to that URL, beside the body's type; `document_sha256` is hexadecimal or ""."""
        own: dict[str, str] = {}
        if document_sha256:
            own[DOCUMENT_DIGEST] = digest_field(bytes.fromhex(document_sha256))
        if body is not None:
            own["content-digest"] = digest_field(sha256(body).digest())
        covered = [("@method", "POST"), ("@target-uri", url), *own.items()]
        texts = {"keyid": self.key_id, "alg": algorithms_of(self.private.public_key())[0], "tag": TAG}
        parameters = parameters_of([name for name, _ in covered], {"created": int(at.timestamp())}, texts)
        value = sign(self.private, signature_base(covered, parameters))
        return own | headers_of({"receiver": (parameters, value)})
