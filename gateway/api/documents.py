"""Handlers of what senders do: submit, validate, look up, fetch, withdraw, redeliver."""

from __future__ import annotations

from typing import Final

import msgspec
from aiohttp import hdrs, web

from gateway.api import models, queries
from gateway.api.content import send_content
from gateway.api.headers import SECURITY, idempotency_key_of
from gateway.api.intake import media_type, spooled_body
from gateway.api.multipart import receive_parts
from gateway.api.parameters import read_json
from gateway.api.route import Call, checked
from gateway.api.service import AcceptedAnswer, Arrival, DocumentQuery

_METADATA: Final = msgspec.json.Decoder(models.NewDocument)


async def submit(call: Call) -> AcceptedAnswer:
    """POST /documents."""
    arrival = arrival_of(call)
    started = call.parts.clock.monotonic()
    if media_type(call) == "multipart/form-data":
        async with receive_parts(call) as parts:
            metadata = checked(read_json(_METADATA, parts.metadata), models.NewDocument)
            answer = await call.gateway.accept_parts(arrival, metadata, parts.files)
        kind = "parts"
    else:
        async with spooled_body(call) as body:
            answer = await call.gateway.accept(arrival, body)
        kind = "document"
    call.parts.metrics.accept_seconds.labels(kind).observe(call.parts.clock.monotonic() - started)
    return answer


async def submit_status(call: Call) -> AcceptedAnswer:
    """POST /statuses."""
    arrival = arrival_of(call)
    started = call.parts.clock.monotonic()
    media_type(call)
    async with spooled_body(call) as body:
        answer = await call.gateway.accept_status(arrival, body)
    call.parts.metrics.accept_seconds.labels("status").observe(call.parts.clock.monotonic() - started)
    return answer


async def validate(call: Call) -> models.Validation:
    """POST /validate."""
    media_type(call)
    async with spooled_body(call) as body:
        return await call.gateway.validate(call.caller, body)


async def list_documents(call: Call) -> models.DocumentPage:
    """GET /documents."""
    asked = checked(call.query, queries.DocumentFilter)
    return await call.gateway.documents(
        call.caller,
        DocumentQuery(
            limit=asked.limit,
            cursor=asked.cursor,
            kind=asked.kind or "",
            document_id=asked.document_id,
            number=asked.number,
            notation=asked.notation,
            state=asked.state.value if asked.state else "",
            accepted_from=asked.from_,
            accepted_to=asked.to,
        ),
    )


async def show_document(call: Call) -> models.DocumentOut:
    """GET /documents/{id}."""
    return await call.gateway.document(call.caller, id_of(call))


async def fetch_document(call: Call) -> web.StreamResponse:
    """GET /documents/{id}/content."""
    return await send_content(call, await call.gateway.content(call.caller, id_of(call)))


async def fetch_receipt(call: Call) -> web.StreamResponse:
    """GET /documents/{id}/receipt."""
    message_id = id_of(call)
    receipt = await call.gateway.receipt(call.caller, message_id)
    headers = SECURITY.copy()
    if checked(call.query, queries.ReceiptPart).part == "transfer":
        headers[hdrs.CONTENT_DISPOSITION] = 'attachment; filename="transfer.json"'
        return web.Response(body=receipt.transfer, headers=headers, content_type="application/json")
    headers[hdrs.CONTENT_DISPOSITION] = f'attachment; filename="receipt-{message_id}.xml"'
    return web.Response(body=receipt.xades, headers=headers, content_type="application/xml")


async def list_findings(call: Call) -> models.Findings:
    """GET /documents/{id}/findings."""
    return models.Findings(items=await call.gateway.findings(call.caller, id_of(call)))


async def list_deliveries(call: Call) -> models.Deliveries:
    """GET /documents/{id}/deliveries."""
    return models.Deliveries(items=await call.gateway.deliveries(call.caller, id_of(call)))


async def withdraw(call: Call) -> models.WithdrawalResult:
    """POST /documents/{id}/withdraw."""
    return await call.gateway.withdraw(call.caller, id_of(call), checked(call.body, models.Withdrawal))


async def redeliver(call: Call) -> models.Redelivered:
    """POST /documents/{id}/redeliver."""
    redelivery = checked(call.body, models.Redelivery)
    return models.Redelivered(items=await call.gateway.redeliver(call.caller, id_of(call), redelivery))


def arrival_of(call: Call) -> Arrival:
    """The circumstances of a submission, its Idempotency-Key read."""
    return call.arrival(idempotency_key_of(call.request.headers.get("Idempotency-Key")))


def id_of(call: Call) -> str:
    """The id in the path."""
    return checked(call.path, queries.ById).id
