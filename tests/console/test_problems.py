"""The queues of problems: who may answer for whom, what is suggested, that nothing of a long queue is hidden."""

from __future__ import annotations

import re
from html import unescape

import pytest

from gateway.accounts.roles import Role
from gateway.admin.directory import Represent, represent
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
