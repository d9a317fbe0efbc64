"""Queues of problems, emptied by clicking in a real browser: what each suggests, and what no suggestion fits.

One server, one browser. A walk is gone in Vietnamese and once more, with other documents, in English (`speech`).
"""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser, expect

from gateway.accounts.roles import Role
from gateway.admin.directory import EndAgency, end_agency
from gateway.api import models
from gateway.directory.importer import import_agencies
from tests.console.browsing import CHROMIUM, PATIENCE
from tests.console.clicking import Speech, fill, menu, press, send, signed_in
from tests.console.operating import FIRST, WHY, act, actors, done_by, find, rehearse, sent
from tests.console.site import Site
from tests.journeys.installation import AXIS, COMMUNE, MINISTRY, PROVINCE, PUSHED
from tests.journeys.messages import status
from tests.journeys.test_journey import until
from tests.journeys.test_mass_acts import states

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]


async def test_operator_matches_parked_statuses_or_puts_them_aside(
    site: Site, browser: Browser, speech: Speech
) -> None:
    """One by the suggestion's button, one by the id on the document's page; one is about nothing here."""
    said, numbers = speech.said, [speech.own(each) for each in ("721", "722")]
    made = [await sent(site, each, MINISTRY) for each in numbers]
    strange = speech.own("4712")
    async with site.installation.client(AXIS) as axis:
        for number in (f"0{numbers[0]}", strange, speech.own("4713")):
            await axis.post_status(status(MINISTRY, "03", sender=PROVINCE, number=number))
    asked, done = "form[action='/queues/match']", "#notices .done"
    matched = said(
        "Đã gắn trạng thái 03; lượt gửi nay là: Nơi nhận đã báo.",
        "The status 03 is matched; the delivery is now: Acknowledged.",
    )
    async with signed_in(site, browser, Role.OPERATOR, language=speech.language) as page:
        await menu(page, "/queues")
        like = page.locator("article", has_text=f"0{numbers[0]}/UBND-VP")
        row = like.locator(f"tr:has(th:has-text('{numbers[0]}/UBND-VP'))")
        await expect(row).to_contain_text(said("nơi gửi, nơi nhận", "sender, recipient"))
        await expect(row.locator("button")).to_have_text(said("Gắn", "Match"))
        await send(page, row.locator(asked))
        await expect(page.locator(done)).to_have_text(matched)
        await find(page, numbers[1])
        key = await page.locator(
            f"dl.facts dt:has-text('{said('Mã lượt gửi', 'Id of the delivery')}') + dd"
        ).inner_text()
        assert key == made[1].deliveries[0].id
        await menu(page, "/queues")
        other = await page.locator("article", has_text=f"{strange}/UBND-VP").get_attribute("id")
        by_hand = f"{asked}:has([value='{(other or '')[7:]}']):has([name=reason]:not([type=hidden]))"
        await send(page, by_hand, delivery=key, reason=WHY)
        await expect(page.locator(done)).to_have_text(matched)
        await send(page, "form[action='/queues/dismiss']", reason=WHY)
        await expect(page.locator(done)).to_have_text(said("Đã bỏ qua trạng thái.", "The status is put aside."))
        none = said("Mọi trạng thái đã gắn với văn bản.", "Every status has found its document.")
        await expect(page.locator(".empty")).to_contain_text(none)
        for number in numbers:
            await find(page, number)
            event = said("Có người đã gắn trạng thái với văn bản", "A status was matched by a person")
            await expect(page.locator("ol.told li", has_text=event)).to_contain_text(FIRST)
    assert await states(site.app, [each.deliveries[0].id for each in made]) == ["acknowledged"] * 2
    assert (await actors(site, "status.dismissed"))[0] == FIRST


async def test_operator_settles_a_conflict_and_a_contradiction(
    site: Site, browser: Browser, speech: Speech
) -> None:
    """Two documents of one number, and a status that takes back another; who dealt with both is told."""
    said, number = speech.said, speech.own("731")
    await sent(site, number)
    newer = await sent(site, number, subject="V/v nội dung khác")
    key = newer.deliveries[0].id
    async with site.installation.client(COMMUNE) as commune:
        await commune.content(key)
        await commune.ack(key)
        for code in ("05", "03"):
            await commune.answer(key, models.NewStatus(code=code))
    async with signed_in(site, browser, Role.OPERATOR, language=speech.language) as page:
        await menu(page, "/queues")
        await press(page, "a[href='/queues?show=conflicts']")
        same = said("Hai văn bản cùng số nhưng khác nội dung", "Two documents bear the same number")
        await expect(page.locator(f"#document-{newer.id}")).to_contain_text(same)
        for kind in ("conflict", "flag"):
            await send(page, f"form[action='/queues/settle']:has([value='{kind}'])", reason=WHY)
            await expect(page.locator("#notices .done")).to_have_text(said("Đã xử lý xong.", "It waits no more."))
        none = said("Không có mâu thuẫn nào", "Nothing contradicts anything else")
        await expect(page.locator(".empty")).to_contain_text(none)
        await find(page, number)
        settled = page.locator("ol.told li", has_text=said("ra khỏi hàng đợi", "out of the queue of problems"))
        for each in await settled.all():
            await expect(each).to_contain_text(FIRST)
    assert await done_by(site, newer.id, "operator1") == ["problem.settled"] * 2


async def returned(site: Site, number: str, why: str = "nhầm nơi nhận") -> str:
    """A document that the commune fetched and sent back; its delivery."""
    accepted = await sent(site, number)
    key = accepted.deliveries[0].id
    async with site.installation.client(COMMUNE) as commune:

        async def there() -> bool:
            return any(item.id == key for item in (await commune.inbox()).items)

        await until(there, 60)
        await commune.content(key)
        await commune.ack(key)
        await commune.answer(key, models.NewStatus(code="02", description=why))
    return key


async def test_operator_forwards_misrouted_documents_by_one_click_or_by_name(
    site: Site, browser: Browser, speech: Speech
) -> None:
    """To whom the sentence names, to who took over, to whom a person names; what is typed stays with its line."""
    said, base, number = speech.said, site.base, speech.own
    closing, name = said("008.02.01.H33", "009.02.01.H33"), f"UBND xã {said('Tám', 'Chín')}"
    table = f"organ_id,qd20_code,name,kind,endpoint\n{closing},,{name},commune,commune\n".encode()
    await import_agencies(
        base.directory, base.pump, base.readers, table, actor="operator:test", now=base.clock.now()
    )
    orphan = (await sent(site, number("744"), closing)).deliveries[0].id
    await end_agency(site.app, EndAgency(organ_id=closing, successor=PUSHED, reason=WHY), "operator:test")
    first = await returned(site, number("741"))
    to_two = said("Chuyển cho UBND xã Hai", "Forward to UBND xã Hai")
    async with signed_in(site, browser, Role.OPERATOR, language=speech.language) as page:
        await menu(page, "/queues")
        await press(page, "a[href='/queues?show=misrouted']")
        await page.wait_for_selector("body[data-live=on]")
        settle = page.locator(f"form[action='/queues/settle']:has([value='{first}'])")
        await fill(page, settle, reason=WHY)
        second = await returned(site, number("742"))
        named = await returned(site, number("743"), "thuộc thẩm quyền UBND xã Hai")
        mine = page.locator(".cause").filter(has_text=re.compile(f"74[1234]{number('')}/UBND-VP"))
        await expect(mine).to_have_count(4, timeout=PATIENCE)
        await expect(settle.locator("[name=reason]")).to_have_value(WHY)
        await send(page, settle)
        await expect(page.locator("#notices .done")).to_have_text(said("Đã xử lý xong.", "It waits no more."))
        await expect(mine).to_have_count(3)
        for key, left, why in (
            (orphan, 2, said("đã ngừng hoạt động", "has closed")),
            (named, 1, said("được nêu trong lý do trả lại", "named in what was said")),
        ):
            cause = page.locator(f"#delivery-{key}")
            await expect(cause).to_contain_text(why)
            await send(page, cause.locator("form[action='/acts/do']").first, f"button.main:has-text('{to_two}')")
            await expect(mine).to_have_count(left)
        cause = page.locator(f"#delivery-{second}")
        await expect(cause).to_contain_text(said("đã trả lại", "returned it"))
        byname = await fill(page, cause.locator("form[action='/acts/do']").first, to="xa hai", reason=WHY)
        await press(page, byname.locator("button"))
        await expect(page.locator("section.card")).to_contain_text("UBND xã Hai")
        await send(page, "form[action='/acts/do']", "button[value=act]")
        await expect(mine).to_have_count(0)
    user = await base.users.require("operator1")
    for key in (orphan, named, second):
        line = await site.base.reads.match_delivery(key)
        assert line is not None
        assert [each.recipient_code for each in await site.base.reads.deliveries(line.message_id)][1:] == [PUSHED]
        told = await site.base.readers.fetch("event_list_told", {"message": line.message_id, "limit": 99})
        assert ("document.readdressed", user.actor) in [(row[1], row[4]) for row in told]
    assert await actors(site, "problem.settled", first) == [FIRST]


async def test_operator_lets_a_whole_quarantine_go(site: Site, browser: Browser, speech: Speech) -> None:
    """Two are put there, each from its document; one button is for all that lie there."""
    said = speech.said
    numbers = [speech.own(each) for each in ("751", "752")]
    made = [await sent(site, each) for each in numbers]
    async with signed_in(site, browser, Role.OPERATOR, language=speech.language) as page:
        for each in numbers:
            await find(page, each)
            await act(page, speech, "quarantine")
        await menu(page, "/queues")
        await press(page, "a[href='/queues?show=quarantined']")
        await expect(page.locator("#content tbody tr")).to_have_count(2)
        everything = page.locator("form[action='/acts'] button")
        await expect(everything).to_have_text(said("Xử lý tất cả", "Act on all of them"))
        await rehearse(page, speech, "requeue")
        await send(page, "form[action='/acts/do']", "button[value=act]", reason=WHY)
        done = said(": đã làm với 2 lượt gửi.", ": done for 2 deliveries.")
        await expect(page.locator("#notices .done")).to_contain_text(done)
        none = said("Không có gì bị cách ly", "Nothing is quarantined")
        await expect(page.locator(".empty")).to_contain_text(none)
    assert await states(site.app, [each.deliveries[0].id for each in made]) == ["queued"] * 2
