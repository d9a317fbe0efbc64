"""Alerts in the console: listed, acknowledged, put off; what is most urgent is never muted."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from gateway.accounts.roles import Role
from gateway.ledger.alerts import NewAlert, Planned, PlanOperation
from tests.console.site import Site
from tests.journeys.installation import COMMUNE, PROVINCE, PUSHED
from tests.journeys.messages import document

pytestmark = pytest.mark.asyncio(loop_scope="module")
WHY = "thử nghiệm cảnh báo"
NUMBER = "+84900000001"


async def alerted(site: Site, number: str, priority: int) -> tuple[str, str]:
    """A call about a new document, due in an hour; its id, and the document's."""
    async with site.installation.client(PROVINCE) as province:
        accepted = await province.submit(document(PROVINCE, [COMMUNE], number=number, priority=priority))
    now = site.base.clock.now()
    agency = await site.base.directory.require(COMMUNE, now)
    alert = NewAlert(
        way="call",
        agency_id=agency.id,
        target=NUMBER,
        due_at=now + timedelta(hours=1),
        delivery_id=accepted.deliveries[0].id,
    )
    await site.base.pump.submit(PlanOperation(), Planned(alerts=(alert,), now=now))
    rows = await site.base.readers.fetch("alert_list_shown", (99,))
    return next((row[0], row[13]) for row in rows if row[3] == accepted.deliveries[0].id)


async def test_alert_is_put_off_by_a_person_and_acknowledged(site: Site) -> None:
    """Each is an event with who and why; a number is shown to operators alone."""
    key, _ = await alerted(site, "970", 1)
    viewer, operator = await site.signed_in(Role.VIEWER), await site.signed_in(Role.OPERATOR)
    shown = (await viewer.get("/alerts")).text
    assert "970/UBND-VP" in shown
    assert NUMBER not in shown
    assert f"/alerts/{key}/snooze" not in shown
    assert NUMBER in (await operator.get("/alerts")).text
    for hours in ("0", "48", "x"):
        assert (await operator.post(f"/alerts/{key}/snooze", {"hours": hours, "reason": WHY})).status == 422
    assert (await operator.post(f"/alerts/{key}/snooze", {"hours": "4", "reason": WHY})).status == 303
    row = next(row for row in await site.base.readers.fetch("alert_list_shown", (99,)) if row[0] == key)
    assert row[8] - row[7] > timedelta(hours=3) / timedelta(microseconds=1)
    done = await operator.post(f"/alerts/{key}/acknowledge", {"reason": WHY})
    assert done.status == 303, done.text
    again = await operator.post(f"/alerts/{key}/acknowledge", {"reason": WHY}, follow=True)
    assert "trước đó" in again.text
    assert (await operator.post("/alerts/nobody/snooze", {"hours": "4", "reason": WHY})).status == 404


async def test_most_urgent_is_never_put_off(site: Site) -> None:
    """No button, and no form of anybody's."""
    key, _ = await alerted(site, "971", 3)
    operator = await site.signed_in(Role.OPERATOR)
    page = await operator.get("/alerts")
    assert re.search(r"971/UBND-VP", page.text)
    assert f"/alerts/{key}/snooze" not in page.text
    refused = await operator.post(f"/alerts/{key}/snooze", {"hours": "1", "reason": WHY})
    assert (refused.status, "state_forbids" in refused.text) == (409, True)
    row = next(row for row in await site.base.readers.fetch("alert_list_shown", (99,)) if row[0] == key)
    assert row[8] - row[7] <= timedelta(hours=1, seconds=5) / timedelta(microseconds=1)


async def test_office_is_reminded_by_one_button_and_its_desk_says_by_whom(site: Site) -> None:
    """Once in four hours; whoever is reached by a system is called instead; a clerk reminds of own ones alone."""
    async with site.installation.client(PROVINCE) as province:
        made = await province.submit(document(PROVINCE, [COMMUNE, PUSHED], number="980"))
    async with site.installation.client(COMMUNE) as commune:
        own = await commune.submit(document(COMMUNE, [PROVINCE], number="981"))
    operator, clerk = await site.signed_in(Role.OPERATOR), await site.signed_in(Role.CLERK)
    path = f"/documents/{made.id}"
    before = (await operator.get(path)).text
    assert "Nhắc 1 nơi chưa vào sổ" in before
    assert "1 nơi nhận qua phần mềm riêng" in before
    assert 'id="remind"' not in (await (await site.signed_in(Role.VIEWER)).get(path)).text
    assert (await clerk.post(f"{path}/remind")).status == 403
    assert "Đã nhắc 1 nơi." in (await operator.post(f"{path}/remind", follow=True)).text
    after = (await operator.get(path)).text
    assert "1 nơi đã nhắc chưa đến 4 giờ" in after
    assert 'id="remind"' not in after
    assert "không còn nơi nào" in (await operator.post(f"{path}/remind", follow=True)).text
    assert "Đã nhắc lúc" in (await clerk.get("/desk")).text
    assert f"bởi Người {Role.OPERATOR}1" in (await clerk.get(f"/desk/in/{made.deliveries[0].id}")).text
    assert "Nhắc 1 nơi chưa vào sổ" in (await clerk.get(f"/documents/{own.id}")).text
    assert "Đã nhắc 1 nơi." in (await clerk.post(f"/documents/{own.id}/remind", follow=True)).text
    told = await site.base.readers.fetch("event_list_told", {"message": made.id, "limit": 50})
    assert [row[3] for row in told if row[1] == "delivery.reminded"] == [made.deliveries[0].id]
