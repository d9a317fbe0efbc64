"""The port to the files of one office: what a local folder and an SFTP server both can do, and no more.

A place is the names from the office's folder down, never a path: no name holds a slash, is empty, `.` or `..`.
Names may be any bytes; those that are no UTF-8 come as surrogates (PEP 383). A link is an entry of kind `other`;
nothing follows one, at any level.

Every method raises SourceError when the folder cannot be used, with a code that is temporary: a folder that is
gone, forbidden or full is an outage, never an empty folder.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from gateway.errors import SourceError

Place = tuple[str, ...]

_NAME_BYTES_MAX = 255


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One name in a folder."""

    name: str
    kind: Literal["file", "folder", "other"]
    size: int
    #: Changes whenever the content does.
    stamp: str
    #: What a rename leaves as it is; another file has another one, as far as the store can tell.
    identity: str
    #: Unix seconds, by the folder's own clock.
    modified_at: float
    #: How many names the file has; 1 where the store cannot tell.
    links: int = 1


class FileStore(Protocol):
    """One office's folder."""

    async def entries(self, place: Place, most: int) -> Sequence[Entry]:
        """What a folder holds; of more than `most` entries, that many."""
        ...

    async def entry(self, place: Place) -> Entry | None:
        """One entry; None where there is none, or no folder that it could be in."""
        ...

    def read(self, place: Place, stamp: str) -> AsyncIterator[bytes]:
        """A regular file's bytes; `file_changing` unless it is the same before and after."""
        ...

    async def write(self, place: Place, content: AsyncIterator[bytes]) -> None:
        """A new file, synced; an entry of that name is an error."""
        ...

    async def make(self, place: Place) -> None:
        """A folder, unless it is there."""
        ...

    async def move(self, old: Place, new: Place) -> bool:
        """Give a file or folder of ours another place, at once and durably; False where that is taken."""
        ...

    async def take(self, old: Place, new: Place) -> None:
        """Give what is there by that name now, whatever it is, a name that nobody but us uses; durably.

        Others may replace it until that moment, so it is one rename, nothing else; `file_changing` if it is gone.
        """
        ...

    async def remove(self, place: Place) -> None:
        """A file, or a folder with all that is in it; what is not there is fine."""
        ...

    async def free_bytes(self) -> int | None:
        """Room; None where the store cannot tell."""
        ...

    async def close(self) -> None:
        """Give back connections."""
        ...


def checked(place: Place) -> Place:
    """The place, if every name in it is one."""
    for name in place:
        if name in {"", ".", ".."} or "/" in name or "\0" in name:
            raise SourceError("peer_reply_invalid", f"{shown(name)} is no name of a file")
        if len(name.encode("utf-8", "surrogateescape")) > _NAME_BYTES_MAX:
            raise SourceError("peer_reply_invalid", f"{shown(name)} is too long for a name")
    return place


def shown(name: str) -> str:
    """A name as logs and letters can hold it."""
    text = "".join(char if char.isprintable() else "�" for char in name)
    return text if len(text) <= 100 else f"{text[:97]}…"  # noqa: PLR2004


async def pieces(content: bytes) -> AsyncIterator[bytes]:
    """Bytes that are in memory, as `write` takes them."""
    yield content


async def put(store: FileStore, place: Place, content: bytes) -> None:
    """A small file in the place of whatever is there; whoever sees the name sees all of it."""
    folder, name = place[:-1], place[-1]
    temporary = (*folder, f".{name}.part")
    await store.remove(temporary)
    await store.write(temporary, pieces(content))
    if not await store.move(temporary, place):
        await store.remove(place)
        await store.move(temporary, place)


async def read_small(store: FileStore, place: Place, entry: Entry, most: int) -> bytes:
    """A file's content, at most so long."""
    content = bytearray()
    async for chunk in store.read(place, entry.stamp):
        content += chunk
        if len(content) > most:
            raise SourceError("body_too_large", f"{shown(entry.name)} is longer than {most} bytes")
    return bytes(content)
