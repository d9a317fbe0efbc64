"""Errors as application/problem+json (RFC 9457), with the two languages of `gateway.reasons`.

`gateway.refusals` turns any exception into the RefusedError that is told here. `findings_out` is the one
translation of a validator's Finding into its REST shape.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, cast

import msgspec
from aiohttp import web

from gateway.api import models
from gateway.api.headers import SECURITY
from gateway.edxml.envelope import Finding
from gateway.errors import RefusedError
from gateway.reasons import reason
from gateway.refusals import wait_of

PROBLEM_TYPE: Final = "application/problem+json"

_ENCODER = msgspec.json.Encoder()


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
    if (wait := wait_of(refusal)) is not None:
        response.headers["Retry-After"] = str(wait)
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
