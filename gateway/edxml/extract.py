"""Hands out the bytes of one attachment as a stream.

The file is read twice: once to learn what the attachment is (its name and type may stand behind its text),
once to write it. Neither pass holds more than a chunk.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import BinaryIO

from gateway.edxml.base64stream import Base64Stream
from gateway.edxml.envelope import Attachment
from gateway.edxml.limits import ParseLimits
from gateway.edxml.mime import ByteSource
from gateway.edxml.mime_parts import PartFile, open_mime
from gateway.edxml.parser import feed_message, read_message
from gateway.edxml.source import Stored, opened
from gateway.edxml.zipstream import FirstFile
from gateway.errors import RefusedError
from gateway.xml import SaxTarget

_ENCODED = "contenttransferencoded"


def extract_attachment(source: str | Stored, *, number: int, out: BinaryIO, limits: ParseLimits) -> Attachment:
    """Writes attachment `number` (1, 2 …), unpacked where it was wrapped; a missing or damaged one is refused."""
    with opened(source) as stream:
        message = read_message(stream, limits, [])
        chosen = next((one for one in message.attached.attachments if one.number == number), None)
        if chosen is None:
            raise RefusedError("not_found", f"The message has no attachment {number}.")
        if message.attached.refusal:
            raise RefusedError(message.attached.refusal, message.attached.detail)
        again: ByteSource = stream
        if message.unwrapped is not None:
            again = io.BytesIO(message.unwrapped)
        else:
            stream.seek(0)
        wanted = message.attached.files[number - 1]
        mime, write = open_mime(again), _writer(chosen, out, limits)
        if mime is not None and isinstance(wanted, PartFile):
            mime.copy_file(message.parts.index(wanted), write)
            return chosen
        ordinal = next(index for index, one in enumerate(message.files) if one is wanted)
        feed_message(again if mime is None else mime.root, _Copier(ordinal, write))
    return chosen


def _writer(chosen: Attachment, out: BinaryIO, limits: ParseLimits) -> Callable[[bytes], object]:
    return FirstFile(limits, limits.max_attachment_bytes, out.write).feed if chosen.zipped else out.write


class _Copier(SaxTarget):
    """Decodes the ContentTransferEncoded with that ordinal and lets everything else pass."""

    def __init__(self, ordinal: int, write: Callable[[bytes], object]) -> None:
        self._left = ordinal
        self._base64 = Base64Stream(write)
        self._inside = False

    def start(self, tag: str, attributes: Mapping[str, str], namespaces: Mapping[str, str]) -> None:
        del attributes, namespaces
        if tag.rpartition("}")[2].rpartition(":")[2].lower() == _ENCODED:
            self._inside = self._left == 0
            self._left -= 1

    def data(self, text: str) -> None:
        if self._inside:
            self._base64.feed(text)

    def end(self, tag: str) -> None:
        del tag
        if self._inside:
            self._base64.finish()
            self._inside = False
