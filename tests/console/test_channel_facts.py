"""What a channel's page says is so: when it was last used, all that waits in its order, whom it leads to."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Browser, expect

from gateway.accounts.roles import Role
from gateway.admin import urgent, watching
from gateway.clock import VIETNAM
from gateway.console import channels
from gateway.directory.endpoint_changes import (
    PauseEndpoint,
    PauseEndpointOperation,
    ResumeEndpoint,
    ResumeEndpointOperation,
    UpsertEndpoint,
    UpsertEndpointOperation,
)
from gateway.directory.importer import import_agencies
from gateway.model import EndpointId
from tests.backup.lab import query
from tests.console.browsing import CHROMIUM
from tests.console.called import Called, Calls
from tests.console.clicking import Speech, signed_in
from tests.console.site import Site
from tests.console.test_channels import WHY, channel_id
from tests.journeys.installation import COMMUNE, MINISTRY, PROVINCE, PUSHED
from tests.journeys.messages import document
from tests.journeys.test_journey import until

pytestmark = pytest.mark.asyncio(loop_scope="module")
_LAST = re.compile(r"<dt>Lần trao đổi tốt gần nhất</dt><dd>(.*?)</dd>")


async def state_of(site: Site, name: str) -> watching.Channel:
    """Of a channel."""
    return next(each for each in await watching.channels(site.base) if each.state.endpoint.name == name)


async def office_path(site: Site, code: str) -> str:
    """Its page."""
    return f"/offices/{(await site.base.directory.require(code, site.base.clock.now())).id}"


async def test_office_that_takes_confirms_or_only_asks_has_a_last_good_exchange(site: Site) -> None:
    """Asking is written together with others' by a duty; the pages of the channel and of the office tell it."""
    browser = await site.signed_in(Role.VIEWER)
    key, duty = await channel_id(site, "commune"), site.app.gateway.mailbox.last_asked
    paths = (f"/channels/{key}", await office_path(site, COMMUNE))
    for path in paths:
        told = _LAST.search((await browser.get(path)).text)
        assert told is not None, path
        assert told[1] == "–", path
    async with site.installation.client(COMMUNE) as commune:
        await commune.inbox()
        await duty.run_once()
        asked = (await state_of(site, "commune")).state.last_success_at
        assert asked is not None
        async with site.installation.client(PROVINCE) as province:
            sent = await province.submit(document(PROVINCE, [COMMUNE], number="960"))
        item = sent.deliveries[0]
        await commune.content(item.id)
        fetched = (await state_of(site, "commune")).state.last_success_at
        assert fetched is not None
        assert fetched > asked
        await commune.ack(item.id)
    confirmed = (await state_of(site, "commune")).state.last_success_at
    assert confirmed is not None
    assert confirmed > fetched
    for path in paths:
        told = _LAST.search((await browser.get(path)).text)
        assert told is not None, path
        assert f"{confirmed.astimezone(VIETNAM):%H:%M:%S}" in told[1], path
    assert (await state_of(site, "pushed")).state.last_success_at is None


async def test_what_backs_off_stands_among_what_goes_next_with_the_time_of_its_next_try(site: Site) -> None:
    """The receiver does not answer: the hỏa tốc is not due, and is shown."""
    async with site.installation.client(PROVINCE) as province:
        await province.submit(document(PROVINCE, [PUSHED], number="961", priority=4))
    key = EndpointId(await channel_id(site, "pushed"))

    browser = await site.signed_in(Role.VIEWER)
    backing_off = re.compile(r"<time [^>]+>[^<]*\d\d:\d\d:\d\d</time></td></tr>")

    async def is_shown() -> bool:
        page = (await browser.get(f"/channels/{key}/now")).text
        table = page.partition("Lần thử kế</th>")[2].partition("</table>")[0]
        return any("961/UBND-VP" in row and backing_off.search(row) for row in table.split("<tr>"))

    await until(is_shown, 60)
    page = (await browser.get(f"/channels/{key}")).text
    # what was said stands there with the way to what was sent; meanwhile something else may have been tried
    said = page.partition("nguyên văn ghi nhận")[2]
    assert "Lần thử kế</th>" in said  # of what does not work, why comes before what waits
    found = re.search(r'href="/documents/([^"]+)"', said)
    assert found is not None
    tried = (
        "SELECT d.message_id FROM attempt AS a JOIN dispatch AS d ON d.id = a.dispatch_id WHERE d.endpoint_id = "
    )
    assert (found[1],) in query(site.installation.folder, f"{tried}'{key}'")


async def paused(site: Site, *names: str, is_on: bool) -> None:
    """Pause channels, or end that."""
    base, now = site.base, site.base.clock.now()
    for name in names:
        key = EndpointId(await channel_id(site, name))
        if is_on:
            pause = PauseEndpoint(
                endpoint_id=key, until=now + timedelta(days=1), why=WHY, actor="operator:test", now=now
            )
            await base.directory.apply(base.pump, PauseEndpointOperation(), pause)
        else:
            resume = ResumeEndpoint(endpoint_id=key, actor="operator:test", now=now)
            await base.directory.apply(base.pump, ResumeEndpointOperation(), resume)


async def test_list_of_whom_to_call_is_by_urgency_over_all_channels_and_says_what_it_leaves_out(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many urgent documents of one channel hide no hỏa tốc of another; the rest is counted, with the way there."""
    monkeypatch.setattr(urgent, "MOST", 2)
    await paused(site, "commune", "pushed", is_on=True)
    async with site.installation.client(PROVINCE) as province:
        for number in range(3):
            await province.submit(document(PROVINCE, [COMMUNE], number=str(970 + number), priority=1))
        await province.submit(document(PROVINCE, [PUSHED], number="979", priority=4))
    browser = await site.signed_in(Role.VIEWER)
    shift = (await browser.get("/shift")).text
    assert "979/UBND-VP" in shift.partition("Văn bản khẩn")[2]
    waiting = (await urgent.everywhere(site.base)).count
    assert waiting >= 4
    assert f"Còn {waiting - 2} văn bản chưa có trong danh sách này; sổ giao nhận có đủ {waiting}" in shift
    key = await channel_id(site, "commune")
    page = (await browser.get(f"/channels/{key}")).text
    assert "Còn 1 văn bản chưa có trong danh sách này; sổ giao nhận có đủ 3" in page
    link = re.search(r'href="(/ledger\?[^"]+)">Xem trong sổ', page)
    assert link is not None
    ledger = (await browser.get(link[1].replace("&amp;", "&"))).text
    assert all(f"{970 + number}/UBND-VP" in ledger for number in range(3))
    assert "979/UBND-VP" not in ledger
    await paused(site, "commune", "pushed", is_on=False)


async def test_channel_of_many_names_the_first_counts_the_others_and_tests_any_by_code(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By name; a code of an office behind another channel is refused."""
    monkeypatch.setattr(channels, "_NAMED", 2)
    rows = "organ_id,name,kind,endpoint\n" + "".join(
        f"000.00.{number}.G99,{name},ministry,axis\n"
        for number, name in ((31, "Ủy ban Dân tộc"), (32, "An Giang"), (33, "Đà Nẵng"), (34, "Bắc Ninh"))
    )
    base = site.base
    report = await import_agencies(
        base.directory, base.pump, base.readers, rows.encode(), actor="operator:test", now=base.clock.now()
    )
    assert not report.problems, report.problems
    key = await channel_id(site, "axis")
    row = await base.readers.fetch_one("agency_count_of_endpoint", (key,))
    assert row is not None
    browser = await site.signed_in(Role.OPERATOR)
    page = (await browser.get(f"/channels/{key}")).text
    shown = page.partition("<dt>Cơ quan</dt>")[2].partition("</dd>")[0]
    assert shown.index("An Giang") < shown.index("Bắc Ninh")
    assert "Đà Nẵng" not in shown
    assert f"và {row[0] - 2} cơ quan khác" in shown
    assert re.search(r'<input name="organ_id" required[^>]* list="behind">', page)
    refused = await browser.post(f"/channels/{key}/test", {"organ_id": COMMUNE, "reason": WHY})
    assert (refused.status, "không ở sau kênh này" in refused.text) == (422, True)
    sent = await browser.post(f"/channels/{key}/test", {"organ_id": MINISTRY, "reason": WHY})
    assert sent.status == 303, sent.text


async def test_reconciling_is_offered_where_there_are_books(site: Site) -> None:
    """A webhook has none; an axis has."""
    change = UpsertEndpoint(
        name="books",
        kind="vxp",
        settings={"url": "https://localhost:1/", "system_id": "x", "secret_file": "pushed"},
        actor="operator:test",
        now=site.base.clock.now(),
    )
    await site.base.directory.apply(site.base.pump, UpsertEndpointOperation(), change)
    browser = await site.signed_in(Role.OPERATOR)
    found = {}
    for name in ("books", "pushed", "commune"):
        key = await channel_id(site, name)
        found[name] = f"/channels/{key}/compare" in (await browser.get(f"/channels/{key}")).text
    assert found == {"books": True, "pushed": False, "commune": False}


async def test_office_page_tells_window_breaker_and_what_ends_soon(site: Site) -> None:
    """Of its line, and of the token that ends within a day."""
    viewer = await site.signed_in(Role.VIEWER)
    key = EndpointId(await channel_id(site, "pushed"))
    async with site.installation.client(PROVINCE) as province:
        await province.submit(document(PROVINCE, [PUSHED], number="962"))

    async def tried() -> bool:
        return site.app.line_view(key) is not None

    await until(tried, 60)
    line = site.app.line_view(key)
    assert line is not None
    page = (await viewer.get(await office_path(site, PUSHED))).text
    sent = page.partition("<dt>Gửi cùng lúc (cửa sổ gửi)</dt>")[2]
    window = re.match(r"<dd>\d+ đang gửi, hiện nhiều nhất (\d+), tối đa (\d+)", sent)
    assert window is not None
    assert int(window[2]) == line.most
    stopped = page.partition("<dt>Tự ngừng gửi (ngắt mạch)</dt>")[2]
    assert re.match(r'<dd><span class="badge (good|bad|wait)">.*(bình thường|gửi thử|tạm không gửi)', stopped)
    known = page.partition("<h2>Cách nhận biết các hệ thống của cơ quan</h2>")[2]
    assert "sắp hết hạn" in known


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
async def test_slider_says_when_all_would_be_through(site: Site, browser: Browser, speech: Speech) -> None:
    """At twice the pace in half the time, reckoned from what waits and the rate of the last ten minutes."""
    await paused(site, "axis", is_on=True)
    async with site.installation.client(PROVINCE) as province:
        for number in range(2):
            await province.submit(document(PROVINCE, [MINISTRY], number=speech.own(f"98{number}")))
        marked = await province.submit(document(PROVINCE, [COMMUNE], number=speech.own("989")))
    key = EndpointId(await channel_id(site, "axis"))
    await site.base.pump.submit(
        Called(),
        Calls(
            channel=key,
            message_id=marked.id,
            boot_id=site.base.boot_id,
            now=site.base.clock.now(),
            how=("delivered",) * 40,
            apart=2,
        ),
    )
    waits = await watching.waits(site.base, key)
    assert waits.waiting >= 2
    assert waits.per_minute >= 4
    async with signed_in(site, browser, Role.OPERATOR, language=speech.language) as page:
        noon = datetime(2026, 11, 30, 5, 0, tzinfo=UTC)
        await page.clock.set_fixed_time(noon)
        await page.goto(f"/channels/{key}")
        slider, output = page.locator("[data-pace]"), page.locator("#pace-told")
        assert await slider.get_attribute("data-waiting") == str(waits.waiting)
        now = int(await slider.input_value())
        for most in (1, now, 2 * now):
            await slider.fill(str(most))
            end = noon + timedelta(minutes=waits.waiting / (waits.per_minute * most / now))
            then = end.astimezone(VIETNAM)
            vi = f"{most} lượt cùng lúc; dự kiến gửi hết vào khoảng {then:%d/%m/%Y %H:%M}"
            en = f"{most} at once; all would be through about {then:%d %b %Y %H:%M}"
            await expect(output).to_contain_text(speech.said(vi, en))
    await paused(site, "axis", is_on=False)


async def test_more_than_can_be_gone_through_is_counted_whole(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers, estimated end and slider are of all that waits."""
    async with site.installation.client(PROVINCE) as province:
        for number in range(3):
            await province.submit(document(PROVINCE, [COMMUNE], number=str(990 + number)))
    monkeypatch.setattr(watching, "COUNTED", 1)
    channel = await state_of(site, "commune")
    waits = await watching.waits(site.base, channel.state.endpoint.id)
    assert waits.waiting == channel.waiting >= 3
    assert not waits.more
