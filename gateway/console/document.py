"""One document: what it is, who has it, all that happened to it, what is in it, and the proof of it to take along.

The page shows what the ledger has. Its files and its XML are shown to whoever may look into documents, and each
look is recorded as a download by the API would be; a file is shown in the page only where its bytes are a PDF's,
from a response that may load nothing. A bundle holds the document itself, so it is given to whoever may look into
it, and to auditors.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any, BinaryIO, Final

import msgspec
from aiohttp import web

from gateway.accounts.roles import Permission
from gateway.admin.export import ExportDocument, exported, sources_of, with_reason
from gateway.bundle.format import PDF
from gateway.clock import VIETNAM, instant
from gateway.console import document_words as said
from gateway.console.acts import WAYS
from gateway.console.document_source import MOST_BYTES, laid_out
from gateway.console.document_story import Story, read_story
from gateway.console.formats import small_number
from gateway.console.headers import framed, saved
from gateway.console.ledger_columns import Words
from gateway.console.looks import goes_on_seeing, looked_up, saw
from gateway.console.pieces import hand_out, length, of_file, reopened, with_room
from gateway.console.reminders import rehearsed
from gateway.console.route import Route
from gateway.console.signed import signed_of
from gateway.console.telephoned import calls_of
from gateway.console.terms import term_of
from gateway.console.visit import Visit
from gateway.edxml.codes import BUSINESS_TYPES, PRIORITIES
from gateway.edxml.envelope import Attachment, BusinessType, Envelope, Finding
from gateway.errors import RefusedError
from gateway.evidence.gathering import gather
from gateway.ledger.inquiries import LookupAct
from gateway.ledger.readings import ReadAct
from gateway.states import State

_MAGIC: Final = b"%PDF-"
#: Of a page that is handed out as a file: it loads nothing, runs nothing, and stands in no frame.
_SANDBOX: Final = "sandbox; default-src 'none'; frame-ancestors 'none'"


async def show(visit: Visit) -> web.StreamResponse:
    """The page; that somebody looks is recorded."""
    newest = await visit.parts.live.newest()
    story = await _story(visit)
    await saw(visit, story.summary[0], ReadAct.SHOWN)
    return visit.page("document.html", newest=newest, **await _values(visit, story))


async def now(visit: Visit) -> web.StreamResponse:
    """The part of it that changes."""
    story = await _story(visit)
    await goes_on_seeing(visit, story.summary[0])
    return visit.page("document_now.html", **await _values(visit, story))


async def source(visit: Visit) -> web.StreamResponse:
    """The XML, with what was found in it."""
    story = await _story(visit)
    visit.require(Permission.PREVIEW)
    _refuse_destroyed(story)
    await saw(visit, story.summary[0], ReadAct.OPENED, part="edxml")
    body = await visit.parts.server.gateway.sound.open(story.summary[8])
    data = await asyncio.to_thread(_head, body.file)
    findings = msgspec.json.decode(story.summary[11], type=tuple[Finding, ...])
    lines = await asyncio.to_thread(laid_out, data, findings)
    return visit.page(
        "document_source.html", story=story, lines=lines, findings=findings, is_cut=len(data) == MOST_BYTES
    )


async def file(visit: Visit) -> web.StreamResponse:
    """One file: shown where it is a PDF and the page asks for that, else to be saved."""
    story = await _story(visit)
    visit.require(Permission.PREVIEW)
    _refuse_destroyed(story)
    attachments = _envelope(story).attachments
    number = visit.request.match_info["number"]
    attachment = next((each for place, each in enumerate(attachments, start=1) if str(place) == number), None)
    if attachment is None:
        raise RefusedError("not_found")
    await saw(visit, story.summary[0], ReadAct.DOWNLOADED, part=f"attachment {attachment.number}")
    opened = visit.parts.server.gateway.mailbox.unpacked(
        story.summary[8], attachment.number, attachment.size, owner=visit.user.id
    )
    async with opened as (scratch, found):
        with await asyncio.to_thread(scratch.open) as stream:
            return await _given(visit, stream, found)


async def bundle(visit: Visit) -> web.StreamResponse:
    """The evidence, sealed; who took it is an event."""
    story = await _story(visit)
    if not (visit.may(Permission.PREVIEW) or visit.may(Permission.AUDIT)):
        raise RefusedError("not_permitted")
    _refuse_part(story)
    reason = visit.form.get("reason", "").strip()
    ask = ExportDocument(document=story.summary[0], reason=reason or "console")
    if visit.may(Permission.AUDIT):
        await looked_up(visit, LookupAct.EXPORTED, with_reason(ask.document, reason), 1)
    key, is_inspection = visit.parts.server.key, visit.may(Permission.AUDIT)
    making = exported(visit.base, key, ask, visit.actor, is_inspection=is_inspection)
    async with with_room(visit, ask.document, making) as made:
        made.flush()
        response = web.StreamResponse(headers=_saved(f"{_name(story)}.asice"))
        response.content_type, response.content_length = "application/vnd.etsi.asic-e+zip", length(made)
        with reopened(made) as file:
            return await hand_out(visit, response, of_file(file))


async def certificate(visit: Visit) -> web.StreamResponse:
    """The printable certificate, in both languages."""
    story = await _story(visit)
    _refuse_part(story)
    await saw(visit, story.summary[0], ReadAct.PROVED, part="certificate")
    material = await gather(await sources_of(visit.base), story.summary[0], actor=visit.actor, now=visit.at)
    data = material.others[PDF]
    return web.Response(body=data, content_type="application/pdf", headers=_saved(f"{_name(story)}.pdf"))


async def _story(visit: Visit) -> Story:
    base = visit.base
    query, key = visit.request.query, visit.request.match_info["id"]
    line, named_before = query.get("line", "")[:80], small_number(query.get("named", ""))
    return await read_story(base.readers, base.directory, key, visit.scope, line=line, named_before=named_before)


async def _values(visit: Visit, story: Story) -> dict[str, Any]:
    summary, line = story.summary, visit.request.query.get("line", "")[:80]
    envelope, named = _envelope(story), story.links.named_before
    gateway = visit.parts.server.gateway
    seq = await gateway.log.accepted_seq(summary[0])
    index = None if seq is None else await gateway.log.index_of(seq)
    return {
        "story": story,
        "envelope": envelope,
        "findings": msgspec.json.decode(summary[11], type=tuple[Finding, ...]),
        "accepted_at": instant(summary[10]),
        "accepted_day": instant(summary[10]).astimezone(VIETNAM).date().isoformat(),
        "received_at": instant(summary[17]),
        "proven": None if index is None else await gateway.times.proven(index),
        "signed": await signed_of(visit, summary[0], story.verdict),
        "line": next((each for each in story.recipients if each.id == line), None),
        "place": ({"line": line} if line else {}) | ({"named": str(named)} if named else {}),
        "actors": await said.actors_of(
            visit, {who for each in story.told for who in (each.actor, each.consented_by)}
        ),
        "said": said,
        "words": Words(visit),
        "priority": PRIORITIES[envelope.priority],
        "business": BUSINESS_TYPES.get(BusinessType(summary[14])) if summary[14] in set(BusinessType) else None,
        "may_look": visit.may(Permission.PREVIEW) and story.destroyed_at is None,
        "may_export": story.whole and (visit.may(Permission.PREVIEW) or visit.may(Permission.AUDIT)),
        "is_pdf": _is_pdf,
        "term": await term_of(visit, story, envelope.due_date),
        "handed": await _handed_over(visit, story, line),
        "ways": WAYS,
        "moment": datetime.fromisoformat,
        "reminding": await rehearsed(visit, story),
        "calls": await calls_of(visit, story),
        "look": _looked_at(visit, envelope, story),
    }


async def _handed_over(visit: Visit, story: Story, line: str) -> dict[str, str] | None:
    """Channel, number, by whom and when, where a person brought it to this recipient or forwarded it."""
    if not any(each.id == line and each.state is State.HANDED_OVER for each in story.recipients):
        return None
    row = await visit.base.readers.fetch_one("delivery_read_handed_over", (line,))
    return None if row is None else msgspec.json.decode(row[0], type=dict[str, str])


def _looked_at(visit: Visit, envelope: Envelope, story: Story) -> int:
    """The number of the file that is shown in the page; 0: none."""
    asked = visit.request.query.get("look", "")
    if story.destroyed_at is not None or not visit.may(Permission.PREVIEW):
        return 0
    return next((each.number for each in envelope.attachments if str(each.number) == asked and _is_pdf(each)), 0)


def _envelope(story: Story) -> Envelope:
    return msgspec.json.decode(story.summary[12], type=Envelope)


def _is_pdf(attachment: Attachment) -> bool:
    """As far as its name tells; the bytes decide when it is asked for."""
    return attachment.encryption is None and attachment.safe_name.lower().endswith(".pdf")


def _refuse_destroyed(story: Story) -> None:
    if story.destroyed_at is not None:
        raise RefusedError("body_purged", story.summary[0])


def _refuse_part(story: Story) -> None:
    """Evidence tells of all recipients: whoever is shown the own line alone is not given it."""
    if not story.whole:
        raise RefusedError("not_permitted")


async def _given(visit: Visit, stream: BinaryIO, found: Attachment) -> web.StreamResponse:
    is_pdf = await asyncio.to_thread(stream.read, len(_MAGIC)) == _MAGIC
    await asyncio.to_thread(stream.seek, 0)
    if is_pdf and "show" in visit.request.query:
        response = web.StreamResponse(headers=framed(found.safe_name))
        response.content_type = "application/pdf"
    else:
        # never a type that a browser would run
        response = web.StreamResponse(headers=_saved(found.safe_name))
        response.content_type = "application/octet-stream"
    response.content_length = found.size
    return await hand_out(visit, response, of_file(stream))


def _saved(name: str) -> dict[str, str]:
    return saved(name) | {"Content-Security-Policy": _SANDBOX}


def _name(story: Story) -> str:
    text = f"{story.summary[5]}-{story.summary[6]}"
    return "".join(char if char.isalnum() or char in "-_." else "-" for char in text)[:60].strip("-") or "document"


def _head(body: Any) -> bytes:
    with body.open() as stream:
        data: bytes = stream.read(MOST_BYTES)
        return data


ROUTES: Final = (
    Route("GET", "/documents/{id}", show, Permission.VIEW_OWN),
    Route("GET", "/documents/{id}/now", now, Permission.VIEW_OWN),
    Route("GET", "/documents/{id}/source", source, Permission.PREVIEW, heavy="page"),
    Route("GET", "/documents/{id}/files/{number}", file, Permission.PREVIEW),
    Route("GET", "/documents/{id}/certificate.pdf", certificate, Permission.VIEW_OWN, heavy="print"),
    Route("POST", "/documents/{id}/bundle", bundle, Permission.SELF),
)
