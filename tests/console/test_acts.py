"""Acts, proposals and queues of problems as people use them, with forms alone."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

import pytest

from gateway.accounts.roles import Role
from gateway.admin import mass
from gateway.api import models
from gateway.eligibility import MOST, ActName
from gateway.ledger.params import as_json
from gateway.ledger.proposals import line_of
from gateway.storage.pump import Transaction
from tests.console.site import Browser, Site
from tests.journeys.installation import AXIS, COMMUNE, MINISTRY, PROVINCE, PUSHED
from tests.journeys.messages import document, status
from tests.journeys.test_journey import until
from tests.journeys.test_mass_acts import asking, carried, states

pytestmark = pytest.mark.asyncio(loop_scope="module")
WHY = "thử nghiệm ở trang"


_numbers = itertools.count(1000)


async def sent(site: Site, count: int) -> list[str]:
    """New documents to the commune; the ids of their deliveries."""
    async with site.installation.client(PROVINCE) as province:
        found = [
            await province.submit(document(PROVINCE, [COMMUNE], number=str(next(_numbers)))) for _ in range(count)
        ]
    return [each.deliveries[0].id for each in found]


async def rehearsed(browser: Browser, ids: list[str], act: str, **more: str) -> str:
    """The page that says what the act would come to."""
    await browser.get("/acts?" + "&".join(f"delivery={key}" for key in ids))
    answer = await browser.post("/acts/rehearse", {"ids": " ".join(ids), "act": act, **more})
    assert answer.status == 200, answer.text
    return answer.text


async def test_choice_is_shown_with_every_act_and_for_how_many_it_is(site: Site) -> None:
    """What an act is for nobody of cannot be chosen; a subject is text, whatever it holds."""
    async with site.installation.client(PROVINCE) as province:
        bad = document(PROVINCE, [COMMUNE], number="700", subject="<script>alert(1)</script>")
        accepted = await province.submit(bad)
    browser = await site.signed_in(Role.OPERATOR)
    page = await browser.get(f"/acts?message={accepted.id}")
    assert page.status == 200, page.text
    assert "&lt;script&gt;alert(1)" in page.text
    assert "<script>alert(1)" not in page.text
    found = dict(re.findall(r'name="act" value="(\w+)" required( disabled)?', page.text))
    assert found["hold"] == found["cancel"] == found["forward"] == ""
    assert found["requeue"] == found["release"] == found["redeliver"] == " disabled"


async def test_filter_of_the_ledger_is_a_choice(site: Site) -> None:
    """Its lines are taken as they are now; a field that is none is refused."""
    [key] = await sent(site, 1)
    await mass.act(site.app, asking(ActName.QUARANTINE, [key]), "user:somebody")
    browser = await site.signed_in(Role.OPERATOR)
    await browser.get("/account")
    page = await browser.post("/acts", {"filter": "state=quarantined"})
    assert page.status == 200, page.text
    assert f'name="ids" value="{key}"' in page.text
    assert (await browser.post("/acts", {"filter": "colour=red"})).status == 422


async def test_filter_that_fits_too_much_is_cut_to_the_newest_and_says_so(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand at most, as `MOST` says; what was rehearsed is what is touched. One that fits is not cut."""
    assert MOST == 1000
    ids = await sent(site, 3)
    await mass.act(site.app, asking(ActName.HOLD, ids), "user:somebody")
    browser = await site.signed_in(Role.OPERATOR)
    told = "lấy các lượt mới nhất"
    await browser.get("/account")
    with monkeypatch.context() as patch:
        patch.setattr("gateway.console.acts.MOST", 2)
        page = await browser.post("/acts/rehearse", {"filter": "state=held", "act": "release"})
    assert told in page.text
    assert "2 trong 2" in page.text
    (chosen,) = set(re.findall(r'name="ids" value="([^"]+)"', page.text))
    assert chosen.split() == ids[:0:-1]
    done = await browser.post("/acts/do", {"ids": chosen, "act": "release", "how": "act", "reason": WHY})
    assert done.status == 303, done.text
    assert await states(site.app, ids) == ["held", "queued", "queued"]
    page = await browser.post("/acts", {"filter": "state=held"})
    assert ids[0] in page.text
    assert told not in page.text


async def test_act_on_a_few_is_rehearsed_and_done(site: Site) -> None:
    """Nothing is done before the button of the second page; a reason is asked for."""
    ids = await sent(site, 2)
    browser = await site.signed_in(Role.OPERATOR)
    text = await rehearsed(browser, [*ids, "nobody"], "hold")
    assert "2 trong 3" in text
    assert "1: không tìm thấy" in text
    assert await states(site.app, ids) == ["queued", "queued"]
    form = {"ids": " ".join(ids), "act": "hold", "how": "act", "back": "/queues"}
    refused = await browser.post("/acts/do", form)
    assert refused.status == 422
    done = await browser.post("/acts/do", form | {"reason": WHY})
    assert (done.status, done.location) == (303, "/queues"), done.text
    assert await states(site.app, ids) == ["held", "held"]
    assert ": đã làm với 2 lượt gửi" in (await browser.get("/queues")).text


async def test_cancellation_waits_for_another_person_and_is_carried_out(site: Site) -> None:
    """Who proposed it sees no button for consent, and cannot send that form either."""
    ids = await sent(site, 1)
    first, second = await site.signed_in(Role.OPERATOR), await site.signed_in(Role.ADMINISTRATOR)
    assert "người thứ hai đồng ý" in await rehearsed(first, ids, "cancel")
    made = await first.post("/acts/do", {"ids": " ".join(ids), "act": "cancel", "reason": WHY})
    assert made.status == 303
    assert made.location.startswith("/requests/")
    own = await first.get(made.location)
    assert 'value="withdrawn"' in own.text
    assert 'value="consented"' not in own.text
    refused = await first.post(made.location, {"answer": "consented", "reason": WHY})
    assert (refused.status, "proposal_one_person" in refused.text) == (409, True)
    assert WHY in (await second.get("/requests")).text
    shown = await second.get(made.location)
    assert 'value="consented"' in shown.text
    assert "Người operator1" in shown.text
    answered = await second.post(made.location, {"answer": "consented", "reason": WHY})
    assert answered.status == 303, answered.text
    await carried(site.app, made.location.rpartition("/")[2])
    assert await states(site.app, ids) == ["withdrawn"]
    assert "đã thực hiện" in (await second.get(made.location)).text


async def test_who_may_only_look_sees_proposals_without_buttons(site: Site) -> None:
    """A viewer and an auditor; the list of what was answered, too."""
    ids = await sent(site, 1)
    made = await mass.propose(site.app, asking(ActName.CANCEL, ids), "user:somebody")
    for role in (Role.VIEWER, Role.AUDITOR):
        browser = await site.signed_in(role)
        page = await browser.get(f"/requests/{made['proposal']}")
        assert page.status == 200
        assert 'name="answer"' not in page.text
        assert (await browser.get("/requests/now")).status == 200
        for beyond in ("9" * 30, "9" * 5000, "-1", "²"):
            assert (await browser.get(f"/requests/{made['proposal']}?beyond={beyond}")).status == 200, beyond
    assert (await (await site.signed_in(Role.VIEWER)).get("/requests/nobody")).status == 404


async def test_handing_over_and_forwarding_take_what_they_need(site: Site) -> None:
    """How it was handed over; to whom it is forwarded."""
    first, second = await sent(site, 2)
    browser = await site.signed_in(Role.OPERATOR)
    assert 'name="number"' in await rehearsed(browser, [first], "hand_over")
    how = {"channel": "post", "number": "EMS 1", "by": "Lan", "at": "2026-11-22T09:00", "reason": WHY}
    done = await browser.post("/acts/do", {"ids": first, "act": "hand_over", **how})
    assert done.status == 303, done.text
    assert 'name="reason"' not in await rehearsed(browser, [second], "forward")
    assert 'name="reason"' in await rehearsed(browser, [second], "forward", to=PUSHED)
    done = await browser.post("/acts/do", {"ids": second, "act": "forward", "to": PUSHED, "reason": WHY})
    assert done.status == 303, done.text
    assert await states(site.app, [first, second]) == ["handed_over", "handed_over"]
    rows = await site.base.readers.fetch("delivery_list_for_act", (as_json([first, second]),))
    pages = {line.id: f"/documents/{line.message_id}?line={line.id}" for line in map(line_of, rows)}
    assert "bưu điện · EMS 1 · Lan" in (await browser.get(pages[first])).text
    assert "đã chuyển cho cơ quan khác" in (await browser.get(pages[second])).text
    await site.base.pump.submit(SentBefore(), second)
    shown = (await browser.get(pages[second])).text
    assert "hệ thống cũ đã gửi trước khi có trục · ref-1" in shown
    assert "đã chuyển cho cơ quan khác" not in shown


class SentBefore:
    """As `gateway.ledger.imports` closes what another system has sent."""

    name = "test_sent_before"

    async def apply(self, tx: Transaction, payloads: Sequence[str]) -> Sequence[None]:
        """One result per payload."""
        how = as_json({"channel": "scripts", "number": "ref-1", "by": "operator:0", "at": ""})
        await tx.fetch("delivery_set_handed_over", (as_json([[each, how] for each in payloads]),))
        return [None for _ in payloads]


async def test_office_to_forward_to_is_found_by_its_name(site: Site) -> None:
    """One alone is rehearsed, never done at once; of several each is named with its code."""
    key = (await sent(site, 1))[0]
    browser = await site.signed_in(Role.OPERATOR)
    shown = await rehearsed(browser, [key], "forward", to="xa hai")
    assert f'name="to" value="{PUSHED}"' in shown
    assert "UBND xã Hai" in shown
    form = {"ids": key, "act": "forward", "to": "xa hai", "reason": WHY}
    asked = await browser.post("/acts/do", form)
    assert f'value="{WHY}"' in asked.text
    assert f'name="to" value="{PUSHED}"' in asked.text
    assert await states(site.app, [key]) == ["queued"]
    several = await browser.post("/acts/rehearse", form | {"to": "UBND xa"})
    assert several.status == 409
    for words in (f"UBND xã Một ({COMMUNE})", f"UBND xã Hai ({PUSHED})"):
        assert words in several.text, words
    assert "Chi tiết kỹ thuật" not in several.text
    assert (await browser.post("/acts/do", form | {"to": "khong co ai"})).status == 404


async def test_what_no_form_of_ours_sends_is_refused(site: Site) -> None:
    """No choice, an unknown act, a date that is none, too many ids, an address elsewhere."""
    browser = await site.signed_in(Role.OPERATOR)
    [key] = await sent(site, 1)
    await browser.get(f"/acts?delivery={key}")
    for fields in (
        {"act": "hold"},
        {"act": "explode", "ids": key},
        {"act": "hand_over", "ids": key, "at": "yesterday", "reason": WHY},
        {"act": "hold", "ids": " ".join(f"x{number}" for number in range(1001)), "reason": WHY},
    ):
        assert (await browser.post("/acts/do", fields)).status == 422, fields
    administrator = await site.signed_in(Role.ADMINISTRATOR)
    for answer, status_code in (("", 422), ("yes", 422), ("confirm", 404)):  # there is no such order
        done = await administrator.post("/requests/orders/nobody", {"answer": answer, "reason": WHY})
        assert done.status == status_code, answer
    done = await browser.post("/acts/do", {"ids": key, "act": "hold", "reason": WHY, "back": "//evil.example"})
    assert done.location == "/"


async def test_parked_status_is_matched_with_one_button(site: Site) -> None:
    """The likeliest delivery is first; the queue is empty afterwards."""
    async with site.installation.client(PROVINCE) as province, site.installation.client(AXIS) as axis:
        accepted = await province.submit(document(PROVINCE, [MINISTRY], number="812"))
        await axis.post_status(status(MINISTRY, "03", sender=PROVINCE, number="0812"))
    browser = await site.signed_in(Role.OPERATOR)
    page = await browser.get("/queues?show=parked")
    assert "812/UBND-VP" in page.text
    form = re.search(
        r'name="status" value="([^"]+)"><input type="hidden" name="delivery" value="([^"]+)"><input type="hidden" '
        r'name="reason" value="([^"]+)"',
        page.text,
    )
    assert form is not None
    assert form[2] == accepted.deliveries[0].id
    done = await browser.post("/queues/match", {"status": form[1], "delivery": form[2], "reason": form[3]})
    assert done.status == 303, done.text
    assert await states(site.app, [accepted.deliveries[0].id]) == ["acknowledged"]
    assert "Mọi trạng thái đã gắn" in (await browser.get("/queues?show=parked")).text


async def test_returned_document_is_dealt_with_in_its_queue(site: Site) -> None:
    """It stands there with a form to forward it, until somebody says that it waits no more."""
    async with site.installation.client(PROVINCE) as province, site.installation.client(COMMUNE) as commune:
        accepted = await province.submit(document(PROVINCE, [COMMUNE], number="813"))
        key = accepted.deliveries[0].id

        async def there() -> bool:
            return any(item.id == key for item in (await commune.inbox()).items)

        await until(there, 60)
        await commune.content(key)
        await commune.ack(key)
        await commune.answer(key, models.NewStatus(code="02", description="nhầm nơi nhận"))
    browser = await site.signed_in(Role.OPERATOR)
    page = await browser.get("/queues?show=misrouted")
    assert "813/UBND-VP" in page.text
    done = await browser.post("/queues/settle", {"kind": "misrouted", "subject": key, "reason": WHY})
    assert done.status == 303, done.text
    assert "813/UBND-VP" not in (await browser.get("/queues?show=misrouted")).text


@pytest.mark.parametrize("show", ["parked", "misrouted", "conflicts", "quarantined", "signatures", "nonsense"])
async def test_every_queue_opens_in_both_languages_for_whoever_may_look(site: Site, show: str) -> None:
    """Also alone, as a page that is open fetches it."""
    browser = await site.signed_in(Role.VIEWER)
    for language, word in (("vi", "Hàng đợi"), ("en", "Queues")):
        await browser.get("/account")
        await browser.post("/preferences", {"language": language, "next": "/"})
        page = await browser.get(f"/queues?show={show}")
        assert (page.status, word in page.text) == (200, True), page.text
        assert (await browser.get(f"/queues/now?show={show}")).status == 200
