"""multipart/form-data as it streams in: one JSON part `metadata`, and parts `file` written to the spool.

The parser is python-multipart's push parser; it never sees more than one piece of the body at a time, and its
header limits are set here. Parts may come in any order. Names of files are taken as UTF-8 (RFC 7578); one
with a path, a control character or more than 255 characters is refused, not mended: whoever builds the
request can mend it, and the name goes into a document under an agency's signature.

`receive_parts` removes every spooled file afterwards, whatever happened.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from gateway.api.intake import MAX_JSON, incoming
from gateway.api.route import Call
from gateway.api.service import SubmittedFile
from gateway.errors import RefusedError
from gateway.storage.bodies import Spool, SpooledBody

_MAX_HEADERS: Final = 8
_MAX_HEADER_BYTES: Final = 4096
_MAX_NAME: Final = 255
_MAX_TYPE: Final = 255
_OVERHEAD: Final = 1024 * 1024
#: Files lie on the disk as they came and, a third longer in base64, twice while the document is built from them.
_COPIES: Final = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class PartHead:
    """The headers of a part."""

    #: `metadata` or `file`.
    field: str
    name: str
    content_type: str


@dataclass(frozen=True, slots=True)
class PartEnd:
    """The end of a part."""


@dataclass(kw_only=True, slots=True)
class Parts:
    """What a submission held."""

    metadata: bytes = b""
    files: list[SubmittedFile] = field(default_factory=list)


class PartsParser:
    """Pieces of the body in, heads, data and ends out."""

    def __init__(self, boundary: bytes, max_parts: int) -> None:
        self._max_parts = max_parts
        self._parts = 0
        self._found: list[PartHead | PartEnd | bytes] = []
        self._headers: dict[bytes, bytes] = {}
        self._name = b""
        self._value = b""
        #: Whether the closing boundary came.
        self.complete = False
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin,
                    "on_part_data": lambda data, start, end: self._found.append(data[start:end]),
                    "on_part_end": lambda: self._found.append(PartEnd()),
                    "on_header_field": self._header_name,
                    "on_header_value": self._header_value,
                    "on_header_end": self._header_end,
                    "on_headers_finished": self._head,
                    "on_end": self._end,
                },
                max_header_count=_MAX_HEADERS,
                max_header_size=_MAX_HEADER_BYTES,
            )
        except FormParserError as error:
            raise RefusedError("request_malformed", "the boundary is too long") from error

    def feed(self, chunk: bytes) -> list[PartHead | PartEnd | bytes]:
        """What `chunk` brought."""
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise RefusedError("request_malformed", f"the multipart body is damaged: {error}"[:200]) from error
        found, self._found = self._found, []
        return found

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > self._max_parts:
            raise RefusedError("request_malformed", f"more than {self._max_parts} parts")
        self._headers = {}

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name = self._value = b""

    def _head(self) -> None:
        self._found.append(_head_of(self._headers))

    def _end(self) -> None:
        self.complete = True


def _head_of(headers: dict[bytes, bytes]) -> PartHead:
    kind, options = parse_options_header(headers.get(b"content-disposition"))
    try:
        part = options.get(b"name", b"").decode("utf-8")
        name = options.get(b"filename", b"").decode("utf-8")
        content_type = headers.get(b"content-type", b"application/octet-stream").decode("ascii").strip()
    except UnicodeDecodeError as error:
        raise RefusedError("request_malformed", "names of parts and files must be UTF-8") from error
    if kind != b"form-data" or part not in {"metadata", "file"}:
        raise RefusedError("parameter_invalid", f"{part[:50] or 'a part'}: parts are named metadata or file")
    if headers.get(b"content-transfer-encoding", b"binary").lower() not in {b"binary", b"8bit", b"7bit"}:
        raise RefusedError("request_malformed", "Content-Transfer-Encoding of parts must be binary")
    if part == "file":
        check_file_name(name, raw=headers.get(b"content-disposition", b""))
    return PartHead(field=part, name=name, content_type=content_type[:_MAX_TYPE])


def check_file_name(name: str, *, raw: bytes = b"") -> None:
    """Refuse what would mislead whoever saves the file; `raw` is the header that the name was taken from."""
    if not name.strip(". "):
        raise RefusedError("parameter_invalid", "file: a part needs a filename (RFC 7578: UTF-8, no filename*)")
    if len(name) > _MAX_NAME:
        raise RefusedError("parameter_invalid", f"file: the filename has more than {_MAX_NAME} characters")
    # the library cuts a Windows path off by itself, so the raw header is looked at too
    if "/" in name or "\\" in name or not name.isprintable() or b":\\" in raw:
        raise RefusedError("parameter_invalid", "file: the filename holds a path or a control character")


class _Sink:
    """Where the parts go while they come."""

    def __init__(self, call: Call) -> None:
        self._bodies = call.parts.bodies
        self._limits = call.parts.settings.limits
        self._head: PartHead | None = None
        self._spool: Spool | None = None
        self._metadata: list[bytes] | None = None
        self._size = 0
        self.parts = Parts()

    async def take(self, piece: PartHead | PartEnd | bytes) -> None:
        """The next piece."""
        if isinstance(piece, PartHead):
            self._begin(piece)
        elif isinstance(piece, PartEnd):
            await self._finish()
        else:
            await self._write(piece)

    async def discard(self) -> None:
        """Remove what is in the spool."""
        if self._spool is not None:
            await self._spool.discard()
        for file in self.parts.files:
            await self._bodies.discard(file.body)

    @property
    def metadata(self) -> bytes:
        """The JSON part."""
        if self._metadata is None:
            raise RefusedError("parameter_invalid", "metadata: the part is missing")
        return b"".join(self._metadata)

    def _begin(self, head: PartHead) -> None:
        self._head, self._size = head, 0
        if head.field == "file":
            if len(self.parts.files) >= self._limits.max_attachments:
                raise RefusedError("parameter_invalid", f"file: more than {self._limits.max_attachments}")
            self._spool = self._bodies.open_spool()
        elif self._metadata is not None:
            raise RefusedError("parameter_invalid", "metadata: given more than once")
        else:
            self._metadata = []

    async def _write(self, data: bytes) -> None:
        self._size += len(data)
        if self._spool is not None:
            if self._size > self._limits.max_attachment:
                raise RefusedError("body_too_large", f"a file may have {self._limits.max_attachment} bytes")
            await self._spool.write(data)
        elif self._metadata is not None:
            if self._size > MAX_JSON:
                raise RefusedError("body_too_large", f"the metadata may have {MAX_JSON} bytes")
            self._metadata.append(data)

    async def _finish(self) -> None:
        if self._spool is None:
            return
        assert self._head is not None
        body: SpooledBody = await self._spool.finish()
        self._spool = None
        self.parts.files.append(
            SubmittedFile(name=self._head.name, content_type=self._head.content_type, body=body)
        )


@asynccontextmanager
async def receive_parts(call: Call) -> AsyncIterator[Parts]:
    """The parts of the request's body; their files live as long as the context."""
    _, options = parse_options_header(call.request.headers.get("Content-Type"))
    boundary = options.get(b"boundary", b"")
    if not boundary:
        raise RefusedError("request_malformed", "Content-Type lacks the boundary")
    limits = call.parts.settings.limits
    source = incoming(call, limits.max_body + _OVERHEAD)
    parser = PartsParser(boundary, limits.max_attachments + 1)
    with call.gateway.room(source.expected * _COPIES) as room:
        sink = _Sink(call)
        try:
            async for chunk in source.chunks():
                room.grow(source.expected * _COPIES)
                for piece in parser.feed(chunk):
                    await sink.take(piece)
            if not parser.complete:
                raise RefusedError("body_cut_off", "the closing boundary is missing")
            sink.parts.metadata = sink.metadata
            yield sink.parts
        finally:
            await sink.discard()
