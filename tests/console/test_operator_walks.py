"""Acts on deliveries, what takes two persons, channels, offices and alarms, walked by clicking in a real browser.

One server, one browser; each walk looks at what comes of what was pressed: the state on the page, what the person
is told, and the event with the person's name. A walk with `speech` is gone in Vietnamese and once more, with other
documents, in English.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from gateway.accounts.roles import Role
from gateway.directory.endpoint_changes import UpsertEndpoint, UpsertEndpointOperation
from gateway.directory.importer import import_agencies
from gateway.ids import uuid7
from gateway.ledger.alarms import Looked, LookedOperation, NewAlarm
from gateway.ledger.purges import OrderPurge, OrderPurgeOperation
from tests.adapters.folder_lab import lay
from tests.backup.lab import query
from tests.console.browsing import CHROMIUM, NARROWEST, PATIENCE, opened, serious, sign_in
from tests.console.clicking import Speech, fill, menu, press, send, signed_in
from tests.console.keyboard import tab_onto, typed
from tests.console.operating import (
    BY_POST,
    FIRST,
    SECOND,
    WHY,
    act,
    actors,
    answer,
    consented,
    done_by,
    find,
    propose,
    rehearse,
    sent,
    whole,
)
from tests.console.site import LOGINS, PASSWORD, Site, console
from tests.console.test_alerts import alerted
from tests.journeys import purging
from tests.journeys.installation import COMMUNE, PUSHED
from tests.journeys.receiver import Receiver, Reply
from tests.journeys.test_journey import until
from tests.journeys.test_mass_acts import arrived, states

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]

THIRD = "007.02.01.H33"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def receiver(pki_folder: Path) -> AsyncIterator[Receiver]:
    """Takes whatever is pushed."""
    found = Receiver(pki_folder)
    await found.start()
    yield found
    await found.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(
    tmp_path_factory: pytest.TempPathFactory, pki_folder: Path, receiver: Receiver
) -> AsyncIterator[Site]:
    """A console whose pushed office takes documents, and with an office behind a folder that is read when asked."""
    folder = tmp_path_factory.mktemp("walks") / "site"
    folder.mkdir()
    never = '[cutover]\npoll_every = "1h"\n'
    async with console(folder, pki_folder, more=never, push_url=receiver.url("/pushed")) as found:
        base, now = found.base, found.base.clock.now()
        settings = {"path": str(lay(folder / "office")), "settle_seconds": 0, "patience_seconds": 0}
        made = UpsertEndpoint(
            name="thu-muc", kind="folder", settings=settings, capabilities={}, actor="operator:test", now=now
        )
        await base.directory.apply(base.pump, UpsertEndpointOperation(), made)
        table = f"organ_id,qd20_code,name,kind,endpoint\n{THIRD},,UBND xã Ba,commune,thu-muc\n"
        await import_agencies(
            base.directory, base.pump, base.readers, table.encode(), actor="operator:test", now=now
        )
        await found.app.watcher.run_once()
        yield found


async def test_operator_holds_hands_over_forwards_quarantines_and_pushes_once_more(
    site: Site, browser: Browser, receiver: Receiver, speech: Speech
) -> None:
    """One act leads back to the document, which tells it with the name; from quarantine by the queue."""
    said, numbers = speech.said, [speech.own(each) for each in ("651", "652", "653", "654")]
    held, wicked, strange = [await sent(site, each) for each in numbers[:3]]
    pushed = await sent(site, numbers[3], PUSHED)
    line = pushed.deliveries[0].id
    async with signed_in(site, browser, Role.OPERATOR, language=speech.language) as page:
        told, badge = page.locator("ol.told li"), page.locator("dl.facts .badge").first
        facts = page.locator("#now dl.facts").first
        await find(page, numbers[0])
        for name, word, event in (
            ("hold", said("Tạm giữ", "Held"), said("Bị giữ lại", "Held, waits for a person")),
            ("release", said("Chờ gửi", "Queued"), said("Đã cho đi tiếp", "Let go on")),
        ):
            await act(page, speech, name)
            await expect(badge).to_have_text(word)
            for text in (FIRST, WHY):
                await expect(told.filter(has_text=event)).to_contain_text(text)
        await act(page, speech, "hand_over", **BY_POST)
        await expect(badge).to_have_text(said("Chuyển đường khác", "Handed over"))
        await expect(facts).to_contain_text(f"{said('bưu điện', 'post')} · EMS 651 · Lan")
        assert await done_by(site, held.id, "operator1") == [
            "delivery.held", "delivery.released", "delivery.handed_over",
        ]  # fmt: skip
        await find(page, numbers[2])
        await act(page, speech, "forward", to="xa ba")
        await expect(facts).to_contain_text(said("đã chuyển cho cơ quan khác", "forwarded to another office"))
        assert [each.recipient_code for each in await site.base.reads.deliveries(strange.id)] == [COMMUNE, THIRD]
        assert "delivery.handed_over" in await done_by(site, strange.id, "operator1")
        await find(page, numbers[1])
        await act(page, speech, "quarantine")
        await expect(told.filter(has_text=said("Đã cách ly", "Put into quarantine"))).to_contain_text(FIRST)
        await menu(page, "/queues")
        await press(page, "a[href='/queues?show=quarantined']")
        await expect(page.locator("tbody")).to_contain_text(f"{numbers[1]}/UBND-VP")
        await act(page, speech, "requeue")
        nothing = said("Không có gì bị cách ly", "Nothing is quarantined")
        await expect(page.locator(".empty")).to_contain_text(nothing)
        assert await states(site.app, [wicked.deliveries[0].id]) == ["queued"]
        assert await done_by(site, wicked.id, "operator1") == ["delivery.quarantined", "delivery.requeued"]
        await arrived(site.app, line)
        before = len(receiver.came)
        await find(page, numbers[3])
        await act(page, speech, "redeliver")
        assert line in (await receiver.wait_for(before + 1))[before].deliveries
        again = told.filter(has_text=said("Đã gửi lại", "It was sent again"))
        await expect(again).to_be_visible(timeout=PATIENCE)
        asked = told.filter(has_text=said("Được gửi lại lần nữa", "To be pushed once more"))
        await expect(asked).to_contain_text(FIRST)
        assert await done_by(site, pushed.id, "operator1") == ["replay.asked"]


async def test_operator_finds_the_office_that_fails_and_resends_by_keyboard_alone(
    site: Site, browser: Browser, receiver: Receiver, speech: Speech
) -> None:
    """From the form of the login on: what it said last is read at its channel; no step needs a mouse."""
    before = len(receiver.came)
    receiver.script.append(Reply(status=400, text="đĩa đã đầy"))
    made = await sent(site, speech.own("681"), PUSHED)
    line = made.deliveries[0].id
    await receiver.wait_for(before + 1)

    async def refused() -> bool:
        return await states(site.app, [line]) == ["refused"]

    await until(refused)
    channel = next(each.id for each in await site.base.directory.endpoints() if each.name == "pushed")
    cause = f".cause:has(a[href='/channels/{channel}'])"
    async with opened(browser, site.origin, language=speech.language) as page:
        await page.goto("/login")
        await typed(page, login=LOGINS[Role.OPERATOR], password=PASSWORD)
        await page.keyboard.press("Enter")
        await page.wait_for_selector(".me")
        await expect(page.locator(cause)).to_contain_text("UBND xã Hai")
        await tab_onto(page, f"{cause} a[href^='/channels/']")
        await page.keyboard.press("Enter")
        await expect(page.locator(".said").first).to_contain_text("đĩa đã đầy")
        await page.wait_for_load_state()  # keys are heard when scripts have run
        await page.keyboard.press("g")
        await page.keyboard.press("1")
        await page.wait_for_url(f"{site.origin}/")
        await tab_onto(page, f"{cause} form[action='/acts/rehearse'] button")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/acts/rehearse")
        await typed(page, reason=WHY)
        await page.keyboard.press("Enter")
        done = speech.said(": đã làm với 1 lượt gửi.", ": done for 1 delivery.")
        await expect(page.locator("#notices .done")).to_contain_text(done)
    again = (await receiver.wait_for(before + 2))[before + 1]
    assert line in again.deliveries
    assert await done_by(site, made.id, LOGINS[Role.OPERATOR]) == ["delivery.requeued"]


async def test_second_person_consents_to_a_cancellation_and_a_whole_filter_refuses_and_the_first_withdraws(
    site: Site, browser: Browser, speech: Speech
) -> None:
    """The rehearsal says for how many and why not the others; who waits sees the answer in the open page."""
    said, subject = speech.said, speech.own("V/v duyệt cả bộ lọc số ")
    numbers = [speech.own(str(630 + each)) for each in range(12)]
    lines = [(await sent(site, each, subject=subject)).deliveries[0].id for each in numbers]
    made = list[str]()

    async def proposed(name: str) -> str:
        """More than ten, or a cancellation: the act itself is not offered to one person."""
        rehearsed = await rehearse(page, speech, name)
        assert said("người thứ hai đồng ý", "A second person must consent") in rehearsed
        await expect(page.locator("form[action='/acts/do'] button[value=act]")).to_have_count(0)
        made.append(await propose(page, speech))
        return rehearsed

    async with (
        signed_in(site, browser, Role.OPERATOR, language=speech.language) as page,
        signed_in(site, browser, Role.ADMINISTRATOR, language=speech.language) as other,
    ):
        content = page.locator("#content")
        await find(page, numbers[0])
        await proposed("cancel")
        await expect(content).to_contain_text(said("người khác phải đồng ý", "somebody else must consent"))
        await consented(site, page, other, made[0], speech, count=1)
        await press(page, "tbody th a")
        by_both = f"{FIRST}, {said('có sự đồng ý của', 'with the consent of')} {SECOND}"
        cancelled = page.locator("ol.told li", has_text=said("Hai người đã hủy", "Cancelled by two persons"))
        await expect(cancelled).to_contain_text(by_both)
        await whole(page, subject)
        rehearsed = await proposed("hold")
        for text in (said("11 trong 12", "11 of 12"), said("1: đã rút", "1: was withdrawn")):
            assert text in rehearsed
        await consented(site, page, other, made[1], speech, count=11)
        assert set(await states(site.app, lines[1:])) == {"held"}
        await whole(page, subject)
        await proposed("release")
        await answer(other, made[2], "refused", "chưa rõ nguyên nhân")
        nothing = said("Bạn đã từ chối: không làm gì.", "You have refused: nothing is done.")
        await expect(other.locator("#notices .done")).to_have_text(nothing)
        for text in (said("bị từ chối", "consent refused"), SECOND, "chưa rõ nguyên nhân"):
            await expect(page.locator("#content dl.facts")).to_contain_text(text, timeout=PATIENCE)
        await expect(page.locator("form[action^='/requests/']")).to_have_count(0)
        await whole(page, subject)
        await proposed("release")
        await send(page, "form[action^='/requests/']", reason=WHY)
        await menu(page, "/requests")
        row = page.locator(f"tr:has(a[href$='{made[3]}'])")
        await expect(row).to_contain_text(said("đã rút đề nghị", "taken back"))
        assert set(await states(site.app, lines[1:])) == {"held"}
        await whole(page, subject)
        assert said("11 trong 12", "11 of 12") in await proposed("cancel")
        await consented(site, page, other, made[4], speech, count=11)
        assert set(await states(site.app, lines)) == {"withdrawn"}
    await _by_whom(site, made)


async def _by_whom(site: Site, made: list[str]) -> None:
    """The events of the proposals: consented to, consented to, refused, withdrawn, consented to."""
    for key in made:
        assert await actors(site, "proposal.made", key) == [FIRST]
    for kind, name, keys in (
        ("consented", SECOND, (0, 1, 4)),
        ("refused", SECOND, (2,)),
        ("withdrawn", FIRST, (3,)),
    ):
        for place in keys:
            assert await actors(site, f"proposal.{kind}", made[place]) == [name]


async def test_every_act_is_rehearsed_and_done_to_a_whole_filter_with_a_second_persons_consent(
    site: Site, browser: Browser, receiver: Receiver, speech: Speech
) -> None:
    """Of three lines one has arrived: what is for the two that wait, what is for that one, and what for all."""
    said, subject = speech.said, speech.own("V/v từng việc cho cả bộ lọc số ")
    made = [await sent(site, speech.own(str(690 + each)), subject=subject) for each in range(2)]
    made.append(await sent(site, speech.own("692"), PUSHED, subject))
    lines = [each.deliveries[0].id for each in made]
    await arrived(site.app, lines[2])
    there, not_there = said("đã đến nơi nhận", "has arrived"), said("chưa đến nơi nhận", "has not arrived")
    before, keys = len(receiver.came), list[str]()
    async with (
        signed_in(site, browser, Role.OPERATOR, language=speech.language) as page,
        signed_in(site, browser, Role.ADMINISTRATOR, language=speech.language) as other,
    ):
        await find(page, speech.own("692"))
        await whole(page, subject)
        filtered = page.url
        for name, fits, why, state in (
            ("hold", 2, f"1: {there}", "held"),
            ("release", 2, f"1: {there}", "queued"),
            ("quarantine", 2, f"1: {there}", "quarantined"),
            ("requeue", 2, f"1: {there}", "queued"),
            ("redeliver", 1, f"2: {not_there}", "queued"),
            ("hand_over", 2, f"1: {there}", "handed_over"),
            ("forward", 3, "UBND xã Ba", "handed_over"),
        ):
            await page.goto(filtered)
            rehearsed = await rehearse(page, speech, name, to="xã Ba" if name == "forward" else "")
            for text in (said(f"{fits} trong 3", f"{fits} of 3"), why):
                assert text in rehearsed
            assert await states(site.app, lines[:2]) != [state] * 2 or name in {"redeliver", "forward"}
            keys.append(await propose(page, speech, **(BY_POST if name == "hand_over" else {})))
            await consented(site, page, other, keys[-1], speech, count=fits)
            assert await states(site.app, lines) == [state, state, "delivered"]
    assert lines[2] in (await receiver.wait_for(before + 1))[before].deliveries
    for each in made:
        assert [line.recipient_code for line in await site.base.reads.deliveries(each.id)][1:] == [THIRD]
    for key in keys:
        assert await actors(site, "proposal.made", key) == [FIRST]
        assert await actors(site, "proposal.consented", key) == [SECOND]


async def test_administrators_answer_for_orders_to_destroy(site: Site, browser: Browser, speech: Speech) -> None:
    """A rule's takes two, who see the documents; what was ordered at the server is only cancelled here."""
    base, now, said = site.base, site.base.clock.now(), speech.said
    root, subject = speech.own("root"), speech.own("V/v hết hạn lưu trữ số ")
    user, _ = await base.users.add(
        root, name=f"Người {root}", role=Role.ADMINISTRATOR, actor="operator:test", now=now
    )
    await base.users.choose_password(user, PASSWORD, session="", now=now)
    due = await purging.arrived(site.installation, number=speech.own("661"), subject=subject)
    kept = await purging.arrived(site.installation, number=speech.own("662"))
    month = said("2026-11", "2026-10")
    ask = OrderPurge(
        id=uuid7(), documents=(due,), ref=f"[retention] {month}", reason="default 3650d", with_envelope=False,
        actor="gateway", now=now, month=month,
    )  # fmt: skip
    await base.pump.submit(OrderPurgeOperation(), ask)
    wrong = await purging.ordered(site.installation, [kept])
    confirming, done = "button[value=confirm]", "#notices .done"
    async with (
        signed_in(site, browser, Role.ADMINISTRATOR, language=speech.language) as page,
        opened(browser, site.origin, width=NARROWEST, language=speech.language) as other,
    ):
        await menu(page, "/requests")
        order = page.locator(f"#order-{ask.id}")
        await expect(order).to_contain_text(said("chờ hai người", "waits for two persons"))
        await press(page, f"#order-{ask.id} a")
        await expect(page.locator("tbody")).to_contain_text(subject)
        await send(page, "form[action^='/requests/orders/']", confirming, reason=WHY)
        another = said("người thứ hai phải xác nhận", "a second person must confirm it")
        await expect(page.locator(done)).to_contain_text(another)
        await expect(page.locator(confirming)).to_have_count(0)
        await sign_in(other, root)
        await menu(other, "/requests")
        await expect(other.locator(f"#order-{ask.id}")).to_contain_text(SECOND)
        await press(other, f"#order-{ask.id} a")
        assert await serious(other) == []
        await press(other, "tbody th a")
        await other.go_back()
        await send(other, "form[action^='/requests/orders/']", confirming, reason=WHY)
        await expect(other.locator(done)).to_contain_text(said("đang được thực hiện", "carried out now"))
        await page.wait_for_selector("body[data-live=on]")
        await purging.erased(site.installation)
        finished = page.locator(".badge.good", has_text=said("đã thực hiện", "carried out"))
        await expect(finished).to_be_visible(timeout=PATIENCE)
        await expect(page.locator("tbody .badge.good")).to_be_visible()
        await press(page, "tbody th a")
        gone = page.locator("#content .flash.note:visible")
        await expect(gone).to_contain_text(said("Đã hủy theo lệnh lúc", "Destroyed by order on"))
        await menu(other, "/requests")
        await press(other, f"#order-{wrong} a")
        await expect(other.locator("form code")).to_have_text(f"gateway purge confirm {wrong[-8:]}")
        await expect(other.locator(confirming)).to_have_count(0)
        await send(other, "form[action^='/requests/orders/']", "button[value=cancel]", reason="nhầm văn bản")
        nothing = said("Lệnh đã hủy: không văn bản nào bị hủy.", "The order is cancelled: nothing is destroyed.")
        await expect(other.locator(done)).to_have_text(nothing)
        await menu(other, "/requests")
        await expect(other.locator(f"tr:has(a[href$='{wrong}'])")).to_contain_text(f"Người {root}")
    assert await actors(site, "purge.backed", ask.id) == [SECOND]
    for kind, key in (("confirmed", ask.id), ("cancelled", wrong)):
        assert await actors(site, f"purge.{kind}", key) == [f"Người {root} ({root})"]


async def test_operator_reads_a_list_and_forgets_a_view(site: Site, browser: Browser, speech: Speech) -> None:
    """What lies in the office's folder is taken up at once, and who had that done is known."""
    said, number = speech.said, speech.own("673")
    outbox = site.installation.folder / "office" / "outbox"
    (outbox / f"{number}_UBND-VP_2026-03-02_{COMMUNE}_Nghỉ lễ.pdf").write_bytes(b"%PDF-1.4\nnghi le\n%%EOF\n")
    before = len(await actors(site, "source.asked"))

    async def came() -> bool:
        return bool(query(site.installation.folder, f"SELECT 1 FROM message WHERE code_number = '{number}'"))

    async with signed_in(site, browser, Role.OPERATOR, language=speech.language) as page:
        done, kept = page.locator("#notices .done"), page.locator("details.views a")
        await menu(page, "/channels")
        await press(page, "tbody tr:has-text('thu-muc') th a")
        await send(page, "form[action$='/poll']", reason=WHY)
        await expect(done).to_have_text(said("Đang đọc danh sách của kênh.", "Its list is being read."))
        await until(came)
        await find(page, number)
        assert await actors(site, "source.asked") == [FIRST] * (before + 1)
        await menu(page, "/ledger")
        await page.select_option(".filters [name=state]", "held")
        await press(page, ".filters button.main")
        await send(page, "form[action='/ledger/views']", name="Đang giữ")
        await menu(page, "/ledger")
        await expect(kept).to_have_text("Đang giữ")
        await press(page, "form[action='/ledger/views/forget'] button")
        await expect(done).to_have_text(said("Đã bỏ bộ lọc.", "The view is gone."))
        await expect(kept).to_have_count(0)


@pytest.mark.usefixtures("alarms_by_hand")
async def test_operator_minds_channels_offices_and_alarms(site: Site, browser: Browser, speech: Speech) -> None:
    """Pace, order, books, a test; maintenance with its banner; an office's pause; an alarm put off and seen."""
    said, told = speech.said, "#notices .done"
    call, _ = await alerted(site, speech.own("631"), 1)
    base, now = site.base, site.base.clock.now()
    office = await base.directory.require(said(COMMUNE, PUSHED), now)
    assert office.endpoint is not None
    facts = {"name": office.name, "channel": office.endpoint.id, "office": office.id}
    alarm = NewAlarm(rule="backlog_old", subject=office.endpoint.id, is_flash=False, since=now, facts=facts)
    await base.pump.submit(LookedOperation(), Looked(now=now, told_from=now, opened=(alarm,)))
    ((opened_alarm,),) = query(
        site.installation.folder, f"SELECT id FROM alarm WHERE subject = '{office.endpoint.id}'"
    )
    async with signed_in(site, browser, Role.OPERATOR, width=390, language=speech.language) as page:
        await menu(page, "/channels")
        await press(page, "tbody tr:has-text('UBND xã Hai') th a")
        pace = await fill(page, "form[action$='/pace']", most="7", reason=WHY)
        await expect(pace.locator("output")).to_contain_text("7")
        await send(page, pace)
        await expect(page.locator(told)).to_have_text(said("Đã đặt nhịp gửi.", "The pace is set."))
        await send(page, "form[action$='/order']", order="oldest", reason=WHY)
        await expect(page.locator("form[action$='/compare']")).to_have_count(0)  # it keeps no books
        await press(page, "a[href^='/maintenance']")
        await expect(page.locator("[name=channel]")).to_have_value("pushed")
        work = said("nâng cấp phần mềm", "a new version")
        await send(page, "form[action='/maintenance']", reason=work)
        await menu(page, "/")
        banner = page.locator(".flash.note", has_text=work)
        await press(page, banner.locator("a"))
        await send(page, "form[action$='/end']", reason=WHY)
        await expect(banner).to_have_count(0)
        await menu(page, "/offices")
        await press(page, "a[aria-label^='UBND xã Một']")
        for act in ("pause", "resume", "test"):
            await send(page, f"form[action$='/{act}']", reason=WHY)
        sent = said("Văn bản thử đang được gửi.", "A test document is on its way.")
        await expect(page.locator(told)).to_have_text(sent)
        await menu(page, "/alerts")
        seen = page.locator(".badge.good", has_text=said("đã xem", "seen"))
        before = await seen.count()
        for act in (f"/alarms/{opened_alarm}", f"/alerts/{call}"):
            await send(page, f"form[action='{act}/snooze']", hours="4", reason=WHY)
            await send(page, f"form[action='{act}/acknowledge']", reason=WHY)
        await expect(seen).to_have_count(before + 2)


async def test_reason_that_is_half_written_when_the_session_ends_is_there_after_signing_in(
    site: Site, browser: Browser, speech: Speech
) -> None:
    """The page stays where it is and says so; its form comes back by itself, and is forgotten once it was sent."""
    usual = site.base.settings.console
    async with signed_in(site, browser, Role.OPERATOR, language=speech.language) as page:
        restored, reason = page.locator("#restored"), page.locator("form[action$='/order'] [name=reason]")
        await menu(page, "/channels")
        await press(page, "tbody tr:has-text('UBND xã Hai') th a")
        await page.wait_for_selector("body[data-live]")
        here = page.url
        await fill(page, "form[action$='/order']", reason=WHY)
        object.__setattr__(site.base.settings, "console", replace(usual, idle=timedelta(0)))
        try:
            async with page.expect_response("**/now") as asked:
                await page.evaluate("document.body.dispatchEvent(new CustomEvent('live-all'))")
            assert (await asked.value).status == 401
            await expect(page.locator("#ended")).to_be_visible()
            assert page.url == here
            await expect(reason).to_have_value(WHY)
            await expect(page.locator("#content h2").first).to_be_visible()
            await press(page, "#ended a")
        finally:
            object.__setattr__(site.base.settings, "console", usual)
        await fill(page, "form:has([name=password])", login=LOGINS[Role.OPERATOR], password=PASSWORD)
        await press(page, "button.main")
        assert page.url == here
        await expect(restored).to_be_visible()
        await expect(reason).to_have_value(WHY)
        await expect(page.locator("form[action$='/pace'] [name=reason]")).to_have_value("")
        await send(page, "form[action$='/order']")
        await expect(restored).to_be_hidden()
        await expect(reason).to_have_value("")
        assert "password" not in await page.evaluate("JSON.stringify(sessionStorage)")
