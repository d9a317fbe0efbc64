"""Whose office is reminded of a document, and who is telephoned instead."""

from __future__ import annotations

import json
from datetime import date

from gateway.foundation import load_statements
from gateway.ledger.figures import unanswered
from gateway.ledger.reminders import Address, Remind, RemindOperation, Unreminded
from gateway.model import AgencyId
from tests.ledger.lab import HOUR, START, Lab, message, request, status
from tests.ledger.test_console_reads import changed

_MAIL = (Address(way="mail", target="vanthu@xa.example.vn"),)
_CLERK = """
INSERT INTO user (id, login, name, role, may_preview, created_at) VALUES ('u', 'clerk', 'Clerk', 'clerk', 0, 0);
INSERT INTO user_office VALUES ('u', 'i1');
"""


async def _remind(lab: Lab, name: str, *, mailed: tuple[str, ...] = (), hours: int = 2) -> dict[str, int]:
    """How many were reminded, and why others were not."""
    ask = Remind(
        message_id=name,
        actor="user:nhac",
        now=START + hours * HOUR,
        addresses={AgencyId(each): _MAIL for each in mailed},
    )
    done = await lab.pump.submit(RemindOperation(), ask)
    return {"reminded": len(done.deliveries)} | {str(why): count for why, count in done.left.items()}


async def test_who_would_not_notice_is_telephoned(lab: Lab) -> None:
    """An open item shows it; what a system has acknowledged is seen by an office's clerks, or where a mail goes."""
    await lab.record(message("i1", "i2", name="d"))
    await lab.fetch("d/i1")
    await lab.acknowledge("d/i1")
    assert await _remind(lab, "d") == {"reminded": 1, Unreminded.ELSEWHERE: 1}, "i2 has it in its inbox yet"
    assert await _remind(lab, "d", mailed=("i1",)) == {"reminded": 1, Unreminded.LATELY: 1}
    lab.eye.executescript(_CLERK)
    assert await _remind(lab, "d", hours=7) == {"reminded": 2}


async def test_nobody_is_to_register_what_is_given_back(lab: Lab) -> None:
    """A recall that was answered, and with 15 what it recalls; 16 leaves that to be registered."""
    await lab.record(message("i1", "i2", name="d"))
    await lab.record(changed(request("d", "i1", "i2", withdraws=False), original_id="d", business_type="1"))
    ((recall,),) = await lab.rows("SELECT id FROM message WHERE business_type = '1'")
    assert await _remind(lab, recall) == {"reminded": 2}
    await lab.record(request(recall, "i1", "i2", withdraws=False))
    for office, code in (("i1", "15"), ("i2", "16")):
        await lab.record(status(code, f"{recall}/{office}", f"d/{office}", at=START + HOUR))
    assert await _remind(lab, recall, hours=7) == {"reminded": 0, Unreminded.ANSWERED: 2}
    assert await _remind(lab, "d", mailed=("i2",)) == {"reminded": 1, Unreminded.ANSWERED: 1}


async def test_answer_that_is_due_is_reminded_of_by_mail(lab: Lab) -> None:
    """Though the document is registered; no list shows it any more, so that others are telephoned."""
    day = f"{START + HOUR * 24:%Y-%m-%d}"
    await lab.record(changed(message("i1", "i2", name="d"), envelope=json.dumps({"due_date": day})))
    for office in ("i1", "i2"):
        await lab.record(status("03", f"d/{office}", at=START + HOUR))
    assert await _remind(lab, "d", mailed=("i1",)) == {"reminded": 0, Unreminded.ANSWERED: 2}
    assert await _remind(lab, "d", mailed=("i1",), hours=24) == {"reminded": 1, Unreminded.ELSEWHERE: 1}
    await lab.record(status("06", "d/i1", at=START + HOUR))
    assert await _remind(lab, "d", mailed=("i1",), hours=48) == {
        Unreminded.ANSWERED: 1,
        "reminded": 0,
        Unreminded.ELSEWHERE: 1,
    }


async def test_alarm_counts_what_offices_have_and_no_day_hides_another(lab: Lab) -> None:
    """Not what was returned or has never arrived; of each day so many lines at most."""
    days = [date(2026, 11, 20), date(2026, 11, 21)]
    for name, day in (("d", days[0]), ("e", days[0]), ("f", days[1])):
        await lab.record(
            changed(message("i1", "a1", name=name), envelope=json.dumps({"due_date": day.isoformat()}))
        )
    assert await unanswered(lab.readers, days, limit=1) == {days[0]: {"i1": 1}, days[1]: {"i1": 1}}
    await lab.record(status("03", "d/i1", at=START + HOUR))
    await lab.record(status("02", "e/i1", at=START + HOUR))
    assert await unanswered(lab.readers, days, limit=9) == {days[0]: {"i1": 1}, days[1]: {"i1": 1}}


async def test_address_that_is_wished_twice_is_told_once(lab: Lab) -> None:
    """And hinders nobody."""
    await lab.record(message("i1", "i2", name="d"))
    ask = Remind(message_id="d", actor="user:nhac", now=START + 2 * HOUR, addresses={AgencyId("i1"): _MAIL * 2})
    assert len((await lab.pump.submit(RemindOperation(), ask)).deliveries) == 2
    assert await lab.rows("SELECT agency_id FROM alert WHERE reminded_at IS NOT NULL") == [("i1",)]


async def test_whoever_agrees_to_an_update_owes_an_answer_still(lab: Lab) -> None:
    """Whoever agrees to a recall owes none."""
    day = date(2026, 11, 20)
    due = json.dumps({"due_date": day.isoformat()})
    for name, business_type in (("updated", "2"), ("recalled", "1")):
        await lab.record(changed(message("i1", name=name), envelope=due))
        await lab.record(status("03", f"{name}/i1", at=START + HOUR))
        asked = changed(request(name, "i1", withdraws=False), original_id=name, business_type=business_type)
        await lab.record(asked)
        ((asking,),) = await lab.rows(f"SELECT id FROM message WHERE original_id = '{name}'")
        await lab.record(status("15", f"{asking}/i1", f"{name}/i1", at=START + HOUR))
    assert (
        await lab.rows("SELECT business_status FROM delivery WHERE message_id IN ('updated', 'recalled')")
        == [("15",)] * 2
    )
    assert await lab.rows("SELECT delivery_id FROM owed") == [("updated/i1",)]


async def test_desk_that_begins_looks_at_new_documents_alone(lab: Lab) -> None:
    """However long the ledger is: the first line since is found by the day of acceptance."""
    statement = load_statements().get("desk_office_insert")
    plan = [row[3] for row in lab.eye.execute(f"EXPLAIN QUERY PLAN {statement}", ("i1", 0, "user:x")).fetchall()]
    assert plan[0].startswith("SCALAR SUBQUERY") or plan[0].startswith("SCAN CONSTANT"), plan
    assert any("message_by_acceptance (accepted_at>" in line for line in plan), plan
    assert any("SEARCH d USING" in line and "message_id=" in line for line in plan), plan
