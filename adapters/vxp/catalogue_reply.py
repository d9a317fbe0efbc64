"""A list of agencies as the axis answers it, read while it passes: 125,000 entries are some 25 MB of JSON.

    {"status": "OK", "ErrorCode": "0", "ErrorDesc": "…", "data": [{…}, {…}, …]}

`feed` takes the bytes in pieces and gives rows as soon as they are whole, some hundred at once, so that neither the
answer nor its rows are ever all in memory and no piece of work is long. A piece ends behind a `}`: where the text
up to there decodes as a list of objects, these are whole entries, since one that is cut, or a brace inside a text,
leaves something open and does not decode.

Bounded are the bytes and the entries of a list, the bytes of an entry and of what stands around the list. What is
not of this shape raises SourceError `peer_reply_invalid`, the axis's own FAIL `peer_error`. An answer that was cut
is known by its missing end only: `end` must be called, and no row counts before it has returned.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from adapters.vxp.reply import AROUND_MAX, read_list, take_head
from gateway.errors import SourceError

#: Bytes of one list; what is kept of it must fit into memory even where all of it is made to be large.
BYTES_MAX: Final = 64 * 1024 * 1024
#: Entries of one list; the national catalogue has some 125,000.
ENTRIES_MAX: Final = 300_000

_WINDOW = 64 * 1024
#: Braces that are tried as the end of an entry.
_TRIES = 64
_BLANK = b" \t\r\n"


class Row(msgspec.Struct, gc=False):
    """One entry of any of the three lists, as it is written; what a list does not have is None."""

    id: str | int | None = None
    pid: str | int | None = None
    code: str | None = None
    old_code: str | None = msgspec.field(name="oldCode", default=None)
    code_102: str | None = msgspec.field(name="code102", default=None)
    name: str | None = None
    mail: str | None = None
    deleted: bool | int | str | None = None
    is_agency: bool | int | str | None = msgspec.field(name="isAgency", default=None)


_rows = msgspec.json.Decoder(list[Row])


class AgencyReply:
    """One answer under reading."""

    def __init__(self, *, bytes_max: int = BYTES_MAX, entries_max: int = ENTRIES_MAX) -> None:
        self._bytes_max, self._entries_max = bytes_max, entries_max
        self._buffer = bytearray()
        self._head: bytes | None = None
        self._tail: bytearray | None = None
        self._bytes = self._entries = 0
        #: A comma stands behind the last entry.
        self._comma = False

    def feed(self, chunk: bytes) -> Iterator[list[Row]]:
        """Take the next bytes; the entries that are whole now."""
        self._bytes += len(chunk)
        if self._bytes > self._bytes_max:
            raise _invalid(f"the list is longer than {self._bytes_max} bytes")
        self._buffer += chunk
        if self._head is None:
            self._head = take_head(self._buffer)
        if self._head is None:
            return
        while self._open() and len(self._buffer) >= _WINDOW:
            yield self._take(self._buffer.rfind(b"}", 0, _WINDOW))

    def end(self) -> Iterator[list[Row]]:
        """No byte follows; the last entries. Returns only if the answer was whole and says OK."""
        if self._head is None:
            read_list(bytes(self._buffer), "document")
            raise _invalid("an answer without a list")
        while self._open():
            yield self._take(self._buffer.rfind(b"}", 0, 2 * _WINDOW))
        # what stands around the list is judged as that of every other list
        read_list(self._head + b"]" + bytes(self._tail or b""), "document")

    def _open(self) -> bool:
        """Go over what stands between entries; False once the list has ended."""
        if self._tail is None:
            self._skip_blank()
            if self._entries and self._buffer.startswith(b","):
                del self._buffer[:1]
                self._skip_blank()
                self._comma = True
            if self._buffer.startswith(b"]") and not self._comma:
                self._tail = bytearray(self._buffer[1:])
                self._buffer.clear()
            elif self._entries and self._buffer and not self._comma:
                raise _invalid("the list is not of the agreed shape")
        if self._tail is not None:
            self._tail += self._buffer
            self._buffer.clear()
            if len(self._tail) > AROUND_MAX:
                raise _invalid("too much stands behind the list")
        return self._tail is None

    def _take(self, end: int) -> list[Row]:
        """The entries up to the last brace at or before `end` that closes one."""
        rows: list[Row] = []
        for _ in range(_TRIES):
            if rows or end < 0:
                break
            try:
                rows = _rows.decode(b"[%b]" % bytes(self._buffer[: end + 1]))
            except msgspec.ValidationError as error:
                raise _invalid(f"an entry is not of the agreed shape: {error}") from error
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                end = self._buffer.rfind(b"}", 0, end) if end else -1
        if not rows:
            raise _invalid("the list is cut, damaged, or has an entry without an end")
        del self._buffer[: end + 1]
        self._entries += len(rows)
        self._comma = False
        if self._entries > self._entries_max:
            raise _invalid(f"the list has more than {self._entries_max} entries")
        return rows

    def _skip_blank(self) -> None:
        blank = len(self._buffer) - len(self._buffer.lstrip(_BLANK))
        del self._buffer[:blank]


def _invalid(detail: str) -> SourceError:
    return SourceError("peer_reply_invalid", detail)
