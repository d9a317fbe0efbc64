"""The file inside an envelope, with its name and type: a MIME entity of exactly four header lines [RFC 8551 3.1].

    MIME-Version: 1.0
    Content-Type: application/pdf
    Content-Disposition: attachment; filename*=UTF-8''125.pdf
    Content-Transfer-Encoding: binary

Then an empty line and the file, byte for byte. Other programs may leave the head away: then the envelope holds the
file alone, and its name is for the receiver to guess. Nothing but these four lines in this order is taken for a
head, so that a letter (`.eml`) that somebody encrypted stays a letter.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote

#: Of the head, at most.
MOST_BYTES: Final = 4096
_MOST_NAME: Final = 255
_BYTES: Final = "application/octet-stream"
_TYPE: Final = re.compile(r"[A-Za-z0-9][\w.+-]{0,63}/[A-Za-z0-9][\w.+-]{0,127}", re.ASCII)
_HEAD: Final = re.compile(
    rb"MIME-Version: 1\.0\r\nContent-Type: (?P<type>[\x21-\x7e]{3,200})\r\n"
    rb"Content-Disposition: attachment; filename\*=UTF-8''(?P<name>[\x21-\x7e]{0,3072})\r\n"
    rb"Content-Transfer-Encoding: binary\r\n\r\n"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Entity:
    """What a head says of the file."""

    #: As its sender wrote it; "" where there was no head.
    name: str = ""
    content_type: str = ""
    #: Where the file begins.
    begins_at: int = 0


def head_of(name: str, content_type: str) -> bytes:
    """The head of a file."""
    kind = content_type.split(";", 1)[0].strip()
    kind = kind if _TYPE.fullmatch(kind) else _BYTES
    told = quote(name[:_MOST_NAME], safe="")
    return (
        f"MIME-Version: 1.0\r\nContent-Type: {kind}\r\n"
        f"Content-Disposition: attachment; filename*=UTF-8''{told}\r\n"
        "Content-Transfer-Encoding: binary\r\n\r\n"
    ).encode("ascii")


def described(front: bytes) -> Entity:
    """What the first `MOST_BYTES` of an entity say."""
    found = _HEAD.match(front)
    if found is None:
        return Entity()
    return Entity(
        name=unquote(found["name"].decode("ascii"), errors="replace")[:_MOST_NAME],
        content_type=found["type"].decode("ascii"),
        begins_at=found.end(),
    )
