"""Shared secrets at rest: sealed with AES-256-GCM under a key that lies apart from the database.

The key is a file of the secrets folder that nobody but its owner may read, 32 bytes in hexadecimal. It is made by
the first act that seals something, never by a look at it, and never beside secrets in force or second factors of
people who may sign in: a key made anew beside those sealed under an old one would hide that the old one is lost.
What a secret is for is authenticated with it, so that a row copied to another agency opens nowhere.

It does NOT protect from somebody who reads both the database and the secrets folder.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.clock import micros
from gateway.errors import KeyFileError, RefusedError, SecretKeyError
from gateway.fsio import make_private_dir, write_durably
from gateway.seal.keys import read_key_file
from gateway.storage.readers import Readers

#: Its name in the secrets folder.
KEY_FILE: Final = "shared-secrets.key"
_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_ID_DIGITS: Final = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class _Key:
    id: str
    cipher: AESGCM


class SecretBox:
    """Seals and opens; the key is read once and again when its file was replaced."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / KEY_FILE
        self._known: tuple[tuple[int, int], _Key] | None = None

    @property
    def path(self) -> Path:
        """The key's file."""
        return self._path

    def exists(self) -> bool:
        """Whether a key was ever made here."""
        return self._path.exists()

    def make(self) -> None:
        """A new key; KeyFileError where there is one."""
        make_private_dir(self._path.parent)
        if self._path.exists():
            raise KeyFileError(f"{self._path} exists", path=str(self._path))
        write_durably(self._path, os.urandom(_KEY_BYTES).hex().encode())

    async def require(self, readers: Readers, now: datetime) -> None:
        """The key, made where there is none and nothing in force was sealed under one.

        Late forms are no hindrance: they last days, and one that cannot be read is told of to its person.
        """
        if self.exists():
            return
        if await readers.fetch("sealed_find_any", (micros(now),)):
            raise RefusedError(
                "secret_key_lost",
                f"{KEY_FILE} is gone, and secrets or people's second factors were sealed under it: put it back "
                "from a backup, or revoke the secrets and reset the users who have one-time codes",
            )
        if not self.exists():  # somebody else's act made it meanwhile
            self.make()

    @property
    def key_id(self) -> str:
        """Which key it is: the beginning of its digest. SecretKeyError where it cannot be read."""
        return self._key().id

    def seal(self, secret: bytes, purpose: str) -> bytes:
        """Nonce, ciphertext and tag."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._key().cipher.encrypt(nonce, secret, purpose.encode())

    def open(self, sealed: bytes, purpose: str) -> bytes:
        """The secret; SecretKeyError when it was sealed under another key or for another purpose."""
        try:
            return self._key().cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], purpose.encode())
        except (InvalidTag, ValueError) as error:
            raise SecretKeyError(
                f"{self._path} is not the key that this secret was sealed under", path=str(self._path)
            ) from error

    def _key(self) -> _Key:
        try:
            about = self._path.stat()
        except OSError as error:
            raise SecretKeyError(f"cannot read {self._path}: {error.strerror}", path=str(self._path)) from error
        version = (about.st_ino, about.st_mtime_ns)
        if self._known is None or self._known[0] != version:
            self._known = (version, _read(self._path))
        return self._known[1]


def _read(path: Path) -> _Key:
    try:
        key = bytes.fromhex(read_key_file(path).decode("ascii").strip())
    except KeyFileError as error:
        raise SecretKeyError(str(error), path=str(path)) from error
    except ValueError as error:
        raise SecretKeyError(f"{path} holds no key in hexadecimal", path=str(path)) from error
    if len(key) != _KEY_BYTES:
        raise SecretKeyError(f"{path} holds no key of {_KEY_BYTES} bytes", path=str(path))
    return _Key(id=sha256(key).hexdigest()[:_ID_DIGITS], cipher=AESGCM(key))
