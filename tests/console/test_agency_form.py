"""An agency by a form: added, renamed, given a telephone number; names where codes were asked for."""

from __future__ import annotations

import csv
import io

import pytest

from gateway.accounts.roles import Role
from tests.console.site import Site
from tests.console.test_administration_files import events
from tests.journeys.installation import COMMUNE, PROVINCE, PUSHED

pytestmark = pytest.mark.asyncio(loop_scope="module")
NEW = "000.66.01.H33"
REASON = {"reason": "thử nghiệm danh bạ"}


async def test_agency_is_added_described_and_listed(site: Site) -> None:
    """Each is one event with the person's reason; what is left empty is gone; the list says what is."""
    admin, base = await site.signed_in(Role.ADMINISTRATOR), site.base
    await admin.get("/administration/agencies")
    before = await events(site, "agency.imported")
    wanted = {
        "organ_id": NEW,
        "name": "UBND xã Mới, đảo",
        "kind": "commune",
        "above": "UBND tỉnh",
        "endpoint": "commune",
    }
    form = wanted | {"phone": "+84 297 5", "email": "vt@moi.example.vn"} | REASON
    assert (await admin.post("/administration/agencies", form | {"reason": ""})).status == 422
    assert (await admin.post("/administration/agencies", form | {"organ_id": "a b"})).status == 422
    assert await events(site, "agency.imported") == before
    made = await admin.post("/administration/agencies", form | {"above": PROVINCE})
    assert made.status == 303, made.text
    agency = await base.directory.require(NEW, base.clock.now())
    assert made.location == f"/administration/agencies/{agency.id}"
    assert (agency.name, agency.kind) == ("UBND xã Mới, đảo", "commune")
    assert agency.parent_id == (await base.directory.require(PROVINCE, base.clock.now())).id
    again = await admin.post("/administration/agencies", form | {"above": ""})
    assert again.location == made.location
    assert await events(site, "agency.imported") == before + 1
    described = {"act": "describe", "name": "UBND phường Mới", "phone": "0297 6"} | REASON
    assert (await admin.post(made.location, described)).status == 303
    page = (await admin.get(made.location)).text
    assert "<h1>UBND phường Mới</h1>" in page
    assert "0297 6" in page
    assert "vt@moi.example.vn" not in page
    ((note, leaf),) = await base.writer.fetch(
        "SELECT note, CAST(leaf AS TEXT) ->> '$.facts.agency' FROM event ORDER BY seq DESC LIMIT 1"
    )
    assert (note, leaf) == (REASON["reason"], agency.id)
    listed = (await admin.get("/administration/agencies.csv")).text.removeprefix("\ufeff")
    (row,) = [each for each in csv.DictReader(io.StringIO(listed)) if each["organ_id"] == NEW]
    assert (row["name"], row["phone"], row["email"], row["endpoint"]) == (
        "UBND phường Mới",
        "0297 6",
        "",
        "commune",
    )


async def test_only_administrators_change_agencies_and_auditors_read_the_list(site: Site) -> None:
    auditor = await site.signed_in(Role.AUDITOR)
    assert (await auditor.get("/administration/agencies.csv")).status == 200
    assert (await auditor.post("/administration/agencies", {"organ_id": NEW, "name": "x"} | REASON)).status == 403
    operator = await site.signed_in(Role.OPERATOR)
    assert (await operator.get("/administration/agencies.csv")).status == 403


async def test_offices_are_named_as_people_name_them(site: Site) -> None:
    """For a clerk, as an agent: by names; a name that may be several is refused with them."""
    admin, base = await site.signed_in(Role.ADMINISTRATOR), site.base
    await admin.get("/administration/users")
    user = {"login": "vanthu9", "name": "Văn thư", "role": "clerk", "offices": f"UBND xã Một\n{PUSHED}"} | REASON
    made = await admin.post("/administration/users", user)
    assert made.status == 200, made.text
    offices = await base.directory.agencies(await base.users.offices((await base.users.require("vanthu9")).id))
    assert {each.organ_id for each in offices.values()} == {COMMUNE, PUSHED}
    assert (
        await admin.post("/administration/users", user | {"login": "vanthu10", "offices": "nobody"})
    ).status == 404
    key = (await base.directory.require(PUSHED, base.clock.now())).id
    speaks = {"act": "represent", "agent": "xã Một"} | REASON
    assert (await admin.post(f"/administration/agencies/{key}", speaks)).status == 303
    assert (await admin.post(f"/administration/agencies/{key}", speaks | {"end": "1"})).status == 303
