"""What operators do about destroying bodies and about retaining them. See `gateway.admin.acts`.

Who acts is the user id that the kernel tells of the peer: an order needs two of them, and the same one twice is one
person, root too. The acts only order: `gateway.maintenance.eraser` carries out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.admin.acts import Change, Desk, Reply
from gateway.errors import RefusedError
from gateway.foundation import Foundation
from gateway.ids import uuid7
from gateway.ledger import pages
from gateway.ledger.purges import (
    AnswerForPurge,
    AnswerForPurgeOperation,
    EndPurge,
    EndPurgeOperation,
    OrderPurge,
    OrderPurgeOperation,
)
from gateway.ledger.retained import EndRetained, EndRetainedOperation, Retain, RetainOperation
from gateway.purging.rules import lapsing

Named = Annotated[list[Annotated[str, Meta(min_length=1, max_length=200)]], Meta(min_length=1, max_length=5_000)]
Ref = Annotated[str, Meta(min_length=1, max_length=200)]
#: Of the register of incoming documents: number, year, code of the office.
_LINE = re.compile(r"(\d{1,9})/(\d{4})@(\S+)")
Id = Annotated[str, Meta(min_length=4, max_length=36)]

_ORDER, _ANSWER, _END = OrderPurgeOperation(), AnswerForPurgeOperation(), EndPurgeOperation()
_RETAIN, _END_RETAINED = RetainOperation(), EndRetainedOperation()


Papers = Annotated[list[Annotated[str, Meta(min_length=1, max_length=200)]], Meta(max_length=5_000)]


class MakePurge(Change, kw_only=True):
    """Order documents, or papers of clerks' registers, to be destroyed."""

    documents: Papers
    #: Lines: by id, or as NUMBER/YEAR@CODE of the register of incoming documents of an office.
    papers: Papers = msgspec.field(default_factory=list)
    ref: Ref
    #: Free text of the envelope, too.
    with_envelope: bool = False


class ConfirmPurge(Change, kw_only=True):
    """Answer for an order."""

    order: Id


class CancelPurge(Change, kw_only=True):
    """End an order that is not confirmed, or what is held back of a confirmed one."""

    order: Id


class RetainDocuments(Change, kw_only=True):
    """Documents that must not be destroyed."""

    documents: Named
    ref: Ref


class StopRetaining(Change, kw_only=True):
    """End an entry: its document may be destroyed, as far as this goes."""

    entry: Id


async def make_purge(desk: Desk, request: MakePurge, actor: str) -> Reply:
    """The order, and what holds some of it back."""
    base = desk.foundation
    if not request.documents and not request.papers:
        raise RefusedError("parameter_invalid", "documents or papers")
    ask = OrderPurge(
        id=uuid7(),
        documents=tuple(await _meant(base, request.documents)),
        papers=tuple([await _line(base, each) for each in request.papers]),
        ref=request.ref,
        reason=request.reason,
        with_envelope=request.with_envelope,
        actor=actor,
        now=base.clock.now(),
    )
    made = await base.pump.submit(_ORDER, ask)
    assert made is not None, "only a rule's order may be none"
    return {
        "order": made.id,
        "documents": made.documents,
        "held": dict(made.held),
        "confirm_before": ask.now + base.settings.retention.confirm_within,
    }


async def confirm_purge(desk: Desk, request: ConfirmPurge, actor: str) -> Reply:
    """Whether it is carried out from now on; of a rule's order the first person does not suffice."""
    base = desk.foundation
    now = base.clock.now()
    ask = AnswerForPurge(
        id=await _order(base, request.order),
        why=request.reason,
        actor=actor,
        now=now,
        since=lapsing(now, base.settings.retention.confirm_within),
    )
    return {"order": ask.id, "confirmed": await base.pump.submit(_ANSWER, ask)}


async def cancel_purge(desk: Desk, request: CancelPurge, actor: str) -> Reply:
    """Nothing more of it is destroyed; how much was before."""
    base = desk.foundation
    order = await _order(base, request.order)
    ask = EndPurge(id=order, outcome="cancelled", actor=actor, now=base.clock.now(), note=request.reason)
    await base.pump.submit(_END, ask)
    instants = [row[3] for row in await base.readers.fetch("purge_document_list", (order,))]
    instants += [row[2] for row in await base.readers.fetch("purge_paper_list", (order,))]
    return {"order": order, "cancelled": True, "destroyed": sum(1 for at in instants if at is not None)}


async def retain_documents(desk: Desk, request: RetainDocuments, actor: str) -> Reply:
    """The entries that retain them."""
    base = desk.foundation
    entries = tuple((uuid7(), each) for each in await _meant(base, request.documents))
    ask = Retain(entries=entries, ref=request.ref, reason=request.reason, actor=actor, now=base.clock.now())
    await base.pump.submit(_RETAIN, ask)
    return {"items": [{"entry": key, "document": message} for key, message in entries]}


async def stop_retaining(desk: Desk, request: StopRetaining, actor: str) -> Reply:
    """It holds no longer."""
    base = desk.foundation
    rows = await base.readers.fetch("retained_find_by_id", {"id": request.entry})
    entry = _one([row[0] for row in rows], request.entry)
    ask = EndRetained(id=entry, reason=request.reason, actor=actor, now=base.clock.now())
    await base.pump.submit(_END_RETAINED, ask)
    return {"entry": entry, "ended": True}


async def _meant(base: Foundation, words: Sequence[str]) -> list[str]:
    """The documents that a person named, each by words that only one fits."""
    found = []
    for each in words:
        ids = [each] if each in (some := await pages.meant(base.readers, each)) else some
        if not ids:
            raise RefusedError("document_unknown", each)
        if len(ids) > 1:
            raise RefusedError(
                "parameter_invalid", f"{each}: {len(ids)} documents fit, such as {', '.join(ids[:3])}"
            )
        found += ids
    return found


async def _line(base: Foundation, text: str) -> str:
    """The line that a person named."""
    if not (found := _LINE.fullmatch(text)):
        return text
    number, year, code = found.groups()
    rows = await base.readers.fetch("entry_find_by_number", (code, int(number), int(year)))
    return _one([row[0] for row in rows], text)


async def _order(base: Foundation, text: str) -> str:
    return _one([row[0] for row in await base.readers.fetch("purge_find_by_id", {"id": text})], text)


def _one(ids: Sequence[str], text: str) -> str:
    if not ids:
        raise RefusedError("not_found", text)
    if len(ids) > 1:
        raise RefusedError("parameter_invalid", f"{text}: {len(ids)} ids begin or end so")
    return ids[0]
