"""A running gateway whose institution signs the log's checkpoints: published, in the bundle, verified by others."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import main
from gateway.config import settings as config
from gateway.seal.trust import TrustPurpose
from tests.journeys.installation import Installation, prepare
from tests.journeys.test_bundles import anchors_of, verified
from tests.journeys.test_log import fetching, sent, signed
from tests.system_tools import require_tool


@pytest.fixture
async def site(tmp_path: Path, pki_folder: Path) -> Installation:
    """Not running."""
    folder = tmp_path / "site"
    folder.mkdir()
    own = f"{pki_folder}/institution"
    more = f'[institution]\ncertificate = "{own}.pem"\nkey = "{own}.key"'
    made = await prepare(folder, pki_folder, more=more)
    return replace(made, settings=config.load(folder / "config.toml"))


async def test_checkpoint_signed_by_the_institution_reaches_the_auditor(
    site: Installation, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the public files with openssl, and in a document's bundle with gateway-verify."""
    anchors = anchors_of(site, tmp_path / "anchors")
    shutil.copytree(site.pki.anchors(TrustPurpose.INSTITUTION), anchors / "institution")
    command = ["--config", str(site.folder / "config.toml")]
    async with site.running() as app, fetching(site) as fetch:
        assert (await fetch("/log/institution.p7s"))[0] == 404
        message_id = await sent(site)
        await signed(site)
        await app.institution_signer.run_once()
        assert app.institution_signer.condition.words.startswith("signed")
        for path, name in (("/log/institution", "note"), ("/log/institution.p7s", "p7s")):
            status, body = await fetch(path)
            assert status == 200
            (tmp_path / name).write_bytes(body)
        out = tmp_path / "a.asice"
        assert await asyncio.to_thread(main, [*command, "export", message_id, "--out", str(out)]) == 0
        capsys.readouterr()
        assert await asyncio.to_thread(main, [*command, "log", "show", "--json"]) == 0
        shown: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert shown["institution_signed"] == shown["signed"] > 0
    assert len(shown["institution_certificate"]) == 64
    openssl = require_tool("openssl", "openssl")
    done = await asyncio.to_thread(
        subprocess.run,
        [openssl, "cms", "-verify", "-binary", "-cades", "-inform", "DER", "-in", "p7s", "-content", "note",
         "-CAfile", str(anchors / "institution" / "root.pem"), "-purpose", "any", "-out", "out"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = await asyncio.to_thread(verified, out, "--anchors", str(anchors))
    checks: Any = found["checks"]
    (check,) = (each for each in checks if each["name"] == "institution")
    assert (found["verdict"], check["verdict"], check["counts"]) == ("PASSED", "PASSED", True)
    assert "Development institution" in check["detail"]
