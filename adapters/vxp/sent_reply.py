"""The axis's list of what we sent, read while it passes: 150,000 lines are some 50 MB of JSON.

    {"status": "OK", "ErrorCode": "0", "ErrorDesc": "…", "data": [{…}, {…}, …]}

`feed` takes the bytes in pieces and gives lines as soon as they are whole, some hundred at once, so that neither
the answer nor its lines are ever all in memory. A piece ends behind a `}`: where the text up to there decodes as
a list, its lines are whole, since one that is cut, or a brace inside a text, leaves something open and does not
decode.

A line that is no object, or has a field of a type that nobody agreed, is given with `unread`: what it does say
counts, what it does not say could be anything. A list with such a line is no proof that something is not in it.

What is not of this shape raises SourceError `peer_reply_invalid`, the axis's own FAIL `peer_error`. An answer
that was cut is known by its missing end only: `end` must be called, and nothing counts before it has returned.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import msgspec

from adapters.vxp.reply import read_list_of, take_head
from adapters.webhook_reply import redacted
from gateway.edxml.dates import read_instant
from gateway.errors import SourceError

#: Lines that cannot be read: with more of them a list is of another shape than we know.
UNREADABLE_MOST: Final = 1000

_WINDOW = 64 * 1024
#: Bytes of one line.
_LINE_MAX = 1024 * 1024
#: Braces that are tried as the end of a line.
_TRIES = 64
_BLANK = b" \t\r\n"
_SHOWN, _TITLE = 200, 1000


class _Entry(msgspec.Struct, rename="camel", gc=False):
    sender_doc_id: str | int | None = None
    message_type: str | None = None
    from_code: str | None = None
    to_code: str | None = None
    notation: str | None = None
    title: str | None = None
    sent_time: str | int | None = None
    send_status: str | None = None
    send_status_desc: str | None = None
    receive_status: str | None = None
    receive_status_desc: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SentLine:
    """One recipient of what we have sent, as the axis tells it."""

    #: The axis's id of the transmission; the same in every line of it.
    ref: str
    kind: Literal["document", "status"]
    sender_code: str
    recipient_code: str
    notation: str
    title: str
    #: None where it is not said, or not in a form that can be read.
    sent_at: datetime | None
    #: done, fail … in its words.
    send_status: str
    receive_status: str
    words: str
    #: "": all of it could be read; else what identifies this line where it stands.
    unread: str = ""


_entries = msgspec.json.Decoder(list[_Entry])
_raws = msgspec.json.Decoder(list[msgspec.Raw])
_fields = {field.encode_name: field for field in msgspec.structs.fields(_Entry)}


class SentReply:
    """One answer under reading."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._head: bytes | None = None
        #: Whether a line was taken and the comma behind it was not; it may come with the next bytes.
        self._before_comma = False

    def feed(self, chunk: bytes) -> Iterator[list[SentLine]]:
        """Take the next bytes; the lines that are whole now."""
        self._buffer += chunk
        if self._head is None:
            self._head = take_head(self._buffer)
        if self._head is None:
            return
        self._skip_comma()
        while len(self._buffer) >= _WINDOW:
            lines = self._take()
            if lines is None:
                break
            yield lines

    def end(self) -> Iterator[list[SentLine]]:
        """No byte follows; the last lines. Returns only if the answer was whole and says OK."""
        self._skip_comma()
        raws = read_list_of((self._head or b"") + bytes(self._buffer))
        for start in range(0, len(raws), _TRIES):
            yield [_alone(bytes(raw)) for raw in raws[start : start + _TRIES]]

    def _take(self) -> list[SentLine] | None:
        """The lines up to the last brace that closes one; None where that must be waited for."""
        end = self._buffer.rfind(b"}")
        for _ in range(_TRIES):
            if end < 0:
                break
            lines = _decoded(b"[%b]" % bytes(self._buffer[: end + 1]))
            if lines is not None:
                del self._buffer[: end + 1]
                self._before_comma = True
                self._skip_comma()
                return lines
            end = self._buffer.rfind(b"}", 0, end) if end else -1
        if len(self._buffer) > _LINE_MAX:
            raise _invalid("the list is damaged, or has a line without an end")
        return None

    def _skip_comma(self) -> None:
        if not self._before_comma:
            return
        self._buffer = self._buffer.lstrip(_BLANK)
        if self._buffer.startswith(b","):
            del self._buffer[:1]
            self._before_comma = False
        elif self._buffer and not self._buffer.startswith(b"]"):
            raise _invalid("a line follows another without a comma")


def _decoded(text: bytes) -> list[SentLine] | None:
    """The lines of a piece; None where it does not end behind one."""
    try:
        return [_line(entry) for entry in _entries.decode(text)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass  # cut in a line, or with one of another shape: only the second is a list
    try:
        return [_alone(bytes(raw)) for raw in _raws.decode(text)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _alone(raw: bytes) -> SentLine:
    """A line of which any field may be of another type."""
    unread = ""
    values: dict[str, Any] = {}
    try:
        told = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        told, unread = {}, _mark(raw)
    for name, value in told.items():
        if name in _fields:
            try:
                values[_fields[name].name] = msgspec.json.decode(value, type=_fields[name].type)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                unread = _mark(raw)
    return _line(_Entry(**values), unread)


def _mark(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()[:32]


def _line(line: _Entry, unread: str = "") -> SentLine:
    ref = "" if line.sender_doc_id is None else str(line.sender_doc_id)[:_SHOWN]
    return SentLine(
        ref=ref,
        kind="status" if (line.message_type or "").lower() == "status" else "document",
        sender_code=(line.from_code or "").strip()[:_SHOWN],
        recipient_code=(line.to_code or "").strip()[:_SHOWN],
        notation=(line.notation or "")[:_SHOWN],
        title=(line.title or "")[:_TITLE],
        sent_at=read_instant(str(line.sent_time or "")),
        send_status=(line.send_status or "").strip().lower()[:_SHOWN],
        receive_status=(line.receive_status or "").strip().lower()[:_SHOWN],
        words=redacted(line.send_status_desc or line.receive_status_desc or "", _SHOWN),
        # without an id it can be neither adopted nor told from another
        unread=unread or ("" if ref else _mark(msgspec.json.encode(line))),
    )


def _invalid(words: str) -> SourceError:
    return SourceError("peer_reply_invalid", words)
