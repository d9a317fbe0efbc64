"""The certificates that came along: in a seal's KeyInfo, in a time stamp. Nothing is judged here."""

from __future__ import annotations

from base64 import b64decode

from cryptography import x509

from gateway.errors import StampError
from gateway.seal.profile import UNREADABLE_CERTIFICATE, load_certificate
from gateway.seal.shape import read, read_export
from gateway.seal.unsigned import split


def certificates_of_receipt(seal: bytes) -> tuple[x509.Certificate, ...]:
    """The signer's first; empty where they cannot be read."""
    return _loaded(read(split(seal)[0]).values.get("certificate", ()))


def certificates_of_export(seal: bytes) -> tuple[x509.Certificate, ...]:
    """The same of the seal over a bundle."""
    return _loaded(read_export(split(seal)[0]).values.get("certificate", ()))


def certificates_of_stamp(reply: bytes) -> tuple[x509.Certificate, ...]:
    """The authority's first; empty where they cannot be read."""
    from gateway.seal.stamp_token import read_reply  # whoever verifies a seal alone does without

    try:
        token = read_reply(reply).token
    except StampError:
        return ()
    if token is None or token.signature.certificate is None:
        return ()
    return token.signature.certificate, *token.signature.chain


def _loaded(values: tuple[str, ...]) -> tuple[x509.Certificate, ...]:
    try:
        return tuple(load_certificate(b64decode(each)) for each in values)
    except UNREADABLE_CERTIFICATE:
        return ()
