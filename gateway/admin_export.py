"""Exporting the evidence of documents: gathered from the ledger, sealed, and an event that says who took what.

A bundle is made in the spool and read from there; its file goes with the context. Refused are documents that are
not known; a body that is gone or damaged makes no bundle.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from gateway.admin_acts import Change
from gateway.admin_log import log_key
from gateway.bundle.build import compose, finish
from gateway.bundle.container import ContainerWriter
from gateway.errors import GatewayError
from gateway.events import Event
from gateway.foundation import Foundation
from gateway.gathering import Sources, gather
from gateway.ledger.history import EventRow, RecordEvents
from gateway.signing import SealingKey
from gateway.transparency.note import VerifierKey


class ExportDocument(Change, kw_only=True):
    """The bundle of one document."""

    #: The message's whole id.
    document: Annotated[str, Meta(min_length=36, max_length=36)]


@asynccontextmanager
async def exported(base: Foundation, key: SealingKey, ask: ExportDocument, actor: str) -> AsyncIterator[Path]:
    """The file, while the context lasts; the event is committed before it is handed out."""
    now = base.clock.now()
    sources = Sources(
        readers=base.readers,
        directory=base.directory,
        bodies=base.bodies,
        gateway=base.settings.seal.organ_id,
        log_key=await asyncio.to_thread(_log_key, base),
        quorum=base.settings.log.wanted,
    )
    material = await gather(sources, ask.document, actor=actor, now=now)
    with base.bodies.scratch() as path:
        with path.open("xb+") as file:
            writer = ContainerWriter(file)
            sealed = await asyncio.to_thread(compose, writer, material)
            seal = await key.seal_export(sealed, now)
            await asyncio.to_thread(finish, writer, seal)
        facts: dict[str, object] = {"seal": sha256(seal).hexdigest()}
        event = EventRow(
            kind=Event.DOCUMENT_EXPORTED, at=now, actor=actor, facts=facts, message_id=ask.document, note=ask.reason
        )
        await base.pump.submit(RecordEvents(), event)
        yield path


def _log_key(base: Foundation) -> VerifierKey | None:
    try:
        return log_key(base.settings.log)
    except GatewayError:
        return None  # without it the bundle only does not name the key
