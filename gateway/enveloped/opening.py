"""Opens envelopes of CMS with a private key: what `gateway.enveloped.writing` and `openssl cms -encrypt` write.

1. The head: who can open it, and where its pieces are (contents may come in pieces, without a length).
2. The key of the contents: RSA-OAEP, RSA of PKCS #1 1.5, or ECDH with AES key wrap.
3. The contents, to a sink. Of AuthEnvelopedData nothing is worth anything before `open_envelope` has returned: the
   tag stands behind it, so write to a temporary file. Of EnvelopedData a changed byte may go unnoticed.

Without the certificate every recipient is tried whose kind fits the key; two RSA keys of PKCS #1 1.5 cannot be told
apart that way, and then the certificate must be named. Why a key did not fit is not told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers import AEADDecryptionContext, Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.x963kdf import X963KDF
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap
from cryptography.hazmat.primitives.padding import PKCS7
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gateway.enveloped import algorithms as named
from gateway.enveloped.ber import BITS, OCTETS, SEQUENCE, SET, Value, der, head_of, parts_of, value_of
from gateway.enveloped.certificates import RecipientCertificate
from gateway.enveloped.entity import MOST_BYTES, Entity, described
from gateway.enveloped.reading import Enveloped, Recipient, read_head
from gateway.errors import EnvelopedError

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

_PIECE: Final = 1024 * 1024
_BLOCK: Final = 16
_SIMPLE, _IN_PIECES = 0x80, 0xA0
_MOST_PIECES: Final = 4_000_000
_MOST_ATTRIBUTES: Final = 64 * 1024
_LEAST_TAG: Final = 12
_NOT_FOR_IT: Final = "it is not encrypted for this key, or it was damaged"
_DAMAGED: Final = "it was changed on its way, or damaged"
_HASHES: Final[dict[str, hashes.HashAlgorithm]] = {
    "sha1": hashes.SHA1(),  # noqa: S303 - as others write it
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


@dataclass(frozen=True, slots=True)
class _Piece:
    begins_at: int
    size: int


def read_private_key(pem: bytes, password: bytes | None = None) -> PrivateKey:
    """A key file; EnvelopedError for what is none that opens envelopes."""
    try:
        key = load_pem_private_key(pem, password)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise EnvelopedError("the key file holds no private key in PEM, or its password is another one") from error
    if not isinstance(key, PrivateKey):
        raise EnvelopedError("the key is neither RSA nor of a curve P-256, P-384 or P-521")
    return key


def open_envelope(
    source: BinaryIO, out: BinaryIO, key: PrivateKey, certificate: RecipientCertificate | None = None
) -> Entity:
    """Write the file inside; its name and type. `source` can seek; `out` holds nothing of worth if this raises."""
    head = read_head(source)
    pieces = _pieces(source)
    sink = _Sink(out)
    if head.authenticated:
        if head.is_open and not head_of(source).ends:
            raise EnvelopedError("something stands behind its contents")
        attributes, tag = _behind(source)
        _open_gcm(source, pieces, sink, head, _key_of(head, key, certificate), attributes, tag)
    else:
        _open_cbc(source, pieces, sink, head, _key_of(head, key, certificate))
    return sink.ended()


class _Sink:
    """Keeps the head of the entity from the file."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._front = b""
        self._told: Entity | None = None

    def write(self, data: bytes) -> None:
        """The next decrypted bytes."""
        if self._told is not None:
            self._out.write(data)
            return
        self._front += data
        if len(self._front) >= MOST_BYTES:
            self._begin()

    def _begin(self) -> Entity:
        told = described(self._front[:MOST_BYTES])
        self._out.write(self._front[told.begins_at :])
        self._front, self._told = b"", told
        return told

    def ended(self) -> Entity:
        """What the head said."""
        return self._told if self._told is not None else self._begin()


def _pieces(source: BinaryIO) -> Sequence[_Piece]:
    """Where the encrypted bytes are; the stream stands behind them and their end."""
    head = head_of(source)
    if head.tag == _SIMPLE and head.length is not None:
        return [_passed(source, head.length)]
    if head.tag != _IN_PIECES:
        raise EnvelopedError("there are no encrypted contents in it")
    end = None if head.length is None else source.tell() + head.length
    found: list[_Piece] = []
    while end is None or source.tell() < end:
        piece = head_of(source)
        if end is None and piece.ends:
            break
        if piece.tag != OCTETS or piece.length is None or len(found) >= _MOST_PIECES:
            raise EnvelopedError("its contents are not made of pieces that can be read")
        found.append(_passed(source, piece.length))
    return found


def _passed(source: BinaryIO, size: int) -> _Piece:
    piece = _Piece(source.tell(), size)
    source.seek(piece.begins_at + size)
    return piece


def _read(source: BinaryIO, pieces: Sequence[_Piece]) -> Iterator[bytes]:
    for each in pieces:
        source.seek(each.begins_at)
        left = each.size
        while left:
            data = source.read(min(_PIECE, left))
            if not data:
                raise EnvelopedError("it is cut off")
            left -= len(data)
            yield data


def _behind(source: BinaryIO) -> tuple[bytes, bytes]:
    """Authenticated attributes as they are authenticated [RFC 5083 2.2], and the tag."""
    head, attributes = head_of(source), b""
    if head.tag == 0xA1:  # noqa: PLR2004 - [1]
        # under the tag of a SET OF
        attributes, head = der(SET, value_of(source, head, _MOST_ATTRIBUTES)), head_of(source)
    if head.tag != OCTETS:
        raise EnvelopedError("its tag is missing")
    return attributes, value_of(source, head, _BLOCK)


def _open_gcm(
    source: BinaryIO,
    pieces: Sequence[_Piece],
    sink: _Sink,
    head: Enveloped,
    key: bytes,
    attributes: bytes,
    tag: bytes,
) -> None:
    if not head.cipher.endswith("-gcm"):
        raise EnvelopedError(f"its cipher is not read here: {head.cipher}")
    nonce, size = _gcm_parameters(head.parameters)
    if len(tag) != size or size < _LEAST_TAG:
        raise EnvelopedError("its tag has another length than it says")
    try:
        mode = modes.GCM(nonce, tag, min_tag_length=_LEAST_TAG)
        decryptor: AEADDecryptionContext = Cipher(algorithms.AES(key), mode).decryptor()
        decryptor.authenticate_additional_data(attributes)
        for data in _read(source, pieces):
            sink.write(decryptor.update(data))
        decryptor.finalize()
    except (InvalidTag, ValueError) as error:
        raise EnvelopedError(_DAMAGED) from error


def _gcm_parameters(parameters: bytes) -> tuple[bytes, int]:
    """Nonce, and length of the tag [RFC 5084 3.2]."""
    parts = _inside(parameters, SEQUENCE)
    if not parts or parts[0].tag != OCTETS or not parts[0].value:
        raise EnvelopedError("the parameters of its cipher cannot be read")
    return parts[0].value, int.from_bytes(parts[1].value, "big") if len(parts) > 1 else _LEAST_TAG


def _open_cbc(source: BinaryIO, pieces: Sequence[_Piece], sink: _Sink, head: Enveloped, key: bytes) -> None:
    vector = next(parts_of(head.parameters, 1), Value(0, b"", b""))
    if not head.cipher.endswith("-cbc") or vector.tag != OCTETS or len(vector.value) != _BLOCK:
        raise EnvelopedError(f"its cipher is not read here: {head.cipher}")
    decryptor = Cipher(algorithms.AES(key), modes.CBC(vector.value)).decryptor()
    unpadder = PKCS7(8 * _BLOCK).unpadder()
    try:
        for data in _read(source, pieces):
            sink.write(unpadder.update(decryptor.update(data)))
        sink.write(unpadder.update(decryptor.finalize()) + unpadder.finalize())
    except ValueError as error:
        raise EnvelopedError(_DAMAGED) from error


def _key_of(head: Enveloped, key: PrivateKey, certificate: RecipientCertificate | None) -> bytes:
    """The key of the contents."""
    kind, opened = ("rsa", _transported) if isinstance(key, rsa.RSAPrivateKey) else ("ecdh", _agreed)
    meant = [each for each in head.recipients if each.kind == kind]
    if certificate is not None:
        meant = [each for each in meant if each.key in certificate.keys]
    if sum(each.method == named.RSA_V15 for each in meant) > 1:
        raise EnvelopedError("several keys could have been meant: name the certificate of yours")
    size = next((size for name, size in named.CIPHERS.values() if name == head.cipher), 0)
    if not size:
        raise EnvelopedError(f"its cipher is not read here: {head.cipher}")
    open_one: Callable[[Recipient, PrivateKey], bytes] = opened
    for each in meant:
        try:
            found = open_one(each, key)
        except (ValueError, InvalidUnwrap, UnsupportedAlgorithm):
            continue
        if len(found) == size:
            return found
    raise EnvelopedError(_NOT_FOR_IT)


def _transported(recipient: Recipient, key: PrivateKey) -> bytes:
    assert isinstance(key, rsa.RSAPrivateKey), "as its kind says"
    if recipient.method == named.RSA_V15:
        return key.decrypt(recipient.encrypted, padding.PKCS1v15())
    if recipient.method != named.RSA_OAEP:
        raise ValueError("another algorithm")
    digest, mask = _oaep(recipient.parameters)
    return key.decrypt(recipient.encrypted, padding.OAEP(mgf=padding.MGF1(mask), algorithm=digest, label=None))


def _oaep(parameters: bytes) -> tuple[hashes.HashAlgorithm, hashes.HashAlgorithm]:
    """The hash, and that of the mask; both SHA-1 where nothing is said [RFC 4055 4.1]."""
    digest = mask = "sha1"
    for each in _inside(parameters, SEQUENCE):
        (method,) = parts_of(each.value, 1)
        parts = list(parts_of(method.value, 2))
        if each.tag == 0xA0:  # noqa: PLR2004 - [0]
            digest = _hash(parts)
        elif each.tag == 0xA1 and len(parts) == 2 and parts[0].whole == named.MGF1:  # noqa: PLR2004 - [1]
            mask = _hash(list(parts_of(parts[1].value, 2)))
        else:
            raise EnvelopedError("the parameters of RSA-OAEP are not read here")
    return _HASHES[digest], _HASHES[mask]


def _hash(parts: Sequence[Value]) -> str:
    found = named.HASHES.get(parts[0].whole) if parts else None
    if found is None:
        raise EnvelopedError("a hash is not known here")
    return found


def _agreed(recipient: Recipient, key: PrivateKey) -> bytes:
    assert isinstance(key, ec.EllipticCurvePrivateKey), "as its kind says"
    digest = named.AGREEMENTS.get(recipient.method)
    (wrap, *_) = _inside(recipient.parameters, SEQUENCE) or [Value(0, b"", b"")]
    size = named.WRAPS.get(wrap.whole)
    if digest is None or size is None:
        raise ValueError("another algorithm")
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(key.curve, _point(recipient.originator))
    info = named.shared_info(recipient.parameters, recipient.mixed, size)
    wrapping = X963KDF(_HASHES[digest], size, info).derive(key.exchange(ec.ECDH(), theirs))
    return aes_key_unwrap(wrapping, recipient.encrypted)


def _point(originator: bytes) -> bytes:
    """The sender's one-time key."""
    parts = _inside(originator, 0xA1)
    if [each.tag for each in parts] != [SEQUENCE, BITS] or parts[1].value[:1] != b"\0":
        raise EnvelopedError("the sender's one-time key cannot be read")
    return parts[1].value[1:]


def _inside(whole: bytes, tag: int) -> list[Value]:
    """The parts of one value with that tag; none where there is no such value."""
    found = list(parts_of(whole, 1))
    return list(parts_of(found[0].value, 16)) if found and found[0].tag == tag else []
