"""The algorithms of envelopes: object identifiers, and what they are called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gateway.enveloped.ber import OCTETS, SEQUENCE, der, oid

DATA: Final = oid("1.2.840.113549.1.7.1")
#: EnvelopedData [RFC 5652 6] and AuthEnvelopedData [RFC 5083].
ENVELOPED: Final = oid("1.2.840.113549.1.7.3")
AUTHENTICATED: Final = oid("1.2.840.113549.1.9.16.1.23")

RSA_V15: Final = oid("1.2.840.113549.1.1.1")
RSA_OAEP: Final = oid("1.2.840.113549.1.1.7")
MGF1: Final = oid("1.2.840.113549.1.1.8")
EC_KEY: Final = oid("1.2.840.10045.2.1")

#: Contents.
CBC: Final = "aes256-cbc"
GCM: Final = "aes256-gcm"
#: OID -> name and length of the key in bytes.
CIPHERS: Final[Mapping[bytes, tuple[str, int]]] = {
    oid("2.16.840.1.101.3.4.1.2"): ("aes128-cbc", 16),
    oid("2.16.840.1.101.3.4.1.22"): ("aes192-cbc", 24),
    oid("2.16.840.1.101.3.4.1.42"): (CBC, 32),
    oid("2.16.840.1.101.3.4.1.6"): ("aes128-gcm", 16),
    oid("2.16.840.1.101.3.4.1.26"): ("aes192-gcm", 24),
    oid("2.16.840.1.101.3.4.1.46"): (GCM, 32),
}
OF_CIPHER: Final = {name: whole for whole, (name, _) in CIPHERS.items()}

#: Key wrapping: OID -> length of the wrapping key in bytes [RFC 3565 2.3.2].
WRAPS: Final[Mapping[bytes, int]] = {
    oid("2.16.840.1.101.3.4.1.5"): 16,
    oid("2.16.840.1.101.3.4.1.25"): 24,
    oid("2.16.840.1.101.3.4.1.45"): 32,
}
WRAP_256: Final = oid("2.16.840.1.101.3.4.1.45")

#: One-pass ECDH with the X9.63 function [RFC 5753 7.1.4]: OID -> name of the hash.
AGREEMENTS: Final[Mapping[bytes, str]] = {
    oid("1.3.133.16.840.63.0.2"): "sha1",
    oid("1.3.132.1.11.0"): "sha224",
    oid("1.3.132.1.11.1"): "sha256",
    oid("1.3.132.1.11.2"): "sha384",
    oid("1.3.132.1.11.3"): "sha512",
}
AGREEMENT_SHA256: Final = oid("1.3.132.1.11.1")

HASHES: Final[Mapping[bytes, str]] = {
    oid("1.3.14.3.2.26"): "sha1",
    oid("2.16.840.1.101.3.4.2.4"): "sha224",
    oid("2.16.840.1.101.3.4.2.1"): "sha256",
    oid("2.16.840.1.101.3.4.2.2"): "sha384",
    oid("2.16.840.1.101.3.4.2.3"): "sha512",
}
SHA256: Final = der(SEQUENCE, oid("2.16.840.1.101.3.4.2.1"), b"\x05\x00")


def shared_info(wrap: bytes, mixed: bytes, size: int) -> bytes:
    """ECC-CMS-SharedInfo [RFC 5753 7.2]: what a wrapping key of `size` bytes hangs on; `wrap` as written."""
    told = der(0xA0, der(OCTETS, mixed)) if mixed else b""
    return der(SEQUENCE, wrap, told, der(0xA2, der(OCTETS, (8 * size).to_bytes(4, "big"))))
