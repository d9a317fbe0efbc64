"""What waits for a look at signatures: held from the first instant, let go or kept by the verdict, once."""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta

from gateway.ledger.checks import RecordVerdict, Verdict
from gateway.seal.report import Indication, failed, passed
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


async def test_withdrawn_while_it_waits_stays_withdrawn(lab: Lab) -> None:
    """The verdict lets go what waits for it, and nothing else."""
    await lab.record(message("a1", name="m", checks={"m/a1": "warn"}))
    await lab.act(Trigger.WITHDRAWN, "m/a1")
    assert await _verdict(lab, "m", GOOD) == []
    assert await lab.rows("SELECT state FROM delivery") == [("withdrawn",)]


def test_clerks_words() -> None:
    """Both signatures valid, or for information only."""
    assert judge(GOOD).vi == "chữ ký cá nhân, chữ ký cơ quan: hợp lệ"
    assert judge(Examined(at=SOON)).vi == "không có chữ ký số — chỉ để biết, tham khảo"
    assert judge(_report(_found(SignerKind.UNKNOWN))).vi == (
        "chữ ký cá nhân: không có; chữ ký cơ quan: không có; chữ ký khác: hợp lệ — chỉ để biết, tham khảo"
    )
