"""Encryption of what lies in a backup folder, by a key file. The format is written down in docs/backup.md.

    magic            16 bytes   gateway-sealed-1
    key id            8 bytes   which key file, derived from it
    salt             32 bytes   random, one per file
    chunks                      AES-256-GCM of 1 MiB each, the last one shorter, tag behind each

Each file has a key of its own: HKDF-SHA256 of the key file's 32 bytes with the salt and the file's *purpose* (its
name in the folder), so that no file can be passed off as another. A chunk's nonce is its number and whether it is
the last one, and its associated data the header, so that chunks cannot be left out, doubled, swapped or cut off:
the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizár, as age and Tink use it.

What is wrong raises RefusedError: `copy_key_wrong` for a file of another key, `copy_damaged` for anything else.
It does NOT hide how long a file is.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.errors import KeyFileError, RefusedError
from gateway.fsio import write_durably
from gateway.seal.keys import read_key_file

_MAGIC: Final = b"gateway-sealed-1"
_KEY_PREFIX: Final = "gateway-backup-key-1 "
_KEY_BYTES: Final = 32
_ID_BYTES: Final = 8
_SALT_BYTES: Final = 32
_TAG_BYTES: Final = 16
_HEADER_BYTES: Final = len(_MAGIC) + _ID_BYTES + _SALT_BYTES
CHUNK_BYTES: Final = 1024 * 1024


class BackupKey:
    """The secret of a backup folder."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._id = self._derive(b"id", b"", _ID_BYTES)
        self._names = self._derive(b"names", b"", _KEY_BYTES)
        self._manifests = self._derive(b"manifests", b"", _KEY_BYTES)

    @classmethod
    def load(cls, path: Path) -> BackupKey:
        """From a file of mode 0600; KeyFileError when it is none."""
        text = read_key_file(path).decode("ascii", "replace").strip()
        secret = text.removeprefix(_KEY_PREFIX)
        if secret == text or len(secret) != 2 * _KEY_BYTES or set(secret) - set("0123456789abcdef"):
            raise KeyFileError(f"{path} is no key of backups; make one: gateway backup-key FILE", path=str(path))
        return cls(bytes.fromhex(secret))

    @staticmethod
    def make(path: Path) -> BackupKey:
        """A new key in a new file of mode 0600."""
        if path.exists():
            raise KeyFileError(f"{path} exists and is not overwritten", path=str(path))
        write_durably(path, f"{_KEY_PREFIX}{secrets.token_hex(_KEY_BYTES)}\n".encode())
        return BackupKey.load(path)

    @property
    def id(self) -> str:
        """Which key it is; tells nothing of the secret."""
        return self._id.hex()

    def name_of(self, sha256: str) -> str:
        """What a body is called in the folder: its digest would tell who has the document that it is here."""
        return hmac.new(self._names, sha256.encode(), hashlib.sha256).hexdigest()

    def code_of(self, manifest: bytes) -> str:
        """The authentication code of a manifest."""
        return hmac.new(self._manifests, manifest, hashlib.sha256).hexdigest()

    def seal(self, pieces: Iterable[bytes], purpose: str) -> Iterator[bytes]:
        """The encrypted file, piece by piece."""
        salt = os.urandom(_SALT_BYTES)
        header = _MAGIC + self._id + salt
        cipher = AESGCM(self._derive(b"file " + purpose.encode(), salt, _KEY_BYTES))
        yield header
        for number, (chunk, is_last) in enumerate(_chunks(pieces)):
            yield cipher.encrypt(_nonce(number, is_last=is_last), chunk, header)

    def open(self, file: BinaryIO, purpose: str) -> Iterator[bytes]:
        """The bytes that were sealed, piece by piece; nothing comes that was not authenticated."""
        header = file.read(_HEADER_BYTES)
        if len(header) < _HEADER_BYTES or not header.startswith(_MAGIC):
            raise RefusedError("copy_damaged", f"{purpose} does not begin as an encrypted file does")
        found = header[len(_MAGIC) : len(_MAGIC) + _ID_BYTES]
        if found != self._id:
            raise RefusedError("copy_key_wrong", f"it was made with the key {found.hex()}, this is {self.id}")
        cipher = AESGCM(self._derive(b"file " + purpose.encode(), header[-_SALT_BYTES:], _KEY_BYTES))
        number, chunk = 0, file.read(CHUNK_BYTES + _TAG_BYTES)
        while True:
            following = file.read(CHUNK_BYTES + _TAG_BYTES)
            try:
                yield cipher.decrypt(_nonce(number, is_last=not following), chunk, header)
            except (InvalidTag, ValueError) as error:
                raise RefusedError("copy_damaged", f"{purpose}: chunk {number} is not what was written") from error
            if not following:
                return
            number, chunk = number + 1, following

    def _derive(self, info: bytes, salt: bytes, length: int) -> bytes:
        derivation = HKDF(algorithm=hashes.SHA256(), length=length, salt=salt, info=b"gateway backup 1 " + info)
        return derivation.derive(self._secret)


def sealed_size(size: int) -> int:
    """How long the encrypted file of `size` bytes is."""
    chunks = max(1, -(-size // CHUNK_BYTES))
    return _HEADER_BYTES + size + chunks * _TAG_BYTES


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([is_last])


def _chunks(pieces: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Chunks of full length, and whether one is the last; at least one, which may be empty."""
    rest = bytearray()
    for piece in pieces:
        rest += piece
        while len(rest) > CHUNK_BYTES:  # never exactly: the last one must be known when it is sealed
            yield bytes(rest[:CHUNK_BYTES]), False
            del rest[:CHUNK_BYTES]
    yield bytes(rest), True
