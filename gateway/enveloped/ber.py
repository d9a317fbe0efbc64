"""BER as envelopes of CMS have it: headers read one after the other within bounds, and DER written.

Lengths may be indefinite, as programs leave them that encrypt while they read [X.690 8.1.3.6]. Tags have one byte;
nothing here calls itself, so depth costs nothing. Whatever is odd raises EnvelopedError with a sentence.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from gateway.errors import EnvelopedError

INTEGER: Final = 0x02
BITS: Final = 0x03
OCTETS: Final = 0x04
OID: Final = 0x06
SEQUENCE: Final = 0x30
SET: Final = 0x31

_LONG: Final = 0x80
_MOST_LENGTH_BYTES: Final = 8
_HIGH_TAG: Final = 0x1F


class ByteStream(Protocol):
    """Where the bytes come from."""

    def read(self, size: int, /) -> bytes:
        """The next bytes, fewer at the end."""
        ...


@dataclass(frozen=True, slots=True)
class Head:
    """Tag and length of what follows; None: until its end is marked."""

    tag: int
    length: int | None

    @property
    def ends(self) -> bool:
        """Whether it marks the end of what has no length."""
        return self.tag == 0 and self.length == 0


def taken(stream: ByteStream, size: int) -> bytes:
    """Exactly so many bytes."""
    data = stream.read(size)
    if len(data) < size:
        raise EnvelopedError("it is cut off")
    return data


def head_of(stream: ByteStream) -> Head:
    """The next header."""
    tag, first = taken(stream, 2)
    if tag & _HIGH_TAG == _HIGH_TAG:
        raise EnvelopedError(f"a tag of several bytes (0x{tag:02x})")
    if first < _LONG:
        return Head(tag, first)
    if first == _LONG:
        if not tag & 0x20:
            raise EnvelopedError("a simple value without a length")
        return Head(tag, None)
    if first - _LONG > _MOST_LENGTH_BYTES:
        raise EnvelopedError("a length of more than eight bytes")
    return Head(tag, int.from_bytes(taken(stream, first - _LONG), "big"))


def entered(stream: ByteStream, tag: int, what: str) -> Head:
    """The header of what must come next."""
    head = head_of(stream)
    if head.tag != tag:
        raise EnvelopedError(f"{what} is missing: there is a tag 0x{head.tag:02x}")
    return head


def value_of(stream: ByteStream, head: Head, most: int) -> bytes:
    """The contents, of a length that is told and within bounds."""
    if head.length is None or head.length > most:
        told = "without a length" if head.length is None else f"of {head.length} bytes"
        raise EnvelopedError(f"a part {told}, where {most} bytes are the most")
    return taken(stream, head.length)


@dataclass(frozen=True, slots=True)
class Value:
    """One value of DER within another."""

    tag: int
    value: bytes
    #: With its header.
    whole: bytes


def parts_of(data: bytes, most: int) -> Iterator[Value]:
    """The values that stand one after the other, of lengths that are told; more than `most` are refused."""
    at, seen = 0, 0
    while at < len(data):
        seen += 1
        if seen > most:
            raise EnvelopedError(f"more than {most} parts")
        start = at
        tag, length, at = _at(data, at)
        if length > len(data) - at:
            raise EnvelopedError("a part is longer than what it stands in")
        yield Value(tag, data[at : at + length], data[start : at + length])
        at += length


def _at(data: bytes, at: int) -> tuple[int, int, int]:
    """Tag, length, and where the value begins."""
    if len(data) - at < 2:  # noqa: PLR2004 - the shortest header
        raise EnvelopedError("it is cut off")
    tag, first = data[at], data[at + 1]
    if tag & _HIGH_TAG == _HIGH_TAG:
        raise EnvelopedError(f"a tag of several bytes (0x{tag:02x})")
    at += 2
    if first < _LONG:
        return tag, first, at
    size = first - _LONG
    if not 1 <= size <= _MOST_LENGTH_BYTES or len(data) - at < size:
        raise EnvelopedError("a part without a length, or with a broken one")
    return tag, int.from_bytes(data[at : at + size], "big"), at + size


def head(tag: int, length: int) -> bytes:
    """A header, in DER."""
    if length < _LONG:
        return bytes((tag, length))
    size = (length.bit_length() + 7) // 8
    return bytes((tag, _LONG + size)) + length.to_bytes(size, "big")


def der(tag: int, *values: bytes) -> bytes:
    """A whole value, in DER."""
    value = b"".join(values)
    return head(tag, len(value)) + value


def integer(number: int) -> bytes:
    """A whole INTEGER that is not negative."""
    return der(INTEGER, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def oid(dotted: str) -> bytes:
    """A whole OBJECT IDENTIFIER."""
    first, second, *rest = map(int, dotted.split("."))
    out = bytearray()
    for number in (40 * first + second, *rest):
        piece = [number & 0x7F]
        while number := number >> 7:
            piece.append(0x80 | number & 0x7F)
        out += bytes(reversed(piece))
    return der(OID, bytes(out))
