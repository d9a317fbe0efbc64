"""Handlers for systems that are pushed to and lost what they had: list it, have it pushed again."""

from __future__ import annotations

from aiohttp import web

from gateway.api import models, queries
from gateway.api.content import send_content
from gateway.api.documents import id_of
from gateway.api.route import Call, checked


async def list_pushed(call: Call) -> models.PushedPage:
    """GET /pushed."""
    asked = checked(call.query, queries.PushedFrom)
    return await call.gateway.pushed(call.caller, asked.since, asked.limit)


async def fetch_pushed(call: Call) -> web.StreamResponse:
    """GET /pushed/{id}/content."""
    return await send_content(call, await call.gateway.pushed_content(call.caller, id_of(call)))


async def replay(call: Call) -> models.Replays:
    """POST /pushed/replay."""
    return await call.gateway.replay(call.caller, checked(call.body, models.ReplayRequest))
