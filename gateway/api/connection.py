"""The connection inspector over REST: a system sees its agency's last requests; what each request leaves there."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from aiohttp import hdrs, web

from gateway.api import models
from gateway.api.headers import digests_of
from gateway.api.route import ApiParts, Call
from gateway.errors import RefusedError
from gateway.inspection import KEPT, Exchange
from gateway.model import AgencyId, Caller

#: Looking at the list leaves nothing in it, or a page that refreshes itself would push out all else.
_UNNOTED: Final = frozenset({"showConnection"})

#: Where the gate leaves what it learnt of a request.
CALLER: Final = web.RequestKey("caller", Caller)
REFUSAL: Final = web.RequestKey("refusal", RefusedError)


class PlannedOutage(models.Response):
    """What is announced for a channel, or for the whole gateway; documents are accepted meanwhile, and wait."""

    #: Empty for the whole gateway.
    channel: str
    starts_at: datetime
    ends_at: datetime
    reason: str


class Connection(models.Response):
    """Your agency's last requests since the gateway started, by all its credentials, newest first."""

    #: How many are kept at most; some that proved nothing are kept beside them.
    kept: int
    items: list[Exchange]
    #: From a day before each; the first of them also in the header field `Planned-Outage` of every answer to you.
    outages: list[PlannedOutage]


async def show(call: Call) -> Connection:
    """GET /connection."""
    outages = [
        PlannedOutage(channel=each.name, starts_at=each.starts_at, ends_at=each.ends_at, reason=each.why)
        for each in call.parts.outages(call.at)
    ]
    return Connection(kept=KEPT, items=call.parts.inspection.last(call.caller.agency_id), outages=outages)


def note(
    parts: ApiParts,
    request: web.Request,
    *,
    operation: str,
    answered: tuple[int, bool],
    seconds: float,
    trace_id: str,
) -> None:
    """Keep one request of a system that is known; `answered` is the status, and whether it was given before."""
    caller, refusal = request.get(CALLER), request.get(REFUSAL)
    if caller is None:
        named = refusal.facts if refusal is not None else {}
        credential_id, agency_id = named.get("credential_id"), named.get("agency_id")
    else:
        credential_id, agency_id = caller.credential_id, caller.agency_id
    if credential_id is None or operation in _UNNOTED:
        return
    now = parts.clock.now()
    expected, got = _digests(request, refusal)
    exchange = Exchange(
        at=now,
        binding="rest",
        credential=str(credential_id),
        method=request.method,
        operation=operation,
        path=request.path,
        status=answered[0],
        reason=refusal.code if refusal is not None else "",
        detail=refusal.detail if refusal is not None else "",
        trace_id=trace_id,
        address=request.remote or "",
        milliseconds=round(seconds * 1000, 1),
        replayed=answered[1],
        tls_version=_tls_version(request),
        clock_difference_seconds=_difference(request.headers.get(hdrs.DATE), now),
        body_size=request.content_length,
        body_hash_expected=expected,
        body_hash_got=got,
    )
    keep = parts.inspection.note_claim if caller is None else parts.inspection.note
    keep(AgencyId(str(agency_id)), exchange)


def _tls_version(request: web.Request) -> str:
    tls = request.transport.get_extra_info("ssl_object") if request.transport is not None else None
    return (tls.version() or "") if tls is not None else ""


def _digests(request: web.Request, refusal: RefusedError | None) -> tuple[str, str]:
    """What the request announced, and, where that was wrong, what came: the refusal ends with it."""
    if refusal is None or refusal.code != "digest_mismatch":
        return "", ""
    announced = digests_of(request.headers.get("Content-Digest")) | digests_of(request.headers.get("Repr-Digest"))
    name = refusal.detail.partition(" ")[0]
    return announced.get(name, b"").hex(), refusal.detail.rpartition(" ")[2]


def _difference(date: str | None, now: datetime) -> float | None:
    try:
        there = parsedate_to_datetime(date) if date else None
    except (ValueError, OverflowError):  # the year, or the zone, is any number of digits
        return None
    if there is None:
        return None
    return ((there if there.tzinfo else there.replace(tzinfo=UTC)) - now).total_seconds()
