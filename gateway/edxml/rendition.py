"""A rendition: the copy of a received message written anew for a peer that cannot read the original.

The original is kept and stays the evidence; a rendition has a digest of its own, loses vendor extensions and
any XML signature, and is made only where a peer's profile demands it. It does NOT decide that: routing does.
"""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import BinaryIO

from gateway.edxml.builder import AttachmentSource, WrittenDigest, build_status, write_document
from gateway.edxml.envelope import Attachment, Envelope, MessageKind
from gateway.edxml.names import extension_of
from gateway.edxml.profiles import Profile

#: Gives the decoded, unzipped bytes of an attachment of the original, from the first byte.
Extractor = Callable[[Attachment], BinaryIO]

#: The standard library's own table: the machine's would make renditions differ from host to host.
_TYPES = mimetypes.MimeTypes()
for _kind, _extension in (("wordprocessingml.document", ".docx"), ("spreadsheetml.sheet", ".xlsx"),
                          ("presentationml.presentation", ".pptx")):  # fmt: skip
    _TYPES.add_type(f"application/vnd.openxmlformats-officedocument.{_kind}", _extension)
_TYPES.add_type("application/pkcs7-mime", ".p7m")


def write_rendition(
    out: BinaryIO,
    original: Envelope,
    extract: Extractor,
    profile: Profile,
    *,
    scratch: Path | None = None,
) -> WrittenDigest:
    """Write `original` in the dialect of `profile`; attachments come from `extract`, called once or twice each."""
    if original.kind is MessageKind.STATUS:
        data = build_status(original, profile)
        out.write(data)
        return WrittenDigest(sha256=hashlib.sha256(data).hexdigest(), size=len(data))
    files = [
        AttachmentSource(
            name=attachment.name or attachment.safe_name,
            content_type=type_of(attachment),
            description=attachment.description,
            open=partial(extract, attachment),
            content_id=attachment.content_id,
        )
        for attachment in original.attachments
    ]
    return write_document(out, original, files, profile, scratch=scratch)


def type_of(attachment: Attachment) -> str:
    """The media type of the file itself."""
    # Dialect A says application/zip of every file: its own type is only told by its name.
    if not attachment.zipped and attachment.content_type:
        return attachment.content_type
    return type_of_name(attachment.name)


def type_of_name(name: str) -> str:
    """The media type that a file's extension says."""
    # Only the extension is shown to the table, which reads names as URLs.
    return _TYPES.guess_type(f"file.{extension_of(name)}")[0] or "application/octet-stream"
