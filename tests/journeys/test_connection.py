"""A vendor looks at its own last requests, and an operator at those of an agency."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from gateway.commands.acting import ask
from gateway.errors import RefusedError
from gateway.pki import client_tls_context
from gateway.seal.trust import TrustPurpose
from tests.journeys.installation import COMMUNE, PROVINCE, Installation
from tests.journeys.messages import document


async def _call(installation: Installation, organ_id: str, method: str, path: str, **more: Any) -> tuple[int, Any]:
    assert installation.app is not None
    headers = {"Authorization": f"Bearer {installation.tokens[organ_id]}"} | more.pop("headers", {})
    tls = client_tls_context(installation.pki.anchors(TrustPurpose.TLS))
    url = f"https://localhost:{installation.app.port}/api/v1{path}"
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url, ssl=tls, headers=headers, **more) as response,
    ):
        return response.status, await response.json()


async def test_vendor_sees_why_it_was_refused(installation: Installation) -> None:
    """Reason, digests, TLS and clock of its own requests, newest first; looking leaves no trace."""
    body = document(PROVINCE, [COMMUNE])
    wrong = b64encode(hashlib.sha256(b"other bytes").digest()).decode()
    xml = {"Content-Type": "application/xml"}
    await _call(installation, PROVINCE, "POST", "/documents", data=body, headers=xml)
    await _call(installation, PROVINCE, "POST", "/documents", data=body, headers=xml)
    bad = xml | {"Content-Digest": f"sha-256=:{wrong}:", "Date": "Thu, 01 Nov 2018 01:00:00 GMT"}
    assert (await _call(installation, PROVINCE, "POST", "/documents", data=body, headers=bad))[0] == 422
    await _call(installation, COMMUNE, "GET", "/inbox")
    for _ in range(2):
        status, found = await _call(installation, PROVINCE, "GET", "/connection")
    assert status == 200
    refused, again, first = found["items"]
    assert (refused["reason"], refused["status"], refused["operation"]) == (
        "digest_mismatch",
        422,
        "submitDocument",
    )
    assert refused["bodyHashExpected"] == hashlib.sha256(b"other bytes").hexdigest()
    assert refused["bodyHashGot"] == hashlib.sha256(body).hexdigest()
    assert refused["tlsVersion"] == "TLSv1.3"
    assert refused["clockDifferenceSeconds"] < -1_000_000
    assert ([again["replayed"], first["replayed"]], first["bodySize"]) == ([True, False], len(body))


async def test_operator_sees_the_systems_of_an_agency(installation: Installation) -> None:
    """Only of the agency that is named; an unknown code is refused."""
    await _call(installation, COMMUNE, "GET", "/inbox")
    await _call(installation, PROVINCE, "GET", "/limits")
    reply = await ask(installation.settings, f"inspect?agency={COMMUNE}")
    assert [(each["operation"], each["reason"]) for each in reply["items"]] == [("listInbox", "")]
    with pytest.raises(RefusedError, match="agency_unknown"):
        await ask(installation.settings, "inspect?agency=000.00.00.X99")


async def test_operator_sees_a_token_that_has_ended(installation: Installation) -> None:
    """Its holder may ask nothing any more, and the operator sees why; a token that nobody has leaves nothing."""
    assert installation.app is not None
    base = installation.app.foundation
    now = base.clock.now()
    agency = (await base.directory.resolve([COMMUNE], now))[COMMUNE]
    token, ended = await base.accounts.issue_token(
        agency.id, label="old", lifetime=timedelta(seconds=1), actor="operator:test", now=now - timedelta(days=1)
    )
    for each in (token, "gw_nobody-has-this-one-000000"):
        headers = {"Authorization": f"Bearer {each}"}
        assert (await _call(installation, COMMUNE, "GET", "/inbox", headers=headers))[0] == 401
    items = (await ask(installation.settings, f"inspect?agency={COMMUNE}"))["items"]
    assert [(each["reason"], each["authenticated"], each["credential"]) for each in items] == [
        ("credential_expired", False, ended)
    ]
