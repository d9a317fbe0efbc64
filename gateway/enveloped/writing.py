"""Writes envelopes of CMS: one file, encrypted once, its key encrypted for each certificate.

AES-256-GCM as AuthEnvelopedData (RFC 5083) [RFC 5084 3.2] by default; AES-256-CBC as EnvelopedData [RFC 5652 6.1]
for readers that know no other, where nobody notices a changed byte. RSA keys get the key by OAEP with SHA-256
[RFC 4055 4.1], curves by one-pass ECDH, SHA-256 and AES key wrap [RFC 5753 3.1]. The length of the file must be
known before; then nothing of it is held in memory. Everything is DER.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final, Literal

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers import AEADEncryptionContext, Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.x963kdf import X963KDF
from cryptography.hazmat.primitives.keywrap import aes_key_wrap
from cryptography.hazmat.primitives.padding import PKCS7
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.enveloped import algorithms as named
from gateway.enveloped.ber import BITS, OCTETS, SEQUENCE, SET, der, head, integer
from gateway.enveloped.certificates import RecipientCertificate
from gateway.enveloped.entity import head_of
from gateway.enveloped.reading import MOST_RECIPIENTS
from gateway.errors import EnvelopedError

Content = Literal["aes256-gcm", "aes256-cbc"]

#: How envelopes are called among attachments [RFC 8551 3.2.2].
MEDIA_TYPES: Final = {
    named.GCM: "application/pkcs7-mime; smime-type=authEnveloped-data",
    named.CBC: "application/pkcs7-mime; smime-type=enveloped-data",
}

_PIECE: Final = 1024 * 1024
_BLOCK: Final = 16
_NONCE: Final = 12
_KEY: Final = 32


def envelop(
    source: BinaryIO,
    size: int,
    out: BinaryIO,
    recipients: Sequence[RecipientCertificate],
    *,
    name: str = "",
    content_type: str = "",
    content: Content = "aes256-gcm",
) -> None:
    """Encrypt the `size` bytes of `source`, with a head that tells its name and type."""
    if not 1 <= len(recipients) <= MOST_RECIPIENTS:
        raise EnvelopedError(f"one to {MOST_RECIPIENTS} certificates are needed, not {len(recipients)}")
    plain = _Plain(source, head_of(name, content_type), size)
    key = os.urandom(_KEY)
    once = {each.sha256: each for each in recipients}
    infos = der(SET, *sorted(_info(each, key) for each in once.values()))
    if content == named.GCM:
        _write_gcm(plain, out, key, infos)
    else:
        _write_cbc(plain, out, key, infos, version=0 if _are_rsa(once.values()) else 2)


@dataclass(slots=True)
class _Plain:
    """What is encrypted: head and file."""

    source: BinaryIO
    front: bytes
    size: int

    @property
    def length(self) -> int:
        return len(self.front) + self.size

    def pieces(self) -> Iterator[bytes]:
        yield self.front
        left = self.size
        while left:
            piece = self.source.read(min(_PIECE, left))
            if not piece:
                raise EnvelopedError("the file became shorter while it was read")
            left -= len(piece)
            yield piece


def _write_gcm(plain: _Plain, out: BinaryIO, key: bytes, infos: bytes) -> None:
    nonce = os.urandom(_NONCE)
    method = der(SEQUENCE, named.OF_CIPHER[named.GCM], der(SEQUENCE, der(OCTETS, nonce), integer(_BLOCK)))
    # after the contents: the tag
    _write_front(out, named.AUTHENTICATED, integer(0) + infos, method, plain.length, behind=_BLOCK + 2)
    encryptor: AEADEncryptionContext = Cipher(algorithms.AES256(key), modes.GCM(nonce)).encryptor()
    out.writelines(encryptor.update(piece) for piece in plain.pieces())
    out.write(encryptor.finalize())
    out.write(der(OCTETS, encryptor.tag))


def _write_cbc(plain: _Plain, out: BinaryIO, key: bytes, infos: bytes, *, version: int) -> None:
    vector = os.urandom(_BLOCK)
    method = der(SEQUENCE, named.OF_CIPHER[named.CBC], der(OCTETS, vector))
    padded = plain.length + _BLOCK - plain.length % _BLOCK
    _write_front(out, named.ENVELOPED, integer(version) + infos, method, padded, behind=0)
    encryptor = Cipher(algorithms.AES256(key), modes.CBC(vector)).encryptor()
    padder = PKCS7(8 * _BLOCK).padder()
    out.writelines(encryptor.update(padder.update(piece)) for piece in plain.pieces())
    out.write(encryptor.update(padder.finalize()) + encryptor.finalize())


def _write_front(out: BinaryIO, kind: bytes, front: bytes, method: bytes, length: int, *, behind: int) -> None:
    """Everything before the encrypted bytes, whose number is known."""
    inner = named.DATA + method + head(0x80, length)
    contents = head(SEQUENCE, len(inner) + length) + inner
    frame = front + contents
    envelope = head(SEQUENCE, len(frame) + length + behind) + frame
    tagged = head(0xA0, len(envelope) + length + behind) + envelope
    out.write(head(SEQUENCE, len(kind) + len(tagged) + length + behind) + kind + tagged)


def _are_rsa(recipients: Iterable[RecipientCertificate]) -> bool:
    """Whether all are RSA keys: the version number hangs on it [RFC 5652 6.1]."""
    return all(isinstance(each.public, rsa.RSAPublicKey) for each in recipients)


def _info(to: RecipientCertificate, key: bytes) -> bytes:
    """RecipientInfo."""
    if isinstance(to.public, rsa.RSAPublicKey):
        oaep = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)
        parameters = der(SEQUENCE, der(0xA0, named.SHA256), der(0xA1, der(SEQUENCE, named.MGF1, named.SHA256)))
        method = der(SEQUENCE, named.RSA_OAEP, parameters)
        return der(SEQUENCE, integer(0), to.issuer_and_serial, method, der(OCTETS, to.public.encrypt(key, oaep)))
    own = ec.generate_private_key(to.public.curve)
    wrap = der(SEQUENCE, named.WRAP_256)
    wrapping = X963KDF(hashes.SHA256(), _KEY, named.shared_info(wrap, b"", _KEY)).derive(
        own.exchange(ec.ECDH(), to.public)
    )
    point = own.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    originator = der(0xA1, der(SEQUENCE, named.EC_KEY), der(BITS, b"\x00", point))
    pair = der(SEQUENCE, to.issuer_and_serial, der(OCTETS, aes_key_wrap(wrapping, key)))
    method = der(SEQUENCE, named.AGREEMENT_SHA256, wrap)
    return der(0xA1, integer(3), der(0xA0, originator), method, der(SEQUENCE, pair))
