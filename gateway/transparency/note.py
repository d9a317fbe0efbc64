"""Signed notes, after C2SP signed-note: a text and lines of signatures below it.

    text, one or more lines
    <empty line>
    — key name base64(key id, 4 bytes || signature)

Two algorithms are known: 0x01, Ed25519 over the text, which logs sign with; and 0x04, cosignature/v1 of C2SP
tlog-cosignature, Ed25519 over a time and the text, which witnesses sign with. A verifier key is written
`name+<key id, 8 hexadecimal digits>+base64(algorithm, 1 byte || public key, 32 bytes)`.

`SignedNote.verify` tells which of the keys signed. Signatures of other keys are passed over, a wrong one of a known
key refuses the whole note. All that is wrong with a note, key or signature is a ProofError.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256
from typing import Final, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gateway.errors import ProofError

#: Larger ones are not read; the largest honest one has a few lines for each witness.
MAX_NOTE_BYTES: Final = 256 * 1024
MAX_SIGNATURES: Final = 64
KEY_BYTES: Final = 32
_KEY_ID_BYTES: Final = 4
_SIGNATURE_BYTES: Final = 64
_TIME_BYTES: Final = 8
_LAST_TIME: Final = 2**63 - 1
_PRINTABLE = 0x20
_DASH: Final = "\u2014 "
_NAME = re.compile(r"[^\s+]+")
_VKEY = re.compile(r"(?P<name>[^\s+]+)\+(?P<id>[0-9a-f]{8})\+(?P<key>[A-Za-z0-9+/=]+)")


class Algorithm(IntEnum):
    """How a key signs notes; the byte that stands before a public key."""

    ED25519 = 0x01
    COSIGNATURE_V1 = 0x04


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key and its name."""

    name: str
    algorithm: Algorithm
    #: 32 bytes, Ed25519.
    public_key: bytes

    @property
    def key_id(self) -> bytes:
        """The first four bytes of SHA-256(name || LF || algorithm || public key)."""
        return sha256(self.name.encode() + b"\n" + bytes([self.algorithm]) + self.public_key).digest()[
            :_KEY_ID_BYTES
        ]

    @property
    def digest(self) -> bytes:
        """SHA-256 of the public key: which key it is, whatever its name."""
        return sha256(self.public_key).digest()

    @classmethod
    def parse(cls, line: str) -> VerifierKey:
        """Read `name+id+key`; ProofError also when the id is not that of the key."""
        found = _VKEY.fullmatch(line.strip())
        if found is None:
            raise ProofError("a verifier key is written name+id+key")
        raw = decode_base64(found["key"])
        if len(raw) != 1 + KEY_BYTES or raw[0] not in Algorithm.__members__.values():
            raise ProofError(f"the verifier key of {found['name']} is of no known algorithm")
        key = cls(found["name"], Algorithm(raw[0]), raw[1:])
        if key.key_id.hex() != found["id"]:
            raise ProofError(f"the id in the verifier key of {key.name} is not that of its key")
        return key

    def __str__(self) -> str:
        """As `parse` reads it."""
        raw = bytes([self.algorithm]) + self.public_key
        return f"{self.name}+{self.key_id.hex()}+{encode_base64(raw)}"

    def check(self, text: bytes, signature: bytes) -> None:
        """ProofError unless this key signed the text; for a cosignature, text and the time in the signature."""
        if self.algorithm is Algorithm.COSIGNATURE_V1:
            text, signature = cosigned(text, time_of(signature)), signature[_TIME_BYTES:]
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, text)
        except (InvalidSignature, ValueError) as error:
            raise ProofError(f"the signature of {self.name} does not hold") from error


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One line below a note; nothing is known of it before it is verified."""

    name: str
    #: 4 bytes.
    key_id: bytes
    signature: bytes

    def line(self) -> str:
        """The line, with its newline."""
        return f"{_DASH}{self.name} {encode_base64(self.key_id + self.signature)}\n"

    @classmethod
    def parse(cls, line: str) -> NoteSignature:
        """Read a line without its newline; raises ProofError."""
        name, _, coded = line.removeprefix(_DASH).partition(" ")
        if not line.startswith(_DASH) or _NAME.fullmatch(name) is None:
            raise ProofError("a line below the note is no signature")
        raw = decode_base64(coded)
        if len(raw) <= _KEY_ID_BYTES:
            raise ProofError(f"the signature of {name} is too short")
        return cls(name, raw[:_KEY_ID_BYTES], raw[_KEY_ID_BYTES:])


class NoteSigner(Protocol):
    """A key that signs notes, wherever it lives."""

    @property
    def verifier(self) -> VerifierKey:
        """The public half."""
        ...

    def sign(self, text: bytes) -> bytes:
        """The signature as it stands in the line, behind the key id."""
        ...


@dataclass(frozen=True, slots=True)
class SignedNote:
    """A text with its signatures, in the order of their lines."""

    #: Ends in a newline.
    text: bytes
    signatures: tuple[NoteSignature, ...]

    @classmethod
    def parse(cls, note: bytes) -> SignedNote:
        """Read a note; ProofError when it is none."""
        if len(note) > MAX_NOTE_BYTES:
            raise ProofError(f"a note of {len(note)} bytes is over {MAX_NOTE_BYTES}")
        text, gap, below = _decoded(note).rpartition("\n\n")
        if not gap or not text or not below.endswith("\n"):
            raise ProofError("a note is a text, an empty line, and lines of signatures")
        lines = below.removesuffix("\n").split("\n")
        if len(lines) > MAX_SIGNATURES:
            raise ProofError(f"a note has more than {MAX_SIGNATURES} signatures")
        return cls(f"{text}\n".encode(), tuple(NoteSignature.parse(line) for line in lines))

    def verify(self, keys: Iterable[VerifierKey]) -> list[VerifierKey]:
        """The keys among these that signed; ProofError when one's signature is wrong, or none signed."""
        known = {(key.name, key.key_id): key for key in keys}
        signed: dict[VerifierKey, None] = {}
        for signature in self.signatures:
            key = known.get((signature.name, signature.key_id))
            if key is not None:
                key.check(self.text, signature.signature)
                signed[key] = None
        if not signed:
            raise ProofError("no known key signed the note")
        return list(signed)

    def with_signatures(self, more: Iterable[NoteSignature]) -> SignedNote:
        """The same text with more lines below."""
        return SignedNote(self.text, (*self.signatures, *more))

    def __bytes__(self) -> bytes:
        """The note as it is written."""
        return self.text + b"\n" + "".join(signature.line() for signature in self.signatures).encode()


def sign(text: bytes, signer: NoteSigner) -> SignedNote:
    """A note over a text that ends in a newline and has no control characters; else ProofError."""
    if not text.endswith(b"\n") or text == b"\n":
        raise ProofError("the text of a note is not empty and ends in a newline")
    _decoded(text)
    return SignedNote(text, (signature_by(signer, text),))


def signature_by(signer: NoteSigner, text: bytes) -> NoteSignature:
    """The signer's line for a text."""
    key = signer.verifier
    return NoteSignature(key.name, key.key_id, signer.sign(text))


def cosigned(text: bytes, at: int) -> bytes:
    """What a witness signs: that it saw the text at that time, in seconds since 1970."""
    return b"cosignature/v1\ntime %d\n" % at + text


def time_of(signature: bytes) -> int:
    """The time in a cosignature, in seconds since 1970; ProofError when it is none."""
    if len(signature) != _TIME_BYTES + _SIGNATURE_BYTES:
        raise ProofError("a cosignature is a time of 8 bytes and a signature of 64")
    at = int.from_bytes(signature[:_TIME_BYTES], "big")
    if at > _LAST_TIME:
        raise ProofError("the time of a cosignature is out of range")
    return at


def encode_base64(raw: bytes) -> str:
    """Base 64 with padding."""
    return base64.b64encode(raw).decode()


def decode_base64(text: str) -> bytes:
    """Base 64 as `encode_base64` writes it and no other way, so that nothing has two spellings; else ProofError."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ProofError("that is not base 64") from error
    if encode_base64(raw) != text:
        raise ProofError("that is not base 64 in its one form")
    return raw


def _decoded(note: bytes) -> str:
    try:
        text = note.decode()
    except UnicodeDecodeError as error:
        raise ProofError("a note is UTF-8") from error
    if any(ord(character) < _PRINTABLE and character != "\n" for character in text):
        raise ProofError("a note has no control characters")
    return text
