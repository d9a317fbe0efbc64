"""The sandbox over the axis's protocol, entered by the example client in Python."""

from __future__ import annotations

import asyncio
from pathlib import Path
from threading import Event

import pytest

from tests.conformance.runs import conformance, grades
from tests.conformance.vxp_vendor import VxpVendor

pytestmark = pytest.mark.slow


async def test_example_client_passes_every_step(tmp_path: Path) -> None:
    """Signed calls only; nothing failed, nothing was skipped."""
    folder = tmp_path / "s"
    run = asyncio.create_task(conformance("serve", "--binding", "vxp", "--folder", folder, "--exit-after", "120"))
    stop = Event()
    vendor = await asyncio.to_thread(VxpVendor, folder)
    working = asyncio.create_task(asyncio.to_thread(vendor.work, stop))
    code, count, told = await run
    stop.set()
    await asyncio.gather(working, return_exceptions=True)
    missing = {key: grade for key, grade in grades(folder / "report.json").items() if grade != "passed"}
    assert (code, missing) == (0, {}), told
    assert count["passed"] > 25
    assert "credential_invalid" in told
    assert vendor.secret.decode() not in told
