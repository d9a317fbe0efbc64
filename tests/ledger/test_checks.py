"""What waits for a look at signatures: held from the first instant, let go or kept by the verdict, once."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from datetime import datetime, timedelta

from gateway.clock import micros
from gateway.ledger.checks import RecordVerdict, Verdict, Wait, WaitForAnswers
from gateway.ledger.revocations import (
    Forget,
    ForgetOperation,
    KeepAnswers,
    KeepAnswersOperation,
    Placed,
    PlacedOperation,
    WakeOverdueChecks,
)
from gateway.seal.report import Indication, failed, passed, undecided
from gateway.seal.revocation import Answer
from gateway.signatures.judgement import judge
from gateway.signatures.model import Examined, Found, Kind, Signer, SignerKind
from gateway.states import Trigger
from tests.ledger.lab import START, Lab, message

SOON = START + timedelta(seconds=2)
LIST = b"a revocation list"
LIST_SHA256 = hashlib.sha256(LIST).hexdigest()


def _found(kind: SignerKind, *, good: bool = True) -> Found:
    check = passed("signature.value")
    if not good:
        check = failed("signature.digest", Indication.HASH_FAILURE, "the file differs")
    signer = Signer(sha256="0" * 64, name="x", subject="CN=x", issuer="CN=y", serial="1", kind=kind)
    return Found(kind=Kind.PDF, where="1 a.pdf", signer=signer, checks=(check,))


def _unanswered(kind: SignerKind) -> Found:
    check = undecided("certificate.revocation", Indication.TRY_LATER, "no list")
    signer = Signer(sha256="0" * 64, name="x", subject="CN=x", issuer="CN=y", serial="1", kind=kind)
    return Found(kind=Kind.PDF, where="1 a.pdf", signer=signer, checks=(check,))


def _report(*found: Found) -> Examined:
    answers = {LIST_SHA256: base64.b64encode(LIST).decode(), "f" * 64: base64.b64encode(b"forged").decode()}
    return Examined(at=SOON, signatures=found, revocations=answers)


GOOD = _report(_found(SignerKind.PERSON), _found(SignerKind.AGENCY))
BAD = _report(_found(SignerKind.PERSON), _found(SignerKind.AGENCY, good=False))


async def _verdict(lab: Lab, name: str, report: Examined) -> list[str] | None:
    return await lab.pump.submit(RecordVerdict(), Verdict(message_id=name, report=report, now=SOON))


async def test_waiting_line_is_held_from_its_first_instant_and_let_go_by_its_verdict(lab: Lab) -> None:
    """No claim comes between; it goes out under the same ids, and the verdict is an event before that."""
    await lab.record(message("a1", "i1", name="m", checks={"m/a1": "require", "m/i1": "warn"}))
    assert await lab.claim() == []
    assert await lab.rows("SELECT DISTINCT state, reason FROM delivery") == [("held", "held_for_checks")]
    assert sorted(await _verdict(lab, "m", GOOD) or ()) == ["a1", "i1"]
    assert await lab.rows("SELECT DISTINCT state, reason FROM delivery") == [("queued", None)]
    kinds = [row[0] for row in await lab.rows("SELECT kind FROM event ORDER BY seq")]
    assert kinds[-3:] == ["document.checked", "delivery.released", "delivery.released"]
    [item] = await lab.claim(SOON)
    assert item.dispatch_id == "m>a1"


async def test_recipient_that_only_records_is_not_kept_waiting(lab: Lab) -> None:
    """One recipient waits, the other has it at once."""
    await lab.record(message("a1", "a2", name="m", checks={"m/a1": "require"}))
    assert [item.dispatch_id for item in await lab.claim()] == ["m>a2"]


async def test_what_is_not_signed_as_required_is_held_for_a_person(lab: Lab) -> None:
    """Required: held anew, with its reason and the clerk's words; warned: delivered all the same."""
    await lab.record(message("a1", "a2", name="m", checks={"m/a1": "require", "m/a2": "warn"}))
    assert await _verdict(lab, "m", BAD) == ["a2"]
    rows = await lab.rows("SELECT id, state, reason, detail FROM delivery ORDER BY id")
    words = "chữ ký cá nhân: hợp lệ; chữ ký cơ quan: không hợp lệ — chỉ để biết, tham khảo"
    assert rows == [("m/a1", "held", "signatures_not_valid", words), ("m/a2", "queued", None, None)]
    assert [item.dispatch_id for item in await lab.claim(SOON)] == ["m>a2"]


async def test_second_verdict_of_a_crash_changes_nothing(lab: Lab) -> None:
    """A check that ran twice has one verdict: the first that was committed."""
    await lab.record(message("a1", name="m", checks={"m/a1": "warn"}))
    assert await lab.rows("SELECT message_id FROM check_due") == [("m",)]
    assert await _verdict(lab, "m", GOOD) == ["a1"]
    assert await _verdict(lab, "m", BAD) is None
    assert await lab.rows("SELECT verdict FROM verdict") == [("PASSED",)]
    assert await lab.rows("SELECT count(*) FROM event WHERE kind = 'document.checked'") == [(1,)]


async def test_verdict_is_kept_with_what_it_rests_on(lab: Lab) -> None:
    """The report by its digest, lists once and only where they are what their digest says."""
    await lab.record(message("a1", name="m", checks={}))
    await lab.record(message("a1", name="n", checks={}))
    await _verdict(lab, "m", GOOD)
    await _verdict(lab, "n", GOOD)
    [(sha256, report), _] = await lab.rows("SELECT sha256, report FROM verdict")
    assert hashlib.sha256(report).hexdigest() == sha256
    assert Examined.decode(report).signatures == GOOD.signatures
    assert await lab.rows("SELECT sha256, der FROM revocation_answer") == [(LIST_SHA256, LIST)]


async def test_document_that_nobody_signed_has_its_verdict_at_once(lab: Lab) -> None:
    """Nobody looks again, and there is no event, as after a look that finds nothing."""
    await lab.record(replace(message("a1", name="m", checks={}), unsigned=True))
    assert await lab.rows("SELECT * FROM check_due") == []
    [(found, at, sha256, report)] = await lab.rows("SELECT signatures, checked_at, sha256, report FROM verdict")
    assert (found, at, sha256) == (0, micros(START), hashlib.sha256(report).hexdigest())
    assert Examined.decode(report) == Examined(at=START)
    assert await lab.rows("SELECT count(*) FROM event WHERE kind = 'document.checked'") == [(0,)]
    assert [item.dispatch_id for item in await lab.claim()] == ["m>a1"]


async def test_document_that_nobody_signed_is_looked_at_where_somebody_waits(lab: Lab) -> None:
    """The recipient's policy decides in one place."""
    await lab.record(replace(message("a1", name="m", checks={"m/a1": "require"}), unsigned=True))
    assert await lab.rows("SELECT message_id FROM check_due") == [("m",)]
    assert await lab.rows("SELECT * FROM verdict") == []
    await lab.record(replace(message("a1", name="n"), unsigned=True))
    assert await lab.rows("SELECT * FROM verdict") == []


async def test_withdrawn_while_it_waits_stays_withdrawn(lab: Lab) -> None:
    """The verdict lets go what waits for it, and nothing else."""
    await lab.record(message("a1", name="m", checks={"m/a1": "warn"}))
    await lab.act(Trigger.WITHDRAWN, "m/a1")
    assert await _verdict(lab, "m", GOOD) == []
    assert await lab.rows("SELECT state FROM delivery") == [("withdrawn",)]


OPEN = Examined(at=SOON, signatures=(_found(SignerKind.PERSON), _unanswered(SignerKind.AGENCY)))


def _wait(name: str, *, begun_at: datetime = SOON) -> Wait:
    return Wait(
        message_id=name,
        subjects={"crl-1": "CA"},
        now=SOON,
        due_at=SOON + timedelta(hours=1),
        begun_at=begun_at,
    )


async def _waiting(lab: Lab) -> list[tuple[str, int]]:
    return await lab.rows("SELECT message_id, turn FROM check_due ORDER BY 1")


async def test_document_waits_for_its_ca_and_is_woken_by_the_answer_alone(lab: Lab) -> None:
    """Nobody else's answer, and no clock before its time."""
    await lab.record(message("a1", name="m", checks={"m/a1": "require"}))
    await lab.record(message("a1", name="n", checks={}))
    assert await lab.pump.submit(WaitForAnswers(), _wait("m"))
    assert await lab.pump.submit(WaitForAnswers(), _wait("n"))
    assert await _waiting(lab) == [("m", 2), ("n", 2)]
    assert [item.dispatch_id for item in await lab.claim()] == ["n>a1"]
    assert await lab.pump.submit(PlacedOperation(), Placed(subjects=("crl-2",), now=SOON)) == 0
    assert await lab.pump.submit(WakeOverdueChecks(), SOON + timedelta(minutes=59)) == 0
    assert await lab.pump.submit(PlacedOperation(), Placed(subjects=("crl-1",), now=SOON)) == 2
    assert await _waiting(lab) == [("m", 0), ("n", 1)]
    assert not await lab.pump.submit(WaitForAnswers(), _wait("gone"))


async def test_answer_that_came_during_the_look_is_not_missed(lab: Lab) -> None:
    """Placed after the look began, it may not have been seen: the document is looked at again at once."""
    await lab.record(message("a1", name="m", checks={"m/a1": "require"}))
    answer = Answer(kind="crl", subject="crl-1", this_update=START, next_update=None, der=LIST)
    await lab.pump.submit(KeepAnswersOperation(), KeepAnswers(answers=(answer,), now=START))
    await lab.pump.submit(PlacedOperation(), Placed(subjects=("crl-1",), now=SOON))
    await lab.pump.submit(WaitForAnswers(), _wait("m", begun_at=SOON))
    assert await _waiting(lab) == [("m", 0)]
    await lab.pump.submit(WaitForAnswers(), _wait("m", begun_at=SOON + timedelta(seconds=1)))
    assert await _waiting(lab) == [("m", 2)]


async def test_open_verdict_is_made_once_more_and_lets_go_what_it_kept(lab: Lab) -> None:
    """The policy decided: warned goes, required waits for a person, until the CA has answered."""
    await lab.record(message("a1", "a2", name="m", checks={"m/a1": "require", "m/a2": "warn"}))
    verdict = Verdict(message_id="m", report=OPEN, now=SOON, open=_wait("m"))
    assert await lab.pump.submit(RecordVerdict(), verdict) == ["a2"]
    rows = await lab.rows("SELECT id, state, reason FROM delivery ORDER BY id")
    assert rows == [("m/a1", "held", "signatures_not_valid"), ("m/a2", "queued", None)]
    assert await lab.rows("SELECT turn, held, decided_at IS NULL FROM check_due") == [(2, '{"m/a1":"require"}', 0)]
    later = SOON + timedelta(minutes=1)
    wait = replace(_wait("m"), due_at=later + timedelta(hours=1))
    again = Verdict(message_id="m", report=OPEN, now=later, open=wait)
    assert await lab.pump.submit(RecordVerdict(), again) == []
    assert await lab.rows("SELECT due_at, decided_at FROM check_due") == [(micros(wait.due_at), micros(SOON))]
    assert await lab.rows("SELECT state FROM delivery WHERE id = 'm/a1'") == [("held",)]
    good = Verdict(message_id="m", report=GOOD, now=later + timedelta(minutes=1))
    assert await lab.pump.submit(RecordVerdict(), good) == ["a1"]
    assert await lab.rows("SELECT state FROM delivery WHERE id = 'm/a1'") == [("queued",)]
    assert await _waiting(lab) == []
    assert await lab.rows("SELECT count(*) FROM verdict") == [(2,)]
    assert await lab.rows("SELECT count(*) FROM event WHERE kind = 'document.checked'") == [(2,)]


async def test_look_that_finds_something_else_is_recorded_although_a_ca_is_out(lab: Lab) -> None:
    """One of two CAs has answered; who was decided holds up nobody who was not."""
    await lab.record(message("a1", name="m", checks={"m/a1": "require"}))
    first = Examined(at=SOON, signatures=(_unanswered(SignerKind.PERSON), _unanswered(SignerKind.AGENCY)))
    for minutes, report in enumerate((first, first, OPEN, OPEN)):
        now = SOON + timedelta(minutes=minutes)
        await lab.pump.submit(RecordVerdict(), Verdict(message_id="m", report=report, now=now, open=_wait("m")))
    assert await lab.rows("SELECT count(*) FROM verdict") == [(2,)]
    assert await lab.pump.submit(WakeOverdueChecks(), SOON + timedelta(hours=1)) == 1
    assert await _waiting(lab) == [("m", 1)]


async def test_operator_who_released_meanwhile_is_not_undone(lab: Lab) -> None:
    """The later verdict lets go what it kept, and nothing that somebody else decided."""
    await lab.record(message("a1", name="m", checks={"m/a1": "require"}))
    verdict = Verdict(message_id="m", report=OPEN, now=SOON, open=_wait("m"))
    await lab.pump.submit(RecordVerdict(), verdict)
    await lab.act(Trigger.RELEASED, "m/a1")
    await lab.act(Trigger.HELD, "m/a1")
    good = Verdict(message_id="m", report=GOOD, now=SOON + timedelta(minutes=1))
    assert await lab.pump.submit(RecordVerdict(), good) == []
    assert await lab.rows("SELECT state, reason FROM delivery") == [("held", "held_by_operator")]


async def test_wait_of_long_ago_is_forgotten(lab: Lab) -> None:
    """A CA that never answers again keeps no list growing; what was not decided stays."""
    await lab.record(message("a1", name="m", checks={"m/a1": "require"}))
    await lab.record(message("a1", name="n", checks={}))
    await lab.pump.submit(RecordVerdict(), Verdict(message_id="m", report=OPEN, now=SOON, open=_wait("m")))
    await lab.pump.submit(WaitForAnswers(), _wait("n"))
    await lab.pump.submit(ForgetOperation(), Forget(sources=(), before=SOON + timedelta(days=1)))
    assert await _waiting(lab) == [("n", 2)]
    assert await lab.rows("SELECT DISTINCT message_id FROM check_wait") == [("n",)]


def test_clerks_words() -> None:
    """Both signatures valid, or for information only."""
    assert judge(GOOD).vi == "chữ ký cá nhân, chữ ký cơ quan: hợp lệ"
    assert judge(Examined(at=SOON)).vi == "không có chữ ký số — chỉ để biết, tham khảo"
    assert judge(_report(_found(SignerKind.UNKNOWN))).vi == (
        "chữ ký cá nhân: không có; chữ ký cơ quan: không có; chữ ký khác: hợp lệ — chỉ để biết, tham khảo"
    )
