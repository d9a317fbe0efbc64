"""Reads the first file of a ZIP as its bytes pass by, keeping nothing of them.

Writers wrap an attachment in a ZIP of one entry with a streaming header (sizes behind the data), so the local
header, the deflate stream, the checksum and the end record are all that is needed. Only `stored` and
`deflate` are taken. Sizes are counted, never believed; a ratio or size beyond the limits ends the unpacking
with a problem instead of an exception, since a file whose name promises a ZIP is not unpacked anyway.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Callable
from enum import StrEnum

from gateway.edxml.encryption import Front
from gateway.edxml.envelope import Encryption
from gateway.edxml.limits import ParseLimits
from gateway.edxml.marks import IN_PDF, WordSearch

LOCAL_HEADER = b"PK\x03\x04"

_HEADER = struct.Struct("<4sHHHHHIIIHH")
_DESCRIPTOR = b"PK\x07\x08"
_END_RECORD = b"PK\x05\x06"
_ENCRYPTED, _SIZES_BEHIND = 0x1, 0x8
_STORED, _DEFLATED = 0, 8
_ZIP64 = 0xFFFFFFFF
_MOST_OUT = 256 * 1024
_TAIL = 4096
#: What some writers store as the content of a folder: an empty deflate stream.
_MOST_IN_FOLDER = 16
_DESCRIPTOR_SIZE = 8
#: First entries that only a package of its own kind has (OOXML, ODF, EPUB, ASiC).
_PACKAGE_MARKS = frozenset({b"[Content_Types].xml", b"mimetype"})


class ZipProblem(StrEnum):
    """Why the first file could not be had."""

    ENCRYPTED = "the archive is encrypted"
    UNSUPPORTED = "the archive uses a method that is not taken"
    BROKEN = "the archive is broken or cut off"
    BOMB = "the archive unpacks to far more than its size"
    TOO_LARGE = "the archive unpacks to more than the limit"


class _Stage(StrEnum):
    HEADER = "header"
    DATA = "data"
    AFTER = "after"
    FAILED = "failed"


class FirstFile:
    """The first file of the ZIP fed in; its bytes go to `write` if one is given."""

    def __init__(self, limits: ParseLimits, max_bytes: int, write: Callable[[bytes], object] | None = None) -> None:
        self._ratio, self._floor, self._max = limits.max_zip_ratio, limits.zip_ratio_floor, max_bytes
        self._write = write
        self._stage = _Stage.HEADER
        self._pending = b""
        self._tail = b""
        self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        self._stored = False
        self._left = 0
        self._flags = 0
        self._crc_wanted: int | None = None
        self._crc = 0
        self._packed = 0
        self._folders = 0
        self._digest = hashlib.sha256()
        self._front = Front()
        self._search = WordSearch(IN_PDF)
        self.problem: ZipProblem | None = None
        #: Bytes of the file so far.
        self.size = 0
        #: Its first four bytes.
        self.head = b""
        #: Whether the archive is a document format of its own (DOCX, ODT …), not a wrapper.
        self.is_package = False
        #: Files the archive says it has, folders before the first one aside; 0 until `finish`.
        self.entries = 0

    @property
    def sha256(self) -> str:
        """Of the bytes so far, hex."""
        return self._digest.hexdigest()

    @property
    def encryption(self) -> Encryption | None:
        """How the file is encrypted; known after `finish`."""
        return self._front.encryption

    @property
    def is_marked(self) -> bool:
        """Whether the bytes so far may hold a signature."""
        return self._search.found

    def feed(self, data: bytes) -> None:
        """The next bytes of the archive."""
        rest = data
        if self._stage is _Stage.HEADER:
            rest = self._read_header(rest)
        if self._stage is _Stage.DATA and rest:
            rest = self._copy(rest) if self._stored else self._unpack(rest)
        if self._stage is _Stage.AFTER and rest:
            if len(self._pending) < _DESCRIPTOR_SIZE:
                self._pending += rest[:_DESCRIPTOR_SIZE]
            self._tail = (self._tail + rest)[-_TAIL:]

    def finish(self) -> None:
        """The archive has ended: checks that it is whole."""
        self._front.finish()
        if self._stage is _Stage.FAILED:
            return
        at = self._tail.rfind(_END_RECORD)
        if self._stage is not _Stage.AFTER or at < 0 or len(self._tail) - at < 22:  # noqa: PLR2004 - size of that record
            self._fail(ZipProblem.BROKEN)
            return
        self.entries = int.from_bytes(self._tail[at + 10 : at + 12], "little") - self._folders
        if self._flags & _SIZES_BEHIND:
            behind = self._pending
            crc = behind[4:8] if behind.startswith(_DESCRIPTOR) else behind[:4]
            self._crc_wanted = int.from_bytes(crc, "little")
        if self._crc_wanted != self._crc:
            self._fail(ZipProblem.BROKEN)

    def _fail(self, problem: ZipProblem) -> None:
        self.problem = problem
        self._stage = _Stage.FAILED

    def _read_header(self, data: bytes) -> bytes:
        """Reads local headers, passing over those of folders; what follows the last one is returned."""
        self._pending += data
        while self._stage is _Stage.HEADER and len(self._pending) >= _HEADER.size:
            magic, _, flags, method, _, _, crc, packed, _, name_size, extra_size = _HEADER.unpack_from(
                self._pending
            )
            end = _HEADER.size + name_size + extra_size
            name = self._pending[_HEADER.size : _HEADER.size + name_size]
            is_folder = name.endswith(b"/") and not flags & _SIZES_BEHIND and packed <= _MOST_IN_FOLDER
            end += packed if is_folder else 0
            if magic != LOCAL_HEADER:
                self._fail(ZipProblem.BROKEN)
            if len(self._pending) < end or self.problem:
                break
            self._pending = self._pending[end:]
            if is_folder:
                self._folders += 1
            else:
                self._begin(name, flags, method, crc, packed)
        if self._stage not in {_Stage.DATA, _Stage.AFTER}:
            return b""
        rest, self._pending = self._pending, b""
        return rest

    def _begin(self, name: bytes, flags: int, method: int, crc: int, packed: int) -> None:
        self.is_package = name in _PACKAGE_MARKS
        self._flags, self._crc_wanted, self._left = flags, crc, packed
        self._stored = method == _STORED
        if flags & _ENCRYPTED:
            self._fail(ZipProblem.ENCRYPTED)
        elif method not in {_STORED, _DEFLATED} or (self._stored and (flags & _SIZES_BEHIND or packed == _ZIP64)):
            self._fail(ZipProblem.UNSUPPORTED)
        else:
            self._stage = _Stage.AFTER if self._stored and packed == 0 else _Stage.DATA

    def _copy(self, data: bytes) -> bytes:
        piece, rest = data[: self._left], data[self._left :]
        self._left -= len(piece)
        self._packed += len(piece)
        self._emit(piece)
        if self._left == 0 and self._stage is _Stage.DATA:
            self._stage = _Stage.AFTER
        return rest

    def _unpack(self, data: bytes) -> bytes:
        self._packed += len(data)
        while data and self._stage is _Stage.DATA:
            try:
                out = self._inflate.decompress(data, _MOST_OUT)
            except zlib.error:
                self._fail(ZipProblem.BROKEN)
                break
            self._emit(out)
            data = self._inflate.unconsumed_tail
            if self._inflate.eof and self._stage is _Stage.DATA:
                self._stage = _Stage.AFTER
        return self._inflate.unused_data

    def _emit(self, out: bytes) -> None:
        self.size += len(out)
        if self.size > self._max:
            self._fail(ZipProblem.TOO_LARGE)
        elif self.size > self._floor and self.size > self._ratio * self._packed:
            self._fail(ZipProblem.BOMB)
        else:
            if len(self.head) < len(LOCAL_HEADER):
                self.head = (self.head + out)[: len(LOCAL_HEADER)]
            self._digest.update(out)
            self._front.feed(out)
            self._search.feed(out)
            self._crc = zlib.crc32(out, self._crc)
            if self._write is not None:
                self._write(out)
