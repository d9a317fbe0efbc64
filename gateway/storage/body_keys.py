"""The keys of bodies: one of the operator that encrypts data keys, and data keys that encrypt the keys of files.

    key-encryption key   a file of the operator (`KeyFile`, mode 0600), or a token (`body_token`): a `Wrapper`
    data keys            random, in the ledger, encrypted under it; the newest serves new files
    key of a file        random, in the file's header, encrypted under a data key (`body_format`)

So the operator's key can be changed without touching a body: the ledger's few rows are written anew in one
transaction (decision 37). The key file holds every key that something may still need, newest first, a line each:
`gateway-bodies-key-1` and 64 hexadecimal digits.

It does NOT protect from somebody who reads the data folder and the key file, or this process's memory.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.errors import BodyDamagedError, KeyFileError
from gateway.fsio import atomic_replace, make_private_dir, write_durably
from gateway.seal.keys import read_key_file
from gateway.storage.body_file import ChunkEncryptor
from gateway.storage.body_format import KEY_BYTES, KEY_ID_BYTES, NONCE_BYTES, PLAIN, Header, bound_start, header_of

_WORD: Final = "gateway-bodies-key-1"
_PURPOSE: Final = b"gateway bodies data key 1 "


class Wrapper(Protocol):
    """What encrypts data keys: a file, or a token."""

    @property
    def newest(self) -> str:
        """Id of the key that encrypts."""
        ...

    def wrap(self, secret: bytes, bound: bytes) -> bytes:
        """`secret` encrypted under the newest key, `bound` authenticated with it."""
        ...

    def unwrap(self, key_id: str, wrapped: bytes, bound: bytes) -> bytes:
        """The secret again; KeyFileError where this key is not here or not the right one."""
        ...


class Place(Protocol):
    """Where such keys are; they are opened for a moment."""

    def opened(self) -> AbstractContextManager[Wrapper]:
        """KeyFileError where they are not there, or do not serve."""
        ...


class KeyFile:
    """A `Wrapper` of the keys in a file."""

    def __init__(self, path: Path, secrets: Sequence[bytes]) -> None:
        self.path = path
        self._ciphers = {_id_of(secret): AESGCM(secret) for secret in secrets}

    @classmethod
    def load(cls, path: Path) -> KeyFile:
        """From a file of mode 0600; KeyFileError when it is none."""
        return cls(path, _secrets(path))

    @staticmethod
    def make(path: Path) -> None:
        """A new key in a new file."""
        make_private_dir(path.parent)
        if path.exists():
            raise KeyFileError(f"{path} exists and is not overwritten", path=str(path))
        write_durably(path, _text([os.urandom(KEY_BYTES)]))

    @staticmethod
    def add(path: Path) -> None:
        """One more key, the newest; after a crash the file has it or has not."""
        atomic_replace(path, _text([os.urandom(KEY_BYTES), *_secrets(path)]))

    @staticmethod
    def remove(path: Path, key_id: str) -> None:
        """One key less."""
        atomic_replace(path, _text([secret for secret in _secrets(path) if _id_of(secret) != key_id]))

    @property
    def ids(self) -> tuple[str, ...]:
        """Every key of the file, newest first."""
        return tuple(self._ciphers)

    @property
    def newest(self) -> str:
        """Id of the first key."""
        return self.ids[0]

    def wrap(self, secret: bytes, bound: bytes) -> bytes:
        """Nonce, ciphertext, tag."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._ciphers[self.newest].encrypt(nonce, secret, bound)

    def unwrap(self, key_id: str, wrapped: bytes, bound: bytes) -> bytes:
        """The secret again."""
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            held = ", ".join(self.ids)
            raise KeyFileError(
                f"{self.path} lacks the key {key_id} that bodies are encrypted under; it holds {held}",
                path=str(self.path),
            )
        try:
            return cipher.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], bound)
        except (InvalidTag, ValueError) as error:
            raise KeyFileError(f"a data key is not what was written under the key {key_id}") from error


@dataclass(frozen=True, kw_only=True, slots=True)
class WrappedKey:
    """A data key as the ledger has it."""

    #: 16 hexadecimal digits; in the header of each file it serves.
    id: str
    #: Id of the key that it is encrypted under.
    wrapper: str
    wrapped: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class DataKey:
    """A data key in use."""

    id: str
    secret: bytes = field(repr=False)

    @classmethod
    def make(cls) -> DataKey:
        """A new one."""
        return cls(id=os.urandom(KEY_ID_BYTES).hex(), secret=os.urandom(KEY_BYTES))

    @classmethod
    def unwrapped(cls, row: WrappedKey, wrapper: Wrapper) -> DataKey:
        """The key of a row; KeyFileError."""
        return cls(id=row.id, secret=wrapper.unwrap(row.wrapper, row.wrapped, _bound(row.id)))

    def wrapped(self, wrapper: Wrapper) -> WrappedKey:
        """The row of it, under the wrapper's newest key."""
        return WrappedKey(id=self.id, wrapper=wrapper.newest, wrapped=wrapper.wrap(self.secret, _bound(self.id)))


class BodyKeys:
    """The data keys of one store, opened; empty where nothing was ever encrypted."""

    def __init__(self, keys: Iterable[DataKey] = (), *, encrypting: bool = True) -> None:
        """`keys` oldest first; without `encrypting` new bodies are plain all the same."""
        self._encrypting = encrypting
        self._ciphers: dict[bytes, AESGCM] = {}
        self._newest = b""
        for key in keys:
            self.admit(key)

    @classmethod
    def opened(cls, rows: Sequence[WrappedKey], place: Place, *, encrypting: bool = True) -> BodyKeys:
        """The keys of the ledger; KeyFileError where there are some and the place does not open them."""
        if not rows:
            return cls(encrypting=encrypting)
        with place.opened() as wrapper:
            return cls([DataKey.unwrapped(row, wrapper) for row in rows], encrypting=encrypting)

    def admit(self, key: DataKey) -> None:
        """From now on this is the newest."""
        self._newest = bytes.fromhex(key.id)
        self._ciphers[self._newest] = AESGCM(key.secret)

    @property
    def is_encrypting(self) -> bool:
        """Whether new bodies are encrypted."""
        return self._encrypting and bool(self._ciphers)

    def learn(self, others: BodyKeys) -> None:
        """Read what the others read, too; the newest stays."""
        self._ciphers |= others._ciphers

    def new_file(self) -> ChunkEncryptor | None:
        """What makes the chunks of a new file; None where it is to be plain."""
        if not self.is_encrypting:
            return None
        start = bound_start(self._newest)
        random = os.urandom(KEY_BYTES + NONCE_BYTES)
        secret, nonce = random[:KEY_BYTES], random[KEY_BYTES:]
        wrapped = nonce + self._ciphers[self._newest].encrypt(nonce, secret, start)
        return ChunkEncryptor(header_of(start + wrapped, "a new file"), secret)

    def stored(self, content: bytes) -> tuple[bytes | bytearray, ...]:
        """The file of a small body, in pieces."""
        encryptor = self.new_file()
        if encryptor is None:
            return PLAIN.raw, content
        return encryptor.header.raw, *encryptor.feed(content), encryptor.finish()

    def key_of(self, header: Header, name: str) -> bytes | None:
        """The key of a file; None of a plain one. BodyDamagedError when the header is not what was written."""
        if not header.is_encrypted:
            return None
        cipher = self._ciphers.get(header.key_id)
        if cipher is None:
            raise BodyDamagedError(
                f"{name} is encrypted under the data key {header.key_id.hex()}, which is not here"
            )
        try:
            return cipher.decrypt(header.wrapped[:NONCE_BYTES], header.wrapped[NONCE_BYTES:], header.bound)
        except InvalidTag as error:
            raise BodyDamagedError(f"the header of {name} is not what was written", changed=True) from error


#: Of a store that encrypts nothing.
NO_KEYS: Final = BodyKeys()


def _secrets(path: Path) -> list[bytes]:
    lines = read_key_file(path).decode("ascii", "replace").split("\n")
    words = [line.split() for line in lines if line.strip()]
    good = [len(each) == 2 and each[0] == _WORD and _is_secret(each[1]) for each in words]  # noqa: PLR2004
    if not words or not all(good):
        raise KeyFileError(f"{path} is no key file of bodies; make one: gateway keys bodies init", path=str(path))
    return [bytes.fromhex(secret) for _, secret in words]


def _is_secret(text: str) -> bool:
    return len(text) == 2 * KEY_BYTES and not set(text) - set("0123456789abcdef")


def _text(secrets: Iterable[bytes]) -> bytes:
    return "".join(f"{_WORD} {secret.hex()}\n" for secret in secrets).encode()


def _id_of(secret: bytes) -> str:
    return hmac.digest(secret, b"gateway bodies key id 1", "sha256")[:KEY_ID_BYTES].hex()


def _bound(key_id: str) -> bytes:
    return _PURPOSE + key_id.encode()
