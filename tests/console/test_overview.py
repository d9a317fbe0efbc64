"""The overview: what needs a person, the day, the channels; and the stream that says when it changed."""

from __future__ import annotations

import asyncio
import html
import re
from dataclasses import replace
from datetime import timedelta

import aiohttp
import pytest

from gateway.accounts.roles import Role
from gateway.admin.acts import (
    ActOnDeliveries,
    PauseChannel,
    ResumeChannel,
    act_on_deliveries,
    pause_channel,
    resume_channel,
)
from gateway.admin.ending_credentials import EndingCredential
from gateway.clock import micros
from gateway.console.live import Live, _Tab
from gateway.console.outlook import Everywhere, Outlook, Outlooks, Trouble
from gateway.directory.endpoint_changes import MarkEndpoint, MarkEndpointOperation
from gateway.directory.importer import import_agencies
from gateway.events import Event
from gateway.feed import Changes
from gateway.ledger.alarms import Looked, LookedOperation, NewAlarm
from gateway.ledger.history import EventRow, RecordEvents
from gateway.lifecycle import Lifecycle
from gateway.model import AgencyId
from tests.backup.lab import query
from tests.console.site import LOGINS, Browser, Page, Site
from tests.journeys.installation import AXIS, COMMUNE, MINISTRY, PROVINCE, PUSHED
from tests.journeys.messages import document, status

pytestmark = pytest.mark.asyncio(loop_scope="module")
_PATIENCE = 60.0


async def send(site: Site, number: str) -> None:
    """A document from the province to the commune."""
    async with site.installation.client(PROVINCE) as client:
        await client.submit(document(PROVINCE, [COMMUNE], number=number))


def accepted(page: Page) -> int:
    """The figure of documents accepted today."""
    return int(page.text.partition('<div class="figure">')[2].partition("<")[0])


async def heard(lines: aiohttp.StreamReader, what: str) -> str:
    """The stream's text up to and including a line that begins so."""
    text = ""
    async with asyncio.timeout(_PATIENCE):
        while True:
            line = (await lines.readline()).decode()
            text += line
            if line.startswith(what):
                return text


async def test_accepted_document_is_counted_and_a_stream_says_so(site: Site) -> None:
    """The page that is fetched anew after the message holds it."""
    browser = await site.signed_in(Role.OPERATOR)
    newest = await site.base.readers.fetch_one("event_last_seq")
    assert newest
    before = accepted(await browser.get("/overview/now"))
    async with browser.session.get(f"{browser.origin}/live?after={newest[0]}") as stream:
        assert stream.content_type == "text/event-stream"
        await heard(stream.content, "event: begun")
        await send(site, "11")
        told = await heard(stream.content, "data: ")
        while "document" not in told.rpartition("data: ")[2]:
            told = await heard(stream.content, "data: ")
    assert accepted(await browser.get("/overview/now")) == before + 1


async def test_stream_that_breaks_off_is_told_what_came_meanwhile(site: Site) -> None:
    """By `Last-Event-ID`; what came before that is not told again."""
    browser = await site.signed_in(Role.VIEWER)
    async with browser.session.get(f"{browser.origin}/live") as stream:
        begun = await heard(stream.content, "id: ")
    last = begun.rpartition("id: ")[2].strip()
    await send(site, "12")
    async with browser.session.get(f"{browser.origin}/live", headers={"Last-Event-ID": last}) as stream:
        told = await heard(stream.content, "event: changed") + await heard(stream.content, "data: ")
    assert "document" in told.rpartition("data: ")[2]


async def test_channel_is_called_the_same_on_every_page(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """What /channels calls slow is not well on the overview."""
    monkeypatch.setattr("gateway.channel_health.PUSHED_SLOW", timedelta())
    monkeypatch.setattr("gateway.channel_health._FETCHED_SLOW", timedelta())
    browser = await site.signed_in(Role.VIEWER)
    await send(site, "14")
    _, _, overview = (await browser.get("/overview/now")).text.partition('id="channels"')
    for told in (overview, (await browser.get("/channels")).text):
        assert "chậm" in told
        assert "hoạt động</span>" not in told


async def test_page_waits_for_no_rest(site: Site) -> None:
    """While nothing is gathered, what was gathered last is shown; the stream tells what came since."""
    outlooks = Outlooks(site.app)
    made = await outlooks.now()
    outlooks._made = replace(made, at=made.at - timedelta(minutes=1))
    outlooks._rests_until = asyncio.get_running_loop().time() + 3600
    async with asyncio.timeout(_PATIENCE):
        assert await outlooks.recent() is outlooks._made


async def test_deadlines_found_beside_the_page_come_into_it_at_once(site: Site) -> None:
    """Nobody waits until the rest is over and all is gathered anew."""
    outlooks = Outlooks(site.app)
    outlooks._made = replace(await outlooks.now(), due=None)
    outlooks._rests_until = asyncio.get_running_loop().time() + 3600
    await outlooks._find_due(site.base.clock.now())
    async with asyncio.timeout(_PATIENCE):
        assert (await outlooks.recent()).due is not None


async def test_deliveries_of_a_week_ago_are_counted(site: Site) -> None:
    """From an instant up to another, of which the same minute is one."""
    outlooks, clock = Outlooks(site.app), site.base.clock
    began = clock.now()
    await send(site, "915")
    await send(site, "916")
    between = clock.now()
    await send(site, "917")
    rows = await site.base.readers.fetch(
        "delivery_count_between", {"start": micros(began), "end": micros(clock.now())}
    )
    assert rows == [(3,)]
    assert await outlooks._deliveries(began, between) == 2
    assert await outlooks._deliveries(began, clock.now()) == 3
    assert await outlooks._deliveries(between, clock.now()) == 1


async def test_stream_that_breaks_before_it_has_told_tells_it_the_next_time(site: Site) -> None:
    """What the browser comes back with is no number of something that it was not told of."""
    browser = await site.signed_in(Role.VIEWER)
    async with browser.session.get(f"{browser.origin}/live") as stream:
        last = (await heard(stream.content, "id: ")).rpartition("id: ")[2].strip()
    await send(site, "18")
    for _ in range(2):
        async with browser.session.get(f"{browser.origin}/live", headers={"Last-Event-ID": last}) as stream:
            last = (await heard(stream.content, "id: ")).rpartition("id: ")[2].strip()
    async with browser.session.get(f"{browser.origin}/live", headers={"Last-Event-ID": last}) as stream:
        await heard(stream.content, "event: changed")
        assert "document" in await heard(stream.content, "data: ")


async def test_streams_that_open_together_have_one_look_at_the_ledger(site: Site) -> None:
    """Two would tell each tab everything twice, and one of them would never end."""
    begun: list[int] = []

    class Told(Live):
        async def _tell_all(self, since: int) -> None:
            begun.append(since)
            await asyncio.Event().wait()

    live = Told(site.app.gateway.feed, Lifecycle())
    await asyncio.gather(live._look(), live._look())
    assert live._looking is not None
    await asyncio.sleep(0)
    live._looking.cancel()
    assert len(begun) == 1


async def test_stream_of_somebody_who_was_signed_out_ends(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looked at with each heartbeat."""
    monkeypatch.setattr(Live, "heartbeat", 0.2)
    browser = await site.signed_in(Role.VIEWER)
    async with browser.session.get(f"{browser.origin}/live") as stream:
        await heard(stream.content, ": still here")
        await browser.post("/logout")
        while "ended" not in await heard(stream.content, "event: "):
            pass


async def test_stream_of_an_ended_session_ends_however_much_happens(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a clock of its own, whether anything tells of the end or not."""
    monkeypatch.setattr(Live, "heartbeat", 3600.0)
    monkeypatch.setattr(Live, "session_every", 0.2)
    monkeypatch.setattr("gateway.console.live._ENDING", frozenset[str]())
    browser = await site.signed_in(Role.VIEWER)
    base, quiet = site.base, asyncio.Event()

    async def news() -> None:
        while not quiet.is_set():
            event = EventRow(kind=Event.CONFIGURATION_RELOADED, at=base.clock.now(), actor="gateway", facts={})
            await base.pump.submit(RecordEvents(), event)
            await asyncio.sleep(0.05)

    busy = asyncio.create_task(news())
    try:
        async with browser.session.get(f"{browser.origin}/live") as stream:
            await heard(stream.content, "event: changed")
            await browser.post("/logout")
            while "ended" not in await heard(stream.content, "event: "):
                pass
    finally:
        quiet.set()
        await busy


async def test_stream_ends_at_once_when_its_session_is_revoked(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The event of the end wakes it; no clock is waited for."""
    monkeypatch.setattr(Live, "heartbeat", 3600.0)
    monkeypatch.setattr(Live, "session_every", 3600.0)
    browser = await site.signed_in(Role.VIEWER)
    async with browser.session.get(f"{browser.origin}/live") as stream:
        await heard(stream.content, "event: begun")
        await browser.post("/logout")
        while "ended" not in await heard(stream.content, "event: "):
            pass


async def test_clerk_is_told_of_documents_alone_and_nobody_of_lookups() -> None:
    """What operators, administrators and auditors do moves no stream of a clerk, not even by a number."""
    clerk, operator = _Tab(frozenset({AgencyId("own")})), _Tab(None)
    for kinds in ({"lookup.made"}, {"proposal.made", "purge.ordered"}, {"document.accepted", "endpoint.paused"}):
        for tab in (clerk, operator):
            tab.tell(Changes(newest=tab.newest + 1, kinds=frozenset(kinds), concerned=None))
    assert (clerk.topics, clerk.newest) == ({"document"}, 1)
    assert (operator.topics, operator.newest) == ({"proposal", "purge", "document", "endpoint"}, 2)


@pytest.mark.usefixtures("alarms_by_hand")
async def test_streams_of_one_session_are_bounded(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A browser needs one; one whose page is gone makes room, whatever else happens."""
    monkeypatch.setattr(Live, "heartbeat", 3600.0)
    monkeypatch.setattr(Live, "session_every", 3600.0)
    browser = await site.signed_in(Role.VIEWER)
    streams = [await browser.session.get(f"{browser.origin}/live") for _ in range(8)]
    try:
        refused = await browser.get("/live")
        assert (refused.status, "rate_limited" in refused.text) == (429, True)
    finally:
        for stream in streams:
            stream.close()
    async with asyncio.timeout(20):
        while (again := await browser.session.get(f"{browser.origin}/live")).status == 429:
            again.close()
    again.close()


async def test_overview_names_what_is_down_and_what_to_do(site: Site) -> None:
    """In the person's language; a finding of the doctor's comes with its next step."""
    browser = await site.signed_in(Role.OPERATOR)
    page = await browser.get("/")
    assert page.status == 200
    assert "Cần người xử lý ngay" in page.text
    assert "pushed" in page.text
    await browser.post("/preferences", {"language": "en", "next": "/"})
    english = await browser.get("/")
    assert "Needs a person now" in english.text
    assert '<html lang="en"' in english.text


async def test_overview_sets_apart_what_can_wait(site: Site) -> None:
    """At the end of a day nobody searches for what must be done before going home."""
    async with site.installation.client(AXIS) as axis:
        await axis.post_status(status(MINISTRY, "03", sender=PROVINCE, number="404"))
    browser = await site.signed_in(Role.OPERATOR)
    pressing, _, patient = (await browser.get("/overview/now")).text.partition("Có thể để đến ngày làm việc sau")
    assert 'class="cause bad"' in pressing
    assert "không khớp văn bản nào" in patient.partition("<section")[0]


async def test_overview_says_whom_to_call_when_a_channel_is_down(site: Site) -> None:
    """The number stands beside the office as long as it is down."""
    base, now = site.base, site.base.clock.now()
    table = f"organ_id,name,kind,endpoint,phone\n{PUSHED},UBND xã Hai,commune,pushed,0297 000 0002\n"
    report = await import_agencies(
        base.directory, base.pump, base.readers, table.encode(), actor="operator:test", now=now
    )
    assert not report.problems
    office = await base.directory.require(PUSHED, base.clock.now())
    assert office.endpoint is not None
    browser = await site.signed_in(Role.OPERATOR)
    for up in (False, True):
        mark = MarkEndpoint(endpoint_id=office.endpoint.id, up=up, reason="connect_failed", now=base.clock.now())
        await base.directory.apply(base.pump, MarkEndpointOperation(), mark)
        told = (await browser.get("/overview/now")).text
        assert ("0297 000 0002" in told) is not up


async def test_channel_that_a_person_has_paused_is_not_told_as_down(site: Site) -> None:
    """Nobody is to telephone: who paused it, why and until when stand there, calm; what was refused there stays."""
    base = site.base
    until = base.clock.now() + timedelta(hours=60)
    pause = PauseChannel(target=PUSHED, until=until, reason="nghỉ cuối tuần")
    await pause_channel(site.app, pause, (await base.users.require(LOGINS[Role.OPERATOR])).actor)
    browser = await site.signed_in(Role.OPERATOR)
    try:
        made = await Outlooks(site.app).now()
        [line] = made.paused
        key = line.state.endpoint.id
        pressing, _, patient = (await browser.get("/overview/now")).text.partition(
            "Có thể để đến ngày làm việc sau"
        )
        assert f"/channels/{key}" not in pressing.partition('id="needs"')[2]
        for told in ("1 kênh đang tạm dừng", f"/channels/{key}", "nghỉ cuối tuần", "Người operator1"):
            assert told in patient.partition("<section")[0]
        refused = Trouble(
            channel_id=key,
            state="refused",
            code="",
            count=1,
            since=made.at,
            flash=0,
            changed=None,
            everywhere=Everywhere(count=1, since=made.at, flash=0),
        )
        [troubled] = [each for each in replace(made, troubles=[refused]).by_channel if each.id == key]
        assert (troubled.is_bad, troubled.is_paused, troubled.down_since) == (True, True, None)
        waiting = replace(made, troubles=[replace(refused, state="deferred")])
        assert [each for each in waiting.by_channel if each.id == key] == []
    finally:
        await resume_channel(site.app, ResumeChannel(target=PUSHED, reason="hết"), "operator:test")


async def test_gravest_trouble_is_told_first_and_what_is_cut_off_is_counted(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One hỏa tốc that is held stands before any number of others; what people hold is not in the backlog's age."""
    outlooks = Outlooks(site.app)
    before = {each.lane: each for each in await outlooks._waits()}.get(0)
    async with site.installation.client(PROVINCE) as province:
        others = [await province.submit(document(PROVINCE, [COMMUNE], number=number)) for number in ("31", "32")]
        made = await province.submit(document(PROVINCE, [COMMUNE], number="34", priority=3))
    hold = ActOnDeliveries(act="hold", deliveries=[each.id for each in made.deliveries], reason="for the test")
    await act_on_deliveries(site.app, hold, "operator:test")
    ids = [line.id for each in others for line in each.deliveries]
    apart = ActOnDeliveries(act="quarantine", deliveries=ids, reason="for the test")
    await act_on_deliveries(site.app, apart, "operator:test")
    [lane] = [each for each in await outlooks._waits() if each.lane == 0]
    assert (lane.held, lane.since) == ((before.held if before else 0) + 1, before.since if before else None)
    troubles, more = await outlooks._troubles(site.base.clock.now())
    assert (troubles[0].flash > 0, more) == (True, 0)
    monkeypatch.setattr("gateway.console.outlook._TROUBLES", 1)
    [first], more = await outlooks._troubles(site.base.clock.now())
    assert (first, more) == (troubles[0], len(troubles) - 1)
    assert more > 0
    browser = await site.signed_in(Role.OPERATOR)
    text = (await browser.get("/overview/now")).text
    assert "trong đó hỏa tốc: 1" in text
    assert f"Còn {more} loại sự cố khác" in text


async def test_offices_credentials_that_end_soon_are_told_by_how_soon(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within days: now; within a month: later; each with its office, whose page has the telephone number."""
    office = await site.base.directory.require(COMMUNE, now := site.base.clock.now())
    soon = EndingCredential(
        id="1", agency_id=office.id, agency=office, sort="token", label="QLVB xã", begins=now,
        ends=now + timedelta(hours=6), level=3,
    )  # fmt: skip
    later = replace(soon, id="2", label="máy quét", sort="certificate", level=2)
    many = [replace(later, id=str(number)) for number in range(12)]
    made = await Outlooks(site.app).now()

    async def shown(*ending: EndingCredential) -> tuple[str, str]:
        async def now(_self: object) -> Outlook:
            return replace(made, ending=ending)

        monkeypatch.setattr(Outlooks, "now", now)
        text = (await (await site.signed_in(Role.VIEWER)).get("/overview/now")).text
        pressing, _, patient = text.partition("Có thể để đến ngày làm việc sau")
        return pressing, patient.partition("<section")[0]

    pressing, patient = await shown(soon, later)
    assert "1 chứng thư hoặc thẻ truy cập của cơ quan hết hạn trong vài ngày tới" in pressing
    assert f'href="/offices/{office.id}"' in pressing
    assert "QLVB xã" in pressing
    assert "máy quét" not in pressing
    assert "máy quét" in patient
    key = replace(soon, id="3", sort="encryption", label="ab12cd34")
    pressing, patient = await shown(key, replace(key, id="4", label="ef56", level=2))
    assert "1 cơ quan không ai mã hóa gửi tới được nữa, hoặc chỉ còn vài ngày" in pressing
    assert "chứng thư mã hóa · ab12cd34" in pressing
    assert "hệ thống của cơ quan bị từ chối" not in pressing, "it goes on without"
    assert "Chứng thư mã hóa của 1 cơ quan hết hạn trong vòng một tháng" in patient
    assert ("ef56" in pressing, "ef56" in patient) == (False, True)
    pressing, patient = await shown(*many)
    assert "thẻ truy cập" not in pressing
    assert "12 chứng thư hoặc thẻ truy cập" in patient
    assert "Còn 2 nữa" in patient
    assert patient.count(f'href="/offices/{office.id}"') == 10


async def test_what_the_overview_names_leads_to_its_page(site: Site) -> None:
    """Each channel's, and the ledger's lines of each trouble: held here, so that there is one."""
    browser = await site.signed_in(Role.OPERATOR)
    await send(site, "13")
    held = ActOnDeliveries(act="hold", recipient=COMMUNE, reason="for the test")
    assert (await act_on_deliveries(site.app, held, "operator:test"))["moved"]
    page = await browser.get("/overview/now")
    links = set(re.findall(r'href="(/(?:channels|ledger)[^"]*)"', page.text))
    assert [link for link in links if link.startswith("/channels/")]
    assert [link for link in links if "state=held" in link and "reason=held_by_operator" in link]
    for link in links:
        assert (await browser.get(html.unescape(link))).status == 200, link


@pytest.mark.usefixtures("alarms_by_hand")
async def test_what_alarms_about_a_channel_stands_with_what_else_is_wrong_there(site: Site) -> None:
    """Not beside it, as if it were something else; and what is dangerous is set apart by a command."""
    browser = await site.signed_in(Role.OPERATOR)
    await send(site, "15")
    held = ActOnDeliveries(act="hold", recipient=COMMUNE, reason="for the test")
    [line, *_] = (await act_on_deliveries(site.app, held, "operator:test"))["items"]
    office = await site.base.directory.require(COMMUNE, now := site.base.clock.now())
    assert office.endpoint is not None
    facts = {"name": office.name, "channel": office.endpoint.id, "office": office.id}
    alarm = NewAlarm(rule="backlog_old", subject=office.endpoint.id, is_flash=False, since=now, facts=facts)
    await site.base.pump.submit(LookedOperation(), Looked(now=now, told_from=now, opened=(alarm,)))
    about = f"rule = 'backlog_old' AND subject = '{office.endpoint.id}'"
    ((opened,),) = query(site.installation.folder, f"SELECT id FROM alarm WHERE {about}")
    before, alarmed, after = (await browser.get("/overview/now")).text.partition(f'id="alarm-{opened}"')
    assert alarmed
    assert f'href="/offices/{office.id}"' in after, "where its telephone number is"
    assert "<strong>" in before.rpartition('<div class="cause')[2]
    assert "Văn bản chờ gửi quá lâu trên kênh. · " in (await browser.get("/shift")).text, "the next shift, too"
    apart = ActOnDeliveries(act="quarantine", deliveries=[line["id"]], reason="for the test")
    [moved] = (await act_on_deliveries(site.app, apart, "operator:test"))["items"]
    assert (moved["state"], moved["moved"]) == ("quarantined", True)
    assert "Người vận hành đã cách ly" in (await browser.get("/queues?show=quarantined")).text


async def test_fault_of_ours_is_told_without_its_inside(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """500 with code, next step and the number under which it is logged; in both languages."""

    async def fail(_self: object) -> None:
        raise ValueError("a detail of the inside")

    browser = await site.signed_in(Role.VIEWER)
    monkeypatch.setattr(Outlooks, "recent", fail)
    monkeypatch.setattr(Outlooks, "now", fail)
    for language, words in (("vi", "Lỗi nội bộ"), ("en", "internal error")):
        await browser.get("/account")
        await browser.post("/preferences", {"language": language, "next": "/account"})
        page, part = await browser.get("/"), await browser.get("/overview/now", HX_Request="true")
        for answer in (page, part):
            assert answer.status == 500
            assert words.lower() in answer.text.lower()
            assert "internal_error" in answer.text
            assert "Traceback" not in answer.text
            assert "a detail of the inside" not in answer.text
        assert page.headers["Trace-Id"] in page.text
        assert "<html" not in part.text


async def test_clerk_and_stranger_see_no_overview_of_everybody(site: Site) -> None:
    """It shows all offices'."""
    clerk = await site.signed_in(Role.CLERK)
    assert "Cần người xử lý ngay" not in (await clerk.get("/")).text
    assert (await clerk.get("/overview/now")).status == 403
    assert (await site.browser().get("/overview/now")).status == 303


async def test_times_are_shown_in_the_zone_that_was_chosen(site: Site) -> None:
    """And the other one in the title."""
    browser: Browser = await site.signed_in(Role.VIEWER)
    assert " UTC</time>" not in (await browser.get("/account")).text
    await browser.post("/preferences", {"zone": "utc", "next": "/account"})
    assert " UTC</time>" in (await browser.get("/account")).text
