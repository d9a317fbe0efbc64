"""Alerts in the console: listed, acknowledged, put off; what is most urgent is never muted."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from gateway.accounts.roles import Role
from gateway.admin.acts import PauseChannel, pause_channel
from gateway.alarms.rules import RULES
from gateway.alarms.symptoms import Found, symptoms
from gateway.ledger.acts import Act, ActOperation
from gateway.ledger.alarms import Alarm
from gateway.ledger.alerts import NewAlert, Planned, PlanOperation
from gateway.maintenance import alarm_watch
from gateway.maintenance.alarm_watch import AlarmWatch
from gateway.states import Trigger
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
    told = (await operator.get("/alerts")).text
    assert NUMBER in told
    assert f'<tr id="alert-{key}">' in told, "what is typed into a row stays with it when others come"
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


async def taken(site: Site, number: str) -> tuple[str, str]:
    """A hỏa tốc document that an office's system took a while ago, and of which it reports nothing."""
    pause = PauseChannel(target=PUSHED, until=site.base.clock.now() + timedelta(hours=1), reason=WHY)
    await pause_channel(site.app, pause, "user:x")
    async with site.installation.client(PROVINCE) as province:
        made = await province.submit(document(PROVINCE, [PUSHED], number=number, priority=3))
    now = site.base.clock.now()
    for trigger in (Trigger.HELD, Trigger.CONFIRMED):
        act = Act(
            trigger=trigger, delivery_ids=(made.deliveries[0].id,), actor="user:x", note="",
            now=now - timedelta(minutes=20), give_up_at=now + timedelta(days=1),
        )  # fmt: skip
        (acted,) = await site.base.pump.submit(ActOperation(), act)
        assert acted.moved, acted
    return made.id, made.deliveries[0].id


async def counted(site: Site) -> dict[str, float]:
    """The open alarms by rule, as Prometheus hears of them."""
    address = f"http://127.0.0.1:{site.app.operations_port}/metrics"
    async with aiohttp.ClientSession() as session, session.get(address) as answer:
        found = re.findall(r'^gateway_alarms_open{rule="(\w+)"} (.+)$', await answer.text(), re.MULTILINE)
    return {rule: float(count) for rule, count in found}


async def test_who_heard_by_telephone_ends_the_alarm_and_stands_in_the_story(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the alarm or on the document's page, by name; nobody takes it for a status, and no alarm comes back."""
    (one, first), (two, second) = await taken(site, "990"), await taken(site, "991")
    watch = AlarmWatch(site.base, dict)

    async def open_alarms() -> list[str]:
        for _ in range(2):
            await watch.run_once()
        rows = await site.base.readers.fetch("alarm_list_open", (99,))
        return [each.id for each in map(Alarm.of_row, rows) if each.rule == "flash_unconfirmed"]

    assert (await counted(site))["flash_unconfirmed"] == 0
    (alarm,) = await open_alarms()
    counts = await counted(site)
    assert counts["flash_unconfirmed"] == 1
    assert counts.keys() >= RULES.keys()
    operator, auditor = await site.signed_in(Role.OPERATOR), await site.signed_in(Role.AUDITOR)
    path = f"/alarms/{alarm}/telephoned"
    said = {"spoke_to": "Bà Lan", "reason": "đã nhận, đang trình"}
    assert path in (await operator.get("/alerts")).text
    assert path not in (await auditor.get("/alerts")).text
    assert f"/documents/{one}/telephoned" not in (await auditor.get(f"/documents/{one}?line={first}")).text
    assert (await auditor.post(path, said | {"delivery": first})).status == 403
    asked = (await operator.get(path)).text
    assert "990/UBND-VP" in asked
    assert "991/UBND-VP" in asked
    assert (await operator.post(path, said)).status == 422
    assert (await operator.post(path, {"delivery": first, "reason": "đã nhận"})).status == 422
    done = await operator.post(path, said | {"delivery": first}, follow=True)
    assert "Đã ghi lại cho 1 văn bản" in done.text
    assert "Cảnh báo đã hết" not in done.text
    assert f"/documents/{one}/telephoned" not in (await operator.get(f"/documents/{one}?line={first}")).text
    assert (await operator.post(f"/documents/{one}/telephoned", said | {"delivery": second})).status == 404
    assert f"/documents/{two}/telephoned" in (await operator.get(f"/documents/{two}?line={second}")).text
    told = list[str]()

    async def meanwhile(*given: Any) -> Found:
        """The call comes while the alarms are being looked for, after this one was."""
        found = await symptoms(*given)
        over = await operator.post(f"/documents/{two}/telephoned", said | {"delivery": second}, follow=True)
        told.append(over.text)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(alarm_watch, "symptoms", meanwhile)
        await watch.run_once()
    assert "Cảnh báo đã hết" in told[0]
    assert await open_alarms() == []
    for key in (one, two):
        story = (await auditor.get(f"/documents/{key}")).text
        assert "Bà Lan nói qua điện thoại là đã có; không phải trạng thái của cơ quan" in story
        assert "Cơ quan nói qua điện thoại là đã có; không phải trạng thái của cơ quan" in story
        assert "Bà Lan: đã nhận, đang trình" in story
        assert story.count(f"Người {Role.OPERATOR}1") >= 2
        assert "đã vào sổ" not in story
    assert (await operator.get(path)).status == 409
