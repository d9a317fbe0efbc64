"""The simulators' own edXML reader, on expat: what a plain office system would make of a message.

It reads dialects A and B (and whatever else agrees by local name, in any case), keeps the whole message in
memory, and returns `Incoming`. Attachments are decoded, and unzipped when they are said to be a ZIP. A message
it cannot read raises `UnreadableError`; the simulators note that as damage. It does NOT validate.
"""

from __future__ import annotations

import base64
import binascii
import io
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

#: The largest attachment a simulated office takes, unpacked, in bytes.
_MOST = 64_000_000
#: Names of files that are ZIP archives by nature and must not be unpacked.
_ARCHIVES = (".zip", ".docx", ".xlsx", ".pptx", ".odt", ".ods", ".odp")


class UnreadableError(Exception):
    """The message is not an edXML that this system can read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class File:
    """One attachment, unpacked."""

    name: str
    data: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class About:
    """A ResponseFor."""

    organ_id: str
    code: str
    date: str
    document_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Incoming:
    """What the message says."""

    sender: str
    recipients: tuple[str, ...]
    document_id: str
    number: str
    notation: str
    date: str
    subject: str
    business_type: str
    #: "" for a document, 01 … 16 for a status message.
    status_code: str
    description: str
    about: tuple[About, ...]
    files: tuple[File, ...]

    @property
    def is_status(self) -> bool:
        """Whether it reports on a document instead of being one."""
        return bool(self.status_code)


@dataclass(slots=True)
class _Node:
    name: str
    children: list[_Node] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def walk(self, name: str) -> Iterator[_Node]:
        for child in self.children:
            if child.name == name.lower():
                yield child
            yield from child.walk(name)

    def first(self, name: str) -> _Node:
        return next(self.walk(name), _Node(name))

    def child_text(self, name: str) -> str:
        return next((child.text for child in self.children if child.name == name.lower()), "")

    @property
    def text(self) -> str:
        return "".join(self.texts).strip()


def read(data: bytes) -> Incoming:
    """Read a message; UnreadableError when it makes no sense."""
    root = _tree(data)
    header = root.first("MessageHeader")
    if not header.children:
        raise UnreadableError("there is no MessageHeader")
    code = header.first("Code")
    business = root.first("Bussiness")
    return Incoming(
        sender=header.first("From").child_text("OrganId"),
        recipients=tuple(to.child_text("OrganId") for to in header.children if to.name == "to"),
        document_id=header.child_text("DocumentId"),
        number=code.child_text("CodeNumber"),
        notation=code.child_text("CodeNotation"),
        date=header.first("PromulgationInfo").child_text("PromulgationDate"),
        subject=header.child_text("Subject"),
        business_type=business.child_text("BussinessDocType"),
        status_code=header.child_text("StatusCode"),
        description=header.child_text("Description"),
        about=tuple(_about(node) for node in header.children if node.name == "responsefor"),
        files=tuple(_file(node) for node in root.walk("Attachment")),
    )


def _about(node: _Node) -> About:
    return About(
        organ_id=node.child_text("OrganId"),
        code=node.child_text("Code"),
        date=node.child_text("PromulgationDate"),
        document_id=node.child_text("DocumentId"),
    )


def _file(node: _Node) -> File:
    name = node.child_text("AttachmentName")
    try:
        data = base64.b64decode("".join(node.child_text("ContentTransferEncoded").split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise UnreadableError(f"the attachment {name} is not base64") from error
    zipped = node.child_text("ContentType") == "application/zip" or not name.lower().endswith(_ARCHIVES)
    return File(name=name, data=_unzip(name, data) if zipped and data.startswith(b"PK\x03\x04") else data)


def _unzip(name: str, data: bytes) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            first = archive.infolist()[0]
            if first.file_size > _MOST:
                raise UnreadableError(f"the attachment {name} is too large")
            return archive.read(first)
    except (zipfile.BadZipFile, zlib.error, IndexError, OSError, EOFError, RuntimeError) as error:
        raise UnreadableError(f"the attachment {name} is not a ZIP") from error


def _tree(data: bytes) -> _Node:
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    root = _Node("")
    path = [root]

    def start(name: str, _attributes: dict[str, str]) -> None:
        node = _Node(name.rpartition(" ")[2].lower())
        path[-1].children.append(node)
        path.append(node)

    def refuse(*_facts: object) -> None:
        raise UnreadableError("a document type declaration is not taken")

    def take(text: str) -> None:
        path[-1].texts.append(text)

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _name: path.pop()
    parser.CharacterDataHandler = take
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(data, True)  # noqa: FBT003  # expat takes no keywords
    except expat.ExpatError as error:
        raise UnreadableError(f"not well-formed: {error}") from error
    return root
