"""Errors as application/problem+json (RFC 9457), with the two languages of `gateway.reasons`.

`refusal_of` turns any exception into a RefusedError: the one mapping of our own errors to reason codes. What
it does not know becomes `internal_error`, whose text says nothing about the inside; the caller logs it.
`findings_out` is the one translation of a validator's Finding into its REST shape.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, cast

import msgspec
from aiohttp import web

from gateway.api import models
from gateway.api.headers import SECURITY
from gateway.edxml.envelope import Finding
from gateway.errors import (
    BodyDamagedError,
    EnrolmentError,
    GatewayError,
    PoolError,
    RefusedError,
    SealError,
    StorageBusyError,
    StorageClosedError,
    StorageError,
    TransitionError,
)
from gateway.reasons import REASONS, reason

PROBLEM_TYPE: Final = "application/problem+json"
#: What a temporary refusal says when nobody knows better, in seconds.
RETRY_AFTER: Final = 5

_ENCODER = msgspec.json.Encoder()
#: First match wins, so a subclass stands before its parent.
_CODES: Final[tuple[tuple[type[GatewayError], str], ...]] = (
    (StorageBusyError, "server_busy"),
    (StorageClosedError, "server_stopping"),
    (BodyDamagedError, "body_damaged"),
    (StorageError, "storage_unavailable"),
    (SealError, "seal_unavailable"),
    (EnrolmentError, "server_busy"),
    (PoolError, "server_busy"),
    (TransitionError, "state_forbids"),
)
_WAITING: Final = frozenset({429, 503})


def refusal_of(error: Exception) -> RefusedError:
    """What the caller is told about `error`."""
    if isinstance(error, RefusedError):
        return error if error.code in REASONS else RefusedError("internal_error")
    for kind, code in _CODES:
        if isinstance(error, kind):
            return RefusedError(code)
    return RefusedError("internal_error")


def findings_out(findings: Iterable[object]) -> list[models.FindingOut]:
    """Findings as callers see them; those already in that shape are kept."""
    return [_finding_out(finding) for finding in findings]


def problem(refusal: RefusedError, trace_id: str) -> models.Problem:
    """The body that explains `refusal`."""
    entry = reason(refusal.code)
    return models.Problem(
        type=f"/api/v1/reasons#{entry.code}",
        title=entry.en,
        status=entry.http,
        code=entry.code,
        detail=refusal.detail,
        message=models.Bilingual(vi=entry.vi, en=entry.en),
        next_step=models.Bilingual(vi=entry.next_vi, en=entry.next_en),
        trace_id=trace_id,
        findings=findings_out(refusal.findings),
    )


def problem_response(refusal: RefusedError, trace_id: str) -> web.Response:
    """The whole answer; 429 and 503 always say when to come back."""
    body = problem(refusal, trace_id)
    response = web.Response(
        status=body.status, body=_ENCODER.encode(body), headers=SECURITY, content_type=PROBLEM_TYPE
    )
    if refusal.retry_after is not None or body.status in _WAITING:
        response.headers["Retry-After"] = str(refusal.retry_after or RETRY_AFTER)
    if body.status == web.HTTPUnauthorized.status_code:
        response.headers["WWW-Authenticate"] = 'Bearer realm="gateway"'
    for name, value in cast("dict[str, str]", refusal.facts.get("headers", {})).items():
        response.headers[name] = value
    return response


def _finding_out(finding: object) -> models.FindingOut:
    if isinstance(finding, models.FindingOut):
        return finding
    assert isinstance(finding, Finding)
    return models.FindingOut(
        rule=finding.rule,
        severity=finding.severity.value,
        path=finding.path,
        message=models.Bilingual(vi=finding.vi, en=finding.en),
    )
