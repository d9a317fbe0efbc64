"""Offices as forms take them: the same text means the same offices wherever it is written."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest

from gateway.accounts.roles import Role
from gateway.directory.importer import import_agencies
from tests.console.site import Site
from tests.desk.lab import clerk_of, lab_of
from tests.journeys.installation import COMMUNE, PROVINCE, PUSHED

pytestmark = pytest.mark.asyncio(loop_scope="module")
NAMED, OTHER, UNKNOWN = "000.00.51.H33", "000.00.52.H33", "999.99.99.H99"
#: A name with a comma, which is one name; codes by commas and spaces; what a name and its code are together; twice.
TEXT = f"so van hoa, the thao;{COMMUNE},  {PUSHED}\nSở Y tế ({OTHER}) ; {COMMUNE}\n\n"
MEANT = [NAMED, COMMUNE, PUSHED, OTHER]


ROWS = f"""organ_id,name,kind,endpoint
{NAMED},"Sở Văn hóa, Thể thao",department,province
{OTHER},Sở Y tế,department,province
"""


async def test_routing_a_clerks_offices_and_a_group_take_the_same_text(site: Site) -> None:
    """By lines, semicolons, and between codes by commas."""
    base = site.base
    report = await import_agencies(
        base.directory, base.pump, base.readers, ROWS.encode(), actor="operator:test", now=base.clock.now()
    )
    assert not report.problems, report.problems
    admin = await site.signed_in(Role.ADMINISTRATOR)
    page = await admin.get(f"/administration/routing?from={PROVINCE}&to={quote(TEXT)}")
    assert sorted(re.findall(r'<th scope="row">([\d.H]+)</th>', page.text)) == sorted(MEANT)
    await admin.get("/administration/users")
    form = {"login": "van.thu.moi", "name": "Văn thư mới", "role": "clerk", "offices": TEXT, "reason": "thử nghiệm"}
    made = await admin.post("/administration/users", form)
    assert made.status == 200, made.text
    user = await site.base.users.require("van.thu.moi")
    served = await site.base.directory.agencies(await site.base.users.offices(user.id))
    assert sorted(each.organ_id for each in served.values()) == sorted(MEANT)
    lab, office = await lab_of(site.installation), await base.directory.require(COMMUNE, base.clock.now())
    clerk = await site.signed_in(Role.CLERK)
    await clerk.get("/desk/groups")
    done = await clerk.post("/desk/groups", {"office": office.id, "name": "Nhóm", "members": TEXT})
    assert done.status == 303, done.text
    groups = await lab.desk.sending.groups(await clerk_of(site.app, COMMUNE), office.id)
    assert groups["Nhóm"] == tuple(MEANT)


async def test_code_that_nobody_has_is_told_by_its_code(site: Site) -> None:
    """Routing explains it, a clerk is not given it."""
    admin = await site.signed_in(Role.ADMINISTRATOR)
    page = await admin.get(f"/administration/routing?from={PROVINCE}&to={quote(f'{COMMUNE}, {UNKNOWN}')}")
    assert "recipient_unknown" in page.text
    await admin.get("/administration/users")
    form = {"login": "van.thu.hai", "name": "X", "role": "clerk", "offices": UNKNOWN, "reason": "thử nghiệm"}
    refused = await admin.post("/administration/users", form)
    assert (refused.status, UNKNOWN in refused.text) == (404, True), refused.text


async def test_more_recipients_than_routing_explains_are_refused_not_left_out(site: Site) -> None:
    """Nobody takes the answer for whole when it is of a part."""
    auditor = await site.signed_in(Role.AUDITOR)
    codes = [f"{number:03}.99.99.H99" for number in range(201)]
    many = await auditor.get(f"/administration/routing?from={PROVINCE}&to={quote(' '.join(codes))}")
    assert (many.status, "201 &gt; 200" in many.text) == (422, True)
    fits = await auditor.get(f"/administration/routing?from={PROVINCE}&to={quote(' '.join(codes[1:]))}")
    assert fits.text.count("<code>recipient_unknown</code>") == 200
