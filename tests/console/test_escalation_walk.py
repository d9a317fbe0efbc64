"""An urgent document at a commune with a browser alone: it rings, then telephones do, until it was seen.

One server with a gateway of calls, a real receiver of them, one browser; each walk is gone in both languages.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect

from gateway.accounts.roles import Role
from gateway.admin.alerts import SetAlerts, set_alerts
from gateway.alerting import Person
from gateway.foundation import database_of
from gateway.maintenance.alerter import Alerter
from gateway.storage.driver import choose_driver
from tests.console.browsing import CHROMIUM, NARROWEST, is_too_wide, opened, serious, sign_in
from tests.console.clicking import Speech, menu, signed_in
from tests.console.site import PASSWORD, Site, console
from tests.console.test_desk_browser import HEARD
from tests.desk.lab import DeskLab, lab_of
from tests.journeys.receiver import Receiver
from tests.journeys.test_journey import until
from tests.unit.signatures.pdf_made import blank

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]
FIRST, SECOND = "+84900000001", "+84900000002"
SUBJECT = "V/v điều không ai được nghe"
#: What operators read of an alert: Vietnamese, English.
WAITS, TOLD, SEEN = ("chờ báo", "alert waits"), ("đã báo", "office told"), ("đã xem", "seen")
OPENED = ("cơ quan đã lấy hoặc đã mở văn bản", "the office has taken or opened it")
KNOWN = ("ở đó đã có người biết", "somebody there knows of it")
OVER = ("không cần nữa", "not needed any more")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def receiver(pki_folder: Path) -> AsyncIterator[Receiver]:
    """Calls and texts persons."""
    found = Receiver(pki_folder)
    await found.start()
    yield found
    await found.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(
    tmp_path_factory: pytest.TempPathFactory, pki_folder: Path, receiver: Receiver
) -> AsyncIterator[Site]:
    """Its own duty calls, a little sooner after what is due than elsewhere."""
    folder = tmp_path_factory.mktemp("console") / "site"
    folder.mkdir()
    anchors = "certs/anchors/tls/root.pem"
    calls = f'[calls]\nurl = "{receiver.url("/calls")}"\nsecret_file = "pushed"\nanchors = "{anchors}"\n'
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Alerter, "every", timedelta(milliseconds=100))
        async with console(folder, pki_folder, more=calls) as found:
            yield found


async def office(site: Site, login: str) -> DeskLab:
    """A commune of its own whose clerk has a browser alone, with two persons to call, one after the other."""
    lab, base = await lab_of(site.installation), site.base
    user, _ = await base.users.add(
        login,
        name=f"Người {login}",
        role=Role.CLERK,
        offices=[lab.code],
        actor="operator:test",
        now=base.clock.now(),
    )
    await base.users.choose_password(user, PASSWORD, session="", now=base.clock.now())
    calls = [Person(name="An", number=FIRST, after_minutes=5), Person(name="Bình", number=SECOND, after_minutes=15)]
    await set_alerts(site.app, SetAlerts(organ_id=lab.code, calls=calls, reason="theo đề nghị của xã"), "user:x")
    return lab


def pass_by(site: Site, **time: float) -> None:
    """What waits to be told is due so much sooner."""
    connect = choose_driver(allow_affected_sqlite=True).module.connect
    with closing(connect(str(database_of(site.installation.settings)), timeout=30)) as database, database:
        by = timedelta(**time) // timedelta(microseconds=1)
        database.execute("UPDATE alert SET due_at = due_at - ? WHERE state = 'waiting'", (by,))


async def called(receiver: Receiver, count: int) -> tuple[str, str]:
    """Whom the newest of so many calls was to, and the link in it."""
    call = json.loads((await receiver.wait_for(count))[-1].body)
    assert SUBJECT not in call["text"]
    return call["to"], call["acknowledge"]


async def counted(lab: DeskLab, state: str, count: int) -> bool:
    """Whether so many alerts of the office are in a state."""
    rows = lab.rows("SELECT COUNT(*) FROM alert WHERE agency_id = ? AND state = ?", lab.office, state)
    return rows == [(count,)]


async def rings(page: Page, lab: DeskLab, number: str) -> str:
    """A document of the province rings in the open page, which answers 01 by itself; its delivery."""
    line = await lab.send(number, priority=3, subject=SUBJECT, content=blank().data)
    rung = re.compile(f"{re.escape(f'{number}/UBND-VP: {SUBJECT}')}$")
    await expect(page.locator("body")).to_have_attribute("data-rung", rung)

    async def answered() -> bool:
        return [code for code, _ in lab.statuses(line)] == ["01"]

    await until(answered)
    return line


async def test_urgent_document_rings_at_the_desk_and_then_by_telephone_until_somebody_has_seen_it(
    site: Site, whole_browser: Browser, receiver: Receiver, speech: Speech
) -> None:
    """A desk that is left open answers for nobody; a link that is followed does, and a document that is opened."""
    said, login, before = speech.said, speech.own("vanthu-truc"), len(receiver.came)
    one, two, lab = speech.own("841"), speech.own("842"), await office(site, login)
    async with (
        opened(whole_browser, site.origin, language=speech.language) as page,
        signed_in(site, whole_browser, Role.OPERATOR, language=speech.language) as watching,
        opened(whole_browser, site.origin, language=speech.language, width=NARROWEST) as telephone,
    ):

        def told(number: str, person: str, words: tuple[str, str]) -> Locator:
            """The operator's line of it, once it says so."""
            badge = watching.locator(".badge", has_text=re.compile(f"^{said(*words)}$"))
            return watching.locator("tr[id^=alert-]", has_text=person).filter(has_text=f"{number}/", has=badge)

        await page.context.grant_permissions(["notifications"])
        await page.add_init_script(HEARD)
        await sign_in(page, login)
        await menu(page, "/desk")
        await page.wait_for_selector("body[data-live=on]")
        await rings(page, lab, one)
        await until(lambda: counted(lab, "waiting", 2))
        await menu(watching, "/alerts")
        await watching.wait_for_selector("body[data-live=on]")
        await expect(told(one, FIRST, WAITS)).to_be_visible()
        pass_by(site, minutes=5)
        to, link = await called(receiver, before + 1)
        await expect(told(one, FIRST, TOLD)).to_be_visible()
        await telephone.goto(
            link.replace(site.base.settings.server.public_url, f"https://localhost:{site.app.port}")
        )
        assert await serious(telephone) == []
        assert not await is_too_wide(telephone)
        await expect(told(one, FIRST, SEEN)).to_have_count(0)
        await telephone.locator("button").click()
        await expect(telephone.locator("body")).to_contain_text("Đã ghi nhận, không gọi thêm ai.")
        await expect(told(one, FIRST, SEEN)).to_be_visible()
        pass_by(site, minutes=10)
        await expect(told(one, SECOND, OVER)).to_contain_text(said(*KNOWN))
        await rings(page, lab, two)
        await until(lambda: counted(lab, "waiting", 2))
        pass_by(site, minutes=5)
        again, _ = await called(receiver, before + 2)
        await page.evaluate("window.rung.onclick()")
        await expect(page.locator("h1")).to_have_text(f"{two}/UBND-VP")
        pass_by(site, minutes=10)
        await until(lambda: counted(lab, "dropped", 2))
        await menu(watching, "/alerts")
        await expect(told(two, SECOND, OVER)).to_contain_text(said(*OPENED))
        await page.wait_for_load_state("domcontentloaded")
        await page.keyboard.press("r")
        await expect(page.locator("#notices .done")).to_contain_text(f"{two}/UBND-VP")
    assert [to, again, len(receiver.came)] == [FIRST, FIRST, before + 2]
