"""The form of a stored body: a header that says which kind it is, then the bytes, or chunks of them encrypted.

    plain       header of 16 bytes: magic (6), version (1), kind 0 (1), length of the header (2), zeros (6); the
    body encrypted   header of 84 bytes: magic (6), version (1), kind 1 (1), length of the header (2), size of a
    chunk as a
                power of two (1), zeros (5), id of the data key (8), nonce (12), the file's own key, encrypted (48);
                then chunks, each: nonce (12), AES-256-GCM of up to 256 KiB of the body, its tag (16)

The file's key is 32 random bytes, encrypted with AES-256-GCM under the data key, its associated data the 24 bytes
before. A chunk's associated data is the header, its number (8 bytes, big-endian) and 1 for the last chunk, else 0:
none can be cut off, doubled, moved or taken from another file unseen. Every body has a last chunk; only that one is
shorter, and only that of an empty body is empty. Nonces are random, so a chunk that is written again gives nothing
away.

Numbers only: this module opens no file and knows no cipher. docs/encryption.md says the same for others.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from gateway.errors import BodyDamagedError

_START: Final = struct.Struct(">6sBBHB5x")
_MAGIC: Final = b"GWBODY"
_VERSION: Final = 1
_PLAIN, _ENCRYPTED = 0, 1
_CHUNK_BITS: Final = 18
#: Nobody writes other ones today; a reader allocates no more than this.
_MOST_CHUNK_BITS: Final = 24
_PLACE: Final = struct.Struct(">Q?")

NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
KEY_BYTES: Final = 32
KEY_ID_BYTES: Final = 8
WRAPPED_BYTES: Final = NONCE_BYTES + KEY_BYTES + TAG_BYTES
#: What a chunk costs beside its bytes.
EXTRA_BYTES: Final = NONCE_BYTES + TAG_BYTES
#: Bytes of a body in a chunk: so many that the cipher mostly runs without the interpreter's lock.
CHUNK_BYTES: Final = 1 << _CHUNK_BITS

#: Length of the header of a plain body, and what it is.
HEADER_BYTES: Final = _START.size
HEADER: Final = _START.pack(_MAGIC, _VERSION, _PLAIN, HEADER_BYTES, 0)
#: Length of the longest header.
MOST_HEADER_BYTES: Final = HEADER_BYTES + KEY_ID_BYTES + WRAPPED_BYTES


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """The beginning of a stored file."""

    #: As it stands in the file; all of it is authenticated with every chunk.
    raw: bytes
    #: Bytes of the body in one chunk; 0 in a plain file.
    chunk_bytes: int = 0

    @property
    def is_encrypted(self) -> bool:
        """Whether chunks follow."""
        return self.chunk_bytes > 0

    @property
    def key_id(self) -> bytes:
        """Which data key the file's own is encrypted under."""
        return self.raw[HEADER_BYTES : HEADER_BYTES + KEY_ID_BYTES]

    @property
    def bound(self) -> bytes:
        """What is authenticated with the file's key."""
        return self.raw[: HEADER_BYTES + KEY_ID_BYTES]

    @property
    def wrapped(self) -> bytes:
        """The file's key: nonce, ciphertext, tag."""
        return self.raw[HEADER_BYTES + KEY_ID_BYTES :]

    def size_of(self, stored: int, name: str) -> int:
        """Bytes of the body in a file of `stored` bytes; BodyDamagedError when no body gives such a file."""
        rest = stored - len(self.raw)
        if not self.is_encrypted:
            return rest
        chunks = self.chunks_of(stored)
        last = rest - (chunks - 1) * (self.chunk_bytes + EXTRA_BYTES)
        if last < EXTRA_BYTES or (last == EXTRA_BYTES and chunks > 1):
            raise BodyDamagedError(f"{name} is cut off within a chunk", changed=True)
        return rest - chunks * EXTRA_BYTES

    def chunks_of(self, stored: int) -> int:
        """How many chunks such a file has, the last one perhaps in part; at least one."""
        return max(1, -(-(stored - len(self.raw)) // (self.chunk_bytes + EXTRA_BYTES)))

    def place_of(self, number: int) -> int:
        """Where a chunk begins in the file."""
        return len(self.raw) + number * (self.chunk_bytes + EXTRA_BYTES)

    def bound_to(self, number: int, *, is_last: bool) -> bytes:
        """What is authenticated with a chunk."""
        return self.raw + _PLACE.pack(number, is_last)


PLAIN: Final = Header(raw=HEADER)


def bound_start(key_id: bytes) -> bytes:
    """The beginning of a new encrypted file's header, as it is authenticated with the file's key."""
    return _START.pack(_MAGIC, _VERSION, _ENCRYPTED, MOST_HEADER_BYTES, _CHUNK_BITS) + key_id


def header_of(data: bytes, name: str) -> Header:
    """The header with which `data` begins; BodyDamagedError when it is none that we know."""
    if data[:HEADER_BYTES] == HEADER:
        return PLAIN
    if len(data) >= MOST_HEADER_BYTES:
        bits = data[HEADER_BYTES - 6]
        raw = bytes(data[:MOST_HEADER_BYTES])
        due = _START.pack(_MAGIC, _VERSION, _ENCRYPTED, MOST_HEADER_BYTES, bits)
        if raw.startswith(due) and 0 < bits <= _MOST_CHUNK_BITS:
            return Header(raw=raw, chunk_bytes=1 << bits)
    raise BodyDamagedError(f"{name} does not begin with a known header")


def stored_sizes(size: int) -> tuple[int, int]:
    """How long the file of a body of `size` bytes is: plain, and encrypted in chunks of today's size."""
    chunks = max(1, -(-size // CHUNK_BYTES))
    return HEADER_BYTES + size, MOST_HEADER_BYTES + size + chunks * EXTRA_BYTES
