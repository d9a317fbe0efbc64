"""Comparing a day with a peer's own books, when an operator asks for it."""

from __future__ import annotations

from datetime import date

import msgspec

from gateway.admin.acts import Change, Desk, Reply
from gateway.admin.peers import peer_client
from gateway.channels import make_counterpart
from gateway.errors import RefusedError
from gateway.maintenance.reconciler import compare


class ReconcileDay(Change, kw_only=True):
    """One day, one channel."""

    channel: str
    day: date


async def reconcile_day(desk: Desk, request: ReconcileDay, actor: str) -> Reply:
    """The report, which is kept, too."""
    base = desk.foundation
    endpoint = next((each for each in await base.directory.endpoints() if each.name == request.channel), None)
    if endpoint is None:
        raise RefusedError("channel_unknown", request.channel)
    async with peer_client(base, endpoint, make_counterpart) as counterpart:
        key, report = await compare(base, endpoint, counterpart, request.day, actor=actor)
    reply: Reply = {"id": key, "report": msgspec.to_builtins(report)}
    return reply
