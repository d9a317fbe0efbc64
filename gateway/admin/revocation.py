"""Loading what CAs say about revocation from files, for networks without internet.

The command has read the files, as their owner; a server looks into nothing that came from outside. Only the form of
what it was told is judged here: an answer that the right CA did not sign is worth nothing wherever it is used.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from gateway.admin.acts import Change, Desk, Instant, Reply
from gateway.errors import RefusedError
from gateway.ledger.revocations import KeepAnswers
from gateway.maintenance.answers import keep_answers
from gateway.seal.revocation import REVOCATIONS, Answer, RevocationStore


class LoadedAnswer(Struct, kw_only=True, forbid_unknown_fields=True):
    """One CRL or OCSP answer, as it was read."""

    kind: Literal["crl", "ocsp"]
    subject: Annotated[str, Meta(max_length=110)]
    this_update: Instant
    next_update: Instant | None = None
    der: bytes


class LoadAnswers(Change, kw_only=True):
    """Some of them."""

    answers: Annotated[list[LoadedAnswer], Meta(min_length=1, max_length=1000)] = field(default_factory=list)


async def load_answers(desk: Desk, request: LoadAnswers, actor: str) -> Reply:
    """How many were loaded, and how many documents are examined again for them."""
    base = desk.foundation
    answers = tuple(
        Answer(
            kind=each.kind,
            subject=each.subject,
            this_update=each.this_update,
            next_update=each.next_update,
            der=each.der,
        )
        for each in request.answers
    )
    wrong = [each.subject for each in answers if not each.is_well_named]
    if wrong:
        raise RefusedError("parameter_invalid", f"{wrong[0]} is not what an answer is about")
    ask = KeepAnswers(answers=answers, now=base.clock.now(), actor=actor, why=request.reason)
    store = RevocationStore(base.settings.storage.folder / REVOCATIONS)
    woken = await keep_answers(base.pump, store, ask, base.clock)
    return {"loaded": len(answers), "examined_again": woken}
