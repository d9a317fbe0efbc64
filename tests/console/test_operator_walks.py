"""Acts on deliveries, what takes two persons, and the queues, walked by clicking in a real browser.

One server, one browser; each walk looks at what comes of what was pressed: the state on the page, what the person
is told, and the event with the person's name. A walk with `speech` is gone in Vietnamese and once more, with other
documents, in English.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from gateway.accounts.roles import Role
from gateway.api import models
from gateway.directory.endpoint_changes import UpsertEndpoint, UpsertEndpointOperation
from gateway.directory.importer import import_agencies
from gateway.ids import uuid7
from gateway.ledger.purges import OrderPurge, OrderPurgeOperation
from gateway.maintenance.indexer import Indexer
from tests.adapters.folder_lab import lay
from tests.backup.lab import query
from tests.console.browsing import CHROMIUM, NARROWEST, PATIENCE, opened, serious, sign_in
from tests.console.clicking import Speech, english, menu, press, send, signed_in
from tests.console.keyboard import tab_onto, typed
from tests.console.site import LOGINS, PASSWORD, Site, console
from tests.journeys import purging
from tests.journeys.installation import AXIS, COMMUNE, MINISTRY, PROVINCE, PUSHED
from tests.journeys.messages import document, status
from tests.journeys.receiver import Receiver, Reply
from tests.journeys.test_journey import until
from tests.journeys.test_mass_acts import arrived, carried, states

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]

WHY = "thử nghiệm việc của người trực"
THIRD = "007.02.01.H33"
#: The subject of documents that a filter finds.
WHOLE = "V/v duyệt cả bộ lọc"
#: A name is said with its login.
FIRST, SECOND = (f"Người {LOGINS[role]} ({LOGINS[role]})" for role in (Role.OPERATOR, Role.ADMINISTRATOR))


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


async def sent(site: Site, number: str, to: str = COMMUNE, subject: str = "V/v thử nghiệm") -> models.Accepted:
    """A document of the province."""
    async with site.installation.client(PROVINCE) as province:
        return await province.submit(document(PROVINCE, [to], number=number, subject=subject))


async def find(site: Site, page: Page, number: str) -> None:
    """By the search at the top, to the line's page; the index is brought up first."""
    await Indexer(site.base.readers, site.base.pump, site.base.clock).run_once()
    await page.fill("#search", number)
    async with page.expect_navigation():
        await page.press("#search", "Enter")
    await press(page, f"tbody th a:has-text('{number}/')")


async def act(page: Page, name: str, **fields: str) -> None:
    """From wherever acts are offered: choose, rehearse, do; the page from which one came is told of it."""
    await press(page, "a[href^='/acts'], form[action='/acts'] button")
    await page.check(f"[name=act][value={name}]")
    await press(page, "form[action='/acts/rehearse'] button.main")
    await send(page, "form[action='/acts/do']", "button[value=act]", reason=WHY, **fields)


async def done_by(site: Site, message: str, login: str) -> list[str]:
    """The events of a document that bear the person's name and reason."""
    user = await site.base.users.require(login)
    rows = await site.base.readers.fetch("event_list_told", {"message": message, "limit": 99})
    return [row[1] for row in rows if (row[4], row[6]) == (user.actor, WHY)][::-1]


async def actors(site: Site, kind: str) -> list[str]:
    """Names of those whose acts left such an event, the newest first."""
    rows = query(site.installation.folder, f"SELECT actor FROM event WHERE kind = '{kind}' ORDER BY seq DESC")
    names = await site.base.users.names({row[0] for row in rows})
    return [names[row[0]] for row in rows]


async def test_operator_holds_hands_over_quarantines_and_pushes_once_more(
    site: Site, browser: Browser, receiver: Receiver, speech: Speech
) -> None:
    """One act leads back to the document, which tells it with the name; from quarantine by the queue."""
    said, numbers = speech.said, [speech.own(each) for each in ("651", "652", "653")]
    held, wicked = await sent(site, numbers[0]), await sent(site, numbers[1])
    pushed = await sent(site, numbers[2], PUSHED)
    line = pushed.deliveries[0].id
    async with signed_in(site, browser, Role.OPERATOR, language=speech.language) as page:
        await find(site, page, numbers[0])
        told, badge = page.locator("ol.told li"), page.locator("dl.facts .badge").first
        for name, word, event in (
            ("hold", said("Tạm giữ", "Held"), said("Bị giữ lại", "Held, waits for a person")),
            ("release", said("Chờ gửi", "Queued"), said("Đã cho đi tiếp", "Let go on")),
        ):
            await act(page, name)
            done = said(": đã làm với 1 lượt gửi.", ": done for 1 delivery.")
            await expect(page.locator("#notices .done")).to_contain_text(done)
            await expect(badge).to_have_text(word)
            for text in (FIRST, WHY):
                await expect(told.filter(has_text=event)).to_contain_text(text)
        await act(page, "hand_over", channel="post", number="EMS 651", by="Lan")
        await expect(badge).to_have_text(said("Chuyển đường khác", "Handed over"))
        way = said("bưu điện", "post")
        await expect(page.locator("#now dl.facts").first).to_contain_text(f"{way} · EMS 651 · Lan")
        assert await done_by(site, held.id, "operator1") == [
            "delivery.held", "delivery.released", "delivery.handed_over",
        ]  # fmt: skip
        await find(site, page, numbers[1])
        await act(page, "quarantine")
        await expect(told.filter(has_text=said("Đã cách ly", "Put into quarantine"))).to_contain_text(FIRST)
        await menu(page, "/queues")
        await press(page, "a[href='/queues?show=quarantined']")
        await expect(page.locator("tbody")).to_contain_text(f"{numbers[1]}/UBND-VP")
        await act(page, "requeue")
        nothing = said("Không có gì bị cách ly", "Nothing is quarantined")
        await expect(page.locator(".empty")).to_contain_text(nothing)
        assert await states(site.app, [wicked.deliveries[0].id]) == ["queued"]
        assert await done_by(site, wicked.id, "operator1") == ["delivery.quarantined", "delivery.requeued"]
        await arrived(site.app, line)
        before = len(receiver.came)
        await find(site, page, numbers[2])
        await act(page, "redeliver")
        again = (await receiver.wait_for(before + 1))[before]
        assert line in again.deliveries
        once_more = said("Đã gửi lại", "It was sent again")
        await expect(page.locator("ol.told")).to_contain_text(once_more, timeout=PATIENCE)
        asked = told.filter(has_text=said("Được gửi lại lần nữa", "To be pushed once more"))
        await expect(asked).to_contain_text(FIRST)
        assert await done_by(site, pushed.id, "operator1") == ["replay.asked"]


async def test_operator_finds_the_office_that_fails_and_resends_by_keyboard_alone(
    site: Site, browser: Browser, receiver: Receiver
) -> None:
    """From the form of the login on: what it said last is read at its channel; no step needs a mouse."""
    before = len(receiver.came)
    receiver.script.append(Reply(status=400, text="đĩa đã đầy"))
    made = await sent(site, "681", PUSHED)
    line = made.deliveries[0].id
    await receiver.wait_for(before + 1)

    async def refused() -> bool:
        return await states(site.app, [line]) == ["refused"]

    await until(refused)
    channel = next(each.id for each in await site.base.directory.endpoints() if each.name == "pushed")
    cause = f".cause:has(a[href='/channels/{channel}'])"
    async with opened(browser, site.origin) as page:
        await page.goto("/login")
        await typed(page, login=LOGINS[Role.OPERATOR], password=PASSWORD)
        await page.keyboard.press("Enter")
        await page.wait_for_selector(".me")
        await expect(page.locator(cause)).to_contain_text("UBND xã Hai")
        await tab_onto(page, f"{cause} a[href^='/channels/']")
        await page.keyboard.press("Enter")
        await expect(page.locator(".said").first).to_contain_text("đĩa đã đầy")
        await page.keyboard.press("g")
        await page.keyboard.press("1")
        await page.wait_for_url(f"{site.origin}/")
        await tab_onto(page, f"{cause} form[action='/acts/rehearse'] button")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/acts/rehearse")
        await typed(page, reason=WHY)
        await page.keyboard.press("Enter")
        await expect(page.locator("#notices .done")).to_contain_text(": đã làm với 1 lượt gửi.")
    again = (await receiver.wait_for(before + 2))[before + 1]
    assert line in again.deliveries
    assert await done_by(site, made.id, LOGINS[Role.OPERATOR]) == ["delivery.requeued"]


async def propose(page: Page, name: str) -> tuple[str, str]:
    """An act on the whole filter, for a second person: the proposal, now open, and what the rehearsal said."""
    await menu(page, "/ledger")
    await page.fill(".filters [name=subject]", WHOLE)
    await press(page, ".filters button.main")
    await press(page, ".head form[action='/acts'] button")
    await page.check(f"[name=act][value={name}]")
    await press(page, "form[action='/acts/rehearse'] button.main")
    await expect(page.locator("form[action='/acts/do'] button[value=act]")).to_have_count(0)
    told = await page.locator("section.card").first.inner_text()
    await send(page, "form[action='/acts/do']", "button[value=propose]", reason=WHY)
    await page.wait_for_selector("body[data-live=on]")
    return page.url.rpartition("/")[2], told


async def answer(page: Page, key: str, word: str, why: str) -> None:
    """The second person finds the proposal and answers."""
    await menu(page, "/requests")
    await expect(page.locator(f"tr:has(a[href$='{key}'])")).to_contain_text(FIRST)
    await press(page, f"tbody a[href$='{key}']")
    await send(page, "form[action^='/requests/']", f"button[value={word}]", reason=why)


async def test_second_person_consents_to_a_whole_filter_refuses_and_the_first_withdraws(
    site: Site, browser: Browser
) -> None:
    """The rehearsal says for how many and why not the others; who waits sees the answer in the open page."""
    made = [await sent(site, str(6600 + each), subject=WHOLE) for each in range(12)]
    lines = [each.deliveries[0].id for each in made]
    async with (
        signed_in(site, browser, Role.OPERATOR) as page,
        signed_in(site, browser, Role.ADMINISTRATOR) as other,
    ):
        await find(site, page, "6600")
        await act(page, "hold")
        key, rehearsed = await propose(page, "hold")
        for text in ("11 trong 12", "1: đang được giữ lại", "Chưa làm gì", "người thứ hai đồng ý"):
            assert text in rehearsed
        await expect(page.locator("#content")).to_contain_text("người khác phải đồng ý")
        await answer(other, key, "consented", WHY)
        await carried(site.app, key)
        await expect(page.locator(".badge.good", has_text="đã thực hiện")).to_be_visible(timeout=PATIENCE)
        await expect(page.locator("#content dl.facts")).to_contain_text("11 đã làm, 0 để nguyên", timeout=PATIENCE)
        assert set(await states(site.app, lines)) == {"held"}
        await press(page, "tbody th a")
        held = page.locator("ol.told li", has_text="Bị giữ lại")
        await expect(held).to_contain_text(f"{FIRST}, có sự đồng ý của {SECOND}")
        await english(page)
        await english(other)
        refused, _ = await propose(page, "release")
        await answer(other, refused, "refused", "chưa rõ nguyên nhân")
        await expect(other.locator("#notices .done")).to_have_text("You have refused: nothing is done.")
        for text in ("consent refused", SECOND, "chưa rõ nguyên nhân"):
            await expect(page.locator("#content dl.facts")).to_contain_text(text, timeout=PATIENCE)
        await expect(page.locator("form[action^='/requests/']")).to_have_count(0)
        withdrawn, _ = await propose(page, "release")
        await send(page, "form[action^='/requests/']", reason=WHY)
        await menu(page, "/requests")
        await expect(page.locator(f"tr:has(a[href$='{withdrawn}'])")).to_contain_text("taken back")
        assert set(await states(site.app, lines)) == {"held"}
    assert await actors(site, "proposal.made") == [FIRST] * 3
    for kind, name in (("consented", SECOND), ("refused", SECOND), ("withdrawn", FIRST)):
        assert await actors(site, f"proposal.{kind}") == [name]


async def test_administrators_answer_for_orders_to_destroy(site: Site, browser: Browser) -> None:
    """A rule's takes two, who see the documents; what was ordered at the server is only cancelled here."""
    base, now = site.base, site.base.clock.now()
    user, _ = await base.users.add(
        "root2", name="Người root2", role=Role.ADMINISTRATOR, actor="operator:test", now=now
    )
    await base.users.choose_password(user, PASSWORD, session="", now=now)
    due = await purging.arrived(site.installation, number="661", subject="V/v hết hạn lưu trữ")
    kept = await purging.arrived(site.installation, number="662")
    ask = OrderPurge(
        id=uuid7(), documents=(due,), ref="[retention] 2026-11", reason="default 3650d", with_envelope=False,
        actor="gateway", now=now, month="2026-11",
    )  # fmt: skip
    await base.pump.submit(OrderPurgeOperation(), ask)
    wrong = await purging.ordered(site.installation, [kept])
    confirming = "button[value=confirm]"
    async with (
        signed_in(site, browser, Role.ADMINISTRATOR) as page,
        opened(browser, site.origin, width=NARROWEST) as other,
    ):
        await menu(page, "/requests")
        await expect(page.locator(f"#order-{ask.id}")).to_contain_text("chờ hai người")
        await press(page, f"#order-{ask.id} a")
        await expect(page.locator("tbody")).to_contain_text("V/v hết hạn lưu trữ")
        await send(page, "form[action^='/requests/orders/']", confirming, reason=WHY)
        await expect(page.locator("#notices .done")).to_contain_text("người thứ hai phải xác nhận")
        await expect(page.locator(confirming)).to_have_count(0)
        await sign_in(other, "root2")
        await menu(other, "/requests")
        await expect(other.locator(f"#order-{ask.id}")).to_contain_text(SECOND)
        await press(other, f"#order-{ask.id} a")
        await english(other)
        assert await serious(other) == []
        await press(other, "tbody th a")
        await other.go_back()
        await send(other, "form[action^='/requests/orders/']", confirming, reason=WHY)
        await expect(other.locator("#notices .done")).to_contain_text("carried out now")
        await page.wait_for_selector("body[data-live=on]")
        await purging.erased(site.installation)
        await expect(page.locator(".badge.good", has_text="đã thực hiện")).to_be_visible(timeout=PATIENCE)
        await expect(page.locator("tbody .badge.good")).to_be_visible()
        await press(page, "tbody th a")
        await expect(page.locator("#content .flash.note:visible")).to_contain_text("hủy theo lệnh")
        await menu(other, "/requests")
        await press(other, f"#order-{wrong} a")
        await expect(other.locator("form code")).to_have_text(f"gateway purge confirm {wrong[-8:]}")
        await expect(other.locator(confirming)).to_have_count(0)
        await send(other, "form[action^='/requests/orders/']", "button[value=cancel]", reason="nhầm văn bản")
        await expect(other.locator("#notices .done")).to_have_text("The order is cancelled: nothing is destroyed.")
        await menu(other, "/requests")
        await expect(other.locator(f"tr:has(a[href$='{wrong}'])")).to_contain_text("Người root2")
    assert await actors(site, "purge.backed") == [SECOND]
    for kind in ("confirmed", "cancelled"):
        assert await actors(site, f"purge.{kind}") == ["Người root2 (root2)"]


async def test_operator_empties_the_other_queues_reads_a_list_and_forgets_a_view(
    site: Site, browser: Browser
) -> None:
    """A conflict, a contradiction, a status by the id on the document's page; a channel's list by its button."""
    await sent(site, "671")
    newer = await sent(site, "671", subject="V/v nội dung khác")
    other = await sent(site, "672", MINISTRY)
    line = other.deliveries[0].id
    async with site.installation.client(COMMUNE) as commune, site.installation.client(AXIS) as axis:
        [item] = [each for each in (await commune.inbox()).items if each.id == newer.deliveries[0].id]
        await commune.content(item.id)
        await commune.ack(item.id)
        for code in ("05", "03"):
            await commune.answer(item.id, models.NewStatus(code=code))
        await axis.post_status(status(MINISTRY, "03", sender=PROVINCE, number="4712"))
    async with signed_in(site, browser, Role.OPERATOR) as page:
        await menu(page, "/queues")
        await press(page, "a[href='/queues?show=conflicts']")
        for kind in ("conflict", "flag"):
            await send(page, f"form[action='/queues/settle']:has([value='{kind}'])", reason=WHY)
        await expect(page.locator(".empty")).to_contain_text("Không có mâu thuẫn nào")
        await find(site, page, "671")
        for told in await page.locator("ol.told li", has_text="ra khỏi hàng đợi").all():
            await expect(told).to_contain_text(FIRST)
        assert await done_by(site, newer.id, "operator1") == ["problem.settled"] * 2
        await english(page)
        await find(site, page, "672")
        key = await page.locator("dl.facts dt:has-text('Id of the delivery') + dd").inner_text()
        assert key == line
        await menu(page, "/queues")
        parked = page.locator("article", has_text="4712/UBND-VP")
        matching = "form[action='/queues/match']:has([name=reason]:not([type=hidden]))"
        await send(page, matching, delivery=key, reason=WHY)
        await expect(page.locator("#notices .done")).to_contain_text(
            "is matched; the delivery is now: Acknowledged"
        )
        await expect(parked).to_have_count(0)
        await find(site, page, "672")
        await expect(page.locator("ol.told li", has_text="matched by a person")).to_contain_text(FIRST)
        await _read_list(site, page)
        await _forget_view(page)


async def _read_list(site: Site, page: Page) -> None:
    """What lies in the office's folder is taken up at once, and who had that done is known."""
    outbox = site.installation.folder / "office" / "outbox"
    (outbox / f"673_UBND-VP_2026-03-02_{COMMUNE}_Nghỉ lễ.pdf").write_bytes(b"%PDF-1.4\nnghi le\n%%EOF\n")
    await menu(page, "/channels")
    await press(page, "tbody tr:has-text('thu-muc') th a")
    await send(page, "form[action$='/poll']", reason=WHY)
    await expect(page.locator("#notices .done")).to_have_text("Its list is being read.")

    async def came() -> bool:
        return bool(query(site.installation.folder, "SELECT 1 FROM message WHERE code_number = '673'"))

    await until(came)
    await find(site, page, "673")
    assert await actors(site, "source.asked") == [FIRST]


async def _forget_view(page: Page) -> None:
    await menu(page, "/ledger")
    await page.select_option(".filters [name=state]", "held")
    await press(page, ".filters button.main")
    await send(page, "form[action='/ledger/views']", name="Đang giữ")
    await menu(page, "/ledger")
    await expect(page.locator("details.views a")).to_have_text("Đang giữ")
    await press(page, "form[action='/ledger/views/forget'] button")
    await expect(page.locator("#notices .done")).to_have_text("The view is gone.")
    await expect(page.locator("details.views a")).to_have_count(0)
