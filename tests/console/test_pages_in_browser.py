"""Every page that pictures are taken of opens in both languages in a real browser, as wide as a telephone's.

One server over a small installation in which a little of everything has happened, one browser. A page whose script
fails, that is not in its language, has no heading, is too wide, or in which axe finds something serious fails. axe
looks at each page once: language, theme and width take turns. Left to `make screenshots`: each page in all of them,
the narrowest window, and pages as long as the demo's.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from itertools import groupby
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from gateway import reconcile
from gateway.accounts.roles import Role
from gateway.admin import mass
from gateway.desk.sending import OutgoingForm
from gateway.eligibility import ActName
from gateway.maintenance.alarm_watch import AlarmWatch
from tests.console import screenshots
from tests.console.browsing import CHROMIUM, is_too_wide, opened, serious
from tests.console.clicking import Speech
from tests.console.screenshots import SHOTS, THEMES, WIDTHS, Shot, followed, unexpected
from tests.console.site import PASSWORD, Site, console
from tests.console.test_alerts import taken
from tests.console.test_comparisons import kept as compared
from tests.desk.lab import DeskLab, clerk_of
from tests.journeys import purging
from tests.journeys.installation import COMMUNE, PROVINCE, PUSHED
from tests.journeys.messages import document
from tests.journeys.receiver import Receiver, Reply
from tests.journeys.test_journey import until
from tests.journeys.test_mass_acts import asking, states

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]

#: Who the demo's people are; whoever operates there may look into documents, too.
PEOPLE = {
    "vanhanh": Role.OPERATOR,
    "vanthu": Role.CLERK,
    "vanthu2": Role.CLERK,
    "kiemtra": Role.AUDITOR,
    "quantri": Role.ADMINISTRATOR,
}


_LONG = "bao_cao_tong_hop_so_lieu_dan_cu_va_ho_ngheo_toan_tinh_quy_IV_nam_2026_ban_chinh_thuc_cuoi_cung.xlsx"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory, pki_folder: Path) -> AsyncIterator[Site]:
    """With the demo's people, and something for each page to show."""
    folder, receiver = tmp_path_factory.mktemp("pages") / "site", Receiver(pki_folder)
    folder.mkdir()
    await receiver.start()
    receiver.script.append(Reply(status=400, text="đĩa đã đầy"))
    with pytest.MonkeyPatch.context() as patch:
        async with console(folder, pki_folder, push_url=receiver.url("/in")) as found:
            base = found.base
            for login, role in PEOPLE.items():
                user, _ = await base.users.add(
                    login,
                    name=f"Người {login}",
                    role=role,
                    may_preview=role is Role.OPERATOR,
                    offices=[COMMUNE] if role is Role.CLERK else [],
                    actor="operator:test",
                    now=base.clock.now(),
                )
                await base.users.choose_password(user, PASSWORD, session="", now=base.clock.now())
            await _happened(found)
            patch.setattr(AlarmWatch, "run_once", _looks_away)
            yield found
    await receiver.close()


async def _looks_away(_: AlarmWatch) -> None:
    """It would end the alarm, of which nobody was told enough."""


async def _happened(site: Site) -> None:
    """A refusal, a register's line, a draft, a proposal, an order to destroy, a day compared, an alarm."""
    made, base = site.installation, site.base
    async with made.client(PROVINCE) as province:
        refused = (await province.submit(document(PROVINCE, [PUSHED], number="1302"))).deliveries[0].id
        held = (await province.submit(document(PROVINCE, [COMMUNE], number="1250"))).deliveries[0].id

    async def came_back() -> bool:
        return await states(site.app, [refused]) == ["refused"]

    await until(came_back)
    await purging.ordered(made, [await purging.arrived(made, number="1251")])
    await mass.propose(site.app, asking(ActName.CANCEL, [held]), "user:somebody")
    clerk = await clerk_of(site.app, COMMUNE)
    (office,) = clerk.offices
    lab = DeskLab(site=made, app=site.app, office=office, code=COMMUNE, clerk=clerk)
    await lab.desk.registering.register(clerk, await lab.send("1252"))
    await lab.desk.sending.save(clerk, office, OutgoingForm(recipients=(PROVINCE,), subject="V/v rà soát hộ nghèo"))
    entries = reconcile.Kind(count=1, items=[reconcile.Item(ref="901", words="not_edxml")])
    into, now = reconcile.Direction(numbers={"came": 1}, findings={"unaccepted": entries}), base.clock.now()
    nothing = reconcile.outgoing(now.date(), [], [], [], now=now)
    await compared(site, "axis", reconcile.report_of("axis", now.date(), now, nothing, into))
    await taken(site, "1303")
    async with made.client(PROVINCE) as province:  # the newest in each list, urgent, with a word that is not broken
        await province.submit(document(PROVINCE, [COMMUNE], number="1253", subject=f"V/v tệp {_LONG}", priority=1))
    watch = AlarmWatch(base, dict)
    for _ in range(2):
        await watch.run_once()


@pytest.fixture(scope="module")
def places() -> dict[tuple[str, ...], str]:
    """Where links lead, once they were followed: an address and the selectors of links -> a page's address."""
    return {}


async def _cookies(site: Site, login: str) -> Mapping[str, str]:
    """Of a session; it has a form that was sent too late, where there is a page for that."""
    browser = await site.signed_in(login)
    if login == "vanthu2":
        old = browser.token
        await browser.post("/login", {"login": login, "password": PASSWORD})
        browser.token = old
        late = await browser.post("/desk/groups", {"name": "Các xã lân cận"}, Sec_Fetch_Site="same-origin")
        assert late.location == "/kept"
    return {each.key: each.value for each in browser.session.cookie_jar}


async def _reached(page: Page, shot: Shot, places: dict[tuple[str, ...], str]) -> None:
    """By the address, or by the links that lead there."""
    way = (shot.path, *shot.links)
    known = next(length for length in range(len(way), 0, -1) if length == 1 or way[:length] in places)
    answers = [await page.goto(places.get(way[:known], shot.path))]
    for length in range(known, len(way)):
        answers.append(await followed(page, way[length]))
        if not way[length].endswith("button"):
            places[way[: length + 1]] = page.url
    assert unexpected(shot, answers) == [], shot.name


async def _faults(page: Page, language: str) -> list[str]:
    found = ["it is too wide"] if await is_too_wide(page) else []
    if (is_in := await page.locator("html").get_attribute("lang")) != language:
        found.append(f"its language is {is_in}")
    if not (await page.locator("h1").inner_text()).strip():
        found.append("it has no heading")
    return found


async def _examined(page: Page, turn: int) -> list[str]:
    """Of what comes one after another each is dark or light, broad or narrow, other than those beside it."""
    theme, width = THEMES[turn % 2], WIDTHS[turn // 2 % 2]
    await page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    await page.set_viewport_size({"width": width, "height": 900})
    found = [f"{theme}, {width}: {each}" for each in await serious(page)]
    found += [f"it is too wide at {width}"] if await is_too_wide(page) else []
    await page.set_viewport_size({"width": min(WIDTHS), "height": 900})
    return found


async def test_every_page_opens_in_both_languages(
    site: Site, browser: Browser, speech: Speech, places: dict[tuple[str, ...], str]
) -> None:
    """By all whose eyes they are for."""
    wrong, language = list[str](), speech.language
    shots = sorted(enumerate(SHOTS), key=lambda each: each[1].login)
    for login, own in groupby(shots, key=lambda each: each[1].login):
        async with opened(browser, site.origin, width=min(WIDTHS), language=language) as page:
            for name, value in (await _cookies(site, login)).items() if login else ():
                await page.context.add_cookies([{"name": name, "value": value, "url": site.origin, "secure": True}])
            for turn, shot in own:
                await _reached(page, shot, places)
                found = await _faults(page, language)
                found += await _examined(page, turn // 2) if turn % 2 == (language == "en") else []
                wrong += [f"{shot.name}: {each}" for each in found]
    assert wrong == []


async def test_page_that_answers_with_an_error_is_no_picture_of_it(
    site: Site, browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is taken, and named among what is wrong."""
    monkeypatch.setattr(screenshots, "FOLDER", tmp_path)
    async with opened(browser, site.origin) as page:
        shot = Shot("gone", "", "/static/nowhere.css")
        assert await screenshots.picture(page, shot, max(WIDTHS), "gone", examined=False) == ["HTTP 404"]
    assert (tmp_path / "gone.png").stat().st_size
