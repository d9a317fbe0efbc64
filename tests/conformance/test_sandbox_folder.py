"""The sandbox for systems that exchange files, in a folder and over SFTP."""

from __future__ import annotations

import asyncio
import contextlib
import json
from pathlib import Path

import asyncssh
import pytest

from tests.conformance.folder_vendor import FolderVendor
from tests.conformance.runs import conformance, grades

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("binding", ["folder", "sftp"])
async def test_system_that_exchanges_files_passes_every_step(binding: str, tmp_path: Path) -> None:
    """Nothing failed, nothing was skipped, and what files have no way for was not asked."""
    folder = tmp_path / "s"
    run = asyncio.create_task(conformance("serve", "--binding", binding, "--folder", folder, "--exit-after", "120"))
    vendor = await FolderVendor.of(folder)
    working = asyncio.create_task(vendor.work())
    code, count, told = await run
    working.cancel()
    with contextlib.suppress(asyncio.CancelledError, asyncssh.Error, OSError):
        await working
    found = grades(folder / "report.json")
    missing = {key: grade for key, grade in found.items() if grade != "passed"}
    assert (code, missing) == (0, {}), told
    assert count["passed"] > 20
    assert not {"list", "withdraw", "digest-wrong", "hmac-wrong"} & set(found)
    assert ("connect" in found) == (binding == "sftp")
    assert "sender_not_permitted" in told
    assert json.loads((folder / "report.json").read_bytes())["binding"] == binding


async def test_folder_that_is_no_url_is_refused() -> None:
    """There is nobody to call."""
    code, _, told = await conformance("https://localhost:1/", "--binding", "sftp")
    assert code == 2
    assert "goes with `serve`" in told
