"""What stands in the parts of a MIME message: first the SOAP envelope, then the attachments it refers to by cid.

Attachments are measured as they stream by, like those inside the XML, under the same limits and rules; their
manifest is that of the envelope. The transfer encodings are those of [RFC 2045 6]; names of files may be written
in any of the usual ways. An unknown encoding, damaged text or a part cut off makes the attachment invalid.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable
from dataclasses import dataclass
from email import errors, header, message_from_string
from email.message import Message
from email.utils import collapse_rfc2231_value
from typing import Protocol

from gateway.edxml.base64stream import Base64Stream
from gateway.edxml.encoded import EncodedFile
from gateway.edxml.envelope import Finding
from gateway.edxml.findings import finding
from gateway.edxml.limits import ParseLimits
from gateway.edxml.mime import SNIFFED, ByteSource, MimeReader, boundary_of, broken

#: Longest line of quoted-printable that is waited for; the standard allows 76 characters.
_LONGEST_LINE = 64 * 1024


class TransferDecoder(Protocol):
    """Undoes a transfer encoding."""

    @property
    def problem(self) -> str:
        """An English phrase once something was wrong, else ""."""
        ...

    def feed(self, data: bytes) -> None:
        """The next piece."""
        ...

    def finish(self) -> None:
        """The part has ended."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class PartFields:
    """What the header fields of a part say."""

    content_id: str
    content_type: str
    name: str
    description: str
    #: Content-Transfer-Encoding, lower case.
    transfer: str


class _AsIs:
    """7bit, 8bit and binary."""

    problem = ""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write

    def feed(self, data: bytes) -> None:
        self._write(data)

    def finish(self) -> None:
        """Nothing is held back."""


class _Base64:
    """base64, as strictly as inside the XML."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._stream = Base64Stream(write)

    @property
    def problem(self) -> str:
        return self._stream.problem

    def feed(self, data: bytes) -> None:
        self._stream.feed(data.decode("latin-1"))

    def finish(self) -> None:
        self._stream.finish()


class _Quoted:
    """quoted-printable, line by line."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self._carry = b""
        self.problem = ""

    def feed(self, data: bytes) -> None:
        if self.problem:
            return
        lines, newline, self._carry = (self._carry + data).rpartition(b"\n")
        if len(self._carry) > _LONGEST_LINE:
            self.problem = "a line of the quoted-printable text is too long"
        elif newline:
            self._write(binascii.a2b_qp(lines + newline))

    def finish(self) -> None:
        if not self.problem:
            self._write(binascii.a2b_qp(self._carry))


class _Unknown:
    """Any other encoding."""

    def __init__(self, transfer: str) -> None:
        self.problem = f"its Content-Transfer-Encoding {transfer[:40]} is not known"

    def feed(self, data: bytes) -> None:
        """Passed over."""

    def finish(self) -> None:
        """Nothing to do."""


_DECODERS: dict[str, Callable[[Callable[[bytes], object]], TransferDecoder]] = {
    "": _AsIs, "7bit": _AsIs, "8bit": _AsIs, "binary": _AsIs, "base64": _Base64, "quoted-printable": _Quoted,
}  # fmt: skip


def decoder_of(transfer: str, write: Callable[[bytes], object]) -> TransferDecoder:
    """Writes the decoded bytes of a part with that Content-Transfer-Encoding."""
    make = _DECODERS.get(transfer)
    return _Unknown(transfer) if make is None else make(write)


def read_fields(raw: bytes) -> PartFields:
    """The header fields of a part; what cannot be read counts as not said."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    message = message_from_string(text + "\n\n")
    return PartFields(
        content_id=_plain(message, "Content-ID").strip("<> "),
        content_type=message.get_content_type() if message["Content-Type"] else "",
        name=_file_name(message),
        description=_plain(message, "Content-Description"),
        transfer=_plain(message, "Content-Transfer-Encoding").lower(),
    )


def _plain(message: Message, field: str) -> str:
    return " ".join(_words(str(message.get(field, ""))).split())


def _file_name(message: Message) -> str:
    for field, parameter in (("Content-Disposition", "filename"), ("Content-Type", "name")):
        try:
            value = message.get_param(parameter, header=field)
            if value is not None:
                return " ".join(_words(collapse_rfc2231_value(value)).split())
        except (ValueError, LookupError, errors.MessageError):
            continue
    return ""


def _words(value: str) -> str:
    """Encoded words decoded where they can be; many writers put a file name into one."""
    if "=?" not in value:
        return value
    try:
        return str(header.make_header(header.decode_header(value)))
    except (ValueError, LookupError, errors.MessageError):
        return value


class PartFile(EncodedFile):
    """One attachment in a part of its own."""

    __slots__ = ("_transfer", "fields", "is_cut_off")

    def __init__(self, fields: PartFields, limits: ParseLimits, max_bytes: int) -> None:
        super().__init__(limits, max_bytes)
        self.fields = fields
        self._transfer = decoder_of(fields.transfer, self.write)
        #: Whether the message ended inside this part.
        self.is_cut_off = False

    def take_encoded(self, data: bytes) -> None:
        """The next bytes as they are in the part."""
        if not self.too_large:
            self._transfer.feed(data)

    def finish(self) -> None:
        """The part has ended."""
        if not self.too_large:
            self._transfer.finish()
        super().finish()
        self.problem = "the MIME message ends inside it" if self.is_cut_off else self._transfer.problem


class MimeMessage:
    """A MIME message being read: `root` first and to its end, then `read_files`."""

    def __init__(self, stream: ByteSource, boundary: bytes) -> None:
        self._parts = MimeReader(stream, boundary)
        fields = self._parts.next_part()
        self.root = _Root(self._parts, read_fields(fields or b"").transfer)

    def read_files(self, limits: ParseLimits, room: int, findings: list[Finding]) -> list[PartFile]:
        """The parts behind the root, measured; `room` is what all together may come to.

        One more than allowed is read, so that there are evidently too many.
        """
        files: list[PartFile] = []
        while len(files) <= limits.max_attachments and (raw := self._parts.next_part()) is not None:
            has_room = len(files) < limits.max_attachments
            file = PartFile(read_fields(raw), limits, max(0, min(limits.max_attachment_bytes, room)) * has_room)
            while piece := self._parts.read():
                file.take_encoded(piece)
            file.is_cut_off = self._parts.is_cut_off
            file.finish()
            room -= file.largest
            files.append(file)
        if self._parts.is_cut_off and not files:
            raise broken("it ends before its closing boundary")
        if len(files) <= limits.max_attachments and self._parts.has_epilogue():
            findings.append(finding("EDX-FILE-06"))
        return files

    def copy_file(self, number: int, write: Callable[[bytes], object]) -> None:
        """Decodes the attachment in that part, counted from 0 behind the root, into `write`."""
        for _ in range(number):
            self._parts.next_part()
        raw = self._parts.next_part()
        decoder = decoder_of(read_fields(raw or b"").transfer, write)
        while piece := self._parts.read():
            decoder.feed(piece)
        decoder.finish()


class _Root:
    """The decoded bytes of the first part, as a parser reads them."""

    def __init__(self, parts: MimeReader, transfer: str) -> None:
        self._parts = parts
        self._ready: list[bytes] = []
        self._decoder = decoder_of(transfer, self._ready.append)
        self._has_ended = False

    def read(self, _size: int = -1, /) -> bytes:
        """The next bytes, b"" at the end."""
        while not self._ready and not self._has_ended:
            if piece := self._parts.read():
                self._decoder.feed(piece)
            else:
                self._has_ended = True
                self._decoder.finish()
            if self._decoder.problem:
                raise broken(f"its first part cannot be read, {self._decoder.problem}")
        content = b"".join(self._ready)
        self._ready.clear()
        return content


def open_mime(stream: ByteSource) -> MimeMessage | None:
    """The MIME message that begins where a stream stands; None, and nothing consumed, for anything else."""
    here = stream.tell()
    boundary = boundary_of(stream.read(SNIFFED) or b"")
    stream.seek(here)
    return None if boundary is None else MimeMessage(stream, boundary)
