"""Writes the bytes of attachments: base64 in chunks of a ZIP with one file (dialect A) or of the file (B).

Guarantees: no attachment is ever whole in memory; the ZIP is the same for the same name and bytes; a reader
that follows the receiver's algorithm (`schemas/README.md`, attachments) gets back the bytes of the source.
Therefore a raw file that such a reader would unzip (a ZIP under a name without an office document's
extension) is wrapped in a ZIP even where the profile asks for raw ones.
"""

from __future__ import annotations

import binascii
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from gateway.edxml.profiles import Profile

ZIP_TYPE = "application/zip"

#: Extensions of files that are ZIPs by nature; readers leave those alone unless the type says zip.
_ZIP_BY_NATURE = frozenset({"zip", "docx", "xlsx", "pptx", "odt"})
_ZIP_MAGIC = b"PK\x03\x04"
#: A multiple of three, so that chunks of base64 can be joined.
_CHUNK = 3 * 16 * 1024
#: Above this the ZIP goes from memory to a temporary file.
_SPOOL = 1024 * 1024
#: Most attachments are PDFs, whose streams are compressed already.
_FASTEST = 1


class Sink(Protocol):
    """Where the message goes."""

    def write(self, data: bytes, /) -> object:
        """Take all of `data`."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class AttachmentSource:
    """A file to attach."""

    #: AttachmentName, the name the receiver's clerk sees.
    name: str
    #: The file's own media type.
    content_type: str
    description: str = ""
    #: Gives a new stream at the first byte; may be called twice, each stream is closed by the builder.
    open: Callable[[], BinaryIO]
    #: Without `cid:`; made up when empty.
    content_id: str = ""


def travels_zipped(source: AttachmentSource, profile: Profile) -> bool:
    """Whether the file goes out inside a ZIP."""
    if profile.zip_attachments:
        return True
    extension = source.name.rpartition(".")[2].lower()
    if source.content_type != ZIP_TYPE and extension in _ZIP_BY_NATURE:
        return False
    with source.open() as stream:
        return stream.read(len(_ZIP_MAGIC)) == _ZIP_MAGIC


def write_payload(sink: Sink, source: AttachmentSource, *, zipped: bool, scratch: Path | None = None) -> None:
    """The base64 text of one attachment; a large ZIP lies in the folder `scratch` meanwhile."""
    if not zipped:
        with source.open() as stream:
            _write_base64(sink, stream)
        return
    with tempfile.SpooledTemporaryFile(max_size=_SPOOL, dir=None if scratch is None else str(scratch)) as spool:
        _zip_into(spool, source)
        spool.seek(0)
        _write_base64(sink, spool)


def _zip_into(spool: tempfile.SpooledTemporaryFile[bytes], source: AttachmentSource) -> None:
    # A name instead of a ZipInfo: the entry is then dated 1980, so that the same file gives the same ZIP.
    with (
        zipfile.ZipFile(spool, "w", zipfile.ZIP_DEFLATED, compresslevel=_FASTEST) as archive,
        archive.open(_entry_name(source.name), "w") as target,
        source.open() as stream,
    ):
        while chunk := stream.read(_CHUNK):
            target.write(chunk)


def _entry_name(name: str) -> str:
    flat = "".join("_" if char in "/\\:\0" else char for char in name)
    return "file" if flat in {"", ".", ".."} else flat


class _ReadableStream(Protocol):
    def read(self, size: int, /) -> bytes: ...


def _write_base64(sink: Sink, stream: _ReadableStream) -> None:
    rest = b""
    while chunk := stream.read(_CHUNK):
        data = rest + chunk if rest else chunk
        whole = len(data) - len(data) % 3
        sink.write(binascii.b2a_base64(data[:whole], newline=False))
        rest = data[whole:]
    if rest:
        sink.write(binascii.b2a_base64(rest, newline=False))
