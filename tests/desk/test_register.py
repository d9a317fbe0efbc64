"""Registering: số đến and 03 together, once, without gap or double, for own offices alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from gateway.api.models import NewStatus
from gateway.compose import Built
from gateway.desk.clerk import Clerk
from gateway.desk.register import PaperForm
from gateway.directory.changes import CloseAgency, CloseAgencyOperation
from gateway.edxml.envelope import BusinessType
from gateway.errors import BodyDamagedError, RefusedError
from gateway.ledger.entries import Beside, Paper
from gateway.ledger.reads import InboxRow
from tests.desk.lab import DeskLab, clerk_of, lab_of
from tests.journeys.installation import COMMUNE, PROVINCE
from tests.journeys.messages import DAY, document_id
from tests.journeys.test_journey import until

pytestmark = pytest.mark.asyncio(loop_scope="module")


def paper(number: str = "7", issuer: str = "Sở Nội vụ") -> Paper:
    """What a paper says."""
    return Paper(
        issuer=issuer,
        code_number=number,
        code_notation="SNV-VP",
        issued_on="2026-11-20",
        type_name="Công văn",
        subject="V/v chỉnh lý tài liệu",
    )


async def refused(work: object, code: str) -> RefusedError:
    """The refusal that something ends in."""
    with pytest.raises(RefusedError) as caught:
        await work  # type: ignore[misc]
    assert caught.value.code == code, caught.value
    return caught.value


async def test_registering_gives_the_number_and_tells_the_sender(lab: DeskLab) -> None:
    """Line, 03 and event come together; the 03 names number, day and person."""
    delivery = await lab.send()
    entry = await lab.desk.registering.register(lab.clerk, delivery, Beside(receiver="Phòng Văn hóa"))
    assert (entry.number, entry.code, entry.actor) == (1, f"{entry.paper.code_number}/UBND-VP", "user:lan")
    assert entry.beside.receiver == "Phòng Văn hóa"
    told = f"Đã vào sổ số 1 ngày {entry.day:%d/%m/%Y}."
    assert lab.statuses(delivery) == [("03", told)]
    facts = lab.events("entry.registered")[-1]
    assert (facts["actor"], facts["facts"]["number"], facts["delivery"]) == ("user:lan", 1, delivery)
    ((envelope,),) = lab.rows("SELECT envelope FROM message WHERE id = ?", facts["facts"]["status"])
    assert "Trần Thị Lan" in envelope
    assert "Lan" not in str(facts).replace("user:lan", "")


async def test_same_act_twice_is_one_line(lab: DeskLab) -> None:
    """A double click numbers once and tells once."""
    delivery = await lab.send()
    act = lab.desk.registering.register
    one, two = await asyncio.gather(act(lab.clerk, delivery), act(lab.clerk, delivery))
    assert one.id == two.id == (await act(lab.clerk, delivery)).id
    assert lab.numbers() == [1]
    assert [code for code, _ in lab.statuses(delivery)] == ["03"]


def overtake(lab: DeskLab, patch: pytest.MonkeyPatch, code: str, other: Callable[[], Awaitable[object]]) -> None:
    """Have something else done when a status is about to be built, after all that was asked before."""
    real = lab.app.gateway.composer.status
    acts = [other]

    async def overtaken(row: InboxRow, status: NewStatus) -> Built:
        if status.code == code and acts:
            await acts.pop()()
        return await real(row, status)

    patch.setattr(lab.app.gateway.composer, "status", overtaken)


async def test_document_that_is_returned_meanwhile_is_not_registered(
    lab: DeskLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sender gets 02 alone, and the next document the number; who is returning is overtaken likewise."""
    act = lab.desk.registering
    delivery, second = await lab.send(), await lab.send()
    overtake(lab, monkeypatch, "03", lambda: act.answer(lab.clerk, delivery, "02", "gửi nhầm"))
    await refused(act.register(lab.clerk, delivery), "state_forbids")
    assert lab.statuses(delivery) == [("02", "gửi nhầm")]
    overtake(lab, monkeypatch, "02", lambda: act.register(lab.clerk, second))
    refusal = await refused(act.answer(lab.clerk, second, "02", "gửi nhầm"), "state_forbids")
    assert "03" in refusal.detail
    assert [code for code, _ in lab.statuses(second)] == ["03"]
    assert lab.numbers() == [1]


async def test_office_s_system_that_is_faster_decides(lab: DeskLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it says by API at the same instant is the office's word, and takes no number."""
    act = lab.desk.registering
    delivery = await lab.send(to=COMMUNE)
    clerk = await clerk_of(lab.app, COMMUNE)
    (office,) = clerk.offices
    before, returned = lab.numbers(office), NewStatus(code="02", description="gửi nhầm")
    async with lab.site.client(COMMUNE) as system:
        overtake(lab, monkeypatch, "03", lambda: system.answer(delivery, returned))
        await refused(act.register(clerk, delivery), "state_forbids")
    assert lab.statuses(delivery) == [("02", "gửi nhầm")]
    assert lab.numbers(office) == before


async def test_answer_at_once_with_registering_is_one_of_both(lab: DeskLab) -> None:
    """Also where one transaction would hold both."""
    act = lab.desk.registering
    for _ in range(5):
        delivery = await lab.send()
        both = act.register(lab.clerk, delivery), act.answer(lab.clerk, delivery, "02", "gửi nhầm")
        ends = await asyncio.gather(*both, return_exceptions=True)
        assert [end.code for end in ends if isinstance(end, RefusedError)] == ["state_forbids"], ends
        assert len(lab.statuses(delivery)) == 1
    told = lab.rows("SELECT COUNT(*) FROM status WHERE code = '03' AND reporter_id = ?", lab.office)
    assert told == [(len(lab.numbers()),)]


async def test_sender_of_a_duplicate_is_told_one_number(lab: DeskLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a colleague registers it all the same, nobody tells the number of the other line."""
    act = lab.desk.registering
    first = await act.register(lab.clerk, await lab.send("126", subject="V/v một"))
    delivery = await lab.send("126", subject="V/v hai")
    overtake(lab, monkeypatch, "03", lambda: act.register(lab.clerk, delivery, even_so=True))
    await refused(act.answer_duplicate(lab.clerk, delivery), "state_forbids")
    ((_, words),) = lab.statuses(delivery)
    assert (f"số {first.number} " in words, "số 2 " in words) == (False, True)


async def test_clerks_at_once_leave_no_gap_and_no_double(lab: DeskLab) -> None:
    """Documents and papers share one series, whoever writes."""
    other = replace(lab.clerk, user_id="minh")
    deliveries = [await lab.send() for _ in range(12)]
    acts = [
        lab.desk.registering.register(lab.clerk if each % 2 else other, delivery)
        for each, delivery in enumerate(deliveries)
    ]
    papers = [
        lab.desk.registering.register_paper(other, PaperForm(office_id=lab.office, paper=paper(str(number))))
        for number in range(1, 7)
    ]
    entries = await asyncio.gather(*acts, *papers)
    assert sorted(entry.number for entry in entries) == list(range(1, 19))
    assert sorted(lab.numbers()) == list(range(1, 19))
    for delivery, entry in zip(deliveries, entries, strict=False):
        assert f"số {entry.number} " in lab.statuses(delivery)[0][1]


async def test_overtaken_number_is_read_again(lab: DeskLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where somebody else wrote between reading and writing, nothing of the first try stays."""
    delivery = await lab.send()
    registering, real = lab.desk.registering, lab.desk.reads.next_number
    overtaken: list[int] = []

    async def late(*key: object) -> int:
        number = await real(*key)  # type: ignore[arg-type]
        if not overtaken:
            overtaken.append(number)
            form = PaperForm(office_id=lab.office, paper=paper())
            second = type(registering)(lab.app.gateway, lab.desk.reads, lab.app.foundation.pump)
            await second.register_paper(lab.clerk, form)
        return number

    monkeypatch.setattr(lab.desk.reads, "next_number", late)
    entry = await registering.register(lab.clerk, delivery)
    assert (entry.number, lab.numbers()) == (2, [1, 2])
    assert [words for _, words in lab.statuses(delivery)] == [f"Đã vào sổ số 2 ngày {entry.day:%d/%m/%Y}."]


async def test_duplicate_is_refused_with_its_number_and_answered_with_it(lab: DeskLab) -> None:
    """What came on paper first is not numbered again; the sender is told the number that it has."""
    first = PaperForm(
        office_id=lab.office,
        paper=Paper(
            issuer="co quan  GỬI", code_number="0125", code_notation="UBND – VP", issued_on=DAY.isoformat(),
            subject="V/v",
        ),
    )  # fmt: skip
    entry = await lab.desk.registering.register_paper(lab.clerk, first)
    delivery = await lab.send("125")
    refusal = await refused(lab.desk.registering.register(lab.clerk, delivery), "desk_duplicate")
    told = f"đã vào sổ số {entry.number} ngày {entry.day:%d/%m/%Y}"
    assert refusal.detail == told
    assert lab.statuses(delivery) == []
    opened = await lab.desk.inbox.opened(lab.clerk, delivery, entry.year)
    assert opened.twin is not None
    assert (opened.twin.id, opened.entry, opened.next_number) == (entry.id, None, 2)
    await lab.desk.registering.answer_duplicate(lab.clerk, delivery)
    assert lab.statuses(delivery) == [("03", f"Văn bản trùng. {told.capitalize()}.")]
    assert lab.numbers() == [1]


async def test_clerk_may_insist_that_it_is_another_document(lab: DeskLab) -> None:
    """Two papers of one number exist; the clerk decides."""
    form = PaperForm(office_id=lab.office, paper=paper())
    await lab.desk.registering.register_paper(lab.clerk, form)
    await refused(lab.desk.registering.register_paper(lab.clerk, form), "desk_duplicate")
    second = await lab.desk.registering.register_paper(lab.clerk, replace(form, even_so=True))
    assert second.number == 2


async def test_another_offices_document_line_and_register_do_not_exist(lab: DeskLab) -> None:
    """A clerk of the province gets nowhere near the commune's."""
    delivery = await lab.send()
    stranger = await clerk_of(lab.app, PROVINCE, user_id="nam")
    registering, inbox = lab.desk.registering, lab.desk.inbox
    await refused(registering.register(stranger, delivery), "not_found")
    await refused(registering.answer(stranger, delivery, "02", "nhầm"), "not_found")
    await refused(registering.answer_duplicate(stranger, delivery), "not_found")
    await refused(inbox.opened(stranger, delivery, 2026), "not_found")
    await refused(inbox.waiting(stranger, lab.office), "not_found")
    await refused(registering.register_paper(stranger, PaperForm(office_id=lab.office, paper=paper())), "not_found")
    entry = await registering.register(lab.clerk, delivery)
    await refused(registering.amend(stranger, entry.id, Beside(note="x")), "not_found")
    await refused(registering.void(stranger, entry.id, "x"), "not_found")
    assert [code for code, _ in lab.statuses(delivery)] == ["03"]
    assert (await inbox.waiting(stranger)).items == []


async def test_first_list_says_01_once(lab: DeskLab) -> None:
    """An office with a browser alone has a document when its clerk has seen it in the list."""
    delivery = await lab.send(priority=3)
    listed = await lab.desk.inbox.waiting(lab.clerk)
    assert [(item.delivery_id, item.priority) for item in listed.items] == [(delivery, 3)]
    await lab.desk.arrivals.close()
    assert [code for code, _ in lab.statuses(delivery)] == ["01"]
    again = await lab.desk.inbox.waiting(lab.clerk)
    await lab.desk.close()
    assert [item.status for item in again.items] == ["01"]
    assert [code for code, _ in lab.statuses(delivery)] == ["01"]
    shown = lab.rows("SELECT actor, channel FROM listing WHERE recipient_id = ?", lab.office)
    assert shown[0] == ("user:lan", "console")
    await lab.desk.registering.register(lab.clerk, delivery)
    assert (await lab.desk.inbox.waiting(lab.clerk)).items == []


async def test_document_whose_01_cannot_be_said_keeps_back_none_of_the_others(
    lab: DeskLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are told of with the same list, and that one with the next."""
    deliveries, arrived = [await lab.send() for _ in range(3)], lab.desk.registering.arrived
    asked: list[str] = []

    async def fails_once(clerk: Clerk, delivery_id: str) -> None:
        asked.append(delivery_id)
        if len(asked) == 1:
            raise BodyDamagedError("its body is damaged")
        await arrived(clerk, delivery_id)

    monkeypatch.setattr(lab.desk.registering, "arrived", fails_once)
    for said in (2, 3):
        await lab.desk.inbox.waiting(lab.clerk)
        await lab.desk.arrivals.close()
        assert sum(lab.statuses(each) != [] for each in deliveries) == said


async def test_office_with_software_says_01_by_it(lab: DeskLab) -> None:
    """A look at the desk takes nothing out of the list that the office's system reads."""
    delivery = await lab.send(to=COMMUNE)
    clerk = await clerk_of(lab.app, COMMUNE)
    assert (await lab.desk.inbox.waiting(clerk)).items[0].delivery_id == delivery
    await lab.desk.close()
    assert lab.statuses(delivery) == []
    async with lab.site.client(COMMUNE) as system:
        assert [item.id for item in (await system.inbox()).items] == [delivery]


async def test_answers_follow_their_order(lab: DeskLab) -> None:
    """02 needs a reason and no line; 04 to 06 need one; 15 and 16 need a request."""
    act = lab.desk.registering
    first, second = await lab.send(), await lab.send()
    await refused(act.answer(lab.clerk, first, "02", "  "), "status_reason_missing")
    await refused(act.answer(lab.clerk, first, "05"), "desk_not_registered")
    await refused(act.answer(lab.clerk, first, "15"), "status_without_request")
    await refused(act.answer(lab.clerk, first, "13"), "status_code_unknown")
    await act.answer(lab.clerk, first, "02", "Gửi nhầm đơn vị")
    assert lab.statuses(first) == [("02", "Gửi nhầm đơn vị")]
    await refused(act.register(lab.clerk, first), "state_forbids")
    await act.register(lab.clerk, second)
    await refused(act.answer(lab.clerk, second, "02", "nhầm"), "desk_registered")
    for code in ("04", "05", "06"):
        await act.answer(lab.clerk, second, code)
    assert [code for code, _ in lab.statuses(second)] == ["03", "04", "05", "06"]


async def test_recalled_document_is_struck_through_when_it_was_given_back(lab: DeskLab) -> None:
    """The recall waits at the desk for 15 or 16; after 15 the line is struck, its number stays."""
    delivery = await lab.send("4711")
    entry = await lab.desk.registering.register(lab.clerk, delivery)
    await lab.send("4712", business=BusinessType.RECALL, about=document_id(PROVINCE, "4711"))
    waiting = await lab.desk.inbox.waiting(lab.clerk)
    assert [item.delivery_id for item in waiting.asked] == [delivery]
    shown = await lab.desk.registering.entry(lab.clerk, entry.id)
    assert (shown.is_recalled, shown.is_struck) == (True, False)
    await lab.desk.registering.answer(lab.clerk, delivery, "15")
    shown = await lab.desk.registering.entry(lab.clerk, entry.id)
    assert (shown.is_struck, shown.status, shown.number) == (True, "15", 1)
    assert (await lab.desk.inbox.waiting(lab.clerk)).asked == []


async def test_line_is_amended_and_struck_out_but_its_number_is_not_given_again(lab: DeskLab) -> None:
    """A mistake stays to be seen."""
    act = lab.desk.registering
    entry = await act.register_paper(lab.clerk, PaperForm(office_id=lab.office, paper=paper()))
    amended = await act.amend(lab.clerk, entry.id, Beside(receiver="Tư pháp", passed_on="2026-11-30"))
    assert amended.beside.receiver == "Tư pháp"
    voided = await act.void(lab.clerk, entry.id, "ghi nhầm")
    assert (voided.is_struck, voided.voided_why) == (True, "ghi nhầm")
    await refused(act.void(lab.clerk, entry.id, "lại"), "desk_entry_voided")
    await refused(act.amend(lab.clerk, entry.id, Beside()), "desk_entry_voided")
    again = await act.register_paper(lab.clerk, PaperForm(office_id=lab.office, paper=paper()))
    assert again.number == 2


async def test_paper_without_a_number_is_known_by_its_words(lab: DeskLab) -> None:
    """A form that was sent twice gets one number; the clerk may insist."""
    form = PaperForm(office_id=lab.office, paper=replace(paper(), code_number="", code_notation=""))
    await lab.desk.registering.register_paper(lab.clerk, form)
    again = replace(form, paper=replace(form.paper, subject=form.paper.subject.upper()))
    refusal = await refused(lab.desk.registering.register_paper(lab.clerk, again), "desk_duplicate")
    assert "đã vào sổ số 1 " in refusal.detail
    await lab.desk.registering.register_paper(lab.clerk, replace(again, even_so=True))
    other = replace(form, paper=replace(form.paper, subject="V/v việc khác"))
    await lab.desk.registering.register_paper(lab.clerk, other)
    assert lab.numbers() == [1, 2, 3]


async def test_line_cannot_be_deleted(lab: DeskLab) -> None:
    """The database forbids it."""
    await lab.desk.registering.register_paper(lab.clerk, PaperForm(office_id=lab.office, paper=paper()))
    with pytest.raises(Exception, match="never deleted"):
        await lab.app.foundation.writer.fetch("DELETE FROM desk_entry")


async def test_paper_needs_issuer_subject_and_a_day_that_is_one(lab: DeskLab) -> None:
    """What a form lacks is named."""
    act = lab.desk.registering.register_paper
    wrong = replace(paper(), issuer=" ")
    refusal = await refused(act(lab.clerk, PaperForm(office_id=lab.office, paper=wrong)), "desk_form_incomplete")
    assert "issuer" in refusal.detail
    wrong = replace(paper(), issued_on="31/11/2026")
    await refused(act(lab.clerk, PaperForm(office_id=lab.office, paper=wrong)), "desk_form_incomplete")
    assert lab.numbers() == []


async def test_predecessors_document_is_answered_under_the_offices_own_code(lab: DeskLab) -> None:
    """Who wrote to a closed commune is answered by the one that succeeded it; the old code is shown."""
    base, old = lab.app.foundation, await lab_of(lab.site)
    now = base.clock.now()
    delivery = await lab.send(to=old.code)
    closing = CloseAgency(agency_id=old.office, at=now, successor_id=lab.office, actor="operator:test", now=now)
    await base.directory.apply(base.pump, CloseAgencyOperation(), closing)
    await refused(lab.desk.registering.register(lab.clerk, delivery), "not_found")
    assert await base.directory.predecessors_of(lab.office, base.clock.now()) == {old.office}
    clerk = replace(lab.clerk, heirs={old.office: lab.office})
    item = (await lab.desk.inbox.waiting(clerk)).items[0]
    assert (item.delivery_id, item.recipient_id, item.addressed_to) == (delivery, old.office, old.code)
    entry = await lab.desk.registering.register(clerk, delivery)
    facts = lab.events("entry.registered")[-1]["facts"]
    assert (entry.number, facts["office"]) == (1, lab.office)
    assert lab.rows("SELECT sender_code FROM message WHERE id = ?", facts["status"]) == [(lab.code,)]


async def test_sender_hears_of_it(lab: DeskLab) -> None:
    """The 03 is on its way to the sender like any status of the office."""
    delivery = await lab.send()
    await lab.desk.registering.register(lab.clerk, delivery)
    async with lab.site.client(PROVINCE) as province:

        async def there() -> bool:
            found = [item for item in (await province.inbox(limit=100)).items if item.sender_organ_id == lab.code]
            return [item.status_code for item in found] == ["03"]

        await until(there)


async def test_document_whose_request_was_answered_first_is_still_registered(lab: DeskLab) -> None:
    """16, or 15 to an update, leaves the document at the desk; what was given back waits no more."""
    act = lab.desk.registering
    for number in ("4721", "4722", "4723"):
        await lab.send(number)
    kept, changed, gone = [item.delivery_id for item in (await lab.desk.inbox.waiting(lab.clerk)).items]
    await lab.desk.arrivals.close()  # a recall withdraws what has not arrived
    await lab.send("4731", business=BusinessType.RECALL, about=document_id(PROVINCE, "4721"))
    await lab.send("4732", business=BusinessType.UPDATE, about=document_id(PROVINCE, "4722"))
    await lab.send("4733", business=BusinessType.RECALL, about=document_id(PROVINCE, "4723"))
    await act.answer(lab.clerk, kept, "16", "đã xử lý")
    await act.answer(lab.clerk, changed, "15")
    await act.answer(lab.clerk, gone, "15")
    await refused(act.answer(lab.clerk, kept, "05"), "desk_not_registered")
    waiting = {item.code_number: item.delivery_id for item in (await lab.desk.inbox.waiting(lab.clerk)).items}
    assert set(waiting) == {"4721", "4722", "4732"}
    for delivery in waiting.values():
        assert (await lab.desk.inbox.opened(lab.clerk, delivery, 2026)).may_register
        entry = await act.register(lab.clerk, delivery)
        assert lab.statuses(delivery)[-1] == ("03", f"Đã vào sổ số {entry.number} ngày {entry.day:%d/%m/%Y}.")
    asked = "SELECT business_status FROM delivery WHERE id = ?"
    assert [lab.rows(asked, delivery) for delivery in waiting.values()] == [[("03",)]] * 3
    assert (await lab.desk.inbox.waiting(lab.clerk)).items == []
    assert lab.rows("SELECT COUNT(*) FROM status WHERE flag IS NOT NULL AND delivery_id = ?", kept) == [(0,)]


async def test_second_request_answered_with_the_same_words_is_answered(lab: DeskLab) -> None:
    """Each request has an answer of its own, whatever is said."""
    act = lab.desk.registering
    delivery = await lab.send("4741")
    await act.register(lab.clerk, delivery)
    for number in ("4742", "4743"):
        await lab.send(number, business=BusinessType.UPDATE, about=document_id(PROVINCE, "4741"))
        await act.answer(lab.clerk, delivery, "16")
        assert delivery not in [item.delivery_id for item in (await lab.desk.inbox.waiting(lab.clerk)).asked]
    assert [code for code, _ in lab.statuses(delivery)] == ["03", "16", "16"]


async def test_document_of_a_struck_line_is_registered_again_without_another_03(lab: DeskLab) -> None:
    """The wrong line stays, the right one gets the next number; the sender was told already."""
    act = lab.desk.registering
    delivery = await lab.send()
    wrong = await act.register(lab.clerk, delivery)
    await act.void(lab.clerk, wrong.id, "ghi nhầm")
    opened = await lab.desk.inbox.opened(lab.clerk, delivery, wrong.year)
    assert (opened.entry, opened.may_register) == (None, True)
    right, same = await asyncio.gather(act.register(lab.clerk, delivery), act.register(lab.clerk, delivery))
    assert (right.id, right.number, right.delivery_id) == (same.id, 2, delivery)
    assert (await act.entry(lab.clerk, wrong.id)).is_struck
    assert [code for code, _ in lab.statuses(delivery)] == ["03"]
    await act.answer(lab.clerk, delivery, "05")
    await act.void(lab.clerk, right.id, "lại nhầm")
    assert (await act.register(lab.clerk, delivery)).number == 3


async def test_documents_without_a_number_are_no_duplicates(lab: DeskLab) -> None:
    """One issuer may write twice a day without numbering; nothing says that it is the same."""
    act = lab.desk.registering
    papers = [replace(paper(""), subject=text) for text in ("V/v một", "V/v hai")]
    forms = [PaperForm(office_id=lab.office, paper=each) for each in papers]
    assert [(await act.register_paper(lab.clerk, form)).number for form in forms] == [1, 2]


async def test_urgent_document_is_first_however_many_wait(lab: DeskLab) -> None:
    """The list of all offices is ordered before it is cut into pages; nothing is left out between two."""
    other = await lab_of(lab.site)
    clerk = await clerk_of(lab.app, lab.code, other.code)
    ways = ((lab, 0), (other, 0), (lab, 1), (lab, 3), (other, 2))
    sent = [await way.send(priority=priority) for way, priority in ways]
    seen: list[str] = []
    page = await lab.desk.inbox.waiting(clerk, limit=1)
    while True:
        seen += [item.delivery_id for item in page.items]
        if page.cursor is None:
            break
        page = await lab.desk.inbox.waiting(clerk, limit=1, after=page.cursor)
    assert seen == [sent[3], sent[4], sent[2], sent[0], sent[1]]
