"""The sandbox with documents pushed to the example receiver, and documents sent over REST."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from pathlib import Path

import pytest

from gateway.errors import GatewayError
from tests.conformance.runs import EXAMPLES, conformance_until, grades, started
from tests.conformance.vendor import Vendor

pytestmark = pytest.mark.slow
#: Nobody answers here, for a receiver alone cannot, which leaves those steps and what follows them.
TAKEN = frozenset({"take", "dialect-b", "dialect-c", "odd", "twice", "huge", "send", "send-again", "withdraw"})


async def test_pushed_documents_count_as_taken(tmp_path: Path) -> None:
    """A receiver that stores and says 200 passes what is asked of receivers; the sender's steps go by REST."""
    folder, secret = tmp_path / "s", tmp_path / "secret"
    secret.write_text("a secret of the test, long enough")
    receiver = EXAMPLES / "python" / "receive_webhook.py"
    options = ("--secret-file", secret, "--folder", tmp_path / "received", "--port", "0")
    async with started(sys.executable, receiver, *options) as (_, url):
        wanted = ("--binding", "webhook", "--receiver", url[0], "--secret-file", secret)
        marks = [f"✓ .*· {key}$" for key in TAKEN]
        run = asyncio.create_task(conformance_until(marks, "serve", *wanted, "--folder", folder))
        vendor = await Vendor.of(folder)
        async with vendor.client() as client:
            with contextlib.suppress(GatewayError):
                await vendor.send(client)
            code, count, told = await run
    found = grades(folder / "report.json")
    assert code == 0, told
    assert {key for key in TAKEN if found[key] != "passed"} == set(), told
    assert "connect" not in found
    assert count["failed"] == 0
