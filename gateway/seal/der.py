"""The little of ASN.1 that time stamps and evidence records are made of, read and written [X.690].

What is read are slices of the very bytes at hand, so that what is judged is what was signed. DER is read, and what
signers' programs write of BER: marked ends instead of lengths that are known, octets in pieces. ValueError for all
else: lengths are checked before anything is cut, nesting and numbers are bounded. What is written is DER.

What it does NOT do: know what the values mean, read tags above 30, or verify that a SET is sorted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

BOOLEAN: Final = 0x01
INTEGER: Final = 0x02
BITS: Final = 0x03
OCTETS: Final = 0x04
NULL: Final = 0x05
OID: Final = 0x06
UTF8: Final = 0x0C
TIME: Final = 0x18
SEQUENCE: Final = 0x30
SET: Final = 0x31
#: [0], [1], [2] around or instead of another constructed tag.
FIRST: Final = 0xA0
SECOND: Final = 0xA1
THIRD: Final = 0xA2

_CONSTRUCTED: Final = 0x20
_LONG_TAG: Final = 0x1F
_UNKNOWN_LENGTH: Final = 0x80
_MOST_LENGTH_BYTES: Final = 4
_END: Final = b"\0\0"
_MOST_LEVELS: Final = 24
_MOST_NUMBER_BYTES: Final = 64
_MOST_OID_BYTES: Final = 64
_TIME: Final = re.compile(rb"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d{1,9}))?Z")


class Value(NamedTuple):
    """One value as it stands there."""

    tag: int
    content: bytes
    #: With its tag and length.
    raw: bytes

    def of(self, tag: int) -> bytes:
        """Its content; it must have that tag."""
        if self.tag != tag:
            raise ValueError(f"a value has the tag {self.tag:#x}, not {tag:#x}")
        return self.content

    def parts(self, tag: int = SEQUENCE) -> list[Value]:
        """What it is made of; it must have that tag."""
        return list(_values(self.of(tag)))


class Fields:
    """The values of a SEQUENCE, taken one after the other."""

    def __init__(self, values: Sequence[Value]) -> None:
        self._values, self._at = values, 0

    def next(self) -> Value:
        """The next, which must be there."""
        if self._at >= len(self._values):
            raise ValueError("a value is missing")
        self._at += 1
        return self._values[self._at - 1]

    def optional(self, *tags: int) -> Value | None:
        """The next, if it has one of these tags."""
        if self._at < len(self._values) and self._values[self._at].tag in tags:
            return self.next()
        return None

    def end(self) -> None:
        """Nothing is left."""
        if self._at < len(self._values):
            raise ValueError(f"there is a value too many, with the tag {self._values[self._at].tag:#x}")


def read(data: bytes) -> Value:
    """The one value that these bytes are."""
    value, end = _read(data, 0, 0)
    if end != len(data):
        raise ValueError(f"{len(data) - end} bytes follow")
    return value


def parts_of(value: Value, tag: int = SEQUENCE) -> Fields:
    """Its values, to be taken one after the other."""
    return Fields(value.parts(tag))


def inside(value: Value, tag: int = FIRST) -> Value:
    """The one value in an explicit tag."""
    return read(value.of(tag))


def integer(value: Value, tag: int = INTEGER) -> int:
    """A number, of either sign."""
    content = value.of(tag)
    if not 0 < len(content) <= _MOST_NUMBER_BYTES:
        raise ValueError(f"a number has {len(content)} bytes")
    return int.from_bytes(content, "big", signed=True)


def octets(value: Value) -> bytes:
    """An OCTET STRING, also one in pieces."""
    if value.tag == OCTETS | _CONSTRUCTED:
        return b"".join(each.of(OCTETS) for each in _values(value.content))
    return value.of(OCTETS)


def oid(value: Value) -> str:
    """An OBJECT IDENTIFIER, dotted."""
    content = value.of(OID)
    if not 0 < len(content) <= _MOST_OID_BYTES or content[-1] >= _UNKNOWN_LENGTH:
        raise ValueError("an object identifier is cut off or too long")
    arcs, number = [], 0
    for byte in content:
        number = number << 7 | byte & 0x7F
        if byte < _UNKNOWN_LENGTH:
            arcs.append(number)
            number = 0
    root = min(arcs[0] // 40, 2)
    return ".".join(map(str, (root, arcs[0] - root * 40, *arcs[1:])))


def bits(value: Value) -> frozenset[int]:
    """The numbers of the bits that are set in a BIT STRING."""
    content = value.of(BITS)
    if not 0 < len(content) <= _MOST_NUMBER_BYTES:
        raise ValueError(f"a bit string has {len(content)} bytes")
    return frozenset(
        place * 8 + bit for place, byte in enumerate(content[1:]) for bit in range(8) if byte & 0x80 >> bit
    )


def instant(value: Value) -> datetime:
    """A GeneralizedTime in UTC, as RFC 3161 asks for it; what is finer than microseconds is cut off."""
    found = _TIME.fullmatch(value.of(TIME))
    if found is None:
        raise ValueError("a time is not written as RFC 3161 asks")
    *numbers, fraction = found.groups()
    micros = int((fraction or b"0").ljust(6, b"0")[:6])
    year, month, day, hour, minute, second = map(int, numbers)
    return datetime(year, month, day, hour, minute, second, micros, UTC)


def written(tag: int, *contents: bytes) -> bytes:
    """A value in DER; its content is these put together."""
    content = b"".join(contents)
    size = len(content)
    if size < _UNKNOWN_LENGTH:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, _UNKNOWN_LENGTH | len(length))) + length + content


def written_integer(number: int) -> bytes:
    """A number that is not negative."""
    return written(INTEGER, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def written_oid(dotted: str) -> bytes:
    """An object identifier; ValueError for what is none."""
    arcs = [int(each) for each in dotted.split(".")]
    if len(arcs) < 2 or min(arcs) < 0 or arcs[0] > 2 or (arcs[0] < 2 and arcs[1] > 39):  # noqa: PLR2004 - as X.660 has it
        raise ValueError(f"{dotted} is no object identifier")
    content = bytearray()
    for arc in (arcs[0] * 40 + arcs[1], *arcs[2:]):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(_UNKNOWN_LENGTH | arc & 0x7F)
        content += bytes(reversed(groups))
    return written(OID, bytes(content))


def _values(content: bytes) -> Iterator[Value]:
    at = 0
    while at < len(content):
        value, at = _read(content, at, 0)
        yield value


def _read(data: bytes, at: int, level: int) -> tuple[Value, int]:
    """The value that begins there, and where it ends."""
    if at + 2 > len(data):
        raise ValueError("it is cut off")
    tag, length, begin = data[at], data[at + 1], at + 2
    if tag & _LONG_TAG == _LONG_TAG or tag == 0:
        raise ValueError(f"the tag {tag:#x} is not read here")
    if length == _UNKNOWN_LENGTH:
        end = _marked_end(data, begin, level, is_constructed=bool(tag & _CONSTRUCTED))
        return Value(tag, data[begin:end], data[at : end + len(_END)]), end + len(_END)
    if length > _UNKNOWN_LENGTH:
        size = length - _UNKNOWN_LENGTH
        if size > _MOST_LENGTH_BYTES:
            raise ValueError("a length is too long")
        length = int.from_bytes(data[begin : begin + size], "big")
        begin += size
    end = begin + length
    if end > len(data):
        raise ValueError("it is cut off")
    return Value(tag, data[begin:end], data[at:end]), end


def _marked_end(data: bytes, at: int, level: int, *, is_constructed: bool) -> int:
    """Where the mark stands that ends a value of unknown length."""
    if not is_constructed or level >= _MOST_LEVELS:
        raise ValueError("a length is missing, or there are too many levels")
    while data[at : at + len(_END)] != _END:
        _, at = _read(data, at, level + 1)
    return at
