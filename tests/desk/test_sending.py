"""Sending: drafts outlive sessions, numbers have no gaps, and nothing goes unsigned by mistake."""

from __future__ import annotations

import asyncio
import unicodedata
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from gateway.compose import Built
from gateway.desk.clerk import Clerk
from gateway.desk.sending import OutgoingForm
from gateway.ledger.drafts_kept import Draft
from gateway.signatures.judgement import judge
from tests.desk.lab import DeskLab, clerk_of
from tests.desk.test_register import refused
from tests.journeys.installation import PROVINCE
from tests.unit.signatures.cms_made import CmsPlan
from tests.unit.signatures.pdf_made import signed

pytestmark = pytest.mark.asyncio(loop_scope="module")

UNSIGNED = b"%PDF-1.4\nmot trang\n%%EOF\n"
FORM = OutgoingForm(
    recipients=(PROVINCE,), notation="UBND-VP", subject="V/v báo cáo tháng 11", signer="Nguyễn Văn Bé"
)


def fully_signed() -> bytes:
    """A PDF with the signatures of the signer and the office."""
    return signed(CmsPlan(member="person"), CmsPlan(member="agency")).data


async def drafted(lab: DeskLab, pdf: bytes, form: OutgoingForm = FORM, clerk: Clerk | None = None) -> Draft:
    """A draft with one file."""
    clerk = clerk or lab.clerk
    body = await lab.spooled(pdf)
    file = await lab.desk.papers.add(clerk, lab.office, "bao cao.pdf", body, is_scan=False)
    return await lab.desk.sending.save(clerk, lab.office, form, file_ids=[file.id])


async def test_signed_document_goes_out_under_its_number(lab: DeskLab) -> None:
    """The number is taken first; acceptance gives the line its document, and the draft is gone."""
    draft = await drafted(lab, fully_signed())
    assert judge(await lab.desk.sending.look(lab.clerk, draft.id)).as_the_law_asks
    entry = await lab.desk.sending.take_number(lab.clerk, draft.id)
    assert (entry.number, entry.code, entry.message_id) == (1, "01/UBND-VP", "")
    message = await lab.desk.sending.send(lab.clerk, draft.id)
    sent = await lab.desk.registering.entry(lab.clerk, entry.id)
    assert (sent.message_id, sent.code, sent.paper.subject) == (message, "01/UBND-VP", FORM.subject)
    assert sent.paper.recipients == "UBND tỉnh Kiên Giang"
    assert await lab.desk.sending.drafts(lab.clerk) == []
    ((sender, number, caller),) = lab.rows(
        "SELECT sender_code, code_number, caller FROM message WHERE id = ?", message
    )
    assert (sender, number, msgspec.json.decode(caller)["method"]) == (lab.code, "01", "session")
    assert lab.events("entry.sent")[-1]["message"] == message


async def test_statuses_about_it_are_taken_over_with_the_list(lab: DeskLab) -> None:
    """An office with a browser alone leaves nothing waiting; the recipient's word stands at its line."""
    draft = await drafted(lab, UNSIGNED)
    message = await lab.desk.sending.send(lab.clerk, draft.id, why_unsigned="thử")
    ((delivery,),) = lab.rows("SELECT id FROM delivery WHERE message_id = ?", message)
    province = await clerk_of(lab.app, PROVINCE, user_id="nam")
    await lab.desk.registering.register(province, delivery)
    asked = "SELECT state FROM delivery WHERE recipient_id = ?"
    assert lab.rows(asked, lab.office) == [("queued",)]
    await lab.desk.inbox.waiting(lab.clerk)
    await lab.desk.arrivals.close()
    assert lab.rows(asked, lab.office) == [("delivered",)]
    ((line,),) = lab.rows("SELECT business_status FROM delivery WHERE id = ?", delivery)
    assert line == "03"


async def test_unsigned_document_stays_unless_somebody_says_why(lab: DeskLab) -> None:
    """The refusal says what lacks; the reason stands beside the event."""
    draft = await drafted(lab, UNSIGNED)
    refusal = await refused(lab.desk.sending.send(lab.clerk, draft.id), "desk_signatures_lacking")
    assert "không có chữ ký số" in refusal.detail
    assert lab.rows("SELECT COUNT(*) FROM message WHERE sender_id = ?", lab.office) == [(0,)]
    await lab.desk.sending.send(lab.clerk, draft.id, why_unsigned="Ký sau, theo chỉ đạo")
    asked = "SELECT note FROM event WHERE kind = 'entry.sent' ORDER BY seq DESC LIMIT 1"
    assert lab.rows(asked) == [("Ký sau, theo chỉ đạo",)]
    assert lab.numbers(direction="out") == [1]


async def test_numbers_of_a_series_have_no_gap_whoever_takes_them(lab: DeskLab) -> None:
    """Each series counts by itself; the same draft asked twice has one number."""
    drafts = [
        await lab.desk.sending.save(lab.clerk, lab.office, msgspec.structs.replace(FORM, series=series))
        for series in ("", "QĐ", "", "QĐ", "")
    ]
    other = replace(lab.clerk, user_id="minh")
    take = lab.desk.sending.take_number
    entries = await asyncio.gather(*(take(who, each.id) for each in drafts for who in (lab.clerk, other)))
    assert {(entry.series, entry.number) for entry in entries} == {
        ("", 1), ("", 2), ("", 3), ("QĐ", 1), ("QĐ", 2),
    }  # fmt: skip
    assert await lab.desk.reads.series(lab.office, entries[0].year) == {"": 3, "QĐ": 2}


async def test_series_is_one_however_it_is_typed(lab: DeskLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ð for Đ, other Unicode forms, capitals and spaces make no other; other letters do."""

    async def number(series: str) -> tuple[str, int]:
        form = msgspec.structs.replace(FORM, series=series)
        draft = await lab.desk.sending.save(lab.clerk, lab.office, form)
        entry = await lab.desk.sending.take_number(lab.clerk, draft.id)
        return entry.series, entry.number

    typed = ("QĐ-CT", "Q\u00d0-CT", unicodedata.normalize("NFD", "qđ-ct"), "  QĐ-CT ")
    assert [await number(each) for each in typed] == [("QĐ-CT", each) for each in range(1, 5)]
    assert [await number("ĐA"), await number("DA")] == [("ĐA", 1), ("DA", 1)]
    with monkeypatch.context() as patch:  # as an earlier version wrote it
        patch.setattr("gateway.desk.sending.proper", str)
        assert await number("T\u00d0") == ("T\u00d0", 1)
    assert await number("TĐ") == ("T\u00d0", 2)
    both = await asyncio.gather(number("BC"), number("bc"))
    assert sorted(each[1] for each in both) == [1, 2]


async def test_draft_whose_number_was_struck_out_gets_another(lab: DeskLab) -> None:
    """It is stuck no more: the line stays struck out, and the document goes out under the next number."""
    draft = await drafted(lab, UNSIGNED)
    take = lab.desk.sending.take_number
    wrong = await take(lab.clerk, draft.id)
    await lab.desk.registering.void(lab.clerk, wrong.id, "nhầm số")
    assert (await lab.desk.sending.draft(lab.clerk, draft.id)).entry_id == ""
    assert [each.entry_id for each in await lab.desk.sending.drafts(lab.clerk)] == [""]
    one, two = await asyncio.gather(take(lab.clerk, draft.id), take(lab.clerk, draft.id))
    assert (one.id, one.number) == (two.id, 2)
    message = await lab.desk.sending.send(lab.clerk, draft.id, why_unsigned="thử")
    assert (await lab.desk.registering.entry(lab.clerk, one.id)).message_id == message
    assert (await lab.desk.registering.entry(lab.clerk, wrong.id)).is_struck


async def test_draft_is_the_offices_and_outlives_its_clerk(lab: DeskLab) -> None:
    """Another clerk of the office goes on with it; one of another office sees nothing."""
    draft = await drafted(lab, UNSIGNED)
    other, stranger = replace(lab.clerk, user_id="minh"), await clerk_of(lab.app, PROVINCE, user_id="nam")
    changed = msgspec.structs.replace(FORM, subject="V/v khác")
    saved = await lab.desk.sending.save(other, lab.office, changed, draft_id=draft.id, file_ids=[draft.files[0].id])
    assert (saved.id, saved.owner, len(saved.files)) == (draft.id, "user:minh", 1)
    sending, (office,) = lab.desk.sending, stranger.offices
    await refused(sending.draft(stranger, draft.id), "not_found")
    await refused(sending.save(stranger, office, FORM, draft_id=draft.id), "not_found")
    await refused(sending.save(stranger, office, FORM, file_ids=[draft.files[0].id]), "not_found")
    await refused(sending.save(stranger, lab.office, FORM), "not_found")
    await refused(sending.send(stranger, draft.id, why_unsigned="x"), "not_found")
    await refused(sending.drop(stranger, draft.id), "not_found")
    await refused(lab.desk.papers.open(stranger, draft.files[0].id), "not_found")
    assert (await sending.draft(lab.clerk, draft.id)).form == saved.form
    await sending.drop(lab.clerk, draft.id)
    assert await sending.drafts(lab.clerk, lab.office) == []


async def test_what_lacks_is_named_before_a_number_is_taken(lab: DeskLab) -> None:
    """An unfinished draft is kept, not sent."""
    draft = await lab.desk.sending.save(lab.clerk, lab.office, OutgoingForm(subject="x"))
    refusal = await refused(lab.desk.sending.send(lab.clerk, draft.id), "desk_form_incomplete")
    assert "recipients" in refusal.detail
    assert lab.numbers(direction="out") == []


async def test_reply_names_the_document_that_it_answers(lab: DeskLab) -> None:
    """ResponseFor is made of the document that came."""
    delivery = await lab.send("77")
    draft = await drafted(lab, UNSIGNED, msgspec.structs.replace(FORM, answers=delivery))
    message = await lab.desk.sending.send(lab.clerk, draft.id, why_unsigned="thử")
    ((envelope,),) = lab.rows("SELECT envelope FROM message WHERE id = ?", message)
    (answered,) = msgspec.json.decode(envelope)["responses_for"]
    assert (answered["organ_id"], answered["code"]) == (PROVINCE, "77/UBND-VP")


async def test_sent_twice_at_once_is_one_message(lab: DeskLab) -> None:
    """The same draft gives the same bytes."""
    draft = await drafted(lab, UNSIGNED)
    send = lab.desk.sending.send
    one, two = await asyncio.gather(*(send(lab.clerk, draft.id, why_unsigned="thử") for _ in range(2)))
    assert one == two
    assert lab.rows("SELECT id FROM message WHERE sender_id = ?", lab.office) == [(one,)]


async def test_draft_that_an_earlier_version_left_when_it_died_is_one_message(
    lab: DeskLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It had been accepted: sent again it is the same message, and the draft is gone."""
    draft = await drafted(lab, UNSIGNED)

    async def forgets_nothing(*_: object) -> None:
        pass

    with monkeypatch.context() as patch:
        patch.setattr("gateway.ledger.entries._forget_draft", forgets_nothing)
        first = await lab.desk.sending.send(lab.clerk, draft.id, why_unsigned="thử")
    assert await lab.desk.sending.send(lab.clerk, draft.id, why_unsigned="thử") == first
    assert await lab.desk.sending.drafts(lab.clerk) == []


@pytest.mark.parametrize("act", ["save", "drop"])
async def test_draft_that_a_colleague_changes_while_it_is_sent_does_not_go(
    lab: DeskLab, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    """The correction stays, under the number that was taken; what is dropped meanwhile is not sent either."""
    sending, draft = lab.desk.sending, await drafted(lab, UNSIGNED)
    other, files = replace(lab.clerk, user_id="minh"), [file.id for file in draft.files]
    theirs = msgspec.structs.replace(FORM, subject="V/v đã sửa")
    real = lab.app.gateway.composer.document

    async def overtaken(*args: Any, **named: Any) -> Built:
        built = await real(*args, **named)
        if act == "save":
            await sending.save(other, lab.office, theirs, draft_id=draft.id, file_ids=files)
        else:
            await sending.drop(other, draft.id)
        return built

    with monkeypatch.context() as patch:
        patch.setattr(lab.app.gateway.composer, "document", overtaken)
        late = sending.send(lab.clerk, draft.id, why_unsigned="thử")
        await refused(late, "desk_draft_changed" if act == "save" else "not_found")
    assert lab.rows("SELECT COUNT(*) FROM message WHERE sender_id = ?", lab.office) == [(0,)]
    assert lab.numbers(direction="out") == [1]
    if act == "save":
        message = await sending.send(lab.clerk, draft.id, why_unsigned="thử")
        assert lab.rows("SELECT subject, code_number FROM message WHERE id = ?", message) == [("V/v đã sửa", "01")]


async def test_group_has_codes_of_the_directory_alone(lab: DeskLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Groups are the office's own."""
    sending = lab.desk.sending
    await sending.set_group(lab.clerk, lab.office, " Cấp  trên ", [PROVINCE, PROVINCE])
    assert await sending.groups(lab.clerk, lab.office) == {"Cấp trên": (PROVINCE,)}
    await refused(sending.set_group(lab.clerk, lab.office, "Sai", ["999.99.99.X99"]), "recipient_unknown")
    stranger = await clerk_of(lab.app, PROVINCE, user_id="nam")
    await refused(sending.groups(stranger, lab.office), "not_found")
    monkeypatch.setattr("gateway.desk.sending._MOST_GROUPS", 1)
    await refused(sending.set_group(lab.clerk, lab.office, "Một nhóm nữa", [PROVINCE]), "desk_full")
    await sending.set_group(lab.clerk, lab.office, "Cấp trên", [PROVINCE])
    await sending.set_group(lab.clerk, lab.office, "Cấp trên", [])
    assert await sending.groups(lab.clerk, lab.office) == {}


async def test_scan_is_what_its_first_bytes_say(lab: DeskLab) -> None:
    """A page of HTML called .pdf is no scan."""
    wrong = await lab.spooled(b"<html>alert(1)</html>")
    await refused(lab.desk.papers.add(lab.clerk, lab.office, "scan.pdf", wrong), "desk_file_unfit")
    right = await lab.spooled(UNSIGNED)
    file = await lab.desk.papers.add(lab.clerk, lab.office, "../a/công văn.pdf", right)
    assert (file.name, file.content_type) == ("công văn.pdf", "application/pdf")
    _, reader = await lab.desk.papers.open(lab.clerk, file.id)
    assert await reader.read() == UNSIGNED


async def test_draft_is_not_written_over_what_a_colleague_has_changed(lab: DeskLab) -> None:
    """Who has not seen it is told; the colleague's words and files stay."""
    sending, draft = lab.desk.sending, await drafted(lab, UNSIGNED)
    theirs = msgspec.structs.replace(FORM, subject="V/v khác")
    other, files = replace(lab.clerk, user_id="minh"), [file.id for file in draft.files]
    second = await lab.desk.papers.add(other, lab.office, "phu luc.pdf", await lab.spooled(UNSIGNED), is_scan=False)
    saved = await sending.save(other, lab.office, theirs, draft_id=draft.id, file_ids=[*files, second.id])
    late = sending.save(lab.clerk, lab.office, FORM, draft_id=draft.id, file_ids=files, was=draft.changed_at)
    await refused(late, "desk_draft_changed")
    assert await sending.draft(lab.clerk, draft.id) == saved
    await sending.save(lab.clerk, lab.office, FORM, draft_id=draft.id, file_ids=files, was=saved.changed_at)


async def test_save_that_ends_after_the_sending_brings_no_draft_back(lab: DeskLab) -> None:
    """A document that went out cannot go out again under another number."""
    sending, draft = lab.desk.sending, await drafted(lab, UNSIGNED)
    await sending.send(lab.clerk, draft.id, why_unsigned="thử")
    files = [file.id for file in draft.files]
    late = sending.save(lab.clerk, lab.office, FORM, draft_id=draft.id, file_ids=files, was=draft.changed_at)
    await refused(late, "not_found")
    assert await sending.drafts(lab.clerk) == []
