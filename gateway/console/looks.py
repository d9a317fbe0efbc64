"""Who saw what by the console, on record before it is shown, each time in one register.

What an auditor looks at is a look-up, of which auditors alone are told (`gateway.ledger.inquiries`): an office must
not learn from a document's story that it is being looked into. What anybody else looks at is a reading of the
document (`gateway.ledger.readings`). Lines of the ledger or of a register that are taken as a file are on record
with the look-ups, whoever takes them. The clerk's desk records documents in the office's name, by the mailbox; its
drafts, their files and scans are no documents of the ledger yet, so that they stand with the look-ups, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import structlog

from gateway.accounts.roles import Permission
from gateway.console.visit import Visit
from gateway.errors import StorageError
from gateway.ledger.inquiries import LookupAct, record_lookup
from gateway.ledger.readings import ReadAct, Reading
from gateway.model import AgencyId

_log: Any = structlog.get_logger("gateway.readings")
_ACTS: Final[Mapping[ReadAct, LookupAct]] = {
    ReadAct.SHOWN: LookupAct.OPENED,
    ReadAct.OPENED: LookupAct.OPENED,
    ReadAct.DOWNLOADED: LookupAct.OPENED,
    ReadAct.PROVED: LookupAct.EXPORTED,
}


async def saw(visit: Visit, message_id: str, act: ReadAct, *, part: str = "") -> None:
    """A document, or a part of it."""
    if act is ReadAct.SHOWN:
        visit.parts.seen.put((visit.session.id, message_id), visit.at)
    if visit.may(Permission.AUDIT):
        await looked_up(visit, _ACTS[act], f"{message_id} {part}".strip(), 1)
        return
    reading = Reading(message_id=message_id, actor=visit.actor, act=act, part=part, channel="console", at=visit.at)
    await visit.parts.server.gateway.readings.record(reading)


async def goes_on_seeing(visit: Visit, message_id: str) -> None:
    """A page that is open asks for its newer state: no new look, unless nobody opened it by this session."""
    if visit.parts.seen.get((visit.session.id, message_id)) is None:
        await saw(visit, message_id, ReadAct.SHOWN)


async def looked_at_desk(visit: Visit, kind: str, key: str, office: AgencyId) -> None:
    """A draft, a scan or a file of an own office: once in a session; a disk that takes nothing stops no reading."""
    seen = (visit.session.id, f"{kind} {key}")
    if visit.parts.seen.get(seen) is not None:
        return
    (agency,) = (await visit.base.directory.agencies([office])).values()
    try:
        await looked_up(visit, LookupAct.OPENED, f"{kind} {key} {agency.organ_id}", 1)
    except StorageError as error:
        _log.warning("reading.unwritten", document=key, actor=visit.actor, act="opened", error=str(error))
        return
    visit.parts.seen.put(seen, visit.at)


async def looked_up(visit: Visit, act: LookupAct, question: str, found: int) -> None:
    """Recorded when this returns."""
    await record_lookup(visit.base.pump, act=act, actor=visit.actor, question=question, found=found, now=visit.at)
