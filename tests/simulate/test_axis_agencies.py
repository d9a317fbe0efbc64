"""The catalogue over the wire: three lists, changes between two syncs, and who is hosted by whom."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.axis_lab import G22, H33, AxisLab, running_axis
from tests.simulate.documents import document


async def units(axis: AxisLab) -> dict[str, dict[str, Any]]:
    told = await axis.client(H33).call("getSynchronizeUnit")
    return {unit["code"]: unit for unit in told["data"]}


async def test_three_lists_name_the_same_agencies(axis: AxisLab) -> None:
    """Each in its own shape; by level where that is asked for."""
    client = axis.client(H33)
    listed = (await client.call("getAgenciesList"))["data"]
    by_level = (await client.call("getAgenciesListQD20", {"level": "1"}))["data"]
    everything = (await client.call("getAgenciesListQD20"))["data"]
    synchronized = await units(axis)
    assert len(listed) == len(everything) == len(synchronized) == 1000
    assert len(by_level) == 99
    assert set(listed[0]) == {"id", "pid", "code", "oldCode", "name", "mail"}
    assert set(by_level[0]) == {"id", "code", "code102", "name", "mail"}
    names = {"id", "pid", "code", "name", "mail", "version", "centerCode", "deleted", "modifyDate", "isAgency"}
    assert set(synchronized["H33"]) == names
    (province,) = [unit for unit in by_level if unit["code"] == "H33"]
    assert (province["code102"], province["name"]) == ("000.00.00.H33", "Ủy ban nhân dân tỉnh Kiên Giang")
    (below,) = [unit for unit in listed if unit["code"] == "H33.02"]
    assert below["pid"] == province["id"]
    assert (await client.call("getAgenciesListQD20", {"level": "one"}))["ErrorCode"] == "10"


async def test_changes_have_a_new_version_and_keep_what_was_deleted(axis: AxisLab) -> None:
    """So that a copy can be brought up to date; the same seed changes the same ones, also after a restart."""
    before = await units(axis)
    assert {unit["version"] for unit in before.values()} == {1}
    told = await axis.change_catalogue(rename=3, add=2, delete=4, seed=7)
    await axis.restart()
    after = await units(axis)
    changed = {code for code, unit in after.items() if unit["version"] == told["version"]}
    assert changed == set(told["codes"])
    assert len(after) == len(before) + 2
    deleted = {code for code, unit in after.items() if unit["deleted"]}
    assert deleted == set(told["codes"][-4:])
    renamed = [code for code in told["codes"][:3] if after[code]["name"] != before[code]["name"]]
    assert len(renamed) == 3
    listed = (await axis.client(H33).call("getAgenciesList"))["data"]
    assert deleted.isdisjoint(unit["code"] for unit in listed)


async def test_closed_agency_receives_nothing(axis: AxisLab) -> None:
    """By whichever of its codes it is named."""
    told = await axis.change_catalogue(delete=1, seed=2)
    (code,) = told["codes"]
    refused = await axis.client(H33).send(document(to=(code,)))
    assert (refused["ErrorCode"], refused["ErrorDesc"]) == ("23", f"Don vi nhan da khoa: {code}")


async def test_code_of_either_form_leads_to_the_same_system(tmp_path: Path) -> None:
    """A system names its agencies in one form, a sender uses the other; the catalogue knows both."""
    hosts = {H33: ("H33", "000.00.02.H33"), G22: ("*.G22",)}
    async with running_axis(tmp_path, hosts=hosts) as axis:
        client = axis.client(G22)
        await client.send(document(G22, ("000.00.00.H33", "H33.02", "H33.03", "G22")))
        (ours,) = await axis.client(H33).received()
        (theirs,) = await client.received()
        lines = {line["toCode"]: line["receiverDocId"] for line in await client.sent()}
        assert lines["000.00.00.H33"] == lines["H33.02"] == ours["docId"]
        assert lines["G22"] == theirs["docId"]
        assert lines["H33.03"] not in {"", ours["docId"], theirs["docId"]}  # in the catalogue, hosted by nobody


async def test_registered_agency_is_listed_and_receives(axis: AxisLab) -> None:
    """Its documents come to the system that registered it; only that one may delete it."""
    client = axis.client(H33)
    unit = {
        "id": "",
        "pcode": "H33",
        "code": "H33.DN.001",
        "name": "Công ty Cấp nước",
        "mail": "a@b",
        "mobile": "",
        "fax": "",
    }
    body = json.dumps(unit, ensure_ascii=False).encode()
    assert (await client.call("registerAgency", {}, body))["status"] == "OK"
    parent = (await units(axis))["H33"]["id"]
    listed = {one["code"]: one for one in (await client.call("getAgenciesList"))["data"]}
    assert (listed["H33.DN.001"]["name"], listed["H33.DN.001"]["pid"]) == ("Công ty Cấp nước", parent)
    assert (await axis.client(G22).send(document(G22, ("H33.DN.001",))))["status"] == "OK"
    assert len(await client.received()) == 1
    other = axis.client(G22)
    assert (await other.call("deleteAgency", {"AgencyCode": "H33.DN.001"}, b"{}"))["ErrorCode"] == "18"
    assert (await client.call("deleteAgency", {"AgencyCode": "H33.DN.001"}, b"{}"))["status"] == "OK"
    assert (await units(axis))["H33.DN.001"]["deleted"] is True
    assert (await other.send(document(G22, ("H33.DN.001",))))["ErrorCode"] == "23"
    assert (await client.call("registerAgency", {}, body))["status"] == "OK"
    assert (await units(axis))["H33.DN.001"]["deleted"] is False


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b"\xff", b'{"code":"","name":"x"}', b'{"code":"000.00.01.G22","name":"x"}']
)
async def test_wrong_registration_is_refused(axis: AxisLab, body: bytes) -> None:
    """Not the agreed JSON, no code, or somebody else's agency."""
    assert (await axis.client(H33).call("registerAgency", {}, body))["ErrorCode"] == "10"
    assert (await axis.state())["agencies"] == 1000


async def test_catalogue_of_a_file_is_served(tmp_path: Path) -> None:
    """A province's own list in place of the made-up one."""
    file = tmp_path / "agencies.csv"
    file.write_text("id,pid,code,oldCode,name,mail\n1,,H33,000.00.00.H33,Kiên Giang,\n", "utf-8")
    async with running_axis(tmp_path, agencies=0, arguments=("--catalogue", str(file))) as axis:
        assert [unit["name"] for unit in (await units(axis)).values()] == ["Kiên Giang"]
