"""The facade's own look into an edXML: who sends, to whom. Nothing else is read, nothing is validated.

A streaming pass of expat by local name, in any case; the text of attachments is passed over, so a document of any
size needs no memory. A document type declaration, more than 64 levels or a header of more than 2 MB is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

_DEPTH_MAX = 64
_HEADER_CHARACTERS_MAX = 2_000_000
_PIECE = 256 * 1024


class UnreadableError(Exception):
    """It is no edXML that a facade could route."""


@dataclass(kw_only=True, slots=True)
class Letter:
    """What the facade knows of a message."""

    sender: str = ""
    recipients: list[str] = field(default_factory=list)
    #: Whom a status without To reports to.
    reported_to: list[str] = field(default_factory=list)
    reference: str = ""
    subject: str = ""

    @property
    def codes(self) -> tuple[str, ...]:
        """For whom it is."""
        return tuple(dict.fromkeys(self.recipients or self.reported_to))


def read_letter(path: Path) -> Letter:
    """Read a file; UnreadableError when nobody could route it."""
    look = _Look()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = look.start
    parser.EndElementHandler = look.end
    parser.CharacterDataHandler = look.take
    parser.StartDoctypeDeclHandler = look.refuse
    try:
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                parser.Parse(piece, False)  # noqa: FBT003  # expat takes no keywords
        parser.Parse(b"", True)  # noqa: FBT003
    except (expat.ExpatError, ValueError) as error:
        raise UnreadableError(f"not well-formed: {error}") from error
    if not look.letter.sender or not look.letter.codes:
        raise UnreadableError("there is no MessageHeader with From and To")
    return look.letter


class _Look:
    def __init__(self) -> None:
        self.letter = Letter()
        self._path: list[str] = []
        self._text: list[str] = []
        self._kept = 0

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        if len(self._path) == _DEPTH_MAX:
            raise UnreadableError("too deep")
        self._path.append(name.rpartition(" ")[2].lower())
        self._text.clear()

    def end(self, _name: str) -> None:
        text, path = "".join(self._text).strip(), self._path
        self._text.clear()
        if text and "messageheader" in path:
            self._note("/".join(path[path.index("messageheader") + 1 :]), text)
        path.pop()

    def _note(self, place: str, text: str) -> None:
        letter = self.letter
        if place == "from/organid":
            letter.sender = letter.sender or text
        elif place == "to/organid":
            letter.recipients.append(text)
        elif place == "responsefor/organid":
            letter.reported_to.append(text)
        elif place == "documentid":
            letter.reference = text
        elif place == "subject":
            letter.subject = text

    def take(self, text: str) -> None:
        if "messageheader" not in self._path:
            return
        self._kept += len(text)
        if self._kept > _HEADER_CHARACTERS_MAX:
            raise UnreadableError("the header is too long")
        self._text.append(text)

    def refuse(self, *_facts: object) -> None:
        raise UnreadableError("a document type declaration is not taken")
