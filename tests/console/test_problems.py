"""The queues of problems: who may answer for whom, what is suggested, that nothing of a long queue is hidden."""

from __future__ import annotations

import re
from html import unescape

import pytest

from gateway.accounts.roles import Role
from gateway.admin.directory import Represent, represent
from gateway.console.acts import NAMES
from gateway.console.words import translations
from gateway.eligibility import WORDS, ActName, Unfit
from gateway.ledger.params import as_json
from tests.console.site import Browser, Site
from tests.journeys.installation import AXIS, COMMUNE, MINISTRY, PROVINCE
from tests.journeys.messages import document, status
from tests.journeys.test_mass_acts import states

pytestmark = pytest.mark.asyncio(loop_scope="module")
WHY = "thử nghiệm hàng đợi"
_FORM = re.compile(
    r'name="status" value="([^"]+)"><input type="hidden" name="delivery" value="([^"]+)"><input type="hidden" '
    r'name="reason" value="([^"]+)"'
)


async def parked(site: Site, number: str) -> tuple[str, str]:
    """A document to the commune, which the ministry reports as registered; ids of the document and its delivery."""
    async with site.installation.client(PROVINCE) as province, site.installation.client(AXIS) as axis:
        accepted = await province.submit(document(PROVINCE, [COMMUNE], number=number))
        await axis.post_status(status(MINISTRY, "03", sender=PROVINCE, number=f"0{number}"))
    return accepted.id, accepted.deliveries[0].id


async def speaks(site: Site, *, end: bool = False) -> None:
    """The ministry for the commune, or no longer."""
    await represent(site.app, Represent(agent=MINISTRY, principal=COMMUNE, end=end, reason=WHY), "operator:test")


async def card(browser: Browser, number: str) -> str:
    """What the queue shows of the status on a number."""
    page = (await browser.get("/queues?show=parked")).text
    return next((each for each in page.split("<article")[1:] if f"0{number}/UBND-VP" in each), "")


async def test_nobody_answers_for_an_office_but_itself_and_who_speaks_for_it(site: Site) -> None:
    """What may have been meant is shown, without a button, and by its id it is refused; nothing moves."""
    _, key = await parked(site, "851")
    browser = await site.signed_in(Role.OPERATOR)
    shown = await card(browser, "851")
    assert "Văn phòng Chính phủ không được báo thay nơi nhận này" in shown
    assert _FORM.search(shown) is None
    found = re.search(r'name="status" value="([^"]+)"', shown)
    assert found is not None
    refused = await browser.post("/queues/match", {"status": found[1], "delivery": key, "reason": WHY})
    assert (refused.status, "reporter_not_authorised" in refused.text) == (422, True), refused.text
    assert (await states(site.app, [key]), await card(browser, "851") != "") == (["queued"], True)
    assert await site.base.readers.fetch("status_list_of_message", (key,)) == []


async def test_agent_is_matched_with_a_true_reason_and_named_in_the_timeline(site: Site) -> None:
    """It speaks for the office by the directory, now or when it reported; the page tells whose word it is."""
    before, _ = await parked(site, "852")
    await speaks(site)
    during, _ = await parked(site, "853")
    browser = await site.signed_in(Role.OPERATOR)
    for number, document_id in (("852", before), ("853", during)):
        shown = await card(browser, number)
        assert "Văn phòng Chính phủ được báo thay" in shown
        form = _FORM.search(shown)
        assert form is not None
        why = "Gắn bằng tay; trùng: số, ký hiệu, ngày, nơi gửi, nơi nhận"
        assert unescape(form[3]) == why
        fields = {"status": form[1], "delivery": form[2], "reason": why}
        done = await browser.post("/queues/match", fields)
        assert done.status == 303, done.text
        assert await card(browser, number) == ""
        page = (await browser.get(f"/documents/{document_id}")).text
        assert (page.count("do Văn phòng Chính phủ báo thay"), why in page) == (1, True)
        if number == "852":
            await speaks(site, end=True)


async def test_long_queue_of_statuses_has_pages(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest first, how many there are, and what follows; after an act the page is the same."""
    for number in ("861", "862", "863"):
        await parked(site, number)
    monkeypatch.setattr("gateway.admin.queues.PARKED", 1)
    browser = await site.signed_in(Role.OPERATOR)
    address, seen = "/queues?show=parked", list[str]()
    while address:
        page = (await browser.get(address)).text
        seen += re.findall(r"0(86\d)/UBND-VP", page)
        found = re.search(r'href="(/queues\?show=parked&amp;after=[^"]+)"', page)
        assert (found is not None) == ("cũ nhất trước." in page)
        if "0862/UBND-VP" in page:
            held = re.search(r'name="after" value="([^"]+)"', page)
            status_id = re.search(r'name="status" value="([^"]+)"', page)
            assert held is not None
            assert status_id is not None
            given = {"status": status_id[1], "after": held[1], "reason": WHY}
            done = await browser.post("/queues/dismiss", given)
            assert done.location == f"/queues?show=parked&after={held[1]}"
        address = unescape(found[1]) if found else ""
    assert seen == ["861", "862", "863"]
    assert "Hết danh sách" in (await browser.get(f"{done.location[:20]}&after={given['status']}x")).text


async def test_reason_that_nobody_can_read_is_none(site: Site) -> None:
    """And what nobody can read is not kept beside what can be."""
    _, key = await parked(site, "871")
    browser = await site.signed_in(Role.OPERATOR)
    await browser.get("/queues")
    fields = {"act": "hold", "ids": key, "how": "act"}
    for why in ("\0\0\0\0", "\u200b\u200b\u200b\u200b", "a\0\0\0", "\x01 \x02 \x03"):
        refused = await browser.post("/acts/do", fields | {"reason": why})
        assert (refused.status, await states(site.app, [key])) == (422, ["queued"]), repr(why)
    assert (await browser.post("/acts/do", fields | {"reason": "\0có\x01 lý do\0"})).status == 303
    rows = await site.base.readers.fetch(
        "event_list_told_of_lines", {"message": "", "lines": as_json([key]), "limit": 9}
    )
    assert [row[6] for row in rows if row[1] == "delivery.held"] == ["có lý do"]


async def test_arrival_is_confirmed_by_a_person_who_says_why(site: Site) -> None:
    """The choice offers it for what is held alone; the line is delivered, not answered."""
    document_id, key = await parked(site, "872")
    browser = await site.signed_in(Role.OPERATOR)
    await browser.get(f"/acts?delivery={key}")
    form = {"act": "confirm", "ids": key, "how": "act", "reason": WHY}
    assert "0 trong 1" in (await browser.post("/acts/rehearse", form)).text
    held = await browser.post("/acts/do", form | {"act": "hold"})
    assert held.status == 303, held.text
    assert "1 trong 1" in (await browser.post("/acts/rehearse", form)).text
    done = await browser.post("/acts/do", form)
    assert done.status == 303, done.text
    assert await states(site.app, [key]) == ["delivered"]
    page = (await browser.get(f"/documents/{document_id}")).text
    assert "đến nơi" in page
    assert "đã vào sổ" not in page


async def test_rehearsal_names_the_act_that_is_meant_as_its_button_does() -> None:
    """What has not arrived is not sent once more: it is tried anew."""
    vi, en = WORDS[Unfit.NOT_ARRIVED]
    name = NAMES[ActName.REQUEUE]
    assert name in en
    assert translations("vi").gettext(name) in vi


async def test_both_columns_of_a_document_are_live(site: Site) -> None:
    """Signatures, stamps, links and what is late come with what an open page fetches."""
    document_id, _ = await parked(site, "873")
    browser = await site.signed_in(Role.VIEWER)
    page, part = [(await browser.get(f"/documents/{document_id}{more}")).text for more in ("", "/now")]
    for words in ('id="signatures"', "chưa có dấu thời gian", "Diễn biến", "Tệp"):
        assert (words in page, words in part) == (True, True), words
    assert "<html" not in part
