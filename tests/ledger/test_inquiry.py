"""Inquiries: an inspector finds a document by any spelling, hears what is proved of it, and leaves a trace."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import replace
from typing import Any

import pytest

from gateway.clock import VIETNAM, SystemClock
from gateway.directory.directory import Directory
from gateway.directory.fold import number_key
from gateway.edxml.organ_ids import canonical
from gateway.errors import RefusedError
from gateway.inquiry.finding import Absence, Found, Inquiries, Question, Unproved
from gateway.inquiry.grades import Grade
from gateway.inquiry.telling import absence_told, candidate_told
from gateway.ledger.inquiries import InquiryReads, LookupAct, commitment
from gateway.ledger.rows import NewMessage
from gateway.model import OutcomeKind
from gateway.states import State, Trigger
from tests.ledger.lab import DAY, HOUR, MINUTE, START, Lab, message, status

WHO = "user:auditor"
CODES = {
    "sender": "000.00.00.H33", "a1": "001.00.00.H33", "x1": "002.00.00.H33", "i1": "003.00.00.H33",
    "a3": "004.00.00.H33",
}  # fmt: skip
NAMES = {"sender": "UBND tỉnh", "a1": "UBND xã Một", "x1": "Bộ Hai", "i1": "UBND xã Ba", "a3": "UBND xã Bốn"}


def numbered(item: NewMessage, number: str, notation: str, **more: Any) -> NewMessage:
    """A document of a number."""
    return replace(item, message=replace(item.message, code_number=number, code_notation=notation, **more))


@pytest.fixture
async def inquiries(lab: Lab) -> Inquiries:
    """Offices with codes and names, over the ledger of this test."""
    for key, code in CODES.items():
        await lab.writer.fetch(
            "INSERT INTO agency_code (agency_id, code, scheme, canonical, valid_from)"
            " VALUES (?, ?, 'qcvn102', ?, 0)",
            (key, code, canonical(code)),
        )
        await lab.writer.fetch(
            "INSERT INTO agency_name (agency_id, name, folded, valid_from) VALUES (?, ?, ?, 0)",
            (key, NAMES[key], NAMES[key].lower()),
        )
    directory = Directory(lab.readers, clock=SystemClock())
    await directory.reload()
    return Inquiries(lab.readers, directory, lab.pump)


async def ask(inquiries: Inquiries, text: str, **more: Any) -> Found:
    """One question of this test's auditor."""
    return await inquiries.ask(Question(text=text, **more), actor=WHO, now=START + DAY)


def ids(found: Found) -> list[str]:
    """Which documents were found, by group."""
    return [each.document.id for group in found.groups for each in group.candidates]


async def told_of(inquiries: Inquiries, key: str) -> str:
    """The sentences on the one document, for an office."""
    found = await ask(inquiries, "9/VP", office=CODES[key])
    return candidate_told(found.groups[0].candidates[0], found.groups[0], found, "vi")


SPELLINGS = [
    "125/UBND-VP", "0125/UBND-VP", "125 / ubnd - vp", "125/UBND–VP", "Số: 125/UBND-VP", "125-UBND-VP", "125/UBNDVP",
    "125 UBND VP", "１２５/UBND-VP",
]  # fmt: skip


@pytest.mark.parametrize("text", SPELLINGS)
async def test_number_is_found_in_any_spelling(lab: Lab, inquiries: Inquiries, text: str) -> None:
    """Zeros, spaces, dashes, capitals and forms of digits are not what tells documents apart."""
    await lab.record(numbered(message("a1", name="plain"), "125", "UBND-VP"))
    await lab.record(numbered(message("a1", name="zeros"), "00125", "UBND - VP"))
    await lab.record(numbered(message("a1", name="other"), "125", "UBND-NC"))
    await lab.record(numbered(message("a1", name="longer"), "1250", "UBND-VP"))
    assert sorted(ids(await ask(inquiries, text))) == ["plain", "zeros"]


@pytest.mark.parametrize("whole", ["125/UBND-VP", "0125 / UBND–VP", "125-UBND-VP", "Số: 125/UBND-VP"])
async def test_number_that_was_sent_with_its_notation_is_found(lab: Lab, inquiries: Inquiries, whole: str) -> None:
    """A code in one piece stands in the number alone."""
    await lab.record(numbered(message("a1", name="whole"), whole, ""))
    await lab.record(numbered(message("a1", name="longer"), "1250/UBND-VP", ""))
    await lab.record(numbered(message("a1", name="other"), "125/UBND-NC", ""))
    assert ids(await ask(inquiries, "125/UBND-VP")) == ["whole"]


@pytest.mark.parametrize("letter", ["Đ", "Ð", "đ", unicodedata.normalize("NFD", "Đ")])
async def test_stroked_d_is_one_letter_whoever_typed_it(lab: Lab, inquiries: Inquiries, letter: str) -> None:
    await lab.record(numbered(message("a1", name="right"), "7", "QĐ-UBND"))
    await lab.record(numbered(message("a1", name="wrong"), "7", "QÐ-UBND"))
    await lab.record(numbered(message("a1", name="decomposed"), "7", unicodedata.normalize("NFD", "QĐ-Ủy ban")))
    assert sorted(ids(await ask(inquiries, f"7/Q{letter}-UBND"))) == ["right", "wrong"]
    assert ids(await ask(inquiries, "7/QĐ-ủy ban")) == ["decomposed"]


def test_number_key_of_what_is_no_number() -> None:
    assert number_key("UBND-VP") == ("", "ubndvp")
    assert number_key("12a/UBND") == ("12a", "ubnd")
    assert number_key("1.250/UBND") == ("1250", "ubnd")
    assert number_key("000/UBND") == ("0", "ubnd")
    assert number_key("12ab/UBND") == ("12", "abubnd")


async def test_candidates_are_grouped_by_issuer_and_year_with_what_came_later(
    lab: Lab, inquiries: Inquiries
) -> None:
    """One number is given anew each year and by each office; a recall is told at what it recalls."""
    await lab.record(numbered(message("a1", name="old"), "9", "VP", promulgated_on="2025-12-31"))
    await lab.record(numbered(message("a1", "x1", name="new", at=START + MINUTE), "9", "VP"))
    await lab.record(numbered(message("a1", name="theirs", at=START + HOUR), "9", "VP", sender_id="i1"))
    recall = message("a1", name="recall", at=START + 2 * HOUR)
    await lab.record(numbered(recall, "10", "VP", business_type="1", original_id="new"))
    found = await ask(inquiries, "9/VP")
    told = [(each.issuer_id, each.year, [one.document.id for one in each.candidates]) for each in found.groups]
    assert told == [("sender", 2026, ["new"]), ("i1", 2026, ["theirs"]), ("sender", 2025, ["old"])]
    (new,) = found.groups[0].candidates
    assert [(each.id, each.business_type) for each in new.later] == [("recall", "1")]
    assert "bị thu hồi bởi 10/VP" in candidate_told(new, found.groups[0], found, "vi")
    assert ids(await ask(inquiries, "9/VP", year=2025)) == ["old"]


async def test_office_is_issuer_or_recipient(lab: Lab, inquiries: Inquiries) -> None:
    """As it was asked."""
    await lab.record(numbered(message("a1", name="to"), "9", "VP"))
    await lab.record(numbered(message("x1", name="from"), "9", "VP", sender_id="a1"))
    await lab.record(numbered(message("x1", name="neither"), "9", "VP"))
    office = CODES["a1"]
    assert sorted(ids(await ask(inquiries, "9", office=office))) == ["from", "to"]
    assert ids(await ask(inquiries, "9", office=office, role="issuer")) == ["from"]
    assert ids(await ask(inquiries, "9", office=office, role="recipient")) == ["to"]
    with pytest.raises(RefusedError):
        await ask(inquiries, "9", office="999.99.99.H99")


async def test_office_counts_for_those_it_succeeded(lab: Lab, inquiries: Inquiries) -> None:
    """After a merger nobody has to know the old code."""
    await lab.record(numbered(message("i1", name="before"), "9", "VP"))
    await lab.writer.fetch("UPDATE agency SET closed_at = 1, successor_id = 'a1' WHERE id = 'i1'")
    assert ids(await ask(inquiries, "9", office=CODES["a1"])) == ["before"]


async def test_grade_is_what_somebody_else_has_said(lab: Lab, inquiries: Inquiries) -> None:
    """Rung by rung: sealed, relayed, handed over, reported, registered."""
    await lab.record(numbered(message("a1", "a2", "a3", "x1", "i1", name="d"), "9", "VP"))
    for out in await lab.claim(START + MINUTE, room=50):
        kind = OutcomeKind.RELAYED if out.endpoint_id == "axis" else OutcomeKind.DELIVERED
        if out.deliveries[0].recipient_id != "a3":
            await lab.finish(out, kind, now=START + HOUR)
    await lab.writer.fetch("UPDATE delivery SET peer_ref = 'axis-1' WHERE recipient_id = 'x1'")
    await lab.record(status("03", "d/a2", at=START + 2 * HOUR))
    await lab.record(status("01", "d/i1", at=START + 2 * HOUR))
    found = await ask(inquiries, "9/VP")
    (candidate,) = found.groups[0].candidates
    assert candidate.standing.grades == {
        Grade.ACCEPTED: 1, Grade.RELAYED: 1, Grade.HANDED: 1, Grade.REPORTED: 1, Grade.REGISTERED: 1,
    }  # fmt: skip
    asked = await ask(inquiries, "9/VP", office=CODES["x1"])
    (own,) = asked.groups[0].candidates
    told = candidate_told(own, asked.groups[0], asked, "vi")
    assert "Chưa có gì cho biết văn bản đã đến Bộ Hai" in told
    assert "bậc 2/6" in told


async def test_grade_is_that_of_the_line_and_no_operators_word(lab: Lab, inquiries: Inquiries) -> None:
    """Who refused what others of one transmission took has not got it; what a person confirmed is his word."""
    await lab.record(numbered(message("a1", "a2", "a3", name="d", fans_out=True), "9", "VP"))
    (out,) = await lab.claim(START + MINUTE, room=50)
    kinds = {"a1": OutcomeKind.REFUSED, "a2": OutcomeKind.DELIVERED, "a3": OutcomeKind.UNKNOWN}
    await lab.finish(out, kinds, now=START + HOUR)
    await lab.act(Trigger.HELD, "d/a3")
    await lab.act(Trigger.CONFIRMED, "d/a3")
    (candidate,) = (await ask(inquiries, "9/VP")).groups[0].candidates
    assert candidate.standing.grades == {Grade.ACCEPTED: 2, Grade.HANDED: 1}
    assert (await lab.state("d/a3")) is State.DELIVERED
    told = await told_of(inquiries, "a1")
    assert "hệ thống nơi nhận không nhận" in told
    assert "chứng thư" not in told
    assert "người vận hành" in await told_of(inquiries, "a3")


async def test_signature_of_the_receiver_is_the_strongest(lab: Lab, inquiries: Inquiries) -> None:
    await lab.record(numbered(message("i1", name="d"), "9", "VP"))
    await lab.fetch("d/i1")
    key = "ab" * 32
    await lab.writer.fetch("INSERT INTO receiver_key VALUES ('i1', ?, x'00', 'k', 0, NULL)", (key,))
    await lab.acknowledge("d/i1", key_id=key)
    found = await ask(inquiries, "9/VP")
    assert found.groups[0].candidates[0].standing.best is Grade.SIGNED


async def test_withdrawn_document_is_not_told_as_lost(lab: Lab, inquiries: Inquiries) -> None:
    await lab.record(numbered(message("a1", name="d"), "9", "VP"))
    await lab.act(Trigger.HELD, "d/a1")
    await lab.act(Trigger.WITHDRAWN, "d/a1")
    found = await ask(inquiries, "9/VP", office=CODES["a1"])
    told = candidate_told(found.groups[0].candidates[0], found.groups[0], found, "en")
    assert "withdrawn by the sender" in told


async def close(lab: Lab, *days: str) -> None:
    """The registers of some days."""
    for number, day in enumerate(days, 1):
        await lab.writer.fetch("INSERT INTO register_day VALUES (?, ?, 0, zeroblob(32))", (day, number))
        await lab.writer.fetch(
            "INSERT OR IGNORE INTO event (seq, kind, at, actor, leaf, leaf_hash) VALUES (?, 'x', 0, 'x', x'7B7D',"
            " zeroblob(32))",
            (number,),
        )


async def test_nothing_found_says_what_can_be_proved(lab: Lab, inquiries: Inquiries) -> None:
    """The closed days that follow one another up to the last; without an issuer, how to go on."""
    assert "Nêu cơ quan phát hành" in absence_told(await ask(inquiries, "404/VP"), "vi")
    open_day = await ask(inquiries, "404/VP", office=CODES["sender"])
    assert open_day.absence is Unproved.OPEN
    await close(lab, "2026-11-17", "2026-11-19", "2026-11-20")
    found = await ask(inquiries, "404/VP", office=CODES["sender"], year=2026)
    assert isinstance(found.absence, Absence)
    assert (found.absence.first.day, found.absence.last.day) == (19, 20)
    assert "UBND tỉnh không gửi" in absence_told(found, "vi")
    recipient = await ask(inquiries, "404/VP", office=CODES["sender"], role="recipient")
    assert recipient.absence is Unproved.NO_ISSUER
    spelt = await ask(inquiries, "Số: 404 / QÐ – VP", office=CODES["sender"])
    assert isinstance(spelt.absence, Absence)
    assert spelt.absence.number == "404/QĐ - VP"
    bare = await ask(inquiries, "404", office=CODES["sender"])
    assert bare.absence is Unproved.NO_NOTATION
    assert "125/UBND-VP" in absence_told(bare, "en")


async def test_document_of_another_year_is_not_told_as_absent(lab: Lab, inquiries: Inquiries) -> None:
    """Dated in December, accepted in January: days of registers are those of acceptance."""
    await lab.record(numbered(message("a1", name="d"), "9", "VP", promulgated_on="2018-12-31"))
    await close(lab, str(START.astimezone(VIETNAM).date()))
    found = await ask(inquiries, "9/VP", office=CODES["sender"], year=START.year)
    assert (found.count, found.others, found.absence) == (0, 1, Unproved.EXISTS)
    told = absence_told(found, "vi")
    assert told.startswith(f"Sổ không có văn bản 9/VP năm {START.year} do UBND tỉnh phát hành hoặc gửi đến")
    assert "Không chứng minh được" in told
    issuer = absence_told(await ask(inquiries, "9/VP", office=CODES["a1"], role="issuer"), "en")
    assert issuer.startswith("The ledger has no document 9/VP issued by UBND xã Một. It can be proved")
    sent_to = await ask(inquiries, "9/VP", office=CODES["x1"], role="recipient")
    assert (sent_to.others, "gửi đến Bộ Hai" in absence_told(sent_to, "vi")) == (1, True)
    elsewhere = await ask(inquiries, "9/VP", office=CODES["sender"], year=2018)
    assert (elsewhere.count, elsewhere.others) == (1, 0)


async def test_sentence_follows_the_chosen_zone_and_names_codes(lab: Lab, inquiries: Inquiries) -> None:
    """Not one time in Vietnam's and one in UTC on the same card; a bare 04 means nothing to an inspector."""
    await lab.record(numbered(message("a1", name="d"), "9", "VP"))
    (out,) = await lab.claim(START + MINUTE, room=50)
    await lab.finish(out, OutcomeKind.DELIVERED, now=START + HOUR)
    await lab.record(status("01", "d/a1", at=START + HOUR))
    await lab.record(status("04", "d/a1", at=START + 2 * HOUR))
    found = await ask(inquiries, "9/VP", office=CODES["a1"])
    group = found.groups[0]
    told = candidate_told(group.candidates[0], group, found, "vi", lambda at: f"<{at:%H:%M} UTC>")
    assert f"<{START:%H:%M} UTC>" in told
    assert "nay là 04 (Phân công xử lý)" in told
    assert not re.search(r"(?<!<)\b\d\d:\d\d\b", told)


async def test_lookup_is_recorded_and_tells_leaf_readers_nothing(lab: Lab, inquiries: Inquiries) -> None:
    """The question stands beside the leaf, which commits to it; no agency's feed has the event."""
    await lab.record(numbered(message("a1", name="d"), "125", "UBND-VP"))
    await ask(inquiries, "125/UBND-VP", year=2026, office=CODES["a1"])
    ((leaf, note, of_message),) = await lab.rows(
        "SELECT leaf, note, message_id FROM event WHERE kind = 'lookup.made'"
    )
    # by itself: a digest holds these digits by chance
    assert not re.search(r"(?<![0-9a-f])125(?![0-9a-f])", json.dumps(json.loads(leaf)["facts"]["act"]))
    assert "UBND" not in leaf.decode()
    assert of_message is None
    salt, _, question = note.partition(" ")
    assert json.loads(leaf)["facts"]["question"] == commitment(salt, question)
    (lookup,) = await InquiryReads(lab.readers).lookups(limit=10)
    assert (lookup.actor, lookup.act, lookup.found) == (WHO, LookupAct.SEARCHED, 1)
    assert lookup.question == "125/UBND-VP; 2026; 001.00.00.H33; any"
    page = {"after": 0, "upto": 2**62, "agencies": json.dumps(list(CODES)), "limit": 100}
    kinds = {row[1] for row in await lab.readers.fetch("event_list_since", page)}
    assert "lookup.made" not in kinds


@pytest.mark.parametrize("wrong", [{"text": " / "}, {"text": "9" * 300}, {"text": "9", "year": 12}])
def test_question_that_asks_nothing_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(RefusedError, match="parameter_invalid"):
        Question(**wrong)


async def test_document_is_found_by_its_id_and_digest(lab: Lab, inquiries: Inquiries) -> None:
    """What stands on a printed certificate finds it, too."""
    item = numbered(message("a1", name="d"), "125", "UBND-VP")
    await lab.record(item)
    assert ids(await ask(inquiries, "ref d")) == ["d"]
    assert ids(await ask(inquiries, item.message.sha256)) == ["d"]
