"""Planned maintenance: seen by everybody and every system, and silence is no alarm meanwhile."""

from __future__ import annotations

import re
from contextlib import closing
from datetime import datetime, timedelta

import aiohttp
import pytest

from gateway.accounts.roles import Role
from gateway.clock import VIETNAM
from gateway.directory.endpoint_changes import MarkEndpoint, MarkEndpointOperation
from gateway.foundation import database_of
from gateway.ledger.alarms import Alarm
from gateway.maintenance.alarm_watch import AlarmWatch
from gateway.outage import Outage, header_of
from gateway.storage.sqlite import connect_lookup
from tests.console.site import Browser, Page, Site
from tests.journeys.installation import PROVINCE

pytestmark = pytest.mark.asyncio(loop_scope="module")
WHY = "nâng cấp <b>trục</b>"


async def announce(site: Site, channel: str, *, starts: timedelta, ends: timedelta) -> tuple[Browser, Page]:
    """By the form, in Vietnam's time."""
    operator = await site.signed_in(Role.OPERATOR)
    now = datetime.now(VIETNAM)
    times = {"starts": f"{now + starts:%Y-%m-%dT%H:%M}", "ends": f"{now + ends:%Y-%m-%dT%H:%M}"}
    await operator.get("/maintenance")
    return operator, await operator.post("/maintenance", {"channel": channel, "reason": WHY, **times})


async def call_off(operator: Browser) -> None:
    """All of them."""
    for key in set(re.findall(r"/maintenance/([0-9a-f-]+)/end", (await operator.get("/maintenance")).text)):
        assert (await operator.post(f"/maintenance/{key}/end", {"reason": "xong sớm"})).status == 303


async def told_a_stranger(site: Site) -> str:
    """The header field of the answer to somebody whose token is none."""
    headers = {"Authorization": "Bearer none"}
    url = f"https://localhost:{site.app.port}/api/v1/connection"
    connector = aiohttp.TCPConnector(ssl=site.tls)
    async with aiohttp.ClientSession(connector=connector) as session, session.get(url, headers=headers) as answer:
        assert answer.status == 401
        return answer.headers.get("Planned-Outage", "")


async def connection(site: Site) -> tuple[str, list[dict[str, str]]]:
    """The header field of an answer of REST, and what it says of outages."""
    headers = {"Authorization": f"Bearer {site.installation.tokens[PROVINCE]}"}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=site.tls)) as session:
        url = f"https://localhost:{site.app.port}/api/v1/connection"
        async with session.get(url, headers=headers) as answer:
            return answer.headers.get("Planned-Outage", ""), (await answer.json())["outages"]


async def test_what_is_announced_stands_on_every_page_and_in_answers_of_rest(site: Site) -> None:
    """From a day before; called off, it is gone; each is an event with who and why."""
    assert await connection(site) == ("", [])
    operator, done = await announce(site, "axis", starts=timedelta(hours=20), ends=timedelta(hours=22))
    assert done.status == 303, done.text
    for role in (Role.VIEWER, Role.CLERK, Role.AUDITOR):
        page = (await (await site.signed_in(role)).get("/account")).text
        assert "Bảo trì theo kế hoạch" in page
        assert "nâng cấp &lt;b&gt;trục" in page
    header, outages = await connection(site)
    assert header.startswith('"axis";from="')
    assert await told_a_stranger(site) == ""
    assert [(each["channel"], each["reason"]) for each in outages] == [("axis", WHY)]
    await call_off(operator)
    assert await connection(site) == ("", [])
    assert "nâng cấp" not in (await operator.get("/account")).text
    with closing(connect_lookup(database_of(site.base.settings))) as found:
        told = found.execute("SELECT kind, actor, note FROM event WHERE kind LIKE 'outage.%' ORDER BY seq")
        newest = told.fetchall()[-2:]
    actor = (await site.base.users.require("operator1")).actor
    assert newest == [("outage.announced", actor, WHY), ("outage.ended", actor, "xong sớm")]


async def test_far_off_maintenance_is_listed_and_not_told_yet(site: Site) -> None:
    """And one that ends before it begins, or lasts for months, is refused."""
    operator, done = await announce(site, "", starts=timedelta(days=3), ends=timedelta(days=3, hours=1))
    assert done.status == 303
    assert WHY.partition(" <")[0] in (await operator.get("/maintenance")).text
    assert await connection(site) == ("", [])
    await call_off(operator)
    for starts, ends in ((2, 1), (1, 60 * 24), (-3, -2)):
        _, refused = await announce(site, "", starts=timedelta(hours=starts), ends=timedelta(hours=ends))
        assert (refused.status, "parameter_invalid" in refused.text) == (422, True)


async def test_silence_that_was_announced_opens_no_alarm(site: Site) -> None:
    """Once it is over, the same silence does."""
    base = site.base
    endpoint = next(each for each in await base.directory.endpoints() if each.name == "axis")
    down = MarkEndpoint(
        endpoint_id=endpoint.id, up=False, reason="connect_failed", now=base.clock.now() - timedelta(hours=1)
    )
    operator, done = await announce(site, "axis", starts=timedelta(minutes=-5), ends=timedelta(hours=1))
    assert done.status == 303
    await base.directory.apply(base.pump, MarkEndpointOperation(), down)
    watch = AlarmWatch(base, dict)

    async def axis() -> list[Alarm]:
        await watch.run_once()
        await watch.run_once()
        found = [Alarm.of_row(row) for row in await base.readers.fetch("alarm_list_open", (99,))]
        return [each for each in found if each.subject == endpoint.id]

    assert await axis() == []
    await call_off(operator)
    (alarm,) = await axis()
    assert alarm.rule == "axis_down"
    shown = await operator.get("/")
    assert f'href="/channels/{endpoint.id}"' in shown.text
    assert "Không gửi được qua trục." in shown.text
    page = await operator.get("/alerts")
    assert f"/alarms/{alarm.id}/acknowledge" in page.text
    assert "docs/runbook.vi.md: GatewayEndpointDown" in page.text
    assert (await operator.post(f"/alarms/{alarm.id}/snooze", {"hours": "4", "reason": "đã gọi"})).status == 303
    assert (await operator.post(f"/alarms/{alarm.id}/acknowledge", {"reason": "đã gọi"})).status == 303
    late = await operator.post(f"/alarms/{alarm.id}/snooze", {"hours": "4", "reason": "để mai"}, follow=True)
    assert "Không hoãn cảnh báo: đã có người nhận xử lý việc này." in late.text
    seen = await operator.get("/alerts")
    assert "Người operator1" in seen.text
    assert "để mai" not in seen.text
    assert f"/alarms/{alarm.id}/acknowledge" not in seen.text
    assert f"/alarms/{alarm.id}/acknowledge" not in (await (await site.signed_in(Role.VIEWER)).get("/alerts")).text


async def test_header_holds_nothing_that_a_header_cannot() -> None:
    """Names are what people gave."""
    at = datetime.fromisoformat("2026-12-01T18:00:00+07:00")
    made = Outage(id="1", endpoint_id="e", name='trục "A"\n', starts_at=at, ends_at=at, why=WHY, by="user:x")
    assert header_of([made]) == (
        '"tr?c ?A??";from="2026-12-01T11:00:00.000000Z";until="2026-12-01T11:00:00.000000Z"'
    )


async def test_header_stays_short_however_much_is_announced() -> None:
    """Clients and proxies take a head of 8 kB; the whole gateway is named before any channel."""
    at = datetime.fromisoformat("2026-12-01T18:00:00+07:00")
    channels = [
        Outage(id=f"{n}", endpoint_id=f"{n}", name=f"{n:050}", starts_at=at, ends_at=at, why=WHY, by="user:x")
        for n in range(145)
    ]
    whole = Outage(id="w", endpoint_id="", name="", starts_at=at + timedelta(hours=1), ends_at=at, why=WHY, by="x")
    made = header_of([*channels, whole])
    assert made.startswith('"*";from="')
    assert made.endswith(', "...";more=141')
    assert len(made) < 1000
    assert "more" not in header_of(channels[:5])
