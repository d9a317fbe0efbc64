"""What people come to the console for all day, walked by clicking in a real browser.

One server, one browser; each walk is one person's. It begins in Vietnamese and goes on in English by the switch.
"""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser, expect

from gateway.accounts.roles import Role
from gateway.api import models
from gateway.ledger.alarms import Looked, LookedOperation, NewAlarm
from gateway.maintenance.alarm_watch import AlarmWatch
from tests.console.browsing import CHROMIUM, PATIENCE
from tests.console.clicking import english, fill, menu, press, send, signed_in
from tests.console.site import Site
from tests.console.test_alerts import alerted
from tests.journeys.installation import AXIS, COMMUNE, MINISTRY, PROVINCE, PUSHED
from tests.journeys.messages import document, status
from tests.journeys.test_journey import until
from tests.journeys.test_mass_acts import carried, states

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]

WHY = "thử nghiệm từng việc"


async def _returned(site: Site, number: str) -> str:
    """A document that the commune fetched and sent back; its delivery."""
    async with site.installation.client(PROVINCE) as province, site.installation.client(COMMUNE) as commune:
        accepted = await province.submit(document(PROVINCE, [COMMUNE], number=number))
        key = accepted.deliveries[0].id

        async def there() -> bool:
            return any(item.id == key for item in (await commune.inbox()).items)

        await until(there, 60)
        await commune.content(key)
        await commune.ack(key)
        await commune.answer(key, models.NewStatus(code="02", description="nhầm nơi nhận"))
    return key


async def test_operator_asks_for_consent_and_empties_the_queues(site: Site, browser: Browser) -> None:
    """A second person consents; what is typed into a list stays with its line, whatever comes meanwhile."""
    async with site.installation.client(PROVINCE) as province, site.installation.client(AXIS) as axis:
        made = await province.submit(document(PROVINCE, [COMMUNE], number="621"))
        await province.submit(document(PROVINCE, [MINISTRY], number="622"))
        await axis.post_status(status(MINISTRY, "03", sender=PROVINCE, number="0622"))
        await axis.post_status(status(MINISTRY, "03", sender=PROVINCE, number="4711"))
    first = await _returned(site, "623")
    async with signed_in(site, browser, Role.OPERATOR) as page:
        await page.fill("#search", "621")
        async with page.expect_navigation():
            await page.press("#search", "Enter")
        await press(page, "tbody th a")
        await press(page, "a[href^='/acts']")
        await page.check("[name=act][value=cancel]")
        await press(page, "form[action='/acts/rehearse'] button.main")
        await send(page, "form[action='/acts/do']", "button[value=propose]", reason=WHY)
        asked = page.url.rpartition("/")[2]
        await expect(page.locator("button[value=consented]")).to_have_count(0)
        async with signed_in(site, browser, Role.ADMINISTRATOR) as other:
            await menu(other, "/requests")
            await press(other, f"tbody a[href$='{asked}']")
            await english(other)
            await send(other, "form[action^='/requests/']", "button[value=consented]", reason=WHY)
        await carried(site.app, asked)
        assert await states(site.app, [made.deliveries[0].id]) == ["withdrawn"]
        await menu(page, "/queues")
        await english(page)
        await send(page, "form[action='/queues/match']:has([name=delivery][type=hidden])")
        await send(page, "form[action='/queues/dismiss']", reason=WHY)
        await press(page, "a[href='/queues?show=misrouted']")
        await page.wait_for_selector("body[data-live=on]")
        settle = page.locator(f"form[action='/queues/settle']:has([value='{first}'])")
        await fill(page, settle, reason=WHY)
        for number in ("624", "625"):
            await _returned(site, number)
        mine = page.locator(".cause").filter(has_text=re.compile("62[345]/UBND-VP"))
        await expect(mine).to_have_count(3, timeout=PATIENCE)
        await expect(settle.locator("[name=reason]")).to_have_value(WHY)
        await send(page, settle)
        await expect(mine).to_have_count(2)
        await send(page, mine.locator("form[action='/acts/do']").first, to=PUSHED, reason=WHY)
        await expect(mine).to_have_count(1)


async def test_operator_minds_channels_offices_and_alarms(
    site: Site, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pace, order, books, a test; maintenance with its banner; an office's pause; an alarm put off and seen."""

    async def looks_away(_: AlarmWatch) -> None:
        """It would end the alarm."""

    monkeypatch.setattr(AlarmWatch, "run_once", looks_away)
    await alerted(site, "631", 1)
    base, now = site.base, site.base.clock.now()
    office = await base.directory.require(COMMUNE, now)
    assert office.endpoint is not None
    facts = {"name": office.name, "channel": office.endpoint.id, "office": office.id}
    alarm = NewAlarm(rule="backlog_old", subject=office.endpoint.id, is_flash=False, since=now, facts=facts)
    await base.pump.submit(LookedOperation(), Looked(now=now, told_from=now, opened=(alarm,)))
    async with signed_in(site, browser, Role.OPERATOR, width=390) as page:
        await menu(page, "/channels")
        await press(page, "tbody tr:has-text('pushed') th a")
        pace = await fill(page, "form[action$='/pace']", most="7", reason=WHY)
        await expect(pace.locator("output")).to_contain_text("7")
        await send(page, pace)
        await send(page, "form[action$='/order']", order="oldest", reason=WHY)
        await press(page, (await fill(page, "form[action$='/compare']", reason=WHY)).locator("button"), fails=True)
        await page.go_back()
        await english(page)
        await press(page, "a[href^='/maintenance']")
        await expect(page.locator("[name=channel]")).to_have_value("pushed")
        await send(page, "form[action='/maintenance']", reason="a new version")
        await menu(page, "/")
        banner = page.locator(".flash.note", has_text="a new version")
        await press(page, banner.locator("a"))
        await send(page, "form[action$='/end']", reason=WHY)
        await expect(banner).to_have_count(0)
        await menu(page, "/offices")
        await press(page, "a[aria-label^='UBND xã Một']")
        await send(page, "form[action$='/pause']", reason=WHY)
        await send(page, "form[action$='/resume']", reason=WHY)
        await send(page, "form[action$='/test']", reason=WHY)
        await menu(page, "/alerts")
        for act in ("alarms", "alerts"):
            await send(page, f"form[action^='/{act}/'][action$='/snooze']", hours="4", reason=WHY)
            await send(page, f"form[action^='/{act}/'][action$='/acknowledge']", reason=WHY)
        await expect(page.locator(".badge.good", has_text="seen")).to_have_count(2)
