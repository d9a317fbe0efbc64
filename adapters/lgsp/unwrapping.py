"""Takes the document out of a `getEdoc` answer while it arrives, so that its size does not matter.

    unwrapper = Unwrapper(write)
    await unwrapper.feed(piece)      for each piece of the answer
    rest = await unwrapper.end()     the same JSON, with "" in the place of every long text

The value of `edxml` goes to `write`: text as its UTF-8 bytes, untouched; else what its base64 stands for. Values
of `fileContent` are dropped. What is left is small and is read like any other answer: only then is it known
whether the facade meant it, so whoever writes keeps nothing before `end` returned. More than `REST_BYTES_MAX` of
anything else, a text that breaks off or base64 that is none raise SourceError. It does NOT parse JSON beyond
telling texts from the rest.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Awaitable, Callable
from typing import Final

from gateway.errors import SourceError

REST_BYTES_MAX: Final = 1024 * 1024

_EDXML, _DROPPED = b"edxml", b"fileContent"
#: As much of a text as can be read without knowing what follows: no half of an escape, no half of a pair.
_SAFE = re.compile(
    rb'(?:[^\\"]+|\\u(?![dD][89abAB])[0-9a-fA-F]{4}|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[0-9a-fA-F]{4}|\\[^u])*'
)
_ESCAPES = re.compile(rb"(?:\\u[0-9a-fA-F]{4})+|\\[^u]")
_SPACE = b" \t\r\n"
#: Beyond this, what is held back is no half of an escape.
_HELD_MAX = 16
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

Write = Callable[[bytes], Awaitable[None]]


class Unwrapper:
    """One answer."""

    def __init__(self, write: Write) -> None:
        self._document = _Document(write)
        self._rest = bytearray()
        #: What of the answer was not looked at yet.
        self._held = b""
        self._in_text = False
        #: The text that was read last, if it may be a key; the key of the value that comes.
        self._text = bytearray()
        self._key = b""
        #: What stands between the last text and the next, as far as it matters.
        self._between = bytearray()
        self._is_met = False

    @property
    def has_document(self) -> bool:
        """Whether `edxml` held anything."""
        return self._document.has_begun

    async def feed(self, piece: bytes) -> None:
        """The next piece."""
        data = self._held + piece
        place = 0
        while place < len(data):
            if not self._in_text:
                place = self._outside(data, place)
                continue
            end = _end_of_safe(data, place)
            await self._take(data[place:end])
            if end < len(data) and data[end : end + 1] == b'"':
                self._in_text = False
                self._keep(b'"')
                end += 1
            elif end < len(data):  # a half of an escape
                place = end
                break
            place = end
        self._held = data[place:]
        if len(self._held) > _HELD_MAX:
            raise SourceError("peer_reply_invalid", "the answer holds a text that is no JSON")

    async def end(self) -> bytes:
        """The rest of the answer."""
        if self._in_text or self._held:
            raise SourceError("peer_reply_invalid", "the answer breaks off")
        await self._document.end()
        return bytes(self._rest)

    def _outside(self, data: bytes, place: int) -> int:
        found = data.find(b'"', place)
        between = data[place:] if found < 0 else data[place:found]
        self._keep(between)
        self._between += between.strip(_SPACE)[:2]
        if found < 0:
            return len(data)
        self._key = bytes(self._text) if self._between == b":" else b""
        if self._key == _EDXML:
            if self._is_met:
                raise SourceError("peer_reply_invalid", "the answer holds several documents")
            self._is_met = True
        self._between.clear()
        self._text.clear()
        self._in_text = True
        self._keep(b'"')
        return found + 1

    async def _take(self, piece: bytes) -> None:
        if self._key == _EDXML:
            await self._document.feed(_unescaped(piece))
        elif self._key != _DROPPED:
            self._keep(piece)
            if len(self._text) <= len(_DROPPED):
                self._text += piece[: len(_DROPPED) + 1]

    def _keep(self, piece: bytes) -> None:
        self._rest += piece
        if len(self._rest) > REST_BYTES_MAX:
            raise SourceError("peer_reply_invalid", f"the answer holds more than {REST_BYTES_MAX} bytes of no use")


class _Document:
    """Text or base64, as its beginning says."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._begins = b""
        self._is_text = False
        self._held = b""
        self._is_padded = False
        self.has_begun = False

    async def feed(self, piece: bytes) -> None:
        if not self.has_begun:
            self._begins += piece
            bare = self._begins.lstrip(_SPACE)
            if not bare or (bare != _BYTE_ORDER_MARK and _BYTE_ORDER_MARK.startswith(bare)):
                if len(self._begins) > REST_BYTES_MAX:
                    raise SourceError("peer_reply_invalid", "the document is nothing but space")
                return
            self._begin(bare)
            piece, self._begins = self._begins, b""
        await (self._write(piece) if self._is_text else self._decode(piece))

    def _begin(self, bare: bytes) -> None:
        self.has_begun, self._is_text = True, bare.startswith((b"<", _BYTE_ORDER_MARK))

    async def _decode(self, piece: bytes) -> None:
        data = self._held + piece.translate(None, _SPACE)
        whole = len(data) // 4 * 4
        self._held = data[whole:]
        if data and self._is_padded:
            raise SourceError("peer_reply_invalid", "the document is neither XML nor base64")
        try:
            found = base64.b64decode(data[:whole], validate=True)
        except (binascii.Error, ValueError) as error:
            raise SourceError("peer_reply_invalid", "the document is neither XML nor base64") from error
        self._is_padded = data[:whole].endswith(b"=")
        if found:
            await self._write(found)

    async def end(self) -> None:
        if self._held or self._begins.strip(_SPACE):
            raise SourceError("peer_reply_invalid", "the document is neither XML nor base64")


def _end_of_safe(data: bytes, place: int) -> int:
    found = _SAFE.match(data, place)
    return found.end() if found else place


def _unescaped(piece: bytes) -> bytes:
    return _ESCAPES.sub(_meaning, piece) if b"\\" in piece else piece


def _meaning(escape: re.Match[bytes]) -> bytes:
    try:
        return str(json.loads(b'"' + escape[0] + b'"')).encode()
    except ValueError as error:  # no escape of JSON, or half of a pair
        raise SourceError("peer_reply_invalid", "the document holds an escape that is none") from error
