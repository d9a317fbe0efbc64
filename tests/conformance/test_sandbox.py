"""The sandbox, entered by a system that does everything right, and by one that does some things wrong."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.api.models import InboxItem, NewStatus
from gateway.errors import GatewayError
from tests.conformance.runs import conformance, conformance_until, grades, step
from tests.conformance.vendor import Vendor, plain

pytestmark = pytest.mark.slow


@asynccontextmanager
async def working(vendor: Vendor) -> AsyncIterator[None]:
    """The vendor's system, running beside the sandbox."""
    task = asyncio.create_task(vendor.work())
    try:
        yield
    finally:
        task.cancel()
        # the sandbox may be gone before it
        with contextlib.suppress(asyncio.CancelledError, GatewayError):
            await task


async def test_system_that_does_everything_passes_every_step(tmp_path: Path) -> None:
    """The run ends by itself once all steps are judged; nothing failed, nothing was skipped."""
    folder = tmp_path / "s"
    run = asyncio.create_task(conformance("serve", "--folder", folder, "--exit-after", "120"))
    async with working(await Vendor.of(folder)):
        code, count, told = await run
    missing = {key: grade for key, grade in grades(folder / "report.json").items() if grade != "passed"}
    assert (code, missing) == (0, {}), told
    assert count["skipped"] == count["failed"] == 0
    assert "sender_not_permitted" in told


async def test_system_that_answers_wrongly_is_told_how_to_mend_it(tmp_path: Path) -> None:
    """A recall answered with 03, a refusal without a reason: failed, with advice; what was not tried is skipped."""
    folder = tmp_path / "s"

    def wrong(item: InboxItem) -> list[NewStatus]:
        if "gửi nhầm" in item.subject:
            return [NewStatus(code="02")]
        if item.business_type == "1":
            return [NewStatus(code="03", description="Đã tiếp nhận")]
        return plain(item)

    marks = ("✗ .*· recall", "✓ .*· answer-03", "status_reason_missing")
    run = asyncio.create_task(conformance_until(marks, "serve", "--folder", folder))
    vendor = await Vendor.of(folder)
    vendor.answers = wrong

    async with vendor.client() as client:
        receiving = asyncio.create_task(vendor.receive(client))
        code, count, told = await run
        receiving.cancel()
        with contextlib.suppress(asyncio.CancelledError, GatewayError):
            await receiving
    report = folder / "report.json"
    found = grades(report)
    assert code == 1, told
    assert found["recall"] == "failed"
    assert "15" in step(report, "recall")["mend"]["vi"]
    assert step(report, "recall")["saw"]["en"].startswith("It answered 03")
    assert found["take"] == found["answer-03"] == "passed"
    assert found["answer-02"] in {"failed", "skipped"}
    assert found["send"] == "skipped"
    assert "status_reason_missing" in told
    assert count["failed"] >= 1
