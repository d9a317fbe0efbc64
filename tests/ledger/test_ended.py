"""Alerts and webhook replays have a term once they have ended; what is open stays, and so do all events."""

from __future__ import annotations

from datetime import UTC, datetime

from gateway.ids import uuid7
from gateway.ledger.alerts import (
    Claim,
    ClaimOperation,
    Ended,
    EndOperation,
    NewAlert,
    Planned,
    PlanOperation,
    Put,
    PutOperation,
)
from gateway.ledger.ended import PORTION, ForgetEnded, ForgetEndedOperation
from gateway.ledger.replays import (
    Ask,
    AskOperation,
    ClaimReplays,
    ClaimReplaysOperation,
    Replayed,
    ReplayedOperation,
)
from tests.ledger.lab import DAY, Lab, message

#: Ids have the machine's time in them.
NOW = datetime.now(UTC)


async def plan(lab: Lab, *targets: str, delivery: str | None, settled: str = "") -> list[str]:
    """Alerts about a delivery, or a digest; their ids."""
    alerts = tuple(
        NewAlert(
            way="call" if delivery else "mail",
            agency_id="i1",
            target=target,
            due_at=NOW,
            delivery_id=delivery,
            day=None if delivery else "2026-11-22",
            settled=settled,
        )
        for target in targets
    )
    await lab.pump.submit(PlanOperation(), Planned(alerts=alerts, now=NOW))
    rows = await lab.rows("SELECT id FROM alert WHERE target IN (SELECT value FROM json_each(?))", _json(targets))
    return [row[0] for row in rows]


async def tell(lab: Lab, alert_id: str) -> None:
    """It is sent."""
    attempt = uuid7()
    claim = Claim(attempt_id=attempt, boot_id=lab.boot, way="call", target="x", alert_ids=(alert_id,), now=NOW)
    await lab.pump.submit(ClaimOperation(), claim)
    await lab.pump.submit(EndOperation(), Ended(attempt_id=attempt, outcome="sent", now=NOW, due_at=NOW))


async def replay(lab: Lab, delivery: str, state: str) -> None:
    """It is asked for, tried once, and `sent` or `waiting` again."""
    ask = Ask(deliveries=((delivery, delivery.partition("/")[0]),), actor="agency:a1", now=NOW)
    await lab.pump.submit(AskOperation(), ask)
    ((found,),) = await lab.rows("SELECT id FROM replay WHERE delivery_id = ?", delivery)
    claim = ClaimReplays(replay_ids=(found,), attempt_id=found, boot_id=lab.boot, now=NOW)
    await lab.pump.submit(ClaimReplaysOperation(), claim)
    ended = Replayed(
        delivery_id=delivery,
        attempt_id=found,
        state="sent" if state == "sent" else "waiting",
        outcome="delivered",
        now=NOW,
        due_at=NOW,
    )
    await lab.pump.submit(ReplayedOperation(), ended)


async def forget(lab: Lab, days: float) -> int:
    """What ended before that long from now."""
    return await lab.pump.submit(ForgetEndedOperation(), ForgetEnded(before=NOW + days * DAY))


async def count(lab: Lab, table: str) -> int:
    """Its rows."""
    found: int = (await lab.rows(f"SELECT COUNT(*) FROM {table}"))[0][0]
    return found


def _json(texts: tuple[str, ...]) -> str:
    return "[" + ",".join(f'"{text}"' for text in texts) + "]"


async def test_what_ended_before_the_term_goes_and_its_events_stay(lab: Lab) -> None:
    """Sent, dropped, replayed; a run before the term takes nothing."""
    await lab.record(message("i1", "a1", name="m"))
    (sent,) = await plan(lab, "0900000001", delivery="m/i1")
    await tell(lab, sent)
    await plan(lab, "a@example.vn", delivery=None, settled="nothing_waits")
    await replay(lab, "m/a1", "sent")
    events = await lab.rows("SELECT * FROM event ORDER BY seq")
    assert await forget(lab, -1) == 0
    assert await forget(lab, 1) == 4
    assert [await count(lab, table) for table in ("alert", "alert_attempt", "replay")] == [0, 0, 0]
    assert await lab.rows("SELECT * FROM event ORDER BY seq") == events
    assert await forget(lab, 1) == 0


async def test_what_is_open_stays_and_so_does_what_was_told_about_the_same_delivery(lab: Lab) -> None:
    """A call that waits looks whether an earlier one was acknowledged; a replay that failed once is tried again."""
    await lab.record(message("i1", "a1", name="m"))
    first, second = await plan(lab, "0900000001", "0900000002", delivery="m/i1")
    await tell(lab, first)
    await replay(lab, "m/a1", "waiting")
    assert await forget(lab, 1) == 1  # the attempt
    assert [await count(lab, table) for table in ("alert", "replay")] == [2, 1]
    await lab.pump.submit(PutOperation(), Put(alert_ids=(second,), reason="acknowledged", now=NOW))
    assert await forget(lab, 1) == 2


async def test_a_run_takes_a_portion(lab: Lab) -> None:
    """However much there is, no transaction is long."""
    targets = tuple(f"a{number}@example.vn" for number in range(PORTION + 20))
    await plan(lab, *targets, delivery=None, settled="nothing_waits")
    assert [await forget(lab, 1) for _ in range(3)] == [PORTION, 20, 0]
