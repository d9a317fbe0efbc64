"""The axis's own look into an edXML: who sends, to whom, what it is called. Nothing else is read.

A streaming pass of expat by local name, in any case, that keeps only the header's texts; attachments are passed
over as they stand, so that a document of any size needs no memory for them. Up to 64 bytes of junk before the
first `<` are skipped: a sample of the vendor begins so, and its SDK sends it. A document type declaration, more
than 64 levels or a header of more than 2 MB is refused. It does NOT validate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from xml.parsers import expat

#: Bytes before the markup that are skipped.
JUNK_BYTES_MAX: Final = 64

_DEPTH_MAX = 64
_HEADER_CHARACTERS_MAX = 2_000_000
_PIECE = 256 * 1024
#: What is kept, as the path below MessageHeader.
_ONE = {
    "from/organid": "sender",
    "documentid": "document_id",
    "code/codenumber": "number",
    "code/codenotation": "notation",
    "promulgationinfo/promulgationdate": "date",
    "subject": "subject",
    "statuscode": "status_code",
}


class UnreadableError(Exception):
    """It is no edXML that an axis could route."""


@dataclass(frozen=True, kw_only=True, slots=True)
class About:
    """A ResponseFor."""

    organ_id: str
    code: str
    date: str
    document_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """What the axis knows of a message."""

    sender: str
    recipients: tuple[str, ...]
    document_id: str
    number: str
    notation: str
    date: str
    subject: str
    business_type: str
    #: "" for a document.
    status_code: str
    about: tuple[About, ...]

    @property
    def code(self) -> str:
        """Number and notation as people write them; of a status, those of the document it is about."""
        if self.about and not self.number:
            return self.about[0].code
        return f"{self.number}/{self.notation}" if self.number or self.notation else ""


def read(data: bytes) -> Letter:
    """Read a message; UnreadableError when nobody could route it."""
    start = data[: JUNK_BYTES_MAX + 1].find(b"<")
    if start < 0:
        raise UnreadableError("khong phai XML")
    look = _Look()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = look.start
    parser.EndElementHandler = look.end
    parser.CharacterDataHandler = look.take
    parser.StartDoctypeDeclHandler = look.refuse
    look.parser = parser
    try:
        view = memoryview(data)
        for place in range(start, len(data), _PIECE):
            parser.Parse(bytes(view[place : place + _PIECE]), False)  # noqa: FBT003  # expat takes no keywords
        parser.Parse(b"", True)  # noqa: FBT003
    except (expat.ExpatError, ValueError) as error:
        raise UnreadableError(f"XML khong hop le: {error}") from error
    return look.letter()


class _Look:
    def __init__(self) -> None:
        self.parser: expat.XMLParserType | None = None
        self._path: list[str] = []
        self._text: list[str] = []
        self._kept = 0
        self._one: dict[str, str] = {}
        self._to: list[str] = []
        self._about: list[dict[str, str]] = []
        self._type = ""
        self._headers = 0

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        if len(self._path) == _DEPTH_MAX:
            raise UnreadableError("qua nhieu cap")
        local = name.rpartition(" ")[2].lower()
        if local == "status" and self._path[-1:] == ["header"]:
            local = "messageheader"  # older systems put a status into the SOAP header as it is
        self._path.append(local)
        self._text.clear()
        if local == "messageheader":
            self._headers += 1
        elif local == "responsefor" and self._headers:
            self._about.append({})
        elif local == "attachmentencoded" and self.parser is not None:
            self.parser.CharacterDataHandler = None

    def end(self, _name: str) -> None:
        path, text = self._path, "".join(self._text).strip()
        self._text.clear()
        local = path[-1]
        if "messageheader" in path:
            below = "/".join(path[path.index("messageheader") + 1 :])
            if below in _ONE:
                self._one.setdefault(_ONE[below], text)
            elif below == "to/organid" and text:
                self._to.append(text)
            elif len(path) > 1 and path[-2] == "responsefor":
                self._about[-1].setdefault(local, text)
        elif local in {"bussinessdoctype", "businessdoctype"}:
            self._type = self._type or text
        elif local == "attachmentencoded" and self.parser is not None:
            self.parser.CharacterDataHandler = self.take
        path.pop()

    def take(self, text: str) -> None:
        self._kept += len(text)
        if self._kept > _HEADER_CHARACTERS_MAX:
            raise UnreadableError("phan dau qua dai")
        self._text.append(text)

    def refuse(self, *_facts: object) -> None:
        raise UnreadableError("co khai bao DOCTYPE")

    def letter(self) -> Letter:
        one = self._one
        if self._headers != 1 or not one.get("sender"):
            raise UnreadableError("khong co MessageHeader hoac From/OrganId")
        return Letter(
            sender=one["sender"],
            recipients=tuple(dict.fromkeys(self._to)),
            document_id=one.get("document_id", ""),
            number=one.get("number", ""),
            notation=one.get("notation", ""),
            date=one.get("date", ""),
            subject=one.get("subject", ""),
            business_type=self._type or "0",
            status_code=one.get("status_code", ""),
            about=tuple(
                About(
                    organ_id=each.get("organid", ""),
                    code=each.get("code", ""),
                    date=each.get("promulgationdate", ""),
                    document_id=each.get("documentid", ""),
                )
                for each in self._about
            ),
        )
