"""The container of a bundle: a ZIP file of the one shape that has no place for tricks [APPNOTE 6.3.3].

    local header, bytes, local header, bytes, …, central directory, its end (22 bytes, no comment)

All entries are stored: what is not compressed cannot expand. No flags, no extra fields, no data descriptors, no
comments, no ZIP64, one constant date; local headers and central directory say the same in the same order, and every
byte of the file belongs to one of them. `mimetype` stands first. So there is one reading of such a file, whoever
reads it.

`Container.open` walks the structure and gives every departure that it meets; what can still be told apart can be
read. It does NOT judge what the entries say.
"""

from __future__ import annotations

import mmap
import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from gateway.bundle.format import (
    MAX_ENTRIES,
    MAX_NAME_BYTES,
    MAX_SMALL_BYTES,
    MEDIA_TYPE,
    MIMETYPE,
    is_body,
    lacks_place,
    required_of,
    role_of,
)
from gateway.errors import BundleError

_LOCAL: Final = struct.Struct("<4s5H3I2H")
_CENTRAL: Final = struct.Struct("<4s6H3I5H2I")
_END: Final = struct.Struct("<4s4H2IH")
_LOCAL_MARK, _CENTRAL_MARK, _END_MARK = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
#: Version 1.0, MS-DOS; 1 January 1980.
_VERSION: Final = 10
_DATE: Final = 1 << 5 | 1
_STORED: Final = 0
_ENCRYPTED: Final = 0x0001
_DESCRIPTOR: Final = 0x0008
_MOST: Final = 0xFFFFFFFF
_PIECE: Final = 1024 * 1024
#: Faults that are told of one file; a hostile one could hold millions.
_MAX_FAULTS: Final = 100


@dataclass(frozen=True, slots=True)
class Fault:
    """A departure from the shape."""

    #: Such as `duplicate_entry`; stable.
    code: str
    #: One sentence for a person.
    text: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One file in the container."""

    name: str
    #: Of its bytes in the file.
    offset: int
    size: int
    crc: int


@dataclass(kw_only=True)
class Container:
    """A bundle's file, open for reading."""

    data: mmap.mmap | bytes
    #: In the order of the file; the first of several with one name.
    entries: dict[str, Entry] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    _digests: dict[str, bytes] = field(default_factory=dict)
    #: Bodies that were destroyed by order: length, and a file that may be the original.
    _absent: dict[str, tuple[int, Path | None]] = field(default_factory=dict)

    @classmethod
    def open(cls, path: Path) -> Container:
        """Read the structure of a file; BundleError when there is none to read."""
        try:
            with path.open("rb") as file:
                data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise BundleError(f"{path}: {error}", code="unreadable") from error
        return cls.of(data)

    @classmethod
    def of(cls, data: mmap.mmap | bytes) -> Container:
        """The same of bytes at hand; never raises for what they are."""
        container = cls(data=data)
        _Walk(container).walk()
        return container

    def bytes_of(self, name: str) -> bytes:
        """A small entry; BundleError when there is none, or it is over the limit."""
        entry = self._entry(name)
        if entry.size > MAX_SMALL_BYTES:
            raise BundleError(f"{name} has {entry.size} bytes", code="entry_too_large")
        return bytes(self.data[entry.offset : entry.offset + entry.size])

    def supply(self, name: str, sha256: str, size: int, original: Path | None) -> None:
        """An entry is rightly not here: its digest and length from now on, and the file that has its bytes."""
        self._absent[name] = size, original
        self._digests[name] = bytes.fromhex(sha256)

    def is_absent(self, name: str) -> bool:
        """Whether that was said of an entry."""
        return name in self._absent

    def has(self, name: str) -> bool:
        """Whether it is here, or its digest is known all the same."""
        return name in self.entries or name in self._absent

    def size_of(self, name: str) -> int:
        """Of an entry that it has; -1 where it has none."""
        return self.entries[name].size if name in self.entries else self._absent.get(name, (-1, None))[0]

    def pieces_of(self, name: str) -> Iterator[bytes]:
        """An entry of any size; of one that is not here, the bytes of its original."""
        _, original = self._absent.get(name, (0, None))
        if original is not None:
            with original.open("rb") as file:
                while piece := file.read(_PIECE):
                    yield piece
            return
        entry = self._entry(name)
        end = entry.offset + entry.size
        for start in range(entry.offset, end, _PIECE):
            yield bytes(self.data[start : min(end, start + _PIECE)])

    def digest_of(self, name: str) -> bytes:
        """SHA-256 of an entry."""
        if name not in self._digests:
            digest = sha256()
            for piece in self.pieces_of(name):
                digest.update(piece)
            self._digests[name] = digest.digest()
        return self._digests[name]

    def _entry(self, name: str) -> Entry:
        if name not in self.entries:
            raise BundleError(f"there is no entry {name}", code="entry_missing")
        return self.entries[name]


class _Walk:
    """From the end of the file to its directory, and along it through the entries."""

    def __init__(self, container: Container) -> None:
        self._in, self._data = container, container.data

    def walk(self) -> None:
        found = self._end()
        if found is None:
            return None
        count, offset, end = found
        position, due = offset, 0
        for number in range(count):
            if end - position < _CENTRAL.size:
                return self._fault("directory_wrong", "the central directory ends before its last entry")
            length, due = self._entry(number, position, due, offset)
            if not length:
                return None
            position += length
        if position != end:
            self._fault("hidden_bytes", f"{end - position} bytes stand between the central directory and its end")
        if due != offset:
            self._fault("hidden_bytes", f"{offset - due} bytes stand between the last entry and the directory")
        return self._whole()

    def _end(self) -> tuple[int, int, int] | None:
        """Number of entries, where the directory begins and ends."""
        start = len(self._data) - _END.size
        if start < 0 or self._data[start : start + 4] != _END_MARK:
            self._fault("cut_short", "the file does not end as a container does: cut short, or not one")
            return None
        _, disk, directory_disk, here, count, size, offset, comment = _END.unpack_from(self._data, start)
        if disk or directory_disk or here != count or comment:
            self._fault("directory_wrong", "the end of the directory speaks of comments or of several disks")
        if count > MAX_ENTRIES:
            self._fault("too_many_entries", f"the container has {count} entries, {MAX_ENTRIES} are allowed")
            return None
        if offset + size != start:
            self._fault("directory_wrong", "the central directory is not where its end says")
        return count, min(offset, start), start

    def _entry(self, number: int, position: int, due: int, directory: int) -> tuple[int, int]:
        """Bytes of the entry in the directory, and where the next one's local header is due; (0, 0): give up."""
        fields = _CENTRAL.unpack_from(self._data, position)
        mark, made, needed, flags, method, time, date, crc, packed, size = fields[:10]
        name_size, extra, comment, disk, internal, external, offset = fields[10:]
        if mark != _CENTRAL_MARK:
            self._fault("directory_wrong", f"entry {number} of the central directory is none")
            return 0, 0
        raw = bytes(self._data[position + _CENTRAL.size : position + _CENTRAL.size + name_size])
        name = self._name(raw)
        self._plain(name, flags=flags, method=method, packed=packed, size=size)
        if (made, needed, time, date, disk, internal, external, extra, comment) != (
            _VERSION,
            _VERSION,
            0,
            _DATE,
            0,
            0,
            0,
            0,
            0,
        ):
            self._fault("headers_unusual", f"{name}: a header of a bundle has no dates, attributes or extra fields")
        local = (_LOCAL_MARK, needed, flags, method, time, date, crc, packed, size, name_size, 0)
        begin = offset + _LOCAL.size + name_size
        if begin + packed > directory or self._local(offset, name_size) != (local, raw):
            self._fault("headers_differ", f"{name}: its local header and the central directory do not say the same")
            return _CENTRAL.size + name_size + extra + comment, due
        if offset != due:
            self._fault("hidden_bytes", f"{name}: what stands before it belongs to no entry, or to two")
        self._add(Entry(name, begin, size, crc), number)
        return _CENTRAL.size + name_size + extra + comment, begin + packed

    def _local(self, offset: int, name_size: int) -> tuple[tuple[object, ...], bytes] | None:
        if offset + _LOCAL.size + name_size > len(self._data):
            return None
        fields = _LOCAL.unpack_from(self._data, offset)
        return fields, bytes(self._data[offset + _LOCAL.size : offset + _LOCAL.size + name_size])

    def _name(self, raw: bytes) -> str:
        name = raw.decode("ascii", "backslashreplace")
        parts = name.split("/")
        if len(raw) > MAX_NAME_BYTES or not name.isascii() or not name.isprintable() or "\\" in name:
            self._fault("unsafe_name", f"{name[:MAX_NAME_BYTES]!r} is no name of the format")
        elif name.startswith("/") or ".." in parts or ":" in name:
            self._fault("unsafe_name", f"{name!r} leads out of the folder that it would be unpacked in")
        elif name != MIMETYPE and role_of(name) is None:
            self._fault("unknown_entry", f"{name!r} is no name of the format")
        return name

    def _plain(self, name: str, *, flags: int, method: int, packed: int, size: int) -> None:
        if flags & _ENCRYPTED:
            self._fault("encrypted", f"{name} is encrypted")
        if flags & _DESCRIPTOR:
            self._fault("data_descriptor", f"{name} has its size behind its bytes")
        if flags & ~(_ENCRYPTED | _DESCRIPTOR):
            self._fault("headers_unusual", f"{name}: a header of a bundle has no flags")
        if method != _STORED or packed != size:
            self._fault("compressed", f"{name} is compressed; it claims to grow from {packed} to {size} bytes")
        if size > MAX_SMALL_BYTES and not is_body(name):
            self._fault("entry_too_large", f"{name} has {size} bytes, {MAX_SMALL_BYTES} are allowed")

    def _add(self, entry: Entry, number: int) -> None:
        if entry.name in self._in.entries:
            return self._fault("duplicate_entry", f"{entry.name} stands in the container twice")
        self._in.entries[entry.name] = entry
        if (number == 0) != (entry.name == MIMETYPE):
            self._fault("mimetype_not_first", f"{entry.name} stands as entry {number}; mimetype alone stands first")
        crc = 0
        for piece in self._in.pieces_of(entry.name):
            crc = zlib.crc32(piece, crc)
        if crc != entry.crc:
            self._fault("bytes_changed", f"the bytes of {entry.name} do not have their check sum")
        return None

    def _whole(self) -> None:
        entries = self._in.entries
        if MIMETYPE in entries and self._in.bytes_of(MIMETYPE) != MEDIA_TYPE:
            self._fault("mimetype_wrong", f"mimetype does not say {MEDIA_TYPE.decode()}")
        for name in required_of(entries):
            if name not in entries:
                self._fault("entry_missing", f"there is no entry {name}")
        for name in entries:
            if role_of(name) is not None and lacks_place(entries, name):
                self._fault("unknown_entry", f"{name!r} has no place in a container of this format")

    def _fault(self, code: str, text: str) -> None:
        if len(self._in.faults) < _MAX_FAULTS:
            self._in.faults.append(Fault(code, text))


class _Digest(Protocol):
    def update(self, data: bytes, /) -> None: ...


class EntryWriter:
    """Takes the bytes of one entry."""

    def __init__(self, file: BinaryIO, besides: Sequence[_Digest]) -> None:
        self._file, self._besides = file, besides
        self.crc, self.size, self.digest = 0, 0, sha256()

    def write(self, piece: bytes) -> None:
        """More of it; BundleError when the container would be larger than its form allows."""
        self.crc, self.size = zlib.crc32(piece, self.crc), self.size + len(piece)
        if self._file.tell() + len(piece) > _MOST:
            raise BundleError(f"the container would have more than {_MOST} bytes", code="entry_too_large")
        for digest in (self.digest, *self._besides):
            digest.update(piece)
        self._file.write(piece)


class ContainerWriter:
    """Writes a container into an empty file that can be sought in; same entries, same bytes."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._directory = bytearray()
        self._names: set[str] = set()
        #: SHA-256 of the bytes of all entries but `mimetype`, one after the other: an archive stamp is over them.
        self.content = sha256()
        self.add(MIMETYPE, MEDIA_TYPE)

    def add(self, name: str, content: bytes) -> None:
        """An entry from memory."""
        self.add_pieces(name, (content,))

    def add_pieces(self, name: str, pieces: Iterable[bytes]) -> bytes:
        """An entry of any size below 4 GiB; SHA-256 of its bytes. BundleError for what the format forbids."""
        with self.entry(name) as entry:
            for piece in pieces:
                entry.write(piece)
        return entry.digest.digest()

    @contextmanager
    def entry(self, name: str) -> Iterator[EntryWriter]:
        """The same, written in pieces by the caller; it is whole when the context ends."""
        raw = name.encode("ascii")
        if name in self._names or (name != MIMETYPE and role_of(name) is None) or len(self._names) >= MAX_ENTRIES:
            raise BundleError(f"{name} may not be written", code="unknown_entry")
        self._names.add(name)
        offset = self._file.tell()
        self._file.write(bytes(_LOCAL.size) + raw)
        entry = EntryWriter(self._file, [] if name == MIMETYPE else [self.content])
        yield entry
        end, size = self._file.tell(), entry.size
        if end > _MOST or (size > MAX_SMALL_BYTES and not is_body(name) and name != MIMETYPE):
            raise BundleError(f"{name} has {size} bytes", code="entry_too_large")
        common = (_VERSION, 0, _STORED, 0, _DATE, entry.crc, size, size, len(raw), 0)
        self._file.seek(offset)
        self._file.write(_LOCAL.pack(_LOCAL_MARK, *common))
        self._file.seek(end)
        self._directory += _CENTRAL.pack(_CENTRAL_MARK, _VERSION, *common, 0, 0, 0, 0, offset) + raw

    def close(self) -> None:
        """Write the directory; the file itself stays open."""
        offset, count = self._file.tell(), len(self._names)
        self._file.write(self._directory)
        self._file.write(_END.pack(_END_MARK, 0, 0, count, count, len(self._directory), offset, 0))
