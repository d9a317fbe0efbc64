"""Exporting evidence, of a document or that there is none: gathered, sealed, and an event that says who took what.

A bundle is made in a file of the spool that has no name, and read from there. Refused are documents that are
not known, and the proof that there is none where there is one; a body that is gone or damaged makes no bundle.

What an inspection takes is told to no office: its event belongs to no document, and commits to which one it was.
It is in no story, feed, list of readings or later bundle; auditors see the look-up that was recorded before.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from hashlib import sha256
from typing import Annotated, BinaryIO, Final

import msgspec
from msgspec import Meta

from gateway.admin.acts import Change
from gateway.admin.directory import Code
from gateway.admin.log import log_key
from gateway.bundle import absence
from gateway.bundle.build import Material, compose, finish
from gateway.bundle.container import ContainerWriter
from gateway.bundle.facts import Facts
from gateway.errors import GatewayError
from gateway.events import Event
from gateway.evidence.absences import Asked, gather_absence
from gateway.evidence.gathering import Sources, gather
from gateway.evidence.lasting import answers_about, lasting
from gateway.foundation import Foundation
from gateway.ledger.history import EventRow, RecordEvents
from gateway.ledger.inquiries import commitment
from gateway.ledger.readings import ReadAct, Reading, RecordReadings
from gateway.seal.writer import SealedEntry
from gateway.signing import SealingKey
from gateway.transparency.note import VerifierKey

#: The reason of an inspection that gave none.
UNSAID: Final = "inspection"


class ExportDocument(Change, kw_only=True):
    """The bundle of one document."""

    #: The message's whole id.
    document: Annotated[str, Meta(min_length=36, max_length=36)]
    #: Whether the seal is to last: two stamps more (XAdES B-LTA).
    lta: bool = False


@asynccontextmanager
async def exported(
    base: Foundation, key: SealingKey, ask: ExportDocument, actor: str, *, is_inspection: bool = False
) -> AsyncIterator[BinaryIO]:
    """The file, open, while the context lasts; the event is committed before it is handed out."""
    now = base.clock.now()
    material = await gather(await sources_of(base), ask.document, actor=actor, now=now)
    answers = await asyncio.to_thread(answers_about, base.settings, material, now)
    material = replace(material, facts=_said(material, ask), others=dict(material.others) | answers)
    event = _of_inspection(ask, actor, now) if is_inspection else _event(ask, actor, now)
    composing = partial(asyncio.to_thread, partial(compose, material=material))
    async with written(base, key, composing, event, is_lta=ask.lta) as file:
        yield file


def with_reason(document: str, reason: str) -> str:
    """As look-ups tell that evidence was taken."""
    return f"{document}; {reason}" if reason not in {"", UNSAID} else document


def _event(ask: ExportDocument, actor: str, now: datetime) -> EventRow:
    return EventRow(kind=Event.DOCUMENT_EXPORTED, at=now, actor=actor, message_id=ask.document, note=ask.reason)


def _of_inspection(ask: ExportDocument, actor: str, now: datetime) -> EventRow:
    salt, told = secrets.token_hex(16), with_reason(ask.document, ask.reason)
    facts: dict[str, object] = {"question": commitment(salt, told)}
    return EventRow(kind=Event.DOCUMENT_EXPORTED, at=now, actor=actor, facts=facts, note=f"{salt} {told}")


class ExportAbsence(Change, kw_only=True):
    """The proof that an agency sent no such document on closed days."""

    #: Codes.
    issuer: Code
    recipient: Code | None = None
    #: number/notation; "": of any number.
    number: Annotated[str, Meta(max_length=200, pattern="^([^/]*/.*)?$")] = ""
    #: Days of Vietnam, both included.
    first: date
    last: date


@asynccontextmanager
async def exported_absence(
    base: Foundation, key: SealingKey, ask: ExportAbsence, actor: str
) -> AsyncIterator[BinaryIO]:
    """The file, open, for the context; RefusedError where there is such a document, or a day is not closed."""
    now = base.clock.now()
    issuer = await base.directory.require(ask.issuer, now)
    recipient = None if ask.recipient is None else await base.directory.require(ask.recipient, now)
    asked = Asked(
        issuer=issuer,
        recipient=recipient,
        number=ask.number,
        first=ask.first,
        last=ask.last,
    )
    gathered = await gather_absence(await sources_of(base), asked, actor=actor, now=now)
    facts: dict[str, object] = {
        "issuer": asked.issuer.id,
        "first": ask.first.isoformat(),
        "last": ask.last.isoformat(),
    }
    event = EventRow(kind=Event.ABSENCE_EXPORTED, at=now, actor=actor, facts=facts, note=ask.reason)
    composing = partial(asyncio.to_thread, partial(absence.compose, facts=gathered.facts, files=gathered.files))
    async with written(base, key, composing, event) as file:
        yield file


async def sources_of(base: Foundation) -> Sources:
    """What evidence is gathered from."""
    return Sources(
        readers=base.readers,
        directory=base.directory,
        bodies=base.bodies,
        gateway=base.settings.seal.organ_id,
        log_key=await asyncio.to_thread(_log_key, base),
        quorum=base.settings.log.wanted,
    )


@asynccontextmanager
async def written(
    base: Foundation,
    key: SealingKey,
    composing: Callable[[ContainerWriter], Awaitable[list[SealedEntry]]],
    event: EventRow,
    *,
    is_lta: bool = False,
    is_recorded: bool = True,
    keep: Callable[[BinaryIO], Awaitable[None]] | None = None,
) -> AsyncIterator[BinaryIO]:
    """The container, sealed; its event, with the digest of the seal, is committed before it is handed out.

    `keep` gives it a place before that: what the ledger tells of is there. A ledger that has ended records nothing.
    """
    with base.bodies.unnamed() as file:
        writer = ContainerWriter(file)
        sealed = await composing(writer)
        seal = await key.seal_export(sealed, event.at)
        seal = await lasting(base.settings, base.clock, seal, writer.content, is_lta=is_lta)
        await asyncio.to_thread(finish, writer, seal)
        if keep is not None:
            await keep(file)
        facts = event.facts | {"seal": sha256(seal).hexdigest()}
        if is_recorded:
            await _record(base, replace(event, facts=facts))
        yield file


def _said(material: Material, ask: ExportDocument) -> Facts:
    return msgspec.structs.replace(material.facts, lasting=True) if ask.lta else material.facts


async def _record(base: Foundation, event: EventRow) -> None:
    """The export's own event; of a document's also that it was read."""
    if event.message_id is None:
        await base.pump.submit(RecordEvents(), event)
        return
    reading = Reading(
        message_id=event.message_id,
        actor=event.actor,
        act=ReadAct.EXPORTED,
        channel="console" if event.actor.startswith("user:") else "command",
        at=event.at,
        event=event,
    )
    await base.pump.submit(RecordReadings(), reading)


def _log_key(base: Foundation) -> VerifierKey | None:
    try:
        return log_key(base.settings.log)
    except GatewayError:
        return None  # without it the bundle only does not name the key
