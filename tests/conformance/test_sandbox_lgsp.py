"""The sandbox over a provincial facade (LGSP), entered by a client that does everything right, and by others."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.simulate.reading import Incoming
from tests.conformance.lgsp_vendor import LgspVendor
from tests.conformance.peers import access_of, beside, right
from tests.conformance.runs import conformance, conformance_until, grades, step

pytestmark = pytest.mark.slow
_ALL = "syncReceivedEdocList?messageType=edoc&fromDate=2018/01/01&toDate=2099/01/01"


async def test_client_of_the_facade_passes_every_step(tmp_path: Path) -> None:
    """Nothing failed, nothing was skipped, and its secrets were told to nobody."""
    folder = tmp_path / "s"
    run = asyncio.create_task(conformance("serve", "--binding", "lgsp", "--folder", folder, "--exit-after", "120"))
    async with LgspVendor.open(await access_of(folder)) as vendor:
        code, count, told = await beside(run, vendor.work())
    found = grades(folder / "report.json")
    missing = {key: grade for key, grade in found.items() if grade != "passed"}
    assert (code, missing) == (0, {}), told
    assert count["passed"] > 30
    assert {"agencies", "renew", "token-wrong", "header-missing"} <= set(found)
    assert not {"withdraw", "digest-wrong", "hmac-wrong", "client-missing"} & set(found)
    assert "sender_not_permitted" in told


async def misbehave(vendor: LgspVendor) -> None:
    """Of a document, 03 is said to the platform alone."""

    def wrong(incoming: Incoming) -> list[str]:
        return [] if "xác nhận" in incoming.subject else right(incoming)

    assert await vendor.login() == 200
    vendor.answers = wrong

    async def misplace() -> None:
        while True:
            for entry in (await vendor.ask("GET", _ALL))["data"]:
                if entry["status"] == "done":
                    await vendor.tell(entry["docId"], "03")
            await asyncio.sleep(0.3)

    await asyncio.gather(vendor.receive(), misplace())


async def test_wrong_password_is_told_with_the_way_to_mend_it(tmp_path: Path) -> None:
    """No login has succeeded: the step has failed, in both languages."""
    folder = tmp_path / "s"
    marks = ("✗ .*· connect",)
    run = asyncio.create_task(conformance_until(marks, "serve", "--binding", "lgsp", "--folder", folder))
    async with LgspVendor.open(await access_of(folder)) as vendor:
        assert await vendor.login("not the password") == 401
        code, _, told = await run
    failed = step(folder / "report.json", "connect")
    assert (code, failed["grade"]) == (1, "failed"), told
    assert failed["saw"]["vi"].startswith("Bị từ chối: credential_invalid")
    assert failed["saw"]["en"].startswith("It was refused: credential_invalid")
    assert "applicationCode" in failed["mend"]["vi"]


async def test_misplaced_statuses_are_told_with_the_way_to_mend_them(tmp_path: Path) -> None:
    """03 said to the platform alone has failed, in both languages."""
    folder = tmp_path / "s"
    marks = ("✗ .*· answer-03",)
    run = asyncio.create_task(conformance_until(marks, "serve", "--binding", "lgsp", "--folder", folder))
    async with LgspVendor.open(await access_of(folder)) as vendor:
        code, _, told = await beside(run, misbehave(vendor))
    report = folder / "report.json"
    assert code == 1, told
    assert grades(report)["connect"] == "passed"
    mended = step(report, "answer-03")
    assert mended["grade"] == "failed"
    assert "messageType=status" in mended["saw"]["vi"]
    assert "messageType=status" in mended["saw"]["en"]
    assert "ResponseFor" in mended["mend"]["vi"]
