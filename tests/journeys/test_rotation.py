"""The seal's key is replaced while the gateway runs: receipts of before and after hold, and the history is told."""

from __future__ import annotations

import asyncio
import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import main
from gateway.pki import make_dev_pki
from gateway.seal.trust import TrustPurpose
from tests.journeys.installation import PROVINCE, Installation, prepare
from tests.journeys.tampering import database
from tests.journeys.test_bundles import anchors_of, verified
from tests.journeys.test_fsck import examined
from tests.journeys.test_log import sent, signed
from tests.journeys.test_reload import signer_of


@pytest.fixture
async def site(tmp_path: Path, pki_folder: Path) -> Installation:
    """Not running."""
    folder = tmp_path / "site"
    folder.mkdir()
    return await prepare(folder, pki_folder)


async def test_key_is_replaced_with_an_overlap_and_the_history_is_known(
    site: Installation, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Stage, switch, list; the old key goes, the old certificate stays known; bundles of before still verify."""

    async def keys(*words: str) -> tuple[int, Any]:
        capsys.readouterr()
        code = await asyncio.to_thread(
            main, ["--config", str(site.folder / "config.toml"), "keys", *words, "--json"]
        )
        out = capsys.readouterr().out
        return code, json.loads(out) if out else None

    other = make_dev_pki(tmp_path / "other", now=datetime.now(UTC))
    staging = ("stage", "--certificate", str(other.seal.certificate), "--key", str(other.seal.key))
    async with site.running() as app, site.client(PROVINCE) as province:
        first = await sent(site)
        before = await signer_of(province, "401")
        assert (await keys(*staging))[0] == 2, "its CA is not among the anchors yet"
        root = (other.anchors(TrustPurpose.SEAL) / "root.pem").read_bytes()
        (site.pki.anchors(TrustPurpose.SEAL) / "new.pem").write_bytes(root)
        assert (await keys(*staging))[0] == 0
        assert await signer_of(province, "402") == before
        listed = (await keys("list"))[1]
        assert "seal.next" in {row["purpose"] for row in listed["certificates"]}
        code, switched = await keys("switch", "--reason", "the old one ends")
        assert code == 0
        assert await signer_of(province, "403") != before
        await signed(site)
        code, listed = await keys("list")
        assert code == 0
        assert app.key.trouble is None
    old, new = listed["history"]
    assert (old["sha256"], new["sha256"]) == (switched["before"], switched["certificate"])
    assert old["until"] == new["from"]
    assert new["until"] is None
    assert not site.pki.seal.key.with_name("seal.old.key").exists()
    assert site.pki.seal.certificate.with_name("seal.old.pem").exists()
    report = await asyncio.to_thread(examined, site.folder)
    assert [item.code for item in report.findings] == []
    with database(site.settings.storage.folder) as connection:
        connection.execute("DELETE FROM own_certificate WHERE sha256 = ?", (new["sha256"],))
    report = await asyncio.to_thread(examined, site.folder)
    assert [item.code for item in report.findings] == ["receipt_not_ours"], "sealed after the switch"
    anchors = anchors_of(site, tmp_path / "anchors")
    out = tmp_path / "a.asice"
    command = ["--config", str(site.folder / "config.toml"), "export", first, "--out", str(out)]
    assert await asyncio.to_thread(main, command) == 0
    assert (await asyncio.to_thread(verified, out, "--anchors", str(anchors)))["verdict"] == "PASSED"
    shutil.rmtree(anchors)
