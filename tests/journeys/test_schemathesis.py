"""The whole gateway against requests that a machine made from its own description."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.pki import KeyPair, issue_client
from gateway.seal.trust import TrustPurpose
from tests.journeys.installation import COMMUNE, PROVINCE, Installation, prepare
from tests.journeys.messages import document
from tests.unit.api.schemathesis_run import run_schemathesis

FAST = "[limits]\nrequests_per_second = 10000\nstrangers_per_second = 10000\n"


async def certified(made: Installation, organ_id: str) -> KeyPair:
    """A client certificate that the gateway knows as this office's."""
    assert made.app is not None
    base = made.app.foundation
    now = datetime.now(UTC)
    pair = issue_client(made.pki.folder, "system", organ_id, now=now)
    der = x509.load_pem_x509_certificates(pair.certificate.read_bytes())[0].public_bytes(Encoding.DER)
    agency = (await base.directory.resolve([organ_id], now))[organ_id]
    await base.accounts.record_certificate(
        agency.id,
        hashlib.sha256(der).hexdigest(),
        expires_at=now + timedelta(days=1),
        label="system",
        actor="operator:test",
        now=now,
    )
    return pair


@pytest.mark.slow
async def test_generated_requests_over_mutual_tls_find_only_what_is_described(
    tmp_path: Path, pki_folder: Path
) -> None:
    """With database, parsers and ledger behind it, every answer is one that the document names."""
    folder = tmp_path / "site"
    folder.mkdir()
    made = await prepare(folder, pki_folder, more=FAST)
    anchors = tmp_path / "anchors.pem"
    anchors.write_bytes(b"".join(path.read_bytes() for path in made.pki.anchors(TrustPurpose.TLS).glob("*.pem")))
    async with made.running() as app:
        pair = await certified(made, COMMUNE)
        async with made.client(PROVINCE) as province, made.client(COMMUNE) as commune:
            sent = await commune.submit(document(COMMUNE, [PROVINCE]))
            await province.submit(document(PROVINCE, [COMMUNE]))
            item = (await commune.inbox(wait=5)).items[0].id
        code, output = await run_schemathesis(
            f"https://localhost:{app.port}",
            anchors=anchors,
            credential=pair,
            known_ids={"documents": sent.id, "inbox": item},
            folder=tmp_path,
            seconds=25,
        )
    assert code == 0, output
