"""Takes a MIME message apart as a stream: pre-regulation peers send SOAP with attachments [RFC 2046 5.1].

Whether a file is one is told by its own first bytes, since what the transport said about it is not kept: the
boundary is the first delimiter line, before which only MIME header fields or a preamble without `<` may stand.
`MimeReader` gives the parts one after the other and never holds more than two chunks; a line that only begins
like a delimiter is content. It does NOT decode what is in a part (`gateway.edxml.mime_parts`).
"""

from __future__ import annotations

import io
import re
from typing import Final, Protocol

from gateway.edxml.findings import finding
from gateway.errors import RefusedError

#: Bytes from the start within which the first delimiter must stand.
SNIFFED: Final = 4096
#: Header fields of one part.
MAX_FIELDS: Final = 16 * 1024
MIME_TYPE: Final = "multipart/related"
_CHUNK: Final = 64 * 1024
#: White space that a transport may add to a delimiter line, and its end.
_PADDING: Final = 80

_DELIMITER: Final = re.compile(
    rb"(?:\A|\n)--([0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-])[ \t]{0,64}\r?\n"
)
_TAIL: Final = re.compile(rb"(--)?[ \t]{0,64}(?:\r?\n|\Z)")
_FIELD: Final = re.compile(rb"\s*(?:MIME-Version|Content-[A-Za-z-]{1,40})[ \t]*:", re.IGNORECASE)
_DECLARED: Final = re.compile(rb"""\bboundary[ \t]*=[ \t]*(?:"([^"\r\n]{1,70})"|([^\s";,]{1,70}))""", re.IGNORECASE)
_NO_MORE_FIELDS: Final = re.compile(rb"(?:\A|\n)\r?\n")

#: What a message is read from: an open file without buffering, or bytes.
ByteSource = io.RawIOBase | io.BufferedIOBase


class Readable(Protocol):
    """Gives bytes one piece after the other."""

    def read(self, size: int, /) -> bytes | None:
        """The next piece, nothing at the end."""
        ...


def boundary_of(head: bytes) -> bytes | None:
    """The boundary of a file that begins like a MIME message; None for any other file."""
    if head[:1] == b"<":
        return None
    found = _DELIMITER.search(head)
    if found is None:
        return None
    before = head[: found.start()]
    if not _FIELD.match(before):
        return None if b"<" in before else found[1]
    declared = _DECLARED.search(before)
    if declared is not None and (declared[1] or declared[2]) != found[1]:
        # Whoever goes by the declaration would read another message than we do.
        raise broken("it declares another boundary than it begins with")
    return found[1]


def broken(why: str) -> RefusedError:
    """The refusal of a message whose MIME structure cannot be trusted."""
    noted = finding("EDX-FILE-07", value=why)
    return RefusedError("edxml_invalid", noted.en, findings=(noted,))


def media_type_of(head: bytes) -> str:
    """How a message with these first bytes is to be labelled when it is handed on."""
    boundary = boundary_of(head[:SNIFFED])
    if boundary is None:
        return "application/xml"
    return f'{MIME_TYPE}; type="text/xml"; boundary="{boundary.decode("ascii")}"'


class MimeReader:
    """Pulls the parts out of an open stream."""

    def __init__(self, stream: ByteSource, boundary: bytes) -> None:
        self._stream = stream
        self._delimiter = b"\n--" + boundary
        # What stands before the first delimiter is read like a part; the line end is for one at the very start.
        self._buffer = b"\n"
        self._inside = True
        #: Whether the buffer begins with a line end that is no content.
        self._is_fresh = False
        self._is_last = False
        #: Whether the file ended before the closing delimiter.
        self.is_cut_off = False

    def next_part(self) -> bytes | None:
        """The header fields of the next part, whatever is left of the one before; None at the end."""
        while self._inside:
            self.read()
        if self._is_last or self.is_cut_off:
            return None
        fields = self._fields()
        self._inside = self._is_fresh = True
        return fields

    def read(self, _size: int = _CHUNK, /) -> bytes:
        """The next bytes of the part at hand as they are, b"" at its end."""
        while self._inside:
            piece = self._piece()
            if self._is_fresh and piece:
                piece, self._is_fresh = piece[1:], False
            if piece:
                return piece
        return b""

    def has_epilogue(self) -> bool:
        """Whether more than white space stands behind the closing delimiter."""
        while not self._buffer.strip():
            self._buffer = b""
            if not self._fill():
                return False
        return True

    def _piece(self) -> bytes:
        at = self._buffer.find(self._delimiter)
        if at < 0:
            # The end of the buffer may be the beginning of a delimiter.
            ready = len(self._buffer) - len(self._delimiter)
            if ready > 0:
                return self._take(ready)
            if self._fill():
                return b""
            self.is_cut_off, self._inside = True, False
            return self._take(len(self._buffer))
        after = at + len(self._delimiter)
        while b"\n" not in self._buffer[after : after + _PADDING] and len(self._buffer) < after + _PADDING:
            if not self._fill():
                break
        tail = _TAIL.match(self._buffer, after)
        if tail is None:
            return self._take(after)
        piece = self._buffer[:at].removesuffix(b"\r")
        self._buffer = self._buffer[tail.end() :]
        self._inside, self._is_last = False, tail[1] is not None
        return piece

    def _fields(self) -> bytes:
        while (found := _NO_MORE_FIELDS.search(self._buffer)) is None:
            if len(self._buffer) > MAX_FIELDS:
                raise broken(f"a part has header fields of more than {MAX_FIELDS} bytes")
            if not self._fill():
                raise broken("it ends inside the header fields of a part")
        fields = self._buffer[: found.start()]
        # The line end stays: with an empty part it belongs to the delimiter that follows.
        self._buffer = b"\n" + self._buffer[found.end() :]
        return fields

    def _take(self, size: int) -> bytes:
        piece, self._buffer = self._buffer[:size], self._buffer[size:]
        return piece

    def _fill(self) -> bool:
        chunk = self._stream.read(_CHUNK)
        if chunk:
            self._buffer += chunk
        return bool(chunk)
