"""Forms with files that are looked at and not kept: fields, and files without a name while the form is read.

Each field of files has a limit for all of its files together; what has no limit is passed over. A file has its
room on the disk promised before it comes. Documents of the clerk's desk, which are kept, come by `desk_parts`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from aiohttp import BodyPartReader

from gateway.console.visit import Visit
from gateway.errors import RefusedError

_SECONDS: Final = 300.0
_PIECE: Final = 256 * 1024
_MOST_PARTS: Final = 20
_MOST_TEXT: Final = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Brought:
    """A file of a form."""

    field: str
    name: str
    #: Where it can be opened while the form is read.
    path: Path
    size: int


@dataclass(kw_only=True, slots=True)
class Uploaded:
    """What a form brought."""

    fields: dict[str, str] = field(default_factory=dict)
    files: list[Brought] = field(default_factory=list)

    def of(self, name: str) -> list[Brought]:
        """The files of a field."""
        return [each for each in self.files if each.field == name]

    def one(self, name: str) -> Brought:
        """The file of a field; RefusedError without one."""
        found = self.of(name)
        if not found:
            raise RefusedError("parameter_invalid", f"{name}: no file")
        return found[0]


@asynccontextmanager
async def uploaded(visit: Visit, most: Mapping[str, int]) -> AsyncIterator[Uploaded]:
    """Read a form; `most`: bytes of each field with files."""
    if not visit.request.content_type.startswith("multipart/"):
        raise RefusedError("parameter_invalid", "no file")
    with ExitStack() as kept:
        async with form_read(_SECONDS):
            found = await _read(visit, dict(most), kept)
        yield found


@asynccontextmanager
async def form_read(seconds: float) -> AsyncIterator[None]:
    """A multipart form is read within so long; what is none is refused."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise RefusedError("body_too_slow") from error
    except (ValueError, AssertionError) as error:  # aiohttp's words for what is no multipart form
        raise RefusedError("parameter_invalid", "the form") from error


async def _read(visit: Visit, room: dict[str, int], kept: ExitStack) -> Uploaded:
    found = Uploaded()
    async for part in await visit.request.multipart():
        if not isinstance(part, BodyPartReader) or part.name is None:
            continue
        if len(found.files) + len(found.fields) == _MOST_PARTS:
            raise RefusedError("parameter_invalid", f"more than {_MOST_PARTS} parts")
        if part.name in room:
            brought = await _file(visit, part, room[part.name], kept)
            room[part.name] -= brought.size
            found.files += [brought] if brought.size else []
        elif part.filename is None:
            found.fields[part.name] = await text_of(part, _MOST_TEXT)
    return found


async def _file(visit: Visit, part: BodyPartReader, room: int, kept: ExitStack) -> Brought:
    file, size = kept.enter_context(visit.base.bodies.unnamed()), 0
    expected = visit.request.content_length  # of the whole form; a browser says it
    with visit.parts.server.gateway.room(room if expected is None else min(room, expected)):
        async for piece in pieces_of(part, room):
            size += len(piece)
            await asyncio.to_thread(file.write, piece)
        await asyncio.to_thread(file.flush)
    path = Path(f"/proc/{os.getpid()}/fd/{file.fileno()}")
    return Brought(field=part.name or "", name=(part.filename or "")[:100], path=path, size=size)


async def text_of(part: BodyPartReader, most: int) -> str:
    """A field that is no file, of so many bytes at most."""
    return b"".join([piece async for piece in pieces_of(part, most)]).decode()


async def pieces_of(part: BodyPartReader, most: int) -> AsyncIterator[bytes]:
    """What a field holds; RefusedError once that is more than so many bytes."""
    size = 0
    while piece := await part.read_chunk(_PIECE):
        size += len(piece)
        if size > most:
            raise RefusedError("body_too_large", f"{part.name}: {most}")
        yield piece
