"""Handlers of what receivers do: list, wait, fetch, acknowledge, answer.

Listing never consumes: an item stays until it is acknowledged. While a reader waits (`wait`), its connection
is watched, so that an item is not leased to somebody who has gone, and a drain ends the wait with what is
there now.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from datetime import timedelta
from typing import Final

from aiohttp import web

from gateway.api import models, queries
from gateway.api.content import send_content
from gateway.api.documents import arrival_of, id_of
from gateway.api.route import Call, checked
from gateway.api.service import AcceptedAnswer, InboxQuery
from gateway.errors import RefusedError

#: How often a waiting reader's connection is looked at, in seconds.
_LOOK: Final = 2.0


async def list_inbox(call: Call) -> models.InboxPage:
    """GET /inbox."""
    asked = checked(call.query, queries.InboxFilter)
    longest = call.parts.settings.delivery.inbox_lease_max / timedelta(seconds=1)
    if asked.lease > longest:
        raise RefusedError("parameter_invalid", f"lease: at most {longest:.0f}")
    if asked.lease and not asked.reader:
        raise RefusedError("parameter_invalid", "reader: a lease needs a reader's name")
    query = InboxQuery(
        limit=asked.limit,
        agency=asked.agency,
        cursor=asked.cursor,
        wait=asked.wait,
        lease=asked.lease,
        reader=asked.reader,
    )
    return await (_wait(call, query) if query.wait else call.gateway.inbox(call.caller, query))


async def _wait(call: Call, query: InboxQuery) -> models.InboxPage:
    waiting = asyncio.ensure_future(call.gateway.inbox(call.caller, query))
    stopping = asyncio.ensure_future(call.parts.lifecycle.stopping.wait())
    try:
        while not waiting.done() and not stopping.done():
            await asyncio.wait({waiting, stopping}, timeout=_LOOK, return_when=asyncio.FIRST_COMPLETED)
            transport = call.request.transport
            if transport is None or transport.is_closing():
                raise ConnectionResetError("the reader has gone")
        if waiting.done():
            return waiting.result()
    finally:
        stopping.cancel()
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError, RefusedError):
            await waiting
    return await call.gateway.inbox(call.caller, replace(query, wait=0.0))


async def show_item(call: Call) -> models.InboxDetail:
    """GET /inbox/{id}."""
    return await call.gateway.inbox_detail(call.caller, id_of(call))


async def fetch_item(call: Call) -> web.StreamResponse:
    """GET /inbox/{id}/content."""
    return await send_content(call, await call.gateway.inbox_content(call.caller, id_of(call), _reader(call)))


async def fetch_attachment(call: Call) -> web.StreamResponse:
    """GET /inbox/{id}/attachments/{number}."""
    asked = checked(call.path, queries.ByNumber)
    async with call.gateway.attachment(call.caller, asked.id, asked.number, _reader(call)) as content:
        return await send_content(call, content)


async def acknowledge(call: Call) -> models.Acknowledged:
    """POST /inbox/{id}/ack."""
    return await call.gateway.acknowledge(call.caller, id_of(call), _reader(call), call.presented())


async def answer(call: Call) -> AcceptedAnswer:
    """POST /inbox/{id}/status."""
    status = checked(call.body, models.NewStatus)
    return await call.gateway.answer(arrival_of(call), id_of(call), status, _reader(call))


def _reader(call: Call) -> str:
    return checked(call.query, queries.ByReader).reader
