"""Comparing a day with a peer's own books, when an operator asks for it."""

from __future__ import annotations

from datetime import date

import msgspec

from gateway.admin_acts import Change, Desk, Reply
from gateway.channels import make_counterpart
from gateway.errors import ConfigError, RefusedError, SourceError
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
    try:
        counterpart = make_counterpart(base.settings, base.clock, endpoint)
        try:
            key, report = await compare(base, endpoint, counterpart, request.day, actor=actor)
        finally:
            await counterpart.close()
    except SourceError as error:
        raise RefusedError(error.code, error.detail) from error
    except ConfigError as error:
        raise RefusedError("source_misconfigured", str(error)) from error
    reply: Reply = {"id": key, "report": msgspec.to_builtins(report)}
    return reply
