"""What the pages of the clerk's desk share: the clerk behind a visit, forms with files, files to look at.

A clerk looks into what came for own offices without the right to preview: nobody can register what nobody may read.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Final

from aiohttp import BodyPartReader, web

from gateway.clock import VIETNAM
from gateway.console.formats import small_number
from gateway.console.headers import framed, saved
from gateway.console.pieces import hand_out, of_body
from gateway.console.uploaded import form_read, pieces_of, text_of
from gateway.console.visit import Visit
from gateway.desk.clerk import Clerk
from gateway.desk.desk import Desk
from gateway.desk.papers import MOST_BYTES
from gateway.errors import RefusedError
from gateway.ledger.entries import Beside
from gateway.model import Agency, AgencyId
from gateway.storage.body_file import BodyFile
from gateway.storage.spool import SpooledBody

#: What browsers show by themselves without running anything of ours; everything else is downloaded.
SHOWN: Final = frozenset({"application/pdf", "image/png", "image/jpeg"})
#: The longest text of a field, and fields of a form with files.
_MOST_TEXT: Final = 20_000
_MOST_FIELDS: Final = 200
#: Bytes of all files of one form.
_MOST_BYTES: Final = 2 * MOST_BYTES
_FORM_SECONDS: Final = 600.0
#: What no office copies; the longest line.
_MOST_COPIES: Final = 100_000
_LONGEST: Final = 500


def desk_of(visit: Visit) -> Desk:
    """The services."""
    return visit.parts.server.desk


async def clerk_of(visit: Visit) -> Clerk:
    """Who sits there."""
    user, directory = visit.user, visit.base.directory
    heirs = {old: office for office in visit.offices for old in await directory.predecessors_of(office, visit.at)}
    return Clerk(
        user_id=user.id, name=user.name, offices=visit.offices, address=visit.request.remote or "", heirs=heirs
    )


def today(visit: Visit) -> date:
    """The day of Vietnam."""
    return visit.at.astimezone(VIETNAM).date()


async def offices_of(visit: Visit) -> list[Agency]:
    """Those of the clerk, by name."""
    found = await visit.base.directory.agencies(visit.offices)
    return sorted(found.values(), key=lambda agency: agency.name)


def chosen_office(offices: Iterable[Agency], given: str) -> AgencyId:
    """The office of a form: the one named, or the only one there is."""
    own = [agency.id for agency in offices]
    if given in own:
        return AgencyId(given)
    if given or not own:
        raise RefusedError("not_found")
    return own[0]


def beside_of(fields: dict[str, str], *, is_filled: bool = False) -> Beside:
    """What the office writes beside a line.

    `is_filled`: the form had a day of passing on already, which says nothing where nobody gets the document.
    """
    receiver = _line(fields, "receiver")
    return Beside(
        receiver=receiver,
        passed_on=day_text(fields, "passed_on") if receiver or not is_filled else "",
        due_on=day_text(fields, "due_on"),
        copies=small_number(fields.get("copies", "")) % _MOST_COPIES,
        note=_line(fields, "note"),
    )


def _line(fields: dict[str, str], name: str) -> str:
    return " ".join(fields.get(name, "").split())[:_LONGEST]


def day_text(fields: dict[str, str], name: str) -> str:
    """A day as a form gives it, or nothing."""
    text = fields.get(name, "").strip()
    if not text:
        return ""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise RefusedError("desk_form_incomplete", name) from error


async def sent_form(visit: Visit) -> tuple[list[tuple[str, str]], list[tuple[str, SpooledBody]]]:
    """Fields and files of a form with files; whoever calls discards the files that it does not keep."""
    fields: list[tuple[str, str]] = []
    files: list[tuple[str, SpooledBody]] = []
    room = _MOST_BYTES
    try:
        async with form_read(_FORM_SECONDS):
            async for part in await visit.request.multipart():
                if not isinstance(part, BodyPartReader) or len(fields) + len(files) > _MOST_FIELDS:
                    raise ValueError("no form of ours")  # noqa: TRY301  # told like aiohttp's own
                if part.filename is None:
                    fields.append((part.name or "", await text_of(part, _MOST_TEXT)))
                elif part.filename:
                    files.append((part.filename, await _spooled(visit, part, min(room, MOST_BYTES))))
                    room -= files[-1][1].size
    except BaseException:
        await discard(visit, files)
        raise
    return fields, files


async def discard(visit: Visit, files: Iterable[tuple[str, SpooledBody]]) -> None:
    """Forget files that came; those that were kept stay."""
    for _, body in files:
        await visit.base.bodies.discard(body)


async def _spooled(visit: Visit, part: BodyPartReader, most: int) -> SpooledBody:
    expected = visit.request.content_length  # of the whole form; a browser says it
    with visit.parts.server.gateway.room(most if expected is None else min(most, expected)):
        async with visit.base.bodies.open_spool() as spool:
            async for piece in pieces_of(part, most):
                await spool.write(piece)
            return await spool.finish()


async def file_response(
    visit: Visit, file: BodyFile, size: int, name: str, content_type: str
) -> web.StreamResponse:
    """A file as it is: shown in a frame of ours where a browser shows it safely, else downloaded."""
    is_shown = content_type in SHOWN and "download" not in visit.request.query
    headers = framed(name) if is_shown else saved(name)
    headers |= {
        "Content-Type": content_type if is_shown else "application/octet-stream",
        "Content-Length": str(size),
    }
    return await hand_out(visit, web.StreamResponse(headers=headers), of_body(visit, file.pieces()))
