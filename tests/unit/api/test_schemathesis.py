"""The server against requests that a machine made from its own description."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.pki import DevPki
from gateway.seal.trust import TrustPurpose
from tests.unit.api.conftest import RECIPIENT_TOKEN, running
from tests.unit.api.schemathesis_run import run_schemathesis


@pytest.mark.slow
async def test_generated_requests_find_no_server_error_and_no_undescribed_answer(
    tmp_path: Path, pki: DevPki
) -> None:
    """Every status, content type and body is one that the document names; bad data is refused."""
    anchors = tmp_path / "anchors.pem"
    anchors.write_bytes(b"".join(path.read_bytes() for path in pki.anchors(TrustPurpose.TLS).glob("*.pem")))
    async with running(tmp_path, pki) as server:
        code, output = await run_schemathesis(
            server.url, anchors=anchors, credential=RECIPIENT_TOKEN, folder=tmp_path
        )
    assert code == 0, output
