"""Channels, offices and reports as people see them, and what they do there with forms alone."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import combinations

import pytest

from gateway.accounts.roles import Role
from gateway.admin.offices import Office, offices
from gateway.clock import VIETNAM
from gateway.console.offices import names_on_map, on_map, strips
from gateway.data.kien_giang import communes
from gateway.data.places import Place
from gateway.directory.endpoint_changes import (
    PauseEndpoint,
    PauseEndpointOperation,
    ResumeEndpoint,
    ResumeEndpointOperation,
    UpsertEndpoint,
    UpsertEndpointOperation,
)
from gateway.directory.importer import import_agencies
from gateway.errors import RefusedError
from gateway.ledger.offers import Failed, FailedOperation, Look, LookOperation
from gateway.model import EndpointId
from gateway.reasons import REASONS
from tests.bundle.test_certificate_pdf import text_of
from tests.console.called import Called, Calls
from tests.console.site import Browser, Site
from tests.journeys.installation import COMMUNE, OWN, PROVINCE, PUSHED
from tests.journeys.messages import document

pytestmark = pytest.mark.asyncio(loop_scope="module")
WHY = "thử nghiệm kênh"
PHONE = "0297 386 1234"


async def channel_id(site: Site, name: str) -> str:
    """Of a channel."""
    return next(each.id for each in await site.base.directory.endpoints() if each.name == name)


async def test_channel_is_paused_with_an_end_and_resumed(site: Site) -> None:
    """Who, why and until when are shown; a viewer has no buttons."""
    key = await channel_id(site, "pushed")
    browser = await site.signed_in(Role.OPERATOR)
    page = await browser.get(f"/channels/{key}")
    assert f'action="/channels/{key}/pause"' in page.text
    refused = await browser.post(f"/channels/{key}/pause", {"until": "2020-01-01T00:00", "reason": WHY})
    assert refused.status == 422
    done = await browser.post(f"/channels/{key}/pause", {"until": "2099-01-01T00:00", "reason": WHY})
    assert done.status == 303, done.text
    viewer = await site.signed_in(Role.VIEWER)
    shown = await viewer.get(f"/channels/{key}")
    assert "Người operator1" in shown.text
    assert WHY in shown.text
    assert "/resume" not in shown.text
    assert WHY in (await viewer.get("/channels")).text
    done = await browser.post(f"/channels/{key}/resume", {"reason": WHY})
    assert done.status == 303, done.text
    assert "hết tạm dừng" in (await viewer.get(f"/channels/{key}")).text


async def test_the_axis_stands_before_the_channels_of_offices(site: Site) -> None:
    """Most offices are behind it, and its name would put it last."""
    now = site.base.clock.now()
    axis = UpsertEndpoint(name="zz-truc", kind="inbox", is_relay=True, settings={}, actor="operator:test", now=now)
    await site.base.directory.apply(site.base.pump, UpsertEndpointOperation(), axis)
    page = await (await site.signed_in(Role.VIEWER)).get("/channels")
    fine = [row for row in re.findall(r"<tr><th.*?</tr>", page.text, re.DOTALL) if "badge good" in row]
    relays = sum(each.is_relay for each in await site.base.directory.endpoints())
    assert len(fine) > relays
    assert any("zz-truc" in row for row in fine[:relays])


async def test_pace_is_set_within_its_bounds(site: Site) -> None:
    """From 1 to 256; nothing else of the channel changes."""
    key = await channel_id(site, "pushed")
    browser = await site.signed_in(Role.OPERATOR)
    await browser.get(f"/channels/{key}")
    before = await site.base.directory.endpoint(key)  # type: ignore[arg-type]
    for most in ("0", "257", "x", ""):
        assert (await browser.post(f"/channels/{key}/pace", {"most": most, "reason": WHY})).status == 422
    assert (await browser.post(f"/channels/{key}/pace", {"most": "3", "reason": WHY})).status == 303
    after = await site.base.directory.endpoint(key)  # type: ignore[arg-type]
    assert before is not None
    assert after is not None
    assert after.capabilities.max_in_flight == 3
    assert after.settings == before.settings


async def test_order_is_chosen_by_a_person_and_told(site: Site) -> None:
    """The page says so; what is no order is refused."""
    key = await channel_id(site, "pushed")
    browser = await site.signed_in(Role.OPERATOR)
    await browser.get(f"/channels/{key}")
    assert (await browser.post(f"/channels/{key}/order", {"order": "newest", "reason": WHY})).status == 422
    assert (await browser.post(f"/channels/{key}/order", {"order": "oldest", "reason": WHY})).status == 303
    assert "rồi cái cũ nhất" in (await browser.get(f"/channels/{key}")).text
    assert (await browser.post(f"/channels/{key}/order", {"order": "urgency", "reason": WHY})).status == 303
    assert "rồi cái cũ nhất" not in (await browser.get(f"/channels/{key}")).text


async def with_phone(site: Site) -> None:
    """The commune's telephone number is known from now on."""
    rows = f"organ_id,name,kind,endpoint,phone\n{COMMUNE},UBND xã Một,commune,commune,{PHONE}\n"
    base = site.base
    report = await import_agencies(
        base.directory, base.pump, base.readers, rows.encode(), actor="operator:test", now=base.clock.now()
    )
    assert not report.problems, report.problems


async def test_what_waits_is_shown_with_whom_to_call(site: Site) -> None:
    """Urgent documents by name, with the office's telephone number, to be printed; a subject is text."""
    await with_phone(site)
    async with site.installation.client(PROVINCE) as province:
        bad = document(PROVINCE, [COMMUNE], number="950", priority=3, subject="<img src=x onerror=alert(1)>")
        await province.submit(bad)
    browser = await site.signed_in(Role.VIEWER)
    page = await browser.get(f"/channels/{await channel_id(site, 'commune')}")
    [listed] = re.findall(r'<section class="alone">.*?</section>', page.text, re.DOTALL)
    assert "950/UBND-VP" in listed
    assert PHONE in listed
    assert "data-print" in listed
    assert "/print." in page.text
    assert "&lt;img src=x" in page.text
    assert "<img src=x" not in page.text


async def test_test_document_is_sent_and_its_sender_recorded(site: Site) -> None:
    """It is a document of the gateway's own agency; who had it sent is an event of it."""
    key = await channel_id(site, "commune")
    browser = await site.signed_in(Role.OPERATOR)
    await browser.get(f"/channels/{key}")
    done = await browser.post(f"/channels/{key}/test", {"organ_id": COMMUNE, "reason": WHY})
    assert done.status == 303, done.text
    async with site.installation.client(COMMUNE) as commune:
        items = (await commune.inbox(wait=5)).items
    tests = [item for item in items if item.sender_organ_id == OWN]
    assert len(tests) == 1
    rows = await site.base.readers.fetch("event_list_shown", {"message": tests[0].message_id})
    assert [row[1] for row in rows if row[4].startswith("user:")] == ["test.sent"]
    unknown = await browser.post(f"/channels/{key}/test", {"organ_id": "nobody", "reason": WHY})
    assert unknown.status == 404


async def test_list_and_books_of_a_channel_that_has_none_are_told(site: Site) -> None:
    """No list to read; no books to compare with."""
    key = await channel_id(site, "pushed")
    browser = await site.signed_in(Role.OPERATOR)
    await browser.get(f"/channels/{key}")
    assert (await browser.post(f"/channels/{key}/poll", {"reason": WHY})).status == 303
    refused = await browser.post(f"/channels/{key}/compare", {"day": "2026-11-01", "reason": WHY})
    assert "source_misconfigured" in refused.text


@pytest.mark.parametrize("path", ["/shift", "/shift?hours=24", "/channels/{id}/incident"])
async def test_report_is_a_page_and_a_file(site: Site, path: str) -> None:
    """The same in both; in the language of whoever asks; a channel is called as its office."""
    browser = await site.signed_in(Role.VIEWER)
    page = await browser.get(path.format(id=await channel_id(site, "pushed")))
    assert page.status == 200, page.text
    assert ".</strong>:" not in page.text
    chosen = re.findall(r'hours=(\d+)" aria-current="true"', page.text)
    assert chosen == ([] if "incident" in path else ["24" if "24" in path else "8"])
    assert "Documents touched" not in page.text
    assert re.search(r'aria-current="page"[^>]*>.*?Kênh', page.text, re.DOTALL), "the menu says where one is"
    assert ("incident" not in path) or "UBND xã Hai (pushed)" in page.text
    link = re.search(r'class="button main" href="([^"]+)">PDF', page.text)
    assert link is not None
    async with browser.session.get(site.origin + link[1].replace("&amp;", "&")) as answer:
        assert answer.content_type == "application/pdf"
        assert (await answer.read()).startswith(b"%PDF-")


async def test_papers_name_whom_to_call_what_was_done_and_what_is_planned(site: Site) -> None:
    """The shift's as a page and as a file; the incident names the number of an office whose documents wait."""
    await with_phone(site)
    async with site.installation.client(PROVINCE) as province:
        urgent = await province.submit(document(PROVINCE, [COMMUNE], number="951", priority=3))
    browser = await site.signed_in(Role.OPERATOR)
    key = await channel_id(site, "commune")
    await browser.get("/maintenance")
    now = datetime.now(VIETNAM)
    times = {
        "starts": f"{now + timedelta(hours=2):%Y-%m-%dT%H:%M}",
        "ends": f"{now + timedelta(hours=3):%Y-%m-%dT%H:%M}",
    }
    planned = {"channel": "axis", "reason": "nâng cấp trục", **times}
    assert (await browser.post("/maintenance", planned)).status == 303
    act = {"delivery": urgent.deliveries[0].id, "act": "hold", "reason": WHY}
    assert (await browser.post("/acts/do", act)).status == 303
    told = ("951/UBND-VP", PHONE, "nâng cấp trục", WHY, "Văn bản phát hành")
    page, copied = (await browser.get("/shift")).text, await file_text(site, browser, "/shift.pdf")
    for each in told:
        assert each in page, each
        assert "".join(each.split()) in copied, each
    paused = {"until": "2099-01-01T00:00", "reason": WHY}
    assert (await browser.post(f"/channels/{key}/pause", paused)).status == 303
    assert (await browser.post("/acts/do", act | {"act": "release"})).status == 303
    page = (await browser.get(f"/channels/{key}/incident")).text
    copied = await file_text(site, browser, f"/channels/{key}/incident.pdf")
    for each in ("951/UBND-VP", f"UBND xã Một ({COMMUNE}) · {PHONE}", "trong đó chỉ phải chờ"):
        assert each in page, each
        assert "".join(each.split()) in copied, each
    assert (await browser.post(f"/channels/{key}/resume", {"reason": WHY})).status == 303
    page = (await browser.get(f"/channels/{key}/incident")).text
    assert re.search(r"Kết thúc lúc</strong>: \d", page)
    days = {f"{each:%d/%m/%Y}" for each in (now, datetime.now(VIETNAM))}
    assert any(f"Bắt đầu</strong>: {each}" in page for each in days)


async def test_history_tells_why_a_list_could_not_be_read_and_that_a_pause_ran_out(site: Site) -> None:
    """Once for each turn, with the reason and what was said; in the incident report and the shift's, too."""
    base, now = site.base, site.base.clock.now()
    key = EndpointId(await channel_id(site, "pushed"))
    for minute in range(3, 6):
        failed = Failed(
            endpoint_id=key, reason="connect_failed", detail="Bảo trì <b>", at=now - timedelta(minutes=minute)
        )
        await base.pump.submit(FailedOperation(), failed)
    await base.pump.submit(LookOperation(), Look(endpoint_id=key, items=(), at=now))
    until = now - timedelta(seconds=1)
    pause = PauseEndpoint(endpoint_id=key, until=until, why=WHY, actor="gateway", now=until - timedelta(seconds=9))
    await base.pump.submit(PauseEndpointOperation(), pause)
    with suppress(RefusedError):  # the duty was faster
        await base.pump.submit(
            ResumeEndpointOperation(), ResumeEndpoint(endpoint_id=key, actor="gateway", now=now, if_over=True)
        )
    browser = await site.signed_in(Role.VIEWER)
    for path in (
        f"/channels/{key}",
        f"/channels/{key}/incident?since={now.astimezone(VIETNAM) - timedelta(days=1):%Y-%m-%dT%H:%M}",
        "/shift",
    ):
        page = (await browser.get(path)).text
        if path == "/shift":  # which tells of other channels, too
            page = "".join(each for each in page.split("<li") if "(pushed)" in each)
        told = f"không đọc được danh sách · {REASONS['connect_failed'].vi} · Bảo trì &lt;b&gt;"
        assert page.count(told) == 1, path
        assert page.count("đọc lại được danh sách") == 1, path
        assert page.count("hết hạn tạm dừng") == 1, path


async def test_shift_tells_of_a_forwarding_once_and_calls_channels_as_they_are_called(site: Site) -> None:
    """The line in whose place it went is handed over with the same act."""
    async with site.installation.client(PROVINCE) as province:
        sent = await province.submit(document(PROVINCE, [COMMUNE], number="952"))
    browser = await site.signed_in(Role.OPERATOR)
    await browser.get("/")
    forward = {"ids": sent.deliveries[0].id, "act": "forward", "to": PUSHED, "reason": "gửi nhầm xã Một"}
    assert (await browser.post("/acts/do", forward)).status == 303
    page = (await browser.get("/shift")).text
    (line,) = [each for each in page.split("<li") if "gửi nhầm xã Một" in each]
    assert "Chuyển cho cơ quan khác" in line
    assert "(1)" in line
    assert "952/UBND-VP" in line


async def test_channel_that_fails_in_part_says_so_with_the_numbers(site: Site) -> None:
    """On the overview, in the list, on its page and in the shift's paper."""
    key = await channel_id(site, "axis")
    async with site.installation.client(PROVINCE) as province:
        sent = await province.submit(document(PROVINCE, [COMMUNE], number="953"))
    now = site.base.clock.now()
    how = [("relayed" if number % 3 else "deferred") for number in range(42)]
    await site.base.pump.submit(
        Called(), Calls(channel=key, message_id=sent.id, boot_id=site.base.boot_id, now=now, how=how, apart=15)
    )
    browser = await site.signed_in(Role.VIEWER)
    for path in ("/overview/now", "/channels", f"/channels/{key}", "/shift"):
        page = (await browser.get(path)).text
        assert "lỗi một phần" in page, path
        assert "14 trong 42 lượt gửi trong 15 phút" in page, path


async def test_channel_whose_list_fails_every_second_time_is_not_called_up(site: Site) -> None:
    """In the same places; whatever its last look was."""
    now = site.base.clock.now()
    settings = {"url": "https://localhost:1/", "secret_file": "pushed"}
    new = UpsertEndpoint(name="by turns", kind="webhook", settings=settings, actor="operator:test", now=now)
    await site.base.directory.apply(site.base.pump, UpsertEndpointOperation(), new)
    key, browser = EndpointId(await channel_id(site, "by turns")), await site.signed_in(Role.VIEWER)
    for ago in range(26, 0, -2):
        ask = Failed(endpoint_id=key, reason="peer_error", detail="503", at=now - ago * timedelta(seconds=30))
        await site.base.pump.submit(FailedOperation(), ask)
        look = Look(endpoint_id=key, items=(), at=now - (ago - 1) * timedelta(seconds=30))
        await site.base.pump.submit(LookOperation(), look)
    for last in ("well", "failed"):
        if last == "failed":
            ask = Failed(endpoint_id=key, reason="peer_error", detail="503", at=now)
            await site.base.pump.submit(FailedOperation(), ask)
        numbers = "13 trong 26" if last == "well" else "14 trong 27"
        for path in ("/overview/now", "/channels", f"/channels/{key}", "/shift"):
            page = (await browser.get(path)).text
            assert f"{numbers} lượt đọc danh sách trong " in page, (last, path)
        row = (await browser.get("/channels")).text.partition(f'href="/channels/{key}"')[2].partition("</tr>")[0]
        assert "lỗi một phần" in row, last


async def file_text(site: Site, browser: Browser, path: str) -> str:
    """What a reader copies out of a file."""
    async with browser.session.get(site.origin + path) as answer:
        return text_of(await answer.read())


async def test_incident_since_a_time_that_is_none_is_refused(site: Site) -> None:
    """A channel that is none, too."""
    browser = await site.signed_in(Role.VIEWER)
    key = await channel_id(site, "pushed")
    assert (await browser.get(f"/channels/{key}/incident?since=yesterday")).status == 422
    assert (await browser.get(f"/channels/{key}/incident?since=2026-11-01T00:00")).status == 200
    assert (await browser.get("/channels/nobody")).status == 404
    assert (await browser.get("/channels/nobody/incident")).status == 404


async def test_offices_are_marks_with_names_and_states(site: Site) -> None:
    """A link for each that we reach ourselves; the ministry behind the axis is none of them."""
    browser = await site.signed_in(Role.VIEWER)
    for path in ("/offices", "/offices/now", "/channels/now"):
        assert (await browser.get(path)).status == 200
    text = (await browser.get("/offices")).text
    assert "UBND xã Một" in text
    assert "Văn phòng Chính phủ" not in text
    assert 'aria-label="UBND xã Hai' in text


async def test_marks_stand_beside_each_other(site: Site) -> None:
    """North is up; offices of one point are moved apart; nothing to draw gives nothing."""
    assert on_map([]) == ([], 0)
    assert strips([]) == []
    [office, *_] = await offices(site.base)
    many = [replace(office, place=Place(each.lat, each.lon)) for each in communes()]
    marks, height = on_map(many)
    assert len({(mark.x, mark.y) for mark in marks}) == len(marks) == 145
    north = max(marks, key=lambda mark: mark.office.place.lat if mark.office.place else 0.0)
    assert north.y == min(mark.y for mark in marks)
    assert all(0 <= mark.x <= 1050 and 0 <= mark.y <= height for mark in marks)
    districts = [replace(each, above=commune.district) for each, commune in zip(many, communes(), strict=True)]
    names = names_on_map(on_map(districts)[0])
    assert len(names) == 15
    assert not any(abs(x - u) < 60 and abs(y - v) < 14 for (_, x, y), (_, u, v) in combinations(names, 2))
    [(_, drawn, _)] = strips(many)
    assert len({(mark.x, mark.y) for mark in drawn}) == 145


async def test_offices_stand_in_the_strip_of_the_one_above_which_comes_first_in_its_own(site: Site) -> None:
    """No name heads two strips; what has nobody above and nobody below stands alone."""
    [office, *_] = await offices(site.base)

    def named(name: str, above: str = "") -> Office:
        return replace(office, agency=replace(office.agency, name=name), above=above)

    found = [
        named("Xã A", "Huyện B"),
        named("Huyện B", "Tỉnh C"),
        named("Sở D", "Tỉnh C"),
        named("Tỉnh C"),
        named("E"),
    ]
    seen = {head: [mark.office.agency.name for mark in marks] for head, marks, _ in strips(found)}
    assert seen == {"E": ["E"], "Huyện B": ["Huyện B", "Xã A"], "Tỉnh C": ["Tỉnh C", "Sở D"]}
